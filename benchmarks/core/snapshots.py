"""The workloads of persistence: wall time, since they wait for the disk.

The databases stand in the folder for temporary files; set TMPDIR to measure another
disk. The limit is the bare statement on a bare table.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from workload import Timed

from flexiflow.extras import (
    ComponentSnapshot,
    SnapshotStore,
    load_latest_snapshot_sqlite,
    prune_snapshots_sqlite,
    save_snapshot_sqlite,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WORKLOADS"]

CALLERS = 100
COMMITS = 20
ROWS = 100_000
KEPT = 50
SAVES = 1_000

SNAPSHOT = ComponentSnapshot("c", "Busy", [{"when": "start", "then": "go"}], {"n": 1})
DATA = {
    "name": "c",
    "current_state": "Busy",
    "rules": [{"when": "start", "then": "go"}],
    "metadata": {"n": 1},
}
TABLE = """
CREATE TABLE s (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, j TEXT NOT NULL, at REAL NOT NULL
);
CREATE INDEX i ON s (name, id);
"""
INSERT = "INSERT INTO s (name, j, at) VALUES (?, ?, ?)"


def _connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    """Open a database in a mode."""
    conn = sqlite3.connect(path, isolation_level=None)
    for pragma in pragmas:
        conn.execute(f"PRAGMA {pragma}")
    return conn


def _in_folder(measure: Callable[[Path], float]) -> Callable[[], float]:
    """Measure in a folder of its own, removed afterwards."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return measure(Path(folder) / "bench.db")

    return run


def _timed(work: Callable[[], object], operations: int) -> float:
    """Return the seconds of one operation of several."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / operations


async def save() -> float:
    """Save snapshots one by one, WAL and NORMAL."""

    def measure(path: Path) -> float:
        conn = _connect(path, "journal_mode=WAL", "synchronous=NORMAL")
        save_snapshot_sqlite(conn, SNAPSHOT)

        def work() -> None:
            for _ in range(SAVES):
                save_snapshot_sqlite(conn, SNAPSHOT)

        spent = _timed(work, SAVES)
        conn.close()
        return spent

    return _in_folder(measure)()


async def save_limit() -> float:
    """Insert rows one by one, WAL and NORMAL."""

    def measure(path: Path) -> float:
        conn = _connect(path, "journal_mode=WAL", "synchronous=NORMAL")
        conn.executescript(TABLE)

        def work() -> None:
            for _ in range(SAVES):
                conn.execute(INSERT, ("c", json.dumps(DATA), time.time()))

        spent = _timed(work, SAVES)
        conn.close()
        return spent

    return _in_folder(measure)()


async def save_together() -> float:
    """Save from many tasks at once; each hears of its commit, on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        async with SnapshotStore(Path(folder) / "bench.db") as store:

            async def caller(times: int) -> None:
                for _ in range(times):
                    await store.save(SNAPSHOT)

            await asyncio.gather(*[caller(2) for _ in range(CALLERS)])
            started = time.perf_counter()
            await asyncio.gather(*[caller(COMMITS) for _ in range(CALLERS)])
            return (time.perf_counter() - started) / (CALLERS * COMMITS)


async def save_together_limit() -> float:
    """Insert so many rows a transaction, on the disk."""

    def measure(path: Path) -> float:
        conn = _connect(path, "journal_mode=WAL", "synchronous=FULL")
        conn.executescript(TABLE)

        def work() -> None:
            for _ in range(COMMITS):
                conn.execute("BEGIN IMMEDIATE")
                for _ in range(CALLERS):
                    conn.execute(INSERT, ("c", json.dumps(DATA), time.time()))
                conn.execute("COMMIT")

        spent = _timed(work, CALLERS * COMMITS)
        conn.close()
        return spent

    return _in_folder(measure)()


FILL = (
    "WITH RECURSIVE n(value) AS "  # noqa: S608 - our own text
    f"(SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {ROWS - 1})"
)


def _filled(path: Path) -> sqlite3.Connection:
    """Return a database full of snapshots."""
    conn = _connect(path, "journal_mode=OFF", "synchronous=OFF")
    save_snapshot_sqlite(conn, SNAPSHOT)
    conn.execute(
        f"{FILL} INSERT INTO flexiflow_snapshots "  # noqa: S608 - our own text
        "(component_name, snapshot_json, created_at, at_us) "
        "SELECT component_name, snapshot_json, created_at, at_us + value "
        "FROM flexiflow_snapshots, n"
    )
    return conn


def _filled_limit(path: Path) -> sqlite3.Connection:
    """Return a bare table with as many rows."""
    conn = _connect(path, "journal_mode=OFF", "synchronous=OFF")
    conn.executescript(TABLE)
    conn.execute(INSERT, ("c", json.dumps(DATA), 0.0))
    conn.execute(
        f"{FILL} INSERT INTO s (name, j, at) "  # noqa: S608 - our own text
        "SELECT name, j, value FROM s, n"
    )
    return conn


async def load() -> float:
    """Load the latest of many snapshots."""

    def measure(path: Path) -> float:
        conn = _filled(path)

        def work() -> None:
            for _ in range(SAVES):
                load_latest_snapshot_sqlite(conn, "c")

        spent = _timed(work, SAVES)
        conn.close()
        return spent

    return _in_folder(measure)()


async def load_limit() -> float:
    """Select the last of as many rows."""
    query = "SELECT j FROM s WHERE name = ? ORDER BY id DESC LIMIT 1"

    def measure(path: Path) -> float:
        conn = _filled_limit(path)

        def work() -> None:
            for _ in range(SAVES):
                json.loads(conn.execute(query, ("c",)).fetchone()[0])

        spent = _timed(work, SAVES)
        conn.close()
        return spent

    return _in_folder(measure)()


async def prune() -> float:
    """Drop all but the newest of many snapshots."""

    def measure(path: Path) -> float:
        _filled(path).close()
        conn = _connect(path, "journal_mode=WAL", "synchronous=NORMAL")
        spent = _timed(lambda: prune_snapshots_sqlite(conn, "c", keep_last=KEPT), 1)
        assert conn.execute("SELECT count(*) FROM flexiflow_snapshots").fetchone() == (
            KEPT,
        )
        conn.close()
        return spent

    return _in_folder(measure)()


async def prune_limit() -> float:
    """Delete as many rows of a bare table."""
    delete = "DELETE FROM s WHERE name = 'c' AND id <= ?"

    def measure(path: Path) -> float:
        _filled_limit(path).close()
        conn = _connect(path, "journal_mode=WAL", "synchronous=NORMAL")
        spent = _timed(lambda: conn.execute(delete, (ROWS - KEPT,)), 1)
        conn.close()
        return spent

    return _in_folder(measure)()


WORKLOADS = (
    Timed("P1", "snapshot, WAL NORMAL", 1.3, save, save_limit),
    Timed(
        "P1c100",
        "snapshot, 100 callers, WAL FULL",
        1.4,
        save_together,
        save_together_limit,
    ),
    Timed("P2", "latest of 100,000", 1.4, load, load_limit),
    Timed("P3", "prune to 50 of 100,000", 1.3, prune, prune_limit),
)
