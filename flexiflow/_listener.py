"""Wake a reader of events when there is something to read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Listener"]

_log: Final = logging.getLogger(__name__)


class Ring(Protocol):
    """What a listener listens to."""

    last_seq: int

    def expect(self, listener: Listener) -> None:
        """Ring a listener when its event is due."""

    def forget(self, listener: Listener) -> None:
        """Ring it no more."""


@final
class Listener:
    """A wake-up call for a reader of a history: armed by the reader, rung once."""

    __slots__ = ("_callback", "_history", "due")

    due: int | None
    """The number of the event at which it rings; None while it is not armed."""

    def __init__(self, history: Ring, callback: Callable[[], object]) -> None:
        self._history: Ring | None = history
        self._callback = callback
        self.due = None

    def arm(self, after: int = 1) -> None:
        """Ring once, at the ``after``-th event from now; arming again replaces.

        Parameters
        ----------
        after : int, default 1
            At least 1. Until then the publisher pays one comparison of integers.
        """
        if self._history is not None:
            self.due = self._history.last_seq + after
            self._history.expect(self)

    def close(self) -> None:
        """Never ring again; idempotent."""
        history, self._history = self._history, None
        self.due = None
        if history is not None:
            history.forget(self)

    def ring(self) -> None:
        """Call back; an error is logged and goes no further."""
        try:
            self._callback()
        except Exception:  # noqa: BLE001 - a reader's error is not the publisher's
            _log.exception("A listener of the event history failed")
