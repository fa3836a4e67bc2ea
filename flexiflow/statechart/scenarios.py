"""Run the scenarios of a chart: messages in, states out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from ..errors import FlexiFlowError
from .guards import equal, shown
from .simulation import Simulation

if TYPE_CHECKING:
    from .functions import Functions
    from .model import Chart, Scenario
    from .simulation import TraceStep

__all__ = ["ScenarioResult", "run_scenario", "run_scenarios"]


@final
@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What running a scenario came to; true when it went as expected."""

    scenario: Scenario
    """What was run."""
    text: str
    """The first thing that was not as expected, in words; empty when all was."""
    states: tuple[str, ...]
    """The active leaf paths at the end."""
    trace: tuple[TraceStep, ...]
    """Every step."""

    def __bool__(self) -> bool:
        """Return whether all was as expected."""
        return not self.text

    def __str__(self) -> str:
        """Return one line: the name, and what was wrong."""
        return f"{self.scenario.name}: {self.text or 'as expected'}"


def run_scenarios(
    chart: Chart, *, functions: Functions | None = None
) -> tuple[ScenarioResult, ...]:
    """Run all scenarios of a chart, each in a sandbox of its own.

    Parameters
    ----------
    chart : Chart
        The chart, with its scenarios.
    functions : Functions, optional
        Where guards are found; actions and services are never called.
    """
    return tuple(
        run_scenario(chart, scenario, functions=functions)
        for scenario in chart.scenarios
    )


def run_scenario(
    chart: Chart, scenario: Scenario, *, functions: Functions | None = None
) -> ScenarioResult:
    """Run one scenario in a sandbox; never raise for what goes wrong in it.

    Parameters
    ----------
    chart : Chart
        What to run.
    scenario : Scenario
        The messages, and what to expect.
    functions : Functions, optional
        Where guards are found.
    """
    made: Simulation | None = None
    try:
        made = Simulation(chart, fake=dict(scenario.fake), functions=functions)
        for message in scenario.send:
            made.send(message)
        made.advance(scenario.advance_s)
        for message in scenario.then:
            made.send(message)
    except FlexiFlowError as error:
        text = f"{error.what} {error.why or ''}".strip()
        states = made.paths if made is not None else ()
        trace = tuple(made.trace) if made is not None else ()
        return ScenarioResult(scenario, text, states, trace)
    text = _difference(made, scenario)
    return ScenarioResult(scenario, text, made.paths, tuple(made.trace))


def _difference(made: Simulation, scenario: Scenario) -> str:
    """Return in words what is not as a scenario expects."""
    open_ = list(made.paths)
    for wanted in scenario.expect:
        found = next(
            (
                path
                for path in open_
                if wanted == path or wanted == path.rpartition(".")[2]
            ),
            None,
        )
        if found is None:
            return (
                f"It ends in {made.state}, not in {', '.join(scenario.expect)}."
                f"{_last_reason(made)}"
            )
        open_.remove(found)
    if open_:
        return f"It is in {', '.join(open_)} as well."
    context = made.context
    missing = object()
    for key, value in scenario.context.items():
        have: Any = context.get(key, missing)
        if have is missing or not equal(have, value):
            actual = "missing" if have is missing else shown(have)
            return f"{key} is {actual}, not {shown(value)}."
    return ""


def _last_reason(made: Simulation) -> str:
    """Return why the last message that did nothing did nothing."""
    for one in reversed(made.trace):
        if one.why_not:
            return f" {one.message.get('type')} did nothing: {one.why_not}"
    return ""
