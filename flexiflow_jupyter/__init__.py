"""Show state machines live in a notebook: magics, panels and views for FlexiFlow.

``%load_ext flexiflow_jupyter`` adds the magics ``%%flexiflow`` and ``%flexiflow`` and
the rich display of components, engines and charts. The views are loaded when the first
one is made: loading the extension costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .animation import animate
    from .exercises import exercise, seal_scenarios
    from .notebook import get_engine
    from .views import graph, panel
    from .widgets import (
        ContextView,
        EngineView,
        EventStream,
        ExecutionView,
        MessageBar,
        Panel,
        StateGraph,
        Timeline,
    )

__all__ = [
    "ContextView",
    "EngineView",
    "EventStream",
    "ExecutionView",
    "MessageBar",
    "Panel",
    "StateGraph",
    "Timeline",
    "animate",
    "exercise",
    "get_engine",
    "graph",
    "load_ipython_extension",
    "panel",
    "seal_scenarios",
    "unload_ipython_extension",
]

_HOME_OF: Final = {
    "ContextView": "widgets",
    "EngineView": "widgets",
    "EventStream": "widgets",
    "ExecutionView": "widgets",
    "MessageBar": "widgets",
    "Panel": "widgets",
    "StateGraph": "widgets",
    "Timeline": "widgets",
    "animate": "animation",
    "exercise": "exercises",
    "get_engine": "notebook",
    "graph": "views",
    "panel": "views",
    "seal_scenarios": "exercises",
}
"""The module in which each lazy name lives."""


def __getattr__(name: str) -> object:
    """Load a public name from its module and keep it here (PEP 562)."""
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module = importlib.import_module(f"{__name__}.{_HOME_OF[name]}")
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, beside what the module holds."""
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics, the transformer and the rich display: ``%load_ext``.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that loads the extension.

    Raises
    ------
    flexiflow.errors.FlexiFlowError
        If the packages of the ``jupyter`` extra are not installed; it names the command
        that installs them.
    """
    importlib.import_module(f"{__name__}.extension").load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take back all that loading added: ``%unload_ext``."""
    importlib.import_module(f"{__name__}.extension").unload(shell)
