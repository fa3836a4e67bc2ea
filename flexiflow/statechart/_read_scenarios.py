"""Read scenarios: messages in, states out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import nearest, one_line
from ._read_actions import read_message
from ._reading import close_to
from .model import Scenario

if TYPE_CHECKING:
    from ..diagnostics import Place
    from ._reading import Reading
    from ._yaml import Node

__all__ = ["SCENARIO_KEYS", "read_scenarios"]

SCENARIO_KEYS: Final = (
    "name",
    "given",
    "send",
    "advance",
    "fake",
    "then",
    "expect",
    "context",
)
"""What a scenario may hold."""
GIVEN_KEYS: Final = ("state", "context", "history", "timers")
"""What ``given`` may hold."""
_CHECK_KEYS: Final = ("expect", "context")
_MOST_LISTED: Final = 8

# Any in this module: JSON data of the user's.


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
    found = []
    for at, item in enumerate(node.value):
        path = f"$.scenarios[{at}]"
        if item.kind != "map":
            reading.wrong_kind("A scenario", item, "a mapping", path)
            continue
        one = _OneScenario(reading, item, path).read(at + 1)
        if one is not None:
            found.append(one)
    return tuple(found)


class _OneScenario:
    """The reading of one scenario."""

    def __init__(self, reading: Reading, node: Node, path: str) -> None:
        self._reading = reading
        self._node = node
        self._path = path
        self._places: dict[str, Place] = {}

    def read(self, number: int) -> Scenario | None:
        """Return the scenario, or None with the problem reported."""
        reading, path, value = self._reading, self._path, self._node.value
        reading.check_keys(self._node, SCENARIO_KEYS, path, f"scenario {number}")
        if "expect" not in value:
            reading.error(
                f"Scenario {number} expects nothing.",
                "expect names the states in which the machine is at the end.",
                "Add expect: and a state's name.",
                at=self._node,
                path=path,
            )
            return None
        name = (
            reading.text(value["name"], f"{path}.name", "name")
            if "name" in value
            else None
        )
        return Scenario(
            name or f"scenario {number}",
            self._steps("send"),
            self._advance(value["advance"], "advance") if "advance" in value else 0.0,
            self._steps("then"),
            fake=self._data("fake"),
            expect=self._states(value["expect"], "expect"),
            context=self._data("context"),
            given=self._given(value["given"]) if "given" in value else {},
            place=reading.place(self._node, path),
            places=self._places,
        )

    def _note(self, node: Node, key: str) -> str:
        """Remember where a part stands, and return its path."""
        path = f"{self._path}.{key}"
        place = self._reading.place(node, path)
        if place is not None:
            self._places[key] = place
        return path

    def _steps(self, key: str) -> tuple[dict[str, Any], ...]:
        """Return what is done in order: messages, waits and looks."""
        child = self._node.value.get(key)
        if child is None:
            return ()
        if child.kind != "list":
            self._reading.wrong_kind(
                key, child, "a list of messages", f"{self._path}.{key}"
            )
            return ()
        found = [
            self._step(item, key, f"{key}[{at}]") for at, item in enumerate(child.value)
        ]
        return tuple(item for item in found if item is not None)

    def _step(self, item: Node, list_: str, key: str) -> dict[str, Any] | None:
        path = self._note(item, key)
        keys = item.value if item.kind == "map" else {}
        if "type" not in keys and "advance" in keys:
            self._reading.check_keys(item, ("advance",), path, "a wait")
            return {"advance": self._advance(keys["advance"], f"{key}.advance")}
        if "type" not in keys and "together" in keys:
            self._reading.check_keys(item, ("together",), path, "a group")
            return self._group(keys["together"], f"{key}.together")
        if "type" not in keys and "expect" in keys:
            self._reading.check_keys(item, _CHECK_KEYS, path, "a look")
            found: dict[str, Any] = {
                "expect": self._states(keys["expect"], f"{key}.expect")
            }
            if "context" in keys:
                found["context"] = self._mapping(keys["context"], f"{key}.context")
            return found
        return read_message(self._reading, item, path, f"A message of {list_}")

    def _group(self, node: Node, key: str) -> dict[str, Any]:
        """Return messages that arrive together."""
        path = self._note(node, key)
        if node.kind != "list":
            self._reading.wrong_kind("together", node, "a list of messages", path)
            return {"together": ()}
        found = [
            read_message(self._reading, one, f"{path}[{at}]", "A message of together")
            for at, one in enumerate(node.value)
        ]
        return {"together": tuple(one for one in found if one is not None)}

    def _advance(self, node: Node, key: str) -> float:
        path = self._note(node, key)
        seconds = self._reading.duration(node, path, "advance")
        if isinstance(seconds, str):
            self._reading.wrong_kind("advance", node, "a fixed duration", path)
            return 0.0
        return seconds or 0.0

    def _data(self, key: str) -> dict[str, Any]:
        child = self._node.value.get(key)
        return {} if child is None else self._mapping(child, key)

    def _mapping(self, node: Node, key: str) -> dict[str, Any]:
        path = self._note(node, key)
        found = self._reading.mapping(node, path, key.rpartition(".")[2], literal=True)
        if node.kind == "map":
            for name, inner in node.keys.items():
                if isinstance(name, str):
                    self._note(inner, f"{key}.{name}")
        return found

    def _states(self, node: Node, key: str) -> tuple[str, ...]:
        path = self._note(node, key)
        what = key.rpartition(".")[2]
        if node.kind == "list":
            names = self._reading.texts(node, path, what)
            for name, item in zip(names, node.value, strict=False):
                self._check_state(name, item, path, what)
            return names
        text = self._reading.text(node, path, what)
        if text is None:
            return ()
        self._check_state(text, node, path, what)
        return (text,)

    def _check_state(self, name: str, node: Node, path: str, what: str) -> None:
        """Warn of a state that the chart does not have."""
        known = self._reading.paths
        names = {one.rpartition(".")[2]: one for one in known}
        if name in known or name in names:
            return
        near = close_to(name, [*names, *known])
        listed = nearest(name, known, limit=_MOST_LISTED)
        self._reading.error(
            f"{what} names a state that does not exist: {one_line(name, 60)}.",
            f"States: {', '.join(listed)}.",
            f"Did you mean {near}?" if near else "Name one of the chart's states.",
            at=node,
            path=path,
            code="flexiflow.chart.scenario",
            level="warning",
        )

    def _given(self, node: Node) -> dict[str, Any]:
        """Return where the machine stands at first."""
        reading = self._reading
        path = self._note(node, "given")
        if node.kind == "scalar" and isinstance(node.value, str):
            return {"state": self._states(node, "given")}
        if node.kind != "map":
            reading.wrong_kind("given", node, "a state's name, or a mapping", path)
            return {}
        reading.check_keys(node, GIVEN_KEYS, path, "given")
        found: dict[str, Any] = {}
        for key, child in node.value.items():
            if key == "state":
                found["state"] = self._states(child, "given.state")
            elif key == "history":
                found["history"] = self._history(child)
            elif key == "timers":
                found["timers"] = self._timers(child)
            elif key == "context":
                found["context"] = self._mapping(child, "given.context")
        return found

    def _history(self, node: Node) -> dict[str, Any]:
        path = self._note(node, "given.history")
        if node.kind != "map":
            self._reading.wrong_kind("history", node, "a mapping", path)
            return {}
        return {
            str(name): self._states(child, f"given.history.{name}")
            for name, child in node.value.items()
        }

    def _timers(self, node: Node) -> dict[str, float]:
        path = self._note(node, "given.timers")
        if node.kind != "map":
            self._reading.wrong_kind("timers", node, "a mapping", path)
            return {}
        return {
            str(name): self._advance(child, f"given.timers.{name}")
            for name, child in node.value.items()
        }
