"""Read the guards, actions and services of XState machines, in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..errors import ConfigError, nearest, one_line
from ._reading import DOTTED, FUNCTION
from ._xstate_write import GUARD, OURS, WORD_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "check_keys",
    "object_at",
    "read_actions",
    "read_guard",
    "read_service",
    "what_is",
    "wrong",
]

_IDLE_KEYS: Final = frozenset({"key", "order", "version", "$schema", "types"})
"""Keys without a meaning for how a machine runs."""
_ACTIONS: Final = ("set", "add", "raise", "send", "cancel", "emit", "log")

# Any in this module: JSON of any shape, until it was looked at.


def wrong(
    what: str, where: str, *, why: str | None = None, fix: str | None = None
) -> NoReturn:
    """Raise the error of a machine that cannot be used, with the place."""
    raise ConfigError(what, why=why, fix=fix, context={"path": where})


def what_is(value: Any) -> str:
    """Return what a value is, in words."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else one_line(value, 60)


def check_keys(config: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    """Refuse keys that may have a meaning which nobody knows here."""
    for key in config:
        if key not in allowed and key not in _IDLE_KEYS:
            near = nearest(str(key), allowed, limit=1)
            wrong(
                f"Unknown key {one_line(key, 40)}.",
                where,
                why=f"Keys there: {', '.join(allowed)}.",
                fix=f"Did you mean {near[0]}? Else remove it." if near else None,
            )


def object_at(config: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """Return an object that stands below a key; empty when there is none."""
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        wrong(
            f"{key} must be an object.",
            f"{where}.{key}",
            why=f"It is {what_is(value)}.",
            fix=f'Write "{key}": {{...}}.',
        )
    return value


def read_guard(given: Any, where: str) -> Any:
    """Return a guard, as ``if`` holds it."""
    name, params = _call(given, where)
    if name == GUARD:
        return params
    return {"call": _function(name), "with": params} if params else _function(name)


def read_actions(given: Any, where: str) -> Any:
    """Return actions, as ``do`` holds them."""
    items = given if isinstance(given, list) else [given]
    found = [
        _action(item, f"{where}[{at}]" if len(items) > 1 else where)
        for at, item in enumerate(items)
    ]
    return found[0] if len(found) == 1 else found


def _action(given: Any, where: str) -> Any:
    name, params = _call(given, where)
    start, _, kind = name.partition(".")
    if start == OURS and kind in _ACTIONS:
        alone = kind in {"log", "cancel"}
        return {kind: params.get(WORD_OF[kind]) if alone else dict(params)}
    return {"call": _function(name), "with": params} if params else _function(name)


def _call(given: Any, where: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the parameters of a guard or an action."""
    if isinstance(given, str):
        return given, {}
    if isinstance(given, Mapping) and isinstance(given.get("type"), str):
        check_keys(given, ("type", "params"), where)
        return given["type"], dict(object_at(given, "params", where))
    wrong(
        "A guard or an action has no name.",
        where,
        why=f"It is {what_is(given)}.",
        fix='Write "name", or {"type": "name", "params": {...}}.',
    )


def read_service(invoke: Mapping[str, Any]) -> Any:
    """Return an invocation, as ``run`` holds it."""
    name = _function(invoke["src"])
    given = invoke.get("input")
    return {"do": name, "with": given} if given else name


def _function(name: str) -> str:
    """Return a name as one that a function may have."""
    if FUNCTION.fullmatch(name) or DOTTED.fullmatch(name):
        return name
    plain = "".join(c if c.isalnum() or c == "_" else "_" for c in name).strip("_")
    return plain if FUNCTION.fullmatch(plain) else f"f_{plain}"
