"""Write a chart as data of the language: the inverse of reading it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from ..errors import ConfigError
from ._parts import (
    Action,
    Add,
    AllOf,
    AnyOf,
    Call,
    Cancel,
    EmitEvent,
    Guard,
    InState,
    LogText,
    NotOf,
    Raise,
    Retry,
    Send,
    Service,
    Set,
    Test,
)
from ._read_guards import split_field
from ._reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .model import Chart, Scenario

__all__ = [
    "Notation",
    "action_data",
    "actions_data",
    "guard_data",
    "scenario_data",
    "service_data",
]

# Any in this module: data of the language, as YAML or JSON would hold them.

_COMBINERS = frozenset({"all", "any", "not", "in", "call", "with"})


@final
class Notation:
    """Finds names by which targets are understood.

    Parameters
    ----------
    paths : iterable of str
        The paths of all states, in document order.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._reading = Reading("<chart>")
        self._reading.paths = dict.fromkeys(paths)

    def __contains__(self, path: str) -> bool:
        """Return whether there is such a state."""
        return path in self._reading.paths

    def name(self, path: str, stands: str) -> str:
        """Return how a state is named where a target stands.

        Parameters
        ----------
        path : str
            The path of the state.
        stands : str
            The path of the state in which the target is written.

        Raises
        ------
        ConfigError
            If no name leads there and nowhere else.
        """
        keys = path.split(".")
        choices = [".".join(keys[at:]) for at in range(len(keys) - 1, -1, -1)]
        if not stands or path.startswith(f"{stands}."):
            choices.append(f".{path[len(stands) + 1 :] if stands else path}")
        for text in choices:
            found = self._reading.candidates(text, stands)
            if found[:1] == [path] and (len(found) == 1 or "." not in text):
                return text
        raise ConfigError(
            f"The state {path} has no name of its own in {stands or 'the chart'}.",
            why="Every name that leads there leads to another state as well.",
            fix="Rename one of them.",
            context={"state": path},
        )


def _scalar(value: Any) -> bool:
    return not isinstance(value, dict | list | tuple)


def _field(test: Test) -> str:
    """Return the key that a test is read from."""
    path = ".".join(test.keys)
    behind = f".{path}" if test.keys else ""
    for text in (
        path,
        f"message{behind}",
        f"{test.root}{behind}",
        f"${test.root}{behind}",
    ):
        if text not in _COMBINERS and split_field(text) == (test.root, test.keys):
            return text
    raise ConfigError(
        f"A guard tests {test.root}{behind}, which cannot be written.",
        why="No text of the language leads to these keys.",
        fix="Rename the field.",
    )


def guard_data(guard: Guard, notation: Notation, stands: str) -> Any:
    """Return a guard as ``if`` holds it.

    Parameters
    ----------
    guard : Guard
        Any but a condition of another language.
    notation : Notation
        Names the states.
    stands : str
        The path of the state in which it stands.
    """
    if isinstance(guard, Test):
        key = _field(guard)
        plain = guard.operator == "eq" and _scalar(guard.value)
        return {key: guard.value if plain else {guard.operator: guard.value}}
    if isinstance(guard, AllOf):
        parts = [guard_data(item, notation, stands) for item in guard.guards]
        return _joined(guard.guards, parts) or {"all": parts}
    if isinstance(guard, AnyOf):
        return {"any": [guard_data(item, notation, stands) for item in guard.guards]}
    if isinstance(guard, NotOf):
        return {"not": guard_data(guard.guard, notation, stands)}
    if isinstance(guard, InState):
        return {"in": notation.name(guard.target, stands)}
    if isinstance(guard, Call):
        return _call_data(guard)
    raise ConfigError(
        "A condition of an SCXML document has no form in the language.",
        why=f"It is {guard.text!r}.",
        fix="Export the chart as SCXML.",
    )


def _joined(guards: Sequence[Guard], parts: Sequence[Any]) -> Any:
    """Return tests of different fields as one mapping; None for anything else."""
    if len(guards) < 2 or not all(isinstance(item, Test) for item in guards):  # noqa: PLR2004 - one test stands for itself
        return None
    found: dict[str, Any] = {}
    for part in parts:
        found.update(part)
    return found if len(found) == len(parts) else None


def _call_data(call: Call) -> Any:
    if not call.arguments:
        return call.function
    return {"call": call.function, "with": dict(call.arguments)}


def _message_data(message: Mapping[str, Any]) -> Any:
    return message["type"] if list(message) == ["type"] else dict(message)


def _send_data(send: Send) -> Any:
    options = {"to": send.to, "delay": send.delay or None, "id": send.id}
    given = {key: value for key, value in options.items() if value is not None}
    return _message_data({**send.message, **given})


def action_data(action: Action) -> Any:
    """Return an action as the language has it."""
    if isinstance(action, Call):
        return _call_data(action)
    if isinstance(action, Set | Add):
        return {"set" if isinstance(action, Set) else "add": dict(action.values)}
    if isinstance(action, Raise):
        return {"raise": _message_data(action.message)}
    if isinstance(action, Send):
        return {"send": _send_data(action)}
    if isinstance(action, Cancel):
        return {"cancel": action.id}
    if isinstance(action, EmitEvent):
        event = {"event": action.event, "data": action.data}
        return {"emit": action.event if action.data is None else event}
    if isinstance(action, LogText):
        return {"log": action.text}
    raise ConfigError(
        f"The element {action.kind} of an SCXML document has no form in the language.",
        why="It belongs to a document that was imported.",
        fix="Export the chart as SCXML.",
    )


def actions_data(actions: Sequence[Action]) -> Any:
    """Return actions as ``do`` holds them: one, or a list."""
    found = [action_data(action) for action in actions]
    return found[0] if len(found) == 1 else found


def service_data(service: Service, child: Callable[[Chart], Any]) -> Any:
    """Return a service as ``run`` holds it.

    Parameters
    ----------
    service : Service
        Any but an invocation of an SCXML document.
    child : callable
        Writes the chart of a component that is described in place.
    """
    if service.kind == "scxml":
        raise ConfigError(
            "An invocation of an SCXML document has no form in the language.",
            why="It belongs to a document that was imported.",
            fix="Export the chart as SCXML.",
        )
    key = "do" if service.kind == "function" else service.kind
    found: dict[str, Any] = {key: service.name}
    if service.chart is not None:
        found[key] = child(service.chart)
    if service.arguments:
        found["with"] = dict(service.arguments)
    if service.timeout is not None:
        found["timeout"] = service.timeout
    if service.retry != Retry():
        found["retry"] = {
            "max_attempts": service.retry.max_attempts,
            "base_delay": service.retry.base_delay,
            "jitter": service.retry.jitter,
        }
    return service.name if found == {"do": service.name} else found


def scenario_data(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as ``scenarios`` holds it."""
    found = {
        "name": scenario.name,
        "given": _plain(scenario.given),
        "send": [_message_data(_plain(item)) for item in scenario.send],
        "advance": scenario.advance_s,
        "then": [_message_data(_plain(item)) for item in scenario.then],
        "fake": _plain(scenario.fake),
        "context": _plain(scenario.context),
    }
    kept = {key: value for key, value in found.items() if value}
    return {**kept, "expect": _plain(scenario.expect)}


def _plain(value: Any) -> Any:
    """Return data with lists in the place of tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
