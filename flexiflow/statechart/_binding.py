"""Fill the parameters of a function by their names, worked out once."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ._frozen import FrozenDict
from ._reading import close_to

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["PARAMETERS", "Binding", "Fillable"]

PARAMETERS: Final = (
    "context",
    "message",
    "component",
    "state",
    "rules",
    "result",
    "error",
)
"""The names by which parameters are filled."""

# Any in this module: functions of the user's, their arguments and results.


class Fillable(Protocol):
    """What parameters are filled from."""

    def argument(self, name: str) -> Any:
        """Return what fills a parameter of one of the names in PARAMETERS."""


@final
class Binding:
    """How the parameters of one function are filled.

    Parameters
    ----------
    function : callable
        The function; looked at once, which costs as much as some hundred calls.
    """

    __slots__ = (
        "accepts",
        "any_name",
        "fill",
        "filled",
        "function",
        "is_generator",
        "lacking",
        "play",
        "positional",
    )

    fill: Callable[[Fillable], Any]
    """Calls the function with what its parameters ask for, and nothing else."""
    play: Callable[[Any], Any]
    """The same for a scene, whose attributes are looked at without asking."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.filled: list[str] = []
        self.positional: list[str] = []
        self.lacking: list[str] = []
        self.accepts: set[str] = set()
        self.any_name = False
        self.is_generator = _is_generator(function)
        self.fill = self.play = lambda scope: self.call(scope, {})
        try:
            parameters = [*inspect.signature(function).parameters.values()]
        except (TypeError, ValueError):
            self.any_name = True
            return
        for parameter in parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                self.any_name = True
            elif parameter.kind is not parameter.VAR_POSITIONAL:
                name = parameter.name
                self.accepts.add(name)
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    self.positional.append(name)
                if name in PARAMETERS:
                    self.filled.append(name)
                elif parameter.default is parameter.empty:
                    self.lacking.append(name)
        first = parameters[: len(self.filled)]
        if [one.name for one in first if one.kind in _IN_ORDER] == self.filled:
            self.fill = _filler(function, self.filled)
            self.play = _player(function, self.filled) or self.fill

    def call(self, scope: Fillable, arguments: Mapping[str, Any]) -> Any:
        """Call the function; what ``with`` passes goes before what is filled."""
        named = {
            name: scope.argument(name) for name in self.filled if name not in arguments
        }
        named.update(arguments)
        if not self.positional:
            return self.function(**named)
        first = [named.pop(name) for name in self.positional if name in named]
        return self.function(*first, **named)

    def problem(
        self, name: str, passed: Collection[str]
    ) -> tuple[str, str, str] | None:
        """Return what, why and fix when the function cannot be called like this."""
        if self.is_generator:
            return (
                f"{name} is a generator function: calling it does nothing.",
                "It has a yield, so that its lines run only while somebody iterates.",
                f"Write {name} without yield; async def may await.",
            )
        for parameter in self.lacking:
            if parameter not in passed:
                near = close_to(parameter, PARAMETERS)
                return (
                    f"Nothing fills the parameter {parameter} of {name}.",
                    f"Parameters are filled by name: {', '.join(PARAMETERS)}.",
                    f"Did you mean {near}?"
                    if near
                    else f"Pass it: {{call: {name}, with: {{{parameter}: ...}}}}, "
                    "or give it a default.",
                )
        extra = [] if self.any_name else [x for x in passed if x not in self.accepts]
        if extra:
            near = close_to(extra[0], self.accepts)
            return (
                f"{name} has no parameter {extra[0]}.",
                f"Its parameters: {', '.join(sorted(self.accepts)) or 'none'}.",
                f"Did you mean {near}?" if near else f"Remove {extra[0]} from with.",
            )
        return None


_IN_ORDER: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def _is_generator(function: Callable[..., Any]) -> bool:
    """Return whether calling a function runs nothing of it, nor when it is awaited."""
    inner = inspect.unwrap(function) if hasattr(function, "__wrapped__") else function
    code = getattr(function, "__code__", None) or getattr(inner, "__code__", None)
    flags = 0 if code is None else code.co_flags
    if flags & inspect.CO_ITERABLE_COROUTINE:  # types.coroutine: it can be awaited
        return False
    return bool(flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR))


def _filler(
    function: Callable[..., Any], names: list[str]
) -> Callable[[Fillable], Any]:
    """Return what calls a function with arguments in the order of its parameters."""
    if not names:
        return lambda _scope: function()
    if len(names) == 1:
        only = names[0]
        return lambda scope: function(scope.argument(only))
    if len(names) == _PAIR:
        one, two = names
        return lambda scope: function(scope.argument(one), scope.argument(two))
    return lambda scope: function(*[scope.argument(name) for name in names])


def _player(
    function: Callable[..., Any], names: list[str]
) -> Callable[[Any], Any] | None:
    """Return what calls a function from a scene, for the most common parameters."""
    if names == ["context"]:

        def with_context(scene: Any) -> Any:
            context = scene.context
            if type(context) is not FrozenDict:
                context = scene.context = FrozenDict(context)
            return function(context)

        return with_context
    if names == ["message"]:
        return lambda scene: function(scene.message)
    if names == ["context", "message"]:
        return lambda scene: function(scene.argument("context"), scene.message)
    return None


_PAIR: Final = 2
