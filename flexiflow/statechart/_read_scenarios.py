"""Read scenarios: messages in, states out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._read_actions import read_message
from .model import Scenario

if TYPE_CHECKING:
    from ._reading import Reading
    from ._yaml import Node

__all__ = ["SCENARIO_KEYS", "read_scenarios"]

SCENARIO_KEYS: Final = ("name", "send", "advance", "fake", "then", "expect", "context")
"""What a scenario may hold."""


def read_scenarios(reading: Reading, root: Node) -> tuple[Scenario, ...]:
    """Return the scenarios of a chart; what has errors is left out.

    Parameters
    ----------
    reading : Reading
        Takes the problems.
    root : Node
        The top of the document.
    """
    node = root.value.get("scenarios")
    if node is None:
        return ()
    if node.kind != "list":
        reading.wrong_kind("scenarios", node, "a list", "$.scenarios")
        return ()
    found = [
        _read_scenario(reading, item, f"$.scenarios[{at}]", at + 1)
        for at, item in enumerate(node.value)
    ]
    return tuple(item for item in found if item is not None)


def _read_scenario(
    reading: Reading, node: Node, path: str, number: int
) -> Scenario | None:
    if node.kind != "map":
        reading.wrong_kind("A scenario", node, "a mapping", path)
        return None
    reading.check_keys(node, SCENARIO_KEYS, path, f"scenario {number}")
    value = node.value
    if "expect" not in value:
        reading.error(
            f"Scenario {number} expects nothing.",
            "expect names the states in which the machine is at the end.",
            "Add expect: and a state's name.",
            at=node,
            path=path,
        )
        return None
    name = (
        reading.text(value["name"], f"{path}.name", "name") if "name" in value else None
    )
    advance = 0.0
    if "advance" in value:
        seconds = reading.duration(value["advance"], f"{path}.advance", "advance")
        if isinstance(seconds, str):
            reading.wrong_kind(
                "advance", value["advance"], "a fixed duration", f"{path}.advance"
            )
        else:
            advance = seconds or 0.0
    return Scenario(
        name or f"scenario {number}",
        _messages(reading, node, path, "send"),
        advance,
        _messages(reading, node, path, "then"),
        fake=_data(reading, node, path, "fake"),
        expect=_expect(reading, value["expect"], f"{path}.expect"),
        context=_data(reading, node, path, "context"),
        place=reading.place(node, path),
    )


def _messages(
    reading: Reading, node: Node, path: str, key: str
) -> tuple[dict[str, Any], ...]:
    child = node.value.get(key)
    if child is None:
        return ()
    if child.kind != "list":
        reading.wrong_kind(key, child, "a list of messages", f"{path}.{key}")
        return ()
    found = [
        read_message(reading, item, f"{path}.{key}[{at}]", f"A message of {key}")
        for at, item in enumerate(child.value)
    ]
    return tuple(item for item in found if item is not None)


def _data(reading: Reading, node: Node, path: str, key: str) -> dict[str, Any]:
    child = node.value.get(key)
    return (
        {}
        if child is None
        else reading.mapping(child, f"{path}.{key}", key, literal=True)
    )


def _expect(reading: Reading, node: Node, path: str) -> tuple[str, ...]:
    if node.kind == "list":
        return reading.texts(node, path, "expect")
    text = reading.text(node, path, "expect")
    return () if text is None else (text,)
