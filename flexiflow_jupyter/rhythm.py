"""Do work when it is asked for, at most once in a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .loop import LoopHop

__all__ = ["Rhythm"]


@final
class Rhythm:
    """Works on a loop: at once after a rest, else when the interval has gone by.

    Parameters
    ----------
    hop : LoopHop
        Where the work runs.
    work : callable
        What to do; called with no arguments on the loop.
    interval_s : float
        Seconds between two times, above 0.
    """

    def __init__(
        self, hop: LoopHop, work: Callable[[], object], *, interval_s: float
    ) -> None:
        self._hop = hop
        self._work = work
        self._interval_s = interval_s
        self._timer: asyncio.TimerHandle | None = None
        self._last = float("-inf")
        self._is_open = True

    def request(self) -> None:
        """Ask for the work; several requests are one. From any thread."""
        if self._is_open:
            self._hop.call(self._plan)

    def work_now(self) -> None:
        """Do the work at once, planned or not; on the loop's thread."""
        if not self._is_open:
            return
        self._drop_timer()
        self._last = time.monotonic()
        self._work()

    def note(self) -> None:
        """Take the work as just done."""
        self._last = time.monotonic()

    def close(self) -> None:
        """Do no work any more; idempotent."""
        self._is_open = False
        self._drop_timer()

    def _plan(self) -> None:
        """Work when the interval has gone by since the last time."""
        if self._is_open and self._timer is None:
            wait = self._last + self._interval_s - time.monotonic()
            self._timer = self._hop.call_later(max(0.0, wait), self.work_now)

    def _drop_timer(self) -> None:
        """Forget what is planned."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
