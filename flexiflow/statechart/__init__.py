"""Read, run and question statecharts: the declarative language of FlexiFlow."""

from __future__ import annotations

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
from .scxml import from_scxml
from .simulation import CallRecord, Simulation, TraceStep
from .snapshot import Snapshot

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
]
