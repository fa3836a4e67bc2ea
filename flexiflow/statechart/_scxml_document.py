"""Write a chart that was an SCXML document as such a document again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from ..errors import ConfigError
from ._parts import Expression, Foreign
from ._xml import SCXML, inner_text, raw_children

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._parts import Action, Service
    from .model import Chart, StateNode, Transition

__all__ = ["add", "write_document"]

_TAGS: Final = {"atomic": "state", "compound": "state"}
_WITH_TEXT: Final = frozenset({"assign", "script"})
_OF_INVOKE: Final = frozenset({"document", "state", "finalize"})

# Any in this module: what attributes and elements hold, by name.


def add(parent: ET.Element | None, tag: str, **attributes: str | None) -> ET.Element:
    """Return a new SCXML element, put into another one; None leaves attributes out."""
    given = {key: value for key, value in attributes.items() if value is not None}
    name = f"{{{SCXML}}}{tag}"
    return (
        ET.Element(name, given)
        if parent is None
        else ET.SubElement(parent, name, given)
    )


def write_document(chart: Chart) -> ET.Element:
    """Return the document of a chart that was one.

    Raises
    ------
    ConfigError
        If the chart holds what no SCXML document gave.
    """
    root = chart.root
    late = any(_bindings(node.entry) for node in chart)
    element = add(
        None,
        "scxml",
        version="1.0",
        name=chart.name,
        datamodel=chart.meta.get("datamodel"),
        binding="late" if late else None,
        initial=" ".join(root.initial),
    )
    _data(element, root.entry)
    for block in _blocks(root.entry):
        _contents(element, block.parts[0][1])
    for path in root.children:
        _state(element, chart, chart.state(path))
    return element


def _bindings(entry: Iterable[Action]) -> list[Foreign]:
    return [x for x in entry if isinstance(x, Foreign) and x.kind == "data"]


def _blocks(actions: Iterable[Action]) -> list[Foreign]:
    """Return the blocks of content among actions."""
    found = []
    for item in actions:
        if not isinstance(item, Foreign):
            raise ConfigError(
                "A chart that was SCXML holds an action of another language.",
                why=f"It is {type(item).__name__}.",
                fix="Write the action as SCXML has it.",
            )
        if item.kind == "block":
            found.append(item)
    return found


def _data(parent: ET.Element, entry: Sequence[Action]) -> None:
    bindings = _bindings(entry)
    if not bindings:
        return
    model = add(parent, "datamodel")
    for item in bindings:
        data = item.data
        child = add(
            model, "data", id=data["id"], expr=data.get("expr"), src=data.get("src")
        )
        _text(child, data.get("text"))


def _text(element: ET.Element, text: str | None) -> None:
    """Put text content with markup into an element, so that it is read the same."""
    if not text:
        return
    raw_children(element, text)
    if inner_text(element) != text:
        for child in list(element):
            element.remove(child)
        element.text = text


def _state(parent: ET.Element, chart: Chart, node: StateNode) -> None:
    """Write a state with those within it."""
    element = add(parent, _TAGS.get(node.kind, node.kind), id=node.path)
    if node.kind == "history":
        element.set("type", node.history or "shallow")
        if node.initial or node.initial_actions:
            _jump(element, node)
        return
    if node.kind == "compound" and node.initial_actions:
        _jump(add(element, "initial"), node)
    elif node.kind == "compound":
        element.set("initial", " ".join(node.initial))
    _data(element, node.entry)
    for tag, actions in (("onentry", node.entry), ("onexit", node.exit)):
        for block in _blocks(actions):
            _contents(add(element, tag), block.parts[0][1])
    for move in node.transitions:
        _transition(element, move)
    for service in node.run:
        _invoke(element, service)
    for path in node.children:
        _state(element, chart, chart.state(path))
    if node.output is not None:
        _payload(add(element, "donedata"), node.output)


def _jump(parent: ET.Element, node: StateNode) -> None:
    """Write where a history or an initial leads."""
    move = add(parent, "transition", target=" ".join(node.initial))
    for block in _blocks(node.initial_actions):
        _contents(move, block.parts[0][1])


def _transition(parent: ET.Element, move: Transition) -> None:
    guard = move.guard
    if guard is not None and not isinstance(guard, Expression):
        raise ConfigError(
            "A chart that was SCXML holds a guard of another language.",
            why=f"It stands in {move.source}.",
            fix="Write the guard as SCXML has it.",
        )
    element = add(
        parent,
        "transition",
        event=move.message or None,
        cond=None if guard is None else guard.text,
        target=" ".join(move.targets) or None,
        type=None if move.reenter else "internal",
    )
    for block in _blocks(move.actions):
        _contents(element, block.parts[0][1])


def _contents(parent: ET.Element, actions: Iterable[Action]) -> None:
    for action in actions:
        if isinstance(action, Foreign) and action.kind != "lost":
            _content(parent, action)


def _content(parent: ET.Element, action: Foreign) -> None:
    """Write one element of executable content."""
    data = dict(action.data)
    text = data.pop("text", None) if action.kind in _WITH_TEXT else None
    given = {key: data.pop(key) for key in ("params", "content") if _is_part(data, key)}
    element = add(parent, action.kind)
    element.attrib.update({key: str(value) for key, value in data.items()})
    _text(element, text)
    _payload(element, given)
    for at, (test, actions) in enumerate(action.parts):
        if at and test:
            add(element, "elseif", cond=test)
        elif at:
            add(element, "else")
        _contents(element, actions)


def _is_part(data: Mapping[str, Any], key: str) -> bool:
    """Return whether a key holds parts of an element, not an attribute."""
    return not isinstance(data.get(key, ""), str)


def _payload(parent: ET.Element, data: Mapping[str, Any]) -> None:
    """Write parameters and content."""
    for name, text in data.get("params") or ():
        add(parent, "param", name=name, expr=text)
    content = data.get("content")
    if content is not None:
        element = add(parent, "content", expr=content.get("expr"))
        _text(element, content.get("text"))


def _invoke(parent: ET.Element, service: Service) -> None:
    data = {k: v for k, v in service.arguments.items() if k not in _OF_INVOKE}
    given = {key: data.pop(key) for key in ("params", "content") if _is_part(data, key)}
    element = add(parent, "invoke")
    element.attrib.update({key: str(value) for key, value in data.items()})
    _payload(element, given)
    if "finalize" in service.arguments:
        last = add(element, "finalize")
        for block in _blocks(service.arguments["finalize"]):
            _contents(last, block.parts[0][1])
