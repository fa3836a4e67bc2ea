"""Keep a machine's data JSON, and unchangeable from outside."""

from __future__ import annotations

import math
from typing import Any, NoReturn, final

__all__ = ["FrozenDict", "FrozenList", "NotJsonError", "fix", "freeze", "thaw"]

MOST_LEVELS = 100
"""Collections within collections in a context."""
MOST_BITS = 4_096
"""The size of the largest whole number in a context (1,233 digits)."""


class NotJsonError(ValueError):
    """A value is not JSON data; the text says which and where."""


def _refuse(*_arguments: object, **_fields: object) -> NoReturn:
    msg = (
        "this is read-only: an action changes the context by returning a mapping with "
        "the new values, such as {'coins': 2}; a chart is replaced as a whole"
    )
    raise TypeError(msg)


@final
class FrozenList(list[Any]):
    """A list that cannot be changed; JSON, equality and slices work as usual."""

    __slots__ = ()

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a plain list."""
        return list, (list(self),)


@final
class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed; JSON, equality and ``**`` work as usual."""

    __slots__ = ()

    clear = pop = popitem = setdefault = update = _refuse
    __setitem__ = __delitem__ = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a plain dict."""
        return dict, (dict(self),)


def freeze(value: object, where: str = "value", level: int = 0) -> Any:
    """Return a value as unchangeable JSON data.

    Parameters
    ----------
    value : object
        None, bool, int, finite float, str, or a list, tuple or dict of such.
    where : str, default "value"
        What the value is called in the error.
    level : int, default 0
        How deep it stands already.

    Raises
    ------
    NotJsonError
        If it is, or holds, anything else.
    """
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is FrozenDict or kind is FrozenList:
        return value
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            msg = f"{where} is a number of more than {MOST_BITS} bits"
            raise NotJsonError(msg)
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            msg = f"{where} is {value}, which is not a JSON number"
            raise NotJsonError(msg)
        return float(value)
    if isinstance(value, str):
        return str(value)
    if level > MOST_LEVELS:
        msg = f"{where} is nested deeper than {MOST_LEVELS} levels, or holds itself"
        raise NotJsonError(msg)
    if isinstance(value, list | tuple):
        return FrozenList(
            [freeze(item, f"{where}[{at}]", level + 1) for at, item in enumerate(value)]
        )
    if isinstance(value, dict):
        return FrozenDict(
            (_key(key, where), freeze(item, f"{where}.{key}", level + 1))
            for key, item in value.items()
        )
    msg = f"{where} is a {kind.__name__}, which is not JSON data"
    raise NotJsonError(msg)


def fix(owner: object, *names: str) -> None:
    """Make fields of a frozen dataclass unchangeable, however deep.

    Parameters
    ----------
    owner : object
        The value that is being made.
    *names : str
        Its fields that hold data.
    """
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, dict | list):
            object.__setattr__(owner, name, _fixed(value))


def _fixed(value: Any) -> Any:
    """Return data with dicts and lists that cannot be changed; all else as it is."""
    kind = type(value)
    if kind is FrozenDict or kind is FrozenList:
        return value
    if isinstance(value, dict):
        return FrozenDict((key, _fixed(item)) for key, item in value.items())
    if isinstance(value, list):
        return FrozenList(map(_fixed, value))
    return value


def _key(key: object, where: str) -> str:
    """Return a mapping's key, which must be text."""
    if isinstance(key, str):
        return str(key)
    msg = f"{where} has the key {key!r}, which is not text"
    raise NotJsonError(msg)


def thaw(value: Any) -> Any:
    """Return a plain copy of JSON data: fresh dicts and lists throughout."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value
