"""Put guards and values of the language into expressions as ECMAScript has them.

They are for other engines and for people: FlexiFlow itself reads its own form, which
stands beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ._parts import AllOf, AnyOf, Call, Expression, Guard, InState, NotOf, Test
from ._references import split_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["condition", "field_term", "value_term"]

_SIGNS: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TYPES: Final = {
    "string": "typeof {0} == 'string'",
    "number": "typeof {0} == 'number'",
    "boolean": "typeof {0} == 'boolean'",
    "list": "{0} instanceof Array",
    "object": "{0} instanceof Object && !({0} instanceof Array)",
}

# Any in this module: JSON data of the user's.


def field_term(root: str, keys: Sequence[str]) -> str:
    """Return the expression of a field."""
    steps = list(keys)
    if root == "context" and steps and steps[0].isidentifier():
        text = steps.pop(0)
    else:
        text = {"context": "_x", "rules": "rules"}.get(root, "_event.data")
    for step in steps:
        plain = step.isidentifier()
        at = step if step.isdecimal() else json.dumps(step)
        text += f".{step}" if plain else f"[{at}]"
    return text


def value_term(value: Any) -> str:
    """Return the expression of a value; references are looked up."""
    if isinstance(value, str):
        found = split_reference(value)
        if found is not None:
            return field_term(*found)
        return json.dumps(value[1:] if value.startswith("$$") else value)
    if isinstance(value, Mapping):
        inner = (
            f"{json.dumps(key)}: {value_term(item)}" for key, item in value.items()
        )
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_term(item) for item in value)}]"
    return json.dumps(value)


def condition(guard: Guard, name_of: Callable[[str], str]) -> str:
    """Return a guard as the text of a ``cond``.

    Parameters
    ----------
    guard : Guard
        Any guard.
    name_of : callable
        Gives the id of a state by its path.
    """
    if isinstance(guard, Test):
        return _test(guard)
    if isinstance(guard, AllOf | AnyOf):
        word = " && " if isinstance(guard, AllOf) else " || "
        parts = [f"({condition(item, name_of)})" for item in guard.guards]
        return word.join(parts) or ("true" if isinstance(guard, AllOf) else "false")
    if isinstance(guard, NotOf):
        return f"!({condition(guard.guard, name_of)})"
    if isinstance(guard, InState):
        return f"In({json.dumps(name_of(guard.target))})"
    if isinstance(guard, Expression):
        return guard.text
    if isinstance(guard, Call):
        name = guard.function.rpartition(":")[2]
        given = value_term(guard.arguments) if guard.arguments else ""
        return f"{name}({given})"
    return "false"


def _test(test: Test) -> str:
    """Return a comparison."""
    left = field_term(test.root, test.keys)
    if test.operator in _SIGNS:
        return f"{left} {_SIGNS[test.operator]} {value_term(test.value)}"
    if test.operator == "min":
        return f"{left} >= {value_term(test.value)}"
    if test.operator == "one_of":
        choices = [f"{left} == {value_term(item)}" for item in test.value]
        return " || ".join(choices) or "false"
    if test.operator == "exists":
        return f"{left} {'!=' if test.value else '=='} null"
    return _TYPES.get(str(test.value), "false").format(left)
