"""Draw an execution as it is now: HTML, SVG and text that need no kernel, no script."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from ..boxes import safe_text
from .timeline import busy_stretches, time_map
from .words import MARKS, describe_execution, step_words, took_words

if TYPE_CHECKING:
    from ..protocol import ExecutionInfo, Notice, StepRow
    from .facts import ExecutionFacts
    from .timeline import TimeMap

__all__ = ["execution_bundle", "execution_html", "execution_svg"]

_MOST_ROWS: Final = 30
"""Steps in a picture: the latest, where there are more; the others are counted."""

_MOST_LOOKED_AT: Final = 500
"""Steps whose times are looked at one by one."""

_WIDTH: Final = 760
_LANE: Final = (172.0, 596.0)
"""Where the lanes begin and end."""
_ROW: Final = 26
_AXIS: Final = 24
_LONGEST_NAME: Final = 22
_LONGEST_WORDS: Final = 24
_INDENT: Final = 12
_MOST_DEPTH: Final = 4

_INK: Final = ("var(--jp-ui-font-color0,#000)", "#000")
_QUIET: Final = ("var(--jp-ui-font-color2,#616161)", "#616161")
_HAIR: Final = ("var(--jp-border-color2,#e0e0e0)", "#e0e0e0")
_ACCENT: Final = ("var(--jp-brand-color1,#1976d2)", "#1976d2")
_OK: Final = ("var(--jp-success-color1,#388e3c)", "#388e3c")
_WARN: Final = ("var(--jp-warn-color1,#f57c00)", "#f57c00")
_BAD: Final = ("var(--jp-error-color1,#d32f2f)", "#d32f2f")
_NONE: Final = ("none", "none")

_TONES: Final = {
    "running": _ACCENT,
    "retrying": _ACCENT,
    "paused": _WARN,
    "completed": _OK,
    "failed": _BAD,
}
_CHIPS: Final = {
    "running": "--jp-brand-color1,#1976d2",
    "resuming": "--jp-brand-color1,#1976d2",
    "cancelling": "--jp-brand-color1,#1976d2",
    "paused": "--jp-warn-color1,#f57c00",
    "needs_definition": "--jp-warn-color1,#f57c00",
    "completed": "--jp-success-color1,#388e3c",
    "failed": "--jp-error-color1,#d32f2f",
}
_FRAME: Final = (
    "font:13px/20px var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color0,#000);border-radius:6px;padding:8px 12px;"
    "border:1px solid var(--jp-border-color2,#e0e0e0);max-width:784px"
)
_FACT: Final = "color:var(--jp-ui-font-color2,#616161)"
_CODE: Final = "font-family:var(--jp-code-font-family,monospace);font-size:12px"


def execution_bundle(facts: ExecutionFacts, name: str) -> dict[str, str]:
    """Return an execution as ``text/html``, ``image/svg+xml`` and ``text/plain``.

    Parameters
    ----------
    facts : ExecutionFacts
        What is known of it; read to where the picture shall be.
    name : str
        What ``data-flexiflow-static`` says: the live view hides the twin of that name.
    """
    return {
        "text/plain": safe_text(describe_execution(facts)),
        "text/html": execution_html(facts, name),
        "image/svg+xml": execution_svg(facts),
    }


def execution_html(facts: ExecutionFacts, name: str) -> str:
    """Return an execution as HTML; every text is escaped, and there are no controls."""
    info = facts.info()
    parts = [_head(info), execution_svg(facts)]
    if info["steps"] > _MOST_ROWS:
        words = f"The last {_MOST_ROWS} of {info['steps']:,} steps."
        parts.append(f'<div style="{_FACT}">{words}</div>')
    parts += [
        f'<div data-pause="{_text(pause["name"])}"><b>{_text(pause["name"])}</b> '
        f"asks for an answer. {_text(pause['text'])}</div>"
        for pause in info["pauses"]
    ]
    if info["result"]:
        result = f'<code style="{_CODE}">{_text(info["result"])}</code>'
        parts.append(f'<div><span style="{_FACT}">Result</span> {result}</div>')
    notice = facts.notice()
    if notice is not None:
        parts.append(_remark(notice))
    return (
        f'<div data-flexiflow-static="{html.escape(name)}" '
        f'data-execution="{_text(info["id"])}" data-status="{info["state"]}" '
        f'style="{_FRAME}">{"".join(parts)}</div>'
    )


def execution_svg(facts: ExecutionFacts) -> str:
    """Return the lanes of an execution as SVG; each step has ``data-task``."""
    info = facts.info()
    rows = facts.rows(facts.keys()[-_MOST_ROWS:])
    height = _AXIS + _ROW * max(1, len(rows))
    if info["started"] is None or not rows:
        body = _label(0, _AXIS, "No step yet.", ink=_QUIET)
        return _svg(info, height, body)
    now = info["ended"] or info["clock"]
    busy = _busy(facts, rows, (info["started"], now))
    times = time_map(info["started"], now, busy)
    parts = [_axis(times, height)]
    parts += [_lane(row, times, _AXIS + at * _ROW, now) for at, row in enumerate(rows)]
    return _svg(info, height, "".join(parts))


def _busy(
    facts: ExecutionFacts, shown: list[StepRow], whole: tuple[float, float]
) -> list[tuple[float, float]]:
    """Return when work was done; of very many steps only when the last one ended."""
    keys = facts.keys()
    if len(keys) <= _MOST_LOOKED_AT:
        return busy_stretches(facts.rows(keys), whole[1])
    late = busy_stretches(shown, whole[1])
    return [(whole[0], late[-1][1] if late else whole[1])]


def _svg(info: ExecutionInfo, height: int, body: str) -> str:
    """Return the picture around its body."""
    label = _text(f"Steps of {info['name']}, {info['state'].replace('_', ' ')}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}" '
        f'style="max-width:100%;height:auto;display:block;margin-top:4px" '
        f'font-family="Helvetica,Arial,sans-serif" font-size="12">{body}</svg>'
    )


def _head(info: ExecutionInfo) -> str:
    """Return the line with the name, the state and a few facts."""
    tone = _CHIPS.get(info["state"], "--jp-ui-font-color2,#616161")
    chip = (
        f'<span style="display:inline-block;border-radius:10px;padding:0 8px;'
        f'margin:0 6px;border:1px solid var({tone})">'
        f"{info['state'].replace('_', ' ')}</span>"
    )
    facts = [f"{info['completed']:,} of {info['steps']:,} done", info["id"][-6:]]
    if info["started"] is not None:
        took = (info["ended"] or info["clock"]) - info["started"]
        facts.insert(0, took_words(took))
    quiet = f'<span style="{_FACT}">{_text(" · ".join(facts))}</span>'
    saved = f'<span style="{_FACT};float:right">saved picture</span>'
    return f"<div><b>{_text(info['name'])}</b>{chip}{quiet}{saved}</div>"


def _remark(notice: Notice) -> str:
    """Return what went wrong, or what is wanted."""
    said = "<br>".join(
        _text(notice[part]) for part in ("what", "why", "fix") if notice[part]
    )
    tone = "--jp-error-color1,#d32f2f"
    if notice["level"] != "error":
        tone = "--jp-warn-color1,#f57c00"
    style = f"border-left:3px solid var({tone});padding-left:8px;margin-top:6px"
    return f'<div style="{style}">{said}</div>'


def _axis(times: TimeMap, height: int) -> str:
    """Return the marks, their lines, and the folds."""
    parts = []
    for segment in times.segments:
        if segment.is_folded:
            left, right = _x(segment.left), _x(segment.right)
            box = f'x="{left:.1f}" y="{_AXIS}" width="{right - left:.1f}"'
            parts.append(
                f'<rect {box} height="{height - _AXIS}" {_paint(_HAIR)} opacity=".6"/>'
            )
    for mark in times.marks():
        at = _x(mark.at)
        if not mark.is_fold:
            line = f'd="M{at:.1f},{_AXIS}V{height}"'
            parts.append(f"<path {line} {_paint(_NONE, _HAIR)}/>")
        anchor = "start" if mark.at == 0 else "middle"
        ink = _WARN if mark.is_fold else _QUIET
        parts.append(_label(at, 0, mark.text, ink=ink, anchor=anchor, size=11))
    return "".join(parts)


def _lane(row: StepRow, times: TimeMap, top: float, now: float) -> str:
    """Return a step: its sign and name, its bars, what came of it."""
    status = row["status"]
    indent = min(row["depth"], _MOST_DEPTH) * _INDENT
    tone = _TONES.get(status, _QUIET)
    name, words = (
        _cut(row["name"], _LONGEST_NAME),
        _cut(step_words(row), _LONGEST_WORDS),
    )
    title = _text(
        f"{row['name']}: {status}" + (f", {row['text']}" if row["text"] else "")
    )
    parts = [
        f"<title>{title}</title>",
        f'<path d="M0,{top:.1f}H{_WIDTH}" {_paint(_NONE, _HAIR)}/>',
        _label(indent, top, MARKS[status], ink=tone),
        _label(indent + 16, top, name, ink=_INK),
        "".join(_bars(row, times, top, now)),
        _label(
            _WIDTH, top, words, ink=_BAD if status == "failed" else _QUIET, anchor="end"
        ),
    ]
    counts = ""
    if row["total"] is not None:
        counts = f' data-done="{row["done"] or 0}" data-total="{row["total"]}"'
    name = _text(row["name"])
    return f'<g data-task="{name}" data-status="{status}"{counts}>{"".join(parts)}</g>'


def _bars(row: StepRow, times: TimeMap, top: float, now: float) -> list[str]:
    """Return the bars of a step; a failed attempt and a wait differ in shape too."""
    bars = []
    for kind, begin, end in row["spans"]:
        left = _x(times.position(begin))
        right = _x(times.position(now if end is None else end))
        box = f'x="{left:.1f}" y="{top + 6:.1f}" width="{max(2.0, right - left):.1f}"'
        shape = f'<rect {box} height="14" rx="3" '
        if kind == "wait":
            way = f'd="M{left:.1f},{top + 13:.1f}H{max(left + 2, right):.1f}"'
            bars.append(f'<path {way} {_paint(_NONE, _QUIET)} stroke-dasharray="2 3"/>')
        elif kind in {"failed", "lost"}:
            dashes = ' stroke-dasharray="3 2"' if kind == "lost" else ""
            bars.append(f"{shape}{_paint(_NONE, _BAD)}{dashes}/>")
            if kind == "failed" and right - left > _INDENT:
                middle = (left + right) / 2
                cross = _label(middle, top, "✗", ink=_BAD, anchor="middle", size=11)
                bars.append(cross)
        elif kind == "pause":
            bars.append(f"{shape}{_paint(_NONE, _WARN)}/>")
        else:
            is_open = end is None and row["status"] in {"running", "retrying"}
            bars.append(f"{shape}{_paint(_ACCENT if is_open else _QUIET)}/>")
    return bars


def _x(part: float) -> float:
    """Return a fraction of the lanes in pixels of the picture."""
    return _LANE[0] + part * (_LANE[1] - _LANE[0])


def _label(
    x: float,
    top: float,
    text: str,
    *,
    ink: tuple[str, str],
    anchor: str = "start",
    size: int = 12,
) -> str:
    """Return a text in a row."""
    place = f'x="{x:.1f}" y="{top + 17:.1f}" font-size="{size}"'
    return f'<text {place} text-anchor="{anchor}" {_paint(ink)}>{_text(text)}</text>'


def _paint(fill: tuple[str, str], stroke: tuple[str, str] | None = None) -> str:
    """Return colours by the theme of the page, and plain ones for where it has none."""
    plain, styled = f'fill="{fill[1]}"', f"fill:{fill[0]}"
    if stroke is not None:
        plain += f' stroke="{stroke[1]}"'
        styled += f";stroke:{stroke[0]}"
    return f'{plain} style="{styled}"'


def _cut(text: str, limit: int) -> str:
    """Shorten a text that the picture has no room for."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _text(value: str) -> str:
    """Return text that is nothing but text."""
    return html.escape(safe_text(value))
