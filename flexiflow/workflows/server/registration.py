"""Let workers register, and give them what they need: over HTTP, to sessions only."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Any, Final, final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations

from ..._http.answers import Answer, ErrorAnswer, error_answer
from ..errors import WorkflowError, WorkflowNotFoundError
from ._machine import is_loopback
from ._registering import (
    Code,
    Given,
    JournalPlace,
    Registration,
    RegistrationError,
    Renewed,
    Report,
    Wanted,
    Welcome,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from .dispatch import Dispatcher, WorkerInfo

__all__ = ["OWN_PATHS", "JournalPlace", "Registration", "create_workers_router"]

OWN_PATHS: Final = (
    "/workers/register",
    "/workers/session",
    "/workers/code",
    "/workers/secrets",
)
"""The paths that look at tokens of their own, with all below them."""

_OLD: Final = ("connect", "claim", "checkpoint")
"""What workers asked of servers before Dask brought them their work."""


class _WorkerAnswer(BaseModel):
    """A worker, and what it does."""

    name: str
    """Its name."""
    connected: bool
    """Whether it can be given something to do now."""
    python: str
    """The version of its Python."""
    platform: str
    """Its operating system and machine."""
    resources: dict[str, float]
    """``cpu`` in cores, ``memory`` in bytes, ``gpu``, ``slots`` for executions."""
    load: float
    """How much of its slots is taken, 0 to 1; over 1 when some wait there."""
    executions: list[str]
    """The ids of the executions that it has."""
    packages: dict[str, str]
    """The installed distributions by name, with their versions."""
    registered: datetime
    """When it came."""


def create_workers_router(
    registration: Registration, dispatcher: Dispatcher
) -> APIRouter:
    """Return the routes of workers.

    Parameters
    ----------
    registration : Registration
        What they ask.
    dispatcher : Dispatcher
        Knows which workers are there.
    """
    routes = _Routes(registration, dispatcher)
    router = APIRouter(tags=["workers"])
    add = router.add_api_route
    # Any: as FastAPI wants it
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorAnswer} for status in (401, 403, 404, 409, 503)
    }
    add("/workers", routes.workers, response_model=list[_WorkerAnswer])
    newcomers, workers = _only(routes.refuse_strangers), _only(routes.refuse_others)
    for method, path, route, model, whose in (
        ("POST", "/workers/register", routes.register, Welcome, newcomers),
        ("POST", "/workers/session", routes.renew, Renewed, workers),
        ("DELETE", "/workers/session", routes.leave, None, workers),
        ("GET", "/workers/code/{name}", routes.code, Code, workers),
        ("POST", "/workers/secrets", routes.secrets, Given, workers),
    ):
        add(
            path,
            route,
            methods=[method],
            response_model=model,
            responses=errors,
            route_class_override=whose,
        )
    for old in _OLD:
        for path in (
            f"/workers/{old}",
            f"/workers/{{name}}/{old}",
            f"/workers/{{name}}/{old}/{{execution_id}}",
        ):
            add(path, _gone, methods=["GET", "POST"], include_in_schema=False)
    return router


@final
class _Routes:
    """What the routes do; its docstrings are the API's."""

    def __init__(self, registration: Registration, dispatcher: Dispatcher) -> None:
        self._registration = registration
        self._dispatcher = dispatcher

    async def workers(self) -> list[_WorkerAnswer]:
        """Return the workers that have registered, with their resources and load."""
        return [_answer(info) for info in self._dispatcher.workers()]

    async def register(self, report: Report) -> Answer | Welcome:
        """Register a worker, with the bootstrap token."""
        known = {info.name: info for info in self._dispatcher.workers()}
        try:
            return await asyncio.to_thread(
                self._registration.register, report, known.get(report.name)
            )
        except RegistrationError as error:
            return error_answer(409, error)
        except WorkflowError as error:
            return error_answer(503, error)

    async def renew(self, request: Request) -> Answer | Renewed:
        """Stay known."""
        token = self._registration.renew(_token(request) or "")
        return _no_session() if token is None else Renewed(session=token)

    async def leave(self, request: Request) -> Answer:
        """Say that the worker ends."""
        token = _token(request)
        session = self._registration.session(token)
        if session is None or token is None:
            return _no_session()
        self._registration.leave(token, session)
        return Answer({"left": session.name})

    async def code(self, name: str, version: int | None = None) -> Answer | Code:
        """Return the file of a workflow, to a worker."""
        try:
            return await asyncio.to_thread(self._registration.code, name, version)
        except WorkflowNotFoundError as error:
            return error_answer(404, error)

    async def secrets(self, wanted: Wanted) -> Answer | Given:
        """Return those secrets of an execution that there are, to a worker."""
        try:
            found = await asyncio.to_thread(self._registration.secrets, wanted)
        except RegistrationError as error:
            return error_answer(409, error)
        return Given(secrets=found)

    def refuse_others(self, request: Request) -> Answer | None:
        """Return the answer to who is no worker of this server, None to one."""
        known = self._registration.session(_token(request))
        return _no_session() if known is None else None

    def refuse_strangers(self, request: Request) -> Answer | None:
        """Return the answer to who may not register, None to who may."""
        refusal, token = _in_the_clear(request), _token(request)
        if refusal is not None:
            return refusal
        if token is None:
            return _unknown("The bootstrap token is missing", _BOOTSTRAP_FIX)
        if self._registration.is_token(token):
            return None
        return _refused(
            403,
            "The bootstrap token is wrong",
            "It is not the one of this server.",
            _BOOTSTRAP_FIX,
        )


