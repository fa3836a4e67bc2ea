"""Read transitions, and what stands beside them in states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

from ..errors import one_line
from ._read_actions import read_actions
from ._read_guards import read_guard
from ._reading import kind_words, seconds_of
from .model import Action, Transition

if TYPE_CHECKING:
    from ._reading import Reading
    from ._yaml import Node
    from .model import Delay, Guard, Trigger

__all__ = ["TransitionsReader"]

_TRANSITION_KEYS = ("to", "if", "do", "reenter", "description", "tags", "meta")


@final
class TransitionsReader:
    """Reads the transitions, actions and notes of states."""

    def __init__(self, reading: Reading, later: frozenset[str]) -> None:
        self.reading = reading
        self.later = later

    def actions(self, node: Node, path: str, key: str) -> tuple[Action, ...]:
        """Return the actions below a key; none when it is not there."""
        child = node.value.get(key)
        if child is None:
            return ()
        return read_actions(self.reading, child, f"{path}.{key}")

    def description(self, node: Node, path: str) -> str | None:
        """Return the description, or None when there is none."""
        child = node.value.get("description")
        if child is None:
            return None
        return self.reading.text(child, f"{path}.description", "description")

    def notes(self, node: Node, path: str) -> dict[str, Any]:
        """Return description, tags and meta, by field."""
        value = node.value
        return {
            "description": self.description(node, path),
            "tags": self.reading.texts(value["tags"], f"{path}.tags", "tags")
            if "tags" in value
            else (),
            "meta": self.reading.mapping(
                value["meta"], f"{path}.meta", "meta", literal=True
            )
            if "meta" in value
            else {},
        }

    def transitions(self, node: Node, path: str, full: str) -> tuple[Transition, ...]:
        """Return the transitions that a state declares, in the order of the text."""
        found: list[Transition] = []
        for key, child in node.value.items():
            here = f"{path}.{key}"
            if key in self.later:
                continue
            if key == "on":
                self._on(found, child, here, full)
            elif key == "after":
                self._after(found, child, here, full)
            elif key in {"always", "done", "error"}:
                trigger = cast("Trigger", key)
                self._add(found, child, here, (full, trigger, "", None))
        return tuple(found)

    def _on(self, found: list[Transition], node: Node, path: str, full: str) -> None:
        reading = self.reading
        if node.kind != "map":
            empty = node.kind == "scalar" and node.value is None
            reading.error(
                "on must be a mapping of messages to transitions.",
                f"It is {kind_words(node)}.",
                "Put the messages below it, indented further."
                if empty
                else "Write on: {message: target}.",
                at=node,
                path=path,
                code="flexiflow.chart.kind",
            )
            return
        for key, child in node.value.items():
            here = f"{path}.{key}"
            if not isinstance(key, str) or not key:
                reading.error(
                    f"The message type {one_line(key, 40)} is not a text.",
                    "Message types are texts.",
                    f'Write "{key}" in quotes.' if key != "" else "Name the message.",
                    at=node.keys[key],
                    path=here,
                )
                continue
            self._doubt(key, node.keys[key], here)
            self._add(found, child, here, (full, "message", key, None))

    def _doubt(self, key: str, node: Node, path: str) -> None:
        """Warn of a message type that looks like several and is one."""
        stem = "" if key == "*" else key.removesuffix(".*")
        if "*" in stem:
            begin = stem.partition("*")[0].strip(".")
            fix = f"Write '{begin}.*' or '*'." if begin else "Write '*'."
        elif "," in stem:
            fix = "Give each type a line of its own."
        elif "" in stem.split(".") and key != "*":
            bare = ".".join(part for part in stem.split(".") if part)
            fix = f"Did you mean {bare}{key[len(stem) :]}?" if bare else "Write '*'."
        else:
            return
        self.reading.error(
            f"The message type {one_line(key, 60)} is one type, written like this.",
            "Types are compared letter by letter; only '*' covers all of them, and "
            "'door.*' door and what begins with door. (with the dot).",
            fix,
            at=node,
            path=path,
            code="flexiflow.chart.message",
            level="warning",
        )

    def _after(self, found: list[Transition], node: Node, path: str, full: str) -> None:
        reading = self.reading
        if node.kind != "map":
            reading.wrong_kind("after", node, "a mapping of times to transitions", path)
            return
        for key, child in node.value.items():
            here = f"{path}.{key}"
            reference = isinstance(key, str) and key.startswith("$context.")
            delay: Delay | None = key if reference else seconds_of(key)
            if delay is None:
                near = kind_words(node.keys[key])
                reading.error(
                    "The time of a timer must be a duration.",
                    f"It is {near}.",
                    "Write 500ms, 2s, 3m, 48h, 1d, a number of seconds, or "
                    "$context.name.",
                    at=node.keys[key],
                    path=here,
                    code="flexiflow.chart.duration",
                )
                continue
            self._add(found, child, here, (full, "after", str(key), delay))

    def _add(
        self,
        found: list[Transition],
        node: Node,
        path: str,
        start: tuple[str, Trigger, str, Delay | None],
    ) -> None:
        """Read one transition or a list of them."""
        if node.kind != "list":
            self._transition(found, node, path, start)
            return
        if not node.value:
            self.reading.error(
                "A list of transitions is empty.",
                "The first that is possible is taken; none is given.",
                "Add a transition, or remove the key.",
                at=node,
                path=path,
            )
        for at, item in enumerate(node.value):
            self._transition(found, item, f"{path}[{at}]", start)

    def _transition(
        self,
        found: list[Transition],
        node: Node,
        path: str,
        start: tuple[str, Trigger, str, Delay | None],
    ) -> None:
        reading = self.reading
        full, trigger, message, delay = start
        what = f"The transition on {message}" if trigger == "message" else trigger
        what = f"The transition after {message}" if trigger == "after" else what
        place = reading.place(node, path)
        index, reading.transitions = reading.transitions, reading.transitions + 1
        if node.kind == "scalar" and isinstance(node.value, str):
            target = reading.target(node, path, full, what)
            found.append(
                Transition(
                    index,
                    full,
                    trigger,
                    message,
                    (target,) if target else (),
                    delay=delay,
                    place=place,
                )
            )
            return
        if node.kind != "map" or not node.value:
            given = "empty" if node.kind == "map" else kind_words(node)
            reading.error(
                f"{what[:1].upper()}{what[1:]} leads nowhere and does nothing.",
                f"It is {given}.",
                "Write the name of a state, or {to: state, if: ..., do: ...}.",
                at=node,
                path=path,
                code="flexiflow.chart.kind",
            )
            return
        where = f"{what[:1].lower()}{what[1:]}"
        reading.check_keys(node, _TRANSITION_KEYS, path, where)
        value = node.value
        target = (
            reading.target(value["to"], f"{path}.to", full, what)
            if "to" in value
            else None
        )
        guard: Guard | None = (
            read_guard(reading, value["if"], f"{path}.if", full)
            if "if" in value
            else None
        )
        found.append(
            Transition(
                index,
                full,
                trigger,
                message,
                (target,) if target else (),
                guard=guard,
                actions=self.actions(node, path, "do"),
                reenter="reenter" in value
                and reading.flag(value["reenter"], f"{path}.reenter", "reenter"),
                delay=delay,
                place=place,
                **self.notes(node, path),
            )
        )
