"""Run workflows, answer their executions, end them, and look at them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response

from ..._http.guard import AccessError
from .._stored_data import ENDED, row_data
from ..context import ExecutionState
from .answers import (
    NOT_FOUND,
    REFUSED,
    Answers,
    ExecutionAnswer,
    ExecutionRowAnswer,
    Mode,
    errors,
    example,
)
from .bodies import encoded_body
from .news import AT_REST
from .routes_workflows import Name, server_of
from .streams import event_stream

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ..journal import Execution
    from .service import Server

__all__ = [
    "After",
    "CancelMode",
    "Detailed",
    "ExecutionId",
    "IdempotencyKey",
    "LastEventId",
    "StateName",
    "Values",
    "cancel_execution",
    "cancel_execution_by_get",
    "follow_execution",
    "follow_executions",
    "fork_execution",
    "list_executions",
    "read_execution",
    "read_status",
    "resume_execution",
    "router",
    "run_workflow",
]

router = APIRouter(tags=["executions"])

Detailed = Annotated[bool, Query(description="With the events")]
ExecutionId = Annotated[str, Path(description="The execution's id")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="The same key gives the same execution, also after a restart",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(description="The id of the last event that the client has seen"),
]
StateName = Annotated[
    list[ExecutionState] | None,
    Query(description="Only those in this state; may be given several times"),
]
_STREAM: Final[Answers] = {
    200: {
        "model": ExecutionAnswer,
        "description": "The execution, or with `stream` its events",
        "content": {"text/event-stream": {}},
    }
}
_GONE: Final = 499
_LOOK_S: Final = 1.0
"""Seconds between two looks whether a client still waits."""
_LARGEST_SEQ: Final = 2**62


@router.post(
    "/workflows/{name}/run/{mode}",
    response_model=None,
    responses={**_STREAM, **REFUSED},
    openapi_extra=example(
        "curl http://localhost:8000/workflows/order/run/sync "
        """--data '{"item": "tea", "count": 2}'""",
        body={"item": "tea", "count": 2},
        about="The input: any JSON, or nothing",
    ),
)
async def run_workflow(  # noqa: PLR0917 - the framework passes them by name
    request: Request,
    name: Name,
    mode: Mode,
    detailed: Detailed = False,  # noqa: FBT002
    idempotency_key: IdempotencyKey = None,
    last_event_id: LastEventId = None,
) -> Any:
    """Run a workflow; the body is its input.

    `sync` answers when it has ended or waits for an answer (state `PAUSED`), `async` at
    once, `stream` with its events as they happen. With an `Idempotency-Key` a request
    may be sent again: it begins nothing twice. A stream that is asked for again with
    `Last-Event-ID` goes on with the execution of that event.
    """
    server = server_of(request)
    if mode == "stream" and last_event_id is not None:
        found = await _of_event(server, name, last_event_id)
        if found is not None:
            return event_stream(server.news, found[0], found[1], detailed=detailed)
    text = await encoded_body(request)
    which = await server.start(name, text, idempotency_key=idempotency_key)
    return await _answer(request, which, mode, detailed=detailed)


@router.post(
    "/workflows/{name}/resume/{execution_id}/{mode}",
    response_model=None,
    responses={**_STREAM, **REFUSED},
    openapi_extra=example(
        "curl http://localhost:8000/workflows/order/resume/$ID/sync --data true",
        body=True,
        about="The answer: any JSON, or nothing",
    ),
)
async def resume_execution(  # noqa: PLR0917
    request: Request,
    name: Name,
    execution_id: ExecutionId,
    mode: Mode,
    detailed: Detailed = False,  # noqa: FBT002
    pause: Annotated[
        str | None, Query(description="Which pause; the oldest when left out")
    ] = None,
    last_event_id: LastEventId = None,
) -> Any:
    """Answer an execution that waits; the body is the answer."""
    server = server_of(request)
    if mode == "stream" and last_event_id is not None:
        found = await _of_event(server, name, last_event_id)
        if found is not None:
            return event_stream(server.news, found[0], found[1], detailed=detailed)
    text = await encoded_body(request)
    execution = await server.load(execution_id, name)
    await server.resume(execution, text, pause)
    return await _answer(
        request, execution.id, mode, detailed=detailed, after=_last(execution)
    )


@router.post(
    "/workflows/{name}/fork/{execution_id}/{mode}",
    response_model=None,
    responses={**_STREAM, **REFUSED},
    openapi_extra=example(
        "curl --request POST "
        '"http://localhost:8000/workflows/order/fork/$ID/sync?from_step=price"'
    ),
)
async def fork_execution(  # noqa: PLR0917
    request: Request,
    name: Name,
    execution_id: ExecutionId,
    mode: Mode,
    from_step: Annotated[
        str,
        Query(description="The step to do again: its name, its key or its place"),
    ],
    detailed: Detailed = False,  # noqa: FBT002
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Run an execution again from a step on, as another one, with the newest code."""
    server = server_of(request)
    execution = await server.load(execution_id, name)
    keys = {record.key for record in execution.records}
    is_place = from_step.isascii() and from_step.isdigit() and from_step not in keys
    step = int(from_step[:9]) if is_place else from_step
    which = await server.fork(execution, step, idempotency_key=idempotency_key)
    return await _answer(request, which, mode, detailed=detailed)


