"""Fold the events of an execution into what a person wants to see: its steps.

The fold is incremental: an event costs the same whether it is the tenth or the ten
thousandth, so that a live view never reads a history twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from ..errors import one_line
from ._progress_step import (
    FOLLOW,
    FoldedStep,
    Span,
    SpanKind,
    StepEvent,
    StepStatus,
    StepView,
    error_text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

__all__ = [
    "PendingPause",
    "Progress",
    "Span",
    "SpanKind",
    "StepEvent",
    "StepStatus",
    "StepView",
    "error_text_of",
    "steps_of",
]

_ANSWERED: Final = {
    "TASK_RESUMED",
    "TASK_COMPLETED",
    "TASK_FAILED",
    "TASK_CANCELLED",
}
_STATES: Final = {
    "WORKFLOW_SCHEDULED": "SCHEDULED",
    "WORKFLOW_CLAIMED": "CLAIMED",
    "WORKFLOW_STARTED": "RUNNING",
    "WORKFLOW_COMPLETED": "COMPLETED",
    "WORKFLOW_FAILED": "FAILED",
    "WORKFLOW_PAUSED": "PAUSED",
    "WORKFLOW_RESUMING": "RESUMING",
    "WORKFLOW_RESUMED": "RUNNING",
    "WORKFLOW_CANCELLING": "CANCELLING",
    "WORKFLOW_CANCELLED": "CANCELLED",
}
_ENDS: Final = {"WORKFLOW_COMPLETED", "WORKFLOW_FAILED", "WORKFLOW_CANCELLED"}


@final
@dataclass(frozen=True, slots=True)
class PendingPause:
    """A question that waits for an answer."""

    key: str
    """The path of the step that asks."""
    name: str
    """The name of the pause."""
    value: Any
    """What goes with the question; Any because it is the user's."""
    since: datetime
    """When it was asked."""


