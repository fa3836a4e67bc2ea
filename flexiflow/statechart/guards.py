"""Test guards, and say in words what they want and why they do not hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from ._references import (
    MISSING,
    compile_value,
    getter,
    is_pure_value,
    split_reference,
)
from ._scxml_content import compile_condition
from .model import AllOf, AnyOf, Call, Expression, Guard, InState, NotOf, Test

if TYPE_CHECKING:
    from ._references import Scope

__all__ = [
    "Clause",
    "GuardTest",
    "compare",
    "compile_guard",
    "declared_words",
    "equal",
    "failed_clauses",
    "guard_words",
    "is_pure",
    "shown",
    "subject_words",
    "tests_in",
]

GuardTest = Callable[[Mapping[str, Any], Mapping[str, Any], Any], bool]
"""A guard, ready to run on message, context and scope."""
_LONGEST_SHOWN = 60
# Any in this module: JSON data of the user's, of any shape.


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, Mapping),
}


def equal(left: Any, right: Any) -> bool:
    """Return whether two JSON values are the same; true is not 1 here."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            equal(item, right[key]) for key, item in left.items()
        )
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    same: bool = left == right
    return same


def _ordered(left: Any, right: Any) -> bool:
    """Return whether two values can be put in order."""
    if isinstance(left, str) and isinstance(right, str):
        return True
    return _is_number(left) and _is_number(right)


def _at_least(actual: Any, least: Any) -> bool:
    """Return whether a number, or the length of a text or collection, suffices."""
    if not _is_number(least):
        return False
    if isinstance(actual, str | list | tuple | Mapping):
        return bool(len(actual) >= least)
    return _is_number(actual) and bool(actual >= least)


def _one_of(actual: Any, wanted: Any) -> bool:
    """Return whether a list holds a value."""
    return isinstance(wanted, list | tuple) and any(
        equal(actual, item) for item in wanted
    )


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": equal,
    "ne": lambda actual, wanted: not equal(actual, wanted),
    "lt": lambda actual, wanted: _ordered(actual, wanted) and actual < wanted,
    "le": lambda actual, wanted: _ordered(actual, wanted) and actual <= wanted,
    "gt": lambda actual, wanted: _ordered(actual, wanted) and actual > wanted,
    "ge": lambda actual, wanted: _ordered(actual, wanted) and actual >= wanted,
    "min": _at_least,
    "one_of": _one_of,
    "type": lambda actual, wanted: wanted in _TYPES and _TYPES[wanted](actual),
}


def compare(operator: str, actual: Any, wanted: Any) -> bool:
    """Return whether a value passes one test; a missing field counts as null.

    Parameters
    ----------
    operator : str
        One of eq, ne, lt, le, gt, ge, min, one_of, exists, type.
    actual : Any
        The value found, or MISSING.
    wanted : Any
        What it is compared with.

    Notes
    -----
    Never raises: values that cannot be put in order do not pass.
    """
    if operator == "exists":
        return (actual is not MISSING) is bool(wanted)
    return _COMPARISONS[operator](None if actual is MISSING else actual, wanted)


def is_pure(guard: Guard | None) -> bool:
    """Return whether a guard needs the message and the context alone."""
    if guard is None:
        return True
    if isinstance(guard, Test):
        return guard.root in {"message", "context"} and is_pure_value(guard.value)
    if isinstance(guard, AllOf | AnyOf):
        return all(is_pure(item) for item in guard.guards)
    return isinstance(guard, NotOf) and is_pure(guard.guard)


def compile_guard(guard: Guard) -> GuardTest:
    """Return a guard as a function of message, context and scope.

    Notes
    -----
    A pure guard never looks at the scope, which may then be None.
    """
    if isinstance(guard, Test):
        return _compile_test(guard)
    if isinstance(guard, NotOf):
        inner = compile_guard(guard.guard)
        return lambda m, c, s: not inner(m, c, s)
    if isinstance(guard, AllOf):
        every = [compile_guard(item) for item in guard.guards]
        return lambda m, c, s: all(test(m, c, s) for test in every)
    if isinstance(guard, AnyOf):
        some = [compile_guard(item) for item in guard.guards]
        return lambda m, c, s: any(test(m, c, s) for test in some)
    if isinstance(guard, Expression):
        return compile_condition(guard.text)
    if isinstance(guard, InState):
        target = guard.target
        return lambda _m, _c, s: bool(s.is_active(target))
    call = guard
    arguments = compile_value(dict(call.arguments))
    return lambda m, c, s: bool(s.ask(call, arguments(m, c, s)))


