"""Read states and transitions, with the targets resolved."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final, Literal, cast, final

from ..errors import one_line
from ._read_actions import read_actions
from ._read_guards import read_guard
from ._read_run import read_run
from ._reading import DOTTED, close_to, kind_words, seconds_of
from .model import Action, StateNode, Transition

if TYPE_CHECKING:
    from ._reading import Reading
    from ._yaml import Node
    from .model import Delay, Guard, Service, StateKind, Trigger

__all__ = ["LATER", "STATE_KEYS", "StatesReader"]

LATER: Final[frozenset[str]] = frozenset({"after", "run"})
"""Keys of the language that this version does not execute."""
STATE_KEYS: Final = (
    "on",
    "entry",
    "exit",
    "after",
    "always",
    "initial",
    "states",
    "parallel",
    "run",
    "done",
    "error",
    "final",
    "output",
    "description",
    "tags",
    "meta",
)
"""What a state may declare."""
_HISTORY_KEYS = ("history", "default", "description")
_TRANSITION_KEYS = ("to", "if", "do", "reenter", "description", "tags", "meta")
_NOT_IN_FINAL = ("on", "after", "always", "done", "error", "states", "parallel", "run")


@final
class StatesReader:
    """Reads the states of one chart, parents before their children."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.states: list[StateNode] = []

    # --- the names, before anything refers to them ------------------------------------

    def outline(self, node: Node, path: str, prefix: str) -> None:
        """Note the paths of all states below a mapping of states."""
        if node.kind != "map":
            return
        reading = self.reading
        for key, child in node.value.items():
            if not isinstance(key, str):
                continue
            name = unicodedata.normalize("NFC", key)
            here = f"{prefix}.{name}" if prefix else name
            if here in reading.paths:
                reading.error(
                    f"The state {name} is declared twice.",
                    "Two spellings of the name are the same text (Unicode NFC).",
                    "Rename one of them, or put both together.",
                    at=node.keys[key],
                    path=f"{path}.{key}",
                )
            reading.paths[here] = None
            if child.kind == "map":
                for kind in ("states", "parallel"):
                    if kind in child.value:
                        self.outline(child.value[kind], f"{path}.{key}.{kind}", here)

    # --- states -----------------------------------------------------------------------

    def children(self, node: Node, path: str, parent: str) -> tuple[str, ...]:
        """Read a mapping of states; return the paths of those that were read."""
        reading = self.reading
        if node.kind != "map" or not node.value:
            reading.error(
                "states must be a mapping of names to states.",
                f"It is {'empty' if node.kind == 'map' else kind_words(node)}.",
                "Put at least one state below it, indented.",
                at=node,
                path=path,
                code="flexiflow.chart.kind",
            )
            return ()
        found = []
        for key, child in node.value.items():
            here = f"{path}.{key}"
            name = reading.state_name(node.keys[key], here)
            if name is None:
                continue
            full = f"{parent}.{name}" if parent else name
            self._state(child, node.keys[key], here, full)
            found.append(full)
        return tuple(found)

    def _state(self, node: Node, key: Node, path: str, full: str) -> None:
        """Read one state and those below it."""
        reading = self.reading
        parent, _, name = full.rpartition(".")
        place = reading.place(key, path)
        slot = len(self.states)
        if node.kind == "map" and "history" in node.value:
            self.states.append(self._history(node, path, full))
            return
        if node.kind == "scalar" and node.value is None:
            self.states.append(
                StateNode(full, name, "atomic", parent=parent, place=place)
            )
            return
        if node.kind != "map":
            self._not_a_state(node, path, name)
            self.states.append(StateNode(full, name, "atomic", parent=parent))
            return
        reading.check_keys(node, STATE_KEYS, path, f"the state {name}")
        read = self.body(node, path, full, f"the state {name}")
        self.states.insert(slot, StateNode(path=full, name=name, place=place, **read))

    def _not_a_state(self, node: Node, path: str, name: str) -> None:
        value = node.value if node.kind == "scalar" else None
        if isinstance(value, str) and DOTTED.fullmatch(value):
            self.reading.not_yet(node, path, f"A State class ({value}) within a chart")
            return
        self.reading.error(
            f"The state {name} must be a mapping.",
            f"It is {kind_words(node)}.",
            f"Write {name}: {{on: {{message: target}}}}, or leave it empty.",
            at=node,
            path=path,
            code="flexiflow.chart.kind",
        )

    def _history(self, node: Node, path: str, full: str) -> StateNode:
        reading = self.reading
        parent, _, name = full.rpartition(".")
        reading.check_keys(node, _HISTORY_KEYS, path, f"the history state {name}")
        kind = node.value["history"]
        if kind.kind != "scalar" or kind.value not in {"shallow", "deep"}:
            reading.wrong_kind("history", kind, "shallow or deep", f"{path}.history")
        default: tuple[str, ...] = ()
        if "default" in node.value:
            target = reading.target(
                node.value["default"], f"{path}.default", full, "The history state"
            )
            if target is not None and not target.startswith(f"{parent}."):
                reading.error(
                    f"The default of the history state {name} lies elsewhere.",
                    f"{target} is not within {parent or 'the chart'}.",
                    "Name a state beside the history state.",
                    at=node.value["default"],
                    path=f"{path}.default",
                )
            default = (target,) if target else ()
        if not parent:
            reading.error(
                "A history state stands at the top level.",
                "It remembers what was active in the state around it.",
                "Put it into a state that has states.",
                at=node.value["history"],
                path=path,
            )
        return StateNode(
            full,
            name,
            "history",
            parent=parent,
            initial=default,
            history=cast("Literal['shallow', 'deep']", kind.value),
            description=self._description(node, path),
            place=reading.place(node, path),
        )

    # Any: the fields of StateNode, each of its own type.
    def body(self, node: Node, path: str, full: str, where: str) -> dict[str, Any]:
        """Return what a state, or the top level, declares, by field of StateNode."""
        reading = self.reading
        value = node.value
        self._refuse_later(node, path)
        kind = self._kind(node, path, where)
        transitions = self._transitions_of(node, path, full)
        entry = self._actions(node, path, "entry")
        leave = self._actions(node, path, "exit")
        run: tuple[Service, ...] = ()
        if "run" in value and "run" not in LATER:
            service = read_run(reading, value["run"], f"{path}.run")
            run = (service,) if service is not None else ()
        children: tuple[str, ...] = ()
        group = "parallel" if "parallel" in value else "states"
        if group in value and kind != "final":
            children = self.children(value[group], f"{path}.{group}", full)
        return {
            "kind": kind,
            "parent": full.rpartition(".")[0] if full else None,
            "children": children,
            "initial": self._initial(node, path, full, children)
            if kind == "compound"
            else (),
            "entry": entry,
            "exit": leave,
            "transitions": transitions,
            "run": run,
            "output": reading.value(value["output"], f"{path}.output")
            if "output" in value
            else None,
            **self._notes(node, path),
        }

    def _refuse_later(self, node: Node, path: str) -> None:
        for key in node.value:
            if key in LATER:
                self.reading.not_yet(node.keys[key], f"{path}.{key}", str(key))

    def _kind(self, node: Node, path: str, where: str) -> StateKind:
        """Return a state's kind; contradictions are reported."""
        reading = self.reading
        value = node.value
        ended = "final" in value and reading.flag(
            value["final"], f"{path}.final", "final"
        )
        if ended:
            for key in _NOT_IN_FINAL:
                if key in value:
                    reading.error(
                        f"{where[:1].upper()}{where[1:]} is final and has {key}.",
                        "A final state is the end: nothing happens in it.",
                        f"Remove {key}, or final.",
                        at=node.keys[key],
                        path=f"{path}.{key}",
                    )
            return "final"
        pairs = [("states", "parallel"), ("run", "states"), ("run", "parallel")]
        for one, other in pairs:
            if one in value and other in value:
                reading.error(
                    f"{where[:1].upper()}{where[1:]} has both {one} and {other}.",
                    "A state has either states, or parallel regions, or a service.",
                    f"Remove one, or put {one} into a state within it.",
                    at=node.keys[other],
                    path=f"{path}.{other}",
                )
        for key, needs in (("initial", "states"), ("output", "final: true")):
            if key in value and needs.partition(":")[0] not in value:
                reading.error(
                    f"{key} stands without {needs}.",
                    "A compound state starts in one of its states."
                    if key == "initial"
                    else "Only a final state has a result.",
                    f"Add {needs}, or remove {key}.",
                    at=node.keys[key],
                    path=f"{path}.{key}",
                )
        if "output" in value and "final" in value:
            reading.error(
                "output stands in a state that is not final.",
                "Only a final state has a result.",
                "Write final: true, or remove output.",
                at=node.keys["output"],
                path=f"{path}.output",
            )
        if "parallel" in value:
            return "parallel"
        return "compound" if "states" in value else "atomic"

    def _initial(
        self, node: Node, path: str, full: str, children: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return where a compound state starts; the first child by default."""
        key = "initial" if full else "initial_state"
        written = node.value.get(key)
        if written is None or not children:
            return children[:1]
        text = written.value if written.kind == "scalar" else None
        if isinstance(text, str):
            name = unicodedata.normalize("NFC", text)
            target = f"{full}.{name}" if full else name
            if target in children or (not full and target in self.reading.paths):
                return (target,)
        names = [child.rpartition(".")[2] for child in children]
        near = close_to(text, names) if isinstance(text, str) else None
        self.reading.error(
            f"{key} names a state that does not exist.",
            f"No state {one_line(text, 60)} in {full or self.reading.name}. "
            f"States: {', '.join(names[:8])}.",
            f"Did you mean {near}?" if near else "Name one of them.",
            at=written,
            path=f"{path}.{key}",
            code="flexiflow.chart.unknown_target",
        )
        return children[:1]

    def _actions(self, node: Node, path: str, key: str) -> tuple[Action, ...]:
        child = node.value.get(key)
        if child is None:
            return ()
        return read_actions(self.reading, child, f"{path}.{key}")

    def _description(self, node: Node, path: str) -> str | None:
        child = node.value.get("description")
        if child is None:
            return None
        return self.reading.text(child, f"{path}.description", "description")

    def _notes(self, node: Node, path: str) -> dict[str, Any]:
        """Return description, tags and meta, by field."""
        value = node.value
        return {
            "description": self._description(node, path),
            "tags": self.reading.texts(value["tags"], f"{path}.tags", "tags")
            if "tags" in value
            else (),
            "meta": self.reading.mapping(
                value["meta"], f"{path}.meta", "meta", literal=True
            )
            if "meta" in value
            else {},
        }

    # --- transitions ------------------------------------------------------------------

    def _transitions_of(
        self, node: Node, path: str, full: str
    ) -> tuple[Transition, ...]:
        """Return the transitions that a state declares, in the order of the text."""
        found: list[Transition] = []
        for key, child in node.value.items():
            here = f"{path}.{key}"
            if key in LATER:
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
            self._add(found, child, here, (full, "message", key, None))

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
                actions=self._actions(node, path, "do"),
                reenter="reenter" in value
                and reading.flag(value["reenter"], f"{path}.reenter", "reenter"),
                delay=delay,
                place=place,
                **self._notes(node, path),
            )
        )
