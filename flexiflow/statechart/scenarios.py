"""Run the scenarios of a chart: messages in, states out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

from ..errors import FlexiFlowError
from ._standing import is_named
from .guards import equal, shown
from .simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..diagnostics import Place
    from .functions import Functions
    from .model import Chart, Scenario
    from .simulation import TraceStep

__all__ = ["ScenarioResult", "run_scenario", "run_scenarios"]

# Any in this module: JSON data of the user's.


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
    step: str = ""
    """What did not go as expected: ``send[2]``, ``expect``, ``context.coins``."""
    expected: str = ""
    """What was expected there."""
    actual: str = ""
    """What was found instead."""
    why_not: str = ""
    """Why the last message that did nothing did nothing."""
    place: Place | None = None
    """Where that stands in the text of the chart."""

    def __bool__(self) -> bool:
        """Return whether all was as expected."""
        return not self.text

    def __str__(self) -> str:
        """Return one line: the name, and what was wrong."""
        return f"{self.scenario.name}: {self.text or 'as expected'}"

    def format(self) -> str:
        """Return the whole as text for people, a line for each part."""
        if self:
            return f"✓ {self.scenario.name}"
        where = f" ({self.place})" if self.place else ""
        lines = [f"✗ {self.scenario.name}{where}", f"    {self.text}"]
        if self.expected:
            lines += [f"    expected: {self.expected}", f"    actual:   {self.actual}"]
        return "\n".join(lines)


def run_scenarios(
    chart: Chart,
    *,
    functions: Functions | None = None,
    rules: Sequence[Any] = (),
) -> tuple[ScenarioResult, ...]:
    """Run all scenarios of a chart, each in a sandbox of its own.

    Parameters
    ----------
    chart : Chart
        The chart, with its scenarios.
    functions : Functions, optional
        Where guards are found; actions and services are never called.
    rules : sequence, default ()
        What stands in for the component's rules.
    """
    return tuple(
        run_scenario(chart, scenario, functions=functions, rules=rules)
        for scenario in chart.scenarios
    )


def run_scenario(
    chart: Chart,
    scenario: Scenario,
    *,
    functions: Functions | None = None,
    rules: Sequence[Any] = (),
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
    rules : sequence, default ()
        What stands in for the component's rules.
    """
    run = _Run(scenario)
    try:
        run.begin(chart, functions, rules)
        for key, number, step in _steps(scenario):
            run.take(key, number, step)
    except _DifferenceError as found:
        return run.result(found.difference)
    except FlexiFlowError as error:
        return run.result(run.failed(error))
    return run.result(run.at_end())


