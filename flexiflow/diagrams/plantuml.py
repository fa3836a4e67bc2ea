"""Draw a graph as a state diagram of PlantUML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from ._nesting import nested_lines
from ._words import shown

if TYPE_CHECKING:
    from flexiflow.graph import FlowGraph

__all__ = ["to_plantuml"]

_SIGNS: Final = re.compile(r"""["\\<>~`$%@!#&{}|^]|([-*_/.=':])(?=\1)""")
"""What means something in PlantUML's texts; some signs only when they are doubled."""


def to_plantuml(graph: FlowGraph) -> str:
    """Return the source of a PlantUML state diagram.

    Parameters
    ----------
    graph : FlowGraph
        What to draw.

    Returns
    -------
    str
        The source, from ``@startuml`` to ``@enduml``, without a line break at its end;
        the same graph gives the same text. Names are text in it, whatever characters
        they have.
    """
    notation = _PlantUml()
    return "\n".join(
        [
            "@startuml",
            f"title {notation.text(graph.name)}",
            "hide empty description",
            *nested_lines(graph, notation),
            "@enduml",
        ]
    )


@final
@dataclass(frozen=True, slots=True)
class _PlantUml:
    """How PlantUML writes states."""

    separator: str = "--"
    reserved: tuple[str, ...] = ("as", "end", "hide", "note", "state", "title")

    def text(self, words: str) -> str:
        """Return words with signs as PlantUML's own escapes."""
        found = _SIGNS.sub(lambda sign: f"<U+{ord(sign[0]):04X}>", shown(words))
        return found or " "

    def history(self, name: str, label: str, *, deep: bool) -> str:
        """Return a state with the sign of a history."""
        return f'state "{label}" as {name} <<history{"*" if deep else ""}>>'
