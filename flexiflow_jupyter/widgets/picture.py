"""Turn the neutral graph into DOT with ids by which the page finds states and edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from ..protocol import Graph, GraphEdge, GraphNode
from .drawing import Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

__all__ = ["Picture", "draw"]


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
    edges_of: Mapping[int, list[str]]
    """All edge ids of each transition."""

    @property
    def states(self) -> list[str]:
        """The paths of the states, histories apart."""
        return [
            node["path"] for node in self.graph["nodes"] if node["kind"] != "history"
        ]


def draw(flow: FlowGraph) -> Picture:
    """Draw a graph; the ids are generated, so that names are never anything but text.

    Parameters
    ----------
    flow : FlowGraph
        States and transitions in document order.

    Returns
    -------
    Picture
        Deterministic: the same graph gives the same text. A state with others in it
        is the cluster of its id: ``cluster_n1``.
    """
    ids = {node.path: f"n{position}" for position, node in enumerate(flow.nodes)}
    edges = {
        f"e{position}": edge
        for position, edge in enumerate(flow.edges)
        if edge.source in ids and edge.target in ids
    }
    edges_of: dict[int, list[str]] = {}
    for name, edge in edges.items():
        edges_of.setdefault(edge.index, []).append(name)
    graph = Graph(
        nodes=[_page_node(ids[node.path], node) for node in flow.nodes],
        edges=[_page_edge(name, edge) for name, edge in edges.items()],
    )
    edge_of = {index: names[0] for index, names in edges_of.items()}
    return Picture(Drawing(flow, ids, edges).dot(), graph, edge_of, edges_of)


def _page_node(name: str, node: FlowNode) -> GraphNode:
    """Describe a state to the page."""
    return GraphNode(
        id=name,
        path=node.path,
        label=node.label,
        kind=node.kind,
        parent=node.parent,
        description=node.description,
        deep=node.deep,
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
        trigger=edge.trigger,
    )
