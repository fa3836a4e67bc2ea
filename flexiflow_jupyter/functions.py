"""Find the functions that a notebook defines, at the moment they are called."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, final

from flexiflow.statechart import Chart

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["NotebookFunctions"]


@final
class NotebookFunctions:
    """The callables among a user's variables; what a chart's lookup asks.

    Parameters
    ----------
    shell : InteractiveShell
        Whose variables are meant. Asked at each call, so that re-running a cell
        changes the next call. What IPython itself put there does not count.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def __call__(self, name: str) -> object | None:
        """Return the function of a name, or the chart that runs as a component."""
        value: object = self._shell.user_ns.get(name)
        fits = callable(value) or isinstance(value, Chart)
        return value if fits and not self._is_hidden(name, value) else None

    def names(self) -> list[str]:
        """Return the names of the functions that cells define, for near misses."""
        home = self._shell.user_module.__name__
        return [
            name
            for name, value in list(self._shell.user_ns.items())
            if isinstance(value, FunctionType) and value.__module__ == home
        ]

    def _is_hidden(self, name: str, value: Any) -> bool:
        """Tell whether IPython put a value there; Any: it is the user's otherwise."""
        hidden = self._shell.user_ns_hidden
        return name in hidden and hidden[name] is value
