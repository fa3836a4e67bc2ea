"""Read SCXML documents: states, transitions, and content kept as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast, final
from xml.etree import ElementTree as ET

from ..errors import nearest
from ._parts import Action, Expression, Foreign, Service
from ._xml import inner_text, local_name
from .model import Chart, StateNode, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._xml import XmlDocument
    from .model import StateKind

__all__ = ["STATES", "Reader"]

STATES: Final = frozenset({"state", "parallel", "final", "history"})
"""The elements that are states."""
_CONTENT: Final = frozenset(
    {"assign", "if", "foreach", "script", "log", "raise", "cancel", "send"}
)

_KEPT: Final = ("datamodel",)
"""Attributes of the document that are kept to be written again."""

# Any in this module: what attributes and elements hold, by name.

_LOST: Final = (Foreign("block", {}, (("", (Foreign("lost"),)),)),)
"""What a transition to a state that does not exist does: it fails."""


@final
class Reader:
    """Reads one document.

    Parameters
    ----------
    document : XmlDocument
        The document.
    forgiving : bool, default False
        Whether a transition may name a state that does not exist: taking it is then an
        error of the running document. An invoked document comes while a machine runs,
        when nobody is there to mend it.
    """

    def __init__(self, document: XmlDocument, *, forgiving: bool = False) -> None:
        self.document = document
        self.forgiving = forgiving
        self.root = root = document.root
        self.states: list[StateNode] = []
        self.ids: dict[ET.Element, str] = {}
        self.known: set[str] = set()
        self.count = 0
        self.late = root.get("binding") == "late"
        self.bindings: list[Action] = []
        self.sets: list[tuple[ET.Element, str, tuple[str, ...]]] = []

    def chart(self) -> Chart:
        """Return the chart of the document."""
        self._name_all(self.root)
        children = [child for child in self.root if local_name(child) in STATES]
        real = [child for child in children if local_name(child) != "history"]
        if not real:
            self.document.refuse("It has no states.")
        self._bind(self.root if self.late else None)
        script = [child for child in self.root if local_name(child) == "script"]
        name = self.root.get("name") or "scxml"
        initial = (self.root.get("initial") or "").split() or [self.ids[real[0]]]
        for child in children:
            self._state(child, "")
        first = self._targets(initial, self.root)
        self._check_sets()
        given = self.root.attrib
        root = StateNode(
            "",
            name,
            "compound",
            children=tuple(self.ids[child] for child in children),
            initial=first,
            entry=(*self.bindings, *_block(self._actions(script))),
        )
        return Chart(
            name,
            root,
            tuple(self.states),
            meta={key: given[key] for key in _KEPT if key in given},
            source=self.document.source,
            dialect="scxml",
        )

    def _check_sets(self) -> None:
        """Refuse targets that cannot be active together, or lie elsewhere."""
        around = {node.path: node.parent for node in self.states}
        kinds = {node.path: node.kind for node in self.states}
        for element, within, names in self.sets:
            ways = [_way(name, around) for name in names]
            for name, way in zip(names, ways, strict=True):
                if within and within not in way[1:]:
                    self.document.refuse(f"{name} is not within {within}.", element)
            for at, one in enumerate(ways):
                for other in ways[:at]:
                    shared = next((x for x in one if x in other), "")
                    if kinds.get(shared) != "parallel" or shared in {one[0], other[0]}:
                        self.document.refuse(
                            f"{one[0]} and {other[0]} exclude each other.", element
                        )

    def _bind(self, only: ET.Element | None) -> None:
        """Collect the data that are bound when the machine starts."""
        models = (
            list(self._models(self.root))
            if only is None
            else [child for child in only if local_name(child) == "datamodel"]
        )
        for model in models:
            self.bindings += self._data(model)

    def _models(self, element: ET.Element) -> Iterable[ET.Element]:
        """Iterate over the data of an element and of the states within it."""
        for child in element:
            if local_name(child) == "datamodel":
                yield child
            elif local_name(child) in STATES:
                yield from self._models(child)

    def _data(self, model: ET.Element) -> list[Action]:
        return [
            Foreign(
                "data",
                {
                    "id": item.get("id", ""),
                    "expr": item.get("expr"),
                    "text": inner_text(item),
                    "src": item.get("src"),
                },
            )
            for item in model
            if local_name(item) == "data"
        ]

    def _name_all(self, element: ET.Element) -> None:
        """Give each state its id, making those that the document leaves out."""
        for child in element:
            if local_name(child) not in STATES:
                continue
            name = child.get("id") or f"state{len(self.ids) + 1}"
            while child.get("id") is None and name in self.known:
                name += "_"
            if name in self.known:
                self.document.refuse(f"The id {name} is used twice.", child)
            self.known.add(name)
            self.ids[child] = name
            self._name_all(child)

    def _targets(
        self, names: Iterable[str], element: ET.Element, within: str = ""
    ) -> tuple[str, ...]:
        """Return the ids that targets name; they are checked when all is read."""
        found = tuple(names)
        self.sets.append((element, within, found))
        for name in found:
            if name not in self.known:
                near = nearest(name, self.known, limit=1)
                self.document.refuse(
                    f"There is no state {name}.",
                    element,
                    fix=f"Did you mean {near[0]}?" if near else None,
                )
        return found

    # --- states -----------------------------------------------------------------------

    def _state(self, element: ET.Element, parent: str) -> None:
        """Read a state and those within it, parents first."""
        name = self.ids[element]
        children = [child for child in element if local_name(child) in STATES]
        real = [child for child in children if local_name(child) != "history"]
        kind = cast("StateKind", local_name(element))
        if kind in {"final", "history"} and children:
            self.document.refuse(f"{name} is {kind} and holds states.", element)
        if kind not in {"final", "history"} and not real:
            kind = "atomic"
        elif kind not in {"parallel", "final", "history"}:
            kind = "compound"
        initial: tuple[str, ...] = ()
        first: tuple[Action, ...] = ()
        if kind == "compound":
            initial, first = self._initial(element, real)
        elif kind == "history":
            moves = [child for child in element if local_name(child) == "transition"]
            if moves:
                initial = self._targets(
                    (moves[0].get("target") or "").split(), moves[0], parent
                )
                first = _block(self._actions(moves[0]))
        entry: list[Action] = []
        if self.late:
            for child in element:
                if local_name(child) == "datamodel":
                    entry += self._data(child)
        entry += self._blocks(element, "onentry")
        deep = element.get("type") == "deep"
        memory: Literal["shallow", "deep"] | None = None
        if kind == "history":
            memory = "deep" if deep else "shallow"
        self.states.append(
            StateNode(
                name,
                name,
                kind,
                parent=parent,
                children=tuple(self.ids[child] for child in children),
                initial=initial,
                initial_actions=first,
                history=memory,
                entry=tuple(entry),
                exit=tuple(self._blocks(element, "onexit")),
                transitions=self._transitions(element, name)
                if kind != "history"
                else (),
                run=tuple(self._invokes(element, name)),
                output=self._donedata(element),
            )
        )
        for child in children:
            self._state(child, name)

    def _initial(
        self, element: ET.Element, real: list[ET.Element]
    ) -> tuple[tuple[str, ...], tuple[Action, ...]]:
        here = self.ids[element]
        named = (element.get("initial") or "").split()
        if named:
            return self._targets(named, element, here), ()
        for child in element:
            if local_name(child) == "initial":
                for move in child:
                    if local_name(move) == "transition":
                        targets = (move.get("target") or "").split()
                        return self._targets(targets, move, here), _block(
                            self._actions(move)
                        )
        return (self.ids[real[0]],), ()

    def _transitions(self, element: ET.Element, name: str) -> tuple[Transition, ...]:
        found = []
        inside = local_name(element) == "state" and any(
            local_name(x) in STATES for x in element
        )
        for child in element:
            if local_name(child) != "transition":
                continue
            event = " ".join((child.get("event") or "").split())
            cond = (child.get("cond") or "").strip()
            names = (child.get("target") or "").split()
            lost = self.forgiving and any(name not in self.known for name in names)
            targets = () if lost else self._targets(names, child)
            found.append(
                Transition(
                    self.count,
                    name,
                    "message" if event else "always",
                    event,
                    targets,
                    guard=Expression(cond) if cond else None,
                    actions=_LOST if lost else _block(self._actions(child)),
                    reenter=child.get("type") != "internal" or not inside,
                )
            )
            self.count += 1
        return tuple(found)

    def _donedata(self, element: ET.Element) -> Any:
        for child in element:
            if local_name(child) == "donedata":
                return self._payload(child)
        return None

    def _invokes(self, element: ET.Element, name: str) -> list[Service]:
        found = []
        for child in element:
            if local_name(child) != "invoke":
                continue
            data: dict[str, Any] = dict(child.attrib)
            data.update(self._payload(child))
            data["state"] = name
            for part in child:
                if local_name(part) == "content":
                    inner = [item for item in part if local_name(item) == "scxml"]
                    if inner:
                        data["document"] = ET.tostring(inner[0], encoding="unicode")
                elif local_name(part) == "finalize":
                    data["finalize"] = _block(self._actions(part))
            found.append(Service("scxml", child.get("id") or "", data))
        return found

    # --- content ----------------------------------------------------------------------

    def _blocks(self, element: ET.Element, tag: str) -> list[Action]:
        """Return each block of entry or exit content."""
        found: list[Action] = []
        for child in element:
            if local_name(child) == tag:
                found.extend(_block(self._actions(child)))
        return found

    def _actions(self, elements: Iterable[ET.Element]) -> tuple[Action, ...]:
        """Return the actions that elements describe; other elements are left out."""
        return tuple(
            self._action(child) for child in elements if local_name(child) in _CONTENT
        )

    def _action(self, element: ET.Element) -> Action:
        kind = local_name(element)
        data: dict[str, Any] = dict(element.attrib)
        if kind == "if":
            return Foreign(kind, data, self._branches(element))
        if kind == "foreach":
            return Foreign(kind, data, (("", self._actions(element)),))
        if kind in {"assign", "script"}:
            data["text"] = inner_text(element)
        elif kind == "send":
            data.update(self._payload(element))
        return Foreign(kind, data)

    def _payload(self, element: ET.Element) -> dict[str, Any]:
        """Return the parameters and the content of an element."""
        data: dict[str, Any] = {}
        params = [
            (item.get("name", ""), item.get("expr") or item.get("location") or "")
            for item in element
            if local_name(item) == "param"
        ]
        if params:
            data["params"] = params
        for item in element:
            if local_name(item) == "content":
                data["content"] = {"expr": item.get("expr"), "text": inner_text(item)}
        return data

    def _branches(
        self, element: ET.Element
    ) -> tuple[tuple[str, tuple[Action, ...]], ...]:
        """Return the branches of an ``if``: conditions, and what is done."""
        found: list[tuple[str, list[ET.Element]]] = [
            (element.get("cond") or "false", [])
        ]
        for child in element:
            if local_name(child) == "elseif":
                found.append((child.get("cond") or "false", []))
            elif local_name(child) == "else":
                found.append(("", []))
                found[-1][1].extend(child)
            else:
                found[-1][1].append(child)
        return tuple((test, self._actions(items)) for test, items in found)


def _block(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return actions as one block, whose errors stay within it."""
    return (Foreign("block", {}, (("", actions),)),) if actions else ()


def _way(name: str, around: dict[str, str | None]) -> list[str]:
    """Return a state and those around it, innermost first."""
    way = [name]
    while around.get(way[-1]):
        way.append(str(around[way[-1]]))
    return way
