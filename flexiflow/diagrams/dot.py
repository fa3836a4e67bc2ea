"""Draw a graph in DOT, the language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._words import edge_label, shown

if TYPE_CHECKING:
    from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

__all__ = ["to_dot"]

_HEAD = (
    "  rankdir=LR; compound=true;",
    '  graph [fontname="Helvetica,Arial,sans-serif", fontsize=11];',
    '  node [fontname="Helvetica,Arial,sans-serif", fontsize=13];',
    "  node [shape=box, style=rounded];",
    '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=12];',
)

_EDGE_STYLES = {"declared": "", "inferred": "style=dashed", "observed": "style=bold"}
"""How an edge is drawn, by where the knowledge of it comes from."""


def to_dot(graph: FlowGraph) -> str:
    """Return the DOT source of a graph.

    Parameters
    ----------
    graph : FlowGraph
        What to draw.

    Returns
    -------
    str
        The source; identifiers are ``n0``, ``n1``, ... in the order of the nodes, names
        stand in labels alone, as text. Inferred edges are dashed, observed ones bold.
    """
    return _Digraph(graph).source()


class _Digraph:
    """The source of one graph while it is written."""

    def __init__(self, graph: FlowGraph) -> None:
        self._graph = graph
        self._ids = {node.path: f"n{i}" for i, node in enumerate(graph.nodes)}
        self._children: dict[str | None, list[FlowNode]] = {}
        for node in graph.nodes:
            self._children.setdefault(node.parent, []).append(node)

    def source(self) -> str:
        """Return the whole text."""
        lines = [f"digraph {_quoted(self._graph.name)} {{", *_HEAD]
        lines += self._top_level()
        lines += [self._edge(edge) for edge in self._graph.edges]
        return "\n".join([*lines, "}"])

    def _top_level(self) -> list[str]:
        """Return the states, those of a pack in a cluster of their own."""
        groups: dict[str | None, list[str]] = {}
        for node in self._children.get(None, []):
            groups.setdefault(node.group, []).extend(self._state(node, "  "))
        lines = groups.pop(None, [])
        for number, (group, inner) in enumerate(groups.items()):
            lines.append(f"  subgraph cluster_pack{number} {{")
            lines.append(f"    label={_quoted(f'pack: {group}')};")
            lines += [f"  {line}" for line in inner]
            lines.append("  }")
        return lines

    def _state(self, node: FlowNode, indent: str) -> list[str]:
        """Return the lines of a state and of those inside it."""
        name = self._ids[node.path]
        children = self._children.get(node.path, [])
        if not children:
            return [f"{indent}{name} [{_look(node)}];"]
        dashed = "dashed" if node.kind == "parallel" else "rounded"
        lines = [f"{indent}subgraph cluster_{name} {{"]
        lines.append(f"{indent}  label={_quoted(node.label)}; style={dashed};")
        for child in children:
            lines += self._state(child, indent + "  ")
        return [*lines, f"{indent}}}"]

    def _edge(self, edge: FlowEdge) -> str:
        """Return a transition's line; that of a compound state ends at its border."""
        tail, head = self._leaf(edge.source), self._leaf(edge.target)
        attributes = [f"label={_quoted(edge_label(edge))}", _EDGE_STYLES[edge.origin]]
        if tail != self._ids[edge.source]:
            attributes.append(f"ltail=cluster_{self._ids[edge.source]}")
        if head != self._ids[edge.target]:
            attributes.append(f"lhead=cluster_{self._ids[edge.target]}")
        return f"  {tail} -> {head} [{', '.join(filter(None, attributes))}];"

    def _leaf(self, path: str) -> str:
        """Return the identifier of a state, or of the first leaf inside it."""
        while self._children.get(path):
            path = self._children[path][0].path
        return self._ids[path]


def _look(node: FlowNode) -> str:
    """Return the attributes of a state without states inside."""
    attributes = [f"label={_quoted(node.label)}"]
    if node.kind == "unknown":
        attributes.append('style="rounded,dashed", color="#999999"')
    elif node.kind == "history":
        attributes.append("shape=circle")
    elif node.kind == "final":
        attributes.append("peripheries=2")
    if node.initial and node.kind != "unknown":
        attributes.append("penwidth=2")
    if node.description:
        attributes.append(f"tooltip={_quoted(node.description)}")
    return ", ".join(attributes)


def _quoted(words: str) -> str:
    r"""Return words as a quoted string; ``\N`` and its kind stay text."""
    text = shown(words).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text.replace("&", "&amp;")}"'
