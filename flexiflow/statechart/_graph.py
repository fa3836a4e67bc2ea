"""Describe a chart as a graph that any renderer can draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..graph import FlowEdge, FlowGraph, FlowNode
from ._action_words import action_words, service_words
from .guards import guard_words

if TYPE_CHECKING:
    from .model import Chart, StateNode, Transition

__all__ = ["chart_graph"]


def chart_graph(chart: Chart) -> FlowGraph:
    """Return a chart's states and transitions as a graph, in document order.

    Parameters
    ----------
    chart : Chart
        Any chart.

    Returns
    -------
    FlowGraph
        An edge's ``index`` is its transition's. A transition of the top level leads
        from each top-level state; one with several targets gives an edge for each.
    """
    nodes = tuple(_node(chart, state) for state in chart)
    tops = [path for path in chart.root.children if chart.state(path).kind != "final"]
    edges: list[FlowEdge] = []
    for transition in chart.transitions:
        sources = [transition.source] if transition.source else tops
        for source in sources:
            targets = transition.targets or (source,)
            edges.extend(_edge(transition, source, target) for target in targets)
    parallel = chart.root.kind == "parallel"
    return FlowGraph(chart.name, nodes, tuple(edges), parallel)


def _node(chart: Chart, state: StateNode) -> FlowNode:
    parent = chart.state(state.parent or "")
    return FlowNode(
        state.path,
        state.name,
        state.kind,
        state.parent or None,
        initial=state.path in parent.initial
        or any(path.startswith(f"{state.path}.") for path in parent.initial),
        description=state.description,
        deep=state.history == "deep",
        notes=_notes(state),
    )


def _notes(state: StateNode) -> tuple[str, ...]:
    """Return what a state does by itself, in words."""
    found = [f"entry / {words}" for words in action_words(state.entry)]
    found += [f"run {service_words(service)}" for service in state.run]
    found += [f"exit / {words}" for words in action_words(state.exit)]
    return tuple(found)


def _edge(transition: Transition, source: str, target: str) -> FlowEdge:
    return FlowEdge(
        source,
        target,
        transition.label,
        guard_words(transition.guard),
        internal=not transition.targets,
        index=transition.index,
        description=transition.description,
        trigger=transition.trigger,
        actions=tuple(action_words(transition.actions)),
    )
