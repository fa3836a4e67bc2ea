"""Hold XML that is data of an SCXML document as JSON, and look things up in it.

An element is a mapping with ``tag``, ``attributes``, ``text`` and ``children``; the
expressions of a document ask it as they would ask an element of ``xml.etree``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError
from ._xml import local_name, parse_xml

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

__all__ = ["ELEMENT_METHODS", "element_data", "is_element"]

_KEYS: Final = {"tag", "attributes", "text", "children"}

# Any in this module: JSON.


def element_data(text: str) -> dict[str, Any] | None:
    """Return the element that a text holds, or None when it is no element.

    An SCXML document stays text, for ``invoke``.
    """
    if not text.lstrip().startswith("<"):
        return None
    try:
        root = parse_xml(text.strip(), "<data>").root
    except ConfigError:
        return None
    return None if local_name(root) == "scxml" else _data(root)


def _data(element: ET.Element) -> dict[str, Any]:
    return {
        "tag": local_name(element),
        "attributes": dict(element.attrib),
        "text": (element.text or "").strip(),
        "children": [_data(child) for child in element],
    }


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
