"""Show values on one line, and the likeliest of several names first."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ErrorContext", "nearest", "one_line"]

_LONGEST_VALUE = 200
"""Characters of a context value that an error shows; the rest is cut."""


def one_line(value: object, limit: int = _LONGEST_VALUE) -> str:
    """Return the ``repr`` of a value on one line, cut to ``limit`` characters.

    Parameters
    ----------
    value : object
        Anything; a ``repr`` that raises is replaced by the type's name.
    limit : int, default 200
        The longest text returned, the ellipsis included.

    Returns
    -------
    str
        Printable text: control characters stay escaped, as ``repr`` shows them.
    """
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may raise anything
        text = f"<{type(value).__name__}: repr failed with {type(error).__name__}>"
    text = " ".join(text.splitlines())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def nearest(name: str, choices: Iterable[str], *, limit: int = 5) -> list[str]:
    """Order choices by likeness to a name, the likeliest first.

    Parameters
    ----------
    name : str
        What was asked for.
    choices : iterable of str
        What there is, in the order in which it should be listed otherwise.
    limit : int, default 5
        How many to return at most.

    Returns
    -------
    list of str
        Near misses by falling likeness (``difflib``'s ratio, without regard to case),
        then the remaining choices in their own order.
    """
    listed = list(dict.fromkeys(choices))
    folded: dict[str, list[str]] = {}
    for choice in listed:
        folded.setdefault(choice.casefold(), []).append(choice)
    close = difflib.get_close_matches(name.casefold(), folded, n=limit, cutoff=0.6)
    near = [choice for key in close for choice in folded[key]]
    rest = [choice for choice in listed if choice not in near]
    return (near + rest)[:limit]


class ErrorContext(dict[str, Any]):
    """Hold the names and values that place an error: a dict that can be chained."""

    __slots__ = ()

    def add(self, key: str, value: object) -> ErrorContext:
        """Add one item and return the context itself."""
        self[key] = value
        return self

    def format(self) -> str:
        """Return the items as indented ``name=value`` lines, or nothing."""
        return "\n".join(f"  {key}={one_line(value)}" for key, value in self.items())
