"""The tables of the PostgreSQL journal, and the functions by which they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors import JournalError
from .protocol import ENDS, REQUEST_TO_END

if TYPE_CHECKING:
    import psycopg

__all__ = ["CHANNEL", "GRACE_S", "VERSION", "prepare"]

CHANNEL: Final = "flexiflow"
"""Where it is told that something was written; the text names the new states."""

GRACE_S: Final = 5.0
"""Seconds after a start of the server in which owners may come back."""

_MIGRATION: Final = "flexiflow migration"
"""The name of the lock of whoever makes the tables."""

_TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS flexiflow;

CREATE TABLE flexiflow.versions (
    version integer PRIMARY KEY,
    made timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE flexiflow.executions (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL,
    epoch integer NOT NULL,
    workflow text NOT NULL,
    input text,
    parent text COLLATE "C" NOT NULL,
    owner text NOT NULL,
    reason text NOT NULL,
    digest text NOT NULL,
    correlation_id text NOT NULL,
    time double precision NOT NULL,
    batch text NOT NULL,
    UNIQUE (id, epoch)
);
CREATE INDEX executions_by_parent ON flexiflow.executions (parent) WHERE parent <> '';

CREATE TABLE flexiflow.records (
    seq bigint PRIMARY KEY,
    execution_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    source_id text NOT NULL,
    value text,
    digest text NOT NULL,
    time double precision NOT NULL,
    state text COLLATE "C" NOT NULL,
    epoch integer NOT NULL,
    batch text
);
CREATE INDEX records_of_execution ON flexiflow.records (execution_id, seq);
CREATE INDEX states_of_execution ON flexiflow.records (execution_id, seq)
    WHERE state <> '';
CREATE INDEX records_by_state ON flexiflow.records (state)
    WHERE state IN ('SCHEDULED', 'CLAIMED', 'PAUSED', 'RESUMING', 'CANCELLING');

CREATE SEQUENCE flexiflow.records_seq;

CREATE TABLE flexiflow.kept_values (
    kind text NOT NULL,
    sha256 text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (kind, sha256)
);
"""
"""Rows are added, never changed or removed. The row of an execution's epoch 0 is its
creation. ``batch`` marks what one commit wrote (in the first of its records), so that a
writer that lost its connection while it committed can see whether it did."""

_LOCK_KEY: Final = """
CREATE FUNCTION flexiflow.lock_key(kind text, name text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.hashtextextended('flexiflow ' || kind || ' ' || name, 0)
$$
"""

_LOCK_EXECUTIONS: Final = """
CREATE FUNCTION flexiflow.lock_executions(ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(
        flexiflow.lock_key('writing', 'records'));
    PERFORM pg_catalog.pg_advisory_xact_lock(k) FROM (
        SELECT DISTINCT flexiflow.lock_key('execution', i) AS k
        FROM pg_catalog.unnest(ids) AS i ORDER BY k
    ) AS keys;
END
$$
"""
"""Whoever writes to an execution holds its lock to the end of the transaction, so that
records of an epoch never come after a claim that ends it, from whatever host. Locks are
taken in one order; rows are not locked, since that takes the right to change them. The
shared lock lets a reader see who is still writing."""

_READY_SINCE: Final = """
CREATE FUNCTION flexiflow.ready_since() RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT greatest(pg_catalog.pg_postmaster_start_time(), stats_reset)
    FROM pg_catalog.pg_stat_bgwriter
$$
"""
"""The server starts, and after a crash drops its statistics when it begins to recover:
its files may have been looked through for seconds before."""

_IS_ALIVE: Final = """
CREATE FUNCTION flexiflow.is_alive(owner text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
        AND l.database = (
            SELECT oid FROM pg_catalog.pg_database
            WHERE datname = pg_catalog.current_database())
        AND ((l.classid::bigint << 32) | l.objid::bigint)
            = flexiflow.lock_key('owner', owner)
    ) OR (
        pg_catalog.clock_timestamp()
            < flexiflow.ready_since() + interval '{grace} seconds'
        AND owner ~ '[.][0-9]{{13}}$'
        AND pg_catalog.right(owner, 13)::bigint
            < extract(epoch FROM flexiflow.ready_since()) * 1000 - 1
    )
$$
"""
"""An owner lives while a session holds its lock. After a start of the server nobody
does: owners whose name says that they began before it have some seconds to return."""

_COLUMN: Final = """
CREATE FUNCTION flexiflow.texts(joined text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT (pg_catalog.string_to_array(joined, E'\\x1e', E'\\x1aN'))[2:]
$$
"""
"""The texts of a column, as they come with one call: each behind a separator. Twenty
arrays cost the driver more than the server takes for all of them."""

