"""Read the SCXML documents that were charts of FlexiFlow's own language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from ._draft import DraftMove, DraftState, chart_of
from ._reading import NAME
from ._scxml_read import STATES
from ._scxml_write import CHART, DO, MORE, RUN
from ._xml import local_name

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from ._xml import XmlDocument
    from .model import Chart

__all__ = ["is_ours", "read_own"]

_NOTES: Final = ("description", "tags", "meta")
_TOP_KEYS: Final = (*_NOTES, "use", "context", "scenarios")
_MOVE_KEYS: Final = ("if", "reenter", *_NOTES)

# Any in this module: JSON, checked by the language's reader.


def is_ours(document: XmlDocument) -> bool:
    """Return whether a document was a chart of FlexiFlow's own language."""
    return CHART in document.root.attrib


def read_own(document: XmlDocument) -> Chart:
    """Return the chart that a document was.

    Raises
    ------
    ConfigError
        If what FlexiFlow has added to the document was damaged; with the line.
    """
    return _Reader(document).chart()


@final
class _Reader:
    """Reads one document."""

    def __init__(self, document: XmlDocument) -> None:
        self.document = document
        self.paths: dict[str, str] = {}
        self.names: dict[ET.Element, str] = {}

    def chart(self) -> Chart:
        """Return the chart of the document."""
        document, root = self.document, self.document.root
        own = self._json(root, CHART)
        states = _states(root)
        whole = states[0] if len(states) == 1 else root
        if whole is not root and self._json(whole, MORE).get("root") is not True:
            whole = root
        if whole is not root:
            self.paths[whole.get("id", "")] = ""
        self._outline(whole, "")
        draft = self._state(whole, "")
        draft.name = own.get("name", "")
        draft.data.update({key: own[key] for key in _TOP_KEYS if key in own})
        if "context" not in own:
            context = self._context()
            draft.data.update({"context": context} if context else {})
        return chart_of(draft, source=document.source)

    def _json(self, element: ET.Element, name: str) -> Mapping[str, Any]:
        """Return the object that an attribute holds; empty when there is none."""
        found = self._value(element, name, "{}")
        if not isinstance(found, Mapping):
            self.document.refuse(f"{_short(name)} holds no object.", element)
        return found

    def _value(self, element: ET.Element, name: str, default: str) -> Any:
        try:
            return json.loads(element.get(name, default))
        except (ValueError, RecursionError) as error:
            self.document.refuse(f"{_short(name)} holds no JSON: {error}.", element)

    def _context(self) -> dict[str, Any]:
        """Return the data that machines begin with."""
        return {
            item.get("id", ""): self._value(item, "expr", "null")
            for model in self.document.root
            if local_name(model) == "datamodel"
            for item in model
            if local_name(item) == "data"
        }

    # --- states -----------------------------------------------------------------------

    def _outline(self, element: ET.Element, path: str) -> None:
        """Note the paths of all states by their ids."""
        for child in _states(element):
            given = child.get("id", "")
            name = self._json(child, MORE).get("name", given)
            if not isinstance(name, str) or not NAME.fullmatch(name):
                self.document.refuse(
                    f"{name!r} cannot be the name of a state.",
                    child,
                    fix="A name begins with a letter or _ and holds letters of any "
                    "script, digits, _, - and spaces.",
                )
            if given in self.paths:
                self.document.refuse(f"The id {given} is used twice.", child)
            here = f"{path}.{name}" if path else name
            self.paths[given] = here
            self.names[child] = name
            self._outline(child, here)

    def _state(self, element: ET.Element, path: str) -> DraftState:
        kind = local_name(element)
        more = self._json(element, MORE)
        name = self.names.get(element, "")
        draft = DraftState(name, {key: more[key] for key in _NOTES if key in more})
        if kind == "history":
            draft.data["history"] = element.get("type") or "shallow"
            for move in element:
                if more.get("default") is not False:
                    targets = self._targets(move)
                    draft.default = targets[0] if targets else None
            return draft
        if kind == "final":
            draft.data["final"] = True
        if "output" in more:
            draft.data["output"] = more["output"]
        draft.is_parallel = kind == "parallel"
        states = _states(element)
        if states and kind != "parallel":
            self._initial(element, draft, path)
        self._contents(element, draft)
        for child in states:
            inner = f"{path}.{self.names[child]}" if path else self.names[child]
            draft.children.append(self._state(child, inner))
        return draft

    def _initial(self, element: ET.Element, draft: DraftState, path: str) -> None:
        """Note where a compound state starts, as the language writes it."""
        targets = self._targets(element, "initial")
        if not targets:
            return
        start = len(path) + 1 if path else 0
        draft.data["initial" if path else "initial_state"] = targets[0][start:]

    def _contents(self, element: ET.Element, draft: DraftState) -> None:
        """Note the actions, the service and the transitions of a state."""
        for child in element:
            kind = local_name(child)
            if kind in {"onentry", "onexit"}:
                found = self._actions(child)
                if found:
                    key = "entry" if kind == "onentry" else "exit"
                    draft.data.setdefault(key, []).extend(found)
            elif kind == "invoke":
                if RUN not in child.attrib:
                    self._not_ours(child)
                draft.data["run"] = self._value(child, RUN, "null")
            elif kind == "transition":
                draft.moves.append(self._move(child))

    def _targets(self, element: ET.Element, name: str = "target") -> tuple[str, ...]:
        """Return the paths that an attribute names by ids."""
        found = element.get(name, "").split()
        for item in found:
            if item not in self.paths:
                self.document.refuse(f"There is no state {item}.", element)
        return tuple(self.paths[item] for item in found)

    # --- transitions and content ------------------------------------------------------

    def _move(self, element: ET.Element) -> DraftMove:
        more = self._json(element, MORE)
        event = element.get("event")
        trigger, key = ("always", "") if event is None else ("message", event)
        if "after" in more:
            trigger, key = "after", str(more["after"])
        elif more.get("done") is True or more.get("error") is True:
            trigger, key = "done" if "done" in more else "error", ""
        elif "on" in more:
            trigger, key = "message", str(more["on"])
        if "if" not in more and "cond" in element.attrib:
            self._not_ours(element)
        # a condition of SCXML's alone has no form in the language: "if" is null then
        data = {name: more[name] for name in _MOVE_KEYS if more.get(name) is not None}
        found = self._actions(element)
        if found:
            data["do"] = found
        return DraftMove(trigger, key, self._targets(element), data)

    def _actions(self, element: ET.Element) -> list[Any]:
        """Return the actions of a block; what stands for others is left out."""
        found = []
        for child in element:
            text = child.get(DO)
            if text is None:
                self._not_ours(child)
            if text:
                found.append(self._value(child, DO, "null"))
        return found

    def _not_ours(self, element: ET.Element) -> None:
        """Refuse an element that was written by somebody else."""
        self.document.refuse(
            f"The element {local_name(element)} has no attribute of FlexiFlow's.",
            element,
            fix="Add it; or remove flexiflow:chart from scxml, so that the document is "
            "read as plain SCXML.",
        )


def _states(element: ET.Element) -> list[ET.Element]:
    return [child for child in element if local_name(child) in STATES]


def _short(name: str) -> str:
    """Return the name of an attribute as documents have it."""
    return f"flexiflow:{name.rpartition('}')[2]}"
