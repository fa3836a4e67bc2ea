"""Run functions in threads of this process."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from typing import TYPE_CHECKING, Any, final

from ._pool import Pool, PooledJob

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .protocol import Call, ExecutorStatistics

__all__ = ["ThreadExecutor"]


@final
class ThreadExecutor:
    """Up to ``limit`` threads, each with one call at a time.

    Parameters
    ----------
    limit : int, optional
        The most threads; the number of processors and 4, up to 32, when left out.

    Notes
    -----
    A coroutine function runs in an event loop of its thread, and is cancelled there. A
    plain function cannot be interrupted: when its call is cancelled its result is
    thrown away, the thread ends with it, and another one takes its place. Context
    variables are those of the caller, copied.
    """

    def __init__(self, limit: int | None = None) -> None:
        most = limit or min(32, (os.cpu_count() or 1) + 4)
        self._pool = Pool("thread", most, self._make)

    def submit(self, call: Call) -> PooledJob:
        """Take a call; see :class:`~flexiflow.workflows.executors.Executor`."""
        return self._pool.put(PooledJob(call))

    def statistics(self) -> ExecutorStatistics:
        """Return what the threads are doing."""
        return self._pool.statistics()

    def close(self, grace_s: float = 1.0) -> None:
        """End the threads; one that is stuck in a plain function is left behind."""
        self._pool.close(grace_s)

    def _make(self) -> _ThreadWorker:
        return _ThreadWorker(self._pool)


@final
class _ThreadWorker:
    """What one thread does."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._thread = threading.current_thread()
        self._job: PooledJob | None = None
        self._is_lost = False

    def serve(self, job: PooledJob) -> bool:
        """Call the function here."""
        self._job = job
        job.interruptible(self._abandon)
        try:
            if job.is_cancelled:
                raise asyncio.CancelledError  # noqa: TRY301 - as if it had begun
            result = job.context.run(_called, job)
        except BaseException as error:  # noqa: BLE001 - the caller gets whatever it is
            job.finish(error=_without_frame(error))
        else:
            job.finish(result)
        self._job = None
        return not self._is_lost

    def close(self) -> None:
        """Hold nothing."""

    def kill(self) -> None:
        """Cancel what can be cancelled."""
        job = self._job
        if job is not None:
            job.cancel()

    def _abandon(self) -> bool:
        """Let the thread end with the function that it is stuck in."""
        self._is_lost = True
        self._pool.lose(self._thread)
        return False


def _called(job: PooledJob) -> Any:  # Any: what the function returns
    """Call a function, and await what it returns in a loop of this thread."""
    call = job.call
    result = call.function(*call.args, **call.kwargs)
    if not inspect.isawaitable(result):
        return result
    with asyncio.Runner() as runner:
        return runner.run(_awaited(job, result))


async def _awaited(job: PooledJob, result: Awaitable[Any]) -> Any:  # Any: as above
    """Await a result in a task that can be cancelled from another thread."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def cancel() -> bool:
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)
        return True

    if job.is_cancelled and task is not None:
        task.cancel()
    job.interruptible(cancel)
    try:
        return await result
    finally:
        # from here on the loop ends; a cancellation would find nobody
        job.uninterruptible()


def _without_frame(error: BaseException) -> BaseException:
    """Drop the frames of this module from the beginning of a traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace)
