"""Turn what callers have queued into one transaction of SQLite."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any, Final, final

from ..errors import JournalError
from ._jobs import NO_RECORDS, Answer, Append, Claiming, Create, Job
from ._refusals import after_failure, exists, over, owned, stale, unknown
from ._schema import BLOCK, database_error
from .protocol import ENDS, REQUEST_TO_END, UNOWNED_STATES, NewExecution, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Writer"]

_CHUNKS: Final = (64, 16, 4, 2, 1)
"""Rows of one INSERT; few sizes, so that each is prepared once. One statement for many
rows lets go of the interpreter once, which a busy event loop feels."""

_INSERT: Final = """
INSERT INTO flexiflow_records
    (execution_id, kind, key, name, source_id, value, digest, time, state, epoch)
VALUES
"""
_RECORDS: Final = {
    size: _INSERT + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * size)
    for size in _CHUNKS
}
_GIVEN: Final = Record._fields.index("epoch")
"""How many fields of a record are the caller's; the journal fills in the others."""

_WIDTH: Final = _GIVEN + 1
"""How many values a row has."""

_EXECUTION: Final = """
INSERT INTO flexiflow_executions
    (id, epoch, workflow, input, parent, owner, reason, digest, correlation_id, time)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_NEWEST: Final = """
SELECT epoch, owner, workflow, digest FROM flexiflow_executions
WHERE id = ? ORDER BY epoch DESC LIMIT 1
"""
_STATE: Final = """
SELECT state FROM flexiflow_records
WHERE execution_id = ? AND state <> '' ORDER BY seq DESC LIMIT 1
"""
_PLACE: Final = """
INSERT OR IGNORE INTO flexiflow_places (execution_id, block) VALUES (?, ?)
"""
_MOST_EPOCHS: Final = 10_000
"""How many executions' epochs are remembered between transactions."""

_BAD_VALUES: Final = (
    UnicodeEncodeError,
    OverflowError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)
"""What SQLite's driver says of a value that is no column's."""


