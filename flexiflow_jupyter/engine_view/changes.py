"""Tell when the picture of an engine may be another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow.event_manager import AsyncEventManager

__all__ = ["EngineChanges", "EngineListener"]


@final
class EngineChanges:
    """What happens on a bus, and among its dead letters.

    Parameters
    ----------
    bus : AsyncEventManager
        The engine's bus.
    """

    def __init__(self, bus: AsyncEventManager) -> None:
        self._bus = bus

    def listen(self, callback: Callable[[], object], /) -> EngineListener:
        """Return a listener, not armed yet."""
        return EngineListener(self._bus, callback)


@final
class EngineListener:
    """Hears of one change, then stays silent until it is armed again."""

    def __init__(self, bus: AsyncEventManager, callback: Callable[[], object]) -> None:
        self._events = bus.keep_history().listen(callback)
        letters = bus.dead_letters
        self._stop = None if letters is None else letters.listen(callback)

    def arm(self) -> None:
        """Hear of the next change."""
        self._events.arm()

    def close(self) -> None:
        """Hear of nothing any more; idempotent."""
        self._events.close()
        if self._stop is not None:
            self._stop()
            self._stop = None
