"""Make names safe to show: what a user wrote is text in every picture."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexiflow.graph import FlowEdge

__all__ = ["UniqueIds", "edge_label", "identifier", "shown"]

_LONGEST = 500
"""Characters of a name that a picture shows; the rest is cut."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that are not shown as they are.

Control characters (a terminal would obey them), format characters (direction overrides
reorder what stands around them), lone surrogates (cannot be written), and line breaks.
"""

_JOINERS = frozenset({"\u200c", "\u200d", "\ufe0f"})
"""Format characters that scripts and emoji need; they change nothing around them."""


def shown(text: str, limit: int = _LONGEST) -> str:
    r"""Return a name as it may be shown: dangerous characters as visible escapes.

    Parameters
    ----------
    text : str
        What the user wrote.
    limit : int, default 500
        The longest text returned, the ellipsis included.

    Returns
    -------
    str
        Printable text on one line.

    Examples
    --------
    >>> print(shown("a\x1b[31mb"))
    a\x1b[31mb
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(map(_visible, text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _visible(character: str) -> str:
    """Return a character, or its escape when it must not stand in a picture."""
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    if character in "\n\r\t":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def edge_label(edge: FlowEdge) -> str:
    """Return what stands on an edge: the message, and the guard in brackets."""
    return f"{edge.message} [{edge.guard}]" if edge.guard else edge.message


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
