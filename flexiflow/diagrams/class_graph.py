"""Draw machines of State classes: from packs, from source, from what was observed."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, final

from ..graph import FlowEdge, FlowGraph, FlowNode
from ._infer import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..graph import EdgeOrigin, NodeKind
    from ..statepack import TransitionSpec
    from ._states import StateSource

__all__ = ["ClassGraph"]


@final
class ClassGraph:
    """Collect the states and transitions of a machine over classes.

    Parameters
    ----------
    name : str
        What the graph is called.
    by_name : callable
        Returns the class that a registry has under a name, or None.
    name_of : callable
        Returns the registry name of a class that was found in the source.
    """

    def __init__(
        self,
        name: str,
        *,
        by_name: Callable[[str], StateSource | None],
        name_of: Callable[[StateSource], str],
    ) -> None:
        self._name = name
        self._by_name = by_name
        self._name_of = name_of
        self._nodes: dict[str, FlowNode] = {}
        self._edges: dict[tuple[str, str, str, str | None], FlowEdge] = {}
        self._names: dict[object, str] = {}
        self._waiting: list[tuple[str, StateSource]] = []
        self.unclear: set[str] = set()
        """The states whose source does not tell all that they do."""

    def add_state(
        self,
        key: str,
        source: StateSource | None,
        *,
        group: str | None = None,
        description: str | None = None,
    ) -> None:
        """Add a state; its class, when known, is read by :meth:`infer`."""
        words = description or (source.description if source else None)
        self._nodes.setdefault(key, FlowNode(key, key, group=group, description=words))
        if source is not None and source.identity not in self._names:
            self._names[source.identity] = key
            self._waiting.append((key, source))

    def add_unknown(self, key: str) -> None:
        """Add a state that is named, but is none; nothing when there is one."""
        self._nodes.setdefault(key, FlowNode(key, key, "unknown"))

    def declare(self, transitions: Iterable[TransitionSpec]) -> None:
        """Add the transitions that a pack declares."""
        for spec in transitions:
            self._edge(
                spec.from_state,
                spec.on_message,
                spec.to_state,
                guard=spec.guard,
                description=spec.description,
            )

    def infer(self) -> None:
        """Read the classes added so far, and those that they lead to."""
        while self._waiting:
            key, source = self._waiting.pop(0)
            for message, guard, leads in source.table():
                named = self._names.get(leads.identity) or self._name_of(leads)
                self.add_state(named, leads)
                self._edge(key, message, named, guard=guard)
            if not source.table():
                self._infer(key, source)

    def _infer(self, key: str, source: StateSource) -> None:
        """Read one class."""
        read = source.handler()
        if read is None:
            self.unclear.add(key)
            return
        handler, owner = read
        inference = infer(handler, owner.constants())
        if not inference.is_complete:
            self.unclear.add(key)
        for found in inference.transitions:
            target = self._target(key, owner, found.target)
            if target is None:
                self.unclear.add(key)
                continue
            self._edge(
                key,
                found.message,
                target,
                guard=found.guard,
                origin="inferred",
                internal=_is_self(found.target),
            )

    def observe(self, seen: Iterable[tuple[str, str, str]]) -> None:
        """Add transitions that were seen: from state, message type, to state."""
        known = {(e.source, e.message, e.target) for e in self._edges.values()}
        for source, message, target in seen:
            if (source, message, target) not in known:
                known.add((source, message, target))
                self._edge(source, message, target, origin="observed")

    def build(self, initial: str | None, *, known: Sequence[str] = ()) -> FlowGraph:
        """Return the graph.

        Parameters
        ----------
        initial : str or None
            The state in which the machine starts.
        known : sequence of str
            Names that exist although they were not added; they are no unknown states.
        """
        for edge in self._edges.values():
            for end in (edge.source, edge.target):
                if end not in self._nodes:
                    kind: NodeKind = "atomic" if end in known else "unknown"
                    self._nodes[end] = FlowNode(end, end, kind)
        nodes = tuple(
            replace(node, initial=node.path == initial) for node in self._nodes.values()
        )
        edges = tuple(
            replace(edge, index=index)
            for index, edge in enumerate(self._edges.values())
        )
        return FlowGraph(self._name, nodes, edges)

    def _target(self, key: str, source: StateSource, target: ast.expr) -> str | None:
        """Return the name of the state that a returned expression means."""
        if _is_self(target):
            return key
        named = _created_name(target)
        found = self._by_name(named) if named else None
        if named is None:
            called = target.func if isinstance(target, ast.Call) else target
            found = source.find(called)
            if found is None:
                return None
            named = self._names.get(found.identity) or self._name_of(found)
        if found is not None:
            self.add_state(named, found)
        return named

    def _edge(
        self,
        source: str,
        message: str,
        target: str,
        *,
        guard: str | None = None,
        origin: EdgeOrigin = "declared",
        internal: bool = False,
        description: str | None = None,
    ) -> None:
        """Add an edge; one that a pack declares is not inferred once more."""
        if origin == "inferred" and any(
            (edge.source, edge.message, edge.target, edge.origin)
            == (source, message, target, "declared")
            for edge in self._edges.values()
        ):
            return
        self._edges.setdefault(
            (source, message, target, guard),
            FlowEdge(
                source,
                target,
                message,
                guard=guard,
                internal=internal,
                origin=origin,
                description=description,
            ),
        )


def _is_self(target: ast.expr) -> bool:
    """Tell whether the state stays."""
    return isinstance(target, ast.Name) and target.id == "self"


def _created_name(target: ast.expr) -> str | None:
    """Return the name in ``registry.create("Name")``."""
    if (
        isinstance(target, ast.Call)
        and isinstance(target.func, ast.Attribute)
        and target.func.attr == "create"
        and ast.unparse(target.func.value).lower().endswith("registry")
        and len(target.args) == 1
        and isinstance(target.args[0], ast.Constant)
        and isinstance(target.args[0].value, str)
    ):
        return target.args[0].value
    return None