@final
class Writer:
    """Writes batches over one connection; used by one thread at a time.

    Parameters
    ----------
    connect : callable
        Opens the connection, in autocommit mode: at once, and after each :meth:`close`.
    path : path
        The database, for errors.
    is_alive : callable
        Whether the process of an owner name lives.

    Raises
    ------
    JournalError
        If the connection cannot be opened.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        path: Path,
        is_alive: Callable[[str], bool],
    ) -> None:
        self._connect = connect
        self._conn = connect()
        self._is_open = True
        self._path = path
        self._is_alive = is_alive
        self._epochs: dict[str, int] = {}
        self._broken: dict[str, tuple[int, JournalError]] = {}
        self._seen: int = -1
        self._block_end = 0
        self._placed: set[str] = set()
        self._spans: list[tuple[int, str, int]] = []
        self._values: list[Any] = []

    def write(self, jobs: list[Job]) -> list[Answer]:
        """Do all jobs in one transaction; return one answer for each, in order."""
        answers: list[Answer] = [NO_RECORDS] * len(jobs)
        try:
            if not self._is_open:
                self._conn, self._is_open, self._seen = self._connect(), True, -1
            self._do(jobs, answers)
        except JournalError as error:  # the connection could not be opened again
            return [error for _ in jobs]
        except _BAD_VALUES as error:
            self._roll_back()
            if len(jobs) > 1:
                return [self.write([job])[0] for job in jobs]
            return [self._failed(jobs[0], error)]
        except (sqlite3.Error, OSError) as error:
            self._roll_back()
            return [self._failed(job, error) for job in jobs]
        except BaseException:
            self._roll_back()
            raise
        return answers

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        self._is_open = False
        self._conn.close()

    # --- one transaction --------------------------------------------------------------

    def _do(self, jobs: list[Job], answers: list[Answer]) -> None:
        """Fill in the answers and commit."""
        self._spans, self._values = [], []
        self._conn.execute("BEGIN IMMEDIATE")
        self._look_for_others()
        epochs, broken = self._epochs, self._broken
        for index, job in enumerate(jobs):
            if isinstance(job, tuple):
                records, epoch = job
                if not records:
                    continue
                execution_id = records[0].execution_id
                if epochs.get(execution_id) != epoch or execution_id in broken:
                    refusal = self._refusal(execution_id, epoch)
                    if refusal is not None:
                        answers[index] = refusal
                        continue
                if records[0].kind == REQUEST_TO_END and self._is_over(job, answers):
                    answers[index] = over(execution_id)
                    continue
                self._take(index, records, epoch)
            elif job is not None:
                answers[index] = self._begin_epoch(index, job, answers)
        self._flush(answers)
        self._conn.execute("COMMIT")

    def _look_for_others(self) -> None:
        """Forget what was known of the epochs if another connection has written."""
        (seen,) = self._conn.execute("PRAGMA data_version").fetchone()
        if seen != self._seen or len(self._epochs) > _MOST_EPOCHS:
            self._epochs.clear()
            self._seen = seen

    def _is_over(self, job: Append, answers: list[Answer]) -> bool:
        """Return whether an execution has ended; what is waiting may have ended it."""
        self._flush(answers)
        state = self._conn.execute(_STATE, (job[0][0].execution_id,)).fetchone()
        return state is not None and state[0] in ENDS

    def _refusal(self, execution_id: str, epoch: int) -> JournalError | None:
        """Return why records may not be written, or None."""
        newest = self._epochs.get(execution_id)
        if newest is None:
            row = self._conn.execute(_NEWEST, (execution_id,)).fetchone()
            if row is None:
                return unknown(execution_id, os.fspath(self._path))
            newest = self._epochs[execution_id] = row[0]
        if newest != epoch:
            return stale(execution_id, epoch, newest)
        broken = self._broken.get(execution_id)
        if broken is None or broken[0] != epoch:
            return None
        return after_failure(execution_id, broken[1])

    def _begin_epoch(
        self, index: int, job: Create | Claiming, answers: list[Answer]
    ) -> Answer:
        """Create or claim an execution, and keep its first records with those waiting.

        Records that are waiting may change a state on which a claim depends.
        """
        if isinstance(job, Create):
            refusal = self._create(job.execution)
            execution_id, epoch = job.execution.id, 0
        else:
            self._flush(answers)
            refusal = self._claim(job)
            execution_id, epoch = job.execution_id, job.expected_epoch + 1
        if refusal is not None:
            return refusal
        self._epochs[execution_id] = epoch
        if job.records:
            self._take(index, job.records, epoch)
        return NO_RECORDS

    def _take(self, index: int, records: Sequence[Record], epoch: int) -> None:
        """Keep the records of a job with those that are waiting to be inserted."""
        values = self._values
        for record in records:
            values += record[:_GIVEN]
            values.append(epoch)
        self._spans.append((index, records[0].execution_id, len(records)))

    def _create(self, new: NewExecution) -> JournalError | None:
        """Insert the creation of an execution, or return why it cannot be."""
        row = (
            *(new.id, 0, new.workflow, new.input, new.parent, new.owner, "created"),
            *(new.digest, new.correlation_id, new.created),
        )
        if self._conn.execute(_EXECUTION, row).rowcount:
            return None
        return exists(new)

    def _claim(self, job: Claiming) -> JournalError | None:
        """Insert the next epoch of an execution, or return why it cannot begin."""
        found = self._conn.execute(_NEWEST, (job.execution_id,)).fetchone()
        if found is None:
            return unknown(job.execution_id, os.fspath(self._path))
        epoch, owner, workflow, digest = found
        if epoch != job.expected_epoch:
            return stale(job.execution_id, job.expected_epoch, epoch)
        if owner not in {"", job.owner}:
            state = self._conn.execute(_STATE, (job.execution_id,)).fetchone()
            busy = state is not None and state[0] not in UNOWNED_STATES
            if busy and self._is_alive(owner):
                return owned(job.execution_id, workflow, owner, state[0])
        row = (
            *(job.execution_id, epoch + 1, workflow, None, "", job.owner, job.reason),
            *(job.digest or digest, "", job.time),
        )
        self._conn.execute(_EXECUTION, row)
        self._broken.pop(job.execution_id, None)
        return None

    def _flush(self, answers: list[Answer]) -> None:
        """Insert the records that are waiting, number them, and note their places."""
        if not self._spans:
            return
        seq = self._insert(self._values)
        places: list[tuple[str, int]] = []
        placed = self._placed
        for index, execution_id, count in self._spans:
            end = seq + count
            answers[index] = range(seq, end)
            if end > self._block_end or execution_id not in placed:
                self._place(execution_id, seq, end, places)
            seq = end
        if places:
            self._conn.executemany(_PLACE, places)
        self._spans, self._values = [], []

    def _place(
        self, execution_id: str, start: int, end: int, places: list[tuple[str, int]]
    ) -> None:
        """Add the blocks of an execution's records that are not known yet."""
        for block in range(start // BLOCK, (end - 1) // BLOCK + 1):
            if block * BLOCK >= self._block_end:
                self._block_end = (block + 1) * BLOCK
                self._placed.clear()
            if execution_id not in self._placed:
                self._placed.add(execution_id)
                places.append((execution_id, block))

    def _insert(self, values: list[Any]) -> int:
        """Insert rows of records; return the sequence number of the first one."""
        execute, start, last = self._conn.execute, 0, 0
        for size in _CHUNKS:
            while len(values) - start >= size * _WIDTH:
                end = start + size * _WIDTH
                last = execute(_RECORDS[size], values[start:end]).lastrowid or 0
                start = end
        return last - len(values) // _WIDTH + 1

    # --- failures ---------------------------------------------------------------------

    def _roll_back(self) -> None:
        """Undo what was begun; what is known of the epochs may be wrong now."""
        self._epochs.clear()
        self._block_end = 0
        self._placed.clear()
        if self._is_open and self._conn.in_transaction:
            self._conn.execute("ROLLBACK")

    def _failed(self, job: Job, error: Exception) -> JournalError:
        """Return the error of one job, and let its epoch have no gap."""
        failure = database_error(error, "written", self._path)
        failure.__cause__ = error
        if isinstance(job, tuple) and job[0]:
            records, epoch = job
            self._broken[records[0].execution_id] = (epoch, failure)
        return failure
