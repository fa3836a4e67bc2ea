"""Put the routers, the errors and the checks of the server together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from ... import __version__
from ..._http import docs
from ..._http.answers import Answer, ErrorAnswer, handle_errors
from ..._http.guard import AccessError, Guard
from ..errors import (
    CodecError,
    ExecutionContextNotFoundError,
    ExecutionOwnedError,
    IdempotencyError,
    JournalError,
    SecretError,
    SecretNotFoundError,
    StaleEpochError,
    UploadError,
    WorkflowNotFoundError,
)
from . import routes_executions, routes_secrets, routes_workflows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fastapi import APIRouter

    from ...errors import FlexiFlowError
    from .answers import Answers
    from .service import Server
    from .tokens import Tokens

__all__ = ["LARGEST_BODY", "make_app"]

LARGEST_BODY: Final = 10_000_000
"""Bytes of the largest input, answer or upload that is taken."""

_DESCRIPTION: Final = """\
Durable workflows: upload them, run them, answer them, follow them. Executions are in
the journal before they are answered for; a restart of the server loses nothing. Errors
have one shape everywhere: `code`, `what`, `why`, `fix`, `context`.
"""
_BEARER: Final = HTTPBearer(
    auto_error=False,
    description="The token of a user; for uploads and secrets of the administrator",
)
"""Tells of the token in the description; the guard has looked at it by then."""
_FIX: Final = "Send what /docs describes."
_STATUSES: Final = (
    (UploadError, 400),
    (AccessError, 403),
    (ExecutionContextNotFoundError, 404),
    (WorkflowNotFoundError, 404),
    (SecretNotFoundError, 404),
    (CodecError, 422),
    (IdempotencyError, 422),
    (SecretError, 422),
    (ExecutionOwnedError, 409),
    (StaleEpochError, 409),
    (JournalError, 503),
)
_OTHERWISE: Final = 409


def make_app(
    server: Server,
    *,
    tokens: Tokens | None,
    allowed_hosts: Collection[str] | None,
    routers: Sequence[APIRouter],
) -> FastAPI:
    """Make the application; see ``create_server_app``."""
    refused: Answers = {403: {"model": ErrorAnswer, "description": "Not allowed"}}
    if tokens is not None:
        refused[401] = {
            "model": ErrorAnswer,
            "description": "The token is missing or wrong",
        }
    app = FastAPI(
        title="FlexiFlow workflows",
        version=__version__,
        description=_DESCRIPTION,
        default_response_class=Answer,
        docs_url=None,
        redoc_url=None,
        responses=refused,
        dependencies=[] if tokens is None else [Depends(_BEARER)],
    )
    app.state.server = server
    handle_errors(app, _status_of, fix=_FIX)

    @app.get("/health", tags=["health"])
    async def read_health() -> dict[str, str]:
        """Tell that the server is up."""
        return {"status": "ok"}

    app.include_router(routes_workflows.router)
    app.include_router(routes_executions.router)
    app.include_router(routes_secrets.router)
    for router in routers:
        app.include_router(router)
    app.include_router(docs.router)
    app.add_middleware(
        Guard, gate=tokens, allowed_hosts=allowed_hosts, largest_body=LARGEST_BODY
    )
    return app


def _status_of(error: FlexiFlowError) -> int:
    """Return the status of an error."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return _OTHERWISE
