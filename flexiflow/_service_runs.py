"""Hold what runs for a state: timers, services, child components."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, final

from ._message import ENDINGS
from .under_way import UnderWay

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Coroutine,
        Generator,
        Iterable,
        Mapping,
    )

    from ._mailbox import Mailbox
    from ._message import MessageResult
    from .clock import Clock, TimerHandle
    from .statechart.ports import StartService

__all__ = [
    "Child",
    "Interruptible",
    "Late",
    "Owner",
    "ServiceRun",
    "ServiceScope",
    "Timer",
    "fail",
    "service_under_way",
    "timers_under_way",
    "whole",
]


class Owner(Protocol):
    """The component for which something runs."""

    name: str
    """What it is called."""
    running: MessageResult | None
    """The handling under way."""
    mailbox: Mailbox | None
    """What waits there, once something had to."""

    @property
    def clock(self) -> Clock:
        """What its timers go by."""

    def post(
        self,
        message: dict[str, Any],
        *,
        sender: MessageResult | None = None,
        cid: int | str | None = None,
        source: str | None = None,
    ) -> None:
        """Take a message for which nobody waits."""

    def neighbour(self, name: str) -> Owner | None:
        """Return another component of the same engine, or None."""

    def neighbours(self) -> list[str]:
        """Return the names of the components of the same engine."""

    def lost(self, name: str, message: dict[str, Any]) -> Exception:
        """Return the error for a message to a component that is not there."""


class Child(Protocol):
    """A component that runs as a service."""

    name: str
    """What the engine calls it."""
    short: str
    """What its parent calls it."""

    def dismiss(self) -> None:
        """Leave the engine and close."""

    @property
    def state_machine(self) -> Any:
        """Its machine; Any: it may be of any kind."""


@final
class ServiceScope:
    """Fills the parameters of a service."""

    __slots__ = ("_context", "_owner", "_start")

    def __init__(
        self, owner: Owner, start: StartService, context: Mapping[str, Any]
    ) -> None:
        self._owner = owner
        self._start = start
        self._context = context

    # Any: each parameter is of a type of its own.
    def argument(self, name: str) -> Any:
        """Return what fills a parameter."""
        if name == "context":
            return self._context
        if name == "component":
            return self._owner
        if name == "rules":
            return getattr(self._owner, "rules", ())
        if name == "state":
            return self._start.state
        return self._start.message if name == "message" else None


@final
class Late:
    """Calls a coroutine function when it is awaited; until then nothing is to close."""

    __slots__ = ("_arguments", "_function")

    def __init__(
        self, function: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any
    ) -> None:
        self._function = function
        self._arguments = arguments

    def __await__(self) -> Generator[Any, Any, Any]:
        """Call, and await what that gives."""
        return self._function(*self._arguments).__await__()


@final
class Interruptible:
    """Awaits something that is to know beforehand when it is cancelled.

    Parameters
    ----------
    awaitable : awaitable
        What is awaited.
    tell : callable
        Called without arguments before a cancellation is passed on.
    """

    __slots__ = ("_awaitable", "_tell")

    def __init__(self, awaitable: Awaitable[Any], tell: Callable[[], object]) -> None:
        self._awaitable = awaitable
        self._tell = tell

    def close(self) -> None:
        """Close what was never awaited."""
        if hasattr(self._awaitable, "close"):
            self._awaitable.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Await, looking at what is thrown in."""
        inner: Any = self._awaitable.__await__()
        error: BaseException | None = None
        sent = None
        try:
            while True:
                try:
                    given = inner.send(sent) if error is None else inner.throw(error)
                except StopIteration as done:
                    return done.value
                error = None
                try:
                    sent = yield given
                except GeneratorExit:
                    raise
                except BaseException as raised:  # noqa: BLE001 - thrown in below
                    if isinstance(raised, asyncio.CancelledError):
                        self._tell()
                    error = raised
        finally:
            inner.close()


class Timer(NamedTuple):
    """A timer that runs."""

    name: str
    due: float
    handle: TimerHandle
    story: str | None
    delay_s: float


@final
class ServiceRun:
    """A service that runs."""

    __slots__ = (
        "answer",
        "attempt",
        "began",
        "is_ended",
        "is_interrupted",
        "start",
        "story",
        "task",
        "tried",
        "waits",
    )

    def __init__(self, start: StartService, story: str | None, began: float) -> None:
        self.start = start
        self.story = story
        """The correlation id it belongs to."""
        self.began = began
        """When it began, by the component's clock."""
        self.attempt = 1
        """Which try it is."""
        self.waits = False
        """Whether it waits for that try."""
        self.task: asyncio.Task[None]
        self.answer: Any = None
        """What is awaited, when it was begun beforehand; Any: some awaitable."""
        self.tried = start.key
        """The key of the present try."""
        self.is_ended = False
        """Whether it was told to end: its state was left, or its time is over."""
        self.is_interrupted = False
        """Whether its task was cancelled by others: the loop ends."""


async def fail(error: Exception) -> None:
    """Stand for a child that could not be made."""
    raise error


async def whole(awaitable: Any) -> Any:
    """Await anything; a task is made of a coroutine only, and must not end the loop."""
    try:
        return await awaitable
    except ENDINGS as error:
        msg = f"ended by {type(error).__name__}"
        raise RuntimeError(msg) from error


def timers_under_way(state: str, timers: Iterable[Timer]) -> list[UnderWay]:
    """Describe the timers of a state."""
    return [
        UnderWay(
            state,
            "timer",
            f"after {one.name.removeprefix(f'after.{state}#')}",
            one.due - one.delay_s,
            one.due,
        )
        for one in timers
    ]


def service_under_way(state: str, one: ServiceRun, now: str) -> UnderWay:
    """Describe the service of a state.

    Parameters
    ----------
    state : str
        The path of the state.
    one : ServiceRun
        What runs.
    now : str
        Where the child component stands that it is; empty for others.
    """
    service = one.start.service
    return UnderWay(
        state,
        "service",
        service.name,
        one.began,
        runs=service.kind,
        attempt=one.attempt,
        attempts=service.retry.max_attempts,
        waits=one.waits,
        now=now,
        key=one.tried,
    )
