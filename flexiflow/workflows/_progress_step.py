"""A step of an execution while its events are folded, and as a value afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, final

from ..errors import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = [
    "FOLLOW",
    "FoldedStep",
    "Span",
    "SpanKind",
    "StepEvent",
    "StepStatus",
    "StepView",
    "error_text_of",
]

StepStatus = Literal[
    "waiting",
    "running",
    "retrying",
    "paused",
    "completed",
    "failed",
    "cancelled",
    "skipped",
]
"""How far a step has come."""

SpanKind = Literal["work", "failed", "wait", "pause", "lost"]
"""What filled a stretch of time: an attempt that is under way or went well, one that
failed, the wait before the next one or for a machine, a person's answer, an attempt
that nobody saw end because its process died."""

_LONGEST_TEXT: Final = 200
"""Characters of a result or an error that are kept."""


_LONGEST_REASON: Final = 500


class StepEvent(Protocol):
    """What the fold reads of an ``ExecutionEvent``."""

    @property
    def type(self) -> str:
        """What happened, as of ``ExecutionEventType``."""

    @property
    def name(self) -> str:
        """The task, the workflow or the pause."""

    @property
    def source_id(self) -> str:
        """The call that the event belongs to."""

    @property
    def value(self) -> Any:
        """What goes with it; Any because results are the user's."""

    @property
    def time(self) -> datetime:
        """When it happened."""


@final
@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in the life of a step."""

    kind: SpanKind
    """What filled it."""
    started: datetime
    """When it began; in the future for an attempt that is due later."""
    ended: datetime | None
    """When it ended; None while it lasts."""


@final
@dataclass(frozen=True, slots=True)
class StepView:
    """A step as it is now."""

    key: str
    """Its path in the execution; the same in every replay."""
    name: str
    """The name of its task."""
    source_id: str
    """The id of the call, as the events have it."""
    status: StepStatus
    """How far it has come."""
    started: datetime | None
    """When it began."""
    ended: datetime | None
    """When it ended; None while it lasts."""
    attempts: int
    """How often it was begun, the first time included."""
    parent_key: str | None
    """The step within which it runs, or None."""
    done: int | None
    """Items that went well, for a task that is mapped over many; else None."""
    total: int | None
    """Items in all, for such a task; else None."""
    result_text: str
    """Its result on one line, cut; empty while there is none."""
    error_text: str
    """Its error on one line, cut; empty when there is none."""
    executor: str
    """Where it runs, when that was said."""
    most_attempts: int | None
    """How often it may be begun, when that was said."""
    retried: int
    """Items that were tried again, for a mapped task."""
    spans: tuple[Span, ...]
    """How its time went, in order."""
    child_id: str
    """The execution that it began, for a call of another workflow; else empty."""
    reason: str = ""
    """Why it waits for a machine; empty when it does not."""


_NOTHING: Final = object()


class FoldedStep:
    """A step while it is folded."""

    __slots__ = (
        "attempts",
        "child_id",
        "done",
        "ended",
        "error_text",
        "executor",
        "key",
        "most_attempts",
        "name",
        "parent_key",
        "reason",
        "result",
        "retried",
        "source_id",
        "spans",
        "started",
        "status",
        "total",
    )

    def __init__(self, event: StepEvent, key: str, parent_key: str | None) -> None:
        self.key = key
        self.name = event.name
        self.source_id = event.source_id
        self.parent_key = parent_key
        self.status: StepStatus = "running"
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.attempts = 0
        self.most_attempts: int | None = None
        self.retried = 0
        self.done: int | None = None
        self.total: int | None = None
        self.result: Any = _NOTHING  # Any: the user's
        self.error_text = ""
        self.executor = ""
        self.child_id = ""
        self.reason = ""
        self.spans: list[Span] = []

    def open(self, kind: SpanKind, at: datetime) -> None:
        """Begin a span; one that lasts still is ended by it."""
        self.close(at)
        self.spans.append(Span(kind, at, None))

    def close(self, at: datetime, kind: SpanKind | None = None) -> None:
        """End the span that lasts, if there is one; its kind may be known only now."""
        if self.spans and self.spans[-1].ended is None:
            last = self.spans[-1]
            ended = max(at, last.started)
            self.spans[-1] = Span(kind or last.kind, last.started, ended)

    def end(self, status: StepStatus, at: datetime, kind: SpanKind | None) -> None:
        """Come to an end; what was due later does not come any more."""
        self.status = status
        self.reason = ""
        self.ended = at
        while self.spans and self.spans[-1].started > at:
            self.spans.pop()
        self.close(at, kind)
        if self.spans and (last := self.spans[-1]).ended and last.ended > at:
            self.spans[-1] = Span(last.kind, last.started, at)

    def view(self, text: Callable[[object, int], str] = one_line) -> StepView:
        """Return the step as a value; ``text`` cuts its result to a length."""
        result = "" if self.result is _NOTHING else text(self.result, _LONGEST_TEXT)
        return StepView(
            key=self.key,
            name=self.name,
            source_id=self.source_id,
            status=self.status,
            started=self.started,
            ended=self.ended,
            attempts=self.attempts,
            parent_key=self.parent_key,
            done=self.done,
            total=self.total,
            result_text=result,
            error_text=self.error_text,
            executor=self.executor,
            most_attempts=self.most_attempts,
            retried=self.retried,
            spans=tuple(self.spans),
            child_id=self.child_id,
            reason=self.reason,
        )


def _fields(event: StepEvent) -> Mapping[str, Any]:
    """Return the facts that go with an event, if it has named ones."""
    return event.value if isinstance(event.value, dict) else {}


def _count_in(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a count that was given by name."""
    value = fields.get(name)
    return value if type(value) is int else None


