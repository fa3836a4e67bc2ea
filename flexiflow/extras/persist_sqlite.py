"""Keep snapshots of components in SQLite: each one is a row, the latest counts.

The functions work on the caller's connection, in any mode. Applications that want a
connection of their own, many writers and retention use :class:`flexiflow.extras.store.
SnapshotStore` over the same table.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ..errors import PersistenceError
from ._snapshot_table import (
    INSERT,
    NEWEST_FIRST,
    microseconds,
    place_rows,
    read,
    utc,
    write,
)
from .persist_json import ComponentSnapshot, snapshot_from_json, snapshot_to_json

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "list_snapshots",
    "load_latest_snapshot",
    "prune_snapshots",
    "save_snapshot",
]

_UNPLACED: Final = """
EXISTS (SELECT 1 FROM flexiflow_snapshots WHERE component_name = ? AND at_us IS NULL)
"""
_LATEST: Final = f"""
SELECT snapshot_json, {_UNPLACED} FROM flexiflow_snapshots
WHERE component_name = ? {NEWEST_FIRST} LIMIT 1
"""  # noqa: S608 - made of our own text alone
_LIST: Final = f"""
SELECT id, created_at, snapshot_json, from_state, message_type, correlation_id,
       {_UNPLACED}
FROM flexiflow_snapshots
WHERE component_name = ? AND (? IS NULL OR correlation_id = ?)
{NEWEST_FIRST} LIMIT ?
"""  # noqa: S608 - made of our own text alone
_CUT: Final = f"""
SELECT at_us, id, {_UNPLACED} FROM flexiflow_snapshots
WHERE component_name = ? {NEWEST_FIRST} LIMIT 1 OFFSET ?
"""  # noqa: S608 - made of our own text alone
_DELETE: Final = """
DELETE FROM flexiflow_snapshots
WHERE component_name = ? AND (at_us, id) <= (?, ?)
"""


def save_snapshot(
    conn: sqlite3.Connection,
    snapshot: ComponentSnapshot,
    *,
    created_at: datetime | None = None,
    from_state: str | None = None,
    message_type: str | None = None,
    correlation_id: str | None = None,
) -> int:
    """Add a snapshot to the database and commit.

    Parameters
    ----------
    conn : sqlite3.Connection
        An open connection. A transaction under way is committed with it.
    snapshot : ComponentSnapshot
        What to keep.
    created_at : datetime, optional
        The instant it speaks of, in any time zone (naive: UTC); now when left out.
    from_state, message_type, correlation_id : str, optional
        How the component came to this state; shown by the lists.

    Returns
    -------
    int
        The id of the new row.

    Raises
    ------
    PersistenceError
        If the snapshot is no JSON data, or the database cannot be written.
    """
    text = snapshot_to_json(snapshot)
    moment = datetime.now(UTC) if created_at is None else utc(created_at)
    cursor = write(
        conn,
        INSERT,
        (
            snapshot.name,
            text,
            moment.isoformat(),
            microseconds(moment),
            from_state,
            message_type,
            correlation_id,
        ),
    )
    return cursor.lastrowid or 0


def load_latest_snapshot(
    conn: sqlite3.Connection, component_name: str
) -> ComponentSnapshot | None:
    """Return the latest snapshot of a component, or None when there is none.

    Latest means by ``created_at``, whatever its offset from UTC, then by id.

    Raises
    ------
    PersistenceError
        If the row holds no snapshot, or the database cannot be read.
    """
    rows = read(conn, _LATEST, (component_name, component_name))
    if rows and rows[0][1]:
        place_rows(conn, component_name)
        rows = read(conn, _LATEST, (component_name, component_name))
    if not rows:
        return None
    try:
        return snapshot_from_json(rows[0][0], "flexiflow_snapshots")
    except (PersistenceError, TypeError) as error:
        why = getattr(error, "context", {}).get("error") or str(error).split("\n")[0]
        raise PersistenceError(
            f"Invalid JSON in snapshot for '{component_name}'",
            why=f"The latest row of the component holds no snapshot: {why}.",
            fix="Delete that row of the table flexiflow_snapshots; the one before it "
            "is the latest then.",
            context={"component_name": component_name, "error": why},
        ) from error


def list_snapshots(
    conn: sqlite3.Connection,
    component_name: str,
    *,
    limit: int = 10,
    correlation_id: str | None = None,
) -> list[dict[str, Any]]:
    """List the snapshots of a component, the newest first.

    Parameters
    ----------
    conn : sqlite3.Connection
        An open connection.
    component_name : str
        The component.
    limit : int, default 10
        How many rows at most; at least 0.
    correlation_id : str, optional
        Only the rows of one story.

    Returns
    -------
    list of dict
        ``id`` (int), ``created_at`` (ISO 8601 in UTC), ``current_state`` (``"invalid"``
        when the row holds no snapshot), ``from_state``, ``message_type`` and
        ``correlation_id`` (text or None).

    Raises
    ------
    PersistenceError
        If the database cannot be read.
    ValueError
        If ``limit`` is negative.
    """
    _at_least_0("limit", limit)
    one, story = component_name, correlation_id
    asked = (one, one, story, story, limit)
    rows = read(conn, _LIST, asked)
    if rows and rows[0][-1]:
        place_rows(conn, component_name)
        rows = read(conn, _LIST, asked)
    return [
        {
            "id": row[0],
            "created_at": row[1],
            "current_state": _state_in(row[2]),
            "from_state": row[3],
            "message_type": row[4],
            "correlation_id": row[5],
        }
        for row in rows
    ]


def prune_snapshots(
    conn: sqlite3.Connection,
    component_name: str,
    *,
    keep_last: int = 10,
    keep: int | None = None,
) -> int:
    """Delete all but the newest snapshots of a component.

    Parameters
    ----------
    conn : sqlite3.Connection
        An open connection.
    component_name : str
        The component; others are not touched.
    keep_last : int, default 10
        How many to keep; at least 0.
    keep : int, optional
        Another spelling of ``keep_last``; counts when given.

    Returns
    -------
    int
        How many rows were deleted.

    Raises
    ------
    PersistenceError
        If the database cannot be written.
    ValueError
        If the number to keep is negative.
    """
    kept = keep_last if keep is None else keep
    _at_least_0("keep_last", kept)
    cut = read(conn, _CUT, (component_name, component_name, kept))
    if cut and cut[0][-1]:
        place_rows(conn, component_name)
        cut = read(conn, _CUT, (component_name, component_name, kept))
    if not cut:
        return 0
    at_us, row_id, _ = cut[0]
    return write(conn, _DELETE, (component_name, at_us, row_id)).rowcount


def _state_in(text: object) -> str:
    """Return the state that a row's JSON names, or ``"invalid"``."""
    try:
        state = json.loads(text)["current_state"]  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return "invalid"
    return state if isinstance(state, str) else "invalid"


def _at_least_0(name: str, value: int) -> None:
    """Refuse a negative count: SQLite would take it for "all"."""
    if value < 0:
        message = f"{name} must be at least 0, not {value}"
        raise ValueError(message)
