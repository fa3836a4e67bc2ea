"""Look things up in XML that is data of an SCXML document.

An element is a mapping with ``tag``, ``attributes``, ``text`` and ``children``; the
expressions of a document ask it as they would ask an element of ``xml.etree``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["ELEMENT_METHODS", "is_element"]

_KEYS: Final = {"tag", "attributes", "text", "children"}

# Any in this module: JSON.


def is_element(value: Any) -> bool:
    """Return whether a value is an element."""
    return isinstance(value, Mapping) and value.keys() == _KEYS


def _find_all(element: Mapping[str, Any], tag: str) -> list[Any]:
    return [child for child in element["children"] if child["tag"] == tag]


def _find(element: Mapping[str, Any], tag: str) -> Any:
    return next(iter(_find_all(element, tag)), None)


def _get(element: Mapping[str, Any], name: str, default: Any = None) -> Any:
    return element["attributes"].get(name, default)


ELEMENT_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "find": _find,
    "findall": _find_all,
    "get": _get,
    "getAttribute": _get,
    "getElementsByTagName": _find_all,
}
"""What an element can be asked, by name."""
