"""Make actions ready to run: what a chart can do without a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from ._frozen import MOST_BITS, NotJsonError, freeze
from ._references import compile_value, is_pure_value
from .guards import shown
from .model import Action, Add, Set

if TYPE_CHECKING:
    from ._references import Getter

__all__ = [
    "ActionRefusedError",
    "Update",
    "compile_add",
    "compile_set",
    "frozen",
    "pure_update",
]

Update = Callable[[Mapping[str, Any], Mapping[str, Any], Any], Mapping[str, Any]]
"""New values of the context, from message, context and scope."""
_SMALL: Final = 1 << 62


class ActionRefusedError(ValueError):
    """An action cannot be done with the values there are; the text says which."""


def compile_set(action: Set) -> Update:
    """Return what makes the new values of a ``set``.

    Notes
    -----
    The result is JSON data, frozen; ``ActionRefusedError`` if a value is none.
    """
    parts = {key: compile_value(value) for key, value in action.values.items()}

    def update(message: Any, context: Any, scope: Any) -> Mapping[str, Any]:
        return {
            key: frozen(part(message, context, scope), key)
            for key, part in parts.items()
        }

    return update


def frozen(value: object, where: str) -> Any:
    """Return a value as frozen JSON data.

    Raises
    ------
    ActionRefusedError
        If it is no JSON data.
    """
    try:
        return freeze(value, where)
    except NotJsonError as error:
        raise ActionRefusedError(str(error)) from None


def compile_add(action: Add) -> Update:
    """Return what makes the sums of an ``add``; a missing field counts as 0.

    Notes
    -----
    ``ActionRefusedError`` if a field or what is added is no number.
    """
    parts = [(key, compile_value(value)) for key, value in action.values.items()]
    if len(parts) == 1:
        key, part = parts[0]
        return lambda m, c, s: {key: _sum(key, c.get(key, 0), part(m, c, s))}
    return lambda m, c, s: _sums(parts, m, c, s)


def _sums(
    parts: Iterable[tuple[str, Getter]], message: Any, context: Any, scope: Any
) -> dict[str, Any]:
    return {
        key: _sum(key, context.get(key, 0), part(message, context, scope))
        for key, part in parts
    }


def _sum(key: str, old: Any, amount: Any) -> Any:
    if type(old) is int and type(amount) is int and -_SMALL < old < _SMALL:
        return frozen(old + amount, key) if abs(amount) >= _SMALL else old + amount
    for value, what in ((old, key), (amount, f"what is added to {key}")):
        if isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"{what} is {shown(value)}; add wants a number"
            raise ActionRefusedError(msg)
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            msg = f"{what} is too large"
            raise ActionRefusedError(msg)
    try:
        return frozen(old + amount, key)
    except OverflowError:
        msg = f"{key} would become too large"
        raise ActionRefusedError(msg) from None


def pure_update(actions: tuple[Action, ...]) -> Update | None:
    """Return actions as one update when they need message and context alone.

    Returns
    -------
    Update or None
        None when there is an action of another kind.
    """
    updates: list[Update] = []
    for action in actions:
        if not isinstance(action, Set | Add) or not is_pure_value(dict(action.values)):
            return None
        updates.append(
            compile_set(action) if isinstance(action, Set) else compile_add(action)
        )
    if len(updates) == 1:
        return updates[0]

    def update(message: Any, context: Any, scope: Any) -> Mapping[str, Any]:
        changed: dict[str, Any] = {}
        seen = cast("Mapping[str, Any]", context)
        for one in updates:
            changed.update(one(message, seen, scope))
            seen = {**context, **changed}
        return changed

    return update
