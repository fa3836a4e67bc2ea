"""One thread writes for all: what gathers while it commits is its next transaction."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import time
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GroupCommit", "Tell", "Transaction"]

_LINGER_S: Final = 0.01
"""How long a job that is not urgent waits for others, at most."""

_QUICK_S: Final = 0.001
"""How long commits may take on average to be made in the thread of a caller."""

_PATIENCE: Final = 0.25
"""How much of a slow commit's time is spent to have more in the next one."""

_UNKNOWN_S: Final = float("inf")

_NOW: Final = True
_SOON: Final = False
"""What the bell says: commit, or be awake."""


class Transaction(Protocol):
    """How the jobs of one batch are turned into one commit."""

    def __call__(self, jobs: list[Any]) -> list[Any]:
        """Do all jobs and commit; return one result for each, in order.

        Any: jobs and results belong to the owner of the writer.
        """


Tell: TypeAlias = "Callable[[Any, Any], None]"
"""Gives each waiter of a batch its answer, in the writer's thread; never raises.

Any: lists of them, which belong to the owner of the writer. The answers of a
transaction that raised are errors, one for each.
"""


@final
class GroupCommit:
    """Owns a thread that commits for many callers at once; closed by :meth:`close`.

    Parameters
    ----------
    transaction : callable
        Takes the jobs that have gathered, does them in one transaction, and returns
        their results. Called in the writer's thread only, one call at a time.
    failure : callable
        Makes the error that each caller of a failed transaction gets; called once for
        each, so that no two tasks share one traceback.
    finish : callable
        Called in the writer's thread when it ends; closes the connection.
    tell : callable, optional
        Tells the callers of :meth:`submit_to`, if there are any.
    name : str, default "flexiflow-store"
        The name of the thread.

    Notes
    -----
    A caller hears of its job after the commit, never before. The thread starts with the
    first job. It is a daemon, so that a forgotten store keeps no program alive;
    what is queued when the program ends is committed all the same.
    """

    def __init__(
        self,
        transaction: Transaction,
        *,
        failure: Callable[[Exception], Exception],
        finish: Callable[[], None],
        tell: Tell | None = None,
        name: str = "flexiflow-store",
    ) -> None:
        self._transaction = transaction
        self._failure = failure
        self._finish = finish
        self._tell: Tell = tell or _tell_futures
        self._name = name
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._average_s = _UNKNOWN_S
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._rung = False
        self._asleep = False
        self._gathered: SimpleQueue[None] = SimpleQueue()
        self._target = 0
        self._jobs: list[Any] = []
        self._waiters: list[Any] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether no more jobs are taken."""
        return self._closed

    def submit(self, job: Any) -> asyncio.Future[Any]:
        """Queue a job of a task; await the result on the task's own loop."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.submit_to(job, future)
        return future

    def submit_from_thread(self, job: Any) -> Future[Any]:
        """Queue a job of a thread without a loop; block on ``.result()``."""
        future: Future[Any] = Future()
        self.submit_to(job, future)
        return future

    def submit_to(self, job: Any, waiter: Any, *, urgent: bool = True) -> None:
        """Put a job with those that wait for the next transaction, from any thread.

        Parameters
        ----------
        job, waiter : object
            What is done, and who hears of it.
        urgent : bool, default True
            Whether to write it now; one that is not urgent goes with the next that is,
            or alone after 10 ms.

        Raises
        ------
        RuntimeError
            If no more jobs are taken.
        """
        with self._lock:
            if self._closed:
                message = "the writer has been closed"
                raise RuntimeError(message)
            self._jobs.append(job)
            self._waiters.append(waiter)
            if self._target and len(self._jobs) >= self._target:
                self._gathered.put(None)
            if urgent and not self._rung:
                self._rung = True
                self._bell.put(_NOW)
            elif self._asleep:
                self._bell.put(_SOON)
            self._asleep = False
            if self._thread is None:
                self._start()

    def commit_here(self, job: Any, waiter: Any) -> bool:
        """Commit in the calling thread, with all that is queued, if that is quick.

        Two changes of threads cost as much as a good disk takes for a commit. The
        waiter hears of it before the call returns.

        Returns
        -------
        bool
            False, and nothing done, when a commit is under way or the last ones took
            long: :meth:`submit_to` is the way then.

        Raises
        ------
        RuntimeError
            If no more jobs are taken.
        """
        if self._average_s > _QUICK_S or not self._turn.acquire(blocking=False):
            return False
        try:
            with self._lock:
                if self._closed:
                    message = "the writer has been closed"
                    raise RuntimeError(message)
                jobs, self._jobs = self._jobs, []
                waiters, self._waiters = self._waiters, []
            jobs.append(job)
            waiters.append(waiter)
            self._commit(jobs, waiters)
        finally:
            self._turn.release()
        return True

    def forget(self) -> None:
        """Let go of a writer whose thread is not in this process: it was forked."""
        atexit.unregister(self._at_exit)

    def close(self) -> threading.Thread | None:
        """Take no more jobs; the thread ends after those that are queued.

        Returns
        -------
        threading.Thread or None
            The thread, to be joined; None when none was ever started.
        """
        with self._lock:
            self._closed = True
            self._bell.put(_NOW)
        atexit.unregister(self._at_exit)
        return self._thread

    def _at_exit(self) -> None:
        """Commit what is queued when the program ends."""
        thread = self.close()
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        """Start the thread, once."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    def _run(self) -> None:
        """Commit batch after batch until closed and empty."""
        try:
            closed = False
            while not closed:
                self._wait()
                with self._turn:
                    with self._lock:
                        jobs, self._jobs = self._jobs, []
                        waiters, self._waiters = self._waiters, []
                        closed, self._rung = self._closed, False
                    if jobs:
                        self._commit(jobs, waiters)
                self._gather(len(jobs))
        finally:
            self._finish()

    def _gather(self, just_told: int) -> None:
        """Let those who were told join those who have queued meanwhile.

        Else two groups of callers take turns for ever, with a commit each. Waiting
        pays where commits are slow, and no longer than for a part of one.
        """
        average = self._average_s
        if not _QUICK_S < average < _UNKNOWN_S:
            return
        with self._lock:
            queued = len(self._jobs)
            if not queued or self._closed:
                return
            self._gathered = SimpleQueue()
            self._target = queued + just_told
        with contextlib.suppress(Empty):
            self._gathered.get(timeout=average * _PATIENCE)
        self._target = 0

    def _wait(self) -> None:
        """Return when a job is urgent, or when one that is not has waited enough.

        The thread sleeps lightly for a while after a batch: the next job that is not
        urgent need not wake it then.
        """
        while True:
            try:
                if self._bell.get(timeout=_LINGER_S):
                    return
            except Empty:
                with self._lock:
                    if self._jobs:
                        return
                    self._asleep = True
                if self._bell.get():
                    return

    def _commit(self, jobs: list[Any], waiters: list[Any]) -> None:
        """Do one transaction and tell every caller of it."""
        answers: list[Any]
        started = time.perf_counter()
        try:
            answers = self._transaction(jobs)
        except Exception as error:  # noqa: BLE001 - the callers get it, each its own
            answers = [self._failure(error) for _ in jobs]
        except BaseException as error:  # Ctrl-C, in the thread of a caller
            stopped = RuntimeError(f"the commit was interrupted: {error!r}")
            self._tell(waiters, [self._failure(stopped) for _ in jobs])
            raise
        spent, average = time.perf_counter() - started, self._average_s
        # The first commit counts as it is, each later one by an eighth.
        known = average < _UNKNOWN_S
        self._average_s = average + (spent - average) / 8 if known else spent
        self._tell(waiters, answers)


_Waiter: TypeAlias = "asyncio.Future[Any] | Future[Any]"


def _tell_futures(waiters: list[_Waiter], answers: list[Any]) -> None:
    """Settle futures, those of a loop in that loop, with one call for all of them."""
    for loop, positions in _by_loop(waiters).items():
        theirs = [waiters[index] for index in positions] if positions else waiters
        what = [answers[index] for index in positions] if positions else answers
        if loop is None:
            _settle(theirs, what)
            continue
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(_settle, theirs, what)


def _by_loop(
    waiters: list[_Waiter],
) -> dict[asyncio.AbstractEventLoop | None, list[int]]:
    """Return the loops that wait, with the positions of their waiters.

    An empty list means all positions: the usual case of one loop costs one look.
    """
    loops = [
        waiter.get_loop() if isinstance(waiter, asyncio.Future) else None
        for waiter in waiters
    ]
    if len(set(loops)) == 1:
        return {loops[0]: []}
    found: dict[asyncio.AbstractEventLoop | None, list[int]] = {}
    for position, loop in enumerate(loops):
        found.setdefault(loop, []).append(position)
    return found


def _settle(waiters: list[_Waiter], answers: list[Any]) -> None:
    """Hand each caller its answer; one that has gone is left out."""
    for waiter, answer in zip(waiters, answers, strict=True):
        if waiter.done():
            continue
        if isinstance(answer, Exception):
            waiter.set_exception(answer)
        else:
            waiter.set_result(answer)
