"""The executors of a runtime by name, each made when it is first used."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import nearest
from ..errors import WorkflowError
from .dask import DaskExecutor
from .process import ProcessExecutor
from .protocol import Call
from .thread import ThreadExecutor

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from .._outbox import Outbox
    from ..context import ResourceRequest
    from .protocol import Executor, ExecutorStatistics, Job

__all__ = ["Executors"]

_NAMES: Final = ("local", "thread", "process", "dask")
_LAST_WORDS_S: Final = 2.0
"""How long the end of a cancelled call is waited for, twice."""


@final
class Executors:
    """The places where the tasks of a runtime run.

    Parameters
    ----------
    threads, processes : int, optional
        The most threads and processes at a time.
    dask : str, Cluster or Client, optional
        The Dask scheduler, as of :class:`DaskExecutor`. Any: Dask has no types.
    folder : str or path, optional
        Where Dask workers of its own keep what does not fit into memory.

    Notes
    -----
    Owns threads, processes and a Dask cluster, begun when they are needed, and ended by
    :meth:`close`. May be used from several loops and threads at once.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        processes: int | None = None,
        dask: Any = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self._make: dict[str, Callable[[], Executor]] = {
            "thread": lambda: ThreadExecutor(threads),
            "process": lambda: ProcessExecutor(processes),
            "dask": lambda: DaskExecutor(dask, folder=folder),
        }
        self._made: dict[str, Executor] = {}
        self._lock = threading.Lock()
        self._closed = False

    async def run(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        resources: ResourceRequest | None = None,
        on_wait: Callable[[str], object] | None = None,
        outbox: Outbox | None = None,
    ) -> Any:  # Any: functions and values of the user's own
        """Call a function somewhere, and return what it returns.

        Parameters
        ----------
        name : {"local", "thread", "process", "dask"}
            Where.
        function : callable
            Async or not.
        args : tuple, optional
            Its positional arguments.
        kwargs : mapping, optional
            Its keyword arguments.
        resources : ResourceRequest, optional
            What it needs of a machine; minded where there are several.
        on_wait : callable, optional
            Told, in any thread, why the call does not begin; empty when it does.
        outbox : Outbox, optional
            Keeps what the call sends to components, where that is another process.

        Raises
        ------
        WorkflowError
            If there is no such place, or the call cannot be brought there.
        ProcessDiedError
            If the process ended before the function did.
        SchedulerLostError
            If the Dask scheduler does not answer.
        Exception
            Whatever the function raises.

        Notes
        -----
        When the wait is cancelled, the call is: a process is killed, a coroutine in a
        thread cancelled and waited for, a plain function in a thread left to itself;
        for Dask see :class:`DaskExecutor`.
        """
        call = Call(function, args, kwargs or {}, resources, on_wait, outbox)
        if name == "local":
            result = function(*args, **call.kwargs)
            return await result if inspect.isawaitable(result) else result
        job = self._executor(name).submit(call)
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            await _end(job)
            raise

    def made(self, name: str) -> Any:  # Any: each kind has more of its own
        """Return the executor of a name, if there is one."""
        with self._lock:
            return self._made.get(name)

    def use(self, name: str, executor: Executor) -> None:
        """Take an executor, to be closed with the others; one before it is closed."""
        with self._lock:
            before = self._made.pop(name, None)
            self._made[name] = executor
        if before is not None:
            before.close()

    def statistics(self) -> dict[str, ExecutorStatistics]:
        """Return what the executors are doing, by name; those in use only."""
        with self._lock:
            made = dict(self._made)
        return {name: executor.statistics() for name, executor in made.items()}

    def close(self, grace_s: float = 1.0) -> None:
        """End all of them; waits. Harmless when repeated.

        Parameters
        ----------
        grace_s : float, default 1.0
            Seconds that calls under way may still take.
        """
        with self._lock:
            self._closed = True
            made = list(self._made.values())
        for executor in made:
            executor.close(grace_s)

    def _executor(self, name: str) -> Executor:
        """Return the executor of a name, made if need be."""
        with self._lock:
            if self._closed:
                raise WorkflowError(
                    "The executors have been closed",
                    why="Their runtime was closed before the task began.",
                    fix="Run the workflow with a runtime that is open.",
                )
            if name in self._made:
                return self._made[name]
            if name not in self._make:
                raise _unknown(name)
            executor = self._made[name] = self._make[name]()
            return executor


def _unknown(name: str) -> WorkflowError:
    """Return the error for a place that there is not."""
    close = nearest(name, _NAMES)
    return WorkflowError(
        f"Unknown executor: '{name}'",
        why="Tasks run in one of the places that have a name.",
        fix=f"Did you mean {close[0]!r}? There are: {', '.join(close)}.",
        context={"executor": name},
    )


async def _end(job: Job) -> None:
    """Cancel a call, and wait for its end as long as that is to be expected."""
    for _ in range(2):
        if not job.cancel() or job.future.done():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await _over(job.future)
                return


async def _over(future: Future[Any]) -> None:
    """Wait until a call has ended, whatever came of it."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def tell(_: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and its waits
            loop.call_soon_threadsafe(ended.set)

    future.add_done_callback(tell)
    await ended.wait()
