"""What every handle of an execution can tell, wherever it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from .progress import steps_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ._live import Live
    from .context import ExecutionContext, ExecutionEvent, ExecutionState
    from .progress import StepView

__all__ = ["LiveHandle"]

T = TypeVar("T")


class LiveHandle(Generic[T]):
    """The part of a handle that only looks.

    Parameters
    ----------
    live : Live
        What this process knows of the execution.
    """

    __slots__ = ("__weakref__", "_live")

    def __init__(self, live: Live) -> None:
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
        kind = type(self).__name__
        return f"<{kind} {self.execution_id} of {name!r}: {state}>"
