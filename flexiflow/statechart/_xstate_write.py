"""Write charts as machines of XState v5, in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ._draft import chart_data
from ._parts import Action, Call, Expression, Foreign
from ._reading import seconds_of
from ._written import (
    Notation,
    action_data,
    guard_data,
    scenario_data,
    service_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .model import Chart, Guard, StateNode, Transition

__all__ = ["GUARD", "OURS", "WORD_OF", "machine_data"]

OURS: Final = "flexiflow"
"""The key of ``meta`` under which stands what XState has no words for."""
GUARD: Final = "flexiflow.if"
"""The type of guards that are data; their ``params`` are those of ``if``."""
_OF_INVOKE: Final = frozenset({"onDone", "onError"})
"""Keys that stand within an invocation where there is one."""

# Any in this module: JSON.


def machine_data(chart: Chart, document: Callable[[Chart], str]) -> dict[str, Any]:
    """Return a chart as the config of an XState machine.

    Parameters
    ----------
    chart : Chart
        Any chart.
    document : callable
        Gives the SCXML document of a chart that was one.
    """
    return _Writer(chart, document).machine()


@final
class _Writer:
    """Writes one chart."""

    def __init__(self, chart: Chart, document: Callable[[Chart], str]) -> None:
        self.chart = chart
        self.document = document
        self.is_scxml = chart.dialect == "scxml"
        self.notation = Notation(node.path for node in chart)
        self.id = "".join(c if c.isalnum() or c in "_-" else "_" for c in chart.name)

    def machine(self) -> dict[str, Any]:
        """Return the whole."""
        chart, root = self.chart, self.chart.root
        ours: dict[str, Any] = {}
        if self.id != chart.name:
            ours["name"] = chart.name
        if self.is_scxml:
            ours["scxml"] = self.document(chart)
        else:
            first = root.initial[0] if root.initial else ""
            if "." in first:
                ours["initial_state"] = first
            if chart.use:
                ours["use"] = list(chart.use)
            if chart.scenarios:
                ours["scenarios"] = [scenario_data(item) for item in chart.scenarios]
        found: dict[str, Any] = {"id": self.id}
        if chart.context:
            found["context"] = dict(chart.context)
        found.update(self._state(root, ours))
        return found

    def _state(
        self, node: StateNode, ours: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return a state with those within it."""
        ours = {} if ours is None else ours
        found: dict[str, Any] = {}
        if node.description is not None:
            found["description"] = node.description
        if node.tags:
            found["tags"] = list(node.tags)
        if node.kind == "history":
            self._history(node, found, ours)
        elif node.kind in {"final", "parallel"}:
            found["type"] = node.kind
        if node.output is not None and not self.is_scxml:
            found["output"] = node.output
        for key, actions in (("entry", node.entry), ("exit", node.exit)):
            if actions:
                found[key] = self._actions(actions)
        if node.kind == "compound" and node.initial:
            found["initial"] = self._initial(node)
        self._moves(node, found, ours)
        meta = self._meta(node.meta, ours)
        if meta:
            found["meta"] = meta
        if node.children:
            states = [self.chart.state(path) for path in node.children]
            found["states"] = {child.name: self._state(child) for child in states}
        return found

    def _history(
        self, node: StateNode, found: dict[str, Any], ours: dict[str, Any]
    ) -> None:
        """Add what a history state remembers, and where it leads."""
        found.update(type="history", history=node.history)
        default = self._default(node)
        if default:
            found["target"] = _single([self._target(path, node) for path in default])
        if node.initial and list(default) == self._regions(node):
            ours["default"] = True

    def _default(self, node: StateNode) -> Sequence[str]:
        """Return where a history state leads when nothing is remembered.

        Without a target, XState enters a parallel state around it twice.
        """
        return node.initial or self._regions(node)

    def _regions(self, node: StateNode) -> list[str]:
        """Return the regions beside a history state."""
        parent = self.chart.state(node.parent or "")
        regions = [self.chart.state(path) for path in parent.children]
        if parent.kind != "parallel":
            return []
        return [item.path for item in regions if item.kind != "history"]

    def _meta(self, meta: Mapping[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
        """Return the user's data with ours beside them."""
        if OURS in meta:
            return {OURS: {**ours, "meta": dict(meta)}}
        return {**meta, **({OURS: ours} if ours else {})}

    def _initial(self, node: StateNode) -> str:
        """Return the name of the child in which a compound state starts."""
        path = node.initial[0]
        while path not in node.children:
            path = self.chart.state(path).parent or ""
        return self.chart.state(path).name

    def _invoke(self, node: StateNode, ours: dict[str, Any]) -> dict[str, Any]:
        """Return what a state invokes."""
        if self.is_scxml:
            return {"src": "scxml.invoke"}
        service = node.run[0]
        data = service_data(service, chart_data)
        plain = isinstance(data, str) or not data.keys() - {"do", "with"}
        if not plain:
            ours["run"] = data
        given = {"input": dict(service.arguments)} if service.arguments else {}
        return {"src": service.name, **given}

    # --- transitions ------------------------------------------------------------------

    def _moves(
        self, node: StateNode, found: dict[str, Any], ours: dict[str, Any]
    ) -> None:
        """Add a state's transitions by the keys of XState, and what it invokes.

        What reading them would put into another order is told in ``order``.
        """
        invoke = self._invoke(node, ours) if node.run else None
        groups: dict[str, dict[str, list[tuple[int, Any]]]] = {}
        for at, move in enumerate(node.transitions):
            for key, inner in self._keys(move, node):
                group = groups.setdefault(key, {}).setdefault(inner, [])
                group.append((at, self._move(move, node, inner)))
        for key, inners in groups.items():
            items = {
                inner: _single([item for _, item in pairs])
                for inner, pairs in inners.items()
            }
            into = found
            if key == "error":
                into = ours
            elif invoke is not None and key in _OF_INVOKE:
                into = found.setdefault("invoke", invoke)
            into[key] = items if key in {"on", "after"} else items[""]
        if invoke is not None:
            found.setdefault("invoke", invoke)
        keys = [key for key in groups if key not in _OF_INVOKE or invoke is None]
        if invoke is not None:
            first = next((key for key in groups if key in _OF_INVOKE), None)
            own = [key for key in groups if key in _OF_INVOKE]
            at = list(groups).index(first) if first is not None else 0
            before = [key for key in list(groups)[:at] if key not in _OF_INVOKE]
            keys = [*before, *own, *(key for key in keys if key not in before)]
        if "error" in keys:
            keys = [*(key for key in keys if key != "error"), "error"]
        order = [
            at for key in keys for pairs in groups[key].values() for at, _ in pairs
        ]
        if order != sorted(order) and not self.is_scxml:
            ours["order"] = order

    def _keys(self, move: Transition, node: StateNode) -> list[tuple[str, str]]:
        """Return where a transition stands: a key, and one within it or ``""``."""
        if move.trigger == "message":
            if self.is_scxml:
                return [("on", event) for event in move.message.split()]
            return [("on", move.message)]
        if move.trigger == "after":
            return [("after", _milliseconds(move))]
        if move.trigger == "error":
            return [("onError" if node.run else "error", "")]
        return [("always" if move.trigger == "always" else "onDone", "")]

    def _move(self, move: Transition, node: StateNode, key: str) -> Any:
        """Return a transition."""
        found: dict[str, Any] = {}
        ours: dict[str, Any] = {}
        targets = [self._target(path, node) for path in move.targets]
        if targets:
            found["target"] = targets[0] if len(targets) == 1 else targets
        if move.guard is not None:
            found["guard"] = self._guard(move.guard, node.path)
        if move.actions:
            found["actions"] = self._actions(move.actions)
        itself = node.path in move.targets
        if move.reenter or itself or self._may_return(move, node):
            found["reenter"] = True
        if not self.is_scxml and move.reenter is not (
            not itself and "reenter" in found
        ):
            ours["reenter"] = move.reenter
        if move.trigger == "after" and move.message != _time_of(key):
            ours["after"] = move.message
        if move.description is not None:
            found["description"] = move.description
        if move.tags:
            ours["tags"] = list(move.tags)
        meta = self._meta(move.meta, ours)
        if meta:
            found["meta"] = meta
        return targets[0] if list(found) == ["target"] and len(targets) == 1 else found

    def _may_return(self, move: Transition, node: StateNode) -> bool:
        """Return whether a state leads to a history that may remember it.

        Here it is then left and entered again; there only with ``reenter``. A deep
        history may also remember what is within the state, which then stays active.
        """
        targets = [self.chart.state(path) for path in move.targets]
        return any(
            target.kind == "history"
            and node.path.startswith(f"{target.parent}.")
            and not (node.children and target.history == "deep")
            for target in targets
        )

    def _target(self, path: str, node: StateNode) -> str:
        """Return how XState names a state from another one."""
        other = self.chart.state(path)
        if other.parent == node.parent and node.path:
            return _escaped(other.name)
        names: list[str] = []
        while other.path not in {"", node.path}:
            names.insert(0, _escaped(other.name))
            other = self.chart.state(other.parent or "")
        inside = bool(names) and other.path == node.path and node.kind != "history"
        start = "" if inside else f"#{self.id}"
        return ".".join([start, *names])

    # --- guards and actions -----------------------------------------------------------

    def _guard(self, guard: Guard, stands: str) -> Any:
        if isinstance(guard, Expression):
            return {"type": "scxml.cond", "params": {"expr": guard.text}}
        if isinstance(guard, Call):
            return _named(guard.function, guard.arguments)
        params = guard_data(guard, self.notation, stands)
        return {"type": GUARD, "params": params}

    def _actions(self, actions: Sequence[Action]) -> Any:
        return _single([self._action(action) for action in actions])

    def _action(self, action: Action) -> Any:
        if isinstance(action, Foreign):
            return {"type": f"scxml.{action.kind}"}
        if isinstance(action, Call):
            return _named(action.function, action.arguments)
        ((kind, given),) = action_data(action).items()
        params = given
        if not isinstance(given, dict):
            params = {WORD_OF[kind]: given}
        return {"type": f"{OURS}.{kind}", "params": params}


WORD_OF: Final = {
    "raise": "type",
    "send": "type",
    "cancel": "id",
    "emit": "event",
    "log": "text",
}
"""The name of what stands alone in an action of the language."""


def _named(name: str, arguments: Mapping[str, Any]) -> Any:
    return {"type": name, "params": dict(arguments)} if arguments else name


def _single(items: list[Any]) -> Any:
    """Return the only item of a list as such."""
    return items[0] if len(items) == 1 else items


def _escaped(name: str) -> str:
    """Return a name as one step of a path."""
    return name.replace("\\", "\\\\").replace(".", "\\.")


def _time_of(key: str) -> str:
    """Return how the language writes the time of a timer's key."""
    return key if key.startswith("$") else f"{key}ms"


def _milliseconds(move: Transition) -> str:
    """Return the key of a timer: milliseconds, or the name of a delay."""
    seconds = move.delay if isinstance(move.delay, float) else seconds_of(move.message)
    if seconds is None:
        return move.message
    length = round(seconds * 1000, 6)
    return str(int(length)) if length.is_integer() else repr(length)
