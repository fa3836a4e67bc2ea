"""Try messages in a sandbox that begins at a step: what would be, beside what is."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import FlexiFlowError
from flexiflow.statechart import Emit, Log, SendMessage, chart_fields

from ..event_rows import message_text
from ..protocol import MessageInfo, SandboxInfo, SandboxTry
from ..sending import problem_of, read_free_text
from .looking import context_entries, parents_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flexiflow.component import AsyncComponent
    from flexiflow.statechart import Field as ChartField
    from flexiflow.statechart import Simulation, TraceStep

    from ..protocol import Field, Problem

__all__ = ["WhatIf", "page_field"]

_MOST_TRIES: Final = 100
_LONGEST_NOTE: Final = 300

# Any in this module: the data of a user's chart.


@final
class WhatIf:
    """A sandbox as a page shows it; what is tried there touches nothing.

    Parameters
    ----------
    component : AsyncComponent
        Whose chart is run; it is left alone.
    at : int
        The step at which the sandbox begins.

    Raises
    ------
    flexiflow.errors.ComponentError
        If the component has no sandbox: its states are classes.
    IndexError
        If the step is not held any more.
    """

    def __init__(self, component: AsyncComponent, at: int) -> None:
        self._at = at
        self._simulation: Simulation = component.sandbox(at=at)
        self._before: dict[str, Any] | None = None
        self._trail: deque[SandboxTry] = deque(maxlen=_MOST_TRIES)
        self._notice: Problem | None = None

    @property
    def simulation(self) -> Simulation:
        """The sandbox itself."""
        return self._simulation

    def send(self, text: str) -> None:
        """Try a message, written as ``TYPE`` or ``TYPE {json}``.

        Raises
        ------
        flexiflow.errors.ConfigError
            If it is none.
        """
        message = read_free_text(text)
        self._try(message_text(message), lambda: self._simulation.send(message))

    # Any: seconds, or a text like 5s
    def advance(self, seconds: Any) -> None:
        """Let time go on in the sandbox.

        Raises
        ------
        flexiflow.errors.ConfigError
            If it is no duration.
        """
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        label = f"{seconds:g}s" if number else str(seconds).strip()
        given = seconds if number else label
        self._try(f"{label} later", lambda: self._simulation.advance(given))

    def _try(self, label: str, act: Any) -> None:
        """Do something in the sandbox, and note where it led."""
        simulation = self._simulation
        self._before, known = simulation.context, len(simulation.trace)
        self._notice = None
        try:
            act()
        except FlexiFlowError as error:
            if len(simulation.trace) == known:
                raise  # it was no message, or no duration
            self._notice = problem_of(error)
        note = _note_of(simulation.trace[known:])
        state = ",".join(simulation.paths)
        self._trail.append(SandboxTry(message=label, state=state, note=note))

    def info(self) -> SandboxInfo:
        """Return the trait ``sandbox``."""
        simulation = self._simulation
        active = list(simulation.paths)
        return SandboxInfo(
            at=self._at,
            active=active,
            parents=parents_of(active),
            context=context_entries(simulation.context, self._before),
            messages=[self._message(kind) for kind in simulation.chart.messages],
            timers=self._has_timers(active),
            trail=list(self._trail),
            notice=self._notice,
        )

    def _message(self, kind: str) -> MessageInfo:
        """Say whether a bare message would do something."""
        simulation = self._simulation
        try:
            reason = str(simulation.why_not(kind))
        except FlexiFlowError as error:
            reason = error.what
        found = chart_fields(simulation.chart, kind, simulation.paths)
        fields = [page_field(field) for field in found]
        return MessageInfo(type=kind, enabled=not reason, reason=reason, fields=fields)

    def _has_timers(self, active: list[str]) -> bool:
        """Return whether time does something here."""
        here = {*active, *parents_of(active), ""}
        waits = any(
            one.trigger == "after" and one.source in here
            for one in self._simulation.chart.transitions
        )
        return waits or self._simulation.timeline.due_s is not None


def page_field(field: ChartField) -> Field:
    """Describe a field of a message to the page."""
    shown: Field = {
        "name": field.name,
        "kind": field.kind,
        "hint": field.hint,
        "required": field.required,
    }
    if field.choices:
        shown["choices"] = list(field.choices)
    return shown


def _note_of(trace: list[TraceStep]) -> str:
    """Say why nothing happened, or what would have left the component."""
    if not trace:
        return "nothing was due"
    parts: list[str] = []
    for step in trace:
        if step.error:
            parts.append(step.error)
        elif step.why_not:
            parts.append(step.why_not)
        parts += _would(step)
    return "; ".join(dict.fromkeys(parts))[:_LONGEST_NOTE]


def _would(step: TraceStep) -> Iterator[str]:
    """Name what was recorded, and not done."""
    for call in step.calls:
        if not call.is_faked:
            yield f"would call {call.name}"
    for effect in step.effects:
        if isinstance(effect, Emit):
            yield f"would emit {effect.event}"
        elif isinstance(effect, SendMessage) and effect.to:
            yield f"would send {effect.message.get('type')} to {effect.to}"
        elif isinstance(effect, Log):
            yield f"would log {effect.text}"
