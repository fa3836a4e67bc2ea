"""Compile a chart into tables: nodes, edges, configurations and fast moves.

A chart is compiled once and the result kept with it. Configurations (sets of active
leaf states) are made when they are first met and interned; each holds a row that maps
a message type to what can be done at once, without user code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ._frozen import freeze
from ._moves import Plan, entry_order, exit_order, is_done, without_conflicts
from ._references import compile_value
from ._tables import Edge, Node, Op, done_name, timer_name
from .actions import pure_puts
from .guards import is_pure
from .model import (
    Chart,
    is_pattern,
)
from .ports import PROVIDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .actions import Put
    from .guards import GuardTest

__all__ = [
    "BUILD",
    "MOST_CONFIGURATIONS",
    "SLOW",
    "Configuration",
    "Edge",
    "Move",
    "Node",
    "Op",
    "Program",
    "compile_chart",
    "timer_name",
]

MOST_CONFIGURATIONS = 10_000
"""Configurations kept by one program; beyond that they are made anew."""

# Any in this module: JSON data of the user's.


class _NotReady:
    """Stands for the script of a move that was not made yet."""

    functions = None


_NOT_READY: Final = _NotReady()
"""What a move has at first."""


@final
class Move:
    """What a message does: a guard, what is done in order, and a configuration.

    Parameters
    ----------
    is_fast : bool
        Whether guard and actions need the message and the context alone.
    """

    __slots__ = (
        "changes",
        "guard",
        "is_fast",
        "is_pure",
        "next",
        "puts",
        "ready",
        "source",
        "steps",
        "taken",
        "target",
    )

    def __init__(self, *, is_fast: bool) -> None:
        self.is_fast = is_fast
        self.guard: GuardTest | None = None
        self.is_pure = True
        """Whether the guard needs the message and the context alone."""
        self.source = ""
        """Where the guard stands."""
        self.puts: tuple[Put, ...] = ()
        """What a fast one does to the context, in order."""
        self.steps: tuple[tuple[Op, str], ...] | None = None
        """What is done in order, each action with the path of its state; None when a
        failure of theirs may be taken by the chart."""
        self.ready: Any = _NOT_READY
        """The same as a script, which is a layer above; hence Any."""
        self.target: Configuration | None = None
        self.changes = True
        """Whether states are left or entered."""
        self.next: Move | None = None
        self.taken: tuple[int, ...] = ()


SLOW: Final = Move(is_fast=False)
"""What needs the full path."""
BUILD: Final = Move(is_fast=False)
"""What was not yet looked at."""


@final
class Configuration:
    """A set of active states: what ``current_state`` of a chart's machine is."""

    __slots__ = (
        "_takers",
        "active",
        "has_always",
        "is_ended",
        "is_waiting",
        "leaves",
        "name",
        "nodes",
        "otherwise",
        "plans",
        "program",
        "row",
    )

    name: str
    """The paths of the active leaf states, joined by commas."""
    leaves: tuple[str, ...]
    """The paths of the active leaf states, in document order."""
    nodes: tuple[Node, ...]
    """The active leaf states."""
    active: frozenset[Node]
    """All active states, the root included."""
    row: dict[str, Move | None]
    """What a message does, by type; None when nobody takes it."""
    otherwise: Move | None
    """What a message of any other type does."""

    is_ended: bool
    """Whether the machine has come to its end: it takes no more messages."""
    has_always: bool
    """Whether there are eventless transitions that may be taken."""
    is_waiting: bool
    """Whether the states were not entered yet: every message takes the full path."""

    def __init__(
        self, program: Program, nodes: tuple[Node, ...], *, is_waiting: bool = False
    ) -> None:
        self.program = program
        self.nodes = nodes
        self.is_waiting = is_waiting
        self.leaves = tuple(node.path for node in nodes)
        self.name = ",".join(self.leaves)
        if len(nodes) == 1:
            self.active = frozenset((nodes[0], *nodes[0].ancestors))
        else:
            self.active = frozenset(
                item for node in nodes for item in (node, *node.ancestors)
            )
        self.row = {}
        self.plans: dict[tuple[Edge, ...], Plan] = {}
        self._takers: dict[str, list[list[Edge]]] = {}
        is_ended = bool(nodes) and nodes[0].kind == "final"
        self.is_ended = is_ended and is_done(program.root, self.active)
        self.has_always = not self.is_ended and any(node.always for node in self.active)
        self.otherwise = SLOW if is_waiting else None
        for node in () if is_waiting or self.is_ended else self.active:
            for message in node.exact:
                self.row[message] = BUILD
            if node.patterns:
                self.otherwise = SLOW

    def __repr__(self) -> str:
        """Return the name, as an f-string shows it too."""
        return self.name

    def takers(self, message: str) -> list[list[Edge]]:
        """Return for each leaf the edges that cover a message type; kept when any."""
        known = self._takers.get(message)
        if known is None:
            known = self.chains(lambda node: node.taking(message))
            if any(known) and message in self.row:  # not what patterns let through
                self._takers[message] = known
        return known

    def chains(self, find: Callable[[Node], Sequence[Edge]]) -> list[list[Edge]]:
        """Return for each leaf the edges that ``find`` gives, inner before outer."""
        return [
            [edge for item in (node, *node.ancestors) for edge in find(item)]
            for node in self.nodes
        ]

    def build(self, message: str) -> Move | None:
        """Work out what a message does at once, and keep it for the next time."""
        move = self._work_out(message)
        self.row[message] = move
        return move

    def _work_out(self, message: str) -> Move | None:
        chains = [chain for chain in self.takers(message) if chain]
        if not chains:
            return None
        program = self.program
        if len(chains) == 1:
            return self._in_turn(chains[0])
        if any(edge.guard for chain in chains for edge in chain):
            return SLOW
        firsts = list(dict.fromkeys(chain[0] for chain in chains))
        taken = without_conflicts(program, firsts, self.active, {})
        return program.plan(self, taken) or SLOW

    def _in_turn(self, chain: Sequence[Edge]) -> Move | None:
        """Return the moves of edges that are tried one after the other.

        A guard that is a function is asked once: it begins no chain that may end in a
        whole step, which would ask again.
        """
        following: Move | None = None
        is_played = True
        for edge in reversed(chain):
            move = self.program.plan(self, [edge])
            if move is None or not (is_played or move.is_pure):
                following, is_played = SLOW, False
                continue
            is_played = is_played and move.steps is not None
            move.next = following
            following = move
        return following


