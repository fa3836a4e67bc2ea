"""Find messages that are worth trying on a chart: those its guards and actions name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..statechart._references import references_in, split_reference
from ..statechart.guards import tests_in
from ..statechart.model import Add, Call, EmitEvent, Raise, Send, Set, is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..statechart.model import Action, Chart, Test, Transition

__all__ = ["Fields", "delays_of", "messages_of"]

Fields = dict[tuple[str, ...], list[Any]]
"""Values worth trying by the keys that lead to them. Any: JSON data."""

_NUMBERS: Final = (0, 1, -1, 7)
_WORDS: Final = ("x", 1, None)
_TYPES: Final[Mapping[str, Any]] = {
    "string": "x",
    "number": 1,
    "boolean": True,
    "list": [],
    "object": {},
}


def messages_of(chart: Chart) -> dict[str, tuple[Fields, Fields]]:
    """Return for each message type the fields it may have, and those it needs.

    Parameters
    ----------
    chart : Chart
        The chart.

    Returns
    -------
    dict
        By type: fields that guards test, each with values that pass and that do not;
        and fields that actions take.
    """
    found: dict[str, tuple[Fields, Fields]] = {}
    for edge in chart.transitions:
        if edge.trigger != "message":
            continue
        kind = (
            edge.message.replace("*", "x") if is_pattern(edge.message) else edge.message
        )
        tested, taken = found.setdefault(kind, ({}, {}))
        for test, _ in tests_in(edge.guard):
            if test.root == "message" and test.keys and test.keys[0] != "type":
                _add(tested, test.keys, _values(test))
        for action in _actions_after(chart, edge):
            for keys, values in _taken_by(action):
                _add(taken, keys, values)
    return found


def _actions_after(chart: Chart, edge: Transition) -> Iterator[Action]:
    """Yield what a transition does, and what is done where it leads and leaves."""
    yield from edge.actions
    for path in (edge.source, *edge.targets):
        yield from chart.state(path).entry
        yield from chart.state(path).exit


def _add(fields: Fields, keys: tuple[str, ...], values: list[Any]) -> None:
    known = fields.setdefault(keys, [])
    known += [value for value in values if value not in known]


def _values(test: Test) -> list[Any]:
    """Return values at and around what a test wants."""
    wanted = test.value
    if test.operator == "one_of":
        return [*wanted, "none of them"]
    if test.operator == "type":
        return [_TYPES[wanted], None]
    if test.operator == "exists":
        return [1]
    if isinstance(wanted, bool):
        return [True, False]
    if isinstance(wanted, int | float):
        return [wanted, wanted - 1, wanted + 1]
    if isinstance(wanted, str) and split_reference(wanted):
        return [*_NUMBERS, "x"]
    return [wanted, f"not {wanted}"]


def _taken_by(action: Action) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield the fields of the message that an action takes, with values to try."""
    data: Any = None
    if isinstance(action, Add | Set):
        data = action.values
    elif isinstance(action, Call):
        data = action.arguments
    elif isinstance(action, Raise | Send):
        data = action.message
    elif isinstance(action, EmitEvent):
        data = action.data
    values = list(_NUMBERS if isinstance(action, Add) else _WORDS)
    for root, keys in references_in(data):
        if root == "message" and keys:
            yield keys, values


def delays_of(chart: Chart) -> list[float]:
    """Return durations worth waiting for: those of timers, and between them."""
    found = {
        edge.delay
        for edge in chart.transitions
        if edge.trigger == "after" and isinstance(edge.delay, int | float)
    }
    for node in (chart.root, *chart.states):
        for action in (*node.entry, *node.exit):
            found |= _delay(action)
        for edge in node.transitions:
            for action in edge.actions:
                found |= _delay(action)
    listed = sorted(float(one) for one in found if one)
    return [*listed, *(one / 2 for one in listed)]


def _delay(action: Action) -> set[float]:
    if isinstance(action, Send) and isinstance(action.delay, int | float):
        return {float(action.delay)}
    return set()
