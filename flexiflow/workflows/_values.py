"""Turn what steps take and give into text for the journal, and back."""

from __future__ import annotations

import json
from typing import Any

from ..errors import one_line
from .codec import decode, digest, encode
from .errors import CodecError, told

__all__ = ["digest_of", "error_of", "error_text", "text_of", "to_json", "value_of"]


# Any, here and below: values are the user's.
def text_of(value: Any) -> str | None:
    """Return a value as text, None as None.

    Raises
    ------
    CodecError
        If it cannot be stored; it says which part of it.
    """
    return None if value is None else encode(value)


def value_of(text: str) -> Any:
    """Return the value of a text."""
    return decode(text)


def error_text(error: BaseException) -> str:
    """Return an error as text; each error can be stored."""
    return encode(error)


def error_of(text: str) -> BaseException:
    """Return the error of a text."""
    found = decode(text)
    if isinstance(found, BaseException):
        return found
    return CodecError(
        "The stored error cannot be read", why=f"The journal holds {one_line(text)}."
    )


def digest_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return the digest of a call's arguments; nothing when there are none."""
    if kwargs:
        return digest([*args, kwargs])
    return digest([*args]) if args else ""


def to_json(value: Any) -> Any:
    """Return a value as JSON data for people and programs; never fails."""
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": told(value)}
    try:
        return json.loads(encode(value))
    except CodecError:
        return one_line(value)
