"""Let what is known come back in the order in which it came the first time.

Branches that run side by side may share what they find: a list they append to, the
queue of ``as_completed``. In a replay all results are there at once, and the branches
would meet in another order. So a known result is handed out when its turn has come.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from .errors import NonDeterminismError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Turns"]

_PATIENCE: Final = 30.0
"""Seconds without any progress after which a replay is taken to be stuck."""


@final
class Turns:
    """The order in which the known ends of steps are handed out.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where the body runs.
    total : int
        How many ends are known.
    stuck : callable
        Called with an error when the replay cannot go on.
    """

    __slots__ = ("_loop", "_skipped", "_stuck", "_timer", "now", "total", "waiting")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        total: int,
        stuck: Callable[[NonDeterminismError], object],
    ) -> None:
        self._loop = loop
        self._stuck = stuck
        self._skipped: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.now = 1
        """Whose turn it is."""
        self.total = total
        self.waiting: dict[int, tuple[asyncio.Future[None], str]] = {}
        """Who waits, with the key of the step."""

    @property
    def is_over(self) -> bool:
        """Whether all that is known has been handed out."""
        return self.now > self.total

    def pass_on(self, turn: int) -> None:
        """Let the next one have its turn."""
        if turn != self.now:
            self._skipped.add(turn)
            return
        self.now += 1
        while self.now in self._skipped:
            self._skipped.discard(self.now)
            self.now += 1
        if self.waiting:
            waiting = self.waiting.get(self.now)
            if waiting is not None and not waiting[0].done():
                waiting[0].set_result(None)

    async def wait(self, turn: int, key: str) -> None:
        """Wait for a turn."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self.waiting[turn] = (waiter, key)
        if self._timer is None:
            self._timer = self._loop.call_later(_PATIENCE, self._look, self.now)
        try:
            await waiter
        except asyncio.CancelledError:
            self.pass_on(turn)
            raise
        finally:
            del self.waiting[turn]
            if not self.waiting and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look(self, before: int) -> None:
        """Give up when nothing has happened for long."""
        if self.now != before:
            self._timer = self._loop.call_later(_PATIENCE, self._look, self.now)
            return
        self._timer = None
        waits = ", ".join(key for _, key in self.waiting.values())
        error = NonDeterminismError(
            "The replay waits for a step that the body does not call any more",
            why=f"Before the steps at {waits} came back in the first run, another one "
            "did, which has not been called this time.",
            fix="Let the body take the same way each time: by its input and by the "
            "results of steps alone.",
        )
        for waiter, _ in tuple(self.waiting.values()):
            if not waiter.done():
                waiter.set_exception(error)
        self._stuck(error)
