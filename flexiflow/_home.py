"""Know the event loop to which an engine belongs, and bring calls home to it."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol, cast, final

from .errors import ComponentError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from .clock import Clock

__all__ = ["BLOCKED", "NOWHERE", "Home", "Owner", "Place", "is_running"]

BLOCKED: Final[ContextVar[frozenset[object]]] = ContextVar(
    "flexiflow.blocked", default=frozenset()
)
"""The loops that stand still until what is done here is done."""


def is_running() -> bool:
    """Return whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_blocked() -> ComponentError:
    return ComponentError(
        "The component cannot be reached from here",
        why="Its event loop stands still until this call is over: it waits for the "
        "workflow that makes the call.",
        fix="Start the workflow on that loop instead of blocking it: "
        "await wf.start(input)",
    )


class Place(Protocol):
    """A loop, as far as it is asked for the thread in which it runs; None: in none.

    asyncio's own loops keep that in an attribute; asking for the running loop instead
    costs as much as the rest of handling a message on Python 3.11.
    """

    @property
    def _thread_id(self) -> int | None: ...


@final
class _Foreign:
    """A loop that does not say in which thread it runs."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @property
    def _thread_id(self) -> int | None:
        here = is_running() and asyncio.get_running_loop() is self._loop
        return threading.get_ident() if here else None


@final
class _Nowhere:
    """No loop at all."""

    __slots__ = ()

    _thread_id = None


NOWHERE: Final = _Nowhere()
"""Stands for a loop that runs in no thread."""


class Owner(Protocol):
    """An engine, as far as its components ask for it."""

    # Any: whatever was registered.
    def register(self, component: Any) -> None:
        """Take a component."""

    def unregister(self, name: str) -> None:
        """Close a component and forget it."""


@final
class Home:
    """The loop of an engine: that of its first await, until that loop is closed.

    Parameters
    ----------
    moved : callable
        Called without arguments, in the new loop, whenever a loop was bound.
    components : mapping of str to object
        The components that live there, by name; kept, not copied.
    clock : Clock, optional
        What timers go by there.
    owner : Owner, optional
        The engine itself.
    """

    __slots__ = (
        "_lock",
        "_moved",
        "_thread",
        "clock",
        "closed",
        "closing",
        "components",
        "loop",
        "moves",
        "owner",
        "place",
    )

    loop: asyncio.AbstractEventLoop | None
    """The loop bound now; None before the first await."""
    place: Place
    """The same, to be asked for its thread."""
    moves: int
    """How often another loop took the place of one that ended."""
    closing: bool
    """Whether only messages sent from within a handling are taken."""
    closed: bool
    """Whether no message is taken."""
    clock: Clock | None
    """What timers go by there, or None for the system's clock."""
    components: Mapping[str, Any]
    """The components that live there, by name; Any: whatever was registered."""
    owner: Owner | None
    """The engine itself, for components that take in others."""

    def __init__(
        self,
        moved: Callable[[], object],
        components: Mapping[str, Any],
        clock: Clock | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.owner = owner
        self.loop = None
        self.place = NOWHERE
        self.moves = 0
        self.closing = self.closed = False
        self.components = components
        self.clock = clock
        self._moved = moved
        self._thread = 0
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Return whether the running loop is home, binding it when home is free.

        Home is free when no loop was bound yet or the bound one is closed; and when
        this very thread now runs another loop, for then the bound one has stopped.
        """
        running = asyncio.get_running_loop()
        if running is self.loop:
            return True
        with self._lock:
            loop = self.loop
            thread = threading.get_ident()
            stopped = loop is not None and not loop.is_running()
            free = loop is None or loop.is_closed()
            if not free and not (stopped and thread == self._thread):
                return False
            self.moves += loop is not None
            self.loop, self._thread = running, thread
            known = hasattr(running, "_thread_id")
            self.place = cast("Place", running) if known else _Foreign(running)
        self._moved()
        return True

    def is_elsewhere(self) -> bool:
        """Return whether home runs in another thread; may be asked without a loop."""
        loop = self.loop
        return (
            loop is not None
            and loop.is_running()
            and threading.get_ident() != self._thread
        )

    async def call(
        self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kw: Any
    ) -> Any:
        """Await a coroutine function at home, from another thread's loop.

        Cancelling the wait cancels the call. The context of the caller goes along.
        """
        while not self.enter():
            loop = self.loop
            if loop in BLOCKED.get():
                raise _is_blocked()
            coroutine = function(*args, **kw)
            try:
                future = asyncio.run_coroutine_threadsafe(coroutine, loop)  # type: ignore[arg-type]
            except RuntimeError:  # closed since it was looked at: bind anew
                coroutine.close()
                continue
            return await asyncio.wrap_future(future)
        return await function(*args, **kw)

    def spawn(self, function: Callable[..., object], *args: Any) -> bool:
        """Call a plain function at home soon; False when there is no open loop."""
        loop = self.loop
        if loop is None or loop.is_closed():
            return False
        try:
            loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # closed since it was looked at
            return False
        return True
