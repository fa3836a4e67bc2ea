"""Run a hidden scenario on a student's machine, and word a hint that helps."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from flexiflow.statechart import Emit, run_scenario

from ..event_rows import short_json
from .findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flexiflow.statechart import Chart, Functions, ScenarioResult, TraceStep
    from flexiflow.statechart.model import Scenario

    from .sheets import HiddenScenario

__all__ = ["judge"]

_LONGEST_FIELDS = 60
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class _Step(NamedTuple):
    """One thing that a scenario does to the machine."""

    words: str
    """The same for people."""
    message: Mapping[str, Any] | None
    """What is sent, None when time passes; Any: JSON."""


def judge(hidden: HiddenScenario, chart: Chart, functions: Functions | None) -> Finding:
    """Run one scenario in a sandbox: nothing outside of it happens.

    Parameters
    ----------
    hidden : HiddenScenario
        What is sent, what is expected, and perhaps the author's hint.
    chart : Chart
        The student's machine.
    functions : Functions or None
        Where its guards are found; actions and services are not called.

    Returns
    -------
    Finding
        Its hint has a line for what was tried, one for what came of it, and the
        author's.
    """
    name, steps = hidden.scenario.name, _steps_of(hidden.scenario)
    try:
        with redirect_stdout(StringIO()):  # a guard may print, after each cell
            result = run_scenario(chart, hidden.scenario, functions=functions)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a student's guard
        what = f"It raised {type(error).__name__}: {error}"
        lines = [_tried(hidden.scenario, steps), what]
        return Finding(name, passed=False, hint="\n".join(lines))
    wrong = _side_effects(hidden, result)
    if result and not wrong:
        return Finding(name, passed=True)
    if not result:
        wrong = f"{_end_of(result, chart)} {_last_ignored(result, steps)}".strip()
    lines = [_tried(hidden.scenario, steps), wrong, hidden.hint]
    return Finding(name, passed=False, hint="\n".join(filter(None, lines)))


def _steps_of(scenario: Scenario) -> list[_Step]:
    """Return what a scenario does, in its order, looks on the way included."""
    between = [{"advance": scenario.advance_s}] if scenario.advance_s else []
    steps = []
    for item in [*scenario.send, *between, *scenario.then]:
        if "type" in item:
            steps.append(_Step(_words(item), item))
        elif "advance" in item:
            steps.append(_Step(f"({_duration(item['advance'])} pass)", None))
        else:
            steps.append(_Step("(look)", None))
    return steps


def _tried(scenario: Scenario, steps: Sequence[_Step]) -> str:
    """Say where the machine began, if not at its beginning, and what was done."""
    state = scenario.given.get("state")
    begin = f"From {_joined(state)}: " if state else ""
    words = " → ".join(step.words for step in steps)
    return f"Tried: {begin}{words}" if steps else f"{begin}Nothing was sent."


def _end_of(result: ScenarioResult, chart: Chart) -> str:
    """Say how the end differs from what is expected."""
    wanted = result.scenario.expect
    for name in wanted:
        if not any(name in {node.path, node.name} for node in chart.states):
            return f"The machine has no state {name}."
    if result.text.startswith("It ends in "):  # told here without the reason
        return f"It ends in {_joined(result.states)}, not in {_joined(wanted)}."
    return result.text


def _side_effects(hidden: HiddenScenario, result: ScenarioResult) -> str:
    """Say which message should have done nothing, and what was called or emitted."""
    for one in result.trace:
        name = one.message.get("type")
        if name in hidden.ignores and not one.why_not:
            return f"{name} did something in {_joined(one.before)}: it should not have."
    calls = [call.name for one in result.trace for call in one.calls]
    if hidden.calls is not None and tuple(calls) != hidden.calls:
        return f"It calls {_in_order(calls)}, not {_in_order(hidden.calls)}."
    emits = [
        effect.event
        for one in result.trace
        for effect in one.effects
        if isinstance(effect, Emit)
    ]
    if hidden.emits is not None and tuple(emits) != hidden.emits:
        return f"It emits {_in_order(emits)}, not {_in_order(hidden.emits)}."
    return ""


def _in_order(names: Sequence[str]) -> str:
    return ", then ".join(names) or "nothing"


def _last_ignored(result: ScenarioResult, steps: Sequence[_Step]) -> str:
    """Say which of the messages did nothing last, where, and why."""
    waiting = [(n, s.message) for n, s in enumerate(steps, 1) if s.message is not None]
    found: tuple[int, TraceStep] | None = None
    for one in result.trace:
        if waiting and dict(one.message) == dict(waiting[0][1] or {}):
            number, _message = waiting.pop(0)
            if one.why_not:
                found = number, one
    if found is None:
        return ""
    number, one = found
    name, where = one.message["type"], _joined(one.before)
    step = f"Step {number}, {name}," if len(steps) > 1 else name
    if one.why_not.startswith("Not in "):
        return f"{step} did nothing. {one.why_not}"
    return f"{step} did nothing in {where}: {one.why_not}"


def _joined(states: Sequence[str]) -> str:
    return " and ".join(states) or "no state"


def _words(message: Mapping[str, Any]) -> str:
    """Write a message as a student would type it; Any: JSON."""
    fields = {key: value for key, value in message.items() if key != "type"}
    name = str(message["type"])
    return f"{name} {short_json(fields, _LONGEST_FIELDS)}" if fields else name


def _duration(seconds: float) -> str:
    """Write a duration in its largest whole unit."""
    for length, unit in _UNITS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
