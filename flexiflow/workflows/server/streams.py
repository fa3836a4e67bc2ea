"""Tell what happens in executions as server-sent events that can be resumed."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import StreamingResponse

from ..._http.sse import KEEP_ALIVE_S, STREAM_HEADERS, frame
from .._stored_data import ENDED, event_data, is_event, moment, value_data
from .._telling import event_name
from .news import AT_REST

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection

    from ..journal import Record
    from .news import News

__all__ = ["event_stream", "told"]

_TOLD: Final = {
    "WORKFLOW_STARTED": "RUNNING",
    "WORKFLOW_RESUMED": "RUNNING",
    "WORKFLOW_PAUSED": "PAUSED",
    "WORKFLOW_COMPLETED": "COMPLETED",
    "WORKFLOW_FAILED": "FAILED",
    "WORKFLOW_CANCELLED": "CANCELLED",
}
"""What everybody is told of, and the state it leads to."""


def event_stream(
    news: News,
    execution_id: str | None,
    after: int = 0,
    *,
    detailed: bool = False,
    as_stored: bool = False,
    is_old: bool = True,
    stops: Collection[str] = AT_REST,
) -> StreamingResponse:
    """Return the answer that tells of an execution until it ends or pauses.

    Parameters
    ----------
    news : News
        Hears of what happens.
    execution_id : str, optional
        Whose events; all, without an end, when left out.
    after : int
        The number of the last event that the client knows.
    detailed : bool, default False
        Whether tasks are told of as well.
    as_stored : bool, default False
        Whether values are as the journal has them.
    is_old : bool, default True
        Whether a stop that the client knows of ends the stream.
    stops : collection of str
        The states with which it ends.
    """
    headers = dict(STREAM_HEADERS)
    if execution_id is not None:
        headers["X-Execution-Id"] = execution_id
    return StreamingResponse(
        _lines(
            news.follow(execution_id, after, is_old=is_old, stops=stops),
            detailed=detailed,
            as_stored=as_stored,
        ),
        media_type="text/event-stream",
        headers=headers,
    )


async def _lines(
    batches: AsyncGenerator[list[Record]], *, detailed: bool, as_stored: bool
) -> AsyncIterator[bytes]:
    """Yield the text of the stream."""
    yield b": FlexiFlow events\n\n"
    last = time.monotonic()
    async with aclosing(batches):
        async for records in batches:
            found = (
                told(record, detailed=detailed, as_stored=as_stored)
                for record in records
            )
            text = b"".join(filter(None, found))
            if not text and time.monotonic() - last < KEEP_ALIVE_S:
                continue
            last = time.monotonic()
            yield text or b": still here\n\n"


def told(
    record: Record, *, detailed: bool = False, as_stored: bool = False
) -> bytes | None:
    """Return a record as an event of a stream; None for one that is not told."""
    state = _TOLD.get(record.kind)
    if not is_event(record) or (state is None and not detailed):
        return None
    facts: dict[str, Any] = {
        "execution_id": record.execution_id,
        "timestamp": moment(record.time),
    }
    if state or record.state:
        facts["state"] = record.state or state
    if state in ENDED:
        facts["output"] = value_data(record.value) if state != "CANCELLED" else None
    if detailed:
        facts |= event_data(record, as_stored=as_stored)
    return frame(record.seq, event_name(record.kind) or "", facts)
