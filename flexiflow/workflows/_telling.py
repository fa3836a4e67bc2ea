"""Announce over the event bus what was written to the journal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, final

from .._scope import CURRENT
from .._scope import Scope as Story
from ..event_manager import AsyncEventManager
from ._scope import source_id
from .default_bus import default_bus

if TYPE_CHECKING:
    from ._live import Live
    from .journal import Record

__all__ = ["Telling"]

_log: Final = logging.getLogger("flexiflow.workflows")

_STATES: Final = {
    "WORKFLOW_SCHEDULED": "scheduled",
    "WORKFLOW_CLAIMED": "claimed",
    "WORKFLOW_STARTED": "running",
    "WORKFLOW_COMPLETED": "completed",
    "WORKFLOW_FAILED": "failed",
    "WORKFLOW_PAUSED": "paused",
    "WORKFLOW_RESUMING": "resuming",
    "WORKFLOW_RESUMED": "running",
    "WORKFLOW_CANCELLING": "cancelling",
    "WORKFLOW_CANCELLED": "cancelled",
}
_LONGEST_VALUE: Final = 500
"""Characters of a value that go with an event."""


def event_name(kind: str) -> str | None:
    """Return the event of a kind of record: ``task.retry.started``; None for none."""
    state = _STATES.get(kind)
    if state is not None:
        return f"workflow.execution.{state}"
    return kind.lower().replace("_", ".") if kind.startswith("TASK_") else None


@final
class Telling:
    """The way from the journal to a bus.

    Parameters
    ----------
    bus : AsyncEventManager, optional
        Where events go; one is made when somebody asks for it.
    """

    __slots__ = ("_bus",)

    def __init__(self, bus: AsyncEventManager | None) -> None:
        self._bus = bus

    @property
    def bus(self) -> AsyncEventManager:
        """Where events go."""
        if self._bus is None:
            self._bus = default_bus() or AsyncEventManager()
        return self._bus

    @bus.setter
    def bus(self, bus: AsyncEventManager) -> None:
        self._bus = bus

    @staticmethod
    def failed(text: str) -> None:
        """Log an error that is being handled."""
        _log.exception(text)

    def is_heard(self) -> bool:
        """Whether there is a bus at all."""
        return self._bus is not None or default_bus() is not None

    def tell(self, live: Live, record: Record, seq: int) -> None:
        """Announce a record that was committed, if anybody hears of it."""
        bus = self._bus or default_bus()
        if bus is None:
            return
        name = event_name(record.kind)
        if name is None or not bus.is_heard(name):
            return
        facts: dict[str, Any] = {  # Any: texts and numbers
            "execution_id": live.id,
            "workflow_name": live.workflow_name,
            "state": record.state or live.state.value,
            "type": record.kind,
            "name": record.name,
            "key": record.key,
            "source_id": source_id(live.id, record.key),
            "value": (record.value or "")[:_LONGEST_VALUE],
            "timestamp": record.time,
            "id": seq,
        }
        token = CURRENT.set(Story(live.correlation_id))
        try:
            bus.announce_from_anywhere(name, facts, live.id)
        finally:
            CURRENT.reset(token)
