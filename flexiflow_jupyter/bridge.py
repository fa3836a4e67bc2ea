"""Feed a page from the bus's history: in batches, at its pace, nothing uncounted."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final, final

from .event_rows import row_of
from .protocol import EventBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexiflow.events import Event, History

    from .loop import LoopHop

__all__ = ["EventFeed", "Pulse"]

_INTERVAL_S: Final = 1 / 30
"""Seconds between two updates of a page; what it draws no oftener than that."""

_REST: Final = 4
"""How much longer a pause is than the work before it."""

_CLOSE: Final = 8
"""The part of an interval after which a second time may follow a first."""

_COSTS: Final = 3
"""How many times of work are looked at: the quickest of them counts."""

_BATCH_ROWS: Final = 500
_MOST_UNACKED: Final = 2
_MOST_KEPT: Final = 5_000
"""Rows that wait for a slow page; the newest are kept."""


@final
class Pulse:
    """Do work when it is asked for: the first time at once, then 30 times a second.

    After a rest two times follow each other closely: a message that comes to its end
    soon after it was begun is seen to end without the wait of a whole interval.
    Work that always takes long (a large chart, slow guards) is done less often, so that
    it has a fifth of the loop's time at most; one slow time changes nothing.

    Parameters
    ----------
    hop : LoopHop
        Where the work runs.
    work : callable
        What to do; called with no arguments on the loop.
    """

    def __init__(self, hop: LoopHop, work: Callable[[], object]) -> None:
        self._hop = hop
        self._work = work
        self._is_planned = False
        self._is_closed = False
        self._ends: deque[float] = deque([float("-inf")] * 2, maxlen=2)
        self._costs: deque[float] = deque([0.0], maxlen=_COSTS)

    @property
    def is_planned(self) -> bool:
        """Whether work is asked for and still to be done."""
        return self._is_planned

    def request(self) -> None:
        """Ask for the work; harmless when it is asked for already. From any thread."""
        if not self._is_planned and not self._is_closed:
            self._is_planned = True
            self._hop.call(self._plan)

    def close(self) -> None:
        """Do no work any more; idempotent."""
        self._is_closed = True

    def _plan(self) -> None:
        """Work now, or when the last time and the one before it are long enough ago."""
        pause = max(_INTERVAL_S, _REST * min(self._costs))
        before, last = self._ends
        wait = max(before + 2 * pause, last + pause / _CLOSE) - time.monotonic()
        if wait > 0:
            self._hop.call_later(wait, self._run)
        else:
            self._run()

    def _run(self) -> None:
        """Do the work; what is asked for meanwhile is planned anew."""
        self._is_planned = False
        if self._is_closed:
            return
        begun = time.monotonic()
        try:
            self._work()
        finally:
            self._ends.append(time.monotonic())
            self._costs.append(self._ends[-1] - begun)


@final
class EventFeed:
    """The rows of one table on a page, read from a history.

    Parameters
    ----------
    history : History
        The bus's ring of events.
    component : str, optional
        Whose events to show; left out: all.

    Notes
    -----
    ``published`` of a batch counts the stream's events up to its last row, and
    ``dropped`` those that the page never gets: rows sent + dropped = published.
    """

    def __init__(self, history: History, component: str | None = None) -> None:
        self._history = history
        self._component = component
        self._cursor = history.first_seq - 1
        self._waiting: deque[Event] = deque()
        self._sent = 0
        # What the ring let go before is known to be ours only when all is.
        self._dropped = history.dropped if component is None else 0
        self._batch = 0
        self._unacked: set[int] = set()
        self._is_wanted = False
        self._is_fresh = False

    @property
    def is_counting(self) -> bool:
        """Whether events must be read before the ring lets them go, to be counted."""
        return self._component is not None

    @property
    def is_behind(self) -> bool:
        """Whether a whole batch waits: then the page sets the pace, not the clock."""
        return len(self._waiting) >= _BATCH_ROWS

    @property
    def has_waiting(self) -> bool:
        """Whether rows wait for the page."""
        return bool(self._waiting)

    @property
    def published(self) -> int:
        """How many events of this stream are known of."""
        return self._sent + self._dropped + len(self._waiting)

    def read(self) -> list[Event]:
        """Take what is new from the history, and return what of it belongs here."""
        events = self._history.after(self._cursor)
        lost = self._history.last_seq - self._cursor - len(events)
        self._cursor = self._history.last_seq
        mine = self._mine_of(events)
        self._dropped += lost
        self._waiting.extend(mine)
        self._let_go()
        return mine

    def latest(self, count: int = 12) -> list[Event]:
        """Return the newest events of the stream that are held, oldest first."""
        return self._mine_of(self._history.after(0))[-count:]

    def need(self, since: int | None) -> None:
        """Begin a table on the page: all that is held, or what came after a number.

        Parameters
        ----------
        since : int or None
            The last number that the page has; None or 0 when its table is empty.
        """
        self.read()
        known = self.published
        after = since or 0
        held = self._mine_of(self._history.after(after))
        had = self._sent if after else 0
        self._waiting = deque(held)
        self._sent = min(had, known - len(held))
        self._dropped = known - self._sent - len(held)
        self._let_go()
        self._unacked.clear()
        self._is_wanted = self._is_fresh = True

    def ack(self, batch: int) -> None:
        """Note that the page has drawn a batch; one it never got is ignored."""
        self._unacked.discard(batch)

    def next_batch(self) -> EventBatch | None:
        """Return what to send now, or None: nothing new, or the page is behind."""
        if not self._is_wanted or len(self._unacked) >= _MOST_UNACKED:
            return None
        if not self._waiting and not self._is_fresh:
            return None
        rows = [
            row_of(self._waiting.popleft())
            for _ in range(min(_BATCH_ROWS, len(self._waiting)))
        ]
        self._sent += len(rows)
        self._batch += 1
        self._unacked.add(self._batch)
        kind, self._is_fresh = "snapshot" if self._is_fresh else "events", False
        return EventBatch(
            kind="snapshot" if kind == "snapshot" else "events",
            batch=self._batch,
            events=rows,
            published=self._sent + self._dropped,
            dropped=self._dropped,
        )

    def _mine_of(self, events: list[Event]) -> list[Event]:
        """Return the events that belong to the stream; a few ns for each."""
        name = self._component
        if name is None:
            return events
        return [
            event
            for event in events
            if event.component == name
            or (type(event.data) is dict and event.data.get("component") == name)
        ]

    def _let_go(self) -> None:
        """Keep the newest rows for a slow page, and count the others."""
        excess = len(self._waiting) - _MOST_KEPT
        for _ in range(excess):
            self._waiting.popleft()
        self._dropped += max(0, excess)
