"""Threads that take jobs from a queue: begun when needed, gone when closed."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, final

from ..errors import WorkflowError
from .protocol import ExecutorStatistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocol import Call

__all__ = ["Pool", "PooledJob", "Worker"]


@final
class PooledJob:
    """A call in the queue of a pool, or in the hands of one of its workers.

    Parameters
    ----------
    call : Call
        What to call.
    payload : bytes
        The same, packed for a process; empty where it stays in this one.
    """

    __slots__ = (
        "_interrupts", "_lock", "call", "context", "future", "is_cancelled", "payload",
    )  # fmt: skip

    def __init__(self, call: Call, payload: bytes = b"") -> None:
        self.call = call
        self.payload = payload
        self.context = contextvars.copy_context()
        self.future: Future[Any] = Future()
        self.is_cancelled = False
        """Whether its end was asked for while it was at work."""
        self._interrupts: list[Callable[[], bool]] = []
        self._lock = threading.Lock()

    def cancel(self) -> bool:
        """End it: take it out of the queue, or interrupt it.

        Returns
        -------
        bool
            Whether it ends soon, so that its end may be waited for. Asked again, what
            did not help is followed by what is harder.
        """
        if self.future.cancel():
            return True
        # The lock is held over the interruption, so that it never meets the next job.
        with self._lock:
            self.is_cancelled = True
            return self._interrupts.pop()() if self._interrupts else True

    def interruptible(self, interrupt: Callable[[], bool]) -> None:
        """Say how to interrupt it from now on, before what was said earlier."""
        with self._lock:
            self._interrupts.append(interrupt)

    def uninterruptible(self) -> None:
        """Say that it is over, or cannot be interrupted any more."""
        with self._lock:
            self._interrupts.clear()

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        """Hand over what came of it, unless somebody was quicker. Any: a result."""
        self.uninterruptible()
        if self.future.done():
            return
        if isinstance(error, StopIteration):
            # no future takes one; a coroutine that raises it fails in this way too
            told = RuntimeError("a task raised StopIteration")
            told.__cause__ = error
            error = told
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Worker(Protocol):
    """What a thread of a pool does."""

    def serve(self, job: PooledJob) -> bool:
        """Do a job to its end; return whether this worker may take another."""

    def close(self) -> None:
        """Give back what it holds; called once, in its thread."""

    def kill(self) -> None:
        """End what it is doing by force; called in any thread."""


@final
class Pool:
    """A queue of jobs, and up to ``limit`` threads that serve it.

    Parameters
    ----------
    name : str
        What threads and errors call it.
    limit : int
        The most workers at a time.
    make : callable
        Makes the worker of a new thread, in that thread.
    idle_s : float, optional
        Seconds without a job after which a worker ends; None: it stays.
    """

    def __init__(
        self,
        name: str,
        limit: int,
        make: Callable[[], Worker],
        *,
        idle_s: float | None = None,
    ) -> None:
        self._name = name
        self._limit = limit
        self._make = make
        self._idle_s = idle_s
        self._queue: deque[PooledJob] = deque()
        self._changed = threading.Condition()
        self._threads: dict[threading.Thread, Worker | None] = {}
        self._lost: set[threading.Thread] = set()
        self._idle = 0
        self._busy = 0
        self._closed = False

    def put(self, job: PooledJob) -> PooledJob:
        """Queue a job, and begin a worker for it when none is free."""
        with self._changed:
            if self._closed:
                raise _closed(self._name)
            self._queue.append(job)
            self._reinforce()
            self._changed.notify()
        return job

    def lose(self, thread: threading.Thread) -> None:
        """Count a thread no longer: it is stuck in a job that was given up."""
        with self._changed:
            if thread in self._threads:
                self._lost.add(thread)
                self._reinforce()

    def statistics(self) -> ExecutorStatistics:
        """Return what is going on."""
        with self._changed:
            alive = sum(thread.is_alive() for thread in self._threads)
            return ExecutorStatistics(alive, self._busy, len(self._queue))

    def close(self, grace_s: float) -> None:
        """End all workers; those that do not end in time are killed, or left behind."""
        with self._changed:
            self._closed = True
            left, self._queue = self._queue, deque()
            self._changed.notify_all()
            # a task may close the runtime that runs it; it does not wait for itself
            here = threading.current_thread()
            threads = [thread for thread in self._threads if thread is not here]
        for job in left:
            job.cancel()
        end = time.monotonic() + grace_s
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self._changed:
            stuck = [
                (thread, worker)
                for thread, worker in self._threads.items()
                if thread.is_alive() and thread is not here
            ]
        for thread, worker in stuck:
            if worker is not None and thread not in self._lost:
                worker.kill()
        for thread, _ in stuck:
            if thread not in self._lost:
                thread.join(grace_s)

    # --- in the threads ---------------------------------------------------------------

    def _reinforce(self) -> None:
        """Begin a worker if a job has none to take it; the condition is held."""
        counted = len(self._threads) - len(self._lost)
        if len(self._queue) > self._idle and counted < self._limit:
            # A daemon: a job that never ends must not keep the program from ending.
            thread = threading.Thread(
                target=self._work, name=f"flexiflow {self._name}", daemon=True
            )
            self._threads[thread] = None
            thread.start()

    def _work(self) -> None:
        """Serve the queue until there is nothing to do."""
        here = threading.current_thread()
        worker = self._make()
        with self._changed:
            self._threads[here] = worker
        try:
            while (job := self._next()) is not None:
                is_fit = worker.serve(job)
                del job  # what it holds must not live until the next one
                with self._changed:
                    self._busy -= 1
                    if not is_fit:
                        break
        finally:
            worker.close()
            with self._changed:
                self._threads.pop(here, None)
                self._lost.discard(here)
                if not self._closed:
                    self._reinforce()

    def _next(self) -> PooledJob | None:
        """Wait for a job; None when there is none to come."""
        with self._changed:
            self._idle += 1
            try:
                while True:
                    while self._queue:
                        job = self._queue.popleft()
                        if job.future.set_running_or_notify_cancel():
                            self._busy += 1
                            return job
                    if self._closed:
                        return None
                    if not self._changed.wait(self._idle_s) and not self._queue:
                        return None
            finally:
                self._idle -= 1


def _closed(name: str) -> WorkflowError:
    """Return the error for a call that comes too late."""
    return WorkflowError(
        f"The {name} executor has been closed",
        why="Its runtime was closed before the task began.",
        fix="Run the workflow with a runtime that is open.",
    )