@final
class Program:
    """A compiled chart."""

    __slots__ = (
        "_configurations",
        "_starts_in_history",
        "by_path",
        "chart",
        "context",
        "edges",
        "first",
        "has_errors",
        "has_history",
        "has_provided",
        "is_scxml",
        "nodes",
        "root",
    )

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.is_scxml = chart.dialect == "scxml"
        self.context: Mapping[str, Any] = freeze(dict(chart.context), "context")
        self.by_path: dict[str, Node] = {}
        self.edges: list[Edge] = []
        # What starting comes to, when it was worked out; Any: step.py is a layer above.
        self.first: Any = None
        self._configurations: dict[tuple[Node, ...], Configuration] = {}
        self.root = Node(chart.root, 0, None)
        self.nodes: list[Node] = [self.root]
        self.by_path[""] = self.root
        for model in chart.states:
            parent = self.by_path[model.parent or ""]
            node = Node(model, len(self.nodes), parent)
            self.nodes.append(node)
            self.by_path[model.path] = node
            if node.kind == "history":
                parent.histories.append(node)
            else:
                parent.children.append(node)
            for ancestor in node.ancestors:
                ancestor.last = node.order
        self.has_history = any(node.kind == "history" for node in self.nodes)
        self.has_provided = any(
            one.kind in PROVIDED for node in self.nodes for one in node.model.run
        )
        for node in self.nodes:
            self._connect(node)
        self.edges.sort(key=lambda edge: edge.index)
        self.has_errors = any(node.errors for node in self.nodes)
        self._starts_in_history = any(
            one.kind == "history" for node in self.nodes for one in node.initial
        )

    def recalls(self, edges: Iterable[Edge]) -> bool:
        """Return whether what transitions enter may depend on what is remembered."""
        return self._starts_in_history or any(edge.to_history for edge in edges)

    def _connect(self, node: Node) -> None:
        node.initial = tuple(self.by_path[path] for path in node.model.initial)
        for model in node.model.transitions:
            targets = tuple(self.by_path[path] for path in model.targets)
            edge = Edge(model, node, targets)
            self.edges.append(edge)
            node.edges.append(edge)
            if model.trigger == "message":
                if self.is_scxml:
                    edge.tokens = _tokens(model.message)
                if self.is_scxml or is_pattern(model.message):
                    node.patterns.append(edge)
                else:
                    node.exact.setdefault(model.message, []).append(edge)
            elif model.trigger == "always":
                node.always.append(edge)
            elif model.trigger == "error":
                node.errors.append(edge)
            elif model.trigger == "after":
                name = timer_name(model)
                node.timers.setdefault(name, compile_value(model.delay))
                node.named.setdefault(name, []).append(edge)
            else:
                node.named.setdefault(done_name(node), []).append(edge)

    def configuration(self, nodes: Iterable[Node]) -> Configuration:
        """Return the interned configuration of active leaf states."""
        key = tuple(nodes)
        known = self._configurations.get(key)
        if known is None:
            known = Configuration(self, key)
            if len(self._configurations) < MOST_CONFIGURATIONS:
                self._configurations[key] = known
        return known

    def at(self, leaves: Sequence[str]) -> Configuration | None:
        """Return the configuration of leaf paths, or None when it is not legal."""
        nodes = [self.by_path.get(path) for path in leaves]
        found = sorted(
            {node for node in nodes if node is not None and node.is_leaf},
            key=lambda node: node.order,
        )
        if len(found) != len(leaves) or not found:
            return None
        return self.configuration(found) if self._is_legal(set(found)) else None

    def _is_legal(self, leaves: set[Node]) -> bool:
        """Return whether each compound state has one active child, and so on."""
        active = leaves | {item for node in leaves for item in node.ancestors}
        for node in active:
            inside = sum(child in active for child in node.children)
            if node.kind == "compound" and inside != 1:
                return False
            if node.kind == "parallel" and inside != len(node.children):
                return False
        return True

    # --- moves ------------------------------------------------------------------------

    def plan(self, here: Configuration, edges: Sequence[Edge]) -> Move | None:
        """Return edges taken together as one move, or None when they need more.

        That is what neither meets nor begins anything beyond its own actions: history,
        services, timers, eventless transitions, internal messages, ``error`` around it.
        It is fast when it moves with pure guards and updates alone.
        """
        if self.is_scxml or any(edge.to_history for edge in edges):
            return None
        left = exit_order(self, edges, here.active, {})
        entered, _ = entry_order(self, edges, {})
        if not all(map(_is_simple, (*left, *entered))):
            return None
        gone = set(left)
        leaves = [node for node in here.nodes if node not in gone]
        leaves += [node for node in entered if node.is_leaf]
        target = self.configuration(sorted(leaves, key=lambda node: node.order))
        if target.has_always or any(map(_tells, entered)):
            return None
        steps = [(op, node.path) for node in left for op in node.exit]
        steps += [(op, edge.source.path) for edge in edges for op in edge.ops]
        steps += [(op, node.path) for node in entered for op in node.entry]
        puts = pure_puts(op.action for op, _ in steps)
        move = Move(is_fast=puts is not None and _is_plain(edges))
        around = (*left, *entered, *(edge.source for edge in edges))
        if not any(map(_has_error, around)) and all(op.is_simple for op, _ in steps):
            move.steps = tuple(steps)
        elif not move.is_fast:
            return None
        if len(edges) == 1:
            move.guard = edges[0].guard
            move.is_pure = is_pure(edges[0].model.guard)
            move.source = edges[0].source.path
        move.puts = puts or ()
        move.target = target
        move.changes = bool(left or entered)
        move.taken = tuple(edge.index for edge in edges)
        return move


