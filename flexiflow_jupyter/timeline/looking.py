"""Read the steps of a component for a page: how many, and one as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ..event_rows import short_json, short_story
from ..protocol import (
    ContextEntry,
    EdgeStatus,
    PaceInfo,
    RecordingInfo,
    StepAnswer,
    TimelineInfo,
)
from .words import cause_of, failed_text, label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flexiflow.component import AsyncComponent
    from flexiflow.recording import Recording
    from flexiflow.steps import Step, Steps

__all__ = ["StepReader", "context_entries", "parents_of"]

_LONGEST_VALUE: Final = 200
_MOST_KEYS: Final = 100
_MOST_LABELS: Final = 40
"""Steps up to which all of them have their label on the track."""
_MOST_FAILED: Final = 200

# Any in this module: the data of a user's chart.


@final
class StepReader:
    """What a page is told of a component's steps.

    Parameters
    ----------
    component : AsyncComponent
        Whose steps; they are kept from now on.
    edge_of : callable
        Returns the page's name of the edge that a step took last, or None.
    recording : callable
        Returns the recording of it that is not told yet, or None.
    """

    def __init__(
        self,
        component: AsyncComponent,
        *,
        edge_of: Callable[[Step], str | None],
        recording: Callable[[], Recording | None],
    ) -> None:
        self._component = component
        self._steps: Steps = component.keep_steps()
        self._edge_of = edge_of
        self._recording = recording

    def info(self) -> TimelineInfo:
        """Return the trait ``timeline``."""
        component, steps = self._component, self._steps
        first, last = steps.first, steps.last
        failed = {one.after for one in steps.failures if one.after >= first}
        pace, recording = component.pace, self._recording()
        return TimelineInfo(
            first=first,
            last=last,
            failed=sorted(failed)[-_MOST_FAILED:],
            labels=[label_of(component, step) for step in steps]
            if last - first < _MOST_LABELS
            else [],
            recording=None
            if recording is None
            else RecordingInfo(steps=len(recording)),
            pace=PaceInfo(mode=pace.mode, waiting=pace.waiting, delay_s=pace.delay_s),
            fork_of=steps.forked_from,
            undo=self._undo(),
        )

    def _undo(self) -> EdgeStatus:
        """Say whether the last step can be undone."""
        component = self._component
        reason = component.why_no_undo()
        if component.is_shut:
            reason = f"{component.name} is closed."
        return EdgeStatus(enabled=not reason, reason=reason)

    def answer(self, number: int) -> StepAnswer:
        """Return the component as it was after a step; the nearest that is held.

        Cost: the keys of its context; not the number of steps.
        """
        component, steps = self._component, self._steps
        number = min(max(number, steps.first), steps.last)
        step, before = steps[number], steps.before(number)
        paths = list(step.paths)
        context: Mapping[str, Any] = step.context or {}
        entries = context_entries(context, None if before is None else before.context)
        failed = [one for one in steps.failures if one.after == number]
        return StepAnswer(
            kind="step",
            at=number,
            active=paths,
            parents=parents_of(paths),
            edge=self._edge_of(step),
            time_ms=round(step.timestamp * 1000, 3),
            message=label_of(component, step),
            cause=cause_of(component, step),
            story="" if step.is_beginning else short_story(step.correlation_id),
            seq=step.seq,
            state=step.state,
            context=entries,
            context_more=len(context) - len(entries),
            output=[(one.stream, one.text) for one in step.output],
            failed=failed_text(failed),
        )


def context_entries(
    context: Mapping[str, Any], before: Mapping[str, Any] | None
) -> list[ContextEntry]:
    """Return a context as display text, with what differs from another.

    Parameters
    ----------
    context : mapping
        The data.
    before : mapping or None
        What was there before; None: nothing is known of it, and nothing is marked.
    """
    entries = []
    for key, value in list(context.items())[:_MOST_KEYS]:
        old = None if before is None else before.get(key)
        same = before is None or (key in before and old is value) or old == value
        changed = not same or (before is not None and key not in before)
        known = changed and before is not None and key in before
        entries.append(
            ContextEntry(
                key=str(key),
                value=short_json(value, _LONGEST_VALUE),
                previous=short_json(old, _LONGEST_VALUE) if known else None,
                changed=changed,
            )
        )
    return entries


def parents_of(active: Iterable[str]) -> list[str]:
    """Return the paths of the states around the active leaves, outermost first."""
    found: dict[str, None] = {}
    for path in active:
        parts = path.split(".")
        for depth in range(1, len(parts)):
            found[".".join(parts[:depth])] = None
    return list(found)
