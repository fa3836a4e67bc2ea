"""Read what a person typed: JSON when it parses, else text."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["read_typed"]


def read_typed(text: str) -> Any:
    """Return JSON when it parses, else the text as it is; None for nothing.

    Parameters
    ----------
    text : str
        What was typed. It is read here and not in the page: JavaScript has no integers
        above 2**53, and would change them without a word.

    Returns
    -------
    object
        Any, since a person may type anything. ``NaN`` and its like are no JSON.
    """
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(name: str) -> NoReturn:
    """Take a name that Python reads as a number for what it is: text."""
    raise ValueError(name)
