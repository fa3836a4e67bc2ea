"""What is asked of the PostgreSQL journal: one execution, lists, the newest records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from ._postgres_text import kept, read
from ._queries import uncollected
from .protocol import Claim, Execution, ExecutionRow, Record

if TYPE_CHECKING:
    import psycopg

    from ._queries import Asked

__all__ = [
    "content",
    "executions",
    "is_alive",
    "keep_content",
    "load",
    "records_after",
]

_COLUMNS: Final = ", ".join(f"r.{name}" for name in Record._fields)

_CREATION: Final = b"""
SELECT workflow, input, parent, correlation_id, time FROM flexiflow.executions
WHERE id = %b AND epoch = 0
"""
_CLAIMS: Final = b"""
SELECT epoch, owner, reason, time, digest FROM flexiflow.executions
WHERE id = %b ORDER BY epoch
"""
_RECORDS_OF: Final = f"""
SELECT {_COLUMNS} FROM flexiflow.records AS r
WHERE r.execution_id = %b AND r.seq > %b ORDER BY r.seq
""".encode()  # noqa: S608 - made of our own text alone

_RECORDS_AFTER: Final = f"""
SELECT {_COLUMNS} FROM flexiflow.records AS r WHERE r.seq > %b ORDER BY r.seq LIMIT %b
""".encode()  # noqa: S608 - as above

_WRITING: Final = b"""
SELECT virtualtransaction FROM pg_locks, flexiflow.lock_key('writing', 'records') AS k
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
AND ((classid::bigint << 32) | objid::bigint) = k
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_ROW: Final = """
SELECT e.number, e.id, e.workflow, coalesce(s.state, 'CREATED'), e.input, s.value,
       e.parent, c.owner, c.epoch, e.correlation_id, e.time, coalesce(s.time, e.time)
"""
_NEWEST_CLAIM: Final = """
CROSS JOIN LATERAL (
    SELECT owner, epoch FROM flexiflow.executions
    WHERE id = e.id ORDER BY epoch DESC LIMIT 1
) AS c
"""
_FROM_EXECUTIONS: Final = (
    "FROM flexiflow.executions AS e "  # noqa: S608 - made of our own text alone
    + _NEWEST_CLAIM
    + """
LEFT JOIN LATERAL (
    SELECT state, value, time FROM flexiflow.records
    WHERE execution_id = e.id AND state <> '' ORDER BY seq DESC LIMIT 1
) AS s ON true
WHERE e.epoch = 0
"""
)
"""One row for each execution; few are looked at when few are asked for."""

_FROM_STATES: Final = (
    """
FROM flexiflow.records AS s
JOIN flexiflow.executions AS e ON e.id = s.execution_id AND e.epoch = 0
"""  # noqa: S608 - as above
    + _NEWEST_CLAIM
    + """
WHERE s.state IN ('SCHEDULED', 'CLAIMED', 'PAUSED', 'RESUMING', 'CANCELLING')
AND s.seq = (
    SELECT max(seq) FROM flexiflow.records
    WHERE execution_id = e.id AND state <> ''
)
"""
)
"""The same by way of a state: quick where few executions have ever been in it."""

_PASSING: Final = frozenset(
    {"SCHEDULED", "CLAIMED", "PAUSED", "RESUMING", "CANCELLING"}
)
"""States that most executions never have, or leave soon."""

_LONGEST_WAIT_S: Final = 2.0
_PAUSE_S: Final = 0.002


# Any, below: the columns of a row.
def load(conn: psycopg.Connection, execution_id: str) -> Execution | None:
    """Return an execution with all its records, of one moment, or None."""
    id_ = kept(execution_id)
    with conn.pipeline():
        conn.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        creation = conn.execute(_CREATION, [id_])
        claims = conn.execute(_CLAIMS, [id_])
        records = conn.execute(_RECORDS_OF, [id_, 0], binary=True)
        conn.execute(b"COMMIT")
    found = creation.fetchone()
    if found is None:
        return None
    *texts, created = read(found)
    workflow, given, parent, correlation_id = texts
    with uncollected():
        kept_records = tuple(map(_record, records.fetchall()))
    return Execution(
        id=execution_id,
        workflow=str(workflow),
        input=None if given is None else str(given),
        parent=str(parent),
        correlation_id=str(correlation_id),
        created=created,
        claims=tuple(Claim(*row) for row in claims.fetchall()),
        records=kept_records,
    )


