"""Write what is queued to PostgreSQL: once, whatever happens to the server."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Final, TypeVar, final

import psycopg

from . import _postgres_schema
from ._jobs import NO_RECORDS, Answer, Claiming, Create, Job
from ._postgres_batch import Batch, Written, parts
from ._postgres_link import (
    Link,
    Patience,
    abandon,
    database_error,
    is_passing,
    is_starting,
)
from ._postgres_text import kept
from ._refusals import after_failure, owned, stale, unknown
from .protocol import UNOWNED_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..errors import JournalError

__all__ = ["PostgresWriter"]

T = TypeVar("T")

_WRITE: Final = b"""
SELECT first_seq, created, ids, epochs
FROM flexiflow.write_batch(%b, %b, %b::text[], %b::text[], %b)
"""
_CLAIM: Final = b"""
SELECT answer, newest, holder, workflow_, state_
FROM flexiflow.claim(%b, %b, %b, %b, %b, %b, %b, %b::text[])
"""
_TELL: Final = b"SELECT pg_notify(%b, %b)"

_BAD_VALUES: Final = (
    TypeError,
    ValueError,
    OverflowError,
    psycopg.DataError,
    psycopg.ProgrammingError,
)
"""What Python or the database says of a value that is no column's."""


@final
class PostgresWriter:
    """Writes batches over one connection; used by one thread at a time.

    Parameters
    ----------
    link : Link
        Where the database is.
    timeout_s : float
        Seconds to wait for a server that has gone.
    on_written : callable
        Called after each commit with the states that its records lead to; returns
        whether it tells the other processes.

    Raises
    ------
    JournalError
        If the database cannot be opened.

    Notes
    -----
    A connection may be lost when nobody knows whether its last transaction was
    committed. It is sent again under the same name then: the database finds what it has
    by that name, behind the locks that the first try may still hold.
    """

    def __init__(
        self,
        link: Link,
        timeout_s: float,
        on_written: Callable[[frozenset[str]], bool],
    ) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._on_written = on_written
        self._name = secrets.token_hex(8)
        self._count = 0
        self._broken: dict[str, tuple[int, JournalError]] = {}
        self._conn: psycopg.Connection | None = None
        self._hurry = threading.Event()
        self._open(Patience(timeout_s))

    def write(self, jobs: list[Job]) -> list[Answer]:
        """Do all jobs, in few transactions; return one answer for each, in order."""
        answers: list[Answer] = [NO_RECORDS] * len(jobs)
        for part in parts(jobs):
            if isinstance(part, tuple):
                place, claiming = part
                answers[place] = self._claim(claiming)
            else:
                self._write_part(part, answers)
        return answers

    def hurry(self) -> None:
        """Wait two more seconds at most for a server that has gone; any thread."""
        self._hurry.set()

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def forget(self) -> None:
        """Let go of the connection of a process that forked this one."""
        conn, self._conn = self._conn, None
        if conn is not None:
            abandon(conn)
        self._hurry = threading.Event()
        self._name = secrets.token_hex(8)

    # --- batches ----------------------------------------------------------------------

    def _write_part(
        self, part: Sequence[tuple[int, Job]], answers: list[Answer]
    ) -> None:
        """Write the jobs of one transaction, and fill in their answers."""
        going = []
        for place, job in part:
            refusal = self._refusal(job) if self._broken else None
            if refusal is None:
                going.append((place, job))
            else:
                answers[place] = refusal
        try:
            batch = Batch(going)
            if batch.is_empty:
                return
            written = self._repeat(lambda conn, again: self._send(conn, batch, again))
        except _BAD_VALUES as error:
            # The one call that it came with is refused.
            if len(going) > 1:
                for pair in going:
                    self._write_part([pair], answers)
                return
            self._lose(going, answers, error)
        except psycopg.Error as error:
            self._lose(going, answers, error)
        else:
            for place, answer in batch.answers(written, self._link.shown):
                answers[place] = answer
            self._announce(batch.states())

    def _send(self, conn: psycopg.Connection, batch: Batch, again: int) -> Written:
        """Write a batch with one call, which commits."""
        if not again:
            self._count += 1
        name = f"{self._name}.{self._count}"
        row = conn.execute(_WRITE, [name, again > 0, *batch.columns]).fetchone()
        assert row is not None  # noqa: S101 - a function returns its row
        return Written(*row)

    def _refusal(self, job: Job) -> JournalError | None:
        """Return why a job may not be written: others of its epoch were lost."""
        if not isinstance(job, tuple) or not job[0]:
            return None
        records, epoch = job
        broken = self._broken.get(records[0].execution_id)
        if broken is None or broken[0] != epoch:
            return None
        return after_failure(records[0].execution_id, broken[1])

    def _lose(
        self,
        part: Sequence[tuple[int, Job]],
        answers: list[Answer],
        error: Exception,
    ) -> None:
        """Answer jobs that could not be written, and let their epochs have no gap."""
        for place, job in part:
            failure = database_error(error, "written", self._link.shown)
            failure.__cause__ = error
            answers[place] = failure
            if isinstance(job, Create):
                self._broken[job.execution.id] = (0, failure)
            elif isinstance(job, tuple) and job[0]:
                records, epoch = job
                self._broken[records[0].execution_id] = (epoch, failure)

    def _announce(self, states: frozenset[str]) -> None:
        """Let all processes know; those who write now and then do so themselves."""
        conn = self._conn
        if self._on_written(states) or not states or conn is None:
            return
        with contextlib.suppress(psycopg.Error):  # whoever listens looks in any case
            conn.execute(_TELL, [_postgres_schema.CHANNEL, ",".join(sorted(states))])

    # --- claims -----------------------------------------------------------------------

    def _claim(self, job: Claiming) -> Answer:
        """Begin the next epoch of an execution, with its first records."""
        try:
            answer = self._repeat(lambda conn, again: self._take(conn, job, again))
        except (*_BAD_VALUES, psycopg.Error) as error:
            failure = database_error(error, "written", self._link.shown)
            failure.__cause__ = error
            return failure
        if isinstance(answer, range):
            self._broken.pop(job.execution_id, None)
            self._announce(frozenset([r.state for r in job.records if r.state]))
        return answer

    def _take(self, conn: psycopg.Connection, job: Claiming, again: int) -> Answer:
        if not again:
            self._count += 1
        name = f"{self._name}.{self._count}"
        epoch = job.expected_epoch
        asked = [
            *(name, kept(job.execution_id), job.owner, epoch, job.reason),
            *(kept(job.digest), float(job.time), sorted(UNOWNED_STATES)),
        ]
        batch = Batch([(0, (job.records, epoch + 1))])
        with conn.transaction():
            row = conn.execute(_CLAIM, asked).fetchone()
            assert row is not None  # noqa: S101 - a function returns its row
            answer, newest, holder, workflow, state = row
            if answer == "claimed" and not batch.is_empty:
                conn.execute(_WRITE, [name, False, *batch.columns])
        if answer == "unknown":
            return unknown(job.execution_id, self._link.shown)
        if answer == "stale":
            return stale(job.execution_id, epoch, newest)
        if answer == "owned":
            return owned(job.execution_id, workflow, holder, state)
        return NO_RECORDS

    # --- the connection ---------------------------------------------------------------

    def _repeat(self, act: Callable[[psycopg.Connection, int], T]) -> T:
        """Do something over the connection; again, over another, where that is lost."""
        patience = Patience(self._timeout_s, self._hurry)
        tries = 0
        while True:
            conn = self._conn
            try:
                if conn is None or conn.closed:
                    conn = self._conn = self._link.connect()
                return act(conn, tries)
            except psycopg.Error as error:
                if not is_passing(error, conn) or not patience.wait():
                    raise
                if conn is not None:
                    conn.close()  # another may be to a server that has taken over
                    self._conn = None
                tries += 1

    def _open(self, patience: Patience) -> None:
        """Connect for the first time, and make the tables; a wrong URL is told soon."""
        while True:
            try:
                conn = self._link.connect()
                try:
                    _postgres_schema.prepare(conn, self._link.shown)
                except BaseException:
                    conn.close()
                    raise
                self._conn = conn
            except psycopg.Error as error:
                if is_starting(error) and patience.wait():
                    continue
                raise database_error(error, "opened", self._link.shown) from error
            return
