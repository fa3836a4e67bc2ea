"""Find what a chart declares and will never do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..diagnostics import Diagnostic
from ..statechart.model import Add, Set, matches
from .analysis import (
    find_dead_ends,
    find_traps,
    find_unknown_targets,
    find_unreachable,
)
from .chart_advice import actions_of, find_vain, passed_over

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ..diagnostics import Place
    from ..graph import FlowGraph
    from ..statechart.model import Chart, Transition

__all__ = ["check_chart"]


def check_chart(
    chart: Chart, graph: FlowGraph, unclear: Collection[str] = ()
) -> list[Diagnostic]:
    """Return warnings about a chart that can be used.

    Parameters
    ----------
    chart : Chart
        A chart without errors.
    graph : FlowGraph
        Its graph, with what is known of states that are classes.
    unclear : collection of str, default ()
        The paths of classes of which not all is known: any state may be reached from
        them, so that none is reported as unreachable.

    Returns
    -------
    list of Diagnostic
        Unreachable states, dead ends, states from which no end can be reached,
        transitions that come behind one that is always taken, what is declared in vain,
        and keys that are set but not declared in ``context``.
    """

    def place_of(path: str) -> Place | None:
        return chart.state(path).place

    return [
        *(() if unclear else find_unreachable(_taken(chart, graph), place_of)),
        *find_dead_ends(graph, place_of, unclear=unclear),
        *find_unknown_targets(graph, place_of),
        *find_traps(graph, place_of, unclear=unclear),
        *_shadowed(chart),
        *find_vain(chart),
        *_undeclared(chart),
    ]


def _taken(chart: Chart, graph: FlowGraph) -> FlowGraph:
    """Return the graph without the transitions that are never taken."""
    never = {later.index for _, later in _pairs(chart)}
    never |= {one.index for node in chart for one in passed_over(node)}
    return replace(
        graph, edges=tuple(edge for edge in graph.edges if edge.index not in never)
    )


def _shadowed(chart: Chart) -> Iterator[Diagnostic]:
    """Yield a warning for each transition that an earlier one hides."""
    for earlier, later in _pairs(chart):
        yield _hidden(earlier, later)


def _pairs(chart: Chart) -> Iterator[tuple[Transition, Transition]]:
    """Yield each transition that an earlier one hides, with the earlier one first."""
    for node in (chart.root, *chart.states):
        for position, later in enumerate(node.transitions):
            for earlier in node.transitions[:position]:
                if _hides(earlier, later):
                    yield earlier, later
                    break


def _hides(earlier: Transition, later: Transition) -> bool:
    """Tell whether an earlier transition is taken whenever a later one could be."""
    if earlier.guard is not None and earlier.guard != later.guard:
        return False
    if earlier.trigger != later.trigger:
        return False
    if earlier.trigger == "after":
        return earlier.message == later.message or _is_gone_by(earlier, later)
    return earlier.trigger != "message" or matches(earlier.message, later.message)


def _is_gone_by(earlier: Transition, later: Transition) -> bool:
    """Tell whether a timer has led away before another one can."""
    first, second = earlier.delay, later.delay
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return False
    inside = all(to.startswith(f"{earlier.source}.") for to in earlier.targets)
    leaves = bool(earlier.targets) and (earlier.reenter or not inside)
    return earlier.guard is None and leaves and first <= second


def _hidden(earlier: Transition, later: Transition) -> Diagnostic:
    """Return the warning for a transition that is never taken."""
    line = f" in line {earlier.place.line}" if earlier.place else ""
    has = "no guard" if earlier.guard is None else "the same guard"
    return Diagnostic(
        "warning",
        f"The transition on {later.label} is never taken.",
        why=f"The one on {earlier.label}{line} stands before it and has {has}.",
        fix="Put it first, or give the other one a guard (if:)."
        if earlier.guard is None
        else "Give it another guard (if:), or remove it.",
        context={"state": later.source, "message": later.message},
        place=later.place,
        code="flexiflow.chart.shadowed",
    )


def _undeclared(chart: Chart) -> Iterator[Diagnostic]:
    """Yield a warning for each key that is set and stands in no context."""
    seen: set[str] = set()
    for action in (
        one for node in (chart.root, *chart.states) for one in actions_of(node)
    ):
        if not isinstance(action, (Set, Add)):
            continue
        for key in action.values:
            name = key.partition(".")[0]
            if name in chart.context or name in seen:
                continue
            seen.add(name)
            yield Diagnostic(
                "warning",
                f"{name} is not declared in context.",
                why="It comes into being when it is set for the first time.",
                fix=f"Add it to context with its first value: {name}: null",
                context={"key": name},
                place=action.place,
                code="flexiflow.chart.undeclared",
            )
