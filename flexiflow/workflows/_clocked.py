"""Wait, and end what takes too long, by the clock of the runtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, final

from ..clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ..clock import Clock, TimerHandle

__all__ = ["TimeLimit", "pause_until"]


def _call_later(
    clock: Clock,
    loop: asyncio.AbstractEventLoop,
    delay: float,
    callback: Callable[[], object],
) -> TimerHandle:
    """Call back in a loop, whichever thread the clock is moved in."""
    if isinstance(clock, SystemClock):
        return loop.call_later(max(0.0, delay), callback)
    return clock.call_later(delay, loop.call_soon_threadsafe, callback)


async def pause_until(
    clock: Clock, loop: asyncio.AbstractEventLoop, due: float
) -> None:
    """Wait until an instant, in seconds since the epoch."""
    delay = due - clock.time()
    if delay <= 0:
        return
    end: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not end.done():
            end.set_result(None)

    timer = _call_later(clock, loop, delay, wake)
    try:
        await end
    finally:
        timer.cancel()


@final
class TimeLimit:
    """Cancels what is awaited within it once its time is over.

    Parameters
    ----------
    clock : Clock
        What the time is measured by.
    seconds : float
        How long it may take.

    Raises
    ------
    TimeLimit.Over
        From the block, when it took longer.
    """

    __slots__ = (
        "_began",
        "_cancels",
        "_clock",
        "_is_left",
        "_is_over",
        "_seconds",
        "_task",
        "_timer",
    )

    class Over(Exception):  # noqa: N818 - reads as it is raised
        """It took too long."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._is_over = False
        self._is_left = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is awaited in a task
        self._task = task
        self._cancels = task.cancelling()
        self._began = self._clock.monotonic()
        self._timer = _call_later(
            self._clock, asyncio.get_running_loop(), self._seconds, self._stop
        )

    def _stop(self) -> None:
        if not self._is_left:
            self._is_over = True
            self._task.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._is_left = True  # a clock of another thread may have called already
        if not self._is_over:
            # What never let go of the loop is not stopped, but late all the same.
            late = self._clock.monotonic() - self._began >= self._seconds
            if late and error is None:
                raise TimeLimit.Over
            return
        is_ours = self._task.uncancel() <= self._cancels
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeLimit.Over from error
