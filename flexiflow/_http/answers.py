"""Answer in JSON that any client can read, errors in one shape."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ..errors import FlexiFlowError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request

__all__ = [
    "Answer",
    "ErrorAnswer",
    "RequestError",
    "error_answer",
    "handle_errors",
    "to_json",
]

_log: Final = logging.getLogger("flexiflow.api")


class ErrorAnswer(BaseModel):
    """What every error looks like."""

    code: str
    """A stable name for programs."""
    what: str
    """What happened, one sentence."""
    why: str | None = None
    """The cause."""
    fix: str | None = None
    """What to do."""
    context: dict[str, Any] = {}
    """Names and values that place the error. Any: JSON data."""


def to_json(value: object) -> str:
    """Write JSON, ASCII only; what JSON cannot hold is written as text."""
    try:
        return json.dumps(value, allow_nan=False, default=one_line)
    except (ValueError, TypeError, RecursionError):
        return json.dumps(_readable(value), allow_nan=False, default=one_line)


def _readable(value: object, depth: int = 0) -> object:
    """Return a value with what JSON cannot hold replaced by text."""
    if depth > _DEEPEST:
        return one_line(value)
    if isinstance(value, dict):
        return {str(key): _readable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST_INT_BITS:
        return one_line(hex(value))
    return value


_DEEPEST: Final = 50
_LONGEST_INT_BITS: Final = 14_000


class Answer(JSONResponse):
    """A JSON answer that never fails for what it holds."""

    def render(self, content: Any) -> bytes:
        """Write the content as JSON. Any: what a route returns."""
        return to_json(content).encode("ascii")


def error_answer(status: int, error: FlexiFlowError) -> Answer:
    """Return the answer for an error of ours."""
    return Answer(
        {
            "code": error.code,
            "what": error.what,
            "why": error.why,
            "fix": error.fix,
            "context": error.context,
        },
        status,
    )


def handle_errors(
    app: FastAPI, status_of: Callable[[FlexiFlowError], int], *, fix: str
) -> None:
    """Let every error of an application be answered in the one shape.

    Parameters
    ----------
    app : FastAPI
        The application.
    status_of : callable
        Gives the status of an error of ours.
    fix : str
        What to do about a request that is not of the described form.
    """

    async def ours(request: Request, error: Exception) -> Answer:  # noqa: ARG001 - the framework's shape
        given = cast("FlexiFlowError", error)
        return error_answer(status_of(given), given)

    async def invalid(request: Request, error: Exception) -> Answer:  # noqa: ARG001
        return _invalid(cast("RequestValidationError", error), fix)

    app.add_exception_handler(FlexiFlowError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _defect)


def _invalid(error: RequestValidationError, fix: str) -> Answer:
    """Answer for a request that is not of the described form."""
    problems = [
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors()[:_MOST_PROBLEMS]
    ]
    return error_answer(
        422, RequestError("The request is not valid", why="; ".join(problems), fix=fix)
    )


_MOST_PROBLEMS: Final = 5


async def _refused(request: Request, error: Exception) -> Answer:
    """Answer for what the framework refuses: unknown paths, wrong methods."""
    refused = cast("HTTPException", error)
    answer = error_answer(
        422 if refused.status_code == _BAD_REQUEST else refused.status_code,
        RequestError(
            str(refused.detail),
            why=f"{request.method} {request.url.path} was answered so.",
            fix="See /docs for what there is.",
        ),
    )
    answer.headers.update(refused.headers or {})
    return answer


_BAD_REQUEST: Final = 400


async def _defect(request: Request, error: Exception) -> Answer:
    """Answer for an error that nobody expected; the trace goes to the log."""
    _log.error(
        "%s %s failed", request.method, request.url.path, exc_info=error
    )  # the client is told no internals
    return error_answer(
        500,
        RequestError(
            "The server has failed",
            why=f"{type(error).__name__}; the server's log holds the trace.",
            fix="Report it with the trace.",
        ),
    )


class RequestError(FlexiFlowError):
    """A request cannot be served as it stands."""

    code = "flexiflow.request"
