"""Hand out work that is already under way, so that a cell may await it or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, final

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
        self._task = asyncio.get_running_loop().create_task(_kept(work))
        self._task.add_done_callback(self._finish)

    def __await__(self) -> Generator[Any, None, _T]:
        self._is_awaited = True
        ended = yield from self._task.__await__()
        return ended()

    def __repr__(self) -> str:
        if not self._task.done():
            return "<flexiflow: under way; await it for its value>"
        if self._task.cancelled() or self._error() is not None:
            return "<flexiflow: failed>"
        return repr(self._task.result()())

    def done(self) -> bool:
        """Tell whether the work has ended."""
        return self._task.done()

    def result(self) -> _T:
        """Return the value, or raise what the work raised; as of ``asyncio.Task``."""
        self._is_awaited = True
        return self._task.result()()

    def _error(self) -> BaseException | None:
        """Return what the work raised, once it has ended."""
        return self._task.result().error

    def _finish(self, task: asyncio.Task[_Ended[_T]]) -> None:
        """Show an error that no cell is waiting for."""
        if task.cancelled():
            return
        error = self._error()
        if error is not None and not self._is_awaited:
            self._on_lost_error(error)


@final
class _Ended(Generic[_T]):
    """How work has ended; called, it gives the value or raises the error."""

    __slots__ = ("error", "value")

    def __init__(self, value: _T | None, error: BaseException | None) -> None:
        self.value = value
        self.error = error

    def __call__(self) -> _T:
        if self.error is not None:
            raise self.error
        return cast("_T", self.value)


async def _kept(work: Coroutine[Any, Any, _T]) -> _Ended[_T]:
    """Keep what work raises; left to the task, some of it would end the kernel."""
    try:
        return _Ended(await work, None)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - the cell that waits gets it
        return _Ended(None, error)


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
