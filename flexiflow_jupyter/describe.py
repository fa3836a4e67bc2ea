"""Say in plain text what a component or a history holds, for terminals and readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexiflow.errors import FlexiFlowError
from flexiflow.visualize import flow_graph

from .boxes import safe_text
from .event_rows import row_of, short_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flexiflow.component import AsyncComponent
    from flexiflow.events import Event
    from flexiflow.graph import FlowGraph

__all__ = ["accepted_words", "describe_component", "describe_events", "describe_graph"]


def describe_component(component: AsyncComponent) -> str:
    """Return a component's state, its states with their transitions, what it takes."""
    lines = [f"{component.name}: {component.state}"]
    lines += describe_graph(flow_graph(component), set(component.states))
    if component.context:
        lines.append(f"Context: {short_json(component.context, 300)}")
    lines.append(f"Accepted now: {accepted_words(component)}")
    return safe_text("\n".join(lines))


def describe_graph(flow: FlowGraph, active: set[str]) -> list[str]:
    """Return a line for each state, the active ones marked, with what leads where."""
    lines = []
    for node in flow.nodes:
        mark = "●" if node.path in active else "○"
        ways = [
            f"{edge.message}{f' [{edge.guard}]' if edge.guard else ''}"
            f"{'' if edge.internal else f' → {edge.target}'}"
            for edge in flow.edges
            if edge.source == node.path
        ]
        lines.append(f"  {mark} {node.path}  {', '.join(ways)}".rstrip())
    return lines


def accepted_words(component: AsyncComponent) -> str:
    """Return the messages that do something now, or why that cannot be told."""
    try:
        accepted = component.accepted()
    except FlexiFlowError as error:
        return f"unknown ({error.what})"
    if not accepted and component.chart is None:
        return "not known: the states are classes"
    return ", ".join(accepted) or "nothing"


def describe_events(events: Sequence[Event]) -> str:
    """Return the events, one a line, oldest first."""
    if not events:
        return "No events yet."
    rows = [row_of(event) for event in events]
    return "\n".join(
        safe_text(f"{row[0]:>6}  {row[2]}  {row[3]}  {row[5]}").rstrip() for row in rows
    )
