"""One run of a graph: each node waits for its edges, runs, and decides on the next."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Action", "Condition", "Edge", "Walk"]

Action = Callable[..., Any]
"""What a node does; Any: values of the user's own."""
Condition = Callable[[Any], Any]
"""Whether an edge is taken, asked of what it would hand on."""


@final
@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one node to another."""

    source: str | None
    """Where it begins; None for the input of the graph."""
    target: str
    """The node to which it leads."""
    condition: Condition | None = None
    """Asked before it is taken; None: always taken."""
    on_error: bool = False
    """Whether it is for the failure of its source, not for its success."""


@final
class _Taken:
    """What an edge hands on."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:  # Any: the output of a node
        self.value = value


_Given = asyncio.Future[_Taken | None]
"""Whether an edge is taken, known when the node before it has come to its end."""


@final
class Walk:
    """One run of a graph that is valid.

    Parameters
    ----------
    nodes : mapping of str to callable
        What each node does.
    edges : sequence of Edge
        In the order in which they were added.
    value : object
        The input of the graph.

    Notes
    -----
    Every node has a task, and all of them are made at once, in the order of the nodes:
    a durable workflow knows the steps of a node by the number of its task, which must
    not depend on who came first. Conditions are asked one after the other, in the task
    of the node from which the edges lead, for the same reason.
    """

    def __init__(
        self, nodes: Mapping[str, Action], edges: Sequence[Edge], value: Any
    ) -> None:  # Any: what the actions take
        loop = asyncio.get_running_loop()
        self._nodes = nodes
        self._into: dict[str, list[_Given]] = {name: [] for name in nodes}
        self._out: dict[str, list[tuple[Edge, _Given]]] = {name: [] for name in nodes}
        for edge in edges:
            given: _Given = loop.create_future()
            self._into[edge.target].append(given)
            if edge.source is None:
                given.set_result(_Taken(value))
            else:
                self._out[edge.source].append((edge, given))
        self._outputs: dict[str, Any] = {}
        self._failure: Exception | None = None

    async def to(self, ends: Sequence[str]) -> Any:  # Any: the output of a node
        """Run the nodes, and return what the ends gave.

        Parameters
        ----------
        ends : sequence of str
            The nodes whose outputs are the output of the graph.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [
                    group.create_task(self._node(name), name=name)
                    for name in self._nodes
                ]
        except BaseExceptionGroup:
            if self._failure is None:
                raise
        if self._failure is not None:
            raise self._failure
        if any(task.cancelled() for task in tasks):
            # a node gave up of its own accord, as in any other await
            raise asyncio.CancelledError
        reached = [self._outputs[name] for name in ends if name in self._outputs]
        if len(reached) > 1:
            return reached
        return reached[0] if reached else None

    async def _node(self, name: str) -> None:
        """Run one node when it is known which edges lead to it."""
        try:
            into = [await given for given in self._into[name]]
            taken = [edge.value for edge in into if edge is not None]
            if taken:
                await self._run(name, taken)
        except Exception as error:
            if self._failure is None:
                self._failure = error
            raise
        except asyncio.CancelledError:
            for _, given in self._out[name]:
                given.cancel()
            raise
        for _, given in self._out[name]:
            if not given.done():
                given.set_result(None)

    async def _run(self, name: str, inputs: list[Any]) -> None:
        """Run a node and take the edges from it that its end allows."""
        try:
            output = await _called(self._nodes[name], *inputs)
        except Exception as error:
            if not await self._take(name, error, on_error=True):
                raise
            return
        self._outputs[name] = output
        await self._take(name, output, on_error=False)

    async def _take(self, name: str, value: Any, *, on_error: bool) -> bool:
        """Take the edges whose conditions hold; return whether any was taken."""
        found = False
        for edge, given in self._out[name]:
            if edge.on_error is on_error:
                holds = edge.condition is None or await _called(edge.condition, value)
                given.set_result(_Taken(value) if holds else None)
                found = found or bool(holds)
        return found


async def _called(function: Callable[..., Any], *values: Any) -> Any:
    """Call a function that may be async or not. Any: values of the user's own."""
    result = function(*values)
    return await result if inspect.isawaitable(result) else result
