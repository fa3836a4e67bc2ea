"""Turn what a YAML parser says into what a person can mend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, final

__all__ = ["SyntaxProblem", "describe_syntax_error"]

_KEY_LINE = re.compile(
    r"\s*(?:- +)*(?P<key>[^\s:#][^:#]*?)\s*:(?:\s+(?P<value>[^#]*?))?\s*(?:#.*)?$"
)
_GLUED = re.compile(r"\s*(?:- +)*(?P<key>[\w-]+):(?P<value>[^\s/:][^:]*)$")
_CLOSING = {"[": "]", "{": "}"}


@final
@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A problem in words, and its place."""

    what: str
    """The fact."""
    why: str
    """The cause."""
    fix: str
    """What to type."""
    at: tuple[int, int, int | None]
    """Line, column and end column, counted from 1 with the text's offset."""


@final
class _Lines:
    """The lines of a text, with the numbers that its reader sees."""

    def __init__(self, text: str, offset: int) -> None:
        self.lines = text.split("\n")
        self.offset = offset

    def text(self, index: int) -> str:
        """Return a line, or nothing beyond the end."""
        return self.lines[index] if 0 <= index < len(self.lines) else ""

    def number(self, index: int) -> int:
        """Return the number that the reader sees."""
        return index + self.offset

    def indent(self, index: int) -> int:
        """Return how many spaces a line begins with."""
        line = self.text(index)
        return len(line) - len(line.lstrip(" "))

    def before(self, index: int) -> int:
        """Return the last line above that says something, or -1."""
        for at in range(index - 1, -1, -1):
            if self.text(at).strip() and not self.text(at).lstrip().startswith("#"):
                return at
        return -1

    def open_indents(self, index: int) -> list[tuple[int, int]]:
        """Return indentation and line of the levels open above, outermost first."""
        levels: list[tuple[int, int]] = []
        at = self.before(index)
        smallest: int | None = None
        while at >= 0:
            indent = self.indent(at)
            if smallest is None or indent < smallest:
                levels.append((indent, at))
                smallest = indent
            at = self.before(at)
        return levels[::-1]


def describe_syntax_error(
    error: Any,
    text: str,
    offset: int,
) -> SyntaxProblem:
    """Return a parser's error as what, why, fix and place.

    Parameters
    ----------
    error : yaml.YAMLError
        What the parser raised.
    text : str
        The text that was read.
    offset : int
        The number of its first line.

    Returns
    -------
    SyntaxProblem
        Never raises, whatever the error holds.
    """
    lines = _Lines(text, offset)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line if mark else 0
    column = mark.column if mark else 0
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    begun = getattr(error, "context_mark", None)
    found = (
        _tab(lines, line)
        or _glued(lines, line, problem)
        or _flow(lines, problem, context, begun)
        or _quote(lines, problem, context, begun)
        or _too_deep_or_two_colons(lines, line, column, problem)
        or _uneven(lines, line, problem, context)
        or _first_sign(lines, line, column, problem)
    )
    if found is not None:
        return found
    shown = lines.text(line).strip()
    return SyntaxProblem(
        "The text is not YAML.",
        problem[:1].upper() + problem[1:] + (f" {context}" if context else "") + ".",
        f"Look at line {lines.number(line)}: {shown[:80]}"
        if shown
        else f"Look at the lines above line {lines.number(line)}.",
        (lines.number(line), column + 1, None),
    )


def _tab(lines: _Lines, line: int) -> SyntaxProblem | None:
    for at in (line, line - 1):
        raw = lines.text(at)
        lead = raw[: len(raw) - len(raw.lstrip())]
        if "\t" in lead and raw.strip():
            column = lead.index("\t")
            return SyntaxProblem(
                f"Line {lines.number(at)} is indented with a tab.",
                "YAML indents with spaces only.",
                "Replace the tab with spaces, two for each level.",
                (lines.number(at), column + 1, column + 2),
            )
    return None


def _glued(lines: _Lines, line: int, problem: str) -> SyntaxProblem | None:
    if "mapping values" not in problem and "expected ':'" not in problem:
        return None
    for at in (lines.before(line), line):
        match = _GLUED.match(lines.text(at)) if at >= 0 else None
        if match is not None:
            key, value = match["key"], match["value"].strip()
            start = match.start("key")
            return SyntaxProblem(
                f"Line {lines.number(at)} has no space after the colon.",
                f"{key}:{value} is read as one word.",
                f"Write {key}: {value}",
                (lines.number(at), start + 1, start + len(key) + 2),
            )
    return None


def _flow(
    lines: _Lines, problem: str, context: str, begun: Any
) -> SyntaxProblem | None:
    if "flow" not in context or begun is None:
        return None
    at = (begun.line, begun.column)
    if "flow node" in context:
        at = _last_open(lines, begun.line, begun.column) or at
    sign = lines.text(at[0])[at[1] : at[1] + 1]
    if sign not in _CLOSING:
        return None
    number = lines.number(at[0])
    return SyntaxProblem(
        f"The {sign} of line {number} is not closed in order.",
        f"{problem[:1].upper()}{problem[1:]}.",
        f"Close it with {_CLOSING[sign]}, and put a comma between its items.",
        (number, at[1] + 1, at[1] + 2),
    )


