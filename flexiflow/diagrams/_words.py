"""Make names safe to show: what a user wrote is text in every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexiflow.graph import FlowEdge

__all__ = ["UniqueIds", "edge_label", "edge_words", "identifier", "shown"]

_LONGEST = 500
"""Characters of a name that a picture shows; the rest is cut."""


def shown(text: str) -> str:
    """Return a name as a picture shows it: safe, on one line, not too long."""
    return _shown.shown(text, _LONGEST)


def edge_label(edge: FlowEdge) -> str:
    """Return what stands on an edge: the message, and the guard in brackets."""
    return f"{edge.message} [{edge.guard}]" if edge.guard else edge.message


def edge_words(edge: FlowEdge) -> str:
    """Return what stands on an edge, with what is done on the way."""
    done = f" / {', '.join(edge.actions)}" if edge.actions else ""
    return edge_label(edge) + done


class UniqueIds:
    """Hand out identifiers that stay close to names and never meet.

    Parameters
    ----------
    reserved : iterable of str
        Words that the language of the picture keeps for itself, in lower case.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._reserved = frozenset(reserved)
        self._taken: set[str] = set()

    def make(self, name: str) -> str:
        """Return a new identifier: the name in ASCII, numbered when it is taken."""
        plain = identifier(name)
        if plain.casefold() in self._reserved:
            plain += "_"
        unique, number = plain, 1
        while unique in self._taken:
            number += 1
            unique = f"{plain}_{number}"
        self._taken.add(unique)
        return unique


def identifier(name: str) -> str:
    """Return a name with everything but ASCII letters, digits and ``_`` replaced.

    Examples
    --------
    >>> identifier("state-name.v2")
    'state_name_v2'
    """
    kept = (c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return "".join(kept) or "node"
