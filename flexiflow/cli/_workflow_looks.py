"""Look at workflows and executions without changing them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from .._shown import shown
from ..workflows._stored_data import is_event, row_data, summary_of
from ..workflows.progress import Progress
from ._execution_words import (
    STYLES,
    StoredEvent,
    print_event,
    value_text,
    written,
)
from ._output import plain
from ._store import named_execution

if TYPE_CHECKING:
    from ..workflows.journal.protocol import Execution, ExecutionRow, Record
    from ..workflows.progress import StepStatus, StepView
    from ..workflows.registry import Registered
    from ._output import Output, Style
    from ._store import Store

__all__ = ["fork_point", "list_workflows", "show_status", "show_workflow", "tail"]

"""Seconds between two looks into a journal that tells nothing."""
_CHECK_S: Final = 2.0
"""Seconds between two looks into one that tells of what is written, to be sure."""
_LINES: Final = 20
_STOPPED: Final = {"COMPLETED", "FAILED", "CANCELLED", "PAUSED"}
_SIGNS: Final[dict[StepStatus, tuple[str, Style | None]]] = {
    "waiting": ("·", None),
    "running": ("▶", "bold"),
    "retrying": ("↻", "yellow"),
    "paused": ("‖", "cyan"),
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("∅", "yellow"),
    "skipped": ("-", "dim"),
}
_LONGEST: Final = 60


# --- workflows ------------------------------------------------------------------------


def list_workflows(store: Store, output: Output) -> None:
    """Print the registered workflows."""
    found = store.workflows()
    if not found:
        output.note(f"Nothing is registered in {plain(store.place)}.")
        output.note("Begin with: flexiflow workflow register FILE.py")
    else:
        rows = [
            (
                item.name,
                item.version,
                item.path,
                store.note_on(item) or item.description,
            )
            for item in found
        ]
        output.table(("name", "version", "file", "about"), rows)
    output.result([_registered_data(item) for item in found])


def show_workflow(store: Store, output: Output, name: str) -> None:
    """Print a workflow, its versions and its last executions."""
    versions = store.versions(name)
    newest = versions[0]
    rows = store.executions(workflow=name, limit=5)
    output.say(plain(newest.name), "bold")
    if newest.description:
        output.say(plain(newest.description))
    output.say(f"file      {plain(newest.path)}")
    for item in versions[:5]:
        at = datetime.fromtimestamp(item.registered, UTC)
        output.say(f"version   {item.version}, {at:%Y-%m-%d %H:%M} UTC")
    note = store.note_on(newest)
    if note:
        output.say(note, "yellow")
    if rows:
        output.say()
        _print_rows(output, rows)
    else:
        output.say("It has not been run yet.", "dim")
    output.result(
        {
            **_registered_data(newest),
            "versions": [_registered_data(item) for item in versions],
            "executions": [row_data(row) for row in rows],
        }
    )


def _registered_data(item: Registered) -> dict[str, Any]:
    """Return a workflow as JSON data."""
    return {
        "name": item.name,
        "version": item.version,
        "file": str(item.path),
        "digest": item.digest,
        "description": item.description,
        "registered": datetime.fromtimestamp(item.registered, UTC).isoformat(),
    }


# --- executions -----------------------------------------------------------------------


def show_status(
    store: Store,
    output: Output,
    words: list[str],
    *,
    detailed: bool,
    limit: int,
) -> None:
    """Print an execution, or list the last ones (of a workflow)."""
    is_list = not words
    if len(words) == 1 and store.find(words[0]) is None:
        is_list = any(item.name == words[0] for item in store.workflows())
    if is_list:
        name = words[0] if words else None
        rows = store.executions(workflow=name, limit=limit)
        if not rows:
            output.note("There are no executions yet.")
        else:
            _print_rows(output, rows)
        output.result([row_data(row) for row in rows])
        return
    execution, _ = named_execution(store, words)
    reason = store.reason(execution)
    _print_execution(output, store, execution, detailed=detailed)
    if reason:
        output.say(plain(reason), "yellow")
    found = summary_of(execution, detailed=detailed)
    output.result({**found, "reason": reason} if reason else found)


def _print_rows(output: Output, rows: list[ExecutionRow]) -> None:
    """Print executions below each other."""
    output.table(
        ("id", "workflow", "state", "begun (UTC)", "input", "output"),
        [
            (
                row.id,
                row.workflow,
                row.state,
                f"{datetime.fromtimestamp(row.created, UTC):%Y-%m-%d %H:%M:%S}",
                value_text(row.input, 30),
                value_text(row.value, 40)
                if row.state in {"COMPLETED", "FAILED"}
                else "",
            )
            for row in rows
        ],
    )


def _print_execution(
    output: Output, store: Store, execution: Execution, *, detailed: bool
) -> None:
    """Print an execution with its steps, or with all its events."""
    if output.as_json:
        return
    state = execution.state
    output.say(f"{plain(execution.workflow)} {execution.id}", "bold")
    output.say(f"state     {output.painted(state, STYLES.get(state))}")
    output.say(f"input     {value_text(execution.input) or 'none'}")
    records = [item for item in execution.records if is_event(item)]
    last = next((item for item in reversed(records) if item.state), None)
    if last is not None and state in {"COMPLETED", "FAILED"}:
        output.say(f"output    {value_text(last.value, 10_000) or 'none'}")
    if detailed:
        for record in records:
            print_event(output, record)
    else:
        progress = Progress(map(StoredEvent.of, records), text=_one_line)
        for step in progress.steps():
            output.say(_step_line(output, step))
        for pause in progress.pauses:
            output.say(f"It waits at {plain(pause.name)!r}.", "cyan")
    if state == "PAUSED":
        output.say(f"Answer: flexiflow workflow resume {execution.id} DATA", "dim")
    elif store.is_left(execution):
        output.say("Its process has died.", "yellow")
        output.say(f"Go on with it: flexiflow workflow resume {execution.id}", "dim")


def _step_line(output: Output, step: StepView) -> str:
    """Return a step on one line."""
    sign, style = _SIGNS[step.status]
    indent = "  " * (1 + step.key.count("/"))
    parts = [plain(step.name)]
    if step.total is not None:
        parts.append(f"{step.done or 0}/{step.total}")
    if step.attempts > 1:
        parts.append(f"attempt {step.attempts}")
    if step.started is not None and step.ended is not None:
        parts.append(_took((step.ended - step.started).total_seconds()))
    text = step.error_text or step.result_text
    if text:
        parts.append(plain(shown(text, _LONGEST)))
    return f"{indent}{output.painted(sign, style)} {'  '.join(parts)}"


def _took(seconds: float) -> str:
    """Return how long something took, as people say it."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {rest:.0f} s" if minutes else f"{seconds:.1f} s"