def _record(row: tuple[Any, ...]) -> Record:
    """Return a record as it was given."""
    made: Record = Record._make(read(row))
    return made


def executions(conn: psycopg.Connection, asked: Asked) -> list[ExecutionRow]:
    """List executions, the newest first."""
    by_state = bool(asked.states) and _PASSING.issuperset(asked.states or ())
    sql = [_ROW, _FROM_STATES if by_state else _FROM_EXECUTIONS]
    values: list[object] = []
    for clause, value in (
        ("AND e.workflow = %b", asked.workflow),
        ("AND e.parent = %b", asked.parent),
    ):
        if value is not None:
            sql.append(clause)
            values.append(kept(value))
    if asked.before is not None:
        sql.append("AND e.number < %b")
        values.append(asked.before)
    if asked.parent:  # the index has no executions without one
        sql.append("AND e.parent <> ''")
    if asked.states is not None:
        state = "s.state" if by_state else "coalesce(s.state, 'CREATED')"
        sql.append(f"AND {state} = ANY(%b::text[])")
        values.append(list(asked.states))
    sql.append("ORDER BY e.number DESC")
    if asked.limit is not None:
        sql.append("LIMIT %b")
        values.append(max(0, asked.limit))
    rows = conn.execute(" ".join(sql).encode(), values).fetchall()
    return [ExecutionRow._make(read(row)) for row in rows]


def records_after(
    conn: psycopg.Connection, seq: int, execution_id: str | None, limit: int
) -> list[Record]:
    """Return the records behind a sequence number, in order.

    Notes
    -----
    Numbers are given before the commit, so that a higher one may be seen first. Those
    of one execution are not: its lock is held in between. For all of them, a gap at the
    beginning is waited for as long as somebody may still fill it, and nothing behind
    one is returned.
    """
    limit = max(0, limit)
    if execution_id is not None:
        asked = [kept(execution_id), seq, limit]
        rows = conn.execute(_RECORDS_OF + b" LIMIT %b", asked, binary=True).fetchall()
        return list(map(_record, rows))
    ends = time.monotonic() + _LONGEST_WAIT_S
    while True:
        found = _tail(conn, seq, limit)
        whole = _without_gap(found, seq)
        if whole or not found:
            return whole
        if _outlast_writers(conn, ends):
            # Who took the missing numbers has ended: what is not there now never was.
            found = _tail(conn, seq, limit)
            first = found[0].seq - 1 if found else seq
            return _without_gap(found, first)
        if time.monotonic() >= ends:
            return []


def _tail(conn: psycopg.Connection, seq: int, limit: int) -> list[Record]:
    rows = conn.execute(_RECORDS_AFTER, [seq, limit], binary=True).fetchall()
    return list(map(_record, rows))


def _without_gap(found: list[Record], seq: int) -> list[Record]:
    """Return the records whose numbers follow one on the other."""
    for place, record in enumerate(found, 1):
        if record.seq != seq + place:
            return found[: place - 1]
    return found


def _outlast_writers(conn: psycopg.Connection, ends: float) -> bool:
    """Wait for those who are writing now; return whether they have ended."""
    writing = {row[0] for row in conn.execute(_WRITING).fetchall()}
    while writing:
        if time.monotonic() >= ends:
            return False
        time.sleep(_PAUSE_S)
        writing &= {row[0] for row in conn.execute(_WRITING).fetchall()}
    return True


def is_alive(conn: psycopg.Connection, owner: str) -> bool:
    """Whether the session of an owner holds its lock."""
    row = conn.execute(b"SELECT flexiflow.is_alive(%b)", [kept(owner)]).fetchone()
    return row is not None and row[0] is True


def keep_content(
    conn: psycopg.Connection, kind: str, digest: str, content: bytes
) -> None:
    """Keep bytes, unless they are there."""
    asked = b"SELECT FROM flexiflow.kept_values WHERE kind = %b AND sha256 = %b"
    if conn.execute(asked, [kind, digest]).fetchone() is None:
        conn.execute(
            b"INSERT INTO flexiflow.kept_values (kind, sha256, content) "
            b"VALUES (%b, %b, %b) ON CONFLICT DO NOTHING",
            [kind, digest, content],
        )


def content(conn: psycopg.Connection, kind: str, digest: str) -> bytes | None:
    """Return bytes, or None."""
    asked = b"SELECT content FROM flexiflow.kept_values WHERE kind = %b AND sha256 = %b"
    row = conn.execute(asked, [kind, digest], binary=True).fetchone()
    return None if row is None else bytes(row[0])
