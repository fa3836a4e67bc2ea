"""Say what an execution is and what happened in it: states, events, the context."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, final

from . import _values
from ._scope import scope_here, source_id
from .errors import WorkflowError
from .replay import SEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .journal.protocol import Record

__all__ = [
    "ExecutionContext",
    "ExecutionEvent",
    "ExecutionEventType",
    "ExecutionState",
    "ResourceRequest",
]

T = TypeVar("T")


class ExecutionState(StrEnum):
    """How far an execution has come."""

    CREATED = "CREATED"
    """It exists; nobody has begun with it."""
    SCHEDULED = "SCHEDULED"
    """It waits for a worker."""
    CLAIMED = "CLAIMED"
    """A worker has taken it."""
    RUNNING = "RUNNING"
    """Its body is at work."""
    PAUSED = "PAUSED"
    """It waits for an answer; nothing of it needs to be in memory."""
    RESUMING = "RESUMING"
    """The answer is there, and the body about to go on."""
    CANCELLING = "CANCELLING"
    """It was asked to end, and may still clean up."""
    COMPLETED = "COMPLETED"
    """Its body has returned."""
    FAILED = "FAILED"
    """Its body has raised."""
    CANCELLED = "CANCELLED"
    """It has ended because it was asked to."""
    NEEDS_DEFINITION = "NEEDS_DEFINITION"
    """It would go on, but its workflow has not been defined in this process."""


class ExecutionEventType(StrEnum):
    """What may happen in an execution."""

    WORKFLOW_SCHEDULED = "WORKFLOW_SCHEDULED"
    """It waits for a worker."""
    WORKFLOW_CLAIMED = "WORKFLOW_CLAIMED"
    """A process has taken it over from one that died."""
    WORKFLOW_STARTED = "WORKFLOW_STARTED"
    """It is stored, and its body begins."""
    WORKFLOW_COMPLETED = "WORKFLOW_COMPLETED"
    """Its body returned ``value``."""
    WORKFLOW_FAILED = "WORKFLOW_FAILED"
    """Its body raised ``value``."""
    WORKFLOW_PAUSED = "WORKFLOW_PAUSED"
    """It waits for the answer to the pause ``name``."""
    WORKFLOW_RESUMING = "WORKFLOW_RESUMING"
    """Somebody answered."""
    WORKFLOW_RESUMED = "WORKFLOW_RESUMED"
    """It goes on with the answer ``value``."""
    WORKFLOW_CANCELLING = "WORKFLOW_CANCELLING"
    """It was asked to end."""
    WORKFLOW_CANCELLED = "WORKFLOW_CANCELLED"
    """It ended because it was asked to."""

    TASK_STARTED = "TASK_STARTED"
    """A step begins; after a crash once more, when it was under way."""
    TASK_COMPLETED = "TASK_COMPLETED"
    """A step came to its result ``value``."""
    TASK_FAILED = "TASK_FAILED"
    """A step failed for good, with the error ``value``."""
    TASK_CANCELLED = "TASK_CANCELLED"
    """A step was given up by the body itself: its branch was cancelled."""
    TASK_WAITING = "TASK_WAITING"
    """A step waits for a machine, because of ``value``; empty: it does so no more."""
    TASK_PAUSED = "TASK_PAUSED"
    """A step waits for an answer."""
    TASK_RESUMED = "TASK_RESUMED"
    """A step got its answer ``value``."""
    TASK_RETRY_STARTED = "TASK_RETRY_STARTED"
    """A step will be tried again: attempt ``value["attempt"]``, at ``value["due"]``."""
    TASK_RETRY_COMPLETED = "TASK_RETRY_COMPLETED"
    """That went well."""
    TASK_RETRY_FAILED = "TASK_RETRY_FAILED"
    """That failed as well, with the error ``value``."""
    TASK_FALLBACK_STARTED = "TASK_FALLBACK_STARTED"
    """The fallback of a step begins."""
    TASK_FALLBACK_COMPLETED = "TASK_FALLBACK_COMPLETED"
    """The fallback gave the step its result ``value``."""
    TASK_FALLBACK_FAILED = "TASK_FALLBACK_FAILED"
    """The fallback failed with the error ``value``."""
    TASK_ROLLBACK_STARTED = "TASK_ROLLBACK_STARTED"
    """The rollback of a step begins."""
    TASK_ROLLBACK_COMPLETED = "TASK_ROLLBACK_COMPLETED"
    """What the step did is undone."""
    TASK_ROLLBACK_FAILED = "TASK_ROLLBACK_FAILED"
    """The rollback failed with the error ``value``."""


_TYPES: Final = {item.value: item for item in ExecutionEventType}
_ENDS: Final = {
    ExecutionState.COMPLETED,
    ExecutionState.FAILED,
    ExecutionState.CANCELLED,
}
_UNREAD: Final = object()


@final
@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """What a workflow or a task needs of the machine that runs it."""

    cpu: float | None = None
    """Cores."""
    memory: str | int | None = None
    """Bytes, or text such as ``"8Gi"``."""
    gpu: int | None = None
    """GPUs."""
    packages: list[str] = field(default_factory=list)
    """Python packages, as pip names them."""


@final
class ExecutionEvent:
    """One thing that happened in an execution; never mutated.

    Parameters
    ----------
    type : ExecutionEventType or str
        What happened.
    name : str
        The task, the workflow or the pause.
    source_id : str
        The call of the task, or the execution.
    value : Any
        What goes with it: a result, an error, an answer, facts by name.
    time : datetime, optional
        When, aware; now when it is left out.
    key : str
        The path of the step; empty for the execution itself.
    id : str
        Its number in the journal.
    """

    __slots__ = (
        "_read",
        "_stamp",
        "_text",
        "_value",
        "id",
        "key",
        "name",
        "source_id",
        "type",
    )

    type: ExecutionEventType
    """What happened."""
    name: str
    """The task, the workflow or the pause."""
    source_id: str
    """The call of the task, or the execution; the same in all events of one."""
    key: str
    """The path of the step in the body; empty for the execution itself."""
    id: str
    """Its number in the journal, as text; larger for what happened later."""

    def __init__(
        self,
        type: ExecutionEventType | str,
        name: str = "",
        source_id: str = "",
        value: Any = None,  # Any: whatever the user's code returns
        *,
        time: datetime | None = None,
        key: str = "",
        id: str = "",
    ) -> None:
        self.type = ExecutionEventType(type)
        self.name = name
        self.source_id = source_id
        self.key = key
        self.id = id
        self._stamp = (time or datetime.now(UTC)).timestamp()
        self._text: str | None = None
        self._value = value
        self._read: Callable[[str], Any] = _values.value_of

    @classmethod
    def of(
        cls, record: Record, seq: int, read: Callable[[str], Any] = _values.value_of
    ) -> ExecutionEvent:
        """Return the event of a journal record; its value is decoded when looked at."""
        self = cls.__new__(cls)
        self.type = _TYPES[record.kind]
        self.name = record.name
        self.key = record.key
        self.source_id = source_id(record.execution_id, record.key)
        self.id = str(seq)
        self._stamp = record.time
        self._text = record.value
        self._value = _UNREAD
        self._read = read
        return self

    @property
    def value(self) -> Any:
        """What goes with it, or None; Any because it is the user's."""
        if self._value is _UNREAD:
            try:
                self._value = None if self._text is None else self._read(self._text)
            except WorkflowError:  # its class or its file is gone
                self._value = self._text
            if self.type is ExecutionEventType.TASK_STARTED and self._value:
                self._value.pop(SEEN, None)  # the engine's own
                self._value = self._value or None
        return self._value

    @property
    def time(self) -> datetime:
        """When it happened, an aware UTC instant."""
        return datetime.fromtimestamp(self._stamp, UTC)

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON data."""
        return {
            "id": self.id,
            "type": self.type.value,
            "name": self.name,
            "source_id": self.source_id,
            "key": self.key,
            "time": self.time.isoformat(),
            "value": _values.to_json(self.value),
        }

    def __repr__(self) -> str:
        return f"<ExecutionEvent {self.id} {self.type.value} {self.name!r} {self.key}>"


@final
class ExecutionContext(Generic[T]):
    """One execution of a workflow: what it was given, where it is, what it came to.

    Notes
    -----
    The context of an execution that runs in this process is live: its state and events
    follow. It may be read from any thread.
    """

    __slots__ = (
        "__weakref__",
        "_events",
        "_lock",
        "_output",
        "_read",
        "_records",
        "_seqs",
        "code_changed",
        "execution_id",
        "input",
        "state",
        "workflow_name",
    )

    execution_id: str
    """Its id."""
    workflow_name: str
    """The name of the workflow."""
    input: T
    """What it was given."""
    state: ExecutionState
    """How far it has come."""
    code_changed: bool
    """Whether it was gone on with by other code than it began with."""

    def __init__(self, execution_id: str, workflow_name: str, input: T) -> None:
        self.execution_id = execution_id
        self.workflow_name = workflow_name
        self.input = input
        self.state = ExecutionState.CREATED
        self.code_changed = False
        self._output: Any = _UNREAD
        self._records: list[Record] = []
        self._seqs: list[int] = []
        self._read: Callable[[str], Any] = _values.value_of
        self._events: list[ExecutionEvent] = []
        self._lock = threading.Lock()

    @staticmethod
    async def get() -> ExecutionContext[Any]:
        """Return the execution that the calling task or body belongs to.

        Raises
        ------
        ExecutionContextNotFoundError
            If the code at work belongs to no execution.
        """
        context: ExecutionContext[Any] = scope_here().drive.live.context
        return context

    # --- what happened ----------------------------------------------------------------

    @property
    def events(self) -> list[ExecutionEvent]:
        """What happened so far, in order; the same list, longer, at each reading."""
        events, seqs = self._events, self._seqs
        if len(events) != len(seqs):
            with self._lock:
                while (at := len(events)) < len(seqs):
                    events.append(self.event_of(self._records[at], seqs[at]))
        return events

    def event_of(self, record: Record, seq: int) -> ExecutionEvent:
        """Return the event of a record; the engine calls this."""
        return ExecutionEvent.of(record, seq, self._read)

    def read_with(self, read: Callable[[str], Any]) -> None:
        """Read stored values in another way; the engine calls this."""
        self._read = read

    def take(self, record: Record, seq: int) -> bool:
        """Follow what was written to the journal; the engine calls this.

        Returns whether it is an event, not one of the engine's own notes.
        """
        if record.kind not in _TYPES or (self._seqs and seq <= self._seqs[-1]):
            return False  # no event, or read from the journal meanwhile
        self._records.append(record)
        self._seqs.append(seq)  # readers in other threads go by this list
        if record.state:
            self.state = ExecutionState(record.state)
            self._output = _UNREAD
        return True

    def read(self, records: Sequence[Record]) -> None:
        """Follow what the journal held already; the engine calls this."""
        last = self._seqs[-1] if self._seqs else 0
        new = [r for r in records if r.seq > last and r.kind in _TYPES]
        self._records += new
        self._seqs += [record.seq for record in new]
        state = next((record.state for record in reversed(new) if record.state), None)
        if state is not None:
            self.state = ExecutionState(state)
            self._output = _UNREAD

    def settle(self, output: Any) -> None:
        """Hold the output itself rather than what was stored of it."""
        self._output = output

    @property
    def output(self) -> Any:
        """What the body returned, or the error it failed with; else None."""
        if self._output is not _UNREAD:
            return self._output
        if self.state not in _ENDS:
            return None
        last = next((r for r in reversed(self._records) if r.state), None)
        if last is not None and last.value is not None:
            self._output = self._read(last.value)
            return self._output
        return None

    # --- questions --------------------------------------------------------------------

    @property
    def has_started(self) -> bool:
        """Whether its body has begun."""
        return any(r.kind == "WORKFLOW_STARTED" for r in self._records)

    @property
    def has_finished(self) -> bool:
        """Whether it has come to its end: completed, failed or cancelled."""
        return self.state in _ENDS

    @property
    def has_succeeded(self) -> bool:
        """Whether its body has returned."""
        return self.state is ExecutionState.COMPLETED

    @property
    def has_failed(self) -> bool:
        """Whether its body has raised."""
        return self.state is ExecutionState.FAILED

    @property
    def is_cancelled(self) -> bool:
        """Whether it ended because it was asked to."""
        return self.state is ExecutionState.CANCELLED

    @property
    def is_paused(self) -> bool:
        """Whether it waits for an answer."""
        return self.state is ExecutionState.PAUSED

    @property
    def is_resuming(self) -> bool:
        """Whether the answer is there and the body about to go on."""
        return self.state is ExecutionState.RESUMING

    # --- as data ----------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """Return all but the events, as JSON data."""
        return {
            "workflow_id": self.workflow_name,
            "workflow_name": self.workflow_name,
            "execution_id": self.execution_id,
            "input": _values.to_json(self.input),
            "output": _values.to_json(self.output),
            "state": self.state.value,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything, the events included, as JSON data."""
        events = [event.to_dict() for event in self.events]
        return {**self.summary(), "events": events}

    def to_json(self) -> str:
        """Return the same as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def __repr__(self) -> str:
        name, state = self.workflow_name, self.state.value
        return f"<ExecutionContext {self.execution_id} of {name!r}: {state}>"
