"""``/events``: follow what happens, as server-sent events that can be resumed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from .._http.answers import ErrorAnswer
from .._http.sse import KEEP_ALIVE_S, STREAM_HEADERS, frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..events import Event, History

__all__ = ["follow_events", "router"]

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The stream", "content": {"text/event-stream": {}}},
        422: {"model": ErrorAnswer, "description": "The request is not valid"},
    },
)
async def follow_events(  # noqa: PLR0917 - the framework passes them by name
    request: Request,
    component: Annotated[
        str | None, Query(description="Only what is about this component")
    ] = None,
    since: Annotated[
        int | None, Query(ge=0, description="Begin after this number; 0: all held")
    ] = None,
    limit: Annotated[
        int | None, Query(ge=1, description="End after so many events")
    ] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Stream events as they happen.

    Each has its number as ``id``, its name as ``event`` and JSON as ``data``:
    ``seq``, ``time``, ``name``, ``component``, ``correlation_id``, ``data``. A client
    that comes back with ``Last-Event-ID`` gets what it has missed. When that is no
    longer held, an event ``flexiflow.gap`` tells how many events are gone.
    """
    history: History = request.app.state.engine.event_bus.keep_history()
    start = history.last_seq if since is None else since
    if last_event_id is not None and last_event_id.isascii():
        start = int(last_event_id) if last_event_id.isdigit() else start
    if start > history.last_seq:  # numbered by a server that has been restarted
        start = 0
    stream = _Stream(history, start, component, limit)
    return StreamingResponse(
        stream.lines(),
        media_type="text/event-stream",
        headers=STREAM_HEADERS,
    )


class _Stream:
    """One client's place in the history; it holds no events of its own."""

    def __init__(
        self, history: History, start: int, component: str | None, limit: int | None
    ) -> None:
        self._history = history
        self._seen = start
        self._component = component
        self._left = limit

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the stream; what the client is too slow for is counted, not kept."""
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()  # the engine's may be another
        listener = self._history.listen(lambda: loop.call_soon_threadsafe(woken.set))
        try:
            yield b": FlexiFlow events\n\n"
            while True:
                woken.clear()
                listener.arm()
                for text in self._fresh():
                    yield text
                if self._left == 0:
                    return
                if self._history.last_seq > self._seen:
                    continue
                try:
                    await asyncio.wait_for(woken.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            listener.close()

    def _fresh(self) -> list[bytes]:
        """Return what has happened since it was looked last, as text of the stream."""
        found = self._history.after(self._seen)
        texts = []
        missed = self._history.last_seq - self._seen - len(found)
        if missed > 0:
            texts.append(frame(None, "flexiflow.gap", {"missed": missed}))
        if self._left is not None:
            found = self._wanted(found)[: self._left]
            self._left -= len(found)
        self._seen = self._history.last_seq
        return texts + [_told(event) for event in self._wanted(found)]

    def _wanted(self, found: list[Event]) -> list[Event]:
        if self._component is None:
            return found
        return [event for event in found if event.component == self._component]


def _told(event: Event) -> bytes:
    """Return an event as text of the stream."""
    facts = {
        "seq": event.seq,
        "time": event.time.isoformat(),
        "name": event.name,
        "component": event.component,
        "correlation_id": event.correlation_id,
        "data": event.data,
    }
    return frame(event.seq, event.name, facts)
