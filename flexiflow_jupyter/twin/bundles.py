"""Write what a view shows as a MIME bundle that needs no kernel and no script."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from ..boxes import safe_text
from .svg import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from ..protocol import ContextEntry, EventRow

__all__ = ["Look", "bundle_of"]

_FRAME: Final = (
    "font:13px/20px var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color0,#000);border-radius:6px;padding:8px 12px;"
    "border:1px solid var(--jp-border-color2,#e0e0e0)"
)
_QUIET: Final = "color:var(--jp-ui-font-color2,#757575)"
_CODE: Final = "font-family:var(--jp-code-font-family,monospace);font-size:12px"
_CHIP: Final = (
    "display:inline-block;border-radius:10px;padding:0 8px;margin-left:6px;"
    "background:var(--jp-brand-color1,#1976d2);color:var(--jp-layout-color0,#fff)"
)
_TABLE: Final = "border-collapse:collapse;margin-top:8px;text-align:left"
_CELL: Final = "padding:0 12px 0 0;text-align:left;vertical-align:top"


@final
@dataclass(frozen=True, slots=True)
class Look:
    """What a view shows now; all that a saved picture of it holds."""

    title: str
    """Whose view it is."""
    text: str
    """The same as plain text."""
    active: Sequence[str] = ()
    """The active leaf paths."""
    picture: Element | None = None
    """The drawn chart; None: it has none, or nothing can draw it."""
    drawing: str = ""
    """The chart drawn with characters, where there is no picture."""
    context: Sequence[ContextEntry] = ()
    """What the machine knows."""
    accepted: Sequence[str] | None = None
    """Messages that do something now; None: that is not shown."""
    events: Sequence[EventRow] = field(default=())
    """The latest events, oldest first."""
    remark: str = ""
    """What stands on the view: a problem, or that nothing can be sent."""


def bundle_of(look: Look, name: str) -> dict[str, str]:
    """Return a look as ``text/html``, ``image/svg+xml`` if drawn, and ``text/plain``.

    Parameters
    ----------
    look : Look
        What to show.
    name : str
        What ``data-flexiflow-static`` says: the live view hides the twin of that name.
    """
    text = "\n".join(filter(None, [look.text, safe_text(look.remark)]))
    bundle = {"text/plain": text, "text/html": _html_of(look, name)}
    if look.picture is not None:
        bundle["image/svg+xml"] = to_text(look.picture)
    return bundle


def _html_of(look: Look, name: str) -> str:
    """Write a look as HTML; each text is escaped, and there are no controls."""
    chips = "".join(
        f'<span style="{_CHIP}">{_text(leaf)}</span>' for leaf in look.active
    )
    said = f'<span style="{_QUIET};float:right">saved picture</span>'
    parts = [
        f"<div><b>{_text(look.title)}</b>{chips}{said}</div>",
        _picture_of(look),
        _context_of(look.context),
        _accepted_of(look.accepted),
        _events_of(look.events),
        f'<div style="{_QUIET}">{_text(look.remark)}</div>' if look.remark else "",
    ]
    return (
        f"<style>{_hiding_of(name)}</style>"
        f'<div data-flexiflow-static="{html.escape(name)}" '
        f'data-component="{_text(look.title)}" style="{_FRAME}">'
        f"{''.join(parts)}</div>"
    )


def _hiding_of(name: str) -> str:
    """Return the rule that hides the output before this one while it holds no widget.

    JupyterLab says there that the widget's model is gone; the picture says more.
    """
    this = f'.jp-OutputArea-child [data-flexiflow-static="{html.escape(name)}"]'
    return (
        f".jp-OutputArea-child:has(+ {this}):not(:has(.jp-OutputArea-output *))"
        "{display:none}"
    )


def _picture_of(look: Look) -> str:
    """Return the chart, drawn with whatever there was."""
    if look.picture is not None:
        return f'<div style="margin-top:8px">{to_text(look.picture)}</div>'
    if look.drawing:
        return f'<pre style="{_CODE};line-height:1.2">{_text(look.drawing)}</pre>'
    return ""


def _context_of(entries: Sequence[ContextEntry]) -> str:
    """Return the context as a table."""
    rows = "".join(
        f'<tr><td style="{_CELL}">{_text(entry["key"])}</td>'
        f'<td style="{_CELL};{_CODE}">{_text(entry["value"])}</td></tr>'
        for entry in entries
    )
    return f'<table style="{_TABLE}">{rows}</table>' if rows else ""


def _accepted_of(accepted: Sequence[str] | None) -> str:
    """Say which messages do something."""
    if accepted is None:
        return ""
    words = ", ".join(map(_text, accepted)) or "nothing"
    return f'<div><span style="{_QUIET}">Accepted:</span> {words}</div>'


def _events_of(rows: Sequence[EventRow]) -> str:
    """Return the latest events as a table: local time, name, data."""
    lines = "".join(
        f'<tr><td style="{_CELL};{_CODE}">{_clock(row[1])}</td>'
        f'<td style="{_CELL}">{_text(row[2])}</td>'
        f'<td style="{_CELL};{_CODE}">{_text(row[5])}</td></tr>'
        for row in rows
    )
    return f'<table style="{_TABLE}">{lines}</table>' if lines else ""


def _clock(time_ms: float) -> str:
    """Return a time of day as the live table writes it, where the kernel runs."""
    when = datetime.fromtimestamp(time_ms / 1000, tz=UTC).astimezone()
    return when.strftime("%H:%M:%S.") + f"{when.microsecond // 1000:03d}"


def _text(value: str) -> str:
    """Return text that is nothing but text."""
    return html.escape(safe_text(value))
