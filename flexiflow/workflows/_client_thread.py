"""Talk to a server in a thread of its own, for those who block and those who do not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from ._loop_thread import LoopThread, interruptible
from .errors import ServerError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from ._server_link import ServerLink

__all__ = ["ClientThread"]


class ClientThread:
    """The part of a client that has the connections.

    Parameters
    ----------
    link : ServerLink
        The way to the server.
    """

    def __init__(self, link: ServerLink) -> None:
        self.link = link
        self._thread = LoopThread("flexiflow client")
        self._is_closed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    link: ServerLink
    """The way to the server; used in the client's own loop."""

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.link.url

    # Any, here and below: whatever is done, and JSON of the server.
    def submit(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Do something in the client's loop; for handles."""
        self._check_open(work)
        return asyncio.wrap_future(self._thread.submit(self._noted, work))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something in the client's loop without waiting; for handles."""
        self._check_open(work)
        self._thread.submit(self._noted, work)

    def begin_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in the client's loop, from which this is called; for handles."""
        return asyncio.create_task(self._noted(work))

    async def _noted(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something that is cancelled when the client is closed."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await work

    def _check_open(self, work: Coroutine[Any, Any, Any] | None = None) -> None:
        """Refuse to go on once closed."""
        if self._is_closed:
            if work is not None:
                work.close()
            raise ServerError(
                "The client has been closed",
                why="Its connections are gone; executions go on without it.",
                fix=f"Make another one: connect({self.url!r})",
            )

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something in the client's loop; block until it is done."""
        if self._thread.is_current():
            work.close()
            raise WorkflowError(
                "A call that blocks was made in the thread that has to do the work",
                why="It would wait for itself.",
                fix="Call it from another thread than that of a listener.",
            )
        self._check_open(work)
        future = self._thread.submit(self._noted, work)
        with interruptible():
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a request, and return the JSON of the answer; blocks.

        Parameters
        ----------
        method, path : str
            What is asked for.
        **options : object
            As of the link. Any: passed on.
        """
        return self._do(self.link.ask(method, path, **options))

    def close(self) -> None:
        """Close the connections; twice is harmless. Executions go on."""
        if self._is_closed:
            return
        self._do(self._end())
        self._is_closed = True
        self._thread.close()

    async def _end(self) -> None:
        """End what is under way, and the connections."""
        # not all tasks: those that a library has just begun would never be awaited
        left = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.link.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()
