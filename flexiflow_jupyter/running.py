"""Hand out work that is already under way, so that a cell may await it or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .loop import notebook_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

__all__ = ["Running", "run_or_schedule"]

_T = TypeVar("_T")


class Running(Generic[_T]):
    """A magic's work that has been scheduled; awaiting it gives the value.

    Parameters
    ----------
    work : coroutine
        What to run on the running loop.
    on_lost_error : callable
        Called with the error of work that nobody awaits.

    Notes
    -----
    The task is owned by this object and the loop; its exception is never lost.
    """

    def __init__(
        self,
        work: Coroutine[Any, Any, _T],
        on_lost_error: Callable[[BaseException], object],
    ) -> None:
        self._is_awaited = False
        self._on_lost_error = on_lost_error
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(self._finish)

    def __await__(self) -> Generator[Any, None, _T]:
        self._is_awaited = True
        return self._task.__await__()

    def __repr__(self) -> str:
        if not self._task.done():
            return "<flexiflow: under way; await it for its value>"
        if self._task.cancelled() or self._task.exception() is not None:
            return "<flexiflow: failed>"
        return repr(self._task.result())

    def done(self) -> bool:
        """Tell whether the work has ended."""
        return self._task.done()

    def result(self) -> _T:
        """Return the value, or raise what the work raised; as of ``asyncio.Task``."""
        self._is_awaited = True
        return self._task.result()

    def _finish(self, task: asyncio.Task[_T]) -> None:
        """Show an error that no cell is waiting for."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not self._is_awaited:
            self._on_lost_error(error)


def run_or_schedule(
    work: Coroutine[Any, Any, _T], on_lost_error: Callable[[BaseException], object]
) -> Running[_T] | _T:
    """Schedule work when a loop runs here; else run it to its end on IPython's loop.

    Parameters
    ----------
    work : coroutine
        What to do.
    on_lost_error : callable
        Called with the error of scheduled work that nobody awaits.

    Returns
    -------
    Running or the value
        Something to await when a loop runs (a notebook); the value itself when none
        does (a terminal).
    """
    loop = notebook_loop()
    if loop.is_running():
        return Running(work, on_lost_error)
    return loop.run_until_complete(work)
