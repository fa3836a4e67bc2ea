"""Draw what a new definition of a running machine has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from flexiflow.graph import FlowGraph
from flexiflow.visualize import flow_graph

from ..layers import ChangesInfo
from .picture import draw

if TYPE_CHECKING:
    from flexiflow.graph import FlowNode
    from flexiflow.statechart import Chart, ChartDiff, Transition

__all__ = ["changes_between"]

_MOST_LINES: Final = 12
"""Differences that are listed; the rest is counted."""

_Mark = Literal["added", "removed", "changed"]


def changes_between(
    old: Chart, new: Chart, *, number: int, text: str, kept: bool
) -> ChangesInfo | None:
    """Return what differs between two charts, with one picture of both.

    Parameters
    ----------
    old, new : Chart
        The chart that was run, and the one that is.
    number : int
        Which definition it is, for the page to tell one from another.
    text : str
        What became of the running state.
    kept : bool
        Whether it goes on.

    Returns
    -------
    ChangesInfo or None
        None when nothing differs that is drawn or listed. What both charts have is
        drawn under the same ids as in a picture of the new one alone.
    """
    differences = old.diff(new)
    if not differences:
        return None
    before, after = flow_graph(old), flow_graph(new)
    gone = _gone(before, after)
    lost = {_key(item) for item in differences.removed_transitions}
    came = {_key(item) for item in differences.added_transitions}
    dropped = {
        item.index for item in differences.removed_transitions if _key(item) not in came
    }
    fresh = {item.index: _key(item) in lost for item in differences.added_transitions}
    removed = [edge for edge in before.edges if edge.index in dropped]
    both = FlowGraph(
        new.name, (*after.nodes, *gone), (*after.edges, *removed), after.parallel
    )
    picture = draw(both)
    edges: dict[str, _Mark] = {
        f"e{position}": "changed" if fresh[edge.index] else "added"
        for position, edge in enumerate(after.edges)
        if edge.index in fresh
    }
    for position in range(len(after.edges), len(both.edges)):
        edges[f"e{position}"] = "removed"
    return ChangesInfo(
        number=number,
        dot=picture.dot,
        graph=picture.graph,
        states=_marks(differences),
        edges=edges,
        lines=_lines(differences),
        text=text,
        kept=kept,
    )


def _gone(before: FlowGraph, after: FlowGraph) -> list[FlowNode]:
    """Return the states that there are no more; none of them is where it begins."""
    known = {node.path for node in after.nodes}
    return [
        replace(node, initial=False) for node in before.nodes if node.path not in known
    ]


# Any: what makes two transitions the same one, but for their conditions and actions.
def _key(item: Transition) -> Any:
    return item.source, item.trigger, item.message, item.targets


def _marks(differences: ChartDiff) -> dict[str, _Mark]:
    """Return how each state that differs is marked."""
    marks: dict[str, _Mark] = dict.fromkeys(differences.changed, "changed")
    marks.pop("", None)
    marks |= dict.fromkeys(differences.added, "added")
    marks |= dict.fromkeys(differences.removed, "removed")
    return marks


def _lines(differences: ChartDiff) -> list[str]:
    """Return the differences in words, the first of them."""
    lines = str(differences).splitlines()
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"{more} more"]
