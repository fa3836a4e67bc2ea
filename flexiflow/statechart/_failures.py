"""Say what failed when a guard or an action of the user's raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ActionError, FlexiFlowError
from .functions import UnresolvedFunctionError
from .guards import shown
from .model import Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .compile import Node, Program
    from .model import Action
    from .ports import Host
    from .snapshot import Snapshot

__all__ = ["action_failed", "error_data", "guard_async", "guard_failed", "restless"]

_MOST_CONTEXT = 4


class Failing(Protocol):
    """What a failure is told from: a step under way."""

    @property
    def start(self) -> Snapshot:
        """Where the machine stood before the step."""

    @property
    def host(self) -> Host | None:
        """The component."""

    @property
    def message(self) -> Mapping[str, Any]:
        """The message at hand; Any: the user's data."""

    @property
    def stands(self) -> str:
        """The path of the state whose action or guard it is."""

    @property
    def program(self) -> Program:
        """The chart."""

    @property
    def taken(self) -> Sequence[int]:
        """The indices of the transitions taken so far."""


def error_data(error: BaseException) -> dict[str, Any]:
    """Return an error as data, for ``$error``."""
    kind = getattr(error, "faked_type", None) or type(error).__name__
    return {"type": kind, "message": str(error)[:1_000]}


def _before(run: Failing) -> str:
    """Return in words that nothing has changed."""
    start = run.start
    name = start.configuration.name
    if not name:
        return "The machine has not started."
    values = [
        f"{key} {shown(value)}"
        for key, value in list(start.context.items())[:_MOST_CONTEXT]
    ]
    listed = ", ".join([name, *values])
    return f"State and context are as before: {listed}."


def _context(run: Failing, place: Any, **more: Any) -> dict[str, Any]:
    """Return the names and values that place a failure."""
    found: dict[str, Any] = {}
    if run.host is not None:
        found["component"] = run.host.name
    found["state"] = run.stands or run.start.configuration.name
    found["message"] = run.message.get("type")
    found.update(more)
    if place is not None:
        found["file"] = place.source
        found["line"] = place.line
    return found


def _said(error: BaseException) -> str:
    """Return an error's type and first line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__


def _kind_of(action: Action) -> str:
    """Return what an action is called in a chart."""
    return {
        "EmitEvent": "emit",
        "LogText": "log",
    }.get(type(action).__name__, type(action).__name__.lower())


def action_failed(run: Failing, action: Action, error: Exception) -> ActionError:
    """Return the error for an action that failed."""
    message = str(run.message.get("type"))
    place = action.place
    line = f" (line {place.line})" if place is not None else ""
    if isinstance(error, UnresolvedFunctionError):
        return _unresolved(run, place, error)
    if isinstance(action, Call):
        name = action.function.rpartition(":")[2]
        return ActionError(
            f"{message} failed: {type(error).__name__} in {name}.",
            why=f"{_said(error)}{line}. {_before(run)}",
            fix=_fix_of(error, name, message),
            context=_context(run, place, function=action.function),
        )
    kind = _kind_of(action)
    text = str(error)
    if text.partition(" ")[0] not in getattr(action, "values", ()):  # n is not N
        text = text[:1].upper() + text[1:]
    return ActionError(
        f"{message} failed: {kind} cannot be done.",
        why=f"{text}{line}. {_before(run)}",
        fix=f"Change {kind}, or send a message with the fields that it needs.",
        context=_context(run, place, action=kind),
    )


def _unresolved(
    run: Failing, place: Any, error: UnresolvedFunctionError
) -> UnresolvedFunctionError:
    """Return the error for a function that is missing, with where it is missed."""
    return UnresolvedFunctionError(
        f"{run.message.get('type')} failed: {_small(error.what)}",
        why=error.why,
        fix=error.fix,
        context={**_context(run, place), **error.context},
    )


def _fix_of(error: Exception, name: str, message: str) -> str:
    if isinstance(error, FlexiFlowError) and error.fix:
        return error.fix
    if isinstance(error, TypeError) and "read-only" in str(error):
        return f"Let {name} return a mapping with the new values."
    return f"Mend {name}, then send {message} again."


def _small(text: str) -> str:
    return text[:1].lower() + text[1:] if text.startswith(("No ", "Nothing ")) else text


def guard_failed(run: Failing, guard: Call, error: Exception) -> ActionError:
    """Return the error for a guard that raised."""
    message = str(run.message.get("type"))
    name = guard.function.rpartition(":")[2]
    place = guard.place
    line = f" (line {place.line})" if place is not None else ""
    if isinstance(error, UnresolvedFunctionError):
        return _unresolved(run, place, error)
    return ActionError(
        f"{message} failed: {type(error).__name__} in the guard {name}.",
        why=f"{_said(error)}{line}. {_before(run)}",
        fix=f"Mend {name} so that it answers true or false, then send {message} again.",
        context=_context(run, place, function=guard.function),
    )


def guard_async(run: Failing, guard: Call) -> ActionError:
    """Return the error for a guard that gives something to await."""
    message = str(run.message.get("type"))
    return ActionError(
        f"{message} failed: the guard {guard.function} is async.",
        why="Guards are asked often and must answer at once. " + _before(run),
        fix="Write def instead of async def; do what takes time in an action.",
        context=_context(run, guard.place, function=guard.function),
    )


def start_failed(run: Failing, node: Node, error: Exception) -> ActionError:
    """Return the error for a timer or service that cannot begin."""
    message = str(run.message.get("type"))
    place = node.model.place
    return ActionError(
        f"{message} failed: a timer or service of {node.path} cannot begin.",
        why=f"{str(error)[:1].upper()}{str(error)[1:]}. {_before(run)}",
        fix="Write 500ms, 2s, 3m, 48h, 1d or a number of seconds, or refer to one.",
        context=_context(run, place),
    )


def service_failed(name: str, state: str, error: BaseException) -> ActionError:
    """Return the error for a service that failed and has nobody who takes it."""
    return ActionError(
        f"{name} failed: {_said(error)}",
        why=f"It ran as the service of {state}.",
        fix=f"Give {state} an error: transition, or mend {name}.",
        context={"state": state, "function": name},
    )


def endless(run: Failing, most: int) -> ActionError:
    """Return the error for a document whose content does too much in one step."""
    return ActionError(
        f"{run.message.get('type')} failed: the document does too much.",
        why=f"More than {most:,} pieces of content and data followed one event.",
        fix="Shorten the lists that foreach goes through, or the data.",
        context=_context(run, None),
    )


def restless(run: Failing, most: int) -> ActionError:
    """Return the error for a chart that goes on by itself for ever."""
    recent = " -> ".join(
        run.program.edges[index].model.label for index in run.taken[-_MOST_CONTEXT:]
    )
    return ActionError(
        f"{run.message.get('type')} failed: the chart does not come to rest.",
        why=f"More than {most:,} transitions followed one message; the last: {recent}.",
        fix="Give an always or raise a guard that ends it.",
        context=_context(run, None),
    )
