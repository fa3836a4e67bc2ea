"""Hold a workflow as it was defined, and find the definitions by name."""

from __future__ import annotations

import functools
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

from ..errors import nearest, one_line
from .codec import code_digest
from .errors import DefinitionError, WorkflowNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CATALOGUE", "Catalogue", "Definition", "check_function", "name_of"]


def check_function(given: object, what: str) -> None:
    """Refuse what cannot be called, nor be bound to an object and called then.

    Raises
    ------
    DefinitionError
        If a ``what``, a task or a workflow, cannot be made of it.
    """
    if not callable(given) and not hasattr(given, "__get__"):
        raise DefinitionError(
            f"A {what} is made of a function, not of {one_line(given, 40)}",
            why=f"{type(given).__name__} cannot be called.",
            fix=f"Put @{what}, or @{what}.with_options(...), above a function.",
            context={"type": type(given).__name__},
        )


# Any: functions of all kinds.
def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called; of a partial or an object, what it is of."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


@final
class Definition:
    """A workflow's body and what was said about it.

    Parameters
    ----------
    name : str
        Under which its executions are stored.
    func : callable
        The body. Any: it takes a context of any input and gives any result.
    secret_requests : tuple of str
        The secrets it gets as the keyword ``secrets``.
    requests : object
        What it needs of a machine, a ``ResourceRequest``.
    """

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        *,
        secret_requests: tuple[str, ...] = (),
        requests: object = None,
    ) -> None:
        self.name = name
        self.func = func
        self.secret_requests = secret_requests
        self.requests = requests

    @property
    def is_patched(self) -> bool:
        """Whether the body says itself where it has changed: it calls ``patched``."""
        code = getattr(self.func, "__code__", None)
        return code is not None and "patched" in code.co_names

    @cached_property
    def digest(self) -> str:
        """The digest of the body's code."""
        return code_digest(self.func)


@final
class Catalogue:
    """The workflows that this process has defined; the newest of a name counts."""

    def __init__(self) -> None:
        self._known: dict[str, Definition] = {}
        self._listeners: list[Callable[[Definition], object]] = []
        self._lock = threading.Lock()

    def add(self, definition: Definition) -> None:
        """Take a definition, and tell those who wait for one of its name."""
        with self._lock:
            self._known[definition.name] = definition
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(definition)

    def find(self, name: str) -> Definition | None:
        """Return the definition of a name, or None."""
        return self._known.get(name)

    def get(self, name: str) -> Definition:
        """Return the definition of a name.

        Raises
        ------
        WorkflowNotFoundError
            If there is none; near misses are listed.
        """
        found = self._known.get(name)
        if found is None:
            close = nearest(name, self._known)
            raise WorkflowNotFoundError(
                f"Unknown workflow: {name!r}",
                why="No @workflow of that name has been defined in this process.",
                fix="Run the cell or import the module that defines it."
                + (f" Known are: {', '.join(close)}." if close else ""),
                context={"workflow": name, "workflows": close},
            )
        return found

    def names(self) -> list[str]:
        """Return the names, in the order in which they were first defined."""
        return list(self._known)

    def listen(self, listener: Callable[[Definition], object]) -> Callable[[], None]:
        """Call a function with each definition from now on; return how to stop."""
        with self._lock:
            self._listeners.append(listener)

        def remove() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return remove


CATALOGUE: Final = Catalogue()
"""The workflows of this process; a decorator has nowhere else to put what it makes."""
