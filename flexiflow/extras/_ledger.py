"""Write many snapshot rows in one transaction: their order, and how many stay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

__all__ = ["Ledger", "SnapshotRow", "Trim"]

_CHUNKS: Final = (64, 16, 4, 1)
"""Rows of one INSERT; few sizes, so that each is prepared once. One statement for many
rows lets go of the interpreter once, which a busy event loop feels."""

_COLUMNS: Final = 7
_INSERT: Final = """
INSERT INTO flexiflow_snapshots
    (component_name, snapshot_json, created_at, at_us,
     from_state, message_type, correlation_id)
VALUES
"""
_STATEMENTS: Final = {
    size: _INSERT + ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * size) for size in _CHUNKS
}
_LAST: Final = """
SELECT max(at_us), (SELECT count(*) FROM flexiflow_snapshots WHERE component_name = ?)
FROM flexiflow_snapshots WHERE component_name = ?
"""
_TRIM: Final = """
DELETE FROM flexiflow_snapshots
WHERE component_name = ? AND (at_us, id) <= (
    SELECT at_us, id FROM flexiflow_snapshots WHERE component_name = ?
    ORDER BY at_us DESC, id DESC LIMIT 1 OFFSET ?
)
"""


class SnapshotRow(NamedTuple):
    """A row to be written."""

    component_name: str
    """Whose snapshot it is."""
    snapshot_json: str
    """The snapshot as JSON."""
    at_us: int
    """The instant, microseconds since 1970."""
    from_state: str | None
    """The state before."""
    message_type: str | None
    """The type of the message that led here."""
    correlation_id: str | None
    """The story it belongs to."""
    keep_last: int | None
    """How many rows of the component stay; None keeps all."""


class Trim(NamedTuple):
    """A wish to drop the oldest rows of a component."""

    component_name: str
    """Whose rows."""
    keep_last: int
    """How many stay."""


@final
class Ledger:
    """Adds rows over one connection, inside transactions that its owner opens.

    Parameters
    ----------
    conn : sqlite3.Connection
        The writer's own connection, in autocommit mode; the table exists.

    Notes
    -----
    A row never sorts before one that the component already has, so that the last one
    saved is the latest even when the clock was set back. What is known of a component
    (its last key, the number of its rows) is remembered until another connection
    changes the database.
    """

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._known: dict[str, list[int]] = {}
        self._version = -1
        self._second = -1
        self._prefix = ""

    def perform(self, jobs: Sequence[SnapshotRow | Trim]) -> list[int]:
        """Do jobs in order.

        Returns
        -------
        list of int
            For each job the id of the new row, or the number of rows that were dropped.
        """
        self._look_around()
        results: list[int] = []
        rows: list[SnapshotRow] = []
        for job in jobs:
            if isinstance(job, SnapshotRow):
                rows.append(job)
                continue
            results += self._add(rows)
            rows = []
            results.append(self._trim(*job))
            self.forget()
        return results + self._add(rows)

    def _trim(self, name: str, limit: int) -> int:
        """Drop all but the newest rows of a component; return how many went."""
        return self._conn.execute(_TRIM, (name, name, limit)).rowcount

    def _add(self, rows: Sequence[SnapshotRow]) -> list[int]:
        """Insert rows, drop what retention lets go of, and return the new ids."""
        keep: dict[str, int] = {}
        values: list[Any] = []
        for name, text, at_us, from_state, message_type, correlation_id, limit in rows:
            known = self._known.get(name) or self._look_up(name, at_us)
            key = known[0] = max(known[0], at_us)
            known[1] += 1
            values += (
                name,
                text,
                self._stamp(at_us),
                key,
                from_state,
                message_type,
                correlation_id,
            )
            if limit is not None:
                keep[name] = limit
        ids = self._insert(values, len(rows))
        for name, limit in keep.items():
            known = self._known[name]
            if known[1] > limit:
                self._trim(name, limit)
                known[1] = limit
        return ids

    def forget(self) -> None:
        """Drop what is known, after a transaction was undone or rows were deleted."""
        self._known.clear()

    def _look_around(self) -> None:
        """Forget what is known when another connection has written."""
        version = self._conn.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self._known.clear()

    def _look_up(self, name: str, at_us: int) -> list[int]:
        """Return the last key (the given one if none) and the number of rows."""
        last, count = self._conn.execute(_LAST, (name, name)).fetchone()
        known = self._known[name] = [at_us if last is None else last, count]
        return known

    def _stamp(self, at_us: int) -> str:
        """Return an instant as ISO 8601 in UTC; the second is formatted once."""
        second, rest = divmod(at_us, 1_000_000)
        if second != self._second:
            self._second = second
            self._prefix = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        return f"{self._prefix}.{rest:06d}+00:00"

    def _insert(self, values: list[Any], count: int) -> list[int]:
        """Insert rows given as one flat list of values."""
        ids: list[int] = []
        done = 0
        for size in _CHUNKS:
            while count - done >= size:
                start = done * _COLUMNS
                cursor = self._conn.execute(
                    _STATEMENTS[size], values[start : start + size * _COLUMNS]
                )
                last = cursor.lastrowid or 0
                ids += range(last - size + 1, last + 1)
                done += size
        return ids
