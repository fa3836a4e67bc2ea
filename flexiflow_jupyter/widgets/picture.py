"""Turn the neutral graph into DOT with ids by which the page finds states and edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import graphviz

from ..protocol import Graph, GraphEdge, GraphNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

__all__ = ["Picture", "draw"]

_GRAPH: Final = {
    "rankdir": "LR",
    "nodesep": "0.35",
    "ranksep": "0.55",
    "bgcolor": "transparent",
}
_NODE: Final = {
    "shape": "box",
    "style": "rounded",
    "fontname": "Helvetica,Arial",
    "fontsize": "13",
    "height": "0.5",
    "width": "1.1",
    "margin": "0.25,0.1",
}
_EDGE: Final = {"fontname": "Helvetica,Arial", "fontsize": "12"}

_LONGEST_LABEL: Final = 60
"""Characters of a name that are drawn; the whole stands in the title."""


@final
@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as the page lays it out."""

    dot: str
    """Graphviz source; nodes are ``n0, n1, ...``, edges ``e0, e1, ...``."""
    graph: Graph
    """What each id stands for."""
    edge_of: Mapping[int, str]
    """Edge ids by the index of their transition; the first one of several targets."""


def draw(flow: FlowGraph) -> Picture:
    """Draw a graph; the ids are generated, so that names are never anything but text.

    Parameters
    ----------
    flow : FlowGraph
        States and transitions in document order.

    Returns
    -------
    Picture
        Deterministic: the same graph gives the same text.
    """
    ids = {node.path: f"n{position}" for position, node in enumerate(flow.nodes)}
    dot = graphviz.Digraph(graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    edge_of: dict[int, str] = {}
    for node in flow.nodes:
        _draw_node(dot, ids[node.path], node)
    for position, edge in enumerate(flow.edges):
        if edge.source in ids and edge.target in ids:
            label = graphviz.escape(_cut(edge.message))
            dot.edge(ids[edge.source], ids[edge.target], id=f"e{position}", label=label)
            edge_of.setdefault(edge.index, f"e{position}")
    graph = Graph(
        nodes=[_page_node(ids[node.path], node) for node in flow.nodes],
        edges=[
            _page_edge(f"e{position}", edge)
            for position, edge in enumerate(flow.edges)
            if edge.source in ids and edge.target in ids
        ],
    )
    return Picture(dot.source, graph, edge_of)


def _draw_node(dot: graphviz.Digraph, name: str, node: FlowNode) -> None:
    """Add a state, and the dot that leads to it when it is the first."""
    shape: dict[str, str] = {}
    if node.kind == "final":
        shape["peripheries"] = "2"
    elif node.kind == "unknown":
        shape["style"] = "rounded,dashed"
    if node.initial:
        start = f"i{name[1:]}"
        dot.node(start, "", id=start, shape="point", width="0.14", height="0.14")
        dot.edge(start, name, id=f"{start}e")
    dot.node(name, graphviz.escape(_cut(node.label)), id=name, **shape)


def _cut(label: str) -> str:
    """Shorten a name that no picture can hold."""
    if len(label) <= _LONGEST_LABEL:
        return label
    return label[: _LONGEST_LABEL - 1] + "…"


def _page_node(name: str, node: FlowNode) -> GraphNode:
    """Describe a state to the page."""
    return GraphNode(
        id=name,
        path=node.path,
        label=node.label,
        kind=node.kind,
        parent=node.parent,
        description=node.description,
    )


def _page_edge(name: str, edge: FlowEdge) -> GraphEdge:
    """Describe a transition to the page."""
    return GraphEdge(
        id=name,
        source=edge.source,
        target=None if edge.internal else edge.target,
        message=edge.message,
        guard=edge.guard,
        description=edge.description,
        internal=edge.internal,
    )