def _tells(node: Node) -> bool:
    """Return whether entering a state makes an event that somebody may take."""
    parent = node.parent
    if node.kind != "final" or parent is None:
        return False
    return bool(parent.parent is not None or parent.named or node.output)


def _is_plain(edges: Iterable[Edge]) -> bool:
    """Return whether transitions lead to states, and ask plain questions."""
    return all(edge.targets and is_pure(edge.model.guard) for edge in edges)


def _has_error(node: Node) -> bool:
    """Return whether somebody waits for the failure of a state's actions."""
    return any(item.errors for item in (node, *node.ancestors))


def _is_simple(node: Node) -> bool:
    """Return whether a state can be left and entered without the full path."""
    if node.histories:
        return False
    return not (node.initial_ops or node.services or node.timers)


def _tokens(events: str) -> tuple[str, ...]:
    """Return the event descriptors of an SCXML transition."""
    return tuple(one.removesuffix(".*").rstrip(".") for one in events.split())


def compile_chart(chart: Chart) -> Program:
    """Return the program of a chart; it is made once and kept with the chart.

    Parameters
    ----------
    chart : Chart
        Any chart, from whatever it was read.
    """
    known = chart._cache.get("program")  # noqa: SLF001 - the chart keeps it for us
    if known is None:
        known = chart._cache["program"] = Program(chart)  # noqa: SLF001 - as above
    program: Program = known
    return program