def _last_open(lines: _Lines, line: int, column: int) -> tuple[int, int] | None:
    """Return the place of the last bracket before a place that is not closed."""
    open_: list[tuple[int, int]] = []
    for at in range(line + 1):
        text = lines.text(at) if at < line else lines.text(at)[:column]
        for index, sign in enumerate(text):
            if sign in _CLOSING:
                open_.append((at, index))
            elif sign in "]}" and open_:
                open_.pop()
    return open_[-1] if open_ else None


def _quote(
    lines: _Lines, problem: str, context: str, begun: Any
) -> SyntaxProblem | None:
    if "quoted scalar" not in context or begun is None:
        return None
    number = lines.number(begun.line)
    at = (number, begun.column + 1, begun.column + 2)
    if "escape" in problem:
        return SyntaxProblem(
            f"The text in double quotes of line {number} has an unknown escape.",
            f"{problem[:1].upper()}{problem[1:]}; a backslash begins an escape there.",
            r"Write \\ for a backslash, or use single quotes.",
            at,
        )
    return SyntaxProblem(
        f"The quote of line {number} is not closed.",
        "The text ends before the second quotation mark.",
        "Add the closing quotation mark.",
        at,
    )


def _too_deep_or_two_colons(
    lines: _Lines, line: int, column: int, problem: str
) -> SyntaxProblem | None:
    if "mapping values" not in problem:
        return None
    number = lines.number(line)
    raw = lines.text(line)
    above = lines.before(line)
    owner = _KEY_LINE.match(lines.text(above)) if above >= 0 else None
    first = raw[:column].find(": ")
    if first >= 0 and not raw.lstrip().startswith("#"):
        key = raw[:first].strip()
        value = raw[first + 1 :].strip()
        return SyntaxProblem(
            f"Line {number} has a second colon.",
            f"The value of {key} holds a colon and is not in quotes.",
            f'Write {key}: "{value}", or put the inner key on a line of its own.',
            (number, column + 1, column + 2),
        )
    if (
        owner is not None
        and owner["value"]
        and lines.indent(line) > lines.indent(above)
    ):
        return SyntaxProblem(
            f"The indentation of line {number} does not fit.",
            f"Line {lines.number(above)} already gives {owner['key']} the value "
            f"{owner['value'].strip()}; nothing can stand below it.",
            f"Indent line {number} by {_spaces(lines.indent(above))}, like line "
            f"{lines.number(above)}.",
            (number, lines.indent(line) + 1, column + 1),
        )
    return SyntaxProblem(
        f"A key is not expected in line {number}.",
        "The line above is text, not a key with a colon.",
        f"End line {lines.number(max(above, 0))} with a colon, or join the lines.",
        (number, column + 1, column + 2),
    )


def _uneven(
    lines: _Lines, line: int, problem: str, context: str
) -> SyntaxProblem | None:
    if "block" not in context or "expected" not in problem:
        return None
    number = lines.number(line)
    indent = lines.indent(line)
    if lines.text(line)[:1] in {"]", "}"} or not lines.text(line).strip():
        return None
    levels = lines.open_indents(line)
    if indent in {level for level, _ in levels}:
        return SyntaxProblem(
            f"Line {number} does not continue what stands above it.",
            "A list item and a key stand at the same indentation."
            if "collection" in context or lines.text(line).lstrip().startswith("-")
            else f"{problem[:1].upper()}{problem[1:]}.",
            f"Indent line {number} differently, or write it like the lines above.",
            (number, indent + 1, None),
        )
    ways = [
        f"by {_spaces(level)}, like line {lines.number(at)}"
        for level, at in sorted(levels, key=lambda item: abs(item[0] - indent))[:2]
    ]
    return SyntaxProblem(
        f"The indentation of line {number} does not fit.",
        f"It begins with {_spaces(indent)}; no line above that is still open does.",
        f"Indent it {' or '.join(ways)}.",
        (number, 1, indent + 1),
    )


def _first_sign(
    lines: _Lines, line: int, column: int, problem: str
) -> SyntaxProblem | None:
    if "cannot start any token" not in problem:
        return None
    number = lines.number(line)
    rest = lines.text(line)[column:]
    word = re.split(r"[\s,\]}]", rest, maxsplit=1)[0] or rest[:1]
    return SyntaxProblem(
        f"A value cannot begin with {rest[:1] or 'this'}.",
        f"In YAML, {rest[:1]} has a meaning of its own (line {number}).",
        f'Put the text in quotes: "{word}"',
        (number, column + 1, column + 2),
    )


def _spaces(count: int) -> str:
    """Return a number of spaces in words."""
    return "no space" if count == 0 else f"{count} space{'s' if count > 1 else ''}"
