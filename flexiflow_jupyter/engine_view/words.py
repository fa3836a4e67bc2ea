"""Say in plain text what an engine is and what went to and fro in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ..boxes import safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .shapes import EngineInfo, FlowRow, LettersInfo

__all__ = ["clock_words", "describe_engine", "row_words"]

_OUTSIDE: Final = "outside"
_MOST_LETTERS: Final = 10


def describe_engine(
    info: EngineInfo, rows: Sequence[FlowRow], letters: LettersInfo
) -> str:
    """Return the components with their states, the latest rows, the dead letters."""
    count = len(info["parts"]) + info["more"]
    noun = "component" if count == 1 else "components"
    lines = [f"Engine {info['name']}: {count} {noun}"]
    width = max((len(part["name"]) for part in info["parts"]), default=0)
    for part in info["parts"]:
        waiting = f", {part['pending']} waiting" if part["pending"] else ""
        states = ", ".join(part["active"])
        lines.append(f"  {part['name']:<{width}}  {states}{waiting}".rstrip())
    if info["more"]:
        lines.append(f"  and {info['more']} more")
    told = [words for row in rows if (words := row_words(row))]
    if told:
        lines += ["Latest:", *(f"  {words}" for words in told)]
    if letters["held"]:
        lines.append(f"Dead letters: {letters['held']}")
        lines += [
            f"  {letter['text']} to {letter['target']}: {letter['error']}"
            for letter in letters["rows"][:_MOST_LETTERS]
        ]
    return safe_text("\n".join(lines))


def row_words(row: FlowRow) -> str:
    """Return a row on one line; empty for what is told by another one."""
    _seq, time_ms, kind, source, target, text, _story, outcome = row
    told = f"{source or _OUTSIDE} → {', '.join(target)}: {text}"
    words = {
        "message": told,
        "dead": f"{told} ✗ {outcome}",
        "failed": f"✗ {', '.join(target)}: {text} failed, {outcome}",
        "event": f"{source or _OUTSIDE} ⇢ {', '.join(target) or 'the bus'}: {text}",
        "state": f"{', '.join(target)}: {text}{f', {outcome}' if outcome else ''}",
        "end": "",
    }[kind]
    return f"{clock_words(time_ms)}  {words}" if words else ""


def clock_words(time_ms: float) -> str:
    """Return a time of day where the kernel runs, as the live view writes it."""
    when = datetime.fromtimestamp(time_ms / 1000, tz=UTC).astimezone()
    return when.strftime("%H:%M:%S.") + f"{when.microsecond // 1000:03d}"
