"""Tell of executions in JSON, from what the journal holds; nothing of it is decoded.

Values of users' classes are shown as they are stored, so that a process that knows
neither the classes nor the workflows can tell of them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ._scope import source_id
from .context import ExecutionEventType

if TYPE_CHECKING:
    from .journal.protocol import Execution, ExecutionRow, Record

__all__ = [
    "ENDED",
    "event_data",
    "is_event",
    "moment",
    "row_data",
    "stored_data",
    "summary_of",
    "value_data",
]

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
"""The states in which an execution stays."""

_WITH_OUTPUT: Final = ("COMPLETED", "FAILED")
_KINDS: Final = frozenset(item.value for item in ExecutionEventType)


def is_event(record: Record) -> bool:
    """Return whether a record tells of something, and is no note of the engine's."""
    return record.kind in _KINDS


def value_data(text: str | None) -> Any:  # Any: JSON data
    """Return stored text as JSON data; of an error its type and its message."""
    found = stored_data(text)
    if isinstance(found, dict) and found.get("$type") == "error":
        error = found.get("value", {})
        name = str(error.get("type", "")).rpartition(":")[2]
        return {"type": name, "message": str(error.get("text", ""))}
    return found


def stored_data(text: str | None) -> Any:  # Any: JSON data
    """Return stored text as the JSON data that it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def event_data(record: Record, *, as_stored: bool = False) -> dict[str, Any]:
    """Return an event as JSON data.

    Parameters
    ----------
    record : Record
        The record of the event.
    as_stored : bool, default False
        Whether its value is to be as the journal has it, so that an error can be made
        of an error again; the state that the record leads to stands beside it then.
    """
    more = {"state": record.state} if as_stored and record.state else {}
    return {
        "id": str(record.seq),
        "execution_id": record.execution_id,
        "type": record.kind,
        "name": record.name,
        "source_id": source_id(record.execution_id, record.key),
        "key": record.key,
        "time": moment(record.time),
        "value": (stored_data if as_stored else value_data)(record.value),
        **more,
    }


def summary_of(
    execution: Execution, *, detailed: bool = False, as_stored: bool = False
) -> dict[str, Any]:
    """Return an execution as JSON data; its events too, if they are wanted."""
    last = next((item for item in reversed(execution.records) if item.state), None)
    read = stored_data if as_stored else value_data
    found: dict[str, Any] = {
        "workflow_id": execution.workflow,
        "workflow_name": execution.workflow,
        "execution_id": execution.id,
        "input": read(execution.input),
        "output": read(last.value)
        if last is not None and last.state in _WITH_OUTPUT
        else None,
        "state": execution.state,
    }
    if detailed:
        records = [item for item in execution.records if is_event(item)]
        found["events"] = [event_data(item, as_stored=as_stored) for item in records]
    return found


def row_data(row: ExecutionRow) -> dict[str, Any]:
    """Return an execution of a list as JSON data."""
    return {
        "execution_id": row.id,
        "workflow_name": row.workflow,
        "state": row.state,
        "input": value_data(row.input),
        "output": value_data(row.value) if row.state in _WITH_OUTPUT else None,
        "created": moment(row.created),
        "updated": moment(row.updated),
    }


def moment(seconds: float) -> str:
    """Return an instant, given in seconds since 1970 UTC, as ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