@final
class Progress:
    """The steps of one execution, kept true to its events.

    Parameters
    ----------
    events : iterable of StepEvent, default ()
        What happened so far.
    text : callable, optional
        Writes a result on one line, cut to a length; by default its ``repr``.

    Notes
    -----
    A task that is mapped over many items is one step with ``done`` and ``total``; its
    items are counted, not listed. Events may come twice: what is known already changes
    nothing. Not safe for use from several threads at once.
    """

    def __init__(
        self,
        events: Iterable[StepEvent] = (),
        *,
        text: Callable[[object, int], str] = one_line,
    ) -> None:
        self.state = "CREATED"
        """The name of the ``ExecutionState`` that the events tell of."""
        self.started: datetime | None = None
        """When the execution began."""
        self.ended: datetime | None = None
        """When it came to its end; None while it has not."""
        self.outcome: Any = None
        """Its result, or the error it failed with; Any because it is the user's."""
        self.tally: Counter[StepStatus] = Counter()
        """How many steps there are of each status."""
        self.retries = 0
        """How often a step, or an item of one, was tried again."""
        self._text = text
        self._changed: dict[str, None] = {}
        self._steps: dict[str, FoldedStep] = {}
        self._items: dict[str, str] = {}
        self._pauses: dict[str, PendingPause] = {}
        self._latest: datetime | None = None
        for event in events:
            self.take(event)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._steps)

    @property
    def pauses(self) -> tuple[PendingPause, ...]:
        """The questions that wait for an answer, the oldest first."""
        return tuple(self._pauses.values())

    def steps(self) -> tuple[StepView, ...]:
        """Return all steps, in the order in which they were begun."""
        return tuple(step.view(self._text) for step in self._steps.values())

    def step(self, key: str) -> StepView | None:
        """Return the step of a key, or None."""
        found = self._steps.get(key)
        return None if found is None else found.view(self._text)

    def take_changed(self) -> tuple[str, ...]:
        """Return the keys of the steps that changed since this was last called.

        They stand in the order of their first change: new steps as they were begun.
        """
        changed = tuple(self._changed)
        self._changed.clear()
        return changed

    def take(self, event: StepEvent) -> None:
        """Follow one more event."""
        kind = str(event.type)
        if kind in _STATES:
            self._take_workflow(kind, event)
        elif (follow := FOLLOW.get(kind)) is not None:
            key = getattr(event, "key", "") or event.source_id
            self._take_task(kind, follow, key, event)
        self._latest = event.time

    # --- the workflow -----------------------------------------------------------------

    def _take_workflow(self, kind: str, event: StepEvent) -> None:
        """Follow an event of the execution itself."""
        self.state = _STATES[kind]
        if self.started is None:
            self.started = event.time
        if kind not in _ENDS:
            return
        self.ended = event.time
        self.outcome = event.value
        self._pauses.clear()
        for step in self._steps.values():
            if step.ended is None:
                self._cancel(step, event.time)

    # --- tasks ------------------------------------------------------------------------

    def _take_task(
        self,
        kind: str,
        follow: Callable[[FoldedStep, StepEvent], None],
        key: str,
        event: StepEvent,
    ) -> None:
        """Follow an event of a task: of a step, or of an item that is only counted."""
        self._note_pause(kind, key, event)
        if kind == "TASK_RETRY_STARTED":
            self.retries += 1
        step = self._steps.get(key)
        if step is None:
            owner = self._items.get(key) or self._counted_above(key)
            if owner is not None:
                self._count(kind, key, self._steps[owner])
                return
            step = self._steps[key] = FoldedStep(event, key, self._parent_of(key))
            self.tally[step.status] += 1
        elif kind == "TASK_STARTED" and step.ended is None and self._latest:
            step.close(self._latest, "lost")
        self.tally[step.status] -= 1
        follow(step, event)
        self.tally[step.status] += 1
        self._changed[key] = None
        if step.status == "failed":
            self._end_within(step)

    def _end_within(self, failed: FoldedStep) -> None:
        """End what ran within a step that failed: its branches are cancelled."""
        for step in self._steps.values():
            if step.ended is None and step.key.startswith(failed.key):
                parent = self._steps.get(step.parent_key or "")
                if parent is not None and parent.ended is not None and failed.ended:
                    self._cancel(step, failed.ended)

    def _cancel(self, step: FoldedStep, at: datetime) -> None:
        """End a step that nobody waits for any more."""
        self.tally[step.status] -= 1
        step.end("cancelled", at, None)
        self.tally[step.status] += 1
        self._changed[step.key] = None

    def _note_pause(self, kind: str, key: str, event: StepEvent) -> None:
        """Remember a question until it is answered."""
        if kind == "TASK_PAUSED":
            pause = PendingPause(key, event.name, event.value, event.time)
            self._pauses[key] = pause
        elif kind in _ANSWERED:
            self._pauses.pop(key, None)

    def _count(self, kind: str, key: str, owner: FoldedStep) -> None:
        """Count what happened to an item of a mapped task."""
        is_direct = self._parent_of(key, among_steps_only=False) == owner.key
        self._items[key] = owner.key
        if is_direct and kind == "TASK_COMPLETED":
            owner.done = (owner.done or 0) + 1
        elif is_direct and kind == "TASK_RETRY_STARTED":
            owner.retried += 1
        self._changed[owner.key] = None

    def _counted_above(self, key: str) -> str | None:
        """Return the mapped task that an item belongs to, at any depth."""
        parent = self._parent_of(key)
        if parent is None:
            return None
        step = self._steps[parent]
        return parent if step.total is not None else None

    def _parent_of(self, key: str, *, among_steps_only: bool = True) -> str | None:
        """Return the nearest step whose path a key begins with."""
        while True:
            at = max(key.rfind("/"), key.rfind("~"))
            if at <= 0:
                return None
            key = key[:at]
            if key in self._steps or (not among_steps_only and key in self._items):
                return key


def steps_of(events: Iterable[StepEvent]) -> tuple[StepView, ...]:
    """Return the steps that events tell of, in the order in which they were begun.

    Parameters
    ----------
    events : iterable of StepEvent
        The events of one execution, in order.
    """
    return Progress(events).steps()
