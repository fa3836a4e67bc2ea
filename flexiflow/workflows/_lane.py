"""Bring the journal's acknowledgements home to a loop, many with one wake-up."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Busy", "Landing", "Lane"]

_SOON: Final = 0.005
"""Seconds after which what can wait is done."""


class Landing(Protocol):
    """What waits for an acknowledgement."""

    def land(self, error: BaseException | None, seqs: range) -> None:
        """Take it; called in the loop."""


class Busy(Protocol):
    """What runs the body of an execution."""

    @property
    def in_flight(self) -> int:
        """How many steps are at work."""


def _is_interrupted_anywhere() -> bool:
    """Whether Ctrl-C raises in whatever this thread does; a commit must not be cut."""
    if threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


# Without the error, which costs more than the answer, in the writer's thread.
_running_loop: Final = asyncio.events._get_running_loop  # noqa: SLF001


@final
class Lane:
    """The way from the journal's writer to one loop.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where acknowledgements are taken.
    """

    __slots__ = ("_due", "_is_called", "_landed", "_may_block", "busy", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._landed: deque[tuple[Landing, BaseException | None, range]] = deque()
        self._is_called = False
        self._due: list[Callable[[], object]] = []
        self._may_block = not _is_interrupted_anywhere()
        self.busy: set[Busy] = set()
        """What runs a body here at the moment."""

    @property
    def is_alone(self) -> bool:
        """Whether the loop can do nothing for executions but wait for one step."""
        return (
            self._may_block
            and len(self.busy) == 1
            and next(iter(self.busy)).in_flight <= 1
        )

    def soon(self, callback: Callable[[], object]) -> None:
        """Call a function in some milliseconds; one timer serves all who ask."""
        if not self._due:
            self.loop.call_later(_SOON, self._on_time)
        self._due.append(callback)

    def _on_time(self) -> None:
        due, self._due = self._due, []
        for callback in due:
            callback()

    def put(self, landing: Landing, error: BaseException | None, seqs: range) -> None:
        """Hand an acknowledgement over; called where the commit was made."""
        self._landed.append((landing, error, seqs))
        if self._is_called:
            return
        self._is_called = True
        if _running_loop() is self.loop:
            self.loop.call_soon(self._land)
        else:
            try:
                self.loop.call_soon_threadsafe(self._land)
            except RuntimeError:  # the loop has ended, and with it all who wait
                self._landed.clear()

    def _land(self) -> None:
        # In this order: what is put from here on calls again.
        self._is_called = False
        landed = self._landed
        while landed:
            landing, error, seqs = landed.popleft()
            landing.land(error, seqs)
