"""Put any text into PostgreSQL, whose own text has no place for NUL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["kept", "kept_all", "read"]

_NUL: Final = "\0"
_MARK: Final = "\x1a"
"""Begins what stands for another character; SUB, which text hardly ever holds."""


def kept(text: str) -> str:
    """Return text as it is stored: the same, unless it holds NUL or SUB.

    Raises
    ------
    TypeError
        If it is no text.
    UnicodeEncodeError
        If it holds half a surrogate pair.
    """
    (stored,) = kept_all((text,))
    return stored or ""


def kept_all(texts: Sequence[str | None]) -> list[str | None]:
    """Return texts as they are stored; None stays None.

    Raises
    ------
    TypeError
        If one is no text.
    UnicodeEncodeError
        If one holds half a surrogate pair.
    """
    # One look at all of them together costs a tenth of a look at each.
    whole = "".join([text for text in texts if text is not None])
    if not whole.isascii():
        whole.encode()
    if _NUL in whole or _MARK in whole:
        return [None if text is None else _escaped(text) for text in texts]
    return list(texts)


def _escaped(text: str) -> str:
    return text.replace(_MARK, _MARK + "1").replace(_NUL, _MARK + "0")


def read(texts: Iterable[Any]) -> tuple[Any, ...]:  # Any: the columns of a row
    """Return a row as it was before it was stored; only its texts may have changed."""
    row = tuple(texts)
    if not any(_MARK in item for item in row if isinstance(item, str)):
        return row
    return tuple(
        item.replace(_MARK + "0", _NUL).replace(_MARK + "1", _MARK)
        if isinstance(item, str)
        else item
        for item in row
    )
