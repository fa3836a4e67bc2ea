"""Components with state machines, talking over an async event bus.

The names below are loaded when they are first used: ``import flexiflow`` costs little
more than ``asyncio`` itself and reads no YAML library before a config is read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .diagnostics import ChartError, Diagnostic
    from .errors import (
        ComponentError,
        ConfigError,
        FlexiFlowError,
        ImportError_,
        PersistenceError,
        StateError,
        UntilTimeout,
    )

__version__ = "2.0.0.dev0"

__all__ = [
    "ChartError",
    "ComponentError",
    "ConfigError",
    "Diagnostic",
    "FlexiFlowError",
    "ImportError_",
    "PersistenceError",
    "StateError",
    "UntilTimeout",
]

_HOMES: Final = {
    "diagnostics": ("ChartError", "Diagnostic"),
    "errors": (
        "ComponentError",
        "ConfigError",
        "FlexiFlowError",
        "ImportError_",
        "PersistenceError",
        "StateError",
        "UntilTimeout",
    ),
}
"""The module below ``flexiflow`` in which each lazy name lives."""

_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its module and keep it here (PEP 562)."""
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(
        importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, beside what the module holds."""
    return sorted({*globals(), *__all__})
