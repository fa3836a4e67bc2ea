"""Run functions on the workers of a Dask cluster: of this machine, or of many."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.util
import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import missing_extra
from ..errors import SchedulerLostError, WorkflowError
from ._dask_job import DaskJob
from ._dask_resources import dask_resources
from ._packing import pack_arguments, pack_function
from .protocol import ExecutorStatistics

if TYPE_CHECKING:
    import os

    from ._dask_link import Link
    from .protocol import Call

__all__ = ["DaskExecutor"]

_END_S: Final = 5.0
"""Seconds that the end of the cluster may take, beside the grace."""


@final
class DaskExecutor:
    """The workers of a Dask scheduler, reached or started with the first call.

    Parameters
    ----------
    where : str, Cluster or Client, optional
        The scheduler: an address, or an object of ``distributed`` that knows it.
        ``"local"``: a cluster of its own on this machine. By default that of the
        worker, if this process is one, else ``"local"``. Any: Dask has no types.
    workers : int, optional
        How many processes such a cluster has; one for each core by default.
    threads : int, default 1
        How many calls each of them makes at a time.
    folder : str or path, optional
        Where they keep what does not fit into memory; ``.flexiflow/dask`` by default.
    patience_s : float, default 10
        Seconds that a scheduler which does not answer is waited for.

    Notes
    -----
    Functions of a notebook or a script go by value; those of modules by name, so that
    workers elsewhere need the module. Dask sees calls as bytes under keys that say
    nothing. What a lost worker was doing is done again by another one, and so may be
    what it had done whose result was still on its way. Cancelling a call takes it back
    if it has not begun; a coroutine is cancelled; a plain function is interrupted
    between two lines of Python, and where it does not end soon it is left to itself on
    a cluster of others, and its process killed on one of its own.
    Such a cluster listens on the loopback interface only, has no dashboard, prints
    what functions print, and ends with :meth:`close`, or with this process.
    """

    def __init__(
        self,
        where: Any = None,
        *,
        workers: int | None = None,
        threads: int = 1,
        folder: str | os.PathLike[str] | None = None,
        patience_s: float = 10.0,
    ) -> None:
        self.plan: Final = (where, workers, threads)
        """What was asked for: the scheduler, and the size of a cluster of its own."""
        self._folder = Path(folder or ".flexiflow/dask").absolute()
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: Link | None = None
        self._begun: Future[None] = Future()
        self._incoming: deque[DaskJob] = deque()
        self._is_called = False
        self._closed = False
        self._grace_s = 0.0
        self._functions: dict[Any, bytes] = {}

    def __repr__(self) -> str:
        link = self._link
        if link is None:
            return "<DaskExecutor, not begun>"
        words = "thread" if link.workers == 1 else "threads"
        return f"<DaskExecutor at {link.address}, {link.workers} {words}>"

    @property
    def address(self) -> str:
        """The address of the scheduler; empty while there is none."""
        link = self._link
        return "" if link is None else link.address

    def start(self) -> None:
        """Reach or start the scheduler now, not with the first call; waits for it.

        Raises
        ------
        MissingExtraError
            If ``distributed`` is not installed.
        SchedulerLostError
            If the scheduler cannot be reached.
        WorkflowError
            If the executor has been closed.
        """
        with self._lock:
            begun = self._started()
        begun.result()

    def submit(self, call: Call) -> DaskJob:
        """Take a call; see :class:`~flexiflow.workflows.executors.Executor`."""
        needed = tuple(sorted(dask_resources(call.resources).items()))
        packed = (self._packed_function(call), pack_arguments(call))
        job = DaskJob(call, packed, needed, end=self._end)
        with self._lock:
            self._started()
            self._incoming.append(job)
            self._call()
        return job

    def statistics(self) -> ExecutorStatistics:
        """Return what the workers are doing: threads, calls there, calls here."""
        link = self._link
        if link is None:
            return ExecutorStatistics(0, 0, len(self._incoming))
        busy = min(link.under_way, link.workers)
        waiting = link.under_way - busy + link.waiting + len(self._incoming)
        return ExecutorStatistics(link.workers, busy, waiting)

    def close(self, grace_s: float = 1.0) -> None:
        """End all calls, and the cluster if it is of its own; waits.

        Parameters
        ----------
        grace_s : float, default 1.0
            Seconds that calls under way may still take.
        """
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            self._grace_s = grace_s
            thread, loop, link = self._thread, self._loop, self._link
            if link is not None and loop is not None:
                loop.call_soon_threadsafe(link.stop)
        if thread is not None and thread is not threading.current_thread():
            thread.join(grace_s + self._patience_s + _END_S)

    # --- packing ----------------------------------------------------------------------

    def _packed_function(self, call: Call) -> bytes:
        """Return a function as bytes, packed once in one turn of the caller's loop.

        So the calls of a mapped task, which are made together, share their bytes, while
        a function that refers to something that is changed later is packed anew.
        """
        try:
            loop = asyncio.get_running_loop()
            key = (loop, call.function)
            found = self._functions.get(key)
        except (RuntimeError, TypeError):  # no loop, or a function without a hash
            return pack_function(call)
        if found is None:
            found = self._functions[key] = pack_function(call)
            loop.call_soon(self._functions.pop, key, None)
        return found

    # --- the thread -------------------------------------------------------------------

    def _started(self) -> Future[None]:
        """Begin the thread if there is none; the lock is held."""
        if self._closed:
            raise WorkflowError(
                "The dask executor has been closed",
                why="Its runtime was closed before the task began.",
                fix="Run the workflow with a runtime that is open.",
            )
        if self._thread is None:
            if importlib.util.find_spec("distributed") is None:
                raise missing_extra(
                    "dask", "distributed", "Running tasks on Dask workers"
                )
            self._begun = Future()
            # A daemon: a call that never ends must not keep the program from ending.
            self._thread = threading.Thread(
                target=self._work, name="flexiflow dask", daemon=True
            )
            self._thread.start()
        return self._begun

    def _work(self) -> None:
        """Serve in a loop of this thread, until closed or the scheduler is lost."""
        error: BaseException | None = None
        try:
            asyncio.run(self._serve())
        except SchedulerLostError as lost:
            error = lost
        except Exception as failed:  # noqa: BLE001 - told to all who wait
            error = WorkflowError(
                "The Dask executor failed",
                why=f"{type(failed).__name__}: {failed}",
                fix="See what Dask says, and go on with the execution.",
            )
            error.__cause__ = failed
        with self._lock:
            self._thread = self._loop = self._link = None
            self._is_called = False
            left, self._incoming = self._incoming, deque()
        for job in left:
            if error is None:
                job.future.cancel()
            else:
                job.finish(error=error)
        if not self._begun.done():
            self._begun.set_exception(error or asyncio.CancelledError())

    async def _serve(self) -> None:
        """Connect, serve, and clear away."""
        made: Any = importlib.import_module(f"{__package__}._dask_link")
        self._folder.mkdir(parents=True, exist_ok=True)
        # registered after what Dask registers, and so called before
        atexit.register(self.close, 0.0)
        where, workers, threads = self.plan
        link: Link = made.Link(
            where,
            workers=workers,
            threads=threads,
            folder=self._folder,
            patience_s=self._patience_s,
        )
        try:
            await link.connect()
        except BaseException:
            await link.close(0)
            raise
        with self._lock:
            self._loop, self._link = asyncio.get_running_loop(), link
            if self._closed:
                link.stop()
            self._call()
        self._begun.set_result(None)
        try:
            await link.serve()
        finally:
            await link.close(self._grace_s)
        if link.error is not None:
            raise link.error

    def _call(self) -> None:
        """Have the loop take what came in; the lock is held."""
        if self._loop is not None and not self._is_called:
            self._is_called = True
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        """Give the link what came in; called in the loop."""
        with self._lock:
            self._is_called = False
            jobs, self._incoming = self._incoming, deque()
            link = self._link
        if link is not None:
            link.take(jobs)

    def _end(self, job: DaskJob, is_hard: bool) -> None:  # noqa: FBT001 - a callback
        """End a call that is under way; called in any thread."""
        with self._lock:
            loop, link = self._loop, self._link
        if loop is not None and link is not None:
            with contextlib.suppress(RuntimeError):  # it ends with the loop
                loop.call_soon_threadsafe(link.end, job, is_hard)
