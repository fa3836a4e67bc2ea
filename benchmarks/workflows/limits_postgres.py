"""What PostgreSQL and its driver themselves cost: rows that are committed, no features.

As :mod:`limits`, with a server between: a step is one row that the server has on its
disk (``synchronous_commit=on``) before the next begins.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PostgresTable"]

TABLE = """
CREATE TABLE IF NOT EXISTS bench_steps (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text NOT NULL,
    key text NOT NULL, name text NOT NULL, value text, time double precision NOT NULL
)
"""
INSERT = """
INSERT INTO bench_steps (run, key, name, value, time) VALUES (%s, %s, %s, %s, %s)
"""

Row = tuple[str, str, str, str, float]


class PostgresTable:
    """A table over a connection of its own; closed by :meth:`close`."""

    def __init__(self, url: str) -> None:
        self._conn = psycopg.connect(url, autocommit=True)
        self._conn.execute(TABLE)

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()

    def sequential_s(self, steps: int) -> float:
        """Return the seconds of one step: an INSERT that commits."""
        started = time.perf_counter()
        for step in range(steps):
            row = ("run", str(step), "noop", str(step), time.time())
            self._conn.execute(INSERT, row, prepare=True)
        return (time.perf_counter() - started) / steps

    def commit(self, rows: Sequence[Row]) -> None:
        """Insert rows with one commit, sent together."""
        with self._conn.transaction(), self._conn.cursor() as cursor:
            cursor.executemany(INSERT, rows)
