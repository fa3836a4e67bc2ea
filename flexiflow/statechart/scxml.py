"""Read SCXML documents into charts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, cast, final
from xml.etree import ElementTree as ET

from ..errors import ConfigError
from ._parts import Action, Expression, Foreign, Service
from .model import Chart, StateNode, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .model import StateKind

__all__ = ["from_scxml"]

_STATES: Final = frozenset({"state", "parallel", "final", "history"})
_CONTENT: Final = frozenset(
    {"assign", "if", "foreach", "script", "log", "raise", "cancel", "send"}
)
_MOST_CHARACTERS: Final = 2_000_000
_MOST_DEPTH: Final = 100
_CHUNK: Final = 10_000


def from_scxml(text: str | bytes, *, source: str = "<scxml>") -> Chart:
    """Return the chart of an SCXML document.

    Parameters
    ----------
    text : str or bytes
        The document.
    source : str, default "<scxml>"
        What errors call it.

    Returns
    -------
    Chart
        Paths and names are the ids of the document. Expressions are kept as text and
        walked by a restricted evaluator when the chart runs; what it refuses becomes
        ``error.execution``.

    Raises
    ------
    ConfigError
        If it is not well-formed XML, declares entities, is too large, or has no
        legal structure (unknown targets, ids used twice).
    """
    return _Reader(_parse(text, source), source).chart()


def _parse(text: str | bytes, source: str) -> ET.Element:
    """Return the root element of a document that cannot do harm."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > _MOST_CHARACTERS:
        raise _wrong(
            source, f"It has {len(raw):,} bytes; {_MOST_CHARACTERS:,} at most."
        )
    if b"\x00" in raw:
        raise _wrong(source, "It is not UTF-8.")
    if re.search(rb"<!(DOCTYPE|ENTITY)", raw, re.IGNORECASE):
        raise _wrong(source, "It declares a document type or entities.")
    depth = 0
    # Any: the parser's events are of several kinds, elements among them.
    parser: Any = ET.XMLPullParser(("start", "end"))
    root: ET.Element | None = None
    try:
        for at in range(0, len(raw), _CHUNK):
            parser.feed(raw[at : at + _CHUNK])
            for kind, element in parser.read_events():
                depth += 1 if kind == "start" else -1
                root = element if root is None else root
                if depth > _MOST_DEPTH:
                    raise _wrong(source, f"More than {_MOST_DEPTH} levels are nested.")
        parser.close()
    except (ET.ParseError, ValueError) as error:
        raise _wrong(source, f"{error}.") from error
    if root is None or _tag(root) != "scxml":
        raise _wrong(source, "The outermost element is not scxml.")
    return root


def _wrong(source: str, why: str) -> ConfigError:
    return ConfigError(
        f"{source} is not an SCXML document that can be used.",
        why=why,
        fix="Mend the document.",
        context={"file": source},
    )


def _tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: ET.Element) -> str:
    """Return text content; markup within it as it was written."""
    inner = "".join(ET.tostring(child, encoding="unicode") for child in element)
    return (element.text or "") + inner