def _only(refuse: Callable[[Request], Answer | None]) -> type[APIRoute]:
    """Return routes that refuse before they read what was sent, or tell what to."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Any:
            """Return what answers. Any: as FastAPI types it."""
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                return refuse(request) or await handle(request)

            return answer

    return Guarded


async def _gone(request: Request) -> Answer:
    """Say that this is Dask's business now."""
    return _refused(
        410,
        f"{request.url.path} is no more",
        "Executions come to workers as tasks of Dask, and their records go into the "
        "journal.",
        "Start a worker of this version: flexiflow start worker --server-url URL",
    )


def _answer(info: WorkerInfo) -> _WorkerAnswer:
    """Return what the API tells of a worker."""
    return _WorkerAnswer(
        name=info.name,
        connected=info.connected,
        python=info.python,
        platform=info.platform,
        resources={
            "cpu": info.cpu,
            "memory": info.memory,
            "gpu": info.gpu,
            "slots": info.slots,
        },
        load=round(info.load, 4),
        executions=list(info.executions),
        packages=info.packages,
        registered=info.registered,
    )


_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def _token(request: Request) -> str | None:
    """Return what ``Authorization: Bearer`` says."""
    found = _BEARER.fullmatch(request.headers.get("authorization", ""))
    return None if found is None else found[1]


def _in_the_clear(request: Request) -> Answer | None:
    """Refuse a worker whose tokens and secrets could be read on their way."""
    client = "" if request.client is None else request.client.host
    if request.url.scheme == "https" or is_loopback(client):
        return None
    return _refused(
        403,
        "Workers of other machines register over https only",
        f"The request came from {client!r} over http.",
        "Use https:// in --server-url; a server off loopback speaks it.",
    )


_BOOTSTRAP_FIX: Final = (
    "Send the header 'Authorization: Bearer TOKEN' with what stands in "
    "HOME/bootstrap_token of the server (flexiflow start worker: "
    "FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN)."
)


def _unknown(what: str, fix: str) -> Answer:
    answer = _refused(401, what, "Nobody may work here without it.", fix)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _no_session() -> Answer:
    return _unknown(
        "The server does not know this worker",
        "Register: POST /workers/register; a worker does so by itself.",
    )


def _refused(status: int, what: str, why: str, fix: str) -> Answer:
    return error_answer(status, RegistrationError(what, why=why, fix=fix))
