"""Write charts of FlexiFlow's own language as SCXML documents."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, final
from xml.etree import ElementTree as ET

from ._draft import chart_data, notes_data
from ._parts import (
    Add,
    AllOf,
    AnyOf,
    Cancel,
    InState,
    LogText,
    NotOf,
    Raise,
    Send,
    Set,
)
from ._reading import seconds_of
from ._references import split_reference
from ._scxml_document import add
from ._scxml_terms import condition, field_term, value_term
from ._written import (
    Notation,
    action_data,
    guard_data,
    scenario_data,
    service_data,
)
from ._xml import FLEXIFLOW, json_attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._parts import Action, Service
    from .model import Chart, Guard, StateNode, Transition

__all__ = ["CHART", "DO", "MORE", "RUN", "event_token", "write_own"]

CHART: Final = f"{{{FLEXIFLOW}}}chart"
"""Of the document: what the language says at its top level."""
MORE: Final = f"{{{FLEXIFLOW}}}more"
"""Of states and transitions: what SCXML has no words for."""
DO: Final = f"{{{FLEXIFLOW}}}do"
"""Of content: the action; empty where another element stands for it."""
RUN: Final = f"{{{FLEXIFLOW}}}run"
"""Of invocations: the service."""
_TAGS: Final = {"atomic": "state", "compound": "state"}
_NOT_IN_TOKENS: Final = re.compile(
    "[^\x21-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\\s"
)

# Any in this module: data of the language.


def event_token(message: str) -> str:
    """Return a message type as one word, which an event descriptor has to be."""
    return _NOT_IN_TOKENS.sub("_", message) or "_"


def write_own(chart: Chart) -> ET.Element:
    """Return the document of a chart of FlexiFlow's own language."""
    return _Writer(chart).document()


