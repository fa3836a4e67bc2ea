"""``/components``: look at components, send them messages, draw them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from .._http.answers import ErrorAnswer
from ..component import AsyncComponent
from ..errors import ComponentError, FlexiFlowError, component_not_found
from ..events import STATE_CHANGED
from ..visualize import visualize

__all__ = [
    "ComponentAnswer",
    "Format",
    "HistoryRow",
    "Message",
    "MessageAnswer",
    "Name",
    "list_components",
    "read_component",
    "read_graph",
    "read_history",
    "router",
    "send_message",
]

router = APIRouter(tags=["components"])

Name = Annotated[str, Path(description="The component's name")]
Format = Literal[
    "mermaid",
    "mermaid-state",
    "plantuml",
    "dot",
    "svg",
    "png",
    "text",
    "scxml",
    "xstate",
]
_MEDIA: Final = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "scxml": "application/scxml+xml",
    "xstate": "application/json",
}
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ErrorAnswer, "description": "There is no such component"},
    422: {"model": ErrorAnswer, "description": "The request is not valid"},
    503: {"model": ErrorAnswer, "description": "The engine or the store is closed"},
}


class Message(BaseModel):
    """A message: its type, and whatever fields the component understands."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["start"])
    """What kind of message it is."""


class MessageAnswer(BaseModel):
    """What became of a message."""

    component: str
    """The component's name."""
    status: Literal["handled", "ignored", "queued", "failed"]
    """``ignored`` when it did nothing in the present state."""
    proceeded: bool
    """Whether a transition was taken."""
    from_state: str
    """The state in which the message was met."""
    to_state: str
    """The state after it."""
    correlation_id: str
    """The id under which logs, events and snapshots tell of it."""


class ComponentAnswer(BaseModel):
    """A component as it is now."""

    name: str
    """What it is called."""
    state: str
    """Its state; the active leaf paths joined by ``,``."""
    states: list[str]
    """The active leaf paths."""
    accepted: list[str]
    """The message types known to do something now, when sent without fields."""
    pending: int
    """How many messages wait."""
    is_busy: bool
    """Whether a message is being handled."""
    context: dict[str, Any] | None
    """The data of a chart; null for state classes. Any: the user's JSON data."""
    rules: list[Any]
    """The rules in force. Any: the user's JSON data."""


class HistoryRow(BaseModel):
    """One step of a component."""

    id: int
    """A number that grows with time."""
    created_at: str
    """When, ISO 8601 in UTC."""
    from_state: str | None
    """The state before."""
    current_state: str
    """The state after."""
    message_type: str | None
    """The message that led there, when it is known."""
    correlation_id: str | None
    """The story it belongs to."""


def _found(request: Request, name: str) -> AsyncComponent:
    """Return the component of a name, or raise what is answered with 404."""
    engine = request.app.state.engine
    component = engine.get(name)
    if not isinstance(component, AsyncComponent):
        raise component_not_found(name, engine.components)
    return component


def _described(component: AsyncComponent) -> dict[str, Any]:
    """Return a component as the answer tells of it."""
    return {
        "name": component.name,
        "state": component.state,
        "states": list(component.states),
        "accepted": list(component.accepted()),
        "pending": component.pending,
        "is_busy": component.is_busy,
        "context": component.context,
        "rules": component.rules,
    }


@router.get(
    "/components",
    response_model=None,
    responses={200: {"model": list[ComponentAnswer]}},
)
async def list_components(request: Request) -> list[dict[str, Any]]:
    """List all components, in the order in which they were registered."""
    return [
        _described(component)
        for component in request.app.state.engine.components.values()
        if isinstance(component, AsyncComponent)
    ]


@router.get(
    "/components/{name}",
    response_model=None,
    responses={200: {"model": ComponentAnswer}, **_NOT_FOUND},
)
async def read_component(request: Request, name: Name) -> dict[str, Any]:
    """Look at one component."""
    return _described(_found(request, name))


@router.post(
    "/components/{name}/message",
    responses={
        **_NOT_FOUND,
        409: {"model": ErrorAnswer, "description": "The component's code failed"},
        413: {"model": ErrorAnswer, "description": "The message is too large"},
    },
)
async def send_message(request: Request, name: Name, message: Message) -> MessageAnswer:
    """Send a message and wait until it was handled.

    A message that does nothing in the present state is no error: ``proceeded`` is
    false then.
    """
    component = _found(request, name)
    try:
        result = await component.handle_message(message.model_dump())
    except FlexiFlowError:
        raise
    except Exception as error:
        raise ComponentError(
            f"'{name}' failed at the message",
            why=f"The code of state {component.state} raised "
            f"{type(error).__name__}: {error}",
            fix="Correct the component's code; its state is as it was.",
            context={"component": name, "state": component.state},
        ) from error
    return MessageAnswer(
        component=name,
        status=result.status,
        proceeded=result.proceeded,
        from_state=result.from_state,
        to_state=result.to_state,
        correlation_id=result.correlation_id,
    )


@router.get("/components/{name}/history", responses=_NOT_FOUND)
async def read_history(
    request: Request,
    name: Name,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    correlation_id: str | None = None,
) -> list[HistoryRow]:
    """List what the component went through, the newest first.

    Comes from the store when the engine persists its components; else from the events
    that are still held.
    """
    engine = request.app.state.engine
    _found(request, name)
    store = engine.store
    if store is not None:
        rows = store.history(name, limit=limit, correlation_id=correlation_id)
        return [HistoryRow(**row) for row in rows]
    found = [
        HistoryRow(
            id=event.seq,
            created_at=event.time.isoformat(),
            from_state=event.data["from_state"],
            current_state=event.data["to_state"],
            message_type=None,
            correlation_id=event.correlation_id,
        )
        for event in engine.event_bus.keep_history().after(0)
        if event.name == STATE_CHANGED
        and event.component == name
        and correlation_id in {None, event.correlation_id}
    ]
    return found[::-1][:limit]


@router.get(
    "/components/{name}/graph",
    response_class=Response,
    responses={
        200: {
            "description": "The drawing",
            "content": {"text/plain": {}, **{media: {} for media in _MEDIA.values()}},
        },
        409: {"model": ErrorAnswer, "description": "It cannot be drawn here"},
        **_NOT_FOUND,
    },
)
async def read_graph(
    request: Request, name: Name, format: Format = "mermaid"
) -> Response:
    """Draw the states and transitions of the component."""
    component = _found(request, name)
    drawn = await asyncio.to_thread(visualize, component, format)
    media = _MEDIA.get(format, "text/plain; charset=utf-8")
    content = drawn if isinstance(drawn, bytes) else drawn.encode("utf-8", "replace")
    return Response(content, media_type=media)
