"""Check what a step is given, and make the events that it raises itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from . import _failures
from ._reading import seconds_of
from .actions import SMALL, ActionRefusedError, frozen
from .guards import shown
from .model import Cancel, EmitEvent, Send
from .ports import CancelMessage, Emit, Log, SendMessage
from .snapshot import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..errors import ActionError
    from ._tables import Op
    from .compile import Node
    from .ports import Effect

__all__ = ["checked_values", "delay_of", "done_of", "effect_of", "failure_of"]


class Acting(Protocol):
    """What an action looks at, beside what values may."""

    @property
    def message(self) -> Mapping[str, Any]:
        """The message at hand."""

    @property
    def context(self) -> Mapping[str, Any]:
        """The data as they are now."""


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
    for key, value in values.items():
        kind = type(value)
        if type(key) is not str or not (
            kind is str or kind is bool or (kind is int and -SMALL < value < SMALL)
        ):
            break
    else:  # as most are: nothing in them can change
        return values
    for key in values:
        if not isinstance(key, str):
            msg = f"the returned mapping has the key {key!r}, which is not text"
            raise ActionRefusedError(msg)
    return {key: frozen(value, key) for key, value in values.items()}


def effect_of(op: Op, scope: Acting) -> Effect:
    """Return what an action leaves to be done after the commit."""
    action = op.action
    value = op.value(scope.message, scope.context, scope) if op.value else None
    if isinstance(action, EmitEvent):
        return Emit(action.event, frozen(value, "the event's data"))
    if isinstance(action, Send):
        wait = op.delay(scope.message, scope.context, scope) if op.delay else 0
        return SendMessage(
            frozen(value, "the message"),
            action.to,
            delay_of(wait, "the delay"),
            action.id,
        )
    if isinstance(action, Cancel):
        return CancelMessage(action.id)
    return Log(str(value))


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
