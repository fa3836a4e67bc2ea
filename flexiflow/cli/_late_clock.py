"""Make up for the time between two calls: a clock that goes on where it stopped."""

from __future__ import annotations

import asyncio
import heapq
import time
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Self, final

from ..errors import PersistenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clock import TimerHandle
    from ..component import AsyncComponent
    from ..extras.persist_json import ComponentSnapshot
    from ..extras.store import SnapshotStore

__all__ = ["LateClock", "aged", "is_overdue"]


def _left(snapshot: ComponentSnapshot) -> tuple[float, list[float]]:
    """Return the seconds since a snapshot was taken, and what was left of what waits.

    Raises
    ------
    PersistenceError
        If the data of the snapshot are damaged.
    """
    data = snapshot.data or {}
    at = data.get("at")
    past_s = time.time() - at if isinstance(at, int | float) else 0.0
    try:
        left = [float(value) for value in (data.get("timers") or {}).values()]
        left += [float(one["left"]) for one in data.get("sends") or ()]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise PersistenceError(
            f"What '{snapshot.name}' waits for cannot be read.",
            why=f"{type(error).__name__}: {error}",
            fix="Begin anew: flexiflow register --reset",
            context={"component": snapshot.name},
        ) from error
    return max(0.0, past_s), left


def is_overdue(snapshot: ComponentSnapshot) -> bool:
    """Return whether timers or messages have fallen due since a snapshot."""
    past_s, left = _left(snapshot)
    return any(one <= past_s for one in left)


def aged(snapshot: ComponentSnapshot) -> ComponentSnapshot:
    """Return a snapshot as it would be if it were taken now; nothing is overdue."""
    past_s, left = _left(snapshot)
    if not left or snapshot.data is None:
        return snapshot
    data = {**snapshot.data, "at": time.time()}
    if "timers" in data:
        data["timers"] = {name: one - past_s for name, one in data["timers"].items()}
    if "sends" in data:
        data["sends"] = [{**one, "left": one["left"] - past_s} for one in data["sends"]]
    return replace(snapshot, data=data)


@final
class _Call:
    """A call that is still to come; by the machine's clock once that goes on."""

    __slots__ = ("action", "due", "live", "order")

    def __init__(self, due: float, order: int, action: Callable[[], object]) -> None:
        self.due = due
        self.order = order
        self.action: Callable[[], object] | None = action
        self.live: asyncio.TimerHandle | None = None

    def __lt__(self, other: _Call) -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def cancel(self) -> None:
        """Forget the call."""
        self.action = None
        if self.live is not None:
            self.live.cancel()


@final
class LateClock:
    """A clock that starts at an instant of the past and catches up with the present.

    Parameters
    ----------
    since : float, optional
        When it starts, in seconds since the epoch; now when left out, or when that is
        still to come, since the machine's clock was set back.
    """

    def __init__(self, since: float | None = None) -> None:
        now = time.time()
        # (a time that is no number is none that can be compared)
        is_past = since is not None and 0 <= since <= now
        self._epoch = since if since is not None and is_past else now
        self._late_s = now - self._epoch
        self._now = 0.0
        self._started: float | None = None
        self._calls: list[_Call] = []
        self._order = count()

    @classmethod
    def since_snapshot(cls, store: SnapshotStore, name: str) -> Self:
        """Return a clock that starts when a component was left, if it waits since.

        Raises
        ------
        PersistenceError
            If the snapshot is damaged, or the store cannot be read.
        """
        found = store.load_latest(name)
        at = None if found is None else (found.data or {}).get("at")
        return cls(float(at) if isinstance(at, int | float) else None)

    def monotonic(self) -> float:
        """Return the seconds since it started."""
        if self._started is None:
            return self._now
        return self._now + time.monotonic() - self._started

    def time(self) -> float:
        """Return the seconds since the epoch at which it stands."""
        return self._epoch + self.monotonic()

    def call_later(
        self, delay_s: float, callback: Callable[..., object], *args: Any
    ) -> TimerHandle:
        """Call ``callback(*args)`` after ``delay_s`` seconds of this clock."""
        due = self.monotonic() + max(0.0, delay_s)
        call = _Call(due, next(self._order), lambda: callback(*args))
        if self._started is None:
            heapq.heappush(self._calls, call)
        else:
            self._run_live(call)
        return call

    async def catch_up(self, component: AsyncComponent) -> None:
        """Make the calls that fell due meanwhile, in order, then go with the present.

        Parameters
        ----------
        component : AsyncComponent
            Whose calls they are; each is handled to its end before the next is made,
            so that what it begins is counted from the instant at which it was due.
        """
        await component.idle()
        while self._calls and self._calls[0].due <= self._late_s:
            call = heapq.heappop(self._calls)
            self._now = max(self._now, call.due)
            if call.action is not None:
                call.action()
                await component.idle()
        self._now = self._late_s
        self._started = time.monotonic()
        calls, self._calls = self._calls, []
        for call in sorted(calls):
            self._run_live(call)

    def _run_live(self, call: _Call) -> None:
        if call.action is not None:
            delay_s = max(0.0, call.due - self.monotonic())
            call.live = asyncio.get_running_loop().call_later(delay_s, call.action)