@router.get(
    "/workflows/{name}/status/{execution_id}",
    response_model=None,
    responses={200: {"model": ExecutionAnswer}, **NOT_FOUND},
    openapi_extra=example("curl http://localhost:8000/workflows/order/status/$ID"),
)
async def read_status(
    request: Request,
    name: Name,
    execution_id: ExecutionId,
    detailed: Detailed = False,  # noqa: FBT002
) -> dict[str, Any]:
    """Look at an execution; as long as it has not begun, with the reason."""
    server = server_of(request)
    execution = await server.load(execution_id, name)
    return await server.summary(execution, detailed=detailed)


CancelMode = Annotated[
    Literal["async", "sync"],
    Query(description="Only ask for it, or wait until it has ended"),
]


@router.post(
    "/workflows/{name}/cancel/{execution_id}",
    response_model=None,
    responses={200: {"model": ExecutionAnswer}, **REFUSED},
    openapi_extra=example(
        "curl --request POST "
        '"http://localhost:8000/workflows/order/cancel/$ID?mode=sync"'
    ),
)
async def cancel_execution(
    request: Request,
    name: Name,
    execution_id: ExecutionId,
    mode: CancelMode = "async",
) -> Any:
    """End an execution, wherever it runs; its body may clean up first."""
    server = server_of(request)
    execution = await server.load(execution_id, name)
    await server.cancel(execution)
    after = _last(execution)
    return await _answer(request, execution.id, mode, detailed=False, after=after)


@router.get(
    "/workflows/{name}/cancel/{execution_id}",
    response_model=None,
    deprecated=True,
    responses={200: {"model": ExecutionAnswer}, **REFUSED},
)
async def cancel_execution_by_get(  # noqa: PLR0917
    request: Request,
    response: Response,
    name: Name,
    execution_id: ExecutionId,
    mode: CancelMode = "async",
) -> Any:
    """End an execution; use `POST`, since a `GET` changes nothing elsewhere."""
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise AccessError(
            "A link of another site may not cancel an execution",
            why="The browser says that the request comes from there.",
            fix="Send a POST.",
        )
    response.headers["Deprecation"] = "true"
    return await cancel_execution(request, name, execution_id, mode)


# --- executions of any workflow -------------------------------------------------------