def _on_started(step: FoldedStep, event: StepEvent) -> None:
    fields = _fields(event)
    step.status = "running"
    step.started = step.started or event.time
    step.ended = None
    step.reason = ""
    step.attempts += 1
    retries = _count_in(fields, "retry_max_attempts")
    if retries:
        step.most_attempts = retries + 1
    if (total := _count_in(fields, "total")) is not None:
        step.total = total
        step.done = step.done or 0
    step.executor = str(fields.get("executor") or step.executor)
    step.child_id = str(fields.get("child") or step.child_id)
    if "due" in fields:
        step.close(event.time)
        step.spans.append(Span("wait", event.time, _due(event, fields)))
    else:
        step.open("work", event.time)


def _on_completed(step: FoldedStep, event: StepEvent) -> None:
    step.started = step.started or event.time
    if len(step.spans) > 1 and step.spans[-1].started >= event.time:
        step.spans.pop()  # an answer is the result: no work came after the wait
    step.result = event.value
    step.error_text = ""
    step.end("completed", event.time, None)


def _on_failed(step: FoldedStep, event: StepEvent) -> None:
    step.started = step.started or event.time
    step.error_text = error_text_of(event.value)
    step.end("failed", event.time, "failed")


def _on_cancelled(step: FoldedStep, event: StepEvent) -> None:
    step.started = step.started or event.time
    step.end("cancelled", event.time, None)


def _on_waiting(step: FoldedStep, event: StepEvent) -> None:
    step.reason = str(event.value or "")[:_LONGEST_REASON]
    if step.ended is None and step.status in {"running", "waiting"}:
        step.status = "waiting" if event.value else "running"
        began = event.time
        if (
            event.value
            and not step.done
            and step.spans
            and step.spans[-1].ended is None
        ):
            began = step.spans.pop().started  # no work was done in it
        step.open("wait" if event.value else "work", began)


def _on_paused(step: FoldedStep, event: StepEvent) -> None:
    step.started = step.started or event.time
    step.status = "paused"
    step.ended = None
    step.open("pause", event.time)


def _on_resumed(step: FoldedStep, event: StepEvent) -> None:
    step.status = "running"
    step.ended = None
    step.open("work", event.time)


def _on_retry_started(step: FoldedStep, event: StepEvent) -> None:
    fields = _fields(event)
    step.close(event.time, "failed")
    due = _due(event, fields)
    failed = step.spans[-1].ended if step.spans else None
    if failed is not None and due > failed:
        step.spans.append(Span("wait", failed, due))
    step.open("work", due)
    step.status = "retrying"
    step.attempts = _count_in(fields, "attempt") or step.attempts + 1
    step.most_attempts = _count_in(fields, "of") or step.most_attempts


def _due(event: StepEvent, fields: Mapping[str, Any]) -> datetime:
    """Return when a retry begins."""
    due = fields.get("due")
    if isinstance(due, int | float):
        return max(event.time, event.time.fromtimestamp(due, event.time.tzinfo))
    return event.time


def _on_retry_failed(step: FoldedStep, event: StepEvent) -> None:
    step.error_text = error_text_of(event.value)
    step.close(event.time, "failed")


def _on_retry_completed(step: FoldedStep, event: StepEvent) -> None:
    step.status = "running"
    step.error_text = ""
    step.close(event.time)


def _on_second_try(step: FoldedStep, event: StepEvent) -> None:
    step.close(event.time, "failed")
    step.open("work", event.time)


def _on_second_end(step: FoldedStep, event: StepEvent) -> None:
    step.close(event.time)


def _on_second_failure(step: FoldedStep, event: StepEvent) -> None:
    step.close(event.time, "failed")


FOLLOW: Final[dict[str, Callable[[FoldedStep, StepEvent], None]]] = {
    "TASK_STARTED": _on_started,
    "TASK_COMPLETED": _on_completed,
    "TASK_FAILED": _on_failed,
    "TASK_CANCELLED": _on_cancelled,
    "TASK_WAITING": _on_waiting,
    "TASK_PAUSED": _on_paused,
    "TASK_RESUMED": _on_resumed,
    "TASK_RETRY_STARTED": _on_retry_started,
    "TASK_RETRY_COMPLETED": _on_retry_completed,
    "TASK_RETRY_FAILED": _on_retry_failed,
    "TASK_FALLBACK_STARTED": _on_second_try,
    "TASK_FALLBACK_COMPLETED": _on_second_end,
    "TASK_FALLBACK_FAILED": _on_second_failure,
    "TASK_ROLLBACK_STARTED": _on_second_try,
    "TASK_ROLLBACK_COMPLETED": _on_second_end,
    "TASK_ROLLBACK_FAILED": _on_second_failure,
}
"""What each event of a task does to its step."""


def error_text_of(error: object) -> str:
    """Return an error on one line: its type and what it says.

    Parameters
    ----------
    error : object
        An exception, or the record of one.
    """
    inner = getattr(error, "inner_exception", None)
    if isinstance(inner, BaseException):
        error = inner
    if isinstance(error, BaseException):
        said = str(getattr(error, "what", None) or error)
        text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    elif isinstance(error, dict) and "type" in error:
        kind = str(error["type"]).rpartition(":")[2].rpartition(".")[2]
        said = str(error.get("text") or error.get("message") or "")
        text = f"{kind}: {said}" if said else kind
    else:
        text = "" if error is None else one_line(error, _LONGEST_TEXT)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
