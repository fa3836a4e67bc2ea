"""Write data as YAML that people read: one line a value, quotes only where needed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["flow", "key_text"]

_PLAIN: Final = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+)*")
"""Text that stands without quotes: words, as names of states and messages are."""
_OWN: Final = re.compile(
    r"\d+(?:\.\d+)?(?:ms|s|m|h|d)|\$(?:context|message|result|error|rules)(?:\.\w+)*"
)
"""The language's own words that need none either: durations and references."""
_SPECIAL: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
"""Words that are no text in some version of YAML, or warned of."""

# Any in this module: JSON data.


def flow(value: Any) -> str:
    """Return JSON data as YAML on one line.

    Parameters
    ----------
    value : object
        Mappings, lists, tuples, texts, numbers, true, false and None.

    Returns
    -------
    str
        What ``load_yaml`` reads as the same data; tuples become lists. Null characters
        and lone surrogates are written, but no YAML is read that holds them.

    Examples
    --------
    >>> flow({"type": "pay", "sum": 3, "by": "yes"})
    '{type: pay, sum: 3, by: "yes"}'
    """
    if isinstance(value, Mapping):
        listed = (f"{key_text(key)}: {flow(item)}" for key, item in value.items())
        return "{" + ", ".join(listed) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    if isinstance(value, str):
        return _quoted(value)
    return json.dumps(value)


def key_text(key: object) -> str:
    """Return the key of a mapping; ``on`` is one of the language."""
    return "on" if key == "on" else flow(str(key))


def _is_plain(text: str) -> bool:
    """Return whether a text needs no quotes."""
    if _OWN.fullmatch(text):
        return True
    return bool(_PLAIN.fullmatch(text)) and text.casefold() not in _SPECIAL


def _quoted(text: str) -> str:
    """Return a text in quotes; what YAML does not print is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else _escaped(one) for one in quoted)


def _escaped(character: str) -> str:
    """Return a character as YAML's escape."""
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