@router.get(
    "/executions",
    response_model=None,
    responses={200: {"model": list[ExecutionRowAnswer]}, **errors(422)},
    openapi_extra=example("curl 'http://localhost:8000/executions?state=PAUSED'"),
)
async def list_executions(  # noqa: PLR0917
    request: Request,
    workflow: Annotated[str | None, Query(description="Only of this workflow")] = None,
    state: StateName = None,
    before: Annotated[
        int | None,
        Query(ge=0, le=_LARGEST_SEQ, description="The `number` of a row: go on there"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """List executions, the newest first."""
    states = None if state is None else tuple(item.value for item in state)
    found = await server_of(request).executions(
        workflow=workflow, states=states, before=before, limit=limit
    )
    return [{**row_data(row), "number": row.number} for row in found]


Values = Annotated[
    Literal["plain", "stored"],
    Query(description="Values for people, or as the journal has them"),
]
After = Annotated[
    int | None,
    Query(ge=0, le=_LARGEST_SEQ, description="Begin behind the event of this id"),
]


@router.get(
    "/executions/{execution_id}",
    response_model=None,
    responses={200: {"model": ExecutionAnswer}, **NOT_FOUND},
    openapi_extra=example("curl http://localhost:8000/executions/$ID"),
)
async def read_execution(
    request: Request,
    execution_id: ExecutionId,
    detailed: Detailed = False,  # noqa: FBT002
    values: Values = "plain",
) -> dict[str, Any]:
    """Look at an execution of any workflow."""
    server = server_of(request)
    execution = await server.load(execution_id)
    return await server.summary(
        execution, detailed=detailed, as_stored=values == "stored"
    )


_EVENTS: Final[Answers] = {
    200: {"description": "The events", "content": {"text/event-stream": {}}}
}


@router.get(
    "/executions/{execution_id}/events",
    response_model=None,
    response_class=Response,
    responses={**_EVENTS, **NOT_FOUND},
    openapi_extra=example(
        "curl --no-buffer http://localhost:8000/executions/$ID/events"
    ),
)
async def follow_execution(  # noqa: PLR0917
    request: Request,
    execution_id: ExecutionId,
    after: After = None,
    values: Values = "plain",
    until: Annotated[
        Literal["pause", "end"],
        Query(description="Whether the stream ends at a pause, or at the end alone"),
    ] = "pause",
    last_event_id: LastEventId = None,
) -> Response:
    """Stream all events of an execution, until it ends or waits for an answer."""
    server = server_of(request)
    execution = await server.load(execution_id)
    return event_stream(
        server.news,
        execution.id,
        _number(last_event_id, after or 0),
        detailed=True,
        as_stored=values == "stored",
        stops=AT_REST if until == "pause" else ENDED,
    )


@router.get(
    "/events",
    response_model=None,
    response_class=Response,
    responses={**_EVENTS, **errors(422)},
    openapi_extra=example("curl --no-buffer http://localhost:8000/events"),
)
async def follow_executions(
    request: Request,
    after: After = None,
    values: Values = "plain",
    last_event_id: LastEventId = None,
) -> Response:
    """Stream the events of all executions, without an end; from now on by default."""
    server = server_of(request)
    start = after
    if start is None:
        start = await server.news.newest()
    return event_stream(
        server.news,
        None,
        _number(last_event_id, start),
        detailed=True,
        as_stored=values == "stored",
    )


# --- what they share ------------------------------------------------------------------


async def _answer(
    request: Request,
    execution_id: str,
    mode: str,
    *,
    detailed: bool,
    after: int | None = None,
) -> Any:
    """Answer for an execution in the way that was asked for."""
    server = server_of(request)
    if mode == "stream":
        return event_stream(
            server.news,
            execution_id,
            after or 0,
            detailed=detailed,
            is_old=False,
        )
    if mode == "sync":
        waited = await _while_wanted(request, server.wait(execution_id, after or 0))
        if waited is None:
            return Response(status_code=_GONE)
        return await server.summary(waited, detailed=detailed)
    execution = await server.load(execution_id)
    return await server.summary(execution, detailed=detailed)


async def _while_wanted(
    request: Request, work: Coroutine[Any, Any, Execution]
) -> Execution | None:
    """Await something as long as the client does; None when it has gone."""
    task = asyncio.ensure_future(work)
    try:
        while True:
            await asyncio.wait({task}, timeout=_LOOK_S)
            if task.done():
                return await task
            if await request.is_disconnected():
                return None
    finally:
        task.cancel()


async def _of_event(
    server: Server, workflow: str, last_event_id: str
) -> tuple[str, int] | None:
    """Return the execution of an event, if it is one of that workflow."""
    number = _number(last_event_id, 0)
    if not number:
        return None
    found = await asyncio.to_thread(server.journal.records_after, number - 1, limit=1)
    if not found or found[0].seq != number:
        return None
    execution = await server.load(found[0].execution_id)
    return (execution.id, number) if execution.workflow == workflow else None


def _number(last_event_id: str | None, otherwise: int) -> int:
    """Return the number of an event that a client names; another when it is none."""
    text = last_event_id or ""
    if text.isascii() and text.isdigit() and len(text) < len(str(_LARGEST_SEQ)):
        return int(text)
    return otherwise


def _last(execution: Execution) -> int:
    """Return the number of the last record of an execution."""
    return execution.records[-1].seq if execution.records else 0
