"""Make the executable content of SCXML documents ready to run.

Source: chapters 4 to 6 of the W3C SCXML recommendation. What fails puts
``error.execution`` into the internal queue and ends the block it stands in.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from ._expressions import (
    MOST_ITEMS,
    Expression,
    ExpressionError,
    assign_at,
    compile_expression,
    compile_location,
    compile_script,
    weight,
)
from ._frozen import NotJsonError, freeze
from ._reading import seconds_of
from .ports import CancelMessage, Log, SendMessage

if TYPE_CHECKING:
    from ._parts import Foreign

__all__ = [
    "PROCESSOR",
    "Names",
    "ScxmlRun",
    "compile_condition",
    "compile_foreign",
    "either",
    "evaluate_data",
    "event_message",
    "fail",
    "payload",
    "text_value",
]

PROCESSOR: Final = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
"""The only event processor there is."""
SYSTEM_NAMES: Final = frozenset(
    {"_event", "_sessionid", "_name", "_ioprocessors", "_x"}
)
_CONDITION: Final = 10
"""What a condition counts among the pieces of work."""
_BLOCK: Final = 10
"""What a block counts beside what stands in it."""
_PROCESSORS: Final = frozenset({"", "scxml", PROCESSOR})

# Any in this module: values of the document's data.


class ScxmlRun(Protocol):
    """What content needs of a step under way."""

    effects: list[Any]
    """What leaves the machine."""
    queue: Any
    """The internal queue."""
    context: Mapping[str, Any]
    """The document's data."""
    message: Mapping[str, Any]
    """The event at hand."""

    @property
    def session(self) -> str:
        """The session's id."""

    def spend(self, amount: int = 1) -> None:
        """Count what content does; too much of it is an error."""

    def reaches(self, target: str) -> bool:
        """Return whether there is somebody behind a target."""

    def load(self, source: str) -> str | None:
        """Return the text of a document, or None when none is read."""

    @property
    def document(self) -> str:
        """The document's name."""

    def merge(self, values: Mapping[str, Any]) -> None:
        """Give data other values."""

    def is_active_name(self, name: str) -> bool:
        """Return whether the state of an id is active."""

    def new_id(self) -> str:
        """Return an id that the session has not used."""


class Names:
    """The names of a document: its data, and the system's variables."""

    def __init__(self, run: ScxmlRun) -> None:
        self._run = run

    def get_name(self, name: str) -> Any:
        """Return the value of a name; ``KeyError`` when there is none."""
        if name in SYSTEM_NAMES:
            return self._system(name)
        return self._run.context[name]

    def _system(self, name: str) -> Any:
        run = self._run
        if name == "_sessionid":
            return run.session
        if name == "_name":
            return run.document
        if name == "_ioprocessors":
            here = {"location": f"#_scxml_{run.session}"}
            return {PROCESSOR: here, "scxml": here}
        found = run.message.get("_event")
        if name != "_event" or found is None:
            raise KeyError(name)
        return found

    def set_name(self, name: str, value: Any) -> None:
        """Give data another value; ``KeyError`` when there are none of that name."""
        if name in SYSTEM_NAMES or name not in self._run.context:
            raise KeyError(name)
        self.declare(name, value)

    def define(self, name: str, value: Any) -> None:
        """Give data a value as scripts do; ``KeyError`` for the system's names."""
        if name in SYSTEM_NAMES:
            raise KeyError(name)
        self.declare(name, value)

    def declare(self, name: str, value: Any) -> None:
        """Give data a value, whether they exist or not."""
        try:
            self.weigh(value)
            self._run.merge({name: freeze(value, name)})
        except NotJsonError as error:
            raise ExpressionError(str(error)) from error

    def weigh(self, value: Any) -> None:
        """Count what data hold; those that are too large cost as much."""
        try:
            self._run.spend(weight(value))
        except ExpressionError:
            self._run.spend(MOST_ITEMS)
            raise

    def is_in(self, state: str) -> bool:
        """Return whether the state of an id is active."""
        return self._run.is_active_name(state)


def event_message(
    name: str,
    kind: str = "external",
    *,
    data: Any = None,
    sendid: str | None = None,
    origin: str | None = None,
    origintype: str = PROCESSOR,
    invokeid: str | None = None,
) -> dict[str, Any]:
    """Return an event as a message; ``_event`` holds its seven fields."""
    return {
        "type": name,
        "_event": {
            "name": name,
            "type": kind,
            "sendid": sendid,
            "origin": origin,
            "origintype": origintype if origin else None,
            "invokeid": invokeid,
            "data": data,
        },
    }


