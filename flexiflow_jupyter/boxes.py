"""Draw what went wrong as a box: the source, the marked line, what, why and fix."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, final

from flexiflow.diagnostics import ChartError, Diagnostic
from flexiflow.errors import FlexiFlowError

from .traces import own_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Box",
    "Excerpt",
    "Level",
    "Problem",
    "box_of_error",
    "box_of_warnings",
    "safe_text",
]

Level = Literal["error", "warning", "info"]

_LINES_AROUND: Final = 2
"""Lines of source shown before and after the marked one."""

_LONGEST_LINE: Final = 160
"""Characters of a source line that are shown."""

_MOST_PROBLEMS: Final = 8
"""Problems of one text that are drawn; the rest is counted."""

_BAR: Final = {
    "error": "var(--jp-error-color1, #d32f2f)",
    "warning": "var(--jp-warn-color1, #f57c00)",
    "info": "var(--jp-brand-color1, #1976d2)",
}

_SIGN: Final = {"error": "▲", "warning": "△", "info": "●"}
"""A shape for each level, so that colour is not alone in telling them apart."""

_WORD: Final = re.compile(r"[A-Z][a-z]*")
_SHORT_KIND: Final = 2

_INK: Final = "var(--jp-ui-font-color0, #000)"
_GROUND: Final = "var(--jp-layout-color0, #fff)"
_CODE: Final = "var(--jp-code-font-family, monospace)"


def safe_text(text: str) -> str:
    """Make control and direction characters visible, so that names cannot forge text.

    Returns
    -------
    str
        The text with each control, bidirectional or zero-width character written as
        its code point; line feeds stay.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        f"\\u{ord(sign):04x}"
        if sign != "\n"
        and unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and sign != "\u200d"  # joins emoji into one picture
        else sign
        for sign in text
    )


