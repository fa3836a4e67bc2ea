"""Say what happens in an execution: a line for people, data for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from .._shown import shown
from ..workflows._stored_data import event_data, value_data
from ._output import plain

if TYPE_CHECKING:
    from ..workflows.journal.protocol import Record
    from ._output import Output, Style

__all__ = [
    "STYLES",
    "StoredEvent",
    "clock_time",
    "print_event",
    "value_text",
    "written",
]

_LONGEST: Final = 160
STYLES: Final[dict[str, Style]] = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CANCELLED": "yellow",
    "PAUSED": "cyan",
}
"""How states are painted."""
_WORDS: Final[dict[str, tuple[str, Style | None]]] = {
    "WORKFLOW_SCHEDULED": ("waits for a worker", "dim"),
    "WORKFLOW_CLAIMED": ("is taken over", "dim"),
    "WORKFLOW_STARTED": ("begins", "bold"),
    "WORKFLOW_COMPLETED": ("is completed", "green"),
    "WORKFLOW_FAILED": ("has failed", "red"),
    "WORKFLOW_PAUSED": ("waits for an answer", "cyan"),
    "WORKFLOW_RESUMING": ("is answered", "dim"),
    "WORKFLOW_RESUMED": ("goes on", None),
    "WORKFLOW_CANCELLING": ("is being cancelled", "yellow"),
    "WORKFLOW_CANCELLED": ("is cancelled", "yellow"),
    "TASK_STARTED": ("begins", None),
    "TASK_WAITING": ("waits", "yellow"),
    "TASK_COMPLETED": ("is done", "green"),
    "TASK_FAILED": ("has failed", "red"),
    "TASK_CANCELLED": ("is given up", "yellow"),
    "TASK_PAUSED": ("waits", "cyan"),
    "TASK_RESUMED": ("has its answer", None),
    "TASK_RETRY_STARTED": ("will be tried again", "yellow"),
    "TASK_RETRY_COMPLETED": ("went well this time", None),
    "TASK_RETRY_FAILED": ("failed again", "yellow"),
    "TASK_FALLBACK_STARTED": ("goes to its fallback", "yellow"),
    "TASK_FALLBACK_COMPLETED": ("has the fallback's result", None),
    "TASK_FALLBACK_FAILED": ("failed in its fallback", "red"),
    "TASK_ROLLBACK_STARTED": ("is rolled back", "yellow"),
    "TASK_ROLLBACK_COMPLETED": ("was rolled back", None),
    "TASK_ROLLBACK_FAILED": ("failed to roll back", "red"),
}
_QUIET: Final = ("TASK_STARTED", "TASK_RESUMED", "WORKFLOW_RESUMED", "WORKFLOW_STARTED")


@final
@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its value as JSON data: classes of users need not be there."""

    type: str
    """What happened."""
    name: str
    """The task, the workflow or the pause."""
    key: str
    """The path of the step."""
    source_id: str
    """The same; what the fold goes by where there is no key."""
    value: Any
    """What goes with it, as JSON data."""
    time: datetime
    """When it happened."""

    @classmethod
    def of(cls, record: Record) -> StoredEvent:
        """Return the event of a record."""
        data = value_data(record.value)
        if isinstance(data, dict) and set(data) == {"type", "message"}:
            data = {"type": data["type"], "text": data["message"]}
        at = datetime.fromtimestamp(record.time, UTC)
        return cls(record.kind, record.name, record.key, record.key, data, at)


def value_text(text: str | None, limit: int = _LONGEST) -> str:
    """Return stored text on one line, cut."""
    data = value_data(text)
    if data is None:
        return ""
    if isinstance(data, dict) and set(data) == {"type", "message"}:
        first = data["message"].partition("\n")[0]
        return plain(shown(f"{data['type']}: {first}", limit))
    return plain(shown(written(data), limit))


def written(data: Any) -> str:  # Any: JSON data
    """Return stored data as people write it: tagged values by what they are."""
    if isinstance(data, list):
        return f"[{', '.join(map(written, data))}]"
    if not isinstance(data, dict):
        return json.dumps(data, ensure_ascii=False)
    tag, value = data.get("$type"), data.get("value")
    if tag is None:
        pairs = (
            f"{json.dumps(k, ensure_ascii=False)}: {written(data[k])}" for k in data
        )
        return f"{{{', '.join(pairs)}}}"
    if tag in {"tuple", "set", "frozenset"} and isinstance(value, list):
        return f"{tag}({', '.join(map(written, value))})"
    name = str(data.get("class", tag)).rpartition(":")[2]
    if isinstance(value, dict):
        return f"{name}({', '.join(f'{k}={written(v)}' for k, v in value.items())})"
    return f"{name}({written(value)})"


def clock_time(seconds: float) -> str:
    """Return an instant as people of this place read it, to the millisecond."""
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def print_event(output: Output, record: Record, *, with_id: bool = False) -> None:
    """Print an event as it happens: a line for people, or one of JSON."""
    if output.as_json:
        output.line(event_data(record))
        return
    words, style = _WORDS[record.kind]
    if record.kind == "TASK_RETRY_STARTED":
        words += _retry(record)
    elif record.kind == "TASK_WAITING" and not value_data(record.value):
        words = "waits no more"
    name = plain(record.name)
    indent = "  " * (1 + record.key.count("/")) if record.key else ""
    which = f"{record.execution_id[:12]}  " if with_id else ""
    told = "" if record.kind in _QUIET else _told(record)
    output.say(
        f"{clock_time(record.time)}  {which}{indent}{name} "
        f"{output.painted(words, style)}{told}"
    )


def _retry(record: Record) -> str:
    """Say which attempt it is, and when."""
    facts = value_data(record.value)
    if not isinstance(facts, dict):
        return ""
    attempt, of, delay = facts.get("attempt"), facts.get("of"), facts.get("delay")
    return f" in {delay:g} s (attempt {attempt} of {of})"


def _told(record: Record) -> str:
    """Return what goes with an event, when it says something."""
    if record.kind in {"TASK_RETRY_STARTED", "TASK_FALLBACK_STARTED"}:
        return ""
    if record.kind in {"TASK_ROLLBACK_STARTED", "WORKFLOW_CLAIMED", "WORKFLOW_PAUSED"}:
        return ""
    if record.kind == "WORKFLOW_SCHEDULED":  # the version of its code
        return ""
    text = value_text(record.value)
    return f": {text}" if text else ""
