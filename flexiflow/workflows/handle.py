"""Hold an execution that was started: await it, answer it, cancel it, look at it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, final

from .progress import steps_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from ._live import Live
    from .context import ExecutionContext, ExecutionEvent, ExecutionState
    from .progress import StepView

__all__ = ["Run", "Runs"]

T = TypeVar("T")


class Runs(Protocol):
    """What a handle asks of the runtime."""

    # Any, here and below: inputs and answers are the user's.
    async def finish(self, live: Live) -> ExecutionContext[Any]:
        """Wait until an execution has stopped."""

    async def answer(
        self, execution_id: str, data: Any, pause: str | None
    ) -> ExecutionContext[Any]:
        """Answer an execution, and wait until it has stopped."""

    async def end(self, execution_id: str) -> ExecutionContext[Any]:
        """Cancel an execution, and wait until it has ended."""

    def branch_off(self, execution_id: str, from_step: str | int) -> Run[Any]:
        """Start another execution with the first steps of this one."""


@final
class Run(Generic[T]):
    """An execution on its way: what ``wf.start(input)`` returns.

    Notes
    -----
    Awaiting it gives the :class:`ExecutionContext` at the end, or at a pause; it never
    raises for an error of the workflow. Cancelling the task that awaits it does not
    cancel the execution: :meth:`cancel` does.
    """

    __slots__ = ("__weakref__", "_live", "_runs")

    def __init__(self, runs: Runs, live: Live) -> None:
        self._runs = runs
        self._live = live

    @property
    def execution_id(self) -> str:
        """The id of the execution."""
        return self._live.id

    @property
    def workflow_name(self) -> str:
        """The name of the workflow."""
        return self._live.workflow_name

    @property
    def status(self) -> ExecutionState:
        """How far it has come."""
        return self._live.context.state

    @property
    def context(self) -> ExecutionContext[T]:
        """The execution itself; its state and events follow."""
        return self._live.context

    @property
    def correlation_id(self) -> str:
        """The story it belongs to."""
        return self._live.correlation_id

    def __await__(self) -> Generator[Any, None, ExecutionContext[T]]:
        """Wait until it has ended or waits for an answer."""
        return self._runs.finish(self._live).__await__()

    async def resume(
        self, data: Any = None, *, pause: str | None = None
    ) -> ExecutionContext[T]:
        """Answer a pause, and wait until it has ended or pauses again.

        Parameters
        ----------
        data : Any
            The answer; the value of ``pause`` in the body.
        pause : str, optional
            The name of the pause; the oldest that waits when it is left out.

        Raises
        ------
        ExecutionStateError
            If it does not wait for that answer.
        CodecError
            If the answer cannot be stored.
        """
        return await self._runs.answer(self._live.id, data, pause)

    async def cancel(self) -> ExecutionContext[T]:
        """Raise ``CancelledError`` in the body, and wait for its end."""
        return await self._runs.end(self._live.id)

    def fork(self, *, from_step: str | int) -> Run[T]:
        """Start another execution that knows what happened before a step.

        Parameters
        ----------
        from_step : str or int
            The step that is done again, with all that came after it: its key, the name
            of its task (the first call of it), or its place from 1.

        Returns
        -------
        Run
            The other execution, with the same input; this one is left as it is.
        """
        return self._runs.branch_off(self._live.id, from_step)

    def steps(self) -> tuple[StepView, ...]:
        """Return the steps as they are now, in the order in which they began."""
        return steps_of(self._live.context.events)

    def listen(
        self, listener: Callable[[ExecutionEvent], object]
    ) -> Callable[[], None]:
        """Call a function with each event from now on; return how to stop.

        It is called in the loop of the execution, after the event was stored.
        """
        listeners = self._live.listeners
        listeners.append(listener)

        def remove() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return remove

    async def events(self) -> AsyncIterator[ExecutionEvent]:
        """Give what has happened and what happens, to the end or the next pause."""
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def ring(_: ExecutionEvent | None = None) -> None:
            loop.call_soon_threadsafe(news.set)

        stop = self.listen(ring)
        watcher = asyncio.ensure_future(self._live.wait())
        watcher.add_done_callback(lambda _: news.set())
        given = 0
        try:
            while True:
                news.clear()
                is_over = watcher.done()
                events = self._live.context.events
                while given < len(events):
                    given += 1
                    yield events[given - 1]
                if is_over:
                    return
                await news.wait()
        finally:
            stop()
            watcher.cancel()

    def __repr__(self) -> str:
        name, state = self.workflow_name, self.status.value
        return f"<Run {self.execution_id} of {name!r}: {state}>"
