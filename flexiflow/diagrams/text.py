"""Draw a graph for a terminal, with boxes and arrows."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ._words import edge_label, shown

if TYPE_CHECKING:
    from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

__all__ = ["to_text"]

_BOXES = {
    "usual": "╭─╮│╰╯",
    "initial": "┏━┓┃┗┛",
    "final": "╔═╗║╚╝",
    "unknown": "┌╌┐╎└┘",
}
"""Corners and lines of a state's box: two corners above, side, two corners below."""

_ARROWS = {"declared": "─▶", "inferred": "┄▷", "observed": "━▶"}
"""The end of an edge, by where the knowledge of it comes from."""

_LEGEND = "─▶ declared   ┄▷ inferred from source   ━▶ observed"


def to_text(graph: FlowGraph) -> str:
    """Return a graph as lines of text.

    Parameters
    ----------
    graph : FlowGraph
        What to draw.

    Returns
    -------
    str
        A box for each state in the order of the graph, its transitions beside it;
        states inside another are indented. Terminal escapes in names are harmless.
    """
    leaving: dict[str, list[FlowEdge]] = {}
    for edge in graph.edges:
        leaving.setdefault(edge.source, []).append(edge)
    labels = _labels(graph)
    depth: dict[str, int] = {}
    lines = [shown(graph.name)]
    group: str | None = None
    for node in graph.nodes:
        depth[node.path] = depth[node.parent] + 1 if node.parent else 0
        if node.parent is None and node.group != group:
            group = node.group
            lines += ["", f"pack: {shown(group)}"] if group else [""]
        indent = "    " * depth[node.path]
        beside = [_edge(edge, labels) for edge in leaving.get(node.path, [])]
        lines += [f"{indent}{line}".rstrip() for line in _box(node, beside)]
    if any(edge.origin != "declared" for edge in graph.edges):
        lines += ["", _LEGEND]
    return "\n".join(lines)


def _labels(graph: FlowGraph) -> dict[str, str]:
    """Return how each state is called as a target: by its path when names repeat."""
    counts: dict[str, int] = {}
    for node in graph.nodes:
        counts[node.label] = counts.get(node.label, 0) + 1
    return {
        node.path: shown(node.label if counts[node.label] == 1 else node.path)
        for node in graph.nodes
    }


def _edge(edge: FlowEdge, labels: dict[str, str]) -> str:
    """Return a transition as it stands beside its state."""
    arrow = _ARROWS[edge.origin]
    target = "(stays)" if edge.internal else labels[edge.target]
    return f"{arrow[0]} {shown(edge_label(edge))} {arrow} {target}"


def _box(node: FlowNode, beside: list[str]) -> list[str]:
    """Return a state's box with its transitions to the right."""
    usual = "initial" if node.initial else "usual"
    box = _BOXES.get(node.kind, _BOXES[usual])
    left_up, bar, right_up, side, left_down, right_down = tuple(box)
    name = {"history": f"H {node.label}", "parallel": f"{node.label} (parallel)"}.get(
        node.kind, node.label
    )
    text = shown(name)
    width = _columns(text) + 2
    lines = [
        f"{left_up}{bar * width}{right_up}",
        f"{side} {text} {side}",
        f"{left_down}{bar * width}{right_down}",
    ]
    blank = " " * (width + 2)
    for number, edge in enumerate(beside):
        row = number + 1
        if row == len(lines):
            lines.append(blank)
        lines[row] += _joint(number, len(beside)) + edge
    return lines


def _joint(number: int, total: int) -> str:
    """Return the piece of line between a box and one of its transitions."""
    if total == 1:
        return "──"
    if number == 0:
        return "─┬"
    return " └" if number == total - 1 else " ├"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) in {"Mn", "Cf"}
        else 2
        if unicodedata.east_asian_width(c) in {"W", "F"}
        else 1
        for c in text
    )
