"""Run coroutine observers of built-in events beside the work that they observe."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ._scope import Scope, current, set_current

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

__all__ = ["EAGER", "Lane", "Lanes", "Owner", "start"]

EAGER: Final = sys.version_info >= (3, 12)
"""Whether a task can run up to its first suspension at once."""


def start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start a coroutine in a task of its own, at once where that is possible."""
    loop = asyncio.get_running_loop()
    if EAGER:
        return asyncio.Task(coroutine, loop=loop, eager_start=True)  # type: ignore[call-arg,unused-ignore]
    return loop.create_task(coroutine)


class Owner(Protocol):
    """Whom a lane serves: one subscription, and the bus that hears of failures."""

    @property
    def event_name(self) -> str:
        """What was subscribed to."""

    @property
    def component_name(self) -> str:
        """Who subscribed."""

    @property
    def handler(self) -> Callable[[Any], Any]:
        """The observer."""


_Item = tuple[str, Any, Scope | None, "Awaitable[Any] | None"]


@final
class Lane:
    """The events that wait for one observer; handed over one by one, in order."""

    __slots__ = ("_active", "_bursting", "_lanes", "_owner", "_pending", "task")

    def __init__(self, lanes: Lanes, owner: Owner) -> None:
        self._lanes = lanes
        self._owner = owner
        self._pending: deque[_Item] = deque()
        self.task: asyncio.Task[None] | None = None
        self._active = False
        self._bursting = False

    def __len__(self) -> int:
        return len(self._pending)

    def put(
        self, event_name: str, data: Any, answer: Awaitable[Any] | None = None
    ) -> None:
        """Hand over an event, letting the oldest go when too many wait.

        Parameters
        ----------
        event_name, data : str, Any
            The event.
        answer : awaitable, optional
            What a plain function returned for it; awaited in place of a call.
        """
        pending = self._pending
        if len(pending) >= self._lanes.max_pending:
            self._drop()
        scope = current()
        if scope is not None and type(scope) is not Scope:
            # Nobody waits for an observer: what it sends is not sent from within the
            # handling that it observes, though it keeps the id.
            scope = Scope(scope.cid)
        pending.append((event_name, data, scope, answer))
        if not self._active:
            self._begin()

    def _begin(self) -> None:
        self._active = True
        task = start(self._run())
        if not task.done():
            self.task = task
            self._lanes.tasks.add(task)

    async def _run(self) -> None:
        """Call the observer for each event that waits, in order."""
        pending, handler = self._pending, self._owner.handler
        try:
            while pending:
                event_name, data, scope, answer = pending.popleft()
                set_current(scope)
                try:
                    await (handler(data) if answer is None else answer)
                except Exception as error:  # noqa: BLE001 - the bus reports it
                    self._lanes.failed(event_name, self._owner, error)
        finally:
            self._end()

    def _end(self) -> None:
        """Give the task back; go on in another when this one was cancelled."""
        task, self.task = self.task, None
        self._active = self._bursting = False
        if task is not None:
            self._lanes.tasks.discard(task)
        if self._pending:
            if self._lanes.closed:
                self._pending.clear()
            else:
                self._begin()

    def _drop(self) -> None:
        """Let the oldest event go, and say so once until the lane is empty again."""
        _, _, _, answer = self._pending.popleft()
        if asyncio.iscoroutine(answer):
            answer.close()
        self._lanes.dropped += 1
        if not self._bursting:
            self._bursting = True
            self._lanes.overrun(self._owner)


@final
class Lanes:
    """All background delivery of one bus.

    Parameters
    ----------
    max_pending : int
        How many events may wait for one observer.
    failed : callable
        Told the event's name, the subscription and the error of an observer.
    overrun : callable
        Told the subscription when its lane begins to let events go.
    """

    __slots__ = ("closed", "dropped", "failed", "max_pending", "overrun", "tasks")

    def __init__(
        self,
        max_pending: int,
        failed: Callable[[str, Any, Exception], object],
        overrun: Callable[[Any], object],
    ) -> None:
        if max_pending < 1:
            raise ValueError(f"max_pending must be at least 1, got {max_pending}")
        self.max_pending = max_pending
        self.failed = failed
        self.overrun = overrun
        self.tasks: set[asyncio.Task[None]] = set()
        self.dropped = 0
        self.closed = False

    async def join(self, lanes: Iterable[Lane] | None = None) -> None:
        """Wait until no event waits and no observer runs, the caller's task aside.

        Parameters
        ----------
        lanes : iterable of Lane, optional
            Wait for these only.
        """
        own = asyncio.current_task()
        some = None if lanes is None else list(lanes)
        while True:
            running = self.tasks if some is None else [lane.task for lane in some]
            tasks = [task for task in running if task is not None and task is not own]
            if not tasks:
                return
            await asyncio.wait(tasks)

    async def cancel(self) -> None:
        """Stop all observers and let go what waits; wait until they have stopped."""
        self.closed = True
        try:
            for task in self.tasks - {asyncio.current_task()}:
                task.cancel()
            await self.join()
        finally:
            self.closed = False
