"""Feed a page with what goes to and fro in an engine, at the page's pace."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

from flexiflow.events import MESSAGE_FAILED, MESSAGE_RECEIVED, Event

from .rows import row_of_event, row_of_letter
from .shapes import FlowBatch

if TYPE_CHECKING:
    from flexiflow.event_manager import AsyncEventManager, DeadLetter

    from .shapes import FlowRow

__all__ = ["FlowFeed"]

_MOST_WAITING: Final = 1_000
"""Rows that wait for a page, which keeps as many; the newest."""

_BATCH_ROWS: Final = 100
"""Rows of one batch: faster than about 3,000 a second nobody looks at each."""

_FIRST_ROWS: Final = 500
_MOST_UNACKED: Final = 2


@final
class FlowFeed:
    """The rows of one engine on their way to a page.

    Parameters
    ----------
    bus : AsyncEventManager
        The engine's bus; its history is kept.

    Notes
    -----
    Each event is one row, and each message that reached nobody another one. What the
    page does not get is counted: rows sent + left out = published.
    """

    def __init__(self, bus: AsyncEventManager) -> None:
        self._bus = bus
        self._history = bus.keep_history()
        self._cursor = self._history.first_seq - 1
        self._letter = 0
        self._waiting: deque[Event | DeadLetter] = deque(maxlen=_MOST_WAITING)
        self._published = self._cursor
        self._messages = 0
        self._batch = 0
        self._unacked: set[int] = set()
        self._is_wanted = False
        self._is_fresh = False
        self._known: tuple[int, dict[int, str]] = (0, {})

    @property
    def has_waiting(self) -> bool:
        """Whether rows wait that the page can take now."""
        can_take = self._is_wanted and len(self._unacked) < _MOST_UNACKED
        return can_take and bool(self._waiting)

    def read(self) -> None:
        """Take what is new from the history, and of the letters what is not there."""
        events = self._history.after(self._cursor)
        self._published += self._history.last_seq - self._cursor
        self._cursor = self._history.last_seq
        self._messages += sum(event.name == MESSAGE_RECEIVED for event in events)
        self._waiting.extend(self._merged(events, self._new_letters()))

    def latest(self, count: int) -> list[FlowRow]:
        """Return the newest rows that are held, oldest first."""
        return [self._row(item) for item in self._held()[-count:]]

    def need(self) -> None:
        """Begin anew on the page, with what is held."""
        self.read()
        self._waiting.clear()
        self._waiting.extend(self._held())
        self._unacked.clear()
        self._is_wanted = self._is_fresh = True

    def ack(self, batch: int) -> None:
        """Note that the page has drawn a batch; one it never got is ignored."""
        self._unacked.discard(batch)

    def next_batch(self) -> FlowBatch | None:
        """Return what to send now, or None: nothing new, or the page is behind."""
        if not self._is_wanted or len(self._unacked) >= _MOST_UNACKED:
            return None
        if not self._waiting and not self._is_fresh:
            return None
        most = _FIRST_ROWS if self._is_fresh else _BATCH_ROWS
        rows = [
            self._row(self._waiting.popleft())
            for _ in range(min(most, len(self._waiting)))
        ]
        self._batch += 1
        self._unacked.add(self._batch)
        reset, self._is_fresh = self._is_fresh, False
        return FlowBatch(
            kind="flow",
            batch=self._batch,
            rows=rows,
            reset=reset,
            published=self._published - len(self._waiting),
            messages=self._messages,
        )

    def _row(self, item: Event | DeadLetter) -> FlowRow:
        if not isinstance(item, Event):
            return row_of_letter(item)
        row = row_of_event(item, self._bus)
        if item.name == MESSAGE_FAILED and item.seq in (errors := self._errors()):
            return (*row[:-1], errors[item.seq])  # in the words of the user's code
        return row

    def _errors(self) -> dict[int, str]:
        """Return what was raised, by the number of the event that tells of it."""
        letters = self._bus.dead_letters
        if letters is not None and letters.last_number != self._known[0]:
            found = {one.seq: one.error for one in letters.after(0)}
            self._known = (letters.last_number, found)
        return self._known[1]

    def _new_letters(self) -> list[DeadLetter]:
        """Return the letters that no event tells of, since it was asked last."""
        letters = self._bus.dead_letters
        if letters is None or letters.last_number == self._letter:
            return []
        found = [one for one in letters.after(self._letter) if self._is_untold(one)]
        self._letter = letters.last_number
        self._published += len(found)
        return found

    def _is_untold(self, letter: DeadLetter) -> bool:
        """Tell whether no event says that the message failed: nobody received it."""
        event = next(iter(self._history.after(letter.seq - 1)), None)
        if event is None or event.seq != letter.seq or event.name != MESSAGE_FAILED:
            return True
        return event.data.get("message") is not letter.message

    def _held(self) -> list[Event | DeadLetter]:
        """Return the newest of all that is held."""
        events = self._history.after(self._history.last_seq - _MOST_WAITING)
        letters = self._bus.dead_letters
        first = events[0].seq if events else 0
        untold = [
            one
            for one in ([] if letters is None else letters.after(0))
            if one.seq >= first - 1 and self._is_untold(one)
        ]
        return self._merged(events, untold)[-_MOST_WAITING:]

    def _merged(
        self, events: list[Event], letters: list[DeadLetter]
    ) -> list[Event | DeadLetter]:
        """Put letters among events, each after the last event before it."""
        if not letters:
            return list(events)
        merged: list[Event | DeadLetter] = [*events, *letters]
        merged.sort(key=lambda one: (one.seq, not isinstance(one, Event)))
        return merged
