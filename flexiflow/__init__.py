"""Components with state machines, talking over an async event bus.

The names below are loaded when they are first used: ``import flexiflow`` costs little
more than ``asyncio`` itself and reads no YAML library before a config is read.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

# Modules of these names exist as well: the functions have to be here first.
from .explain import ConfigExplanation, explain
from .visualize import visualize

if TYPE_CHECKING:
    from .component import AsyncComponent, MessageResult
    from .config_loader import ComponentConfig, ConfigLoader
    from .diagnostics import ChartError, Diagnostic
    from .engine import FlexiFlowEngine
    from .errors import (
        ActionError,
        ComponentError,
        ComponentNotFoundError,
        ConfigError,
        EngineClosedError,
        FlexiFlowError,
        ImportError_,
        PersistenceError,
        StateError,
        UntilTimeout,
    )
    from .event_manager import AsyncEventManager, EventBus
    from .events import Event
    from .logger import (
        correlation_id,
        get_correlation_id,
        get_logger,
        set_correlation_id,
    )
    from .state_machine import DEFAULT_REGISTRY, State, StateMachine, StateRegistry
    from .statechart import Chart, action, guard, machine, on, service, state
    from .statepack import MappingPack, StatePack, StateSpec, TransitionSpec

__version__ = "2.0.0.dev0"

__all__ = [
    "DEFAULT_REGISTRY",
    "ActionError",
    "AsyncComponent",
    "AsyncEventManager",
    "Chart",
    "ChartError",
    "ComponentConfig",
    "ComponentError",
    "ComponentNotFoundError",
    "ConfigError",
    "ConfigExplanation",
    "ConfigLoader",
    "Diagnostic",
    "EngineClosedError",
    "Event",
    "EventBus",
    "FlexiFlowEngine",
    "FlexiFlowError",
    "ImportError_",
    "MappingPack",
    "MessageResult",
    "PersistenceError",
    "State",
    "StateError",
    "StateMachine",
    "StatePack",
    "StateRegistry",
    "StateSpec",
    "TransitionSpec",
    "UntilTimeout",
    "action",
    "correlation_id",
    "explain",
    "get_correlation_id",
    "get_logger",
    "guard",
    "machine",
    "on",
    "service",
    "set_correlation_id",
    "state",
    "visualize",
]

_HOMES: Final = {
    "component": ("AsyncComponent", "MessageResult"),
    "config_loader": ("ComponentConfig", "ConfigLoader"),
    "diagnostics": ("ChartError", "Diagnostic"),
    "engine": ("FlexiFlowEngine",),
    "errors": (
        "ActionError",
        "ComponentError",
        "ComponentNotFoundError",
        "ConfigError",
        "EngineClosedError",
        "FlexiFlowError",
        "ImportError_",
        "PersistenceError",
        "StateError",
        "UntilTimeout",
    ),
    "event_manager": ("AsyncEventManager", "EventBus"),
    "events": ("Event",),
    "logger": (
        "correlation_id",
        "get_correlation_id",
        "get_logger",
        "set_correlation_id",
    ),
    "state_machine": ("DEFAULT_REGISTRY", "State", "StateMachine", "StateRegistry"),
    "statechart": ("Chart", "action", "guard", "machine", "on", "service", "state"),
    "statepack": ("MappingPack", "StatePack", "StateSpec", "TransitionSpec"),
}
"""The module below ``flexiflow`` in which each lazy name lives."""

_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


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
