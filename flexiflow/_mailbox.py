"""What waits at a component: messages, callers of ``until``, changes of its rules."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ._message import Flight, MessageResult, active

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["Mailbox", "Tempo", "Turn", "Waiter", "would_wait_for_itself"]

_log: Final = logging.getLogger(__name__)


@final
class Turn:
    """A message that waits for its turn."""

    __slots__ = ("cid", "context", "flight", "message", "outer", "sender", "waiter")

    def __init__(
        self,
        message: dict[str, Any],
        cid: int | str,
        outer: MessageResult | None,
        sender: str | None = None,
    ) -> None:
        self.message = message
        self.cid = cid
        self.sender = sender
        """The name of the component that sent it; None: it came from outside."""
        self.outer = outer
        self.waiter: asyncio.Future[None] | None = None
        """Woken when it is this message's turn; None when nobody waits for it."""
        self.flight: Flight | None = None
        self.context: Context | None = None

    def wait(self) -> asyncio.Future[None]:
        """Return the future that is done when the turn has come."""
        self.waiter = asyncio.get_running_loop().create_future()
        return self.waiter

    def detach(self, running: MessageResult | None) -> None:
        """Let nobody wait for it but those who wait for the handling that sent it."""
        self.context = copy_context()
        self.outer = None
        if running is not None:
            if running.flight is None:
                running.flight = Flight()
            self.outer = running.outer  # type: ignore[assignment]  # a handling, or None
            self.flight = running.flight
            self.flight.take_off()


@final
class Waiter:
    """A caller of ``until``."""

    __slots__ = ("_test", "end")

    def __init__(self, test: Callable[[], bool]) -> None:
        self._test = test
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look(self) -> bool:
        """Return whether there is nothing left to wait for."""
        if not self.end.done():
            try:
                if self._test():
                    self.end.set_result(None)
            except Exception as error:  # noqa: BLE001 - the caller's predicate; it gets it
                self.end.set_exception(error)
        return self.end.done()


class Tempo(Protocol):
    """Says when messages begin; see ``pace.py``."""

    def look(self, *, unused: bool) -> None:
        """Hear that a message came to its end, or could not use its turn."""

    def lets_begin(self, message: dict[str, Any]) -> bool:
        """Return whether a message may begin now."""

    def holds(self) -> bool:
        """Return whether messages that come now have to wait."""

    def let_start(self) -> None:
        """Let a machine start before what waits."""

    def settle(self) -> None:
        """Go on in another loop."""

    def finish(self) -> None:
        """Hold nothing any more: the engine is about to close."""

    def end(self) -> None:
        """Hold nothing any more: the component is closed."""


@final
class Mailbox:
    """What a component needs only once somebody has to wait at it."""

    __slots__ = (
        "changes",
        "closed",
        "idle",
        "ignored",
        "is_held",
        "pace",
        "queue",
        "tasks",
        "waiters",
    )

    def __init__(self) -> None:
        self.queue: deque[Turn] = deque()
        """Messages, in order of arrival."""
        self.waiters: list[Waiter] = []
        """Callers of ``until``."""
        self.changes: list[Callable[[], object]] = []
        """What to do between two messages."""
        self.tasks: set[asyncio.Task[None]] = set()
        """The handling of messages for which nobody waits."""
        self.idle: list[asyncio.Future[None]] = []
        """Who waits for an empty queue."""
        self.ignored: dict[str, Any] | None = None
        """The last message that did nothing."""
        self.closed = False
        """Whether no message is taken any more."""
        self.pace: Tempo | None = None
        """Who says when the next message begins; None: as soon as it can."""
        self.is_held = False
        """Whether no message begins though none is handled."""

    @property
    def is_spent(self) -> bool:
        """Whether nothing waits here, so that another will do the next time."""
        waiting = self.queue or self.waiters or self.changes or self.tasks or self.idle
        return not waiting and not self.closed and self.pace is None

    def look(self) -> None:
        """Wake the callers of ``until`` who see what they wait for."""
        if self.waiters:
            self.waiters[:] = [one for one in self.waiters if not one.look()]

    def look_after(self, message: dict[str, Any], *, ignored: bool) -> None:
        """Look, and remember a message that did nothing."""
        if ignored:
            self.ignored = message
        self.look()

    def next(self, *, unused: bool = False) -> Turn | None:
        """Make the changes that are due and take out the message whose turn it is.

        A message whose caller waits is handed over by waking the caller.

        Parameters
        ----------
        unused : bool, default False
            Whether no message came to its end since it was asked last.
        """
        while self.changes:
            try:
                self.changes.pop(0)()
            except Exception:  # noqa: BLE001 - the next message begins all the same
                _log.exception("A change between two messages failed")
        pace = self.pace
        if pace is not None:
            pace.look(unused=unused)
        while self.queue and (pace is None or pace.lets_begin(self.queue[0].message)):
            turn = self.queue.popleft()
            if turn.waiter is None:
                return turn
            if not turn.waiter.done():
                turn.waiter.set_result(None)
                return turn
            if pace is not None:
                pace.look(unused=True)
        self.is_held = pace is not None and pace.holds()
        if self.queue:
            return None
        for future in self.idle:
            if not future.done():
                future.set_result(None)
        self.idle.clear()
        return None


def would_wait_for_itself(target: Any, handling: MessageResult | None) -> bool:
    """Return whether a handling that waited for a component would wait for its own end.

    Parameters
    ----------
    target : AsyncComponent
        The busy component to which something is sent.
    handling : MessageResult, optional
        The innermost handling under way from which it is sent.

    Notes
    -----
    Walks from the components in the caller's chain to those whose handling waits for
    one of them, and so on; cost: the messages that wait at those.
    """
    todo = [scope.component for scope in active(handling)]
    blocked = {id(component) for component in todo}
    while todo:
        component = todo.pop()
        if component is target:
            return True
        for scope in _waiting_at(component):
            if id(scope.component) not in blocked:
                blocked.add(id(scope.component))
                todo.append(scope.component)
    return False


def _waiting_at(component: Any) -> list[MessageResult]:
    """Return the handlings that cannot end before a component's messages do."""
    found: list[MessageResult] = []
    if component.running is not None:
        found += active(component.running.outer)
    mailbox: Mailbox | None = component.mailbox
    if mailbox is not None:
        for turn in mailbox.queue:
            found += active(turn.outer)
    return found
