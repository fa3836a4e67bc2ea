"""Read XML that is data of an SCXML document, as JSON.

Loaded when a document holds such data: running charts needs no reader of XML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ._xml import local_name, parse_xml

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

__all__ = ["element_data"]

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
