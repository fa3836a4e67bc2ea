"""Find what a graph of states will never do: unreachable states, dead ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..diagnostics import Diagnostic
from ..errors import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from ..diagnostics import Place
    from ..graph import FlowGraph, FlowNode

__all__ = ["find_dead_ends", "find_traps", "find_unknown_targets", "find_unreachable"]

_NO_PLACE: Callable[[str], None] = lambda _path: None  # noqa: E731 - a default


def find_unreachable(
    graph: FlowGraph, place_of: Callable[[str], Place | None] = _NO_PLACE
) -> list[Diagnostic]:
    """Find states that no sequence of messages enters.

    Parameters
    ----------
    graph : FlowGraph
        All states and transitions; at least one top-level state is initial, else
        nothing is reported.
    place_of : callable, optional
        Returns where the state of a path is written.

    Returns
    -------
    list of Diagnostic
        A warning for each outermost unreachable state, in the order of the graph.
    """
    shape = _Shape(graph)
    starts = [node.path for node in shape.inside(None) if node.initial]
    if not starts:
        return []
    entered = shape.reachable(starts)
    return [
        Diagnostic(
            "warning",
            f"State '{node.label}' cannot be reached.",
            why="No transition from the initial state leads to it, directly or not.",
            fix="Add a transition that leads to it, or remove the state.",
            context={"state": node.path},
            place=place_of(node.path),
            code="flexiflow.chart.unreachable",
        )
        for node in graph.nodes
        if node.path not in entered
        and node.kind not in {"unknown", "history"}
        and (node.parent is None or node.parent in entered)
    ]


def find_dead_ends(
    graph: FlowGraph,
    place_of: Callable[[str], Place | None] = _NO_PLACE,
    *,
    unclear: Collection[str] = (),
    fix: str = "Add a transition out of it, or mark it with final: true.",
) -> list[Diagnostic]:
    """Find states that are entered and never left, though they are not final.

    Parameters
    ----------
    graph : FlowGraph
        All states and transitions.
    place_of : callable, optional
        Returns where the state of a path is written.
    unclear : collection of str, default ()
        States that may have transitions of which nothing is known.
    fix : str
        What to do about it.

    Returns
    -------
    list of Diagnostic
        A warning for each leaf from which, and from the states around which, no
        transition leads anywhere else, in the order of the graph.
    """
    shape = _Shape(graph)
    return [
        Diagnostic(
            "warning",
            f"State '{node.label}' is a dead end.",
            why="It is not final, and no transition leads out of it.",
            fix=fix,
            context={"state": node.path},
            place=place_of(node.path),
            code="flexiflow.chart.dead_end",
        )
        for node in graph.nodes
        if node.kind == "atomic"
        and node.path not in unclear
        and not shape.inside(node.path)
        and not any(shape.leads_away(path) for path in shape.around(node.path))
    ]


def find_traps(
    graph: FlowGraph,
    place_of: Callable[[str], Place | None] = _NO_PLACE,
    *,
    unclear: Collection[str] = (),
) -> list[Diagnostic]:
    """Find states from which the end of the whole can no longer be reached.

    Parameters
    ----------
    graph : FlowGraph
        All states and transitions; nothing is reported when no final state at the top
        can be reached, or when not all transitions are known.
    place_of : callable, optional
        Returns where the state of a path is written.
    unclear : collection of str, default ()
        States that may have transitions of which nothing is known.

    Returns
    -------
    list of Diagnostic
        A warning for the first state of each group that leads to itself alone. Dead
        ends are no such group.
    """
    shape = _Shape(graph)
    starts = [node.path for node in shape.inside(None) if node.initial]
    ends = {one.path for one in shape.inside(None) if one.kind == "final"}
    entered = shape.reachable(starts)
    if unclear or not ends & entered:
        return []
    found: list[Diagnostic] = []
    told: set[str] = set()
    for node in graph.nodes:
        if node.kind != "atomic" or node.path not in entered or node.path in told:
            continue
        if not any(shape.leads_away(path) for path in shape.around(node.path)):
            continue
        onward = shape.onward(node.path)
        if ends & onward:
            continue
        told |= onward
        found.append(
            Diagnostic(
                "warning",
                f"No way leads from state '{node.label}' to an end.",
                why=f"{', '.join(sorted(ends))} cannot be reached from there: "
                "the transitions lead round in a circle.",
                fix="Add a transition that leads out of the circle.",
                context={"state": node.path},
                place=place_of(node.path),
                code="flexiflow.chart.trap",
            )
        )
    return found


def find_unknown_targets(
    graph: FlowGraph, place_of: Callable[[str], Place | None] = _NO_PLACE
) -> list[Diagnostic]:
    """Find classes whose source leads to states that do not exist.

    Returns
    -------
    list of Diagnostic
        A warning for each transition that was inferred and ends nowhere.
    """
    unknown = {node.path for node in graph.nodes if node.kind == "unknown"}
    names = [node.path for node in graph.nodes if node.path not in unknown]
    return [
        Diagnostic(
            "warning",
            f"State '{edge.source}' leads to an unknown state: '{edge.target}'",
            why=f"Its class does so on '{edge.message}'; no registry knows that name.",
            fix=f"Use one of: {', '.join(nearest(edge.target, names))}",
            context={"state": edge.source, "target": edge.target},
            place=place_of(edge.source),
            code="flexiflow.state.unknown_target",
        )
        for edge in graph.edges
        if edge.origin == "inferred" and edge.target in unknown
    ]


class _Shape:
    """Look-ups over a graph."""

    def __init__(self, graph: FlowGraph) -> None:
        self._nodes = {node.path: node for node in graph.nodes}
        self._inside: dict[str | None, list[FlowNode]] = {}
        for node in graph.nodes:
            self._inside.setdefault(node.parent, []).append(node)
        self._targets: dict[str, list[str]] = {}
        for edge in graph.edges:
            if not edge.internal:
                self._targets.setdefault(edge.source, []).append(edge.target)

    def inside(self, path: str | None) -> list[FlowNode]:
        """Return the states directly within a state, or at the top."""
        return self._inside.get(path, [])

    def around(self, path: str) -> Iterable[str]:
        """Yield a state and those around it, and the top level itself as ``""``."""
        current: str | None = path
        while current is not None and current in self._nodes:
            yield current
            current = self._nodes[current].parent
        yield ""

    def leads_away(self, path: str) -> bool:
        """Tell whether a transition leads from a state to another one."""
        return any(target != path for target in self._targets.get(path, ()))

    def onward(self, path: str) -> set[str]:
        """Return the states that can be entered from one, directly or not."""
        return self.reachable(
            [to for one in self.around(path) for to in self._targets.get(one, ())]
        )

    def reachable(self, starts: Iterable[str]) -> set[str]:
        """Return the states that are entered when the given ones are."""
        entered: set[str] = set()
        begun: set[str] = set()
        waiting = [(path, True) for path in (*starts, *self._targets.get("", ()))]
        while waiting:
            path, by_default = waiting.pop()
            if path not in self._nodes:
                continue
            if path not in entered:
                entered.add(path)
                waiting += [(target, True) for target in self._targets.get(path, ())]
                parent = self._nodes[path].parent
                if parent is not None:
                    waiting.append((parent, self._nodes[parent].kind == "parallel"))
            if by_default and path not in begun:
                begun.add(path)
                waiting += [(child, True) for child in self._begins_with(path)]
        return entered

    def _begins_with(self, path: str) -> list[str]:
        """Return the states that are entered when one is entered by its own name."""
        node = self._nodes[path]
        within = self.inside(node.parent if node.kind == "history" else path)
        return [
            child.path for child in within if child.initial or node.kind == "parallel"
        ]
