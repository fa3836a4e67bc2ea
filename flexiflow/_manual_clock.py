"""A clock that is moved by hand, so that tests need not wait."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ManualClock"]


@final
class _ManualTimer:
    """A call of a manual clock; ordered by its instant, then by when it was asked."""

    __slots__ = ("args", "callback", "due", "order")

    def __init__(
        self, due: float, order: int, callback: Callable[..., object], args: Any
    ) -> None:
        self.due = due
        self.order = order
        self.callback: Callable[..., object] | None = callback
        self.args = args

    def __lt__(self, other: _ManualTimer) -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def cancel(self) -> None:
        """Forget the call."""
        self.callback = None
        self.args = ()


@final
class ManualClock:
    """A clock that stands still until it is told to go on; for tests.

    Parameters
    ----------
    start : float, default 0.0
        What :meth:`monotonic` says first, in seconds.
    epoch : float, default 1_700_000_000.0
        What :meth:`time` says first, in seconds since the epoch.
    """

    def __init__(self, start: float = 0.0, *, epoch: float = 1_700_000_000.0) -> None:
        self._now = start
        self._offset = epoch - start
        self._timers: list[_ManualTimer] = []
        self._order = count()

    def monotonic(self) -> float:
        """Return the seconds told so far, the start included."""
        return self._now

    def time(self) -> float:
        """Return the seconds since the epoch, moved with :meth:`monotonic`."""
        return self._now + self._offset

    @property
    def pending(self) -> int:
        """How many calls are still to come."""
        return sum(timer.callback is not None for timer in self._timers)

    def call_later(
        self, delay_s: float, callback: Callable[..., object], *args: Any
    ) -> _ManualTimer:
        """Call ``callback(*args)`` once the clock was moved ``delay_s`` seconds on."""
        due = self._now + max(0.0, delay_s)
        timer = _ManualTimer(due, next(self._order), callback, args)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Move the clock on, making each call that falls due, in order.

        Parameters
        ----------
        seconds : float
            How far; a call sees the instant at which it was due, and calls that it asks
            for are made too when they fall due within the same stretch.

        Raises
        ------
        ValueError
            If ``seconds`` is negative.
        """
        if seconds < 0:
            msg = f"seconds must not be negative, got {seconds}"
            raise ValueError(msg)
        end = self._now + seconds
        while self._timers and self._timers[0].due <= end:
            timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                self._now = max(self._now, timer.due)
                timer.callback(*timer.args)
        self._now = end
