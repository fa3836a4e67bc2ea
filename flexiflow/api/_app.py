"""Put the routers, the errors and the checks together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from .. import __version__
from .._http import docs
from .._http.answers import Answer, ErrorAnswer, handle_errors
from .._http.guard import Guard, OneToken
from ..errors import (
    ComponentNotFoundError,
    EngineClosedError,
    FlexiFlowError,
    PersistenceError,
)
from . import components, events, health

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..engine import FlexiFlowEngine

__all__ = ["make_app"]

_DESCRIPTION = """\
The components of a FlexiFlow engine: look at them, send them messages, follow what
happens. Errors have one shape everywhere: `code`, `what`, `why`, `fix`, `context`.
"""


def make_app(
    engine: FlexiFlowEngine,
    *,
    token: str | None,
    allowed_hosts: Collection[str] | None,
) -> FastAPI:
    """Make the application; see :func:`flexiflow.api.create_app`."""
    app = FastAPI(
        title="FlexiFlow",
        version=__version__,
        description=_DESCRIPTION,
        default_response_class=Answer,
        docs_url=None,
        redoc_url=None,
        responses={
            401: {"model": ErrorAnswer, "description": "The token is missing or wrong"},
            403: {"model": ErrorAnswer, "description": "Refused from another site"},
        }
        if token is not None
        else {
            403: {"model": ErrorAnswer, "description": "Refused from another site"},
        },
    )
    app.state.engine = engine
    engine.event_bus.keep_history()
    handle_errors(app, _status_of, fix=_FIX)
    app.include_router(health.router)
    app.include_router(components.router)
    app.include_router(events.router)
    app.include_router(docs.router)
    gate = None if token is None else OneToken(token, _OPEN)
    app.add_middleware(Guard, gate=gate, allowed_hosts=allowed_hosts)
    return app


_OPEN: Final = ("/health",)
"""Needs no token: whether the server is up is no secret."""
_FIX: Final = 'Send what /docs describes; a message is a JSON object: {"type": "x"}.'


def _status_of(error: FlexiFlowError) -> int:
    """Return the status of an error."""
    if isinstance(error, ComponentNotFoundError):
        return 404
    if isinstance(error, EngineClosedError | PersistenceError):
        return 503
    return 409