def _steps(scenario: Scenario) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Yield what a scenario does: its key, its number from 1, and itself."""
    listed: list[tuple[str, Mapping[str, Any]]] = [
        (f"send[{at}]", step) for at, step in enumerate(scenario.send)
    ]
    if scenario.advance_s:
        listed.append(("advance", {"advance": scenario.advance_s}))
    listed += [(f"then[{at}]", step) for at, step in enumerate(scenario.then)]
    for number, (key, step) in enumerate(listed, 1):
        yield key, number, step


class _Difference(NamedTuple):
    """What is not as a scenario expects."""

    text: str
    step: str
    expected: str = ""
    actual: str = ""
    why_not: str = ""


class _DifferenceError(Exception):
    """A look on the way has found a difference."""

    def __init__(self, difference: _Difference) -> None:
        super().__init__(difference.text)
        self.difference = difference


class _Run:
    """A scenario under way."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._made: Simulation | None = None
        self._at = "given"
        self._doing = ""
        self._last = ""

    @property
    def _sandbox(self) -> Simulation:
        if self._made is None:
            msg = "the scenario has not begun"
            raise RuntimeError(msg)
        return self._made

    def begin(
        self, chart: Chart, functions: Functions | None, rules: Sequence[Any]
    ) -> None:
        """Stand where the scenario begins."""
        given, fake = self._scenario.given, self._scenario.fake
        data = given.get("context") or {}
        if not given.get("state"):
            self._made = Simulation(
                chart, data, fake=fake, functions=functions, rules=rules
            )
            return
        self._made = Simulation.at(
            chart,
            *given["state"],
            context=data,
            fake=fake,
            functions=functions,
            rules=rules,
            history=given.get("history"),
            left=given.get("timers"),
        )

    def take(self, key: str, number: int, step: Mapping[str, Any]) -> None:
        """Do one step of the scenario.

        Raises
        ------
        _DifferenceError
            If it is a look that sees something else than expected.
        """
        self._at = key
        if "type" in step:
            self._last = self._doing = f"{step['type']} (step {number})"
            self._sandbox.send(step)
        elif "together" in step:
            kinds = " and ".join(str(one["type"]) for one in step["together"])
            self._last = self._doing = f"{kinds} together (step {number})"
            self._sandbox.send_all(step["together"])
        elif "advance" in step:
            self._last = self._doing = f"waiting {step['advance']:g} s (step {number})"
            self._sandbox.advance(step["advance"])
        else:
            after = f"After {self._last} it" if self._last else "At the start it"
            found = self._look(
                key, step["expect"], step.get("context") or {}, says=f"{after} is"
            )
            if found is not None:
                raise _DifferenceError(found)

    def at_end(self) -> _Difference | None:
        """Return what is not as expected at the end."""
        scenario = self._scenario
        return self._look("", scenario.expect, scenario.context, says="It ends")

    def failed(self, error: FlexiFlowError) -> _Difference:
        """Return the difference that an error makes."""
        said = f"{error.what} {error.why or ''}".strip()
        text = f"{self._doing}: {said}" if self._doing else said
        return _Difference(text, self._at)

    def result(self, found: _Difference | None) -> ScenarioResult:
        """Return what it came to."""
        made, scenario = self._made, self._scenario
        states = made.paths if made is not None else ()
        trace = tuple(made.trace) if made is not None else ()
        if found is None:
            return ScenarioResult(scenario, "", states, trace)
        places = scenario.places
        outer = found.step.partition(".")[0]
        place = places.get(found.step) or places.get(outer) or scenario.place
        return ScenarioResult(scenario, found.text, states, trace, *found[1:], place)

    def _look(
        self,
        key: str,
        expect: Iterable[str],
        context: Mapping[str, Any],
        *,
        says: str,
    ) -> _Difference | None:
        """Compare states and context with what is expected."""
        made, wanted = self._sandbox, list(expect)
        below = f"{key}." if key else ""
        open_ = list(made.paths)
        names = ", ".join(wanted)
        for name in wanted:
            found = next((path for path in open_ if is_named(path, name)), None)
            if found is None:
                reason = self._reason()
                text = f"{says} in {made.state}, not in {names}.{reason}"
                where = f"{below}expect"
                return _Difference(text, where, names, made.state, reason.strip())
            open_.remove(found)
        if open_:
            more = ", ".join(open_)
            text = f"It is in {more} as well."
            return _Difference(text, f"{below}expect", names, made.state)
        for name, value in context.items():
            have, missing = _value_at(made.context, name)
            if missing or not equal(have, value):
                actual = "missing" if missing else shown(have)
                text = f"{name} is {actual}, not {shown(value)}."
                if key and self._last:
                    text = f"After {self._last} {text}"
                where = f"{below}context.{name}"
                return _Difference(text, where, shown(value), actual, self._reason())
        return None

    def _reason(self) -> str:
        """Return why the last message that did nothing did nothing."""
        for one in reversed(self._sandbox.trace):
            if one.why_not:
                kind = one.message.get("type")
                return f" {kind} did nothing: {one.why_not}"
        return ""


def _value_at(context: Mapping[str, Any], name: str) -> tuple[Any, bool]:
    """Return the value of a key, and whether there is none."""
    return context.get(name), name not in context
