"""Read guards: patterns, combinations, and names of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ._reading import close_to, kind_words
from ._references import split_reference
from .model import AllOf, AnyOf, Call, Guard, InState, NotOf, Test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._reading import Reading
    from ._yaml import Node
    from .model import Operator, Root

__all__ = ["OPERATORS", "TYPES", "read_guard", "split_field"]

OPERATORS: Final = (
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "min",
    "one_of",
    "exists",
    "type",
)
"""How a field may be tested."""
TYPES: Final = ("string", "number", "boolean", "list", "object")
"""What ``type`` may ask for."""
_COMBINERS = ("all", "any")


def read_guard(reading: Reading, node: Node, path: str, stands: str) -> Guard | None:
    """Return the guard that stands in a node; None when it has errors.

    Parameters
    ----------
    reading : Reading
        Takes the problems.
    node : Node
        What ``if`` holds.
    path : str
        The node's place in the data.
    stands : str
        The path of the state in which it stands.
    """
    if node.kind == "scalar" and isinstance(node.value, str):
        name = reading.function(node, path, "A guard")
        return Call(name, {}, reading.place(node, path)) if name else None
    if node.kind != "map":
        reading.wrong_kind("A guard", node, "a mapping or a function's name", path)
        return None
    if not node.value:
        reading.error(
            "A guard is empty.",
            "A mapping without entries tests nothing.",
            "Remove the guard, or name a field and what it must be.",
            at=node,
            path=path,
        )
        return None
    found: list[Guard] = []
    for key in node.value:
        found.extend(_read_entry(reading, node, key, (path, stands)))
    if not found:
        return None
    return found[0] if len(found) == 1 else AllOf(tuple(found))


def _read_entry(
    reading: Reading,
    owner: Node,
    key: object,
    where: tuple[str, str],
) -> Sequence[Guard]:
    """Return the guards of one entry of a mapping, by its key."""
    path, stands = where
    child = owner.value[key]
    here = f"{path}.{key}"
    if not isinstance(key, str):
        reading.wrong_kind("A field", owner.keys[key], "text", here)
        return ()
    if key in _COMBINERS:
        return _read_combined(reading, child, here, stands)
    if key == "not":
        inner = read_guard(reading, child, here, stands)
        return (NotOf(inner),) if inner is not None else ()
    if key == "in":
        target = reading.target(child, here, stands, "The guard in")
        return (InState(target, reading.place(child, here)),) if target else ()
    if key == "call":
        return _read_call(reading, owner, child, here)
    if key == "with":
        if "call" not in owner.value:
            reading.error(
                "with stands without call.",
                "It passes values to a function, and none is named.",
                "Add call: and a function's name, or remove with.",
                at=owner.keys[key],
                path=here,
            )
        return ()
    return _read_field(reading, child, here, owner.keys[key])


def _read_combined(
    reading: Reading, child: Node, path: str, stands: str
) -> Sequence[Guard]:
    key = path.rpartition(".")[2]
    if child.kind != "list":
        reading.wrong_kind(key, child, "a list of guards", path)
        return ()
    found = [
        read_guard(reading, item, f"{path}[{at}]", stands)
        for at, item in enumerate(child.value)
    ]
    guards = tuple(item for item in found if item is not None)
    return (AllOf(guards) if key == "all" else AnyOf(guards),)


def _read_call(
    reading: Reading, owner: Node, child: Node, path: str
) -> Sequence[Guard]:
    name = reading.function(child, path, "call")
    passed = owner.value.get("with")
    arguments = (
        reading.mapping(passed, path[: -len("call")] + "with", "with") if passed else {}
    )
    return (Call(name, arguments, reading.place(child, path)),) if name else ()


def split_field(key: str) -> tuple[Root, tuple[str, ...]]:
    """Return where a field is looked up, and its keys."""
    reference = split_reference(key)
    if reference is not None:
        return cast("Root", reference[0]), reference[1]
    root, dot, rest = key.partition(".")
    if dot and root in {"context", "rules", "message"}:
        return cast("Root", root), tuple(rest.split("."))
    return "message", tuple(key.split("."))


def _read_field(reading: Reading, child: Node, path: str, at: Node) -> Sequence[Guard]:
    """Return the tests of one field, whose key is the node ``at``."""
    key = str(at.value)
    root, keys = split_field(key)
    place = reading.place(at, path)
    if child.kind == "list":
        reading.error(
            f"A list cannot be compared with {key}.",
            "A field is compared with a text, a number, true, false or null.",
            f"Write {key}: {{one_of: [...]}} for one of several values, or "
            f"{key}: {{eq: [...]}} for the list itself.",
            at=child,
            path=path,
        )
        return ()
    if child.kind == "scalar":
        return (Test(root, keys, "eq", reading.value(child, path), place),)
    if not child.value:
        reading.error(
            f"The test of {key} is empty.",
            f"Tests: {', '.join(OPERATORS)}.",
            f"Write {key}: {{eq: ...}}, or another test.",
            at=child,
            path=path,
        )
    found = []
    for operator, operand in child.value.items():
        here = f"{path}.{operator}"
        if operator not in OPERATORS:
            near = close_to(str(operator), OPERATORS)
            reading.error(
                f"Unknown test {operator} of {key}.",
                f"Tests: {', '.join(OPERATORS)}.",
                f"Did you mean {near}?"
                if near
                else f"To compare with a mapping, write {key}: {{eq: {{...}}}}.",
                at=child.keys[operator],
                path=here,
                code="flexiflow.chart.unknown_key",
            )
        elif _check_operand(reading, operator, operand, here):
            value = reading.value(operand, here)
            where = reading.place(child.keys[operator], here) or place
            found.append(Test(root, keys, cast("Operator", operator), value, where))
    return found


def _check_operand(reading: Reading, operator: str, operand: Node, path: str) -> bool:
    """Return whether a test has a value that it can use; report it otherwise."""
    value = operand.value if operand.kind == "scalar" else None
    if operator == "min":
        whole = isinstance(value, float) and value.is_integer()
        if (isinstance(value, int) and not isinstance(value, bool)) or whole:
            return True
        reading.wrong_kind("min", operand, "a whole number", path)
        return False
    if operator == "one_of":
        if operand.kind == "list":
            return True
        reading.wrong_kind("one_of", operand, "a list", path)
        return False
    if operator == "exists":
        if isinstance(value, bool):
            return True
        reading.wrong_kind("exists", operand, "true or false", path)
        return False
    if operator == "type" and value not in TYPES:
        near = close_to(value, TYPES) if isinstance(value, str) else None
        reading.error(
            f"type cannot be {kind_words(operand)}.",
            f"Types: {', '.join(TYPES)}.",
            f"Did you mean {near}?" if near else "Write one of them.",
            at=operand,
            path=path,
        )
        return False
    return True
