"""Mark functions as guards, actions and services that charts find by name."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, TypeVar, overload

from ..errors import ConfigError

__all__ = ["MARK", "MARKED", "FunctionKind", "Marked", "action", "guard", "service"]

FunctionKind = Literal["guard", "action", "service"]
"""What a function is used as."""


class Marked:
    """Functions by name, as long as they live; the last of a name wins.

    Asked at each call of an action, for which the standard library's is too slow.
    """

    __slots__ = ("refs",)

    def __init__(self) -> None:
        self.refs: dict[str, weakref.ref[Callable[..., Any]]] = {}
        """Functions that live, or have just died."""

    def __setitem__(self, name: str, function: Callable[..., Any]) -> None:
        """Know a function by a name; it is not kept alive."""
        refs = self.refs

        def forget(dead: weakref.ref[Callable[..., Any]]) -> None:
            if refs.get(name) is dead:
                del refs[name]

        refs[name] = weakref.ref(function, forget)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(list(self.refs))

    def get(self, name: str) -> Callable[..., Any] | None:
        """Return the function of a name, or None."""
        ref = self.refs.get(name)
        return None if ref is None else ref()


MARKED: Final = Marked()
"""All marked functions.

The language promises that a mark alone makes a function known, so that this is kept
for the whole process.
"""
MARK: Final = "__flexiflow__"
"""The attribute that says what a function is for."""
_F = TypeVar("_F", bound=Callable[..., Any])

# Any in this module: functions of the user's.


def _mark(function: _F, kind: FunctionKind, name: str | None) -> _F:
    """Note what a function is for, and its name."""
    if kind == "guard" and inspect.iscoroutinefunction(function):
        raise ConfigError(
            f"The guard {_name_of(function)} is async.",
            why="Guards are asked often and must answer at once, without side effects.",
            fix="Write def instead of async def; ask for what takes time in an action.",
            context={"function": _name_of(function)},
        )
    known = name or _name_of(function)
    try:
        setattr(function, MARK, kind)
        MARKED[known] = function
    except (AttributeError, TypeError) as error:
        raise ConfigError(
            f"{known} cannot be marked as a {kind}.",
            why=str(error),
            fix="Put the decorator on a function.",
            context={"function": known},
        ) from error
    return function


def _name_of(function: object) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)


@overload
def guard(function: _F, /) -> _F: ...
@overload
def guard(*, name: str | None = None) -> Callable[[_F], _F]: ...
def guard(function: _F | None = None, /, *, name: str | None = None) -> Any:
    """Mark a plain function as a guard that charts find by name.

    Parameters
    ----------
    function : callable, optional
        A function without side effects whose result counts as true or false.
    name : str, optional
        What charts call it; the function's own name otherwise.

    Raises
    ------
    ConfigError
        If the function is async.
    """
    if function is not None:
        return _mark(function, "guard", name)
    return lambda given: _mark(given, "guard", name)


@overload
def action(function: _F, /) -> _F: ...
@overload
def action(*, name: str | None = None) -> Callable[[_F], _F]: ...
def action(function: _F | None = None, /, *, name: str | None = None) -> Any:
    """Mark a function as an action that charts find by name.

    Parameters
    ----------
    function : callable, optional
        Plain or async; a mapping that it returns updates the context.
    name : str, optional
        What charts call it; the function's own name otherwise.
    """
    if function is not None:
        return _mark(function, "action", name)
    return lambda given: _mark(given, "action", name)


@overload
def service(function: _F, /) -> _F: ...
@overload
def service(*, name: str | None = None) -> Callable[[_F], _F]: ...
def service(function: _F | None = None, /, *, name: str | None = None) -> Any:
    """Mark a function as a service that charts find by name.

    Parameters
    ----------
    function : callable, optional
        Usually async; what it returns is the result of the state that runs it.
    name : str, optional
        What charts call it; the function's own name otherwise.
    """
    if function is not None:
        return _mark(function, "service", name)
    return lambda given: _mark(given, "service", name)
