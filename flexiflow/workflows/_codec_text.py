"""Write and read compact JSON, without what ``json`` prepares anew for each call."""

from __future__ import annotations

import json
from json import encoder as json_encoder
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read", "write", "write_sorted"]


def _refuse(value: object) -> object:
    """Refuse what is no JSON data; a packer has seen to it that there is none."""
    message = f"{type(value).__name__} is no JSON data"
    raise TypeError(message)


def _writer(*, sort_keys: bool) -> Callable[[object], str]:
    """Return a function that writes; ``json`` would make an encoder for each call."""
    # Any: parts of the standard library that have no types.
    make: Any = getattr(json_encoder, "c_make_encoder", None)
    quote: Any = json_encoder.encode_basestring
    if make is None:  # an interpreter without the C part of json
        return json.JSONEncoder(
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            check_circular=False,
            sort_keys=sort_keys,
        ).encode
    skip_keys = allow_nan = False
    chunks = make(
        *(None, _refuse, quote, None, ":", ",", sort_keys, skip_keys, allow_nan)
    )

    def write(value: object) -> str:
        return "".join(chunks(value, 0))

    return write


write: Final = _writer(sort_keys=False)
"""Return JSON data as text; ValueError for NaN and ints that are too large."""

write_sorted: Final = _writer(sort_keys=True)
"""Return JSON data as text that is the same for equal data."""

# Any: without a type as well.
_decoder: Any = json.JSONDecoder()
_scan: Final = _decoder.scan_once


def read(text: str) -> Any:
    """Return the data of JSON text without white space around it.

    Raises
    ------
    ValueError
        If it is no JSON. Any: whatever was written.
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration as error:
        message = "no value where one was expected"
        raise ValueError(message) from error
    if end != len(text):
        message = f"extra text from character {end} on"
        raise ValueError(message)
    return value
