"""Draw a graph as a state diagram of Mermaid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from ._nesting import nested_lines
from ._words import shown

if TYPE_CHECKING:
    from flexiflow.graph import FlowGraph

__all__ = ["to_state_diagram"]

_ENTITIES: Final = str.maketrans({sign: f"#{ord(sign)};" for sign in '#&"<>`\\:;%{}|~'})
"""Mermaid's own escapes for what means something in a label."""


def to_state_diagram(graph: FlowGraph) -> str:
    """Return the source of a ``stateDiagram-v2`` of Mermaid.

    Parameters
    ----------
    graph : FlowGraph
        What to draw.

    Returns
    -------
    str
        The source, without a line break at its end; the same graph gives the same text.
        Regions are parted by ``--``, histories are called ``H`` and ``H*``; what a
        state does by itself stands in its box. Names are text in it, whatever
        characters they have.
    """
    lines = nested_lines(graph, _Mermaid())
    head = ["stateDiagram-v2", f"  %% {shown(graph.name).lstrip('{%')}"]
    return "\n".join([*head, *(f"  {line}" for line in lines)])


@final
@dataclass(frozen=True, slots=True)
class _Mermaid:
    """How Mermaid writes states."""

    separator: str = "--"
    reserved: tuple[str, ...] = (
        "as",
        "choice",
        "class",
        "classdef",
        "click",
        "default",
        "direction",
        "end",
        "fork",
        "hide",
        "href",
        "join",
        "note",
        "scale",
        "state",
        "statediagram",
        "style",
        "title",
    )

    def text(self, words: str) -> str:
        """Return words with Mermaid's escapes."""
        return shown(words).translate(_ENTITIES) or " "

    def history(self, name: str, label: str, *, deep: bool) -> str:
        """Return a state with the sign of a history."""
        return f'state "{label} (H{"*" if deep else ""})" as {name}'
