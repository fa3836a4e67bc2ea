"""What the disk and the interpreter themselves cost: SQLite and asyncio, no features.

A step of a limit is one row that is on the disk before the next step begins: WAL mode,
``synchronous=FULL``, as the product's. It has no arguments, digests, events, owners,
replay or errors.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "Committer",
    "commits_to",
    "connect",
    "flush_s",
    "sequential_s",
    "together_s",
]

TABLE = """
CREATE TABLE IF NOT EXISTS steps (
    seq INTEGER PRIMARY KEY, run TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
    value TEXT, time REAL NOT NULL
)
"""
INSERT = "INSERT INTO steps (run, key, name, value, time) VALUES (?, ?, ?, ?, ?)"

sync = getattr(os, "fdatasync", os.fsync)
"""What SQLite calls to have a block on the disk."""

Row = tuple[str, str, str, str, float]


def connect(path: Path) -> sqlite3.Connection:
    """Open a database that commits to the disk."""
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute(TABLE)
    return conn


def sequential_s(conn: sqlite3.Connection, steps: int) -> float:
    """Return the seconds of one step: an INSERT that commits."""
    started = time.perf_counter()
    for step in range(steps):
        conn.execute(INSERT, ("run", str(step), "noop", str(step), time.time()))
    return (time.perf_counter() - started) / steps


class Committer:
    """A thread that commits what has gathered, and tells all who wait with one call."""

    def __init__(self, commit: Callable[[list[Row]], None]) -> None:
        self._commit = commit
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._rows: list[Row] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, row: Row) -> asyncio.Future[None]:
        """Return a future that is done when the row is on the disk."""
        waiting = self._loop.create_future()
        with self._lock:
            if not self._rows:
                self._bell.put(True)  # noqa: FBT003 - what is put does not matter
            self._rows.append(row)
            self._waiting.append(waiting)
        return waiting

    def close(self) -> None:
        """End the thread."""
        self._bell.put(False)  # noqa: FBT003 - as above
        self._thread.join()

    def _run(self) -> None:
        while self._bell.get():
            with self._lock:
                rows, self._rows = self._rows, []
                waiting, self._waiting = self._waiting, []
            self._commit(rows)
            self._loop.call_soon_threadsafe(_tell, waiting)


def _tell(waiting: list[asyncio.Future[None]]) -> None:
    for future in waiting:
        future.set_result(None)


def commits_to(conn: sqlite3.Connection) -> Callable[[list[Row]], None]:
    """Return a function that inserts rows with one commit."""

    def commit(rows: list[Row]) -> None:
        conn.execute("BEGIN IMMEDIATE")
        conn.executemany(INSERT, rows)
        conn.execute("COMMIT")

    return commit


async def together_s(
    commit: Callable[[list[Row]], None], runs: int, steps: int
) -> float:
    """Return the seconds of one step when many coroutines commit together."""
    committer = Committer(commit)

    async def run(name: str) -> None:
        for step in range(steps):
            row = (name, str(step), "noop", str(step), time.time())
            await committer.write(row)

    started = time.perf_counter()
    await asyncio.gather(*[run(str(number)) for number in range(runs)])
    spent = time.perf_counter() - started
    committer.close()
    return spent / (runs * steps)


def flush_s(path: Path, times: int) -> float:
    """Return the seconds in which the disk takes 4 KiB."""
    block = bytes(4096)
    with path.open("wb", buffering=0) as file:
        file.write(block * 16)
        sync(file.fileno())
        started = time.perf_counter()
        for number in range(times):
            file.seek(number % 16 * len(block))
            file.write(block)
            sync(file.fileno())
        return (time.perf_counter() - started) / times
