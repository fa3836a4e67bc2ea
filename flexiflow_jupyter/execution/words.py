"""Say in plain text what an execution came to, for terminals and readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..protocol import ExecutionInfo, StepRow
    from .facts import ExecutionFacts

__all__ = [
    "MARKS",
    "clock_words",
    "describe_execution",
    "head_words",
    "step_words",
    "took_words",
]

MARKS: Final = {
    "waiting": "·",
    "running": "▸",
    "retrying": "↻",
    "paused": "?",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "skipped": "-",
}
"""A sign for each status of a step, so that it is told without colour."""

_WAITS: Final = "waits for a machine"
_MOST_LINES: Final = 30
_LONGEST_NAME: Final = 28
_LONGEST_WORDS: Final = 60


def describe_execution(facts: ExecutionFacts) -> str:
    """Return a line for the execution, one for each step, one for what it waits for."""
    info = facts.info()
    keys = facts.keys()
    lines = [head_words(info)]
    if len(keys) > _MOST_LINES:
        lines.append(f"  … {len(keys) - _MOST_LINES} steps before")
    rows = facts.rows(keys[-_MOST_LINES:])
    width = min(_LONGEST_NAME, max((len(row["name"]) for row in rows), default=0))
    lines += [_line(row, width) for row in rows]
    lines += [
        f"Asks: {pause['name']}. {pause['text']}".rstrip(". ")
        for pause in info["pauses"]
    ]
    if info["result"]:
        lines.append(f"Result: {info['result']}")
    notice = facts.notice()
    if notice is not None:
        lines += [notice[part] for part in ("what", "why", "fix") if notice[part]]
    return "\n".join(lines)


def head_words(info: ExecutionInfo) -> str:
    """Return the name, the state and a few facts of an execution, on one line."""
    words = [f"{info['name']}: {info['state'].replace('_', ' ')}"]
    if info["started"] is not None:
        words.append(took_words((info["ended"] or info["clock"]) - info["started"]))
    words.append(info["id"])
    return " · ".join(words)


def step_words(row: StepRow) -> str:
    """Return what came of a step, or why nothing has yet."""
    status = row["status"]
    if row["total"] is not None:
        retried = f", {row['retried']} retried" if row["retried"] else ""
        waits = f", {_WAITS}" if status == "waiting" else ""
        return f"{row['done'] or 0} / {row['total']}{retried}{waits}"
    if status in {"completed", "failed"}:
        tries = f" (try {row['attempts']})" if row["attempts"] > 1 else ""
        return (row["text"] or status) + tries
    if status == "waiting" and row["text"]:
        return f"{_WAITS}: {row['text']}"
    return "waits for a person" if status == "paused" else status


def took_words(ms: float) -> str:
    """Return a duration: ``0.4 s``, ``42 s``, ``1 min 08 s``, ``2 h 5 min``."""
    seconds = max(0.0, ms) / 1000
    if seconds < 1:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min {rest:02d} s"
    days, more = divmod(hours, 24)
    return f"{days} d" if days else f"{more} h {minutes} min"


def clock_words(ms: float | None) -> str:
    """Return an instant in UTC: ``2026-11-20 12:04:29``; empty for None."""
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _line(row: StepRow, width: int) -> str:
    """Return a step on one line."""
    name = row["name"]
    name = name if len(name) <= width else f"{name[: width - 1]}…"
    indent = "  " * (row["depth"] + 1)
    words = step_words(row)
    words = words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS - 1]}…"
    return f"{indent}{MARKS[row['status']]} {name.ljust(width)}  {words}"
