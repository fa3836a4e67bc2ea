"""Read what clients send: JSON as data, whatever it looks like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ..codec import decode, encode
from ..errors import CodecError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["TYPED", "encoded_body"]

TYPED: Final = "application/vnd.flexiflow+json"
"""The media type of bodies in which values are tagged as the journal has them."""

_TAGS: Final = frozenset(
    {
        "bytes",
        "bytearray",
        "complex",
        "date",
        "datetime",
        "decimal",
        "dict",
        "float",
        "frozenset",
        "int",
        "path",
        "posix_path",
        "set",
        "str",
        "time",
        "timedelta",
        "tuple",
        "uuid",
    }
)
"""What may be tagged: values of Python's own, none that names a class or a file."""


async def encoded_body(request: Request) -> str | None:
    """Return the body of a request as the codec encodes it; None for an empty one.

    Tags in plain JSON are data like all else: who may send an input must not be able to
    have the workers import a module.

    Raises
    ------
    CodecError
        If it is no JSON, or is nested too deeply.
    """
    body = await request.body()
    if not body.strip():
        return None
    try:
        found = json.loads(body, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from error
    if found is None:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != TYPED:
        return encode(found)
    _check_tags(found)
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return encode(decode(text, imports=False))


def _check_tags(value: Any) -> None:  # Any: JSON data
    """Refuse tags of other kinds than those that are harmless."""
    if isinstance(value, list):
        for item in value:
            _check_tags(item)
    elif isinstance(value, dict):
        tag = value.get("$type", "dict")
        if not isinstance(tag, str) or tag not in _TAGS:
            raise CodecError(
                "A value of that kind is not taken over HTTP",
                why="It would have the workers load what it names.",
                fix="Send numbers, text, lists, mappings, dates and the like.",
            )
        for item in value.values():
            _check_tags(item)


def _refused(constant: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{constant} is no JSON")


def _not_json(error: Exception) -> CodecError:
    text = "it is nested too deeply" if isinstance(error, RecursionError) else error
    return CodecError(
        "The body is no JSON",
        why=f"{text}.",
        fix='Send JSON, or nothing at all: --data \'{"item": "tea"}\'',
    )
