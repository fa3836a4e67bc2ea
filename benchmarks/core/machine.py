"""The workloads of the state machine, through a component of an engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from workload import Handle, Run, Workload

from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent

__all__ = ["WORKLOADS"]

LOOP = (
    {"type": "start"},
    {"type": "confirm", "content": "confirmed"},
    {"type": "complete"},
)

TABLE = {
    "InitialState": {"start": "AwaitingConfirmation"},
    "AwaitingConfirmation": {"confirm": "ProcessingRequest", "cancel": "InitialState"},
    "ProcessingRequest": {"complete": "InitialState", "error": "ErrorHandling"},
    "ErrorHandling": {"acknowledge": "InitialState"},
}
"""The default machine, as the least code knows it."""

CHART = {
    "name": "declared",
    "states": {
        state: {
            "on": {
                message: {"to": target, "if": {"content": "confirmed"}}
                if message == "confirm"
                else target
                for message, target in transitions.items()
            }
        }
        for state, transitions in TABLE.items()
    },
}
"""The same machine as a chart."""

RING = {
    "name": "ring",
    "states": {f"S{n}": {"on": {"next": f"S{(n + 1) % 1000}"}} for n in range(1000)},
}


LEVELS = 5
DEEP = ({"type": "leaf"}, {"type": "root"})
"""Toggles the innermost states; leaves all and enters all again."""


class _Bare:
    """A machine that does nothing but change its state."""

    __slots__ = ("state", "table")

    def __init__(self, table: dict[Any, dict[str, Any]], state: Any) -> None:
        self.table, self.state = table, state

    async def handle(self, message: dict[str, Any]) -> bool:
        """Take a transition, if there is one."""
        following = self.table[self.state].get(message["type"])
        if following is None:
            return False
        self.state = following
        return True


class _Acting:
    """The same with something to do on the way."""

    __slots__ = ("state", "table")

    def __init__(self, table: dict[Any, dict[str, Any]], state: Any) -> None:
        self.table, self.state = table, state

    async def handle(self, message: dict[str, Any]) -> bool:
        """Take a transition, if there is one, and do what it does in order."""
        following = self.table[self.state].get(message["type"])
        if following is None:
            return False
        self.state, actions = following
        for action in actions:
            action()
        return True


def _deep(entry: Any) -> dict[str, Any]:
    """Return states within states, with the same to do on each entry."""
    own = {} if entry is None else {"entry": entry}
    inner: dict[str, Any] = {
        "a": {**own, "on": {"leaf": "b"}},
        "b": {**own, "on": {"leaf": "a"}},
    }
    for level in range(LEVELS - 1, 0, -1):
        inner = {f"s{level}": {**own, "states": inner}}
    inner["s1"]["on"] = {"root": {"to": "s1", "reenter": True}}
    return {"name": "deep", "context": {"n": 0}, "states": inner}


def _flattened(action: Any) -> dict[Any, dict[str, Any]]:
    """Return the same as a table from leaf to leaf."""
    once, all_ = (action,), (action,) * LEVELS
    return {
        "a": {"leaf": ("b", once), "root": ("a", all_)},
        "b": {"leaf": ("a", once), "root": ("a", all_)},
    }


def _component(config: Any) -> AsyncComponent:
    """Return a component of an engine whose log is off."""
    silent = logging.getLogger("flexiflow.bench")
    silent.setLevel(logging.CRITICAL + 1)
    return FlexiFlowEngine(logger=silent).create_component(config)


def _cycling(handle: Handle) -> Run:
    """Send the three messages of the loop in turn; the count is of messages."""
    first, second, third = LOOP

    async def run(operations: int) -> None:
        for _ in range(-(-operations // 3)):
            await handle(first)
            await handle(second)
            await handle(third)

    return run


def _repeating(handle: Handle, message: dict[str, Any]) -> Run:
    """Send one message again and again."""

    async def run(operations: int) -> None:
        for _ in range(operations):
            await handle(message)

    return run


async def _declared() -> Run:
    component = _component(CHART)
    await _cycling(component.handle_message)(3)
    assert component.state == "InitialState"
    return _cycling(component.handle_message)


async def _by_classes() -> Run:
    component = _component({"name": "classes", "rules": []})
    await _cycling(component.handle_message)(3)
    assert component.state == "InitialState"
    return _cycling(component.handle_message)


async def _by_table() -> Run:
    return _cycling(_Bare(TABLE, "InitialState").handle)


async def _ignored() -> Run:
    return _repeating(_component(CHART).handle_message, {"type": "nothing"})


async def _ignored_by_table() -> Run:
    return _repeating(_Bare(TABLE, "InitialState").handle, {"type": "nothing"})


async def _observed() -> Run:
    component = _component(CHART)
    for _ in range(3):
        await component.event_bus.subscribe("state.changed", "observer", _plain)
    return _cycling(component.handle_message)


async def _observed_by_table() -> Run:
    machine = _Bare(TABLE, "InitialState")
    observers = [_plain] * 3

    async def handle(message: dict[str, Any]) -> None:
        if await machine.handle(message):
            for observer in observers:
                observer(message)

    return _cycling(handle)


def _alternating(handle: Handle) -> Run:
    """Send the two messages of the deep chart in turn; the count is of messages."""
    first, second = DEEP

    async def run(operations: int) -> None:
        for _ in range(-(-operations // 2)):
            await handle(first)
            await handle(second)

    return run


async def _nested() -> Run:
    return _alternating(_component(_deep(None)).handle_message)


async def _nested_by_table() -> Run:
    table = {"a": {"leaf": "b", "root": "a"}, "b": {"leaf": "a", "root": "a"}}
    return _alternating(_Bare(table, "a").handle)


async def _nested_adding() -> Run:
    component = _component(_deep({"add": {"n": 1}}))
    await _alternating(component.handle_message)(2)
    assert component.context == {"n": LEVELS + 1 + LEVELS}
    return _alternating(component.handle_message)


async def _adding_by_table() -> Run:
    context = {"n": 0}

    def add() -> None:
        context["n"] += 1

    return _alternating(_Acting(_flattened(add), "a").handle)


async def _nested_calling() -> Run:
    made, calls = _nested_with("count")
    await _alternating(made.handle_message)(2)
    assert calls == [1] * (LEVELS + 1 + LEVELS)
    calls.clear()
    return _alternating(made.handle_message)


async def _calling_by_table() -> Run:
    return _alternating(_Acting(_flattened(_nothing), "a").handle)


async def _nested_changing() -> Run:
    made, _ = _nested_with("change")
    await _alternating(made.handle_message)(2)
    assert made.context == {"n": LEVELS + 1 + LEVELS}
    return _alternating(made.handle_message)


async def _changing_by_table() -> Run:
    context = {"n": 0}

    def change() -> None:
        context.update(_changed(context))

    return _alternating(_Acting(_flattened(change), "a").handle)


def _nested_with(name: str) -> tuple[AsyncComponent, list[int]]:
    """Return the deep chart with a function on each entry; the first calls count."""
    calls: list[int] = []

    def count() -> None:
        if len(calls) < COUNTED:
            calls.append(1)

    functions = {"count": count, "change": _changed}
    config = ConfigLoader.load_component_config(
        _deep(name), functions=functions, register=False
    )
    return _component(config), calls


COUNTED = 100
"""Calls that are counted, before the timing."""


def _changed(context: Any) -> dict[str, Any]:
    """Change the context as an action does."""
    return {"n": context["n"] + 1}


def _nothing() -> None:
    """Be called."""


def _plain(data: Any) -> None:
    """Observe an event by doing nothing."""


async def _large() -> Run:
    return _repeating(_component(RING).handle_message, {"type": "next"})


async def _large_by_table() -> Run:
    table = {number: {"next": (number + 1) % 1000} for number in range(1000)}
    return _repeating(_Bare(table, 0).handle, {"type": "next"})


WORKLOADS: tuple[Workload, ...] = (
    Workload("S1", "message, declared chart", 4, _declared, _by_table),
    Workload("S1c", "message, State classes", 5, _by_classes, _by_table),
    Workload("S3", "message that is ignored", 5, _ignored, _ignored_by_table),
    Workload("S4", "message, three observers", 5, _observed, _observed_by_table),
    Workload("S5", "message, five levels deep", 8, _nested, _nested_by_table),
    Workload("S5a", "the same, add on entry", 8, _nested_adding, _adding_by_table),
    Workload("S5f", "the same, a call on entry", 8, _nested_calling, _calling_by_table),
    Workload(
        "S5c", "the same, calls that set", 8, _nested_changing, _changing_by_table
    ),
    Workload("S6", "message, chart of 1,000 states", 5, _large, _large_by_table),
)
