"""Read XML that cannot do harm, with its lines, and write it in one fixed form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from ..errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FLEXIFLOW",
    "SCXML",
    "XmlDocument",
    "inner_text",
    "json_attribute",
    "local_name",
    "parse_xml",
    "raw_children",
    "refuse",
    "write_xml",
]

SCXML: Final = "http://www.w3.org/2005/07/scxml"
"""The namespace of SCXML documents."""
FLEXIFLOW: Final = "urn:flexiflow:scxml:1"
"""The namespace of what FlexiFlow adds to them."""
_PREFIXES: Final = {FLEXIFLOW: "flexiflow"}
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_MOST_BYTES: Final = 2_000_000
_MOST_DEPTH: Final = 100
_MOST_ATTRIBUTES: Final = 1_000
_VERBATIM: Final = frozenset({"content", "data", "assign", "script"})
"""Elements within which every blank counts."""
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document can hold."""

# Any in this module: JSON.


@final
@dataclass(frozen=True, slots=True)
class XmlDocument:
    """A document, and where its elements stand."""

    root: ET.Element
    """The outermost element."""
    lines: Mapping[ET.Element, int]
    """The line of each element, from 1."""
    source: str
    """What errors call it."""

    def refuse(
        self, why: str, element: ET.Element | None = None, *, fix: str | None = None
    ) -> NoReturn:
        """Raise a ``ConfigError`` that names the line of an element."""
        refuse(
            self.source,
            why,
            line=self.lines.get(self.root if element is None else element),
            fix=fix,
        )


def refuse(
    source: str,
    why: str,
    *,
    line: int | None = None,
    column: int | None = None,
    fix: str | None = None,
    cause: BaseException | None = None,
) -> NoReturn:
    """Raise the error of a document that cannot be used."""
    place = {"line": line, "column": column}
    raise ConfigError(
        f"{source} is not an SCXML document that can be used.",
        why=why,
        fix=fix or "Mend the document.",
        context={
            "file": source,
            **{key: value for key, value in place.items() if value is not None},
        },
    ) from cause


