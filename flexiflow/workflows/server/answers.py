"""Describe what the server answers, for its description of itself and for people."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel

from ..._http.answers import ErrorAnswer

__all__ = [
    "NOT_FOUND",
    "REFUSED",
    "Answers",
    "EventAnswer",
    "ExecutionAnswer",
    "ExecutionRowAnswer",
    "Mode",
    "SecretAnswer",
    "VersionAnswer",
    "WorkflowAnswer",
    "errors",
    "example",
]

Mode = Literal["sync", "async", "stream"]
"""Wait for the end or a pause, begin alone, or tell what happens meanwhile."""


class EventAnswer(BaseModel):
    """One thing that happened in an execution."""

    id: str
    """Its number in the journal."""
    execution_id: str
    """The execution."""
    type: str
    """What happened, such as ``TASK_COMPLETED``."""
    name: str
    """The task, the workflow or the pause."""
    source_id: str
    """The call of the task, or the execution."""
    key: str
    """The path of the step; empty for the execution itself."""
    time: str
    """When, ISO 8601 in UTC."""
    value: Any = None
    """What goes with it. Any: JSON data."""


class ExecutionAnswer(BaseModel):
    """An execution as it is now."""

    workflow_id: str
    """The name of the workflow."""
    workflow_name: str
    """The same."""
    execution_id: str
    """Its id."""
    input: Any = None
    """What it was given. Any: JSON data."""
    output: Any = None
    """What it returned, or the type and the message of its error. Any: JSON data."""
    state: str
    """How far it has come, such as ``PAUSED``."""
    reason: str | None = None
    """Why it still waits for a worker; there as long as it has not begun."""
    events: list[EventAnswer] | None = None
    """What happened; there when ``detailed`` was asked for."""


class ExecutionRowAnswer(BaseModel):
    """An execution in a list."""

    execution_id: str
    """Its id."""
    workflow_name: str
    """The name of the workflow."""
    state: str
    """How far it has come."""
    input: Any = None
    """What it was given. Any: JSON data."""
    output: Any = None
    """What it came to. Any: JSON data."""
    created: str
    """When it was created, ISO 8601 in UTC."""
    updated: str
    """When it came to its state."""
    number: int
    """Its place among all; what ``before`` takes."""


class VersionAnswer(BaseModel):
    """One version of a workflow."""

    name: str
    """The name of the workflow."""
    version: int
    """From 1; one more with each upload."""
    file_name: str
    """The file that defines it."""
    sha256: str
    """The digest of the file."""
    description: str
    """The first line of its docstring."""
    requests: dict[str, Any] | None = None
    """What it needs of a worker. Any: JSON data."""
    created: str
    """When it was uploaded, ISO 8601 in UTC."""


class WorkflowAnswer(VersionAnswer):
    """A workflow with all its versions, the newest first."""

    versions: list[VersionAnswer]
    """All versions, the newest first."""
    source: str | None = None
    """The file itself, when it was asked for."""


class SecretAnswer(BaseModel):
    """A secret with its value."""

    name: str
    """Its name."""
    value: Any = None
    """Its value. Any: JSON data."""


_ABOUT: Final = {
    400: "The file cannot be taken",
    404: "There is no such thing",
    409: "It is not in a state for that",
    413: "The request is too large",
    422: "The request is not valid",
    503: "The journal cannot be used now",
}
# Any: as the framework describes answers
Answers: TypeAlias = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Answers:
    """Return the description of error answers."""
    return {
        status: {"model": ErrorAnswer, "description": _ABOUT[status]}
        for status in (*statuses, 503)
    }


NOT_FOUND: Final = errors(404, 422)
REFUSED: Final = errors(404, 409, 413, 422)


def example(
    command: str, *, body: Any = None, about: str = "", kind: str = "application/json"
) -> dict[str, Any]:
    """Return what a route adds to its description: a command, and a body.

    Parameters
    ----------
    command : str
        How to call it from a shell.
    body : object
        An example of the body. Any: JSON data.
    about : str
        What the body is; no body when left out.
    kind : str
        Its media type.
    """
    found: dict[str, Any] = {"x-codeSamples": [{"lang": "Shell", "source": command}]}
    if about:
        found["requestBody"] = {
            "required": False,
            "content": {
                kind: {"schema": {"description": about}, "example": body},
            },
        }
    return found