def _compile_test(test: Test) -> GuardTest:
    """Return a test as a function; the commonest kinds do one look-up."""
    get = getter(test.root, test.keys)
    wanted = compile_value(test.value)
    constant = not isinstance(test.value, str) or not test.value.startswith("$")
    if constant and test.operator == "eq" and isinstance(test.value, str):
        word, key = test.value, test.keys[-1] if test.keys else ""
        if test.root == "message" and len(test.keys) == 1:
            return lambda m, _c, _s: bool(m.get(key) == word)
        return lambda m, c, s: bool(get(m, c, s) == word)
    operator = test.operator
    return lambda m, c, s: compare(operator, get(m, c, s), wanted(m, c, s))


def tests_in(guard: Guard | None) -> Iterator[tuple[Test, bool]]:
    """Iterate over the tests of a guard; True for those that must hold."""
    if isinstance(guard, Test):
        yield guard, True
    elif isinstance(guard, AllOf):
        for item in guard.guards:
            yield from tests_in(item)
    elif isinstance(guard, AnyOf):
        for item in guard.guards:
            for test, _ in tests_in(item):
                yield test, False
    elif isinstance(guard, NotOf):
        for test, _ in tests_in(guard.guard):
            yield test, False


# --- words ----------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a guard that does not hold now."""

    subject: str
    """What was tested: a field as written, or a function's name."""
    expected: str
    """What is wanted, in words."""
    actual: Any
    """The value found; None when there is none."""
    line: int | None
    """The line of the clause, when it came from a text."""
    text: str
    """The whole as one sentence."""


class _Name(str):
    """The name of a value that is known only when the guard is tested."""

    __slots__ = ()


def _declared(value: Any) -> Any:
    """Return a declared value for showing: ``$context.pin`` is a name, no text."""
    if isinstance(value, list | tuple):
        return [_declared(item) for item in value]
    reference = split_reference(value) if isinstance(value, str) else None
    if reference is not None:
        return _Name(value[1:])
    return value[1:] if isinstance(value, str) and value.startswith("$$") else value


