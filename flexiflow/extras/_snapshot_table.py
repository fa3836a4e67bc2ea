"""The table ``flexiflow_snapshots``: its layout, its migration, its order."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ..errors import PersistenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "INSERT",
    "NEWEST_FIRST",
    "database_error",
    "microseconds",
    "place_rows",
    "prepare",
    "read",
    "utc",
    "write",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS flexiflow_snapshots (
    id INTEGER PRIMARY KEY,
    component_name TEXT NOT NULL,
    snapshot_json TEXT NOT NULL,
    created_at TEXT NOT NULL,
    at_us INTEGER,
    from_state TEXT,
    message_type TEXT,
    correlation_id TEXT
)
"""
"""The first four columns are the published 1.0 layout.

``created_at`` is ISO 8601 in UTC; ``at_us`` is the same instant in microseconds since
1970, the sortable key. A row written by another program has no key until it is read.
"""

_ADDED: Final = {
    "at_us": "INTEGER",
    "from_state": "TEXT",
    "message_type": "TEXT",
    "correlation_id": "TEXT",
}
"""The columns that the original layout lacks."""

_INDEX: Final = """
CREATE INDEX IF NOT EXISTS flexiflow_snapshots_by_time
ON flexiflow_snapshots (component_name, at_us)
"""
_OLD_INDEX: Final = "idx_flexiflow_snapshots_component_created"

INSERT: Final = """
WITH plain(x) AS (SELECT 1)
INSERT INTO flexiflow_snapshots
    (component_name, snapshot_json, created_at, at_us,
     from_state, message_type, correlation_id)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
"""Add one row; it commits on its own.

Python's ``sqlite3`` opens a transaction before text that starts with INSERT, but not
behind WITH: one step less for each row.
"""

NEWEST_FIRST: Final = "ORDER BY at_us DESC, id DESC"
"""Latest means by time, then by id; the index holds this order."""

_NO_TIME: Final = -(2**63)
"""The key of a row whose ``created_at`` is no date: older than all others."""


def utc(moment: datetime) -> datetime:
    """Return an instant in UTC; a naive one is taken to be in UTC already."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def microseconds(moment: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def read(
    conn: sqlite3.Connection, sql: str, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Run a query; make or migrate the table first when the query shows the need.

    Returns
    -------
    list of tuple
        All rows, as tuples whatever row factory the caller's connection has.

    Raises
    ------
    PersistenceError
        If the database cannot be read.
    """
    cursor = conn.cursor()
    cursor.row_factory = None
    try:
        try:
            return cursor.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if not _lacks_layout(error):
                raise
        prepare(conn)
        return cursor.execute(sql, parameters).fetchall()
    except (sqlite3.DatabaseError, UnicodeEncodeError) as error:
        raise database_error(error, "read") from error


def write(
    conn: sqlite3.Connection, sql: str, parameters: Sequence[Any]
) -> sqlite3.Cursor:
    """Run one statement and commit; make or migrate the table first when needed.

    Raises
    ------
    PersistenceError
        If the database cannot be written; nothing of the statement remains then.
    """
    try:
        try:
            cursor = conn.execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if not _lacks_layout(error):
                raise
            prepare(conn)
            cursor = conn.execute(sql, parameters)
        if conn.in_transaction:
            conn.commit()
    except (sqlite3.DatabaseError, UnicodeEncodeError) as error:
        raise database_error(error, "written") from error
    return cursor


def prepare(conn: sqlite3.Connection) -> None:
    """Make the table, or bring one of the original layout up to date, in place.

    Notes
    -----
    One transaction: a crash leaves the old layout or the new one. Two processes that
    open the same old database at once take turns.
    """
    own = not conn.in_transaction
    if own:
        conn.execute("BEGIN IMMEDIATE")
    try:
        conn.execute(_CREATE)
        columns = {
            row[1] for row in read(conn, "PRAGMA table_info(flexiflow_snapshots)", ())
        }
        for name, kind in _ADDED.items():
            if name not in columns:
                conn.execute(
                    f"ALTER TABLE flexiflow_snapshots ADD COLUMN {name} {kind}"
                )
        conn.execute(_INDEX)
        conn.execute(f"DROP INDEX IF EXISTS {_OLD_INDEX}")
        _place(conn, "WHERE at_us IS NULL", ())
        if own:
            conn.commit()
    except BaseException:
        if own and conn.in_transaction:
            conn.rollback()
        raise


def place_rows(conn: sqlite3.Connection, component_name: str) -> None:
    """Give the rows that another program wrote for a component their place in time.

    Raises
    ------
    PersistenceError
        If the database cannot be written.
    """
    try:
        own = not conn.in_transaction
        _place(conn, "WHERE component_name = ? AND at_us IS NULL", (component_name,))
        if own and conn.in_transaction:
            conn.commit()
    except sqlite3.DatabaseError as error:
        raise database_error(error, "written") from error


def _place(conn: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> None:
    """Fill in the key of rows that have none, and write their time in UTC."""
    cursor = conn.cursor()
    cursor.row_factory = None
    cursor.execute(
        f"SELECT id, created_at FROM flexiflow_snapshots {where}",  # noqa: S608 - ours
        parameters,
    )
    placed = [(*_instant(text), row_id) for row_id, text in cursor.fetchall()]
    cursor.executemany(
        "UPDATE flexiflow_snapshots SET created_at = ?, at_us = ? WHERE id = ?", placed
    )


def _instant(text: object) -> tuple[object, int]:
    """Return a stored time in UTC with its key; text that is no date stays as it is."""
    try:
        moment = utc(datetime.fromisoformat(text))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return text, _NO_TIME
    return moment.isoformat(), microseconds(moment)


def _lacks_layout(error: sqlite3.OperationalError) -> bool:
    """Return whether a statement failed because the table is absent or older."""
    text = str(error)
    return "no such table: flexiflow_snapshots" in text or (
        "column" in text and any(name in text for name in _ADDED)
    )


def database_error(error: Exception, done: str, path: str = "") -> PersistenceError:
    """Return the error for a database that cannot be ``read`` or ``written``."""
    text = str(error)
    fix = "Check that the file is a SQLite database, and its disk has room."
    if "locked" in text or "busy" in text:
        fix = (
            "Another process holds the database: end its transaction, or give the "
            "connection a longer timeout."
        )
    elif "readonly" in text or "unable to open" in text:
        fix = "Check that the folder exists, and that you may write the file and in it."
    elif isinstance(error, UnicodeEncodeError):
        fix = "Use a component name that is text: it holds half a surrogate pair."
    return PersistenceError(
        f"Snapshots cannot be {done}: {text}",
        why=f"SQLite reported {type(error).__name__}.",
        fix=fix,
        context={"database": path} if path else {},
    )
