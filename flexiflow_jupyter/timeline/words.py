"""Say what led to a step, and what failed after it, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flexiflow.chart_machine import ChartMachine

from ..event_rows import message_text

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent
    from flexiflow.steps import Failure, Step

__all__ = ["cause_of", "failed_text", "label_of"]

_LONGEST: Final = 200
_MOST_FAILURES: Final = 3


def label_of(component: AsyncComponent, step: Step) -> str:
    """Return what led to a step: a message, ``after 2s``, ``start``."""
    machine = component.state_machine
    if step.transitions and isinstance(machine, ChartMachine):
        first = machine.program.chart.transitions[step.transitions[0]]
        if first.trigger != "message":
            return first.label
    return message_text(step.message)[:_LONGEST]


def cause_of(component: AsyncComponent, step: Step) -> str:
    """Return what led to a step, and where it met the component."""
    if step.is_beginning:
        kind = step.message.get("type")
        return "put back by hand" if kind == "restore" else "the timeline begins here"
    label = label_of(component, step)
    return f"{label} in {step.from_state}" if step.from_state else label


def failed_text(failures: list[Failure]) -> str:
    """Return what failed after a step, or ``""``."""
    shown = [
        f"{message_text(one.message)} failed: {one.error}"[:_LONGEST]
        for one in failures[-_MOST_FAILURES:]
    ]
    more = len(failures) - len(shown)
    return "; ".join([*shown, *([f"{more} more before"] if more else [])])
