"""Name the bus of runtimes that were given none; costs nothing to import.

A notebook has a bus long before somebody needs a runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ..event_manager import AsyncEventManager

__all__ = ["default_bus", "set_default_bus"]


class _Default:
    bus: ClassVar[AsyncEventManager | None] = None


def default_bus() -> AsyncEventManager | None:
    """Return the bus that was set, or None."""
    return _Default.bus


def set_default_bus(bus: AsyncEventManager | None) -> None:
    """Let runtimes that were given no bus announce their events there.

    Parameters
    ----------
    bus : AsyncEventManager or None
        The bus; None: each of them makes one when somebody asks for it.
    """
    _Default.bus = bus
