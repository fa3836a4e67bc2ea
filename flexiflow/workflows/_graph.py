"""Run functions along the edges of a graph: independent ones side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from ..errors import nearest
from ._graph_walk import Edge, Walk
from .errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._graph_walk import Action, Condition

__all__ = ["Graph"]


@final
class Graph:
    """A plan of nodes, and edges between them, that is awaited like a function.

    Parameters
    ----------
    name : str
        What it is called in events and errors.

    Notes
    -----
    ``await graph(value)`` gives the value to the nodes it starts with. A node runs
    once, when it is known of each edge that leads to it whether it is taken, with the
    outputs of those that are, in the order in which the edges were added; nodes that do
    not wait for one another run side by side. A node to which no edge was taken does
    not run, and nothing waits for it.

    A graph is a plan: awaiting it does not change it, it may be awaited again, also
    several times at once.

    Examples
    --------
    >>> import asyncio
    >>> graph = (
    ...     Graph("sum")
    ...     .add_node("double", lambda x: x * 2)
    ...     .add_node("square", lambda x: x**2)
    ...     .add_node("add", lambda a, b: a + b)
    ...     .add_edge("double", "add")
    ...     .add_edge("square", "add")
    ...     .start_with("double", "square")
    ...     .end_with("add")
    ... )
    >>> asyncio.run(graph(5))
    35
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._nodes: dict[str, Action] = {}
        self._edges: list[Edge] = []
        self._ways: set[tuple[str, str, bool]] = set()
        self._ends: list[str] = []

    def __repr__(self) -> str:
        """Return the name and the sizes."""
        return f"<Graph {self.name!r}: {len(self._nodes)} nodes>"

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes, in the order in which they were added."""
        return tuple(self._nodes)

    def add_node(self, name: str, action: Action) -> Graph:
        """Add a node.

        Parameters
        ----------
        name : str
            Its name, once in a graph.
        action : callable
            A task, or any function, async or not. Called with the outputs of the edges
            taken to it, one positional argument each.

        Returns
        -------
        Graph
            This graph, so that calls can be chained.

        Raises
        ------
        GraphError
            If a node of that name is there already, or the action cannot be called.
        """
        if name in self._nodes:
            raise GraphError(
                f"Graph '{self.name}' has a node '{name}' already",
                why="Each node has a name of its own.",
                fix="Add it once, or give one of the two another name.",
                context={"graph": self.name, "node": name},
            )
        if not callable(action):
            raise GraphError(
                f"Node '{name}' of graph '{self.name}' cannot be called",
                why=f"Its action is a {type(action).__name__}.",
                fix="Give a task or a function.",
                context={"graph": self.name, "node": name},
            )
        self._nodes[name] = action
        return self

    def add_edge(
        self,
        source: str,
        target: str,
        condition: Condition | None = None,
        *,
        on_error: bool = False,
    ) -> Graph:
        """Lead from one node to another.

        Parameters
        ----------
        source, target : str
            Nodes of this graph.
        condition : callable, optional
            Called with the output of ``source``, async or not; the edge is taken when
            the answer is true. Without one it is always taken.
        on_error : bool, default False
            Whether the edge is taken when ``source`` fails, instead of when it
            succeeds. What is handed on (and what the condition sees) is the error. A
            failure for which no such edge is taken ends the graph.

        Returns
        -------
        Graph
            This graph.

        Raises
        ------
        GraphError
            If a node is not there, or such an edge is there already.
        """
        self._known(source)
        self._known(target)
        way = source, target, on_error
        if way in self._ways:
            raise GraphError(
                f"Graph '{self.name}' leads from '{source}' to '{target}' already",
                why="Two edges of a kind between two nodes would hand on one output "
                "twice.",
                fix="Put both conditions into one function.",
                context={"graph": self.name, "source": source, "target": target},
            )
        self._ways.add(way)
        self._edges.append(Edge(source, target, condition, on_error))
        return self

    def start_with(self, *names: str) -> Graph:
        """Give the graph's input to these nodes.

        Raises
        ------
        GraphError
            If a node is not there, or is started with already.
        """
        for name in names:
            self._known(name)
            if Edge(None, name) in self._edges:
                raise self._twice("starts", name)
            self._edges.append(Edge(None, name))
        return self

    def end_with(self, *names: str) -> Graph:
        """Let the output of these nodes be that of the graph.

        Raises
        ------
        GraphError
            If a node is not there, or is ended with already.
        """
        for name in names:
            self._known(name)
            if name in self._ends:
                raise self._twice("ends", name)
            self._ends.append(name)
        return self

    def validate(self) -> Graph:
        """Check that the graph can be run to an end.

        Returns
        -------
        Graph
            This graph.

        Raises
        ------
        GraphError
            If it has no node to start or to end with, a node that cannot be reached,
            or a cycle. It is a ValueError as well.
        """
        starts = [edge.target for edge in self._edges if edge.source is None]
        if not starts:
            raise self._lacking("start", "start_with")
        if not self._ends:
            raise self._lacking("end", "end_with")
        self._refuse_unreachable(starts)
        self._refuse_cycle()
        return self

    async def __call__(self, value: Any = None) -> Any:  # Any: what the actions take
        """Run the nodes.

        Parameters
        ----------
        value : object, optional
            The input, given to each node that the graph starts with.

        Returns
        -------
        object
            With one end, its output, or None when the way did not lead there. With
            several, the output of the one that was reached, or a list of the outputs
            in the order of ``end_with`` when it was more than one.

        Raises
        ------
        GraphError
            If the graph is not valid.
        Exception
            The first failure of a node or a condition for which no ``on_error`` edge
            was taken; the other nodes are cancelled and waited for.
        """
        self.validate()
        return await Walk(self._nodes, self._edges, value).to(self._ends)

    # --- what can be wrong ------------------------------------------------------------

    def _known(self, name: str) -> None:
        """Refuse a node that has not been added."""
        if name in self._nodes:
            return
        close = nearest(name, self._nodes)
        raise GraphError(
            f"Graph '{self.name}' has no node '{name}'",
            why="Nodes are added before the edges that lead to and from them.",
            fix=f"The nearest are: {', '.join(close)}."
            if close
            else f"Add it first: .add_node({name!r}, ...)",
            context={"graph": self.name, "node": name, "nodes": close},
        )

    def _twice(self, verb: str, name: str) -> GraphError:
        """Return the error for a start or an end that is named again."""
        return GraphError(
            f"Graph '{self.name}' {verb} with '{name}' already",
            why="A node gets the input once, and gives its output once.",
            fix="Name it once.",
            context={"graph": self.name, "node": name},
        )

    def _lacking(self, part: str, method: str) -> GraphError:
        """Return the error for a graph without a start or an end."""
        names = ", ".join(nearest(part, self._nodes)) or "none yet"
        return GraphError(
            f"Graph '{self.name}' has no node to {part} with",
            why=f"No call of {method} names one.",
            fix=f"Call .{method}(...) with one of its nodes: {names}.",
            context={"graph": self.name, "nodes": list(self._nodes)},
        )

    def _refuse_unreachable(self, starts: list[str]) -> None:
        """Refuse nodes to which no way leads from the starts."""
        after = self._after()
        reached: set[str] = set()
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += after[name]
        lost = [name for name in self._nodes if name not in reached]
        if lost:
            close = nearest(lost[0], [name for name in self._nodes if name in reached])
            raise GraphError(
                f"Graph '{self.name}' never reaches {_listed(lost)}",
                why="No way leads there from what it starts with.",
                fix=f"Add an edge that leads to '{lost[0]}', or start with it. Nodes "
                f"that are reached: {', '.join(close)}.",
                context={"graph": self.name, "unreachable": lost},
            )

    def _refuse_cycle(self) -> None:
        """Refuse edges that lead back to where they came from."""
        after = self._after()
        done: set[str] = set()
        for name in self._nodes:
            # an explicit stack: a long chain must not meet the recursion limit
            path: dict[str, Iterator[str]] = {}
            if name not in done:
                path[name] = iter(after[name])
            while path:
                last = next(reversed(path))
                step = next(path[last], None)
                if step is None:
                    done.add(last)
                    del path[last]
                elif step in path:
                    raise self._cycle([*path][[*path].index(step) :])
                elif step not in done:
                    path[step] = iter(after[step])

    def _cycle(self, names: list[str]) -> GraphError:
        """Return the error for nodes that wait for one another."""
        way = " -> ".join([*names, names[0]])
        return GraphError(
            f"Graph '{self.name}' has a cycle: {way}",
            why="Each of these nodes would wait for the others; a node runs once.",
            fix="Take one of the edges out; repeat a part in a loop around the graph.",
            context={"graph": self.name, "cycle": names},
        )

    def _after(self) -> dict[str, list[str]]:
        """Return the nodes to which edges lead from each node."""
        after: dict[str, list[str]] = {name: [] for name in self._nodes}
        for edge in self._edges:
            if edge.source is not None:
                after[edge.source].append(edge.target)
        return after


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
