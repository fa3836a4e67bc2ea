"""Work out which transitions are taken, which states are left and which entered.

Source: the algorithm of the W3C SCXML recommendation, appendix D. All functions are
pure; document order is the order of the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, final

from ._tables import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

    from ._tables import Edge, Node, Op

__all__ = [
    "NO_PLAN",
    "Entering",
    "Plan",
    "entry_order",
    "exit_order",
    "is_done",
    "plan_of",
    "recorded",
    "without_conflicts",
]

History = "Mapping[str, tuple[str, ...]]"


class Tree(Protocol):
    """The states of a chart."""

    @property
    def by_path(self) -> Mapping[str, Node]:
        """The states by path."""

    @property
    def root(self) -> Node:
        """The whole."""


def effective_targets(
    program: Tree, edge: Edge, history: Mapping[str, tuple[str, ...]]
) -> list[Node]:
    """Return the states that a transition leads to, histories looked up."""
    found: list[Node] = []
    for target in edge.targets:
        found.extend(_through_history(program, target, history))
    return list(dict.fromkeys(found))


def _through_history(
    program: Tree, node: Node, history: Mapping[str, tuple[str, ...]]
) -> list[Node]:
    if node.kind != "history":
        return [node]
    remembered = history.get(node.path)
    if remembered is not None:
        return [program.by_path[path] for path in remembered]
    found: list[Node] = []
    for target in default_of(node):
        found.extend(_through_history(program, target, history))
    return found


def default_of(node: Node) -> Sequence[Node]:
    """Return where a history state leads when nothing is remembered."""
    parent = node.parent
    if node.initial or parent is None:
        return node.initial
    return parent.initial if parent.kind == "compound" else parent.children


def domain_now(
    program: Tree, edge: Edge, history: Mapping[str, tuple[str, ...]]
) -> Node | None:
    """Return the domain of a transition, as histories are now."""
    if not edge.to_history:
        return edge.domain
    targets = effective_targets(program, edge, history)
    return domain_of(edge.model, edge.source, targets)


def exits(
    program: Tree,
    edge: Edge,
    active: Iterable[Node],
    history: Mapping[str, tuple[str, ...]],
) -> set[Node]:
    """Return the active states that a transition leaves."""
    if not edge.targets:
        return set()
    domain = domain_now(program, edge, history)
    if domain is None:
        return set(active)
    return {node for node in active if domain.contains(node)}


def exit_order(
    program: Tree,
    edges: Sequence[Edge],
    active: Iterable[Node],
    history: Mapping[str, tuple[str, ...]],
) -> list[Node]:
    """Return the states that transitions leave, innermost and last first."""
    left: set[Node] = set()
    for edge in edges:
        left |= exits(program, edge, active, history)
    return sorted(left, key=_order, reverse=True)


def without_conflicts(
    program: Tree,
    edges: Sequence[Edge],
    active: Iterable[Node],
    history: Mapping[str, tuple[str, ...]],
) -> list[Edge]:
    """Return the transitions that can be taken together.

    Of two that leave the same state the inner one stays; else the earlier one.
    """
    if len(edges) == 1:
        return list(edges)
    kept: list[tuple[Edge, set[Node]]] = []
    for edge in edges:
        left = exits(program, edge, active, history)
        beaten: list[Edge] = []
        preempted = False
        for other, others in kept:
            if left & others:
                if other.source.contains(edge.source):
                    beaten.append(other)
                else:
                    preempted = True
                    break
        if not preempted:
            kept = [pair for pair in kept if pair[0] not in beaten]
            kept.append((edge, left))
    return [edge for edge, _ in kept]


def recorded(
    left: Sequence[Node], active: Iterable[Node]
) -> dict[str, tuple[str, ...]]:
    """Return what the histories of the states being left remember from now on."""
    found: dict[str, tuple[str, ...]] = {}
    for node in left:
        for memory in node.histories:
            if memory.model.history == "deep":
                kept = [item for item in active if item.is_leaf and node.contains(item)]
            else:
                kept = [item for item in active if item.parent is node]
            found[memory.path] = tuple(item.path for item in sorted(kept, key=_order))
    return found


@final
@dataclass(slots=True)
class Entering:
    """The states that transitions enter, with what is done on the way."""

    nodes: set[Node] = field(default_factory=set)
    """The states to enter."""
    by_default: set[Node] = field(default_factory=set)
    """Compound states entered by their initial."""
    history_ops: dict[Node, tuple[Op, ...]] = field(default_factory=dict)
    """What a history's default does, by the state around it."""


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """What transitions taken together leave and enter."""

    left: Sequence[Node]
    """Innermost and last first."""
    entered: Sequence[Node] | None
    """Outermost and first first; None while it is not known."""
    how: Entering
    """What is done on the way."""


