"""The tables of the SQLite journal: their layout, its versions, how they are opened."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final, Literal

from ..errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BLOCK", "Durability", "connect_reader", "connect_writer", "database_error"]

Durability = Literal["disk", "process"]
"""What a written record survives: a power cut, or the end of the process only."""

_APPLICATION: Final = 0x464C5846
"""``PRAGMA application_id`` of a journal: the letters FLXF."""

_FIRST: Final = (
    """
    CREATE TABLE flexiflow_executions (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        workflow TEXT NOT NULL,
        input TEXT,
        parent TEXT NOT NULL,
        owner TEXT NOT NULL,
        reason TEXT NOT NULL,
        digest TEXT NOT NULL,
        correlation_id TEXT NOT NULL,
        time REAL NOT NULL,
        UNIQUE (id, epoch)
    )
    """,
    """
    CREATE TABLE flexiflow_records (
        seq INTEGER PRIMARY KEY,
        execution_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        source_id TEXT NOT NULL,
        value TEXT,
        digest TEXT NOT NULL,
        time REAL NOT NULL,
        state TEXT NOT NULL,
        epoch INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE flexiflow_places (
        execution_id TEXT NOT NULL,
        block INTEGER NOT NULL,
        PRIMARY KEY (execution_id, block)
    ) WITHOUT ROWID
    """,
    """
    CREATE INDEX flexiflow_states_of ON flexiflow_records (execution_id)
    WHERE state <> ''
    """,
    """
    CREATE INDEX flexiflow_records_by_state ON flexiflow_records (state)
    WHERE state <> ''
    """,
    """
    CREATE INDEX flexiflow_children_of ON flexiflow_executions (parent)
    WHERE parent <> ''
    """,
)
"""Version 1. Rows are added, never changed or removed, so that numbers only grow. The
row of an execution's epoch 0 is its creation.

Where the records of an execution are is told by blocks of sequence numbers, since an
index of every record costs more than the record: with 100 executions at work, each
commit would write nearly as many pages of it (31 us of CPU a step instead of 21)."""

BLOCK: Final = 1024
"""Sequence numbers in a block: ``block = seq // 1024``."""

_VERSIONS: Final = (_FIRST,)
"""The statements that lead from each version to the next, from an empty database."""


def connect_writer(
    path: Path, *, durability: Durability, timeout_s: float
) -> sqlite3.Connection:
    """Open the database to write; make its tables, or bring older ones up to date.

    Raises
    ------
    JournalError
        If the file cannot be opened, is no journal, or was made by a newer FlexiFlow.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        conn = _connect(path, timeout_s)
    except (sqlite3.DatabaseError, OSError) as error:
        raise database_error(error, "opened", path) from error
    try:
        conn.execute("PRAGMA journal_mode=WAL")
        level = "FULL" if durability == "disk" else "NORMAL"
        conn.execute(f"PRAGMA synchronous={level}")
        _migrate(conn, path)
    except sqlite3.DatabaseError as error:
        conn.close()
        raise database_error(error, "opened", path) from error
    except BaseException:
        conn.close()
        raise
    return conn


def connect_reader(path: Path, *, timeout_s: float) -> sqlite3.Connection:
    """Open the database of an open journal once more, to read.

    Raises
    ------
    sqlite3.DatabaseError
        If it cannot be opened any more.
    """
    conn = _connect(path, timeout_s)
    conn.execute("PRAGMA query_only=1")
    return conn


def _connect(path: Path, timeout_s: float) -> sqlite3.Connection:
    """Open a connection that commits when it is told to, usable from any thread."""
    return sqlite3.connect(
        path, timeout=timeout_s, isolation_level=None, check_same_thread=False
    )


def _migrate(conn: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to the newest version, in one transaction."""
    if _version(conn, path) == len(_VERSIONS):
        return
    conn.execute("BEGIN IMMEDIATE")
    try:
        for statements in _VERSIONS[_version(conn, path) :]:
            for statement in statements:
                conn.execute(statement)
        conn.execute(f"PRAGMA application_id={_APPLICATION}")
        conn.execute(f"PRAGMA user_version={len(_VERSIONS)}")
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def _version(conn: sqlite3.Connection, path: Path) -> int:
    """Return the version of the tables; 0 for none yet."""
    (application,) = conn.execute("PRAGMA application_id").fetchone()
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    if application not in {0, _APPLICATION} or (application == 0 and version):
        raise JournalError(
            "The database belongs to another program",
            why=f"Its application_id is {application} and its user_version {version}; "
            "no journal of FlexiFlow has these.",
            fix="Name another file for the journal: FLEXIFLOW_DATABASE_URL, or "
            "database_url in flexiflow.toml.",
            context={"database": os.fspath(path)},
        )
    if version > len(_VERSIONS):
        raise JournalError(
            "The journal was written by a newer FlexiFlow",
            why=f"Its tables have version {version}; this FlexiFlow knows them up to "
            f"{len(_VERSIONS)}.",
            fix="Run: pip install --upgrade flexiflow",
            context={"database": os.fspath(path)},
        )
    return int(version)


def database_error(error: Exception, done: str, path: Path) -> JournalError:
    """Return the error for a journal that cannot be ``opened``, ``read``, ``written``.

    Parameters
    ----------
    error : Exception
        What SQLite or the system reported.
    done : str
        The participle of what was tried.
    path : path
        The database.
    """
    text = str(error)
    return JournalError(
        f"The journal cannot be {done}: {text}",
        why=f"{_reporter(error)} reported {type(error).__name__}.",
        fix=_fix(error, text, path),
        context={"database": os.fspath(path)},
    )


def _reporter(error: Exception) -> str:
    """Return who reported an error."""
    return "SQLite" if isinstance(error, sqlite3.Error) else "Python"


def _fix(error: Exception, text: str, path: Path) -> str:
    """Return what to do about an error of the database."""
    if "not a database" in text:
        return f"Name another file, or move {path.name} out of the way."
    if "locked" in text or "busy" in text:
        return (
            "Another process has held the database for long: end its transaction "
            "(an open sqlite3 shell, a backup), then run again."
        )
    if "full" in text or "disk I/O" in text:
        return f"Make room on the disk of {path.parent}, then run again."
    if "malformed" in text:
        return "Restore the file from a backup; keep the damaged one for repair."
    if isinstance(error, OSError) or "readonly" in text or "unable to open" in text:
        return (
            f"Check that you may write {path} and its folder, or name another place: "
            "FLEXIFLOW_HOME or FLEXIFLOW_DATABASE_URL."
        )
    if isinstance(error, UnicodeEncodeError):
        return "Use names and ids that are text: one holds half a surrogate pair."
    return f"Check that {path} is a SQLite database, and its disk has room."