@final
class _Reader:
    """Reads one document."""

    def __init__(self, root: ET.Element, source: str) -> None:
        self.root = root
        self.source = source
        self.states: list[StateNode] = []
        self.ids: dict[ET.Element, str] = {}
        self.known: set[str] = set()
        self.count = 0
        self.late = root.get("binding") == "late"
        self.bindings: list[Action] = []

    def chart(self) -> Chart:
        """Return the chart of the document."""
        self._name_all(self.root)
        children = [child for child in self.root if _tag(child) in _STATES]
        if not children:
            raise _wrong(self.source, "It has no states.")
        self._bind(self.root if self.late else None)
        script = [child for child in self.root if _tag(child) == "script"]
        name = self.root.get("name") or "scxml"
        initial = (self.root.get("initial") or "").split() or [
            self.ids[next(child for child in children if _tag(child) != "history")]
        ]
        for child in children:
            self._state(child, "")
        root = StateNode(
            "",
            name,
            "compound",
            children=tuple(self.ids[child] for child in children),
            initial=self._targets(initial),
            entry=(*self.bindings, *_block(self._actions(script))),
        )
        return Chart(
            name, root, tuple(self.states), source=self.source, dialect="scxml"
        )

    def _bind(self, only: ET.Element | None) -> None:
        """Collect the data that are bound when the machine starts."""
        models = (
            list(self._models(self.root))
            if only is None
            else [child for child in only if _tag(child) == "datamodel"]
        )
        for model in models:
            self.bindings += self._data(model)

    def _models(self, element: ET.Element) -> Iterable[ET.Element]:
        """Iterate over the data of an element and of the states within it."""
        for child in element:
            if _tag(child) == "datamodel":
                yield child
            elif _tag(child) in _STATES:
                yield from self._models(child)

    def _data(self, model: ET.Element) -> list[Action]:
        return [
            Foreign(
                "data",
                {
                    "id": item.get("id", ""),
                    "expr": item.get("expr"),
                    "text": _text(item),
                    "src": item.get("src"),
                },
            )
            for item in model
            if _tag(item) == "data"
        ]

    def _name_all(self, element: ET.Element) -> None:
        """Give each state its id, making those that the document leaves out."""
        for child in element:
            if _tag(child) not in _STATES:
                continue
            name = child.get("id") or f"state{len(self.ids) + 1}"
            while child.get("id") is None and name in self.known:
                name += "_"
            if name in self.known:
                raise _wrong(self.source, f"The id {name} is used twice.")
            self.known.add(name)
            self.ids[child] = name
            self._name_all(child)

    def _targets(self, names: Iterable[str]) -> tuple[str, ...]:
        found = tuple(names)
        for name in found:
            if name not in self.known:
                raise _wrong(self.source, f"There is no state {name}.")
        return found

    # --- states -----------------------------------------------------------------------

    def _state(self, element: ET.Element, parent: str) -> None:
        """Read a state and those within it, parents first."""
        name = self.ids[element]
        children = [child for child in element if _tag(child) in _STATES]
        real = [child for child in children if _tag(child) != "history"]
        kind = cast("StateKind", _tag(element))
        if kind not in {"parallel", "final", "history"}:
            kind = "compound" if real else "atomic"
        initial: tuple[str, ...] = ()
        first: tuple[Action, ...] = ()
        if kind == "compound":
            initial, first = self._initial(element, real)
        elif kind == "history":
            moves = [child for child in element if _tag(child) == "transition"]
            if moves:
                initial = self._targets((moves[0].get("target") or "").split())
                first = _block(self._actions(moves[0]))
        entry: list[Action] = []
        if self.late:
            for child in element:
                if _tag(child) == "datamodel":
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
        named = (element.get("initial") or "").split()
        if named:
            return self._targets(named), ()
        for child in element:
            if _tag(child) == "initial":
                for move in child:
                    if _tag(move) == "transition":
                        targets = (move.get("target") or "").split()
                        return self._targets(targets), _block(self._actions(move))
        return (self.ids[real[0]],), ()

    def _transitions(self, element: ET.Element, name: str) -> tuple[Transition, ...]:
        found = []
        inside = _tag(element) == "state" and any(_tag(x) in _STATES for x in element)
        for child in element:
            if _tag(child) != "transition":
                continue
            event = " ".join((child.get("event") or "").split())
            cond = (child.get("cond") or "").strip()
            targets = self._targets((child.get("target") or "").split())
            found.append(
                Transition(
                    self.count,
                    name,
                    "message" if event else "always",
                    event,
                    targets,
                    guard=Expression(cond) if cond else None,
                    actions=_block(self._actions(child)),
                    reenter=child.get("type") != "internal" or not inside,
                )
            )
            self.count += 1
        return tuple(found)

    def _donedata(self, element: ET.Element) -> Any:
        for child in element:
            if _tag(child) == "donedata":
                return self._payload(child)
        return None

    def _invokes(self, element: ET.Element, name: str) -> list[Service]:
        found = []
        for child in element:
            if _tag(child) != "invoke":
                continue
            data: dict[str, Any] = dict(child.attrib)
            data.update(self._payload(child))
            data["state"] = name
            for part in child:
                if _tag(part) == "content":
                    inner = [item for item in part if _tag(item) == "scxml"]
                    if inner:
                        data["document"] = ET.tostring(inner[0], encoding="unicode")
                elif _tag(part) == "finalize":
                    data["finalize"] = _block(self._actions(part))
            found.append(Service("scxml", child.get("id") or "", data))
        return found

    # --- content ----------------------------------------------------------------------

    def _blocks(self, element: ET.Element, tag: str) -> list[Action]:
        """Return each block of entry or exit content."""
        found: list[Action] = []
        for child in element:
            if _tag(child) == tag:
                found.extend(_block(self._actions(child)))
        return found

    def _actions(self, elements: Iterable[ET.Element]) -> tuple[Action, ...]:
        """Return the actions that elements describe; other elements are left out."""
        return tuple(
            self._action(child) for child in elements if _tag(child) in _CONTENT
        )

    def _action(self, element: ET.Element) -> Action:
        kind = _tag(element)
        data: dict[str, Any] = dict(element.attrib)
        if kind == "if":
            return Foreign(kind, data, self._branches(element))
        if kind == "foreach":
            return Foreign(kind, data, (("", self._actions(element)),))
        if kind in {"assign", "script"}:
            data["text"] = _text(element)
        elif kind == "send":
            data.update(self._payload(element))
        return Foreign(kind, data)

    def _payload(self, element: ET.Element) -> dict[str, Any]:
        """Return the parameters and the content of an element."""
        data: dict[str, Any] = {}
        params = [
            (item.get("name", ""), item.get("expr") or item.get("location") or "")
            for item in element
            if _tag(item) == "param"
        ]
        if params:
            data["params"] = params
        for item in element:
            if _tag(item) == "content":
                data["content"] = {"expr": item.get("expr"), "text": _text(item)}
        return data

    def _branches(
        self, element: ET.Element
    ) -> tuple[tuple[str, tuple[Action, ...]], ...]:
        """Return the branches of an ``if``: conditions, and what is done."""
        found: list[tuple[str, list[ET.Element]]] = [
            (element.get("cond") or "false", [])
        ]
        for child in element:
            if _tag(child) == "elseif":
                found.append((child.get("cond") or "false", []))
            elif _tag(child) == "else":
                found.append(("", []))
                found[-1][1].extend(child)
            else:
                found[-1][1].append(child)
        return tuple((test, self._actions(items)) for test, items in found)


def _block(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return actions as one block, whose errors stay within it."""
    return (Foreign("block", {}, (("", actions),)),) if actions else ()
