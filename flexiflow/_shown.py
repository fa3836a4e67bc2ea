"""Make a user's words safe to show: text stays text in a terminal and in a picture."""

from __future__ import annotations

import unicodedata

__all__ = ["shown"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that are not shown as they are.

Control characters (a terminal would obey them), format characters (direction overrides
reorder what stands around them), lone surrogates (cannot be written), and line breaks.
"""

_JOINERS = frozenset({"\u200c", "\u200d", "\ufe0f"})
"""Format characters that scripts and emoji need; they change nothing around them."""


def shown(text: str, limit: int | None = None) -> str:
    r"""Return words as they may be shown: dangerous characters as visible escapes.

    Parameters
    ----------
    text : str
        What the user wrote.
    limit : int, optional
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
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def _visible(character: str) -> str:
    """Return a character, or its escape when it must not be shown."""
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    if character in "\n\r\t":
        return " "
    return character.encode("unicode_escape").decode("ascii")