def parse_xml(text: str | bytes, source: str) -> XmlDocument:
    """Return a document that cannot do harm.

    Parameters
    ----------
    text : str or bytes
        The document; bytes in UTF-8.
    source : str
        What errors call it.

    Raises
    ------
    ConfigError
        If it is larger than 2 MB, declares a document type or entities, nests more
        than 100 elements, or is no XML; with the line.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > _MOST_BYTES:
        refuse(source, f"It has {len(raw):,} bytes; {_MOST_BYTES:,} at most.")
    if b"\x00" in raw:
        refuse(source, "It is not UTF-8.")
    parsing = _Parsing(source)
    try:
        parsing.parser.Parse(raw, True)  # noqa: FBT003 - expat takes it by position
    except expat.ExpatError as error:
        words = expat.errors.messages.get(error.code, "not well-formed")
        refuse(
            source,
            f"It is no XML: {words}.",
            line=error.lineno,
            column=error.offset + 1,
            cause=error,
        )
    except ValueError as error:
        refuse(source, f"{error}.", cause=error)
    return XmlDocument(parsing.builder.close(), parsing.lines, source)


@final
class _Parsing:
    """A parser with its handlers."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.depth = 0
        self.builder = ET.TreeBuilder()
        self.lines: dict[ET.Element, int] = {}
        self.parser = parser = expat.ParserCreate("utf-8", "}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.builder.data
        parser.StartDoctypeDeclHandler = self._forbidden
        parser.EntityDeclHandler = self._forbidden

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        line = self.parser.CurrentLineNumber
        if self.depth > _MOST_DEPTH:
            refuse(
                self.source, f"More than {_MOST_DEPTH} levels are nested.", line=line
            )
        if len(attributes) > _MOST_ATTRIBUTES:
            refuse(self.source, "An element has too many attributes.", line=line)
        given = {_clark(key): value for key, value in attributes.items()}
        self.lines[self.builder.start(_clark(name), given)] = line

    def _end(self, name: str) -> None:
        self.depth -= 1
        self.builder.end(_clark(name))

    def _forbidden(self, *_given: Any) -> None:
        refuse(
            self.source,
            "It declares a document type or entities.",
            line=self.parser.CurrentLineNumber,
        )


def _clark(name: str) -> str:
    """Return a name with its namespace as ElementTree writes it."""
    return f"{{{name}" if "}" in name else name


def local_name(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def inner_text(element: ET.Element) -> str:
    """Return text content; markup within it as it was written."""
    inner = "".join(ET.tostring(child, encoding="unicode") for child in element)
    return (element.text or "") + inner


def raw_children(element: ET.Element, text: str) -> None:
    """Put text content with markup, as ``inner_text`` gave it, into an element."""
    try:
        parsed = parse_xml(f"<x>{text}</x>", "<content>").root
    except ConfigError:
        element.text = text
        return
    element.text = parsed.text
    element.extend(parsed)


def json_attribute(value: Any) -> str:
    """Return data as JSON that may stand in an attribute."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _ILLEGAL.sub(_as_json, text)


def _as_json(found: re.Match[str]) -> str:
    """Return a character that XML cannot hold as JSON escapes it."""
    return json.dumps(found[0])[1:-1]


# --- writing --------------------------------------------------------------------------

_IN_TEXT: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTE: Final = {
    "&": "&amp;",
    "<": "&lt;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}
_TEXT_TABLE: Final = str.maketrans(_IN_TEXT)
_ATTRIBUTE_TABLE: Final = str.maketrans(_IN_ATTRIBUTE)


def write_xml(root: ET.Element) -> str:
    """Return a document: indented by two blanks, one form for one tree."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write(root, parts, namespace="", indent="", inline=False)
    return "".join(parts) + "\n"


def _split(tag: str) -> tuple[str, str]:
    """Return the namespace and the name of a tag."""
    if not tag.startswith("{"):
        return "", tag
    namespace, _, name = tag[1:].partition("}")
    return namespace, name


def _write(
    element: ET.Element, parts: list[str], *, namespace: str, indent: str, inline: bool
) -> None:
    """Write an element within the default namespace of those around it."""
    own, name = _split(element.tag)
    declared = dict[str, str]()
    if own in _PREFIXES:
        name, own = f"{_PREFIXES[own]}:{name}", namespace
    elif own != namespace:
        declared["xmlns"] = own
    if indent == "" and not inline:
        declared.update({f"xmlns:{p}": uri for uri, p in _PREFIXES.items()})
    attributes = {**declared, **_attributes(element.attrib)}
    written = "".join(f" {key}={_quoted(value)}" for key, value in attributes.items())
    parts.append(f"<{name}{written}")
    verbatim = inline or name in _VERBATIM or bool((element.text or "").strip())
    text = element.text or "" if verbatim else ""
    if not len(element) and not text:
        parts.append("/>")
        return
    parts.append(f">{_clean(text).translate(_TEXT_TABLE)}")
    inner = f"{indent}  "
    for child in element:
        if not verbatim:
            parts.append(f"\n{inner}")
        _write(child, parts, namespace=own, indent=inner, inline=verbatim)
        if verbatim:
            parts.append(_clean(child.tail or "").translate(_TEXT_TABLE))
    parts.append(f"</{name}>" if verbatim else f"\n{indent}</{name}>")


def _attributes(given: Mapping[str, str]) -> dict[str, str]:
    """Return attributes with prefixes, and the declarations of further ones."""
    found: dict[str, str] = {}
    for key, value in given.items():
        own, name = _split(key)
        if own == _XML:
            name = f"xml:{name}"
        elif own in _PREFIXES:
            name = f"{_PREFIXES[own]}:{name}"
        elif own:
            prefix = f"ns{len(found)}"
            found[f"xmlns:{prefix}"] = own
            name = f"{prefix}:{name}"
        found[name] = value
    return found


def _quoted(value: str) -> str:
    """Return an attribute's value between the quotation marks that suit it."""
    text = _clean(value).translate(_ATTRIBUTE_TABLE)
    if '"' not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "&apos;") + "'"


def _clean(text: str) -> str:
    """Return a text without what no document can hold."""
    return _ILLEGAL.sub("\ufffd", text)
