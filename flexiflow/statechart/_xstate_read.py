"""Read machines of XState v5, in JSON, as drafts of charts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final, final

from ..errors import nearest, one_line
from ._draft import DraftMove, DraftState
from ._reading import NAME
from ._xstate_parts import (
    check_keys,
    object_at,
    read_actions,
    read_guard,
    read_service,
    what_is,
    wrong,
)
from ._xstate_write import OURS

__all__ = ["draft_of"]

_STATE_KEYS: Final = (
    "id", "type", "initial", "states", "on", "after", "always", "onDone", "entry",
    "exit", "invoke", "output", "history", "target", "description", "tags", "meta",
)  # fmt: skip
_ROOT_KEYS: Final = (*_STATE_KEYS, "context")
_MOVE_KEYS: Final = ("target", "guard", "actions", "reenter", "description", "meta")
_TYPES: Final = ("atomic", "compound", "parallel", "final", "history")
_MOST_DEPTH: Final = 50
_TRIGGERS: Final = {
    "on": "message",
    "after": "after",
    "always": "always",
    "onDone": "done",
    "onError": "error",
}
"""What the transitions below a key wait for."""

# Any in this module: JSON of any shape, until it was looked at.


def draft_of(machine: Mapping[str, Any], *, source: str) -> DraftState:
    """Return the draft of a machine's config.

    Raises
    ------
    ConfigError
        If it is none, or holds what a chart has no words for; with the place.
    """
    return _Reader(machine, source).draft()


@final
class _State:
    """A state's config while the drafts are made."""

    def __init__(self, path: str, config: Mapping[str, Any], where: str) -> None:
        self.path = path
        self.config = config
        self.where = where
        self.children: list[_State] = []


