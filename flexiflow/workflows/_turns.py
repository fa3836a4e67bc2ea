"""Let results come back in the order in which they came the first time.

Branches that run side by side may share what they find: a list they append to, the
sets of ``asyncio.wait``, the queue of ``as_completed``. In a replay all results are
there at once, and the branches would meet in another order. So a known result is handed
out when its turn has come: after those that came before it, and after all steps that
had been called before it have been called again. And whenever there are branches, in
the first run as in each replay, one result is handed out at a time, and the body is
given some turns of the loop to do what it does about it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

from .errors import NonDeterminismError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from .replay import Known, Recorded

__all__ = ["Turns"]

_PATIENCE: Final = 10.0
"""Seconds without progress after which a replay is looked at; it is refused when it has
taken three times as long as the whole first run besides."""

_HOPS: Final = 6
"""Turns of the loop between two results: ``gather`` in ``gather`` needs five."""


@final
class Turns:
    """The order in which a body gets to see the ends of its steps.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Where the body runs.
    recorded : Recorded
        What is known.
    branches : mapping
        Not empty as long as several tasks of the body run side by side.
    stuck : callable
        Called with an error when the replay cannot go on.
    """

    __slots__ = (
        "_branches",
        "_early",
        "_is_shut",
        "_is_void",
        "_loop",
        "_over",
        "_queue",
        "_recorded",
        "_skipped",
        "_stuck",
        "_timer",
        "_waiting",
        "begun",
        "now",
        "seen",
        "total",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        recorded: Recorded,
        branches: Mapping[asyncio.Task[object], object],
        *,
        stuck: Callable[[NonDeterminismError], object],
    ) -> None:
        self._loop = loop
        self._recorded = recorded
        self._branches = branches
        self._stuck = stuck
        self.now = 1
        """Whose turn it is."""
        self.begun = 0
        """How many of the steps called the first time have been called, in order."""
        self.seen = 0
        """How many ends the body has seen."""
        self.total = recorded.turns
        """How many ends are known."""
        self._skipped: set[int] = set()
        self._early: set[int] = set()
        self._waiting: dict[int, tuple[asyncio.Future[None], Known]] = {}
        self._queue: deque[asyncio.Future[None]] = deque()
        self._over: list[asyncio.Future[None]] = []
        self._is_shut = False
        self._is_void = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether all that is known has been handed out."""
        return self.now > self.total or self._is_void

    def let_go(self) -> None:
        """Hold nobody who could be told."""
        self._stuck = _ignore

    def void(self) -> None:
        """Go by no order any more: the body is about to take another way."""
        self._is_void = True
        for waiter, _ in tuple(self._waiting.values()):
            if not waiter.done():
                waiter.set_result(None)
        self._wake_all()

    # --- what is known ----------------------------------------------------------------

    def begin(self, start: int) -> None:
        """Hear that a step was called again."""
        if start != self.begun:
            if start > self.begun:
                self._early.add(start)
            return
        self.begun += 1
        while self.begun in self._early:
            self._early.discard(self.begun)
            self.begun += 1
        if self._waiting:
            self._wake()

    def take(self, known: Known) -> bool:
        """Hand out a known end if it is due; False when it has to wait."""
        _, turn, start, _ = known
        if start < 0:
            return True
        if start == self.begun and not self._early and not self._waiting:
            self.begun = start + 1
        else:
            self.begin(start)
        if not turn:
            return True
        if not self.is_due(known):
            return False
        self.seen += 1
        if self._branches or self._waiting or self._over or self._skipped:
            self.pass_on(turn)
        else:
            self.now = turn + 1
        return True

    def is_due(self, known: Known) -> bool:
        """Return whether a known end may be handed out now."""
        if known[1] != self.now or known[3] > self.begun:
            return self._is_void
        return not self._is_shut

    def pass_on(self, turn: int) -> None:
        """Let the next one have its turn."""
        if turn != self.now:
            self._skipped.add(turn)
            return
        self.now += 1
        while self.now in self._skipped:
            self._skipped.discard(self.now)
            self.now += 1
        if self._branches:
            self._shut()
        if self._waiting:
            self._wake()
        if self._over and self.is_over:
            self._wake_all()

    async def wait(self, known: Known) -> None:
        """Wait until a known end is due, and hand it out."""
        turn = known[1]
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting[turn] = (waiter, known)
        self._watch()
        try:
            while not self.is_due(known):
                await waiter
                waiter = self._loop.create_future()
                self._waiting[turn] = (waiter, known)
            self.seen += 1
        finally:
            del self._waiting[turn]
            self._watch()
            self.pass_on(turn)  # when it is cancelled too: others must not wait for it

    def _watch(self) -> None:
        """Look after those who wait, as long as there are any."""
        is_needed = bool(self._waiting or self._over)
        if is_needed and self._timer is None:
            self._timer = self._loop.call_later(_PATIENCE, self._look)
        elif not is_needed and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        """Wake who waits and is due."""
        found = self._waiting.get(self.now)
        if found is not None and not found[0].done() and self.is_due(found[1]):
            found[0].set_result(None)

    def _look(self) -> None:
        """Give up when the replay has long taken longer than the first run."""
        more = 3 * self._recorded.busy_s()
        self._timer = self._loop.call_later(more, self._give_up, self.now)

    def _give_up(self, before: int) -> None:
        if self.now != before:
            self._look()
            return
        self._timer = None
        keys = [known[0].key for _, known in self._waiting.values()]
        waits = ", ".join(keys) or "its end"
        error = NonDeterminismError(
            "The replay waits for a step that the body does not call any more",
            why=f"Before the steps at {waits} came back in the first run, another one "
            "was called or came back, and has not been called this time.",
            fix="Let the body take the same way each time: by its input and by the "
            "results of steps alone.",
        )
        self._stuck(error)
        for waiter in (*(one for one, _ in self._waiting.values()), *self._over):
            if not waiter.done():
                waiter.set_exception(error)

    # --- what is new ------------------------------------------------------------------

    async def over(self) -> None:
        """Wait until all that is known has been handed out: what is new comes later."""
        while not self.is_over:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._over.append(waiter)
            self._watch()
            try:
                await waiter
            finally:
                if waiter in self._over:
                    self._over.remove(waiter)
                self._watch()

    def _wake_all(self) -> None:
        waiters, self._over = self._over, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def hand_out(self, waiter: asyncio.Future[None]) -> None:
        """Let a step have its end, by itself when there are branches."""
        if self._is_shut:
            self._queue.append(waiter)
        elif not waiter.done():
            waiter.set_result(None)
            if self._branches:
                self._shut()

    def _shut(self) -> None:
        """Hand out nothing for some turns of the loop."""
        if not self._is_shut:
            self._is_shut = True
            self._loop.call_soon(self._hop, _HOPS)

    def _hop(self, hops: int) -> None:
        if hops:
            self._loop.call_soon(self._hop, hops - 1)
            return
        self._is_shut = False
        self._wake()
        while self._queue and not self._is_shut:
            self.hand_out(self._queue.popleft())


def _ignore(_: object) -> None:
    """Stand for whoever could be told."""