def fail(run: ScxmlRun, kind: str = "execution", sendid: str | None = None) -> None:
    """Put an error into the internal queue."""
    run.queue.append(event_message(f"error.{kind}", "platform", sendid=sendid))


def text_value(text: str) -> Any:
    """Return what text content means: JSON, an element, or text, blanks collapsed."""
    collapsed = " ".join(text.split())
    if collapsed.startswith("<"):
        markup = importlib.import_module(f"{__package__}._scxml_markup")
        element = markup.element_data(text)
        if element is not None:
            return element
    try:
        return json.loads(collapsed)
    except (ValueError, RecursionError):
        return collapsed


def compile_condition(text: str) -> Callable[[Any, Any, Any], bool]:
    """Return a ``cond`` as a guard: what fails is false, and an error event."""
    expression = compile_expression(text)

    def holds(_message: Any, _context: Any, run: Any) -> bool:
        run.spend(_CONDITION)
        try:
            return bool(expression(Names(run)))
        except ExpressionError:
            if hasattr(run, "queue"):
                fail(run)
            return False

    return holds


Act = Callable[[Any], None]


def compile_foreign(action: Foreign) -> Act:
    """Return content as a function of the step under way."""
    return _COMPILERS[action.kind](action)


def _all(actions: Sequence[Any]) -> list[Act]:
    return [compile_foreign(action) for action in actions]


def evaluate_data(data: Mapping[str, Any], names: Names) -> Any:
    """Return the value of an element with ``expr`` or text content."""
    if data.get("expr") is not None:
        return compile_expression(data["expr"])(names)
    text = data.get("text")
    if text is None or not text.strip():
        return None
    try:
        return compile_expression(text)(names)
    except ExpressionError:
        return text_value(text)


def _data(action: Foreign) -> Act:
    name = action.data["id"]

    def act(run: ScxmlRun) -> None:
        names = Names(run)
        if name in run.context:
            return
        names.declare(name, None)
        try:
            source = action.data.get("src")
            if source is not None:
                names.declare(name, text_value(run.load(source) or ""))
                return
            names.declare(name, evaluate_data(action.data, names))
        except ExpressionError:
            fail(run)

    return act


def _assign(action: Foreign) -> Act:
    find = compile_location(str(action.data.get("location", "")))

    def act(run: ScxmlRun) -> None:
        names = Names(run)
        value = evaluate_data(action.data, names)
        name, keys = find(names)
        try:
            whole = assign_at(names.get_name(name), keys, value) if keys else value
            names.set_name(name, whole)
        except KeyError:
            raise ExpressionError(f"{name} is no location") from None

    return act


def _if(action: Foreign) -> Act:
    branches = [
        (compile_expression(test) if test else None, _all(actions))
        for test, actions in action.parts
    ]

    def act(run: ScxmlRun) -> None:
        for test, acts in branches:
            try:
                chosen = test is None or bool(test(Names(run)))
            except ExpressionError:
                fail(run)
                chosen = False
            if chosen:
                run.spend(len(acts))
                for one in acts:
                    one(run)
                return

    return act


def _foreach(action: Foreign) -> Act:
    array = compile_expression(str(action.data.get("array", "")))
    item, index = action.data.get("item", ""), action.data.get("index")
    acts = _all(action.parts[0][1])

    def act(run: ScxmlRun) -> None:
        names = Names(run)
        values = array(names)
        if not isinstance(values, list | tuple):
            raise ExpressionError("foreach wants a list")
        for name in (item, index):
            if name is not None and (not name.isidentifier() or name in SYSTEM_NAMES):
                raise ExpressionError(f"{name!r} is no name of an item")
        for name in (item, index):
            if name is not None and name not in run.context:
                names.declare(name, None)
        for at, value in enumerate(list(values)):
            run.spend(len(acts) + 1)
            names.declare(item, value)
            if index is not None:
                names.declare(index, at)
            for one in acts:
                one(run)

    return act


def _script(action: Foreign) -> Act:
    script = compile_script(str(action.data.get("text") or ""))
    return lambda run: script(Names(run))


def _log(action: Foreign) -> Act:
    expression = compile_expression(str(action.data.get("expr") or "null"))
    label = action.data.get("label")

    def act(run: ScxmlRun) -> None:
        names = Names(run)
        value = expression(names)
        names.weigh(value)
        run.effects.append(Log(f"{label}: {value}" if label else str(value)))

    return act


