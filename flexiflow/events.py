"""Name the built-in events, and keep the latest of all events for those who look."""

from __future__ import annotations

import sys
import time as _time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, final

from ._event import Event
from ._listener import Listener
from ._scope import current

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BUILT_IN",
    "COMPONENT_REGISTERED",
    "HANDLER_FAILED",
    "MESSAGE_FAILED",
    "MESSAGE_HANDLED",
    "MESSAGE_RECEIVED",
    "STATE_CHANGED",
    "Event",
    "History",
    "Listener",
]

COMPONENT_REGISTERED: Final = "engine.component.registered"
"""A component was registered: ``{component}``."""
MESSAGE_RECEIVED: Final = "component.message.received"
"""A component begins to handle a message: ``{component, message}``."""
STATE_CHANGED: Final = "state.changed"
"""A step left or re-entered a state: ``{component, from_state, to_state}``."""
MESSAGE_HANDLED: Final = "component.message.handled"
"""A message came to its end: ``{component, message, status, state}``."""
MESSAGE_FAILED: Final = "component.message.failed"
"""A message could not be handled: ``{component, message, exception}``."""
HANDLER_FAILED: Final = "event.handler.failed"
"""A subscriber raised: ``{event_name, component_name, exception}``."""

_new: Final = object.__new__
_now: Final = _time.time

BUILT_IN: Final = frozenset(
    {
        COMPONENT_REGISTERED,
        HANDLER_FAILED,
        MESSAGE_FAILED,
        MESSAGE_HANDLED,
        MESSAGE_RECEIVED,
        STATE_CHANGED,
    }
)
"""The events that FlexiFlow itself announces, fire-and-forget."""


@final
class History:
    """The latest events of a bus, oldest first; a ring that counts what it let go.

    Parameters
    ----------
    size : int, default 10_000
        How many events are kept.
    """

    __slots__ = ("_armed", "_next_due", "_ring", "last_seq")

    last_seq: int
    """The number of the newest event; 0 before the first."""

    def __init__(self, size: int = 10_000) -> None:
        _check_size(size)
        self._ring: deque[Event] = deque(maxlen=size)
        self._armed: list[Listener] = []
        self._next_due = sys.maxsize
        self.last_seq = 0

    @property
    def size(self) -> int:
        """How many events are kept at most."""
        return self._ring.maxlen or 0

    @property
    def first_seq(self) -> int:
        """The number of the oldest event still held; ``last_seq + 1`` when none is."""
        return self.last_seq - len(self._ring) + 1

    @property
    def dropped(self) -> int:
        """How many events are no longer held."""
        return self.last_seq - len(self._ring)

    @property
    def listeners(self) -> int:
        """How many listeners are armed."""
        return len(self._armed)

    def __len__(self) -> int:
        return len(self._ring)

    def append(self, name: str, data: Any, component: str | None = None) -> Event:
        """Keep one event, letting the oldest go when full, and ring who listens.

        Parameters
        ----------
        name : str
            What happened.
        data : Any
            The payload; kept as it is, not copied.
        component : str, optional
            Whom it is about; left out: the component at work, if any.
        """
        self.last_seq = seq = self.last_seq + 1
        # As Event(...) does, without the call: each message makes three of them.
        event = _new(Event)
        event.seq = seq
        event.timestamp = _now()
        event.name = name
        event.data = data
        scope = current()
        if scope is None:
            event._cid = event.source = None  # noqa: SLF001 - the same module
        else:
            event._cid = scope.cid  # noqa: SLF001
            event.source = scope.sender
            if component is None:
                component = scope.component_name
        event.component = component
        self._ring.append(event)
        if seq >= self._next_due:
            self._ring_those_due()
        return event

    def after(self, seq: int = 0) -> list[Event]:
        """Return the events still held whose number is greater, oldest first.

        Parameters
        ----------
        seq : int, default 0
            The last number already seen. Cost: the number of events returned.
        """
        wanted = min(self.last_seq - seq, len(self._ring))
        if wanted <= 0:
            return []
        latest = list(islice(reversed(self._ring), wanted))
        latest.reverse()
        return latest

    def listen(self, callback: Callable[[], object]) -> Listener:
        """Return a listener, not yet armed; the callback takes no arguments.

        The callback runs on the bus's loop, inside the publish, and must be quick.
        """
        return Listener(self, callback)

    def expect(self, listener: Listener) -> None:
        """Ring a listener when the event comes that it is due at."""
        if listener not in self._armed:
            self._armed.append(listener)
        self._find_next_due()

    def forget(self, listener: Listener) -> None:
        """Ring a listener no more; harmless when it is not armed."""
        if listener in self._armed:
            self._armed.remove(listener)
            self._find_next_due()

    def _find_next_due(self) -> None:
        """Note when the next listener is due, so that most events ask nobody."""
        dues = [item.due for item in self._armed if item.due is not None]
        self._next_due = min(dues, default=sys.maxsize)

    def _ring_those_due(self) -> None:
        """Disarm and ring the listeners whose event has come."""
        now = self.last_seq
        due = [item for item in self._armed if item.due is None or item.due <= now]
        self._armed = [item for item in self._armed if item not in due]
        self._find_next_due()
        for item in due:
            item.due = None
            item.ring()

    def grow(self, size: int) -> None:
        """Keep at least ``size`` events from now on; never fewer than before."""
        _check_size(size)
        if size > self.size:
            self._ring = deque(self._ring, maxlen=size)

    def clear(self) -> None:
        """Let all events go; they count as dropped, and numbers go on."""
        self._ring.clear()


def _check_size(size: int) -> None:
    """Refuse a ring that could hold nothing."""
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
