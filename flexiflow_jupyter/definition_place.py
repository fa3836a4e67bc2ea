"""Tell where in a definition a cursor stands, however unfinished the text is.

The text is read leniently, line by line: what is typed is rarely YAML yet. Pure: no
shell, no engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, final

__all__ = ["Outline", "Place", "place_at", "read_outline"]

_KEY: Final = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#\-\[\]{},:'"][^#:{}\[\],]*?)\s*:(?=\s|$)"""
)
_WORD: Final = re.compile(r"[$\w.\-]*\Z")
_WORD_AFTER: Final = re.compile(r"[$\w.\-]*")
_OPENING: Final = {"{": "}", "[": "]"}


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor stands."""

    path: tuple[str, ...]
    """The keys that lead to the mapping around it; items of lists have none."""
    key: str | None
    """The key whose value is typed; None while a key is typed."""
    word: str
    """What stands before the cursor and belongs to the word that is typed."""
    whole: str
    """The whole word under the cursor."""
    is_item: bool = False
    """Whether it begins an item of a list, which may be a value or a mapping."""


@final
@dataclass(frozen=True, slots=True)
class Outline:
    """The keys of a definition, and the texts of those that have one."""

    keys: dict[tuple[str, ...], str] = field(default_factory=dict)
    """What stands behind each key on its line, by the key's path; in document order."""

    @property
    def states(self) -> list[tuple[str, ...]]:
        """The paths of the states: names only, outer before inner."""
        found = (_state_path(path) for path in self.keys)
        return list(dict.fromkeys(path for path in found if path))

    @property
    def messages(self) -> dict[str, list[tuple[str, ...]]]:
        """The states in which each message does something, in document order."""
        found: dict[str, list[tuple[str, ...]]] = {}
        for path in self.keys:
            if len(path) > 1 and path[-2] == "on":
                found.setdefault(path[-1], []).append(_state_path(path[:-2]))
        return found

    def text_of(self, state: tuple[str, ...], key: str) -> str:
        """Return what stands behind a key of a state; "" when nothing does."""
        for path, text in self.keys.items():
            if path and path[-1] == key and _state_path(path[:-1]) == state:
                return text.strip("'\" ")
        return ""


def _state_path(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the states on the way to a key; () when it is no state's."""
    names: list[str] = []
    at = 0
    while at + 1 < len(path) and path[at] in {"states", "parallel"}:
        names.append(path[at + 1])
        at += 2
    return tuple(names) if at == len(path) else ()


def place_at(text: str, offset: int) -> Place:
    """Return where a cursor stands.

    Parameters
    ----------
    text : str
        The definition, without the line of the magic.
    offset : int
        The cursor, counted in characters from the beginning; from 0 to ``len(text)``.
    """
    before = text[:offset]
    typed = _WORD.search(before)
    word = "" if typed is None else typed[0]
    rest = _WORD_AFTER.match(text, offset)
    reader = _Reader()
    start = before.rfind("\n") + 1
    for line in before[:start].splitlines():
        reader.take(line)
    lead = before[start : len(before) - len(word)]
    path, key = reader.stand(lead)
    is_item = key is None and lead.rstrip(" ").endswith("-") and bool(path)
    if is_item:
        path, key = path[:-1], path[-1]
    whole = word + ("" if rest is None else rest[0])
    return Place(path, key, word, whole, is_item)


def read_outline(text: str) -> Outline:
    """Return the keys of a definition, as far as they can be read."""
    reader = _Reader()
    for line in text.splitlines():
        reader.take(line)
    return Outline(reader.keys)


class _Reader:
    """Reads lines, and knows under which keys the next one stands."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, ...], str] = {}
        self._stack: list[tuple[int, str]] = []
        self._flow: _Flow | None = None

    def take(self, line: str) -> None:
        """Read one line to its end."""
        if line.strip():
            self.stand(line)

    # The path where the line ends, and the key behind which it does.
    def stand(self, line: str) -> tuple[tuple[str, ...], str | None]:
        """Read the beginning of a line; return where it ends."""
        if self._flow is not None:
            return self._read_flow(line)
        content = line.lstrip(" ")
        indent = len(line) - len(content)
        if content.startswith("#"):
            return self._path(), None
        while content.startswith("- ") or content == "-":
            content = content[1:]
            inner = content.lstrip(" ")
            indent += 1 + len(content) - len(inner)
            content = inner
        self._leave(indent)
        if not content.strip():
            return self._path(), None
        found = _KEY.match(content)
        if found is None:
            if content[0] not in _OPENING:
                return self._path(), None
            path, rest = self._path(), content
        else:
            key = _plain(found["key"])
            rest = content[found.end() :]
            self._stack.append((indent, key))
            path = self._path()
            self.keys.setdefault(path, rest.strip())
        if rest.lstrip()[:1] in {"{", "["} and rest.strip():
            self._flow = _Flow(path, self.keys)
            return self._read_flow(rest)
        return self._path()[:-1], key if found is not None else None

    def _read_flow(self, text: str) -> tuple[tuple[str, ...], str | None]:
        flow = self._flow
        if flow is None:
            return self._path(), None
        flow.take(text)
        place = flow.place()
        if flow.is_over:
            self._flow = None
        return place

    def _leave(self, indent: int) -> None:
        while self._stack and self._stack[-1][0] >= indent:
            self._stack.pop()

    def _path(self) -> tuple[str, ...]:
        return tuple(key for _, key in self._stack)


class _Flow:
    """Reads what stands in braces and brackets, over several lines perhaps."""

    def __init__(self, path: tuple[str, ...], keys: dict[tuple[str, ...], str]) -> None:
        self._path = list(path)
        self._open: list[tuple[str, int]] = []
        self._key: str | None = None
        self._text = ""
        self._quote = ""
        self._keys = keys
        self.is_over = False

    def place(self) -> tuple[tuple[str, ...], str | None]:
        """Return the path of the mapping around, and the key whose value comes."""
        if self.is_over or not self._open:
            return tuple(self._path[:-1]), self._path[-1] if self._path else None
        if self._key is not None:
            return tuple(self._path), self._key
        if self._open[-1][0] == "[":
            return tuple(self._path[:-1]), self._path[-1] if self._path else None
        return tuple(self._path), None

    def take(self, text: str) -> None:
        """Read on."""
        for sign in text:
            if self._quote:
                self._quote = "" if sign == self._quote else self._quote
                self._text += sign
            elif sign in "\"'" and not self._text.strip():
                self._quote = sign
                self._text += sign
            elif sign in _OPENING:
                self._enter(sign)
            elif sign in "}]":
                self._leave()
                if self.is_over:
                    return
            elif sign == ",":
                self._end_value()
            elif sign == ":" and self._key is None and self._open:
                self._key = _plain(self._text.strip())
                self._text = ""
                self._keys.setdefault((*self._path, self._key), "")
            else:
                self._text += sign

    def _enter(self, sign: str) -> None:
        depth = len(self._path)
        if self._key is not None:
            self._path.append(self._key)
            self._key = None
        self._open.append((sign, depth))
        self._text = ""

    def _leave(self) -> None:
        self._end_value()
        if self._open:
            _, depth = self._open.pop()
            del self._path[depth:]
        self.is_over = not self._open

    def _end_value(self) -> None:
        if self._key is not None and self._open[-1:] and self._open[-1][0] == "{":
            self._keys[*self._path, self._key] = self._text.strip()
            self._key = None
        self._text = ""


def _plain(key: str) -> str:
    """Return a key without the quotes around it."""
    if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'":
        return key[1:-1]
    return key
