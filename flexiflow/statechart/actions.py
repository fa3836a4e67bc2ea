"""Make actions ready to run: what a chart can do without a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ._frozen import MOST_BITS, NotJsonError, freeze
from ._references import compile_value, is_pure_value
from .guards import shown
from .model import Action, Add, Set

if TYPE_CHECKING:
    from ._references import Getter

__all__ = [
    "SMALL",
    "ActionRefusedError",
    "Put",
    "Update",
    "compile_add",
    "compile_put",
    "compile_set",
    "frozen",
    "pure_puts",
]

Update = Callable[[Mapping[str, Any], Mapping[str, Any], Any], Mapping[str, Any]]
"""New values of the context, from message, context and scope."""
Put = Callable[[Mapping[str, Any], dict[str, Any], Any], None]
"""Changes a context in place, from message, the context itself and scope."""
SMALL: Final = 1 << 62
"""Whole numbers nearer to nought are neither looked at closely nor too large."""


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
    if type(old) is int and type(amount) is int and -SMALL < old < SMALL:
        return frozen(old + amount, key) if abs(amount) >= SMALL else old + amount
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


def pure_puts(actions: Iterable[Action]) -> tuple[Put, ...] | None:
    """Return actions as changes of the context when they need nothing but messages.

    Returns
    -------
    tuple of Put, or None
        None when there is an action of another kind, or one that looks elsewhere.
    """
    puts: list[Put] = []
    for action in actions:
        if not isinstance(action, Set | Add) or not is_pure_value(dict(action.values)):
            return None
        puts.append(compile_put(action))
    return tuple(puts)


def compile_put(action: Set | Add) -> Put:
    """Return what changes a context in place as an action says.

    Notes
    -----
    Nothing is changed when it raises ``ActionRefusedError``.
    """
    if isinstance(action, Add) and len(action.values) == 1:
        ((key, amount),) = action.values.items()
        if type(amount) is int and abs(amount) < SMALL:
            return _count(key, amount)
    update = compile_set(action) if isinstance(action, Set) else compile_add(action)

    def put(message: Any, context: Any, scope: Any) -> None:
        context.update(update(message, context, scope))

    return put


def _count(key: str, amount: int) -> Put:
    """Return what adds a fixed whole number to a field."""

    def put(_message: Any, context: Any, _scope: Any) -> None:
        old = context.get(key, 0)
        if type(old) is int and -SMALL < old < SMALL:
            context[key] = old + amount
        else:
            context[key] = _sum(key, old, amount)

    return put
