"""Count which states and transitions of a live component were visited."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, final
from weakref import WeakKeyDictionary, ref

from flexiflow.statechart import paths

from .event_rows import short_json
from .layers import CoverageInfo, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flexiflow.chart_machine import ChartMachine
    from flexiflow.component import AsyncComponent
    from flexiflow.statechart import Chart

__all__ = ["CoverageLayer", "CoverageLayers", "ways_to_the_rest"]

_LONGEST_FIELDS: Final = 60
"""Characters of a message's fields in a way."""


@final
class CoverageLayer:
    """What a component has visited since it was defined, or since this was made.

    Parameters
    ----------
    component : AsyncComponent
        Whose steps to count; they are kept from now on.

    Notes
    -----
    Cost: a few tenths of a microsecond for each step, when :meth:`take` is called.
    Another definition begins the counts anew; a step that is undone stays counted.
    """

    def __init__(self, component: AsyncComponent) -> None:
        # Weakly: who holds the counts of a component must not keep it alive.
        self._component = ref(component)
        self._chart: Chart | None = None
        self._taken: Counter[tuple[int, ...]] = Counter()
        self._rested: Counter[tuple[str, ...]] = Counter()
        self._last = -1
        self.take()

    def take(self) -> None:
        """Count the steps made since the last time."""
        component = self._component()
        if component is None:
            return
        steps = component.keep_steps()
        if component.chart is not self._chart:
            self._chart = component.chart
            self._taken.clear()
            self._rested.clear()
            self._last = steps.first - 1
        if steps.last != self._last:
            self._taken.update(steps.taken(self._last))
            self._rested.update(steps.paths(self._last))
            self._last = steps.last

    def edges(self) -> Counter[int]:
        """Return how often each transition was taken, by its index."""
        found: Counter[int] = Counter()
        for taken, times in self._taken.items():
            for index in taken:
                found[index] += times
        return found

    def states(self) -> Counter[str]:
        """Return in how many steps each state was active, or was passed."""
        found: Counter[str] = Counter()
        for leaves, times in self._rested.items():
            for path in _with_outer(leaves):
                found[path] += times
        if self._chart is not None:
            for index, times in self.edges().items():
                for path in _with_outer(self._chart.transitions[index].targets):
                    found[path] = max(found[path], times)
        return found

    def read(
        self, nodes: Iterable[str], edge_of: Mapping[int, list[str]]
    ) -> CoverageInfo:
        """Return the trait ``coverage``.

        Parameters
        ----------
        nodes : iterable of str
            The paths of the drawn states, histories apart.
        edge_of : mapping
            The ids of the drawn edges of each transition, by its index; of a machine of
            classes nobody knows which was taken, so they have no counts.
        """
        taken, rested = self.edges(), self.states()
        states = {path: rested[path] for path in nodes}
        known = edge_of if self._chart is not None else {}
        edges = {name: taken[index] for index, names in known.items() for name in names}
        return CoverageInfo(
            edges=edges,
            states=states,
            total=Tally(edges=len(known), states=len(states)),
            seen=Tally(
                edges=sum(taken[index] > 0 for index in known),
                states=sum(count > 0 for count in states.values()),
            ),
        )


def _with_outer(leaves: Iterable[str]) -> set[str]:
    """Return the paths of states and of those around them."""
    found: set[str] = set()
    for path in leaves:
        parts = path.split(".")
        found.update(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return found


def ways_to_the_rest(
    machine: ChartMachine, layer: CoverageLayer, edge_of: Mapping[int, list[str]]
) -> dict[str, str]:
    """Return the shortest way from here to each state and edge not yet visited.

    Parameters
    ----------
    machine : ChartMachine
        The machine; nothing is done with it.
    layer : CoverageLayer
        What it has visited.
    edge_of : mapping
        The ids of the drawn edges of each transition, by its index.

    Returns
    -------
    dict
        The messages in order, by the path of the state or the id of the edge: ``coin,
        push``. What cannot be reached from here is left out.
    """
    chart = machine.chart
    rested, taken = layer.states(), layer.edges()
    found: dict[str, str] = {}
    for way in paths(chart, functions=machine.functions, start=machine.snapshot):
        text = ", ".join(map(_words, way.steps))
        if way.state is not None:
            if not rested[way.state]:
                found[way.state] = text
        elif way.transition is not None and not taken[way.transition]:
            found.update(dict.fromkeys(edge_of.get(way.transition, ()), text))
    return found


# Any: JSON data of the user's.
def _words(message: Mapping[str, Any]) -> str:
    """Return a step as one would send it, or say what is waited for."""
    kind = str(message["type"])
    if kind in {"after", "done", "error"} and "state" in message:
        return f"({kind} in {message['state'].rpartition('.')[2]})"
    rest = {key: value for key, value in message.items() if key != "type"}
    return f"{kind} {short_json(rest, _LONGEST_FIELDS)}" if rest else kind


@final
class CoverageLayers:
    """The counts of each component, shared by its views."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[AsyncComponent, CoverageLayer] = (
            WeakKeyDictionary()
        )

    def of(self, component: AsyncComponent) -> CoverageLayer:
        """Return the counts of a component, begun when they are first asked for."""
        found = self._known.get(component)
        if found is None:
            found = self._known[component] = CoverageLayer(component)
        return found
