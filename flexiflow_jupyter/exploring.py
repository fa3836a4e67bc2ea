"""Do what ``%flexiflow`` is told about charts: test, record, coverage, paths."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ConfigError, nearest
from flexiflow.statechart import Coverage, coverage, paths, run_scenarios

from .boxes import safe_text
from .tables import Table

if TYPE_CHECKING:
    from collections.abc import Generator, MutableMapping

    from flexiflow.component import AsyncComponent
    from flexiflow.recording import Recording
    from flexiflow.statechart import Chart

    from .animation import Animation
    from .coverage_layer import CoverageLayer

__all__ = [
    "Recorded",
    "list_coverage",
    "list_paths",
    "record",
    "run_tests",
]


class Recorded:
    """A recording as a cell shows it; all of its own can be asked of it too.

    Parameters
    ----------
    recording : Recording
        What is recorded.
    text : str
        What the cell says.
    """

    def __init__(self, recording: Recording, text: str) -> None:
        self.recording = recording
        self._text = text

    def __await__(self) -> Generator[None, None, Recorded]:
        """Give itself: magics are awaited, whatever they answer."""
        yield from ()
        return self

    # Any: whatever a recording has.
    def __getattr__(self, name: str) -> Any:
        """Return what the recording has."""
        return getattr(self.recording, name)

    def __len__(self) -> int:
        return len(self.recording)

    def __repr__(self) -> str:
        """Return what the cell says."""
        return self._text

    def _repr_html_(self) -> str:
        """Return the text as it is, to be copied."""
        return f'<pre data-flexiflow="recording">{html.escape(self._text)}</pre>'


def run_tests(component: AsyncComponent) -> Table:
    """Run the scenarios of a component's chart, each in a sandbox.

    Parameters
    ----------
    component : AsyncComponent
        The component; it is left alone.
    """
    machine, chart = _chart_of(component)
    results = run_scenarios(chart, functions=machine.functions, rules=component.rules)
    rows = [
        (
            "✓" if result else "✗",
            result.scenario.name,
            "as expected" if result else result.text,
            "" if result.place is None or result else f"line {result.place.line}",
        )
        for result in results
    ]
    good = sum(map(bool, results))
    title = f"{component.name}: {good} of {len(results)} scenarios as expected"
    footer = ""
    if not rows:
        footer = (
            "Add scenarios: to the definition, or record one: "
            f"%flexiflow record {component.name}"
        )
    return Table(title, ("", "scenario", "came out", "where"), rows, footer=footer)


def record(
    component: AsyncComponent,
    words: list[str],
    recordings: MutableMapping[AsyncComponent, Recording],
) -> Recorded | Animation:
    """Begin to record a component, or end it and say what was recorded.

    Parameters
    ----------
    component : AsyncComponent
        The component.
    words : list of str
        ``stop``, ``pytest`` (stop, and say it as a test), ``svg`` (stop, and play it),
        or nothing.
    recordings : mapping
        The last recording of each component.

    Raises
    ------
    ConfigError
        For another word, and for the end of what was not begun.
    """
    known = recordings.get(component)
    name = component.name
    if not words:
        if known is None or not known.is_running:
            known = recordings[component] = component.record()
        steps = f"{len(known)} step{'' if len(known) == 1 else 's'} so far"
        text = f"{name} is recorded: {steps}. End it: %flexiflow record {name} stop"
        return Recorded(known, text)
    if words not in (["stop"], ["pytest"], ["svg"]):
        raise ConfigError(
            f"{words[0]!r} means nothing here.",
            why="A recording is begun, or ended.",
            fix=f"Write %flexiflow record {name}, and then %flexiflow record {name} "
            "stop (or pytest, for a test; or svg, for a picture that plays).",
        )
    if known is None:
        raise ConfigError(
            f"{name} is not recorded.",
            why="No recording was begun.",
            fix=f"Begin one: %flexiflow record {name}",
        )
    known.stop()
    if words == ["svg"]:
        from .animation import animate  # noqa: PLC0415 - loads anywidget

        return animate(known)
    told = known.as_pytest() if words == ["pytest"] else known.as_scenario()
    return Recorded(known, _safe_lines(told))


def _safe_lines(text: str) -> str:
    """Return a text of several lines without what would command a terminal."""
    return "\n".join(safe_text(line) for line in text.rstrip().split("\n"))


def list_coverage(component: AsyncComponent, lived: CoverageLayer) -> Table:
    """List which states and transitions were visited, by scenarios and by hand.

    Parameters
    ----------
    component : AsyncComponent
        The component.
    lived : CoverageLayer
        What it has visited itself, as its graph counts it.
    """
    machine, chart = _chart_of(component)
    results = run_scenarios(chart, functions=machine.functions, rules=component.rules)
    tested = [step for result in results for step in result.trace]
    by_test = coverage(chart, tested)
    lived.take()
    rested, taken = lived.states(), lived.edges()
    whole = Coverage(
        {path: count + rested[path] for path, count in by_test.states.items()},
        {index: count + taken[index] for index, count in by_test.transitions.items()},
    )
    rows: list[tuple[Any, ...]] = [
        (f"state {path}", by_test.states[path], rested[path]) for path in whole.states
    ]
    rows += [
        (
            _transition(chart, index),
            by_test.transitions[index],
            taken[index],
        )
        for index in whole.transitions
    ]
    title = f"{component.name}: {whole}"
    return Table(title, ("visited", "by scenarios", "by hand"), rows)


def list_paths(component: AsyncComponent, words: list[str]) -> Table:
    """List the shortest way to each state and transition, or to one state.

    Parameters
    ----------
    component : AsyncComponent
        The component; the ways begin where its chart does.
    words : list of str
        The name of a state, or nothing.

    Raises
    ------
    ConfigError
        If the chart has no such state.
    """
    machine, chart = _chart_of(component)
    to = " ".join(words) or None
    names = {node.path.rpartition(".")[2] for node in chart}
    if to is not None and to not in chart and to not in names:
        known = [node.path for node in chart]
        raise ConfigError(
            f"{component.name} has no state {to!r}.",
            why=f"Its states: {', '.join(nearest(to, known))}.",
            fix=f"Write %flexiflow paths {component.name} {nearest(to, known)[0]}",
        )
    found = paths(chart, to, functions=machine.functions)
    rows = [
        (
            f"state {one.state}"
            if one.state is not None
            else _transition(chart, one.transition or 0),
            str(one),
        )
        for one in found
    ]
    footer = "" if rows else f"No way leads to {to}."
    return Table(f"Ways through {component.name}", ("to", "way"), rows, footer=footer)


def _transition(chart: Chart, index: int) -> str:
    """Return a transition in words: ``locked → unlocked on coin``."""
    edge = chart.transitions[index]
    source = edge.source or chart.name
    if not edge.targets:
        return f"{source} stays on {edge.label}"
    return f"{source} → {', '.join(edge.targets)} on {edge.label}"


def _chart_of(component: AsyncComponent) -> tuple[ChartMachine, Chart]:
    """Return the machine and the chart of a component.

    Raises
    ------
    ConfigError
        If its states are classes.
    """
    machine = component.state_machine
    if not isinstance(machine, ChartMachine):
        raise ConfigError(
            f"{component.name} runs no chart.",
            why="Its states are classes; what they do is known when they run.",
            fix="Declare the states in YAML.",
        )
    return machine, machine.chart
