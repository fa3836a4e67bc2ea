"""Stand before the functions of a machine, and tell what its steps call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ._failures import error_data
from ._frozen import NotJsonError, freeze, thaw
from ._recorded import RecordedCall
from ._scripts import Scene
from .step import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .functions import Fillable, Functions

__all__ = ["ObservedFunctions", "unobserved", "without_observers"]

# Any in this module: what user functions take and return.


class _WholeStepError(Exception):
    """A machine is to take a whole step."""


@final
class ObservedFunctions:
    """Stands before the functions of a machine and tells of what steps call."""

    def __init__(
        self,
        functions: Functions,
        told: Callable[[RecordedCall], object],
        *,
        guards: Collection[str],
    ) -> None:
        self.observed = functions
        """What it stands before."""
        self._told = told
        self._guards = guards
        self.is_over = False
        """Whether nobody wants to know any more."""

    def __getattr__(self, name: str) -> Any:
        """Return what the functions themselves have."""
        return getattr(self.observed, name)

    def prepared(self, name: str) -> Any:
        """Refuse the short way: a whole step asks for each call."""
        if self.is_over:
            return self.observed.prepared(name)
        raise _WholeStepError

    def invoke(self, name: str, scope: Fillable, arguments: Mapping[str, Any]) -> Any:
        """Call a function, and tell what a step's call came to."""
        if isinstance(scope, Scene) and not self.is_over:
            raise _WholeStepError
        if self.is_over or not isinstance(scope, Run):
            return self.observed.invoke(name, scope, arguments)
        kind: Any = "guard" if name in self._guards else "action"
        try:
            value = self.observed.invoke(name, scope, arguments)
        except Exception as error:
            self._told(RecordedCall(name, kind, None, error_data(error)))
            raise
        if hasattr(value, "__await__"):
            return self._awaited(name, kind, value)
        self._told(RecordedCall(name, kind, _json(value)))
        return value

    async def _awaited(self, name: str, kind: Any, value: Any) -> Any:
        try:
            value = await value
        except Exception as error:
            self._told(RecordedCall(name, kind, None, error_data(error)))
            raise
        self._told(RecordedCall(name, kind, _json(value)))
        return value


def without_observers(functions: Functions) -> Functions:
    """Return functions without the outermost observers that are over."""
    found: Any = functions
    while isinstance(found, ObservedFunctions) and found.is_over:
        found = found.observed
    real: Functions = found
    return real


def unobserved(functions: Functions) -> Functions:
    """Return functions without any observers."""
    found: Any = functions
    while isinstance(found, ObservedFunctions):
        found = found.observed
    real: Functions = found
    return real


def _json(value: Any) -> Any:
    """Return a value as plain JSON data; None when it is none."""
    try:
        return thaw(freeze(value, "the result"))
    except NotJsonError:
        return None
