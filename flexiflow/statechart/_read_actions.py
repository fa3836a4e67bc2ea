"""Read actions: functions, and the few things that need none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._reading import close_to, kind_words
from ._references import split_reference
from .model import (
    Action,
    Add,
    Call,
    Cancel,
    EmitEvent,
    LogText,
    Raise,
    Send,
    Set,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._reading import Reading
    from ._yaml import Node

__all__ = ["KINDS", "LATER", "read_actions", "read_message"]

KINDS: Final = ("call", "set", "add", "raise", "send", "cancel", "emit", "log")
"""The kinds of action; one in a mapping."""
LATER: Final[frozenset[str]] = frozenset()
"""Kinds of the language that this version does not execute."""
_KEYS = (*KINDS, "with")


def read_actions(reading: Reading, node: Node, path: str) -> tuple[Action, ...]:
    """Return the actions that stand in a node; what has errors is left out.

    Parameters
    ----------
    reading : Reading
        Takes the problems.
    node : Node
        One action, or a list of them.
    path : str
        The node's place in the data.
    """
    if node.kind == "list":
        found = [
            _read_action(reading, item, f"{path}[{at}]")
            for at, item in enumerate(node.value)
        ]
        return tuple(item for item in found if item is not None)
    single = _read_action(reading, node, path)
    return () if single is None else (single,)


def _read_action(reading: Reading, node: Node, path: str) -> Action | None:
    if node.kind == "scalar" and isinstance(node.value, str):
        name = reading.function(node, path, "An action")
        return Call(name, {}, reading.place(node, path)) if name else None
    if node.kind != "map":
        reading.wrong_kind("An action", node, "a mapping or a function's name", path)
        return None
    reading.check_keys(node, _KEYS, path, "an action")
    kinds = [kind for kind in KINDS if kind in node.value]
    if len(kinds) > 1:
        reading.error(
            f"An action does {len(kinds)} things at once: {', '.join(kinds)}.",
            "A mapping holds one kind of action, so that the order is plain.",
            "Write a list: [" + ", ".join(f"{{{kind}: ...}}" for kind in kinds) + "]",
            at=node.keys[kinds[1]],
            path=path,
        )
        return None
    if not kinds:
        if not any(key not in _KEYS for key in node.value):
            reading.error(
                "An action does nothing.",
                f"Kinds of action: a function's name, {', '.join(KINDS)}.",
                "Name one of them.",
                at=node,
                path=path,
            )
        return None
    kind = kinds[0]
    if kind in LATER:
        reading.not_yet(node.keys[kind], f"{path}.{kind}", kind)
        return None
    if "with" in node.value and kind != "call":
        reading.error(
            f"with stands beside {kind}.",
            "It passes values to a function.",
            f"Remove with, or put the values into {kind}.",
            at=node.keys["with"],
            path=path,
        )
    return _READERS[kind](reading, node, f"{path}.{kind}")


def _read_call(reading: Reading, node: Node, path: str) -> Action | None:
    child = node.value["call"]
    name = reading.function(child, path, "call")
    passed = node.value.get("with")
    arguments = (
        reading.mapping(passed, path[: -len("call")] + "with", "with") if passed else {}
    )
    return Call(name, arguments, reading.place(child, path)) if name else None


def _read_set(reading: Reading, node: Node, path: str) -> Action:
    child = node.value["set"]
    values = reading.mapping(child, path, "set")
    _check_context_keys(reading, child, values, path)
    return Set(values, reading.place(node.keys["set"], path))


def _read_add(reading: Reading, node: Node, path: str) -> Action:
    child = node.value["add"]
    values = reading.mapping(child, path, "add")
    _check_context_keys(reading, child, values, path)
    for key, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number and not (isinstance(value, str) and split_reference(value)):
            reading.wrong_kind(
                f"What is added to {key}",
                child.value[key],
                "a number or a reference",
                f"{path}.{key}",
            )
    return Add(values, reading.place(node.keys["add"], path))


def _check_context_keys(
    reading: Reading, node: Node, values: Mapping[str, Any], path: str
) -> None:
    """Warn of keys that repeat what set and add write to anyway."""
    for key in values:
        if key.startswith("context."):
            short = key.removeprefix("context.")
            reading.error(
                f"{key} becomes a key of that very name.",
                "set and add write to the context; its keys stand without context.",
                f"Write {short}.",
                at=node.keys[key],
                path=f"{path}.{key}",
                level="warning",
            )


def read_message(
    reading: Reading, node: Node, path: str, what: str
) -> dict[str, Any] | None:
    """Return a message as a mapping with ``type``, or None with the problem."""
    if node.kind == "scalar" and isinstance(node.value, str):
        return {"type": node.value}
    if node.kind != "map":
        reading.wrong_kind(
            what, node, "a message type, or a mapping with type and fields", path
        )
        return None
    kind = node.value.get("type")
    if kind is None:
        near = close_to("type", [key for key in node.value if isinstance(key, str)])
        reading.error(
            f"{what} has no type.",
            "A message has a type, and fields of any name.",
            f"Did you mean type instead of {near}?" if near else "Add type: ...",
            at=node,
            path=path,
        )
        return None
    if kind.kind != "scalar" or not isinstance(kind.value, str):
        reading.wrong_kind("The type of a message", kind, "text", f"{path}.type")
        return None
    return reading.mapping(node, path, what)


def _read_raise(reading: Reading, node: Node, path: str) -> Action | None:
    child = node.value["raise"]
    message = read_message(reading, child, path, "raise")
    if message is None:
        return None
    for key in ("to", "delay", "id"):
        if key in message:
            reading.error(
                f"raise cannot have {key}.",
                "A raised message is handled by the same machine, at once.",
                "Use send instead.",
                at=child.keys[key],
                path=f"{path}.{key}",
            )
    return Raise(message, reading.place(node.keys["raise"], path))


def _read_send(reading: Reading, node: Node, path: str) -> Action | None:
    child = node.value["send"]
    message = read_message(reading, child, path, "send")
    if message is None:
        return None
    options: dict[str, str | None] = {"to": None, "id": None}
    for key in options:
        if key in message:
            options[key] = reading.text(child.value[key], f"{path}.{key}", key)
            del message[key]
    delay: float | str | None = 0.0
    if "delay" in message:
        delay = reading.duration(child.value["delay"], f"{path}.delay", "delay")
        del message["delay"]
    place = reading.place(node.keys["send"], path)
    return Send(message, options["to"], delay or 0.0, options["id"], place)


def _read_cancel(reading: Reading, node: Node, path: str) -> Action | None:
    name = reading.text(node.value["cancel"], path, "cancel")
    return Cancel(name, reading.place(node.keys["cancel"], path)) if name else None


def _read_emit(reading: Reading, node: Node, path: str) -> Action | None:
    child = node.value["emit"]
    place = reading.place(node.keys["emit"], path)
    if child.kind == "scalar" and isinstance(child.value, str):
        return EmitEvent(child.value, None, place)
    if child.kind != "map":
        reading.wrong_kind("emit", child, "an event's name, or {event, data}", path)
        return None
    reading.check_keys(child, ("event", "data"), path, "emit")
    if "event" not in child.value:
        reading.error(
            "emit names no event.",
            f"It is {kind_words(child)} without event.",
            "Write emit: {event: name, data: ...}.",
            at=child,
            path=path,
        )
        return None
    event = reading.text(child.value["event"], f"{path}.event", "event")
    data = (
        reading.value(child.value["data"], f"{path}.data")
        if "data" in child.value
        else None
    )
    return EmitEvent(event, data, place) if event is not None else None


def _read_log(reading: Reading, node: Node, path: str) -> Action | None:
    text = reading.text(node.value["log"], path, "log")
    return (
        LogText(text, reading.place(node.keys["log"], path))
        if text is not None
        else None
    )


_READERS: Mapping[str, Callable[[Reading, Node, str], Action | None]] = {
    "call": _read_call,
    "set": _read_set,
    "add": _read_add,
    "raise": _read_raise,
    "send": _read_send,
    "cancel": _read_cancel,
    "emit": _read_emit,
    "log": _read_log,
}
