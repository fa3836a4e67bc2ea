"""Check what a step is given, and make the events that it raises itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _failures
from ._reading import seconds_of
from .actions import ActionRefusedError, frozen
from .guards import shown
from .snapshot import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..errors import ActionError
    from .compile import Node

__all__ = ["checked_values", "delay_of", "done_of", "failure_of"]

# Any in this module: JSON data of the user's, and what user functions return.


def delay_of(value: Any, what: str) -> float:
    """Return a delay in seconds."""
    seconds = seconds_of(value)
    if seconds is None:
        msg = f"{what} is {shown(value)}; a duration is wanted"
        raise ActionRefusedError(msg)
    return seconds


def checked_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a function returned as frozen values for the context."""
    for key in values:
        if not isinstance(key, str):
            msg = f"the returned mapping has the key {key!r}, which is not text"
            raise ActionRefusedError(msg)
    return {key: frozen(value, key) for key, value in values.items()}


def failure_of(error: ActionError, node: Node) -> Event:
    """Return the event that looks for the innermost ``error`` around a state."""
    cause = error.__cause__ or error
    data = _failures.error_data(cause)
    message = {"type": "error", "state": node.path, "error": data}
    return Event(f"error.{node.path}", message, error=data, origin=node, failure=error)


def done_of(node: Node, output: Any) -> Event:
    """Return the event that says that a state has reached its end."""
    message = {"type": "done", "state": node.path, "result": output}
    return Event(f"done.state.{node.path}", message, result=output)