@final
class _Writer:
    """Writes one chart."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.notation = Notation(node.path for node in chart)
        self.ids = _ids(chart)

    def id_of(self, path: str) -> str:
        """Return the id of a state by its path."""
        return self.ids[path]

    def document(self) -> ET.Element:
        """Return the whole."""
        chart, root = self.chart, self.chart.root
        own: dict[str, Any] = {"name": chart.name, **notes_data(chart)}
        if chart.use:
            own["use"] = list(chart.use)
        native = all(key.isidentifier() for key in chart.context)
        if not native:
            own["context"] = dict(chart.context)
        if chart.scenarios:
            own["scenarios"] = [scenario_data(item) for item in chart.scenarios]
        wraps = bool(
            root.kind == "parallel" or root.transitions or root.entry or root.exit
        )
        element = add(
            None,
            "scxml",
            version="1.0",
            name=event_token(chart.name),
            datamodel="ecmascript",
            initial=self.ids[""] if wraps else self._names(root.initial),
        )
        element.set(CHART, json_attribute(own))
        if native and chart.context:
            model = add(element, "datamodel")
            for key, value in chart.context.items():
                add(model, "data", id=key, expr=json_attribute(value))
        if wraps:
            self._state(element, root)
        else:
            for path in root.children:
                self._state(element, chart.state(path))
        return element

    def _names(self, paths: Iterable[str]) -> str:
        return " ".join(self.ids[path] for path in paths)

    # --- states -----------------------------------------------------------------------

    def _state(self, parent: ET.Element, node: StateNode) -> None:
        """Write a state with those within it."""
        here = self.ids[node.path]
        element = add(parent, _TAGS.get(node.kind, node.kind), id=here)
        more: dict[str, Any] = notes_data(node) if node.path else {"root": True}
        if node.path and here != node.name:
            more["name"] = node.name
        if node.kind == "history":
            element.set("type", node.history or "shallow")
            if not node.initial:
                more["default"] = False
            add(element, "transition", target=self._names(self._default(node)))
        elif node.kind == "compound":
            element.set("initial", self._names(node.initial))
        if node.output is not None:
            more["output"] = node.output
        if more:
            element.set(MORE, json_attribute(more))
        self._block(element, "onentry", node.entry)
        self._block(element, "onexit", node.exit)
        self._timers(element, node)
        for service in node.run:
            self._service(element, node, service)
        for move in node.transitions:
            self._move(element, node, move)
        for path in node.children:
            self._state(element, self.chart.state(path))
        if node.output is not None:
            data = add(element, "donedata")
            add(data, "content", expr=value_term(node.output))

    def _default(self, node: StateNode) -> Sequence[str]:
        """Return where a history state leads when nothing is remembered."""
        parent = self.chart.state(node.parent or "")
        if node.initial or parent.kind == "compound":
            return node.initial or parent.initial
        regions = [self.chart.state(path) for path in parent.children]
        return [item.path for item in regions if item.kind != "history"]

    def _timers(self, parent: ET.Element, node: StateNode) -> None:
        """Write what begins and ends the timers of a state."""
        times = {
            move.message: move for move in node.transitions if move.trigger == "after"
        }
        if not times:
            return
        first, last = add(parent, "onentry"), add(parent, "onexit")
        for move in times.values():
            name = self._timer(node, move)
            send = add(first, "send", event=name, id=name, **_wait(move.delay))
            cancel = add(last, "cancel", sendid=name)
            for element in (send, cancel):
                element.set(DO, "")

    def _timer(self, node: StateNode, move: Transition) -> str:
        """Return the name of a timer's event: one for each time of a state."""
        times = dict.fromkeys(
            one.message for one in node.transitions if one.trigger == "after"
        )
        return f"after.{self.ids[node.path]}.{list(times).index(move.message) + 1}"

    def _service(self, parent: ET.Element, node: StateNode, service: Service) -> None:
        element = add(
            parent,
            "invoke",
            type=f"urn:flexiflow:{service.kind}",
            id=f"{self.ids[node.path]}.run",
            src=event_token(service.name),
        )
        element.set(RUN, json_attribute(service_data(service, chart_data)))
        for key, value in service.arguments.items():
            add(element, "param", name=key, expr=value_term(value))

    # --- transitions ------------------------------------------------------------------

    def _move(self, parent: ET.Element, node: StateNode, move: Transition) -> None:
        inside = all(path.startswith(f"{node.path}.") for path in move.targets)
        event, more = self._event(node, move)
        guard = move.guard
        if guard is not None:
            more["if"] = guard_data(guard, self.notation, node.path)
        if move.reenter:
            more["reenter"] = True
        more.update(notes_data(move))
        within = (inside or not node.path) and move.targets and not move.reenter
        cond: Guard | None = guard
        listens = move.trigger in {"message", "always"}
        if not node.path and listens and self._ends(node):
            # the whole stands in a state here: its end is not that of the document
            cond = AllOf((NotOf(self._end(node)), *((guard,) if guard else ())))
            more.setdefault("if", None)
        element = add(
            parent,
            "transition",
            event=event,
            cond=None if cond is None else condition(cond, self.id_of),
            target=self._names(move.targets) or None,
            type="internal" if within else None,
        )
        if more:
            element.set(MORE, json_attribute(more))
        for action in move.actions:
            self._action(element, action)

    def _children(self, node: StateNode) -> list[StateNode]:
        found = [self.chart.state(path) for path in node.children]
        return [one for one in found if one.kind != "history"]

    def _ends(self, node: StateNode) -> bool:
        """Return whether a state can come to its end."""
        if node.kind == "parallel":
            return all(map(self._ends, self._children(node)))
        return node.kind == "final" or any(
            one.kind == "final" for one in self._children(node)
        )

    def _end(self, node: StateNode) -> Guard:
        """Return the guard that a state has come to its end."""
        if node.kind == "parallel":
            return AllOf(tuple(map(self._end, self._children(node))))
        if node.kind == "final":
            return InState(node.path)
        finals = [one for one in self._children(node) if one.kind == "final"]
        return AnyOf(tuple(InState(one.path) for one in finals))

    def _event(
        self, node: StateNode, move: Transition
    ) -> tuple[str | None, dict[str, Any]]:
        """Return a transition's event, and what else tells what it waits for."""
        here = self.ids[node.path]
        if move.trigger == "always":
            return None, {}
        if move.trigger == "after":
            return self._timer(node, move), {"after": move.message}
        if move.trigger == "done":
            name = f"done.invoke.{here}.run" if node.run else f"done.state.{here}"
            return name, {"done": True}
        if move.trigger == "error":
            return f"error.platform.{here}" if node.run else "error", {"error": True}
        token = event_token(move.message)
        return token, {} if token == move.message else {"on": move.message}

    # --- content ----------------------------------------------------------------------

    def _block(self, parent: ET.Element, tag: str, actions: Sequence[Action]) -> None:
        if actions:
            element = add(parent, tag)
            for action in actions:
                self._action(element, action)

    def _action(self, parent: ET.Element, action: Action) -> None:
        """Write an action: what SCXML has for it, and the language's form beside."""
        before = len(parent)
        self._native(parent, action)
        made = parent[before:]
        if not made:
            made = [ET.SubElement(parent, DO)]
        for element in made:
            element.set(DO, "")
        made[0].set(DO, json_attribute(action_data(action)))

    def _native(self, parent: ET.Element, action: Action) -> None:
        if isinstance(action, Raise | Send):
            self._message(parent, action)
        elif isinstance(action, Cancel):
            add(parent, "cancel", sendid=action.id)
        elif isinstance(action, LogText):
            add(parent, "log", expr=json.dumps(action.text))
        elif isinstance(action, Set | Add) and all(
            key.isidentifier() for key in action.values
        ):
            for key, value in action.values.items():
                term = value_term(value)
                expr = term if isinstance(action, Set) else f"{key} + {term}"
                add(parent, "assign", location=key, expr=expr)

    def _message(self, parent: ET.Element, action: Raise | Send) -> None:
        """Write a message that is raised or sent."""
        given = dict(action.message)
        kind = str(given.pop("type", ""))
        found = split_reference(kind)
        event = {"event": event_token(kind)}
        if found is not None:
            event = {"eventexpr": field_term(*found)}
        if isinstance(action, Raise) and not given and found is None:
            add(parent, "raise", **event)
            return
        where: Mapping[str, str | None] = {"target": "#_internal"}
        if isinstance(action, Send):
            target = None if action.to is None else f"#_{event_token(action.to)}"
            wait = _wait(action.delay) if action.delay else {}
            where = {"target": target, "id": action.id, **wait}
        element = add(parent, "send", **event, **where)
        for key, value in given.items():
            add(element, "param", name=key, expr=value_term(value))


def _ids(chart: Chart) -> dict[str, str]:
    """Return an id for each state by its path, and for the whole.

    It is the name where no other state has it. There are no dots in it: an event
    descriptor such as ``done.state.a`` would cover ``done.state.a.b`` as well.
    """
    count = Counter(event_token(node.name) for node in chart)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for path, own in [*((node.path, node.name) for node in chart), ("", "machine")]:
        name = event_token(own)
        if count[name] > 1:
            name = event_token(path.replace(".", "-"))
        while name in taken or (path == "" and name in count):
            name += "_"
        taken.add(name)
        found[path] = name
    return found


def _wait(delay: float | str | None) -> dict[str, str]:
    """Return the attribute that says how long to wait."""
    if isinstance(delay, str):
        seconds = seconds_of(delay)
        if seconds is None:
            return {"delayexpr": value_term(delay)}
        delay = seconds
    return {"delay": f"{delay or 0:.12g}s"}