def _one_line(value: object, limit: int) -> str:
    """Return JSON data on one line, cut."""
    return "" if value is None else shown(written(value), limit)


def fork_point(execution: Execution, step: str) -> str | int:
    """Return the step to fork from as the engine takes it: a key, a name, a place."""
    keys = {record.key for record in execution.records}
    return int(step) if step.isdigit() and step not in keys else step


# --- events ---------------------------------------------------------------------------


def tail(
    store: Store,
    output: Output,
    execution: Execution | None,
    *,
    follow: bool,
    lines: int | None,
) -> None:
    """Print the last events, of one execution or of all, and those to come."""
    which = None if execution is None else execution.id
    if execution is not None:
        old = list(execution.records)
    else:
        old = _last_records(store)
        lines = lines or _LINES
    shown_now = [record for record in old if is_event(record)]
    for record in shown_now[-(lines or len(shown_now)) :]:
        print_event(output, record, with_id=which is None)
    if not follow or (which and _has_stopped(old)):
        return
    after = old[-1].seq if old else 0
    for new in store.new_records(after, which):
        for record in filter(is_event, new):
            print_event(output, record, with_id=which is None)
        if which and _has_stopped(new):
            return


def _last_records(store: Store) -> list[Record]:
    """Return the newest records of all executions, in order."""
    newest = [
        record
        for row in store.executions(limit=_LINES)
        if (found := store.find(row.id)) is not None
        for record in found.records
    ]
    return sorted(newest, key=lambda record: record.seq)


def _has_stopped(records: list[Record]) -> bool:
    """Return whether the last state that records tell of is a stop."""
    last = next((record.state for record in reversed(records) if record.state), "")
    return last in _STOPPED