_WRITE: Final = """
CREATE FUNCTION flexiflow.write_batch(
    batch_ text, is_repeated boolean, new_ text[], records_ text[], touched_ text,
    OUT first_seq bigint, OUT created text[], OUT ids text[], OUT epochs integer[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    many bigint;
    touched text[] := flexiflow.texts(touched_);
    new_id text[];
    record_id text[] := flexiflow.texts(records_[1]);
    record_epoch integer[] := flexiflow.texts(records_[10]);
    is_first boolean[] := flexiflow.texts(records_[11]);
BEGIN
    PERFORM flexiflow.lock_executions(touched);
    created := '{}';
    IF new_ IS NOT NULL THEN
        new_id := flexiflow.texts(new_[1]);
        INSERT INTO flexiflow.executions (id, epoch, workflow, input, parent, owner,
            reason, digest, correlation_id, time, batch)
        SELECT n.id, 0, n.workflow, n.input, n.parent, n.owner, 'created', n.digest,
            n.correlation, n.time, batch_
        FROM unnest(new_id, flexiflow.texts(new_[2]), flexiflow.texts(new_[3]),
            flexiflow.texts(new_[4]), flexiflow.texts(new_[5]),
            flexiflow.texts(new_[6]), flexiflow.texts(new_[7]),
            flexiflow.texts(new_[8])::double precision[]) WITH ORDINALITY
            AS n(id, workflow, input, parent, owner, digest, correlation, time, place)
        ORDER BY n.place
        ON CONFLICT DO NOTHING;
        created := ARRAY(SELECT e.id FROM flexiflow.executions AS e
            WHERE e.id = ANY(new_id) AND e.epoch = 0 AND e.batch = batch_);
    END IF;
    IF is_repeated THEN
        first_seq := (SELECT r.seq FROM flexiflow.records AS r
            WHERE r.execution_id = ANY(touched) AND r.batch = batch_);
    END IF;
    IF first_seq IS NOT NULL THEN
        SELECT array_agg(i), array_agg(coalesce(
            (SELECT min(r.epoch) FROM flexiflow.records AS r
             WHERE r.seq >= first_seq AND r.seq < first_seq + cardinality(record_id)
             AND r.execution_id = i),
            (SELECT max(e.epoch) FROM flexiflow.executions AS e WHERE e.id = i)))
        INTO ids, epochs FROM unnest(touched) AS i;
        RETURN;
    END IF;
    SELECT array_agg(i), array_agg(
        (SELECT max(e.epoch) FROM flexiflow.executions AS e WHERE e.id = i))
    INTO ids, epochs FROM unnest(touched) AS i;
    many := (SELECT count(*)
        FROM unnest(record_id, record_epoch, is_first) AS g(id, epoch, is_first)
        JOIN unnest(ids, epochs) AS n(id, epoch) ON n.id = g.id AND n.epoch = g.epoch
        WHERE NOT g.is_first OR g.id = ANY(created));
    IF many = 0 OR (
        records_[2] = E'\\x1e{request}' AND (
            SELECT r.state FROM flexiflow.records AS r
            WHERE r.execution_id = record_id[1] AND r.state <> ''
            ORDER BY r.seq DESC LIMIT 1
        ) IN ({ends})
    ) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_lock(flexiflow.lock_key('numbering', 'records'));
    first_seq := nextval('flexiflow.records_seq');
    IF many > 1 THEN
        PERFORM setval('flexiflow.records_seq', first_seq + many - 1);
    END IF;
    PERFORM pg_advisory_unlock(flexiflow.lock_key('numbering', 'records'));
    INSERT INTO flexiflow.records (seq, execution_id, kind, key, name, source_id, value,
        digest, time, state, epoch, batch)
    SELECT first_seq + row_number() OVER (ORDER BY g.place) - 1, g.id, g.kind, g.key,
        g.name, g.source_id, g.value, g.digest, g.time, g.state, g.epoch,
        CASE WHEN row_number() OVER (ORDER BY g.place) = 1 THEN batch_ END
    FROM unnest(record_id, flexiflow.texts(records_[2]), flexiflow.texts(records_[3]),
        flexiflow.texts(records_[4]), flexiflow.texts(records_[5]),
        flexiflow.texts(records_[6]), flexiflow.texts(records_[7]),
        flexiflow.texts(records_[8])::double precision[], flexiflow.texts(records_[9]),
        record_epoch, is_first) WITH ORDINALITY
        AS g(id, kind, key, name, source_id, value, digest, time, state, epoch,
             is_first, place)
    JOIN unnest(ids, epochs) AS n(id, epoch) ON n.id = g.id AND n.epoch = g.epoch
    WHERE NOT g.is_first OR g.id = ANY(created);
END
$$
"""
"""Creates executions and adds records, those alone whose epoch is the newest, and
numbers them without a gap (``first_seq``). ``ids`` and ``epochs`` tell the newest
epochs, ``created`` what was created; a caller knows from them what was refused."""