NO_PLAN: Final = Plan((), (), Entering())
"""Of transitions that act in place."""


def entry_order(
    program: Tree,
    edges: Sequence[Edge],
    history: Mapping[str, tuple[str, ...]],
) -> tuple[list[Node], Entering]:
    """Return the states that transitions enter, outermost and first first."""
    entering = Entering()
    for edge in edges:
        domain = domain_now(program, edge, history)
        for target in edge.targets:
            _descend(program, target, entering, history)
        for target in effective_targets(program, edge, history):
            _climb(program, target, domain, (entering, history))
        if edge.targets and domain is not None and domain.kind == "parallel":
            _fill(program, domain, entering, history)  # all its regions were left
    return sorted(entering.nodes, key=_order), entering


def enter_whole(program: Tree) -> tuple[list[Node], Entering]:
    """Return the states entered when a machine starts."""
    entering = Entering()
    _descend(program, program.root, entering, {})
    return sorted(entering.nodes, key=_order), entering


def _descend(
    program: Tree,
    node: Node,
    entering: Entering,
    history: Mapping[str, tuple[str, ...]],
) -> None:
    """Add a state and what is entered within it by default."""
    if node.kind == "history":
        remembered = history.get(node.path)
        parent = node.parent
        if remembered is not None:
            targets: Sequence[Node] = [program.by_path[path] for path in remembered]
        else:
            targets = default_of(node)
            if parent is not None:
                entering.history_ops[parent] = node.initial_ops
        for target in targets:
            _descend(program, target, entering, history)
        for target in targets:
            _climb(program, target, parent, (entering, history))
        return
    entering.nodes.add(node)
    if node.kind == "compound":
        entering.by_default.add(node)
        for target in node.initial:
            _descend(program, target, entering, history)
        for target in node.initial:
            _climb(program, target, node, (entering, history))
    elif node.kind == "parallel":
        _fill(program, node, entering, history)


def _climb(
    program: Tree,
    node: Node,
    until: Node | None,
    into: tuple[Entering, Mapping[str, tuple[str, ...]]],
) -> None:
    """Add the states between a target and the domain, with their other regions."""
    entering, history = into
    for ancestor in node.ancestors:
        if ancestor is until:
            break
        entering.nodes.add(ancestor)
        if ancestor.kind == "parallel":
            _fill(program, ancestor, entering, history)


def _fill(
    program: Tree,
    node: Node,
    entering: Entering,
    history: Mapping[str, tuple[str, ...]],
) -> None:
    """Add the regions of a parallel state into which nothing leads yet."""
    for child in node.children:
        if not any(item is child or child.contains(item) for item in entering.nodes):
            _descend(program, child, entering, history)


def is_done(node: Node, active: Iterable[Node]) -> bool:
    """Return whether a state has reached its end (``isInFinalState``)."""
    present = active if isinstance(active, set | frozenset) else set(active)
    if node.kind == "compound":
        return any(
            child.kind == "final" and child in present for child in node.children
        )
    if node.kind == "parallel":
        return all(is_done(child, present) for child in node.children)
    return node.kind == "final" and node in present


def _order(node: Node) -> int:
    return node.order


def plan_of(
    program: Tree,
    edges: Sequence[Edge],
    active: Iterable[Node],
    history: Mapping[str, tuple[str, ...]],
    *,
    plans: MutableMapping[tuple[Edge, ...], Plan] | None,
) -> Plan:
    """Return what transitions leave and enter; worked out once where it is fixed.

    Parameters
    ----------
    program : Tree
        The states.
    edges : sequence of Edge
        Transitions taken together, those that act in place left out.
    active : iterable of Node
        The active states.
    plans : mutable mapping, optional
        Those known for these active states; None where history has a say, and what is
        entered is only known once the states are left.
    history : mapping
        What is remembered.
    """
    if not edges:
        return NO_PLAN
    if plans is None:
        return Plan(exit_order(program, edges, active, history), None, Entering())
    key = tuple(edges)
    known = plans.get(key)
    if known is None:
        left = exit_order(program, edges, active, history)
        known = plans[key] = Plan(left, *entry_order(program, edges, history))
    return known
