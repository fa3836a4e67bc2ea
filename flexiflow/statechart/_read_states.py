"""Read states and transitions, with the targets resolved."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final, Literal, cast, final

from ..errors import one_line
from ._read_run import read_run
from ._read_transitions import TransitionsReader
from ._reading import DOTTED, close_to, kind_words
from .model import StateNode

if TYPE_CHECKING:
    from ._read_run import Describe
    from ._reading import Reading
    from ._yaml import Node
    from .model import Service, StateKind

__all__ = ["LATER", "STATE_KEYS", "StatesReader"]

LATER: Final[frozenset[str]] = frozenset()
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
_NOT_IN_FINAL = (
    "on",
    "after",
    "always",
    "done",
    "error",
    "states",
    "parallel",
    "initial",
    "run",
)


@final
class StatesReader:
    """Reads the states of one chart, parents before their children."""

    def __init__(self, reading: Reading, describe: Describe) -> None:
        self.reading = reading
        self._describe = describe
        self.parts = TransitionsReader(reading, LATER)
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
            description=self.parts.description(node, path),
            place=reading.place(node, path),
        )

    # Any: the fields of StateNode, each of its own type.
    def body(self, node: Node, path: str, full: str, where: str) -> dict[str, Any]:
        """Return what a state, or the top level, declares, by field of StateNode."""
        reading = self.reading
        value = node.value
        self._refuse_later(node, path)
        kind = self._kind(node, path, where)
        transitions = self.parts.transitions(node, path, full)
        entry = self.parts.actions(node, path, "entry")
        leave = self.parts.actions(node, path, "exit")
        run: tuple[Service, ...] = ()
        if "run" in value and "run" not in LATER:
            service = read_run(reading, value["run"], f"{path}.run", self._describe)
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
            **self.parts.notes(node, path),
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
        memories = {item.path for item in self.states if item.kind == "history"}
        first = tuple(path for path in children if path not in memories)[:1]
        if children and not first:
            self.reading.error(
                f"{full} has history states alone.",
                "A history state remembers one of the states beside it.",
                "Add a state, or remove the history state.",
                at=node,
                path=path,
            )
        if written is None or not first:
            return first
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
        return first

    def check_histories(self) -> None:
        """Report history states that lead to nothing but themselves."""
        nodes = {node.path: node for node in self.states}
        for node in self.states:
            seen: set[str] = set()
            here: StateNode | None = node
            while here is not None and here.kind == "history" and here.path not in seen:
                seen.add(here.path)
                parent = nodes.get(here.parent or "")
                leads = here.initial or (parent.initial if parent else ())
                here = nodes.get(leads[0]) if leads else None
            if here is not None and here.kind == "history":
                self.reading.error(
                    f"The history state {node.name} leads to itself.",
                    "When nothing is remembered yet, its default, or the initial "
                    "state beside it, is entered.",
                    "Give it a default that is a state.",
                    at=None,
                    path=f"$.{node.path}",
                )