@final
@dataclass(frozen=True, slots=True)
class Excerpt:
    """A few lines of a text, one of them marked."""

    lines: tuple[tuple[int, str], ...]
    """Line numbers, as the editor counts them, and the lines."""
    marked: int
    """The number of the marked line."""
    start: int
    """The column of the first marked character, counted from 0."""
    end: int
    """The column after the last marked character."""

    @classmethod
    def around(
        cls, text: str, place: tuple[int, int, int | None], *, first_line: int
    ) -> Excerpt | None:
        """Cut five lines out of a text.

        Parameters
        ----------
        text : str
            The whole text.
        place : tuple of int, int and (int or None)
            Line, column and end column, counted from 1 as a ``Place`` has them.
        first_line : int
            The number of the text's first line.
        """
        rows = text.split("\n")
        line, column, end_column = place
        at = line - first_line
        if not 0 <= at < len(rows):
            return None
        low, high = max(0, at - _LINES_AROUND), at + _LINES_AROUND + 1
        while (
            high > at + 1 and high >= len(rows) and not rows[min(high, len(rows)) - 1]
        ):
            high -= 1
        shown = tuple(
            (first_line + low + offset, row[:_LONGEST_LINE])
            for offset, row in enumerate(rows[low:high])
        )
        marked = rows[at][:_LONGEST_LINE]
        start = min(max(column - 1, 0), len(marked))
        stop = len(marked) if end_column is None else min(end_column - 1, len(marked))
        if end_column is None:
            word = len(marked[start:].split(" ", 1)[0])
            stop = start + max(word, 1)
        return cls(shown, line, start, max(stop, start + 1))


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a box."""

    what: str
    why: str
    fix: str
    excerpt: Excerpt | None = None
    place: str = ""
    detail: str = ""


@final
@dataclass(frozen=True, slots=True)
class Box:
    """A message for people, drawn in a notebook and printed elsewhere."""

    level: Level
    """Whether something failed, should be looked at, or is only said."""
    title: str
    """The head of the box."""
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    """What is told, in order."""
    footer: str = ""
    """What stays in force; empty when there is nothing to say."""

    def __repr__(self) -> str:
        """Return the text of the box."""
        return self.text()

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        """Hand both forms to IPython."""
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        """Return the box for a terminal and for readers of saved notebooks."""
        parts = [safe_text(self.title)]
        for problem in self.problems:
            parts += _problem_text(problem)
        if self.footer:
            parts.append(safe_text(self.footer))
        return "\n".join(parts)

    def html(self) -> str:
        """Return the box as HTML; every text in it is escaped."""
        role = "alert" if self.level == "error" else "note"
        style = (
            f"border-left:3px solid {_BAR[self.level]};padding:8px 12px;margin:4px 0;"
            f"color:{_INK};background:{_GROUND};font:13px/20px "
            "var(--jp-ui-font-family, sans-serif);max-width:760px"
        )
        # Mixed with the ink so that text reaches 4.5:1 in both themes.
        color = f"color-mix(in srgb,{_BAR[self.level]} 72%,{_INK})"
        sign = f'<span aria-hidden="true">{_SIGN[self.level]} </span>'
        head = f"{sign}{_escape(self.title)}"
        body = [f'<div style="font-weight:600;color:{color}">{head}</div>']
        for problem in self.problems:
            body += _problem_html(problem, self.level)
        if self.footer:
            body.append(
                '<div style="margin-top:8px;opacity:.75;font-size:12px">'
                f"{_escape(self.footer)}</div>"
            )
        return (
            f'<div data-flexiflow="box" data-level="{self.level}" role="{role}" '
            f'style="{style}">{"".join(body)}</div>'
        )


def box_of_error(
    error: BaseException,
    *,
    title: str = "",
    text: str | None = None,
    first_line: int = 1,
    footer: str = "",
) -> Box:
    """Make the box of an error.

    Parameters
    ----------
    error : BaseException
        A ``ChartError`` is drawn with each of its problems, another ``FlexiFlowError``
        with its parts, anything else with its type and message.
    title : str, optional
        The head; by default what kind of error it is and how many problems it has.
    text : str, optional
        The source that the places of a ``ChartError`` point into.
    first_line : int, default 1
        The number of the first line of ``text``.
    footer : str, optional
        What stays in force.
    """
    if isinstance(error, ChartError):
        found = error.errors
        problems = [_of_diagnostic(item, text, first_line) for item in found]
        count = "One problem" if len(found) == 1 else f"{len(found)} problems"
        head = title or f"{count} in the definition"
        if len(problems) > _MOST_PROBLEMS:
            footer = f"{len(problems) - _MOST_PROBLEMS} more problems. {footer}".strip()
        return Box("error", head, tuple(problems[:_MOST_PROBLEMS]), footer)
    detail = own_trace(error.__cause__)
    if isinstance(error, FlexiFlowError):
        problem = Problem(
            error.what, error.why or "", error.fix or "", None, "", detail
        )
        return Box("error", title or _kind_words(error), (problem,), footer)
    problem = Problem(f"{type(error).__name__}: {error}", "", "", None, "", detail)
    return Box("error", title or _kind_words(error), (problem,), footer)


def box_of_warnings(
    warnings: Sequence[Diagnostic], *, text: str | None, first_line: int
) -> Box:
    """Make the box of what should be looked at, though the definition is in force."""
    problems = [_of_diagnostic(item, text, first_line) for item in warnings]
    count = "One thing" if len(problems) == 1 else f"{len(problems)} things"
    return Box("warning", f"{count} to look at", tuple(problems[:_MOST_PROBLEMS]))


def _kind_words(error: BaseException) -> str:
    """Return the kind of an error in words: ``Component not found``."""
    name = type(error).__name__.rstrip("_")
    words = _WORD.findall(name) or [name]
    if len(words) > _SHORT_KIND and words[-1] == "Error":
        words.pop()
    return " ".join([words[0], *(word.lower() for word in words[1:])])


def _of_diagnostic(item: Diagnostic, text: str | None, first_line: int) -> Problem:
    """Place a diagnostic in its text."""
    excerpt = None
    if text is not None and item.place is not None:
        place = (item.place.line, item.place.column, item.place.end_column)
        excerpt = Excerpt.around(text, place, first_line=first_line)
    where = (
        f"{item.place.source}, line {item.place.line}, column {item.place.column}"
        if item.place
        else ""
    )
    return Problem(item.what, item.why or "", item.fix or "", excerpt, where)


def _problem_text(problem: Problem) -> list[str]:
    """Return the lines of one problem."""
    lines: list[str] = []
    if problem.place:
        lines.append(f"  {safe_text(problem.place)}")
    if problem.excerpt is not None:
        width = len(str(problem.excerpt.lines[-1][0]))
        for number, row in problem.excerpt.lines:
            sign = ">" if number == problem.excerpt.marked else " "
            lines.append(f"  {sign} {number:>{width}} | {safe_text(row)}")
            if number == problem.excerpt.marked:
                before = safe_text(row[: problem.excerpt.start])
                under = "^" * (problem.excerpt.end - problem.excerpt.start)
                lines.append(f"    {'':>{width}} | {' ' * len(before)}{under}")
    lines.append(f"What: {safe_text(problem.what)}")
    if problem.why:
        lines.append(f"Why: {safe_text(problem.why)}")
    if problem.fix:
        lines.append(f"Fix: {safe_text(problem.fix)}")
    if problem.detail:
        lines += ["Detail:", safe_text(problem.detail.rstrip())]
    return lines


def _escape(text: str) -> str:
    """Escape a text for HTML, direction marks included; keep its line breaks."""
    return html.escape(safe_text(text)).replace("\n", "<br>")


def _problem_html(problem: Problem, level: Level) -> list[str]:
    """Return the elements of one problem."""
    parts: list[str] = []
    if problem.place:
        parts.append(
            '<div style="opacity:.75;font-size:12px;margin-top:4px">'
            f"<bdi>{_escape(problem.place)}</bdi></div>"
        )
    if problem.excerpt is not None:
        parts.append(_excerpt_html(problem.excerpt, level))
    rows = [
        ("What", problem.what),
        ("Why", problem.why),
        ("Fix", problem.fix),
    ]
    parts += [
        '<div style="display:flex;gap:8px">'
        f'<span style="flex:0 0 40px;font-weight:600">{name}</span>'
        f"<span><bdi>{_escape(value)}</bdi></span></div>"
        for name, value in rows
        if value
    ]
    if problem.detail:
        parts.append(
            "<details><summary>Traceback</summary>"
            f'<pre style="font:11px/16px {_CODE};white-space:pre-wrap;margin:4px 0">'
            f"{html.escape(safe_text(problem.detail))}</pre></details>"
        )
    return parts


def _excerpt_html(excerpt: Excerpt, level: Level) -> str:
    """Return the lines of source with a gutter and the marked word underlined."""
    rows = []
    for number, row in excerpt.lines:
        is_marked = number == excerpt.marked
        shown = html.escape(safe_text(row))
        if is_marked:
            before, word, after = (
                html.escape(safe_text(part))
                for part in (
                    row[: excerpt.start],
                    row[excerpt.start : excerpt.end],
                    row[excerpt.end :],
                )
            )
            wave = f"text-decoration:underline wavy {_BAR[level]}"
            shown = f'{before}<span style="{wave}">{word or "&nbsp;"}</span>{after}'
        ground = f"background:color-mix(in srgb,{_BAR[level]} 9%,{_GROUND})"
        mark = f' data-marked="{number}" style="{ground}"' if is_marked else ""
        sign = "&gt;" if is_marked else "&nbsp;"
        rows.append(
            f'<div{mark}><span style="opacity:.6;user-select:none">{sign}'
            f"{str(number).rjust(4).replace(' ', '&nbsp;')}&nbsp;&nbsp;</span>"
            f"{shown}</div>"
        )
    style = (
        f"font:12px/18px {_CODE};white-space:pre;overflow-x:auto;margin:4px 0;"
        "padding:4px 0;background:var(--jp-cell-editor-background, #f5f5f5);"
        "border-radius:3px"
    )
    return f'<div style="{style}">{"".join(rows)}</div>'