_CLAIM: Final = """
CREATE FUNCTION flexiflow.claim(
    batch_ text, id_ text, owner_ text, expected integer, reason_ text, digest_ text,
    time_ double precision, unowned text[],
    OUT answer text, OUT newest integer, OUT holder text, OUT workflow_ text,
    OUT state_ text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    found_ flexiflow.executions;
BEGIN
    PERFORM flexiflow.lock_executions(ARRAY[id_]);
    SELECT e.* INTO found_ FROM flexiflow.executions AS e
    WHERE e.id = id_ ORDER BY e.epoch DESC LIMIT 1;
    newest := found_.epoch;
    holder := found_.owner;
    workflow_ := found_.workflow;
    state_ := coalesce((SELECT r.state FROM flexiflow.records AS r
        WHERE r.execution_id = id_ AND r.state <> '' ORDER BY r.seq DESC LIMIT 1), '');
    IF found_.id IS NULL THEN
        answer := 'unknown';
    ELSIF found_.batch = batch_ THEN
        answer := 'done';
    ELSIF found_.epoch <> expected THEN
        answer := 'stale';
    ELSIF found_.owner NOT IN ('', owner_) AND state_ <> '' AND state_ <> ALL(unowned)
            AND flexiflow.is_alive(found_.owner) THEN
        answer := 'owned';
    ELSE
        INSERT INTO flexiflow.executions (id, epoch, workflow, input, parent, owner,
            reason, digest, correlation_id, time, batch)
        VALUES (id_, expected + 1, found_.workflow, NULL, '', owner_, reason_,
            coalesce(nullif(digest_, ''), found_.digest), '', time_, batch_);
        answer := 'claimed';
    END IF;
END
$$
"""

_FUNCTIONS: Final = (
    _LOCK_KEY,
    _LOCK_EXECUTIONS,
    _READY_SINCE,
    _IS_ALIVE.format(grace=GRACE_S),
    _COLUMN,
    _WRITE.replace("{request}", REQUEST_TO_END).replace(
        "{ends}", ", ".join(f"'{state}'" for state in sorted(ENDS))
    ),
    _CLAIM,
)

_CLOSED: Final = """
REVOKE ALL ON ALL TABLES IN SCHEMA flexiflow FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA flexiflow FROM PUBLIC;
"""

_VERSIONS: Final = ((_TABLES, *_FUNCTIONS, _CLOSED),)
"""The statements that lead from each version to the next, from an empty database."""

VERSION: Final = len(_VERSIONS)
"""The version of the tables that this FlexiFlow makes."""


def prepare(conn: psycopg.Connection, shown: str) -> None:
    """Make the tables, or bring older ones up to date; many may try at once.

    Raises
    ------
    JournalError
        If they were made by a newer FlexiFlow.
    psycopg.Error
        If the role may not make them.
    """
    if _version(conn, shown) == VERSION:
        return
    with conn.transaction():
        key = "pg_advisory_xact_lock(hashtextextended(%s, 0))"
        conn.execute(f"SELECT {key}", [_MIGRATION])
        for number in range(_version(conn, shown), VERSION):
            for statement in _VERSIONS[number]:
                conn.execute(statement)
            conn.execute(
                "INSERT INTO flexiflow.versions (version) VALUES (%s)", [number + 1]
            )


_IS_THERE: Final = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'flexiflow' AND c.relname = 'versions'
)
"""
"""Asks the tables: to_regclass answers from a cache, also behind a lock."""


def _version(conn: psycopg.Connection, shown: str) -> int:
    """Return the version of the tables; 0 for none yet."""
    if not _first(conn, _IS_THERE):
        return 0
    version = _first(conn, "SELECT coalesce(max(version), 0) FROM flexiflow.versions")
    assert isinstance(version, int)  # noqa: S101 - for the type checker
    if version > VERSION:
        raise JournalError(
            "The journal was written by a newer FlexiFlow",
            why=f"Its tables have version {version}; this FlexiFlow knows them up to "
            f"{VERSION}.",
            fix="Run: pip install --upgrade flexiflow",
            context={"database": shown},
        )
    return version


def _first(conn: psycopg.Connection, asked: str) -> object:
    """Return the first value that a query of our own finds."""
    row = conn.execute(asked.encode()).fetchone()
    return None if row is None else row[0]