def shown(value: Any) -> str:
    """Return a value as JSON, cut to 60 characters."""
    if value is MISSING:
        return "missing"
    if isinstance(value, _Name):
        return str(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def subject_words(test: Test) -> str:
    """Return a field as the user would write it."""
    path = ".".join(test.keys)
    if test.root == "message":
        return path or "message"
    prefix = "$" if test.root in {"result", "error"} else ""
    return f"{prefix}{test.root}.{path}" if path else prefix + test.root


def _wanted_words(operator: str, wanted: Any) -> str:
    """Return what a test wants, in words: ``at least 1``."""
    if operator == "eq":
        return shown(wanted)
    if operator == "ne":
        return f"anything but {shown(wanted)}"
    if operator in {"min", "ge"}:
        return f"at least {shown(wanted)}"
    if operator == "le":
        return f"at most {shown(wanted)}"
    if operator in {"lt", "gt"}:
        return f"{'less' if operator == 'lt' else 'more'} than {shown(wanted)}"
    if operator == "one_of":
        items = wanted if isinstance(wanted, list | tuple) else [wanted]
        return "one of " + ", ".join(shown(item) for item in items)
    if operator == "exists":
        return "a value" if wanted else "no value"
    return f"a{'n' if wanted == 'object' else ''} {wanted}"


def declared_words(test: Test) -> str:
    """Return what a test wants as it was declared: a reference stays a name."""
    return _wanted_words(test.operator, _declared(test.value))


def guard_words(guard: Guard | None) -> str | None:
    """Return a guard in words for an edge: ``items at least 1``."""
    if guard is None:
        return None
    if isinstance(guard, Test):
        wanted = declared_words(guard)
        link = " is " if guard.operator in {"eq", "type", "one_of", "ne"} else " "
        if guard.operator == "exists":
            link, wanted = " ", "is there" if guard.value else "is missing"
        return f"{subject_words(guard)}{link}{wanted}"
    if isinstance(guard, Call):
        return guard.function.rpartition(":")[2]
    if isinstance(guard, Expression):
        return guard.text
    if isinstance(guard, InState):
        return f"in {guard.target}"
    if isinstance(guard, NotOf):
        return f"not ({guard_words(guard.guard)})"
    parts = [guard_words(item) or "" for item in guard.guards]
    if not parts:
        return "always" if isinstance(guard, AllOf) else "never"
    nested = [
        f"({part})" if isinstance(item, AllOf | AnyOf) and len(parts) > 1 else part
        for item, part in zip(guard.guards, parts, strict=True)
    ]
    return (" and " if isinstance(guard, AllOf) else " or ").join(nested)


def _line(place: Any) -> tuple[int | None, str]:
    """Return a place's line, and the words for it."""
    if place is None:
        return None, ""
    return place.line, f" (line {place.line})"


def failed_clauses(
    guard: Guard,
    message: Mapping[str, Any],
    context: Mapping[str, Any],
    scope: Scope,
) -> list[Clause]:
    """Return the clauses that keep a guard from holding; none when it holds.

    Raises
    ------
    ActionError
        If a guard function raises.
    """
    if isinstance(guard, AllOf):
        found: list[Clause] = []
        for item in guard.guards:
            found += failed_clauses(item, message, context, scope)
        return found
    if compile_guard(guard)(message, context, scope):
        return []
    if isinstance(guard, AnyOf):
        return _failed_any(guard, message, context, scope)
    if isinstance(guard, NotOf):
        return [_negated(guard.guard, message, context, scope)]
    if isinstance(guard, Test):
        return [_failed_test(guard, message, context, scope)]
    line, words = _line(guard.place)
    if isinstance(guard, Expression):
        text = f"The condition {shown(guard.text)} does not hold{words}."
        return [Clause(guard.text, "true", actual=False, line=line, text=text)]
    if isinstance(guard, InState):
        text = f"{guard.target} is not active; the guard wants it to be{words}."
        return [Clause(guard.target, "active", None, line, text)]
    name = guard.function.rpartition(":")[2]
    text = f"The guard {name} says no{words}."
    return [Clause(name, "true", actual=False, line=line, text=text)]


def _failed_any(
    guard: AnyOf, message: Mapping[str, Any], context: Mapping[str, Any], scope: Scope
) -> list[Clause]:
    parts = [failed_clauses(item, message, context, scope) for item in guard.guards]
    first = [clauses[0] for clauses in parts if clauses]
    if not first:
        return [Clause("any", "nothing", None, None, "The guard never holds.")]
    text = " ".join(item.text for item in first)
    if len(first) > 1:
        text = f"One of these is wanted: {text}"
    return [
        Clause(
            first[0].subject,
            " or ".join(item.expected for item in first),
            first[0].actual,
            first[0].line,
            text,
        )
    ]


def _negated(
    guard: Guard, message: Mapping[str, Any], context: Mapping[str, Any], scope: Scope
) -> Clause:
    """Return the clause for a guard that holds and must not."""
    if isinstance(guard, Test):
        clause = _failed_test(guard, message, context, scope)
        wanted = f"not {clause.expected}"
        line, words = _line(guard.place)
        text = (
            f"{clause.subject} is {shown(clause.actual)}; the guard wants it "
            f"{wanted}{words}."
        )
        return Clause(clause.subject, wanted, clause.actual, line, text)
    words = guard_words(guard) or ""
    place = getattr(guard, "place", None)
    line, where = _line(place)
    text = f"The guard wants this not to hold: {words}{where}."
    return Clause(words, "false", actual=True, line=line, text=text)


def _failed_test(
    test: Test, message: Mapping[str, Any], context: Mapping[str, Any], scope: Scope
) -> Clause:
    actual = getter(test.root, test.keys)(message, context, scope)
    wanted = _wanted_words(
        test.operator, compile_value(test.value)(message, context, scope)
    )
    subject = subject_words(test)
    line, words = _line(test.place)
    sized = isinstance(actual, str | list | tuple | Mapping)
    if test.operator == "min" and sized:
        text = f"{subject} has length {len(actual)}; the guard wants {wanted}{words}."
    else:
        text = f"{subject} is {shown(actual)}; the guard wants {wanted}{words}."
    return Clause(subject, wanted, None if actual is MISSING else actual, line, text)
