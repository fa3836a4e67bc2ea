"""An event bus that remembers what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ..event_manager import AsyncEventManager

if TYPE_CHECKING:
    from ..events import Event, History

__all__ = ["RecordingBus"]

_LARGE = 1_000_000


@final
class RecordingBus(AsyncEventManager):
    """A bus that delivers as always, and keeps the events for tests to look at.

    Parameters
    ----------
    size : int, default 1,000,000
        The most events that are kept; the oldest go first.

    Examples
    --------
    >>> import asyncio
    >>> bus = RecordingBus()
    >>> asyncio.run(bus.publish("order.paid", {"sum": 3}))
    >>> bus.names, bus.payloads("order.paid")
    (['order.paid'], [{'sum': 3}])
    """

    def __init__(self, *, size: int = _LARGE) -> None:
        super().__init__()
        self._kept: History = self.keep_history(size)

    @property
    def events(self) -> list[Event]:
        """All events so far, the oldest first; the built-in ones too."""
        return self._kept.after(0)

    @property
    def names(self) -> list[str]:
        """The names of the events, the oldest first."""
        return [event.name for event in self.events]

    # Any: whatever was published.
    def payloads(self, name: str) -> list[Any]:
        """Return the data of all events of a name, the oldest first.

        Parameters
        ----------
        name : str
            The event's name.
        """
        return [event.data for event in self.events if event.name == name]

    def clear(self) -> None:
        """Forget the events so far."""
        self._kept.clear()
