"""Draw what a config, a component, a machine or a chart can do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Literal, overload

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from ._config.explanation import ConfigExplanation
    from .component import AsyncComponent
    from .config_loader import ComponentConfig
    from .graph import FlowGraph
    from .state_machine import StateMachine
    from .statechart.model import Chart

    Drawable: TypeAlias = (
        str
        | os.PathLike[str]
        | Mapping[str, Any]  # Any: what a config may hold
        | ConfigExplanation
        | ComponentConfig
        | AsyncComponent
        | StateMachine
        | Chart
        | FlowGraph
    )

__all__ = ["FORMATS", "flow_graph", "visualize"]

FORMATS: Final = (
    "mermaid",
    "mermaid-state",
    "plantuml",
    "dot",
    "svg",
    "png",
    "text",
    "scxml",
    "xstate",
)
"""The formats that :func:`visualize` knows."""


def flow_graph(drawable: Drawable) -> FlowGraph:
    """Return the neutral graph of anything that can be drawn.

    Parameters
    ----------
    drawable : object
        A config (its path, its data, its explanation, or loaded), a component, a
        machine, a chart, or a graph. Configs are examined as by ``explain``: nothing
        is registered.

    Returns
    -------
    FlowGraph
        States and transitions; each transition says whether it was declared, inferred
        from source, or observed.

    Raises
    ------
    ChartError
        If a config is too broken to be drawn; all its problems are listed.
    TypeError
        If it is nothing that can be drawn.
    """
    graph: FlowGraph = _drawing().graph_of(drawable)
    return graph


@overload
def visualize(
    config: Drawable,
    format: Literal[
        "mermaid",
        "mermaid-state",
        "plantuml",
        "dot",
        "svg",
        "text",
        "scxml",
        "xstate",
    ] = ...,
) -> str: ...
@overload
def visualize(config: Drawable, format: Literal["png"]) -> bytes: ...
@overload
def visualize(config: Drawable, format: str) -> str | bytes: ...
def visualize(config: Drawable, format: str = "mermaid") -> str | bytes:
    """Draw a config, a component, a machine or a chart.

    Parameters
    ----------
    config : object
        What to draw; see :func:`flow_graph`.
    format : str, default "mermaid"
        One of :data:`FORMATS`. ``mermaid`` (a flowchart), ``mermaid-state`` (a
        ``stateDiagram-v2``), ``plantuml`` and ``dot`` are sources, ``text`` is for
        terminals. ``svg`` and ``png`` need Graphviz: the program ``dot``, or for
        ``svg`` the extra ``svg``. ``scxml`` and ``xstate`` hold the whole chart, for
        other engines and for ``from_scxml`` and ``from_xstate``; a machine over State
        classes gives a chart without guards.

    Returns
    -------
    str or bytes
        The source or the picture; bytes for ``png`` alone. The same thing gives the
        same text.

    Raises
    ------
    ValueError
        If the format is unknown; the known ones are listed.
    FlexiFlowError
        If a config is too broken to be drawn, or if there is no Graphviz.

    Examples
    --------
    >>> door = {
    ...     "name": "door",
    ...     "states": {"open": {"on": {"shut": "closed"}}, "closed": None},
    ... }
    >>> print(visualize(door, "text"))
    door
    ┏━━━━━━┓
    ┃ open ┃─── shut ─▶ closed
    ┗━━━━━━┛
    ╭────────╮
    │ closed │
    ╰────────╯
    """
    if format not in FORMATS:
        message = f"Unsupported format: {format!r}. Use one of: {', '.join(FORMATS)}."
        raise ValueError(message)
    drawn: str | bytes = _drawing().draw(config, format)
    return drawn


def _drawing() -> Any:  # Any: a module that is loaded late
    """Return the module that does the work.

    The façade imports this module at once; what draws knows configs and reads YAML.
    """
    return importlib.import_module("flexiflow.diagrams.draw")


def __getattr__(name: str) -> object:
    """Give the two private names of 1.0 that its tests use (PEP 562)."""
    homes = {"_generate_mermaid": "draw", "_sanitize_id": "_words"}
    if name not in homes:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    home = importlib.import_module(f"flexiflow.diagrams.{homes[name]}")
    known = {"_generate_mermaid": "draw_as_1_0", "_sanitize_id": "identifier"}
    found: object = getattr(home, known[name])
    return found
