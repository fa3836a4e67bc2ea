"""Carry work from a widget's callback to the loop and the cell it belongs to."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from IPython.core.async_helpers import get_asyncio_loop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

__all__ = ["LoopHop", "notebook_loop"]


def notebook_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that runs here, else IPython's own, which a terminal runs."""
    loop: asyncio.AbstractEventLoop = get_asyncio_loop()
    return loop


class LoopHop:
    """Run callables and coroutines on one loop, in the context of one cell.

    JupyterLab delivers a widget's messages in threads of their own; user code must run
    on the loop of the engine, and what it prints belongs under the cell that made the
    widget. The context variables of that cell carry both.

    Parameters
    ----------
    loop : AbstractEventLoop, optional
        Where to run; by default the loop that runs now, else IPython's own.
    context : contextvars.Context, optional
        What to run in; by default a copy of the present context.

    Notes
    -----
    The methods may be called from any thread. Tasks are owned here until they end.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        context: contextvars.Context | None = None,
    ) -> None:
        self.loop = loop if loop is not None else notebook_loop()
        self._context = context if context is not None else contextvars.copy_context()
        self._tasks: set[asyncio.Task[Any]] = set()

    def move_here(self) -> None:
        """Belong to the present cell from now on: run in a copy of its context."""
        self._context = contextvars.copy_context()

    @property
    def pending(self) -> int:
        """The number of tasks that have not ended."""
        return len(self._tasks)

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a plain function soon, on the loop and in the context.

        A loop that does not run gives way to the one that does (a view made before
        ``asyncio.run``); when none runs, the call waits for the loop to run.
        """
        if not self.loop.is_running():
            self.loop = notebook_loop()
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *args, context=self._context)

    def call_later(
        self, delay_s: float, function: Callable[..., object], *args: object
    ) -> asyncio.TimerHandle:
        """Call a plain function after a delay; only from the loop's own thread."""
        return self.loop.call_later(delay_s, function, *args, context=self._context)

    def start(
        self,
        make: Callable[[], Coroutine[Any, Any, None]],
        on_error: Callable[[BaseException], object],
    ) -> None:
        """Start a coroutine as a task, and hand its exception to ``on_error``.

        Parameters
        ----------
        make : callable
            Makes the coroutine; called on the loop.
        on_error : callable
            Called on the loop with what the coroutine raised, cancellation left out.
        """
        self.call(self._start, make, on_error)

    def _start(
        self,
        make: Callable[[], Coroutine[Any, Any, None]],
        on_error: Callable[[BaseException], object],
    ) -> None:
        """Make the task; runs on the loop, in the context."""
        task = self.loop.create_task(make(), context=contextvars.copy_context())
        self._tasks.add(task)

        def finish(done: asyncio.Task[Any]) -> None:
            self._tasks.discard(done)
            if not done.cancelled() and (error := done.exception()) is not None:
                on_error(error)

        task.add_done_callback(finish)
