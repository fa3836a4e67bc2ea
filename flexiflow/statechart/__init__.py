"""Read, run and question statecharts: the declarative language of FlexiFlow.

The names below are loaded when they are first used: a component runs a chart without
the reader of YAML, the sandbox and the reader of SCXML.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ._graph import chart_graph
    from ._paths import Coverage, Path, coverage, paths
    from ._questions import chart_fields
    from ._schema import read_schema
    from ._yaml import Node, YamlDocument, load_yaml
    from .builder import machine, on, state
    from .diff import ChartDiff
    from .functions import (
        Functions,
        FunctionUse,
        UnresolvedFunctionError,
        action,
        functions_used,
        guard,
        service,
    )
    from .language import is_chart, load_chart, read_chart
    from .model import Chart, StateNode, Transition
    from .ports import (
        CancelMessage,
        Candidate,
        Effect,
        Emit,
        Field,
        Host,
        Log,
        Outcome,
        Redefinition,
        SendMessage,
        StartService,
        StartTimer,
        Stop,
        WhyNot,
    )
    from .scenarios import ScenarioResult, run_scenario, run_scenarios
    from .scxml import from_scxml, to_scxml
    from .simulation import CallRecord, Simulation, TraceStep
    from .snapshot import Snapshot
    from .xstate import from_xstate, to_xstate

__all__ = [
    "CallRecord",
    "CancelMessage",
    "Candidate",
    "Chart",
    "ChartDiff",
    "Coverage",
    "Effect",
    "Emit",
    "Field",
    "FunctionUse",
    "Functions",
    "Host",
    "Log",
    "Node",
    "Outcome",
    "Path",
    "Redefinition",
    "ScenarioResult",
    "SendMessage",
    "Simulation",
    "Snapshot",
    "StartService",
    "StartTimer",
    "StateNode",
    "Stop",
    "TraceStep",
    "Transition",
    "UnresolvedFunctionError",
    "WhyNot",
    "YamlDocument",
    "action",
    "chart_fields",
    "chart_graph",
    "coverage",
    "from_scxml",
    "from_xstate",
    "functions_used",
    "guard",
    "is_chart",
    "load_chart",
    "load_yaml",
    "machine",
    "on",
    "paths",
    "read_chart",
    "read_schema",
    "run_scenario",
    "run_scenarios",
    "service",
    "state",
    "to_scxml",
    "to_xstate",
]

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "_graph": ("chart_graph",),
    "_paths": (
        "Coverage",
        "Path",
        "coverage",
        "paths",
    ),
    "_questions": ("chart_fields",),
    "_schema": ("read_schema",),
    "_yaml": (
        "Node",
        "YamlDocument",
        "load_yaml",
    ),
    "builder": (
        "machine",
        "on",
        "state",
    ),
    "diff": ("ChartDiff",),
    "functions": (
        "FunctionUse",
        "Functions",
        "UnresolvedFunctionError",
        "action",
        "functions_used",
        "guard",
        "service",
    ),
    "language": (
        "is_chart",
        "load_chart",
        "read_chart",
    ),
    "model": (
        "Chart",
        "StateNode",
        "Transition",
    ),
    "ports": (
        "CancelMessage",
        "Candidate",
        "Effect",
        "Emit",
        "Field",
        "Host",
        "Log",
        "Outcome",
        "Redefinition",
        "SendMessage",
        "StartService",
        "StartTimer",
        "Stop",
        "WhyNot",
    ),
    "scenarios": (
        "ScenarioResult",
        "run_scenario",
        "run_scenarios",
    ),
    "scxml": (
        "from_scxml",
        "to_scxml",
    ),
    "simulation": (
        "CallRecord",
        "Simulation",
        "TraceStep",
    ),
    "snapshot": ("Snapshot",),
    "xstate": (
        "from_xstate",
        "to_xstate",
    ),
}
"""The module of this package in which each name lives."""

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
