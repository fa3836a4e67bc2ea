"""Tell the time and call back later: the system's clock, and one moved by hand."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol, final

from ._manual_clock import ManualClock

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
