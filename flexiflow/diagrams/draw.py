"""Find the graph of whatever is to be drawn, and the renderer for a format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from .._config.explanation import ConfigExplanation
from ..component import AsyncComponent
from ..config_loader import ComponentConfig
from ..diagnostics import ChartError
from ..explain import explain
from ..graph import FlowGraph
from ..state_machine import StateMachine
from ..statechart import Chart, chart_graph, to_scxml, to_xstate
from .config_graph import (
    component_graph,
    config_graph,
    explanation_graph,
    machine_graph,
)
from .dot import to_dot
from .graph_chart import chart_of_graph
from .image import to_image
from .mermaid import to_mermaid
from .plantuml import to_plantuml
from .state_diagram import to_state_diagram
from .text import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["draw", "draw_as_1_0", "graph_of"]

_RENDERERS: Final[Mapping[str, Callable[[FlowGraph], str]]] = {
    "mermaid-state": to_state_diagram,
    "plantuml": to_plantuml,
    "text": to_text,
}
"""Formats that need the graph alone."""
_EXPORTS: Final[Mapping[str, Callable[[Chart], str]]] = {
    "scxml": to_scxml,
    "xstate": to_xstate,
}
"""Formats that hold the whole chart."""


def graph_of(drawable: object) -> FlowGraph:
    """Return what :func:`flexiflow.visualize.flow_graph` promises."""
    if isinstance(drawable, str | os.PathLike | Mapping):
        drawable = _explained(drawable)
    if isinstance(drawable, FlowGraph):
        return drawable
    if isinstance(drawable, Chart):
        return chart_graph(drawable)
    if isinstance(drawable, ConfigExplanation):
        return explanation_graph(drawable)
    if isinstance(drawable, ComponentConfig):
        return config_graph(drawable)
    if isinstance(drawable, AsyncComponent):
        return component_graph(drawable)
    if isinstance(drawable, StateMachine):
        return machine_graph(drawable, type(drawable).__name__)
    message = f"cannot draw {type(drawable).__name__}: give a config, a component, a "
    raise TypeError(message + "machine or a chart")


def draw(drawable: object, format: str) -> str | bytes:
    """Return what :func:`flexiflow.visualize.visualize` promises."""
    if isinstance(drawable, str | os.PathLike | Mapping):
        drawable = _explained(drawable)
    graph = graph_of(drawable)
    if format == "mermaid":
        return to_mermaid(graph, comments=_comments(drawable))
    if format in _EXPORTS:
        chart = getattr(drawable, "chart", drawable)
        if not isinstance(chart, Chart):
            chart = chart_of_graph(graph, start=_start(drawable))
        return _EXPORTS[format](chart)
    if format in _RENDERERS:
        return _RENDERERS[format](graph)
    source = to_dot(graph)
    if format == "dot":
        return source
    if format == "svg":
        return to_image(source, "svg").decode()
    return to_image(source, "png")


def _start(drawable: object) -> str | None:
    """Return the state in which a machine or a component is, or a config begins."""
    if isinstance(drawable, AsyncComponent):
        return drawable.state
    if isinstance(drawable, StateMachine):
        return drawable.state_name
    if isinstance(drawable, ComponentConfig | ConfigExplanation):
        return drawable.initial_state
    return None


def draw_as_1_0(explanation: ConfigExplanation) -> str:
    """Draw as FlexiFlow 1.0's private function did, with its escape of quotes."""
    graph = explanation_graph(explanation)
    return to_mermaid(graph, comments=_comments(explanation), escape_quote='\\"')


def _explained(config: str | os.PathLike[str] | Mapping[str, object]) -> object:
    """Explain a config, and refuse one of which nothing is known."""
    explanation = explain(config)
    parsed = explanation.resolved.parsed if explanation.resolved else None
    root = parsed.document.root if parsed is not None else None
    known = root is not None and isinstance(root.value, dict)
    if not known or (parsed is not None and parsed.is_chart and parsed.chart is None):
        raise ChartError(explanation.issues)
    return explanation


def _comments(drawable: object) -> Sequence[str]:
    """Return what the head of a Mermaid source says about a config."""
    if not isinstance(drawable, ConfigExplanation) or drawable.chart is not None:
        return ()
    policy = ", ".join(drawable.initial_state_resolution)
    order = ", ".join(drawable.pack_order)
    return [
        *([f"pack_order: {order}"] if order else []),
        f"initial_state_resolution: [{policy}]",
    ]
