"""Read YAML into data with places: the one YAML reader of FlexiFlow.

The text goes through PyYAML's scanner and parser only; composing, resolving and all
checks are done here, on the stream of events, so that nothing is built before its
size, depth and aliases were found harmless. Scalars follow the YAML 1.2 core schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, final

from ..diagnostics import Diagnostic, Place
from ..errors import one_line
from ._nodes import MOST_DEPTH, Node, YamlDocument, node_of, path_text
from ._yaml_errors import describe_syntax_error

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Node", "YamlDocument", "load_yaml", "node_of", "path_text"]

MOST_CHARACTERS = 2_000_000
"""The longest text that is read."""
MOST_NODES = 250_000
"""Keys and values of one text, aliases expanded."""
MOST_ALIASES = 1_000
"""Uses of anchors in one text."""
MOST_DIGITS = 1_000
"""Digits of the longest whole number that is read."""

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_CONSTANTS: Mapping[str, object] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_OLD_BOOLEANS = frozenset({"yes", "no", "on", "off"})
_TAG = "tag:yaml.org,2002:"


def load_yaml(
    text: str | bytes, *, source: str = "<text>", first_line: int = 1
) -> YamlDocument:
    """Read a YAML text; never raise for what stands in it.

    Parameters
    ----------
    text : str or bytes
        One YAML document; bytes are UTF-8.
    source : str, default "<text>"
        What places call the text: a file's path, ``cell [3]``.
    first_line : int, default 1
        The number of the text's first line, where it is part of something larger.

    Returns
    -------
    YamlDocument
        Its ``check`` raises when there are errors. Data are those of the YAML 1.2
        core schema: str, int, float, bool, None, list and dict.

    Notes
    -----
    Refused with a clear error: more than 2,000,000 characters, 250,000 values,
    100 levels or 1,000 aliases; duplicate keys; unknown tags; several documents.
    """
    reader = _Reader(source, first_line)
    if isinstance(text, bytes):
        decoded = reader.decode(text)
        if decoded is None:
            return YamlDocument(source, None, tuple(reader.problems))
        text = decoded
    text = text.removeprefix("\ufeff")
    root = reader.read(text)
    if any(item.level == "error" for item in reader.problems):
        root = None
    return YamlDocument(source, root, tuple(reader.problems), text)


@final
class _Open:
    """A collection that is being read."""

    __slots__ = ("anchor", "before", "key", "node", "step")

    def __init__(self, node: Node, anchor: str | None, before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before
        self.key: Node | None = None
        self.step: str | int = 0


class _Stop(Exception):  # noqa: N818 - ends the reading, never seen outside
    """The text cannot be read further."""


@final
class _Reader:
    """Composes nodes from the parser's events, with all checks."""

    def __init__(self, source: str, first_line: int) -> None:
        self.source = source
        self.offset = first_line
        self.problems: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.count = 0
        self.aliases = 0
        self.root: Node | None = None

    def report(
        self,
        what: str,
        why: str | None,
        fix: str | None,
        *,
        at: tuple[int, int, int | None],
        level: Literal["error", "warning"] = "error",
        code: str = "flexiflow.yaml",
    ) -> None:
        """Add a problem at a line, column and end column, counted from 1."""
        path = path_text([item.step for item in self.stack])
        place = Place(self.source, at[0], at[1], at[2], path)
        self.problems.append(Diagnostic(level, what, why, fix, {}, place, code))

    def decode(self, raw: bytes) -> str | None:
        """Return the text of UTF-8 bytes, or None with the problem reported."""
        try:
            return raw[: MOST_CHARACTERS * 4 + 1].decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8", "replace")
            line, column = _position(before, len(before))
            self.report(
                "The text is not UTF-8.",
                f"Byte {error.start} is 0x{raw[error.start]:02x}: {error.reason}.",
                "Save the file as UTF-8.",
                at=(line + self.offset, column + 1, None),
            )
            return None

    def read(self, text: str) -> Node | None:
        """Return the root of a text, or what was read of it before an error."""
        if len(text) > MOST_CHARACTERS:
            self.report(
                "The text is too long.",
                f"It has {len(text):,} characters; the most is {MOST_CHARACTERS:,}.",
                "Split it into several files.",
                at=(self.offset, 1, None),
            )
            return None
        bad = _FORBIDDEN.search(text)
        if bad is not None:
            line, column = _position(text, bad.start())
            self.report(
                "The text has a character that YAML does not allow.",
                f"It is U+{ord(bad.group()):04X}, a control character or half of a "
                "pair.",
                "Remove it; inside double quotes it can be written as an escape.",
                at=(line + self.offset, column + 1, column + 2),
            )
            return None
        try:
            self._compose(text)
        except _Stop:
            return None
        return self.root or Node("scalar", None, (self.offset, 1, None))

    def _compose(self, text: str) -> None:
        """Build the nodes, asking the parser for one event after the other."""
        import yaml  # noqa: PLC0415 - not loaded until a config is read

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_map,
            yaml.SequenceStartEvent: self._start_list,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        try:
            for event in yaml.parse(text, Loader=loader):
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except yaml.YAMLError as error:
            found = describe_syntax_error(error, text, self.offset)
            self.report(found.what, found.why, found.fix, at=found.at)
            raise _Stop from None

    # The parser's events carry no types of their own: Any in the methods below.

    def _at(self, event: Any) -> tuple[int, int, int | None]:
        """Return the event's line, column and end column, counted from 1."""
        start, end = event.start_mark, event.end_mark
        last = end.column + 1 if end.line == start.line else None
        return start.line + self.offset, start.column + 1, last

    def _document(self, event: Any) -> None:
        if self.root is not None:
            self.report(
                "The text has more than one YAML document.",
                "A line --- begins a second one.",
                "Keep one document a file: remove the --- line.",
                at=self._at(event),
            )
            raise _Stop

    def _scalar(self, event: Any) -> None:
        at = self._at(event)
        text = event.value
        node = Node("scalar", text, at)
        if event.implicit[0] and event.tag is None:
            node.value = self._plain(text, at)
        elif event.tag is not None and event.tag != _TAG + "str" and event.tag != "!":
            node.value = self._tagged(event.tag, text, at)
        if not event.implicit[0] and not text.isprintable():
            self._check_escapes(text, at)
        self._count(1, at)
        self._remember(event.anchor, node, 1)
        self._add(node, plain=bool(event.implicit[0]))

    def _plain(self, text: str, at: tuple[int, int, int | None]) -> object:
        """Return the value of an unquoted scalar by the 1.2 core schema."""
        if not text or text[0] in "~ntfNTF":
            return _CONSTANTS.get(text, text)
        if text[0] not in "-+.0123456789":
            return text
        if _INT.fullmatch(text):
            if len(text) > MOST_DIGITS:
                self.report(
                    "The number is too long.",
                    f"It has {len(text):,} digits; the most is {MOST_DIGITS:,}.",
                    "Shorten it, or put it in quotes to keep it as text.",
                    at=at,
                )
                return 0
            return int(text)
        if _BASED.fullmatch(text) and len(text) <= MOST_DIGITS:
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _INFINITE.fullmatch(text):
            return float(text.replace(".", ""))
        return float("nan") if text in {".nan", ".NaN", ".NAN"} else text

    def _tagged(self, tag: str, text: str, at: tuple[int, int, int | None]) -> object:
        """Return the value of a scalar with a tag of the core schema."""
        want = {"int": int, "float": float, "bool": bool, "null": type(None)}
        short = tag.removeprefix(_TAG)
        if tag.startswith(_TAG) and short in want:
            value = self._plain(text, at)
            if isinstance(value, int) and short == "float":
                return float(value)
            if type(value) is want[short]:
                return value
        self.report(
            f"The tag {one_line(tag, 60)} cannot be used here.",
            "Only plain data are read; a tag never makes an object.",
            "Remove the tag.",
            at=at,
        )
        return text

    def _check_escapes(self, text: str, at: tuple[int, int, int | None]) -> None:
        """Refuse what escapes in double quotes may smuggle in."""
        if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            self.report(
                "The text has a character that cannot be used.",
                f"{one_line(text, 60)} holds a null or half of a pair.",
                "Remove the escape.",
                at=at,
            )

    def _start_map(self, event: Any) -> None:
        self._start(event, Node("map", {}, (*self._at(event)[:2], None)))

    def _start_list(self, event: Any) -> None:
        self._start(event, Node("list", [], (*self._at(event)[:2], None)))

    def _start(self, event: Any, node: Node) -> None:
        at = self._at(event)
        if event.tag not in {None, "!", _TAG + "map", _TAG + "seq"}:
            self._tagged(event.tag, "", at)
        self._count(1, at)
        if len(self.stack) >= MOST_DEPTH:
            self.report(
                "The text is nested too deep.",
                f"More than {MOST_DEPTH} levels stand within each other.",
                "Close brackets that were left open, or flatten the data.",
                at=at,
            )
            raise _Stop
        self.stack.append(_Open(node, event.anchor, self.count - 1))
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)

    def _end(self, _event: object) -> None:
        done = self.stack.pop()
        self._remember(done.anchor, done.node, self.count - done.before)
        self._add(done.node, plain=False)

    def _alias(self, event: Any) -> None:
        at = self._at(event)
        self.aliases += 1
        known = self.anchors.get(event.anchor)
        if known is None:
            self.report(
                f"Nothing is called &{one_line(event.anchor, 60)[1:-1]}.",
                f"*{event.anchor} stands for a value marked with &{event.anchor} "
                "before it; it cannot stand within itself.",
                "Mark a value before it, or put the text in quotes.",
                at=at,
            )
            raise _Stop
        if self.aliases > MOST_ALIASES:
            self.report(
                "The text has too many aliases.",
                f"More than {MOST_ALIASES:,} values are marked with *.",
                "Write the values out.",
                at=at,
            )
            raise _Stop
        node, size = known
        self._count(size, at)
        self._add(node, plain=False)

    def _remember(self, anchor: str | None, node: Node, size: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size)

    def _count(self, size: int, at: tuple[int, int, int | None]) -> None:
        """Count values, aliases expanded; stop when there are too many."""
        self.count += size
        if self.count > MOST_NODES:
            self.report(
                "The text holds too many values.",
                f"There are more than {MOST_NODES:,}, aliases written out.",
                "Split it into several files, or remove aliases of aliases.",
                at=at,
            )
            raise _Stop

    def _add(self, node: Node, *, plain: bool) -> None:
        """Put a finished node into the collection that is open."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if top.node.kind == "list":
            top.node.value.append(node)
            top.step = len(top.node.value)
        elif top.key is None:
            top.key = self._key(node)
            top.step = str(top.key.value)
        else:
            key, top.key = top.key, None
            if plain and node.value is None and node.column == node.end_column:
                node.line, node.column = key.line, key.column
                node.end_column = key.end_column
            self._put(top.node, key, node)
        if plain and isinstance(node.value, str):
            self._warn_old_boolean(node, top)

    def _key(self, node: Node) -> Node:
        """Return the key, or stand in for one that is no scalar."""
        if node.kind == "scalar":
            return node
        self.report(
            "A key must be text.",
            "A list or a mapping stands where a key belongs.",
            "Put the text in quotes if braces or brackets belong to it.",
            at=(node.line, node.column, None),
        )
        return Node("scalar", f"<{node.kind}>", (node.line, node.column, None))

    def _put(self, into: Node, key: Node, node: Node) -> None:
        first = into.keys.get(key.value)
        if first is None:
            into.keys[key.value] = key
            into.value[key.value] = node
            return
        steps = [item.step for item in self.stack]
        noun = (
            "state" if len(steps) > 1 and steps[-2] in {"states", "parallel"} else "key"
        )
        self.report(
            f"The {noun} {key.value} is declared twice.",
            f"First in line {first.line}, column {first.column}; again in line "
            f"{key.line}, column {key.column}.",
            "Rename one of them, or put both together.",
            at=(key.line, key.column, key.end_column),
            code="flexiflow.yaml.duplicate",
        )

    def _warn_old_boolean(self, node: Node, top: _Open) -> None:
        """Warn of yes, no, on and off as values: text here, booleans in YAML 1.1."""
        word = node.value
        if top.key is node or word.lower() not in _OLD_BOOLEANS:
            return
        right = "true" if word.lower() in {"yes", "on"} else "false"
        self.report(
            f"{word} is read as text.",
            "Only true and false are booleans here.",
            f'Write {right}, or "{word}" in quotes to keep the text.',
            at=(node.line, node.column, node.end_column),
            level="warning",
            code="flexiflow.yaml.boolean",
        )


def _position(text: str, index: int) -> tuple[int, int]:
    """Return the line and column of a character, both counted from 0."""
    before = text[:index]
    line = before.count("\n")
    return line, index - (before.rfind("\n") + 1)
