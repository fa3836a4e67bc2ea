"""Tell the time and call back later: the system's clock, and one moved by hand."""

from __future__ import annotations

import asyncio
import heapq
import time
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "ManualClock", "SystemClock", "TimerHandle"]


class TimerHandle(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Forget the call; harmless when it has been made or cancelled."""


class Clock(Protocol):
    """What timers, delays and time stamps are read from."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""

    def time(self) -> float:
        """Return the seconds since the epoch, UTC."""

    def call_later(
        self, delay_s: float, callback: Callable[..., object], *args: Any
    ) -> TimerHandle:
        """Call ``callback(*args)`` after ``delay_s`` seconds."""


@final
class SystemClock:
    """The machine's clock; callbacks run on the running event loop."""

    __slots__ = ()

    def monotonic(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    def time(self) -> float:
        """Return ``time.time()``."""
        return time.time()

    def call_later(
        self, delay_s: float, callback: Callable[..., object], *args: Any
    ) -> TimerHandle:
        """Call ``callback(*args)`` after ``delay_s`` seconds.

        Raises
        ------
        RuntimeError
            If no event loop runs in this thread.
        """
        loop = asyncio.get_running_loop()
        return loop.call_later(max(0.0, delay_s), callback, *args)


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
    ) -> TimerHandle:
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
