"""Durable workflows: async Python functions whose finished steps survive a crash.

The names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from ._service import offer as _offer

if TYPE_CHECKING:
    from ._use_dask import use_dask
    from .client import connect
    from .context import (
        ExecutionContext,
        ExecutionEvent,
        ExecutionEventType,
        ExecutionState,
        ResourceRequest,
    )
    from .decorators import Task, TaskMetadata, Workflow, task, workflow
    from .handle import Run
    from .runtime import Runtime, get_runtime, set_runtime
    from .tasks import (
        Graph,
        call,
        choice,
        now,
        parallel,
        patched,
        pause,
        pipeline,
        randint,
        randrange,
        sleep,
        uuid4,
    )

__all__ = [
    "ExecutionContext",
    "ExecutionEvent",
    "ExecutionEventType",
    "ExecutionState",
    "Graph",
    "ResourceRequest",
    "Run",
    "Runtime",
    "Task",
    "TaskMetadata",
    "Workflow",
    "call",
    "choice",
    "connect",
    "get_runtime",
    "now",
    "parallel",
    "patched",
    "pause",
    "pipeline",
    "randint",
    "randrange",
    "set_runtime",
    "sleep",
    "task",
    "use_dask",
    "uuid4",
    "workflow",
]

_HOMES: Final = {
    "client": ("connect",),
    "_use_dask": ("use_dask",),
    "context": (
        "ExecutionContext",
        "ExecutionEvent",
        "ExecutionEventType",
        "ExecutionState",
        "ResourceRequest",
    ),
    "decorators": ("Task", "TaskMetadata", "Workflow", "task", "workflow"),
    "handle": ("Run",),
    "runtime": ("Runtime", "get_runtime", "set_runtime"),
    "tasks": (
        "Graph",
        "call",
        "choice",
        "now",
        "parallel",
        "patched",
        "pause",
        "pipeline",
        "randint",
        "randrange",
        "sleep",
        "uuid4",
    ),
}
"""The module of this package in which each name lives."""

_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


_offer()


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