@final
class _Reader:
    """Reads one machine."""

    def __init__(self, machine: Mapping[str, Any], source: str) -> None:
        self.machine = machine
        self.source = source
        self.states: dict[str, _State] = {}
        self.ids: dict[str, str] = {}
        self.name = "machine"

    def draft(self) -> DraftState:
        """Return the whole as a draft."""
        ours = self._ours(self.machine, "$")
        given = self.machine.get("id")
        if isinstance(given, str) and given:
            self.name = given
        root = self._outline(self.machine, "", "$", 0)
        for path in self.states:
            self.ids.setdefault(".".join([self.name, *path.split(".")]), path)
        self.ids.setdefault(self.name, "")
        draft = self._state(root, str(ours.get("name", self.name)))
        if "context" in self.machine:
            draft.data["context"] = self.machine["context"]
        for key in ("initial_state", "use", "scenarios"):
            if key in ours:
                draft.data[key] = ours[key]
        return draft

    # --- what there is ----------------------------------------------------------------

    def _outline(
        self, config: Mapping[str, Any], path: str, where: str, depth: int
    ) -> _State:
        """Note the states, their paths and their ids."""
        if depth > _MOST_DEPTH:
            wrong(
                "The states are nested too deep.",
                where,
                why=f"More than {_MOST_DEPTH} stand within each other.",
                fix="Flatten them.",
            )
        here = _State(path, config, where)
        if path:
            self.states[path] = here
        given = config.get("id")
        if isinstance(given, str):
            self.ids.setdefault(given, path)
        for key, child in object_at(config, "states", where).items():
            name = unicodedata.normalize("NFC", key)
            inner = f"{where}.states.{key}"
            if not NAME.fullmatch(name):
                wrong(
                    f"{one_line(key, 60)} cannot be the name of a state.",
                    inner,
                    why="A name begins with a letter or _ and holds letters of any "
                    "script, digits, _, - and spaces.",
                    fix="Rename the state.",
                )
            below = f"{path}.{name}" if path else name
            if below in self.states:
                wrong(f"The state {name} is declared twice.", inner)
            if child is None:
                child = {}  # noqa: PLW2901 - a state without anything
            if not isinstance(child, Mapping):
                wrong(
                    f"The state {name} is no object.",
                    inner,
                    why=f"It is {what_is(child)}.",
                    fix='Write {"on": {...}}, or {}.',
                )
            here.children.append(self._outline(child, below, inner, depth + 1))
        return here

    def _ours(self, config: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """Return what an export of a chart has put into ``meta``."""
        return object_at(object_at(config, "meta", where), OURS, f"{where}.meta")

    # --- states -----------------------------------------------------------------------

    def _state(self, state: _State, name: str) -> DraftState:
        config, where = state.config, state.where
        check_keys(config, _STATE_KEYS if state.path else _ROOT_KEYS, where)
        ours = self._ours(config, where)
        draft = DraftState(name, self._notes(config, where, ours))
        kind = self._kind(state)
        if kind == "history":
            draft.data["history"] = config.get("history") or "shallow"
            targets = self._targets(config.get("target"), state, f"{where}.target")
            draft.default = self._default(state, targets)
            return draft
        if kind == "final":
            draft.data["final"] = True
            if "output" in config:
                draft.data["output"] = config["output"]
        draft.is_parallel = kind == "parallel"
        for key in ("entry", "exit"):
            if config.get(key) is not None:
                draft.data[key] = read_actions(config[key], f"{where}.{key}")
        invoke = self._invoke(state)
        if invoke is not None:
            draft.data["run"] = ours.get("run", read_service(invoke))
        if kind == "compound":
            key = "initial" if state.path else "initial_state"
            draft.data[key] = self._initial(state)
        draft.children = [
            self._state(child, child.path.rpartition(".")[2])
            for child in state.children
        ]
        draft.moves = self._moves(state, invoke or {}, ours)
        return draft

    def _default(self, state: _State, targets: tuple[str, ...]) -> str | None:
        """Return where a history state leads; None for where its parent starts."""
        around = self.states.get(state.path.rpartition(".")[0])
        if around is not None and self._kind(around) == "parallel":
            regions = [x.path for x in around.children if self._kind(x) != "history"]
            ours = self._ours(state.config, state.where)
            if set(targets) == set(regions) and ours.get("default") is not True:
                return None
        if len(targets) > 1:
            wrong(
                "A history state leads to several states.",
                f"{state.where}.target",
                why=f"Its targets are {', '.join(targets)}.",
                fix="Name one state.",
            )
        return targets[0] if targets else None

    def _kind(self, state: _State) -> str:
        kind = state.config.get("type")
        if kind is None:
            return "compound" if state.children else "atomic"
        if kind not in _TYPES:
            wrong(
                f"There is no type {one_line(kind, 40)} of states.",
                f"{state.where}.type",
                why=f"Types: {', '.join(_TYPES)}.",
            )
        if kind == "compound" and not state.children:
            return "atomic"
        return str(kind)

    def _initial(self, state: _State) -> str:
        """Return the name of the child in which a compound state starts."""
        given = state.config.get("initial")
        where = f"{state.where}.initial"
        if isinstance(given, Mapping):
            check_keys(given, ("target",), where)
            given = given.get("target")
        names = [child.path.rpartition(".")[2] for child in state.children]
        if given is None:
            return names[0]
        if isinstance(given, str):
            name = unicodedata.normalize("NFC", given.removeprefix("."))
            if name in names:
                return name
        return wrong(
            "initial names a state that does not exist.",
            where,
            why=f"It is {what_is(given)}. States: {', '.join(names[:8])}.",
            fix="Name one of them.",
        )

    def _notes(
        self, config: Mapping[str, Any], where: str, ours: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return description, tags and meta, as the language has them."""
        found: dict[str, Any] = {}
        if config.get("description") is not None:
            found["description"] = config["description"]
        tags = config.get("tags", ours.get("tags"))
        if tags is not None:
            found["tags"] = [tags] if isinstance(tags, str) else tags
        meta = dict(object_at(config, "meta", where))
        meta.pop(OURS, None)
        meta = ours.get("meta", meta)
        return {**found, "meta": meta} if meta else found

    def _invoke(self, state: _State) -> Mapping[str, Any] | None:
        given, where = state.config.get("invoke"), f"{state.where}.invoke"
        if isinstance(given, list) and len(given) == 1:
            given = given[0]
        if given is None or given == []:
            return None
        if not isinstance(given, Mapping) or not isinstance(given.get("src"), str):
            wrong(
                "A state invokes what a chart cannot run.",
                where,
                why="It is a list of several."
                if isinstance(given, list)
                else "src is not the name of a service.",
                fix='Write {"src": "name"}; put several into parallel regions.',
            )
        check_keys(given, ("src", "id", "input", "onDone", "onError"), where)
        return given

    # --- transitions ------------------------------------------------------------------

    def _moves(
        self, state: _State, invoke: Mapping[str, Any], ours: Mapping[str, Any]
    ) -> list[DraftMove]:
        config, where = state.config, state.where
        found: list[DraftMove] = []
        for name in config:
            if name in _TRIGGERS:
                found += self._named(config, name, state, where)
            elif name == "invoke":
                for inner in invoke:
                    if inner in {"onDone", "onError"}:
                        found += self._named(invoke, inner, state, f"{where}.invoke")
        if "error" in ours:
            place = f"{where}.meta.{OURS}.error"
            found += self._group(ours["error"], state, ("error", ""), place)
        order = ours.get("order")
        if order is None:
            return found
        if (
            not isinstance(order, list)
            or not all(type(at) is int for at in order)
            or sorted(order) != list(range(len(found)))
        ):
            wrong(
                "order does not number the transitions.",
                f"{where}.meta.{OURS}.order",
                fix="Remove it: they are then taken as they stand.",
            )
        return [move for _, move in sorted(zip(order, found, strict=True), key=_first)]

    def _named(
        self, config: Mapping[str, Any], name: str, state: _State, where: str
    ) -> list[DraftMove]:
        """Return the transitions below a key of a state or an invocation."""
        trigger = _TRIGGERS[name]
        if trigger not in {"message", "after"}:
            return self._group(config[name], state, (trigger, ""), f"{where}.{name}")
        return [
            move
            for key, given in object_at(config, name, where).items()
            for move in self._group(
                given, state, (trigger, key), f"{where}.{name}.{key}"
            )
        ]

    def _group(
        self, given: Any, state: _State, start: tuple[str, str], where: str
    ) -> list[DraftMove]:
        """Return one transition, or a list of them."""
        items = given if isinstance(given, list) else [given]
        return [
            self._move(
                item, state, start, f"{where}[{at}]" if len(items) > 1 else where
            )
            for at, item in enumerate(items)
        ]

    def _move(
        self, given: Any, state: _State, start: tuple[str, str], where: str
    ) -> DraftMove:
        trigger, key = start
        if given is None or isinstance(given, str):
            given = {"target": given}
        if not isinstance(given, Mapping):
            wrong(
                "A transition is neither a target nor an object.",
                where,
                why=f"It is {what_is(given)}.",
                fix='Write "state", or {"target": "state"}.',
            )
        check_keys(given, _MOVE_KEYS, where)
        ours = self._ours(given, where)
        data: dict[str, Any] = {}
        if given.get("guard") is not None:
            data["if"] = read_guard(given["guard"], f"{where}.guard")
        if given.get("actions") not in (None, []):
            data["do"] = read_actions(given["actions"], f"{where}.actions")
        targets = self._targets(given.get("target"), state, f"{where}.target")
        reenter = given.get("reenter", False)
        if state.path in targets:
            targets = targets if reenter else self._within(targets, state)
            reenter = False
        reenter = ours.get("reenter", reenter)
        if reenter is not False:
            data["reenter"] = reenter
        data.update(self._notes(given, where, ours))
        if trigger == "after":
            key = str(ours.get("after", "")) or self._time(key, where)
        return DraftMove(trigger, key, targets, data)

    def _within(self, targets: tuple[str, ...], state: _State) -> tuple[str, ...]:
        """Return the targets of a transition to its own source that stays inside.

        A chart's transition to its own source leaves and enters it again. What stays
        inside leads to the states in which its source starts; in a state without any,
        it leads nowhere.
        """
        if len(targets) > 1 or not state.path:
            return targets
        kind = self._kind(state)
        if kind == "compound":
            return (f"{state.path}.{self._initial(state)}",)
        if kind == "parallel":
            real = [x for x in state.children if self._kind(x) != "history"]
            return tuple(child.path for child in real)
        return ()

    def _time(self, key: str, where: str) -> str:
        """Return the time of a timer as the language writes it."""
        if key.startswith("$"):
            return key
        try:
            number = float(key)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            wrong(
                f"A timer has the time {one_line(key, 40)}.",
                where,
                why="Names of delays belong to code that is not part of the machine.",
                fix="Write a number of milliseconds.",
            )
        return f"{key}ms"

    def _targets(self, given: Any, state: _State, where: str) -> tuple[str, ...]:
        """Return the paths of one target or of a list of them."""
        if given is None:
            return ()
        items = given if isinstance(given, list) else [given]
        return tuple(dict.fromkeys(self._target(item, state, where) for item in items))

    def _target(self, given: Any, state: _State, where: str) -> str:
        """Return the path of the state that a target names."""
        if isinstance(given, str):
            found = self._find(unicodedata.normalize("NFC", given), state)
            if found is not None and (not found or found in self.states):
                return found
        listed = nearest(str(given), self.states, limit=5) if self.states else []
        return wrong(
            "A transition leads to a state that does not exist.",
            where,
            why=f"Its target is {what_is(given)}. States: {', '.join(listed)}.",
            fix='Write the name of a state beside it, ".child", or "#id".',
        )

    def _find(self, text: str, state: _State) -> str | None:
        if text.startswith("#"):
            known = text[1:]
            if known in self.ids:
                return self.ids[known]
            steps = _steps(known)
            for at in range(len(steps), 0, -1):
                start = self.ids.get(".".join(steps[:at]))
                if start is not None:
                    return ".".join([*([start] if start else []), *steps[at:]])
            return None
        inner = text.startswith(".")
        around = state.path if inner else state.path.rpartition(".")[0]
        steps = _steps(text.removeprefix("."))
        return ".".join([*([around] if around else []), *steps])


def _steps(text: str) -> list[str]:
    """Return the steps of a path; a backslash keeps a dot from parting two."""
    steps, at = [""], 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
            steps[-1] += text[at]
        elif text[at] == ".":
            steps.append("")
        else:
            steps[-1] += text[at]
        at += 1
    return steps


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]
