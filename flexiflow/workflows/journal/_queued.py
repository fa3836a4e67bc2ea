"""The half of a journal that is the same over every database: what is queued."""

from __future__ import annotations

import time as clock
from abc import ABC, abstractmethod
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ...extras._group_commit import GroupCommit
from ..errors import JournalClosedError
from ._jobs import Claiming, Create, Job, tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from ._jobs import Answer
    from .protocol import ClaimReason, NewExecution, OnDone, Record

__all__ = ["QueuedJournal"]


class QueuedJournal(ABC):
    """Takes what is to be written; one thread commits for all who have queued.

    Parameters
    ----------
    database : str
        What to call the database in errors.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._closed = False
        self._commits = self._group_commit()

    # --- what each database does in its own way ---------------------------------------

    @property
    @abstractmethod
    def owner(self) -> str:
        """The name of this process as an owner; alive as long as the journal is."""

    @abstractmethod
    def close(self) -> None:
        """Write what is queued, then let go of everything; twice is harmless."""

    @abstractmethod
    def _write(self, jobs: list[Job]) -> list[Answer]:
        """Write one batch; return one answer for each job, in order."""

    @abstractmethod
    def _failure(self, error: Exception) -> Exception:
        """Return the error for a batch that failed as a whole."""

    @abstractmethod
    def _finish(self) -> None:
        """Close the connection, in the writer's thread."""

    # --- what is the same -------------------------------------------------------------

    def create(
        self,
        execution: NewExecution,
        records: Sequence[Record] = (),
        *,
        on_done: OnDone | None = None,
    ) -> None:
        """Queue a new execution with its first records, under epoch 0.

        Raises
        ------
        JournalClosedError
            If the journal has been closed. Other errors come to ``on_done``.
        """
        self._submit(Create(execution, records), on_done)

    def append(
        self,
        records: Sequence[Record],
        *,
        epoch: int,
        on_done: OnDone | None = None,
        urgent: bool = True,
        may_block: bool = False,  # noqa: ARG002 - some journals are quick enough
    ) -> None:
        """Queue records of one execution, in order; return at once.

        Raises
        ------
        JournalClosedError
            If the journal has been closed. Other errors come to ``on_done``.
        """
        self._submit((records, epoch), on_done, urgent=urgent)

    def claim(
        self,
        execution_id: str,
        *,
        expected_epoch: int,
        reason: ClaimReason = "resumed",
        digest: str = "",
        time: float | None = None,
        records: Sequence[Record] = (),
    ) -> int:
        """Take an execution over for this process; block, and return its new epoch.

        Raises
        ------
        StaleEpochError
            If another claim was quicker.
        ExecutionOwnedError
            If another living process is at work on it.
        JournalError
            If there is no such execution, or the database cannot be written.
        """
        moment = clock.time() if time is None else time
        owner = self.owner
        job = Claiming(
            execution_id, owner, expected_epoch, reason, digest, moment, records
        )
        self._wait_for(job, None)
        return expected_epoch + 1

    def sync(self, timeout: float | None = None) -> None:
        """Block until all that was queued before is written.

        Raises
        ------
        TimeoutError
            If it takes longer than ``timeout`` seconds.
        """
        self._wait_for(None, timeout)

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the journal."""
        self.close()

    def _group_commit(self) -> GroupCommit:
        """Return the owner of the writer's thread, which starts with the first job."""
        return GroupCommit(
            self._write,
            failure=self._failure,
            finish=self._finish,
            tell=tell,
            name="flexiflow-journal",
        )

    def _check_open(self) -> None:
        """Refuse to go on once closed."""
        if self._closed:
            raise JournalClosedError(
                "The journal has been closed",
                why="Its runtime, or the code that opened it, closed it before.",
                fix="Open it again: flexiflow.workflows.journal.open_journal(place)",
                context={"database": self._database},
            )

    def _submit(self, job: Job, on_done: OnDone | None, *, urgent: bool = True) -> None:
        """Queue a job."""
        try:
            self._commits.submit_to(job, on_done, urgent=urgent)
        except RuntimeError:
            self._check_open()
            raise

    def _wait_for(self, job: Job, timeout: float | None) -> None:
        """Queue a job and block until it is done."""
        done: Future[None] = Future()

        def on_done(error: BaseException | None, _seqs: range) -> None:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        self._submit(job, on_done)
        done.result(timeout)
