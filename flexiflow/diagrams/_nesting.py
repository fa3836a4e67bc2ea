"""Lay a graph out as text with states within states, whatever the notation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

from ._words import UniqueIds, edge_words, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

__all__ = ["Notation", "nested_lines"]


class Notation(Protocol):
    """How a notation writes states and transitions."""

    @property
    def separator(self) -> str:
        """What stands between the regions of a parallel state."""

    @property
    def reserved(self) -> Iterable[str]:
        """Words that cannot be identifiers."""

    def text(self, words: str) -> str:
        """Return words as they may stand in the source."""

    def history(self, name: str, label: str, *, deep: bool) -> str:
        """Return the line of a history state."""


def nested_lines(graph: FlowGraph, notation: Notation) -> list[str]:
    """Return the lines of states and transitions, without head and foot.

    Parameters
    ----------
    graph : FlowGraph
        What to draw.
    notation : Notation
        How lines are written.
    """
    return _Lines(graph, notation).lines()


@final
@dataclass(slots=True)
class _Lines:
    """The lines of one graph while they are written."""

    graph: FlowGraph
    notation: Notation

    def lines(self) -> list[str]:
        """Return all lines."""
        unique = UniqueIds(self.notation.reserved)
        ids = {node.path: unique.make(node.path) for node in self.graph.nodes}
        for edge in self.graph.edges:
            for path in (edge.source, edge.target):
                ids.setdefault(path, unique.make(path))
        children: dict[str | None, list[FlowNode]] = {}
        for node in self.graph.nodes:
            children.setdefault(node.parent, []).append(node)
        tops = children.get(None, [])
        if self.graph.parallel:
            label = self.notation.text(self.graph.name)
            found = [f'state "{label}" as {unique.make(self.graph.name)} {{']
            found += [*self._regions(tops, children, ids, "  "), "}"]
        else:
            found = self._group(tops, children, ids, "")
        found += [
            f"{ids[edge.source]} --> {ids[edge.target]} : {self._label(edge)}"
            for edge in self.graph.edges
            if not self._stays(edge, children)
        ]
        return found

    def _label(self, edge: FlowEdge) -> str:
        """Return what stands on an edge; what the user said of it goes along."""
        words = edge_words(edge)
        if edge.origin != "declared":
            words = f"{words} ({edge.origin})"
        return self.notation.text(words)

    def _stays(
        self, edge: FlowEdge, children: dict[str | None, list[FlowNode]]
    ) -> bool:
        """Return whether an edge acts within a leaf, and is a line in its box."""
        return edge.internal and not children.get(edge.source)

    def _group(
        self,
        nodes: list[FlowNode],
        children: dict[str | None, list[FlowNode]],
        ids: dict[str, str],
        indent: str,
    ) -> list[str]:
        """Return the lines of states that stand beside each other."""
        found: list[str] = []
        for node in nodes:
            found += self._state(node, children, ids, indent)
            if node.initial and not self._is_region(node):
                found.append(f"{indent}[*] --> {ids[node.path]}")
            if node.kind == "final":
                found.append(f"{indent}{ids[node.path]} --> [*]")
        return found

    def _is_region(self, node: FlowNode) -> bool:
        around = next((x for x in self.graph.nodes if x.path == node.parent), None)
        return around is not None and around.kind == "parallel"

    def _state(
        self,
        node: FlowNode,
        children: dict[str | None, list[FlowNode]],
        ids: dict[str, str],
        indent: str,
    ) -> list[str]:
        """Return the lines of a state and of those within it."""
        name, label = ids[node.path], self.notation.text(shown(node.label))
        if node.kind == "history":
            return [indent + self.notation.history(name, label, deep=node.deep)]
        notes = [*([node.description] if node.description else []), *node.notes]
        inner = children.get(node.path, [])
        if inner and notes:
            label += self.notation.text(f" ({', '.join(map(shown, notes))})")
        head = f'{indent}state "{label}" as {name}'
        if not inner:
            notes += [
                edge_words(edge)
                for edge in self.graph.edges
                if edge.source == node.path and self._stays(edge, children)
            ]
            texts = [self.notation.text(shown(note)) for note in notes]
            return [head, *(f"{indent}{name} : {text}" for text in texts)]
        found = [f"{head} {{"]
        deeper = indent + "  "
        if node.kind == "parallel":
            found += self._regions(inner, children, ids, deeper)
        else:
            found += self._group(inner, children, ids, deeper)
        return [*found, f"{indent}}}"]

    def _regions(
        self,
        nodes: list[FlowNode],
        children: dict[str | None, list[FlowNode]],
        ids: dict[str, str],
        indent: str,
    ) -> list[str]:
        """Return the lines of regions, parted from each other."""
        found: list[str] = []
        for at, node in enumerate(nodes):
            if at and node.kind != "history":
                found.append(indent + self.notation.separator)
            found += self._group([node], children, ids, indent)
        return found
