"""Make a chart of a graph, so that machines over State classes can be exported."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from ..statechart import machine

if TYPE_CHECKING:
    from flexiflow.graph import FlowGraph

    from ..statechart import Chart

__all__ = ["chart_of_graph"]


def chart_of_graph(graph: FlowGraph, *, start: str | None = None) -> Chart:
    """Return a chart with the states and transitions of a graph.

    Parameters
    ----------
    graph : FlowGraph
        A graph without states in states, as State classes have.
    start : str, optional
        Where a machine starts when the graph does not say it.

    Returns
    -------
    Chart
        What a class tests is no guard that a chart could run: it stands in the
        transition's description, as do transitions that were inferred or observed.
    """
    names = _names(graph)
    states: dict[str, dict[str, Any]] = {name: {} for name in names.values()}
    for edge in graph.edges:
        if edge.source not in names or edge.target not in names:
            continue
        on = states[names[edge.source]].setdefault("on", {})
        on.setdefault(edge.message or "*", []).append(
            {
                "to": names[edge.target],
                "description": edge.guard and f"when {edge.guard}",
                "tags": None if edge.origin == "declared" else [edge.origin],
            }
        )
    for state in states.values():
        for moves in state.get("on", {}).values():
            for move in moves:
                for key in ("description", "tags"):
                    if not move[key]:
                        del move[key]
    first = next((node.path for node in graph.nodes if node.initial), start)
    for node in graph.nodes:
        if node.description is not None:
            states[names[node.path]]["description"] = node.description
    return machine(
        graph.name or "machine",
        initial=names.get(first or ""),
        states={name: body or None for name, body in states.items()},
    )


def _names(graph: FlowGraph) -> dict[str, str]:
    """Return names that a chart's states may have, by path."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        text = unicodedata.normalize("NFC", node.label)
        kept = [c if c.isalnum() or c in "_ -" else "_" for c in text]
        plain = "".join(kept)
        if not plain or not (plain[0].isalpha() or plain[0] == "_"):
            plain = f"_{plain}"
        unique, number = plain, 1
        while unique in found.values():
            number += 1
            unique = f"{plain}_{number}"
        found[node.path] = unique
    return found
