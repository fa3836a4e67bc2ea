"""Describe a machine once, so that many renderers can draw it: the neutral graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

__all__ = [
    "EdgeOrigin",
    "EdgeTrigger",
    "FlowEdge",
    "FlowGraph",
    "FlowNode",
    "NodeKind",
]

NodeKind = Literal["atomic", "compound", "parallel", "final", "history", "unknown"]
EdgeOrigin = Literal["declared", "inferred", "observed"]
EdgeTrigger = Literal["message", "always", "after", "done", "error"]


@final
@dataclass(frozen=True, slots=True)
class FlowNode:
    """A state as it is drawn."""

    path: str
    """The dotted path; unique in the graph."""
    label: str
    """The name as the user wrote it."""
    kind: NodeKind = "atomic"
    """What sort of state it is; ``"unknown"`` is named by an edge only."""
    parent: str | None = None
    """The path of the state it stands in, or None at the top."""
    group: str | None = None
    """The pack that provides it, when one does."""
    initial: bool = False
    """Whether its parent (or the machine) starts here."""
    description: str | None = None
    """The user's words about it."""
    deep: bool = False
    """Whether a history state remembers the states within states as well."""
    notes: tuple[str, ...] = ()
    """What it does by itself, in words: ``entry / set n``, ``run charge_card``."""


@final
@dataclass(frozen=True, slots=True)
class FlowEdge:
    """A transition as it is drawn."""

    source: str
    """The path of the state it leaves."""
    target: str
    """The path of the state it leads to; the source itself for an action in place."""
    message: str
    """The message type or trigger, as shown on the edge."""
    guard: str | None = None
    """The condition in words, without brackets."""
    internal: bool = False
    """True when no state is left: the edge acts in place."""
    origin: EdgeOrigin = "declared"
    """Where the knowledge of it comes from."""
    index: int = 0
    """Its position among the transitions of the chart, in document order."""
    description: str | None = None
    """The user's words about it."""
    trigger: EdgeTrigger = "message"
    """What it waits for: a message, or something that comes by itself."""
    actions: tuple[str, ...] = ()
    """What is done on the way, in words: ``set n``, ``notify``."""


@final
@dataclass(frozen=True, slots=True)
class FlowGraph:
    """States and transitions in document order."""

    name: str
    """What the graph is called: the component's or the chart's name."""
    nodes: tuple[FlowNode, ...]
    """Parents before their children."""
    edges: tuple[FlowEdge, ...]
    """In document order; several edges may join the same two nodes."""
    parallel: bool = False
    """Whether the states at the top are regions, all active at once."""
