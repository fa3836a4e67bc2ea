"""Hold what happened on a bus, once: an event."""

from __future__ import annotations

import time as _time
from datetime import UTC, datetime
from typing import Any, final

from ._scope import current, id_text

__all__ = ["Event"]


@final
class Event:
    """One fact that was announced; never mutated."""

    __slots__ = ("_cid", "component", "data", "name", "seq", "source", "timestamp")

    seq: int
    """Its number on this bus, from 1, without gaps."""
    timestamp: float
    """When, in seconds since the epoch."""
    name: str
    """What happened."""
    data: Any
    """The payload, as it was published; Any because it is the publisher's."""
    component: str | None
    """The component it is about, or None."""
    source: str | None
    """Who sent the message that was received; None: outside, or no such event."""

    def __init__(
        self, seq: int, name: str, data: Any = None, *, component: str | None = None
    ) -> None:
        self.seq = seq
        self.timestamp = _time.time()
        self.name = name
        self.data = data
        scope = current()
        if scope is None:
            self._cid: int | str | None = None
            self.source = None
        else:
            self._cid = scope.cid
            self.source = scope.sender
            if component is None:
                component = scope.component_name
        self.component = component

    @property
    def time(self) -> datetime:
        """When, an aware UTC instant."""
        return datetime.fromtimestamp(self.timestamp, UTC)

    @property
    def correlation_id(self) -> str | None:
        """The id of the message on whose behalf it was announced, or None."""
        return None if self._cid is None else id_text(self._cid)

    def __repr__(self) -> str:
        return f"<Event {self.seq} {self.name} component={self.component!r}>"
