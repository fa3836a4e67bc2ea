"""Draw an engine as it is now: HTML, SVG and text that need no kernel, no script."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from ..boxes import safe_text
from .words import clock_words, describe_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .shapes import EngineInfo, EnginePart, FlowRow, LettersInfo

__all__ = ["engine_bundle", "engine_svg"]

_MOST_COLUMNS: Final = 6
_MOST_LETTERS: Final = 10
_WIDTH: Final = 760
_TIME: Final = 100
_HEAD: Final = 62
_ROW: Final = 28
_LONGEST_NAME: Final = 20
_CHAR: Final = 6.4
"""Pixels of a character at 12 px, on average and a little more."""

_INK: Final = ("var(--jp-ui-font-color0,#000)", "#000")
_QUIET: Final = ("var(--jp-ui-font-color2,#616161)", "#616161")
_HAIR: Final = ("var(--jp-border-color2,#e0e0e0)", "#e0e0e0")
_GROUND: Final = ("var(--jp-layout-color0,#fff)", "#fff")
_ACCENT: Final = ("var(--jp-brand-color1,#1976d2)", "#1976d2")
_BAD: Final = ("var(--jp-error-color1,#d32f2f)", "#d32f2f")
_NONE: Final = ("none", "none")
_FRAME: Final = (
    "font:13px/20px var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color0,#000);border-radius:6px;padding:8px 12px;"
    "border:1px solid var(--jp-border-color2,#e0e0e0);max-width:784px"
)
_FACT: Final = "color:var(--jp-ui-font-color2,#616161)"

_Colour = tuple[str, str]


def engine_bundle(
    info: EngineInfo, rows: Sequence[FlowRow], letters: LettersInfo, name: str
) -> dict[str, str]:
    """Return an engine as ``text/html``, ``image/svg+xml`` and ``text/plain``.

    Parameters
    ----------
    info : EngineInfo
        Its components.
    rows : sequence of FlowRow
        What went to and fro last, oldest first.
    letters : LettersInfo
        The messages that died.
    name : str
        What ``data-flexiflow-static`` says: the live view hides the twin of that name.
    """
    picture = engine_svg(info, rows)
    return {
        "text/plain": describe_engine(info, rows, letters),
        "text/html": _html(info, letters, picture, name),
        "image/svg+xml": picture,
    }


def engine_svg(info: EngineInfo, rows: Sequence[FlowRow]) -> str:
    """Return the latest messages between the components as SVG."""
    parts = info["parts"][:_MOST_COLUMNS]
    shown = [row for row in rows if _is_drawn(row)]
    height = _HEAD + _ROW * max(1, len(shown)) + 8
    width = (_WIDTH - _TIME) / max(1, len(parts))
    middles = {
        part["name"]: _TIME + width * (at + 0.5) for at, part in enumerate(parts)
    }
    body = [_head(part, middles[part["name"]], width, height) for part in parts]
    for at, row in enumerate(shown):
        body.append(_drawn(row, middles, width, _HEAD + at * _ROW))
    if not shown:
        body.append(_label(_TIME, _HEAD, "No message yet.", ink=_QUIET))
    label = _text(f"Messages between the components of {info['name']}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}" '
        f'style="max-width:100%;height:auto;display:block;margin-top:4px" '
        f'font-family="Helvetica,Arial,sans-serif" font-size="12">{"".join(body)}</svg>'
    )


def _html(info: EngineInfo, letters: LettersInfo, picture: str, name: str) -> str:
    """Return the picture with its head and what died; each text is escaped."""
    count = len(info["parts"]) + info["more"]
    facts = f"{count} component{'' if count == 1 else 's'}"
    left_out = count - min(len(info["parts"]), _MOST_COLUMNS)
    if left_out:
        facts += f", {left_out} not drawn"
    said = f'<span style="{_FACT};float:right">saved picture</span>'
    fact = f'<span style="{_FACT}">{facts}</span>'
    parts = [f"<div><b>{_text(info['name'])}</b> {fact}{said}</div>", picture]
    if letters["held"]:
        parts.append(f"<div><b>Dead letters {letters['held']}</b></div>")
    parts += [
        f'<div data-dead-letter="{letter["number"]}">✗ '
        f"{_text(letter['text'])} to {_text(letter['target'])}: "
        f'<span style="{_FACT}">{_text(letter["error"])}</span></div>'
        for letter in letters["rows"][:_MOST_LETTERS]
    ]
    return (
        f'<div data-flexiflow-static="{html.escape(name)}" '
        f'style="{_FRAME}">{"".join(parts)}</div>'
    )


def _is_drawn(row: FlowRow) -> bool:
    """Tell whether a row stands in the picture; an end only ends something."""
    return row[2] != "end"


def _head(part: EnginePart, middle: float, width: float, height: int) -> str:
    """Return the head of a component, its state, and its life line."""
    box = min(156.0, width - 12)
    state = ", ".join(part["active"])
    most = max(3, int((box - 12) / _CHAR))
    name = _cut(part["name"], min(_LONGEST_NAME, most))
    line = f'd="M{middle:.1f},{_HEAD - 4}V{height}"'
    place = f'x="{middle - box / 2:.1f}" y="4" width="{box:.1f}" height="50" rx="6"'
    shapes = [
        f"<title>{_text(part['name'])}: {_text(state)}</title>",
        f'<path {line} {_paint(_NONE, _HAIR)} stroke-dasharray="3 4"/>',
        f"<rect {place} {_paint(_GROUND, _HAIR)}/>",
        _label(middle, 5, name, ink=_INK, anchor="middle", weight="bold"),
    ]
    if state:
        shapes.append(_chip(middle, 29, _cut(state, most), ink=_ACCENT))
    return f'<g data-component="{_text(part["name"])}">{"".join(shapes)}</g>'


def _drawn(row: FlowRow, middles: dict[str, float], width: float, top: float) -> str:
    """Return a row: its time, and what it does."""
    time = _label(0, top, clock_words(row[1]), ink=_QUIET, size=11)
    kind, target, text, outcome = row[2], row[4], row[5], row[7]
    if kind == "state" and target[0] in middles:
        room = int((width - 20) / _CHAR)
        chip = _chip(middles[target[0]], top + 4, _cut(text, room), ink=_QUIET)
        return f"<g>{time}{chip}</g>"
    is_bad = kind in {"dead", "failed"} or (kind == "state" and bool(outcome))
    words = f"{text}: {outcome}" if outcome else text
    if kind == "event":
        words += " (bus)"
    return f"<g>{time}{_arrow(row, middles, top, words, is_bad=is_bad)}</g>"


def _arrow(
    row: FlowRow,
    middles: dict[str, float],
    top: float,
    words: str,
    *,
    is_bad: bool,
) -> str:
    """Return the line of a message or event with its words above it."""
    start = middles.get(row[3], float(_TIME))
    ends = [middles[name] for name in row[4] if name in middles and name != row[3]]
    ink = _BAD if is_bad else _INK
    if not ends:
        room = int((_WIDTH - start - 12) / _CHAR)
        return _label(start + 8, top + 2, _cut(words, max(8, room)), ink=ink)
    y, dashes = top + 23, ' stroke-dasharray="5 3"' if row[2] == "event" else ""
    shapes = []
    for end in ends:
        way = 1 if end >= start else -1
        stop = end - way * (24 if is_bad else 2)
        path = f'd="M{start:.1f},{y:.1f}H{stop:.1f}"'
        shapes.append(f"<path {path} {_paint(_NONE, ink)}{dashes}/>")
        if is_bad:
            cross = _label(end - way * 14, top + 10, "✗", ink=ink, anchor="middle")
            shapes.append(cross)
        else:
            head = f'd="M{stop:.1f},{y:.1f}l{-8 * way},-4v8z"'
            shapes.append(f"<path {head} {_paint(ink)}/>")
    far = max(ends, key=lambda end: abs(end - start))
    room = max(4, int(abs(far - start) / _CHAR) - 3)
    middle = (start + far) / 2
    shapes.append(_label(middle, top + 2, _cut(words, room), ink=ink, anchor="middle"))
    return "".join(shapes)


def _chip(middle: float, top: float, text: str, *, ink: _Colour) -> str:
    """Return a text in a rounded box."""
    width = len(text) * _CHAR + 14
    place = f'x="{middle - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}"'
    box = f'<rect {place} height="18" rx="9" {_paint(_GROUND, ink)}/>'
    return box + _label(middle, top - 4, text, ink=_INK, anchor="middle", size=11)


def _label(
    x: float,
    top: float,
    text: str,
    *,
    ink: _Colour,
    anchor: str = "start",
    size: int = 12,
    weight: str = "normal",
) -> str:
    """Return a text in a row."""
    place = f'x="{x:.1f}" y="{top + 17:.1f}" font-size="{size}" font-weight="{weight}"'
    return f'<text {place} text-anchor="{anchor}" {_paint(ink)}>{_text(text)}</text>'


def _paint(fill: _Colour, stroke: _Colour | None = None) -> str:
    """Return colours by the theme of the page, and plain ones for where it has none."""
    plain, styled = f'fill="{fill[1]}"', f"fill:{fill[0]}"
    if stroke is not None:
        plain += f' stroke="{stroke[1]}"'
        styled += f";stroke:{stroke[0]}"
    return f'{plain} style="{styled}"'


def _cut(text: str, limit: int) -> str:
    """Shorten a text that the picture has no room for."""
    return text if len(text) <= limit else f"{text[: max(1, limit - 1)]}…"


def _text(value: str) -> str:
    """Return text that is nothing but text."""
    return html.escape(safe_text(value))
