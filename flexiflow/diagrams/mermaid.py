"""Draw a graph as a Mermaid flowchart, from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._words import UniqueIds, edge_label, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flexiflow.graph import FlowGraph, FlowNode

__all__ = ["to_mermaid"]

_RESERVED = (
    "call",
    "class",
    "classdef",
    "click",
    "default",
    "direction",
    "end",
    "flowchart",
    "graph",
    "href",
    "interpolate",
    "linkstyle",
    "style",
    "subgraph",
    "unknown",
)
"""Words that cannot be identifiers in a flowchart."""

_ENTITIES = {
    "#": "#35;",
    "&": "#amp;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "\\": "#92;",
}
"""Mermaid's own escapes; inside quotes everything else is text."""

_ARROWS = {"declared": "-->", "inferred": "-.->", "observed": "==>"}
"""How an edge is drawn, by where the knowledge of it comes from."""

_SHAPES = {
    "final": ('[["', '"]]'),
    "history": ('(("', '"))'),
}
"""Brackets around the labels of unusual states; usual ones are boxes."""


def to_mermaid(
    graph: FlowGraph, *, comments: Sequence[str] = (), escape_quote: str = "#quot;"
) -> str:
    r"""Return the source of a Mermaid flowchart.

    Parameters
    ----------
    graph : FlowGraph
        What to draw.
    comments : sequence of str
        Lines for the head of the source, without ``%%``.
    escape_quote : str, default "#quot;"
        What a quotation mark in a name becomes. FlexiFlow 1.0 wrote ``\"``, which
        Mermaid cannot read.

    Returns
    -------
    str
        The source, without a line break at its end; the same graph gives the same text.
        Names are text in it, whatever characters they have.
    """
    return _Flowchart(graph, escape_quote).source(comments)


class _Flowchart:
    """The source of one flowchart while it is written."""

    def __init__(self, graph: FlowGraph, escape_quote: str) -> None:
        self._graph = graph
        self._escapes = str.maketrans({**_ENTITIES, '"': escape_quote})
        self._unique = UniqueIds(_RESERVED)
        self._ids = {
            node.path: self._unique.make(
                f"unknown_{node.label}" if node.kind == "unknown" else node.path
            )
            for node in graph.nodes
        }
        self._children: dict[str | None, list[FlowNode]] = {}
        for node in graph.nodes:
            self._children.setdefault(node.parent, []).append(node)

    def source(self, comments: Sequence[str]) -> str:
        """Return the whole text."""
        blocks = [
            ["flowchart LR"],
            [
                f"%% {_one_line(line)}"
                for line in [_LEGEND, *comments, *self._origins()]
            ],
            *self._top_level(),
            self._edges(),
            self._styles(),
        ]
        return "\n\n".join("\n".join(block) for block in blocks if block)

    def _origins(self) -> list[str]:
        """Return the legend of the arrows when not every edge is declared."""
        if all(edge.origin == "declared" for edge in self._graph.edges):
            return []
        return ["Arrows: --> declared, -.-> inferred from source, ==> observed"]

    def _top_level(self) -> Iterable[list[str]]:
        """Yield the packs' subgraphs, then states without a pack, then unknown ones."""
        groups: dict[str | None, list[FlowNode]] = {None: []}
        unknown = []
        for node in self._children.get(None, []):
            if node.kind == "unknown":
                unknown.append(node)
            else:
                groups.setdefault(node.group, []).append(node)
        for group, nodes in groups.items():
            lines = self._states(nodes, inner=group is not None)
            if group is None:
                yield lines
            else:
                name, label = self._unique.make(group), self._text(group)
                yield [f'subgraph {name}["pack: {label}"]', *lines, "end"]
        if unknown:
            lines = self._states(unknown, inner=True)
            yield ['subgraph unknown["unknown states"]', *lines, "end"]

    def _states(self, nodes: Iterable[FlowNode], *, inner: bool) -> list[str]:
        """Return the lines of several states."""
        return [line for node in nodes for line in self._state(node, inner=inner)]

    def _state(self, node: FlowNode, *, inner: bool) -> list[str]:
        """Return the lines of a state and of those inside it."""
        indent = "  " if inner else ""
        name, label = self._ids[node.path], self._text(node.label)
        children = self._children.get(node.path, [])
        if not children:
            left, right = _SHAPES.get(node.kind, ('["', '"]'))
            style = _style(node)
            return [f"{indent}{name}{left}{label}{right}{style and f':::{style}'}"]
        lines = [f'{indent}subgraph {name}["{label}"]']
        lines += [indent + line for line in self._states(children, inner=True)]
        return [*lines, f"{indent}end"]

    def _edges(self) -> list[str]:
        """Return a line for each transition, in order."""
        return [
            f"{self._ids[edge.source]} {_ARROWS[edge.origin]}"
            f'|"{self._text(edge_label(edge))}"| {self._ids[edge.target]}'
            for edge in self._graph.edges
        ]

    def _styles(self) -> list[str]:
        """Return the definitions of the classes that states use."""
        used = {
            _style(node)
            for node in self._graph.nodes
            if not self._children.get(node.path)
        }
        return [line for style, line in _STYLES.items() if style in used]

    def _text(self, words: str) -> str:
        """Return words as they may stand between quotation marks."""
        return shown(words).translate(self._escapes)


_LEGEND = "Edge labels: on_message [guard]"

_STYLES = {
    "initial": "classDef initial stroke-width: 3px",
    "unknown": "classDef unknown stroke-dasharray: 5 5, stroke: #999",
}


def _style(node: FlowNode) -> str:
    """Return the name of a state's class, or nothing."""
    if node.kind == "unknown":
        return "unknown"
    return "initial" if node.initial and node.kind == "atomic" else ""


def _one_line(words: str) -> str:
    """Return a comment's text; ``{`` after ``%%`` would start a directive."""
    return shown(words).lstrip("{%")
