"""Put any text into PostgreSQL, whose own text has no place for NUL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["column", "kept", "parts_of", "read"]

_NUL: Final = "\0"
_MARK: Final = "\x1a"
"""Begins what stands for another character; SUB, which text hardly ever holds."""
_BREAK: Final = "\x1e"
"""Stands before each text of a column; RS, which text hardly ever holds."""
_NONE: Final = _MARK + "N"


def kept(text: str) -> str:
    """Return text as it is stored: the same, unless it holds NUL, SUB or RS.

    Raises
    ------
    TypeError
        If it is no text.
    UnicodeEncodeError
        If it holds half a surrogate pair.
    """
    return column((text,))[1:]


def column(texts: Sequence[str | None]) -> str:
    """Return texts as one, as the database's function ``texts`` takes it.

    Raises
    ------
    TypeError
        If one is no text.
    UnicodeEncodeError
        If one holds half a surrogate pair.
    """
    given = (
        [_NONE if text is None else text for text in texts] if None in texts else texts
    )
    # One look at all of them together costs a tenth of a look at each.
    whole = _BREAK.join(["", *given])  # type: ignore[list-item]
    if not whole.isascii():
        whole.encode()
    marks = 0 if given is texts else texts.count(None)
    breaks, nuls = whole.count(_BREAK), _NUL in whole
    if breaks == len(texts) and whole.count(_MARK) == marks and not nuls:
        return whole
    return _BREAK.join(
        ["", *(_NONE if text is None else _escaped(text) for text in texts)]
    )


def parts_of(joined: str) -> list[str]:
    """Return the texts of a column, each as it is stored."""
    return joined.split(_BREAK)[1:]


def _escaped(text: str) -> str:
    text = text.replace(_MARK, _MARK + "1").replace(_NUL, _MARK + "0")
    return text.replace(_BREAK, _MARK + "2")


def read(texts: Iterable[Any]) -> tuple[Any, ...]:  # Any: the columns of a row
    """Return a row as it was before it was stored; only its texts may have changed."""
    row = tuple(texts)
    if not any(_MARK in item for item in row if isinstance(item, str)):
        return row
    return tuple(
        item.replace(_MARK + "0", _NUL)
        .replace(_MARK + "2", _BREAK)
        .replace(_MARK + "1", _MARK)
        if isinstance(item, str)
        else item
        for item in row
    )
