"""What is asked of the SQLite journal: one execution, lists, the newest records."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from ._schema import BLOCK
from .protocol import Claim, Execution, ExecutionRow, Record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

__all__ = ["Asked", "executions", "load", "records_after", "uncollected"]

_COLUMNS: Final = ", ".join(f"r.{name}" for name in Record._fields)

_CREATION: Final = """
SELECT workflow, input, parent, correlation_id, time FROM flexiflow_executions
WHERE id = ? AND epoch = 0
"""
_CLAIMS: Final = """
SELECT epoch, owner, reason, time, digest FROM flexiflow_executions
WHERE id = ? ORDER BY epoch
"""
_RECORDS_OF: Final = f"""
SELECT {_COLUMNS} FROM flexiflow_places p CROSS JOIN flexiflow_records r
ON r.seq BETWEEN p.block * {BLOCK} AND p.block * {BLOCK} + {BLOCK - 1}
WHERE p.execution_id = :id AND p.block >= :seq / {BLOCK}
AND r.execution_id = :id AND r.seq > :seq
ORDER BY p.block, r.seq
"""  # noqa: S608 - made of our own text alone
"""Goes through the blocks in which the execution has records, in order."""

_RECORDS_AFTER: Final = f"""
SELECT {_COLUMNS} FROM flexiflow_records r WHERE r.seq > :seq ORDER BY r.seq
"""  # noqa: S608 - made of our own text alone

_ROW: Final = """
SELECT e.number, e.id, e.workflow, coalesce(s.state, 'CREATED') AS state, e.input,
       s.value, e.parent, c.owner, c.epoch, e.correlation_id, e.time,
       coalesce(s.time, e.time)
"""
_NEWEST_CLAIM: Final = """
JOIN flexiflow_executions c ON c.id = e.id AND c.epoch =
    (SELECT max(epoch) FROM flexiflow_executions WHERE id = e.id)
"""
_LAST_STATE: Final = """s.seq =
    (SELECT max(seq) FROM flexiflow_records
     WHERE execution_id = e.id AND state <> '')
"""
_FROM_EXECUTIONS: Final = f"""
FROM flexiflow_executions e {_NEWEST_CLAIM}
LEFT JOIN flexiflow_records s ON {_LAST_STATE}
WHERE e.epoch = 0
"""
"""One row for each execution; few are looked at when few are asked for."""

_FROM_STATES: Final = f"""
FROM flexiflow_records s INDEXED BY flexiflow_records_by_state
JOIN flexiflow_executions e ON e.id = s.execution_id AND e.epoch = 0 {_NEWEST_CLAIM}
WHERE s.state <> '' AND {_LAST_STATE}
"""
"""The same by way of a state: quick where few executions have ever been in it."""

_PASSING: Final = frozenset(
    {
        "SCHEDULED",
        "CLAIMED",
        "PAUSED",
        "RESUMING",
        "CANCELLING",
    }
)
"""States that most executions never have, or leave soon."""


class Asked(NamedTuple):
    """Which executions a list is to hold; None asks for nothing."""

    workflow: str | None = None
    states: Sequence[str] | None = None
    parent: str | None = None
    before: int | None = None
    limit: int | None = None


@contextmanager
def uncollected() -> Iterator[None]:
    """Let no garbage be looked for while many objects are made that are none.

    The collector would go through all that has been read again and again: a third of
    the time of a replay.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load(conn: sqlite3.Connection, execution_id: str) -> Execution | None:
    """Return an execution with all its records, of one moment, or None."""
    conn.execute("BEGIN")
    try:
        found = conn.execute(_CREATION, (execution_id,)).fetchone()
        if found is None:
            return None
        claims = conn.execute(_CLAIMS, (execution_id,)).fetchall()
        asked = {"id": execution_id, "seq": 0}
        with uncollected():
            records = tuple(map(Record._make, conn.execute(_RECORDS_OF, asked)))
    finally:
        conn.execute("COMMIT")
    workflow, given, parent, correlation_id, created = found
    return Execution(
        id=execution_id,
        workflow=workflow,
        input=given,
        parent=parent,
        correlation_id=correlation_id,
        created=created,
        claims=tuple(Claim(*row) for row in claims),
        records=records,
    )


def executions(conn: sqlite3.Connection, asked: Asked) -> list[ExecutionRow]:
    """List executions, the newest first."""
    by_state = bool(asked.states) and _PASSING.issuperset(asked.states or ())
    sql, values = [_ROW, _FROM_STATES if by_state else _FROM_EXECUTIONS], []
    for clause, value in (
        ("AND e.workflow = ?", asked.workflow),
        ("AND e.parent = ?", asked.parent),
        ("AND e.number < ?", asked.before),
    ):
        if value is not None:
            sql.append(clause)
            values.append(value)
    if asked.parent:  # the index has no executions without one
        sql.append("AND e.parent <> ''")
    if asked.states is not None:
        marks = ", ".join("?" * len(asked.states))
        state = "s.state" if by_state else "coalesce(s.state, 'CREATED')"
        sql.append(f"AND {state} IN ({marks})")
        values += asked.states
    sql.append("ORDER BY e.number DESC LIMIT ?")
    values.append(-1 if asked.limit is None else max(0, asked.limit))
    return [ExecutionRow(*row) for row in conn.execute(" ".join(sql), values)]


def records_after(
    conn: sqlite3.Connection, seq: int, execution_id: str | None, limit: int
) -> list[Record]:
    """Return the records behind a sequence number, in order."""
    sql = _RECORDS_AFTER if execution_id is None else _RECORDS_OF
    asked = {"id": execution_id, "seq": seq, "limit": max(0, limit)}
    return list(map(Record._make, conn.execute(f"{sql} LIMIT :limit", asked)))