def _raise(action: Foreign) -> Act:
    name = str(action.data.get("event", ""))
    return lambda run: run.queue.append(event_message(name, "internal"))


def _cancel(action: Foreign) -> Act:
    of = either(action.data, "sendid")
    return lambda run: run.effects.append(CancelMessage(str(of(Names(run)))))


def either(data: Mapping[str, Any], name: str, expr: str | None = None) -> Expression:
    """Return an attribute, or the value of its ``...expr`` twin."""
    text = data.get(expr or f"{name}expr")
    if text is not None:
        return compile_expression(text)
    value = data.get(name)
    return lambda _names: value


def payload(data: Mapping[str, Any]) -> Expression:
    """Return what makes the data of an event: content, or names and parameters."""
    listed = str(data.get("namelist") or "").split()
    params = [
        (name, compile_expression(text)) for name, text in data.get("params") or ()
    ]
    content = data.get("content")

    def make(names: Any) -> Any:
        value = unweighed(names)
        names.weigh(value)
        return value

    def unweighed(names: Any) -> Any:
        if content is not None:
            if content.get("expr") is not None:
                return compile_expression(content["expr"])(names)
            return text_value(content.get("text") or "")
        values: dict[str, Any] = {}
        for name in listed:
            values[name] = compile_expression(name)(names)
        for name, expression in params:
            values[name] = expression(names)
        return values or None

    return make


def _send(action: Foreign) -> Act:
    data = action.data
    event, target = either(data, "event"), either(data, "target")
    kind, delay = either(data, "type"), either(data, "delay")
    make, location = payload(data), data.get("idlocation")

    def act(run: ScxmlRun) -> None:
        names = Names(run)
        sendid = data.get("id")
        if location is not None:
            sendid = run.new_id()
            try:
                names.set_name(location, sendid)
            except KeyError:
                raise ExpressionError(f"{location} is no location") from None
        try:
            to = target(names)
            wait = _checked(to, kind(names), delay(names))
            given, name = freeze(make(names), "data"), str(event(names))
        except (ExpressionError, NotJsonError):
            fail(run, sendid=sendid)
            message = "send failed"
            raise _TellError(message) from None
        origin = f"#_scxml_{run.session}"
        if to == "#_internal":
            run.queue.append(event_message(name, "internal", data=given, sendid=sendid))
            return
        if to is not None and not wait and not run.reaches(to):
            fail(run, "communication", sendid)
            return
        message_ = event_message(
            name,
            data=given,
            sendid=sendid,
            origin=origin,
            origintype="scxml" if kind(names) else PROCESSOR,
        )
        run.effects.append(SendMessage(message_, to, wait, sendid))

    return act


def _checked(to: Any, kind: Any, delay: Any) -> float:
    """Return the seconds to wait, when target and processor are possible at all."""
    if str(kind or "") not in _PROCESSORS:
        raise ExpressionError("there is no such event processor")
    if to is not None and not str(to).startswith("#_"):
        raise ExpressionError(f"{to!r} is no target")
    wait = seconds_of(_dotted(delay or 0))
    if wait is None:
        raise ExpressionError("the delay is no duration")
    return wait


class _TellError(ExpressionError):
    """An error whose event stands in the queue already."""


def _dotted(value: Any) -> Any:
    """Return a duration such as ``.5s`` with the zero that it leaves out."""
    return f"0{value}" if isinstance(value, str) and value.startswith(".") else value


def _lost(_action: Foreign) -> Act:
    """Return what a transition to a state that does not exist does."""

    def act(_run: ScxmlRun) -> None:
        raise ExpressionError("the transition leads to no state")

    return act


def _told(action: Foreign) -> Act:
    """Return a block as ``_block`` does; an error that was told is not told again."""
    acts = _all(action.parts[0][1])

    def act(run: ScxmlRun) -> None:
        run.spend(_BLOCK + len(acts))
        try:
            for one in acts:
                one(run)
        except _TellError:
            return
        except ExpressionError:
            fail(run)

    return act


_COMPILERS: Final[Mapping[str, Callable[[Foreign], Act]]] = {
    "block": _told,
    "data": _data,
    "lost": _lost,
    "assign": _assign,
    "if": _if,
    "foreach": _foreach,
    "script": _script,
    "log": _log,
    "raise": _raise,
    "cancel": _cancel,
    "send": _send,
}
