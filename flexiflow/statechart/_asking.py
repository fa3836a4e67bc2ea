"""Look at a snapshot with a message in hand: what holds, and what is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import _failures
from ._expressions import MOST_ITEMS
from ._frozen import FrozenDict
from ._moves import without_conflicts
from .snapshot import Event, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .compile import Edge, Node, Program
    from .functions import Functions
    from .model import Call
    from .ports import Host

__all__ = ["Asking"]

MOST_WORK: Final = 4 * MOST_ITEMS
"""Pieces of content and data of SCXML that one event may set to work.

Data that double cost up to twice ``MOST_ITEMS`` until they are too large, and finding
that out costs as much again: a document must be able to take the error of the first.
"""

# Any in this module: JSON data of the user's, and what user functions return.


class Asking:
    """A snapshot and a message: what guards, values and functions look at."""

    __slots__ = (
        "_view",
        "active",
        "configuration",
        "context",
        "error",
        "functions",
        "history",
        "host",
        "message",
        "program",
        "result",
        "rules",
        "stands",
        "start",
        "taken",
        "work",
    )

    def __init__(
        self,
        snapshot: Snapshot,
        message: Mapping[str, Any],
        *,
        functions: Functions,
        host: Host | None,
    ) -> None:
        self.start = snapshot
        self.configuration = snapshot.configuration
        self.program: Program = snapshot.configuration.program
        self.active: set[Node] | frozenset[Node] = snapshot.configuration.active
        self.context = snapshot.context
        self.history = snapshot.history
        self.message = message
        self.functions = functions
        self.host = host
        self.rules: Any = host.rules if host is not None else ()
        self.result: Any = None
        self.error: Any = None
        self.stands = ""
        self.taken: Sequence[int] = ()
        self._view: FrozenDict | None = None
        self.work = 0

    # --- what guards and functions may ask --------------------------------------------

    def is_active(self, path: str) -> bool:
        """Return whether a state is active now."""
        return self.program.by_path.get(path) in self.active

    def argument(self, name: str) -> Any:
        """Return what fills a function's parameter."""
        if name == "context":
            if self._view is None:
                self._view = FrozenDict(self.context)
            return self._view
        if name == "component":
            return self.host
        if name == "state":
            return self.stands or self.configuration.name
        return getattr(self, name)

    def ask(self, guard: Call, arguments: Mapping[str, Any]) -> bool:
        """Return what a guard function answers.

        Raises
        ------
        ActionError
            If it raises, is missing, or is async.
        """
        try:
            answer = self.functions.invoke(guard.function, self, arguments)
        except Exception as error:
            raise _failures.guard_failed(self, guard, error) from error
        if hasattr(answer, "__await__"):
            if hasattr(answer, "close"):
                answer.close()
            raise _failures.guard_async(self, guard)
        return bool(answer)

    # --- what content of SCXML may ask ------------------------------------------------

    @property
    def session(self) -> str:
        """The session's id."""
        return str(getattr(self.host, "session", None) or self.document)

    @property
    def document(self) -> str:
        """The document's name."""
        return self.program.chart.name

    def spend(self, amount: int = 1) -> None:
        """Count what content does, so that no document works for ever.

        Raises
        ------
        ActionError
            If it is too much for one step.
        """
        self.work += amount
        if self.work > MOST_WORK:
            raise _failures.endless(self, MOST_WORK)
        count = getattr(self.host, "spend", None)
        if count is not None:
            count(amount)

    def reaches(self, target: str) -> bool:
        """Return whether there is somebody behind a target."""
        ask = getattr(self.host, "reaches", None)
        return ask is None or bool(ask(target))

    def load(self, source: str) -> str | None:
        """Return the text of a document, or None when none is read."""
        read = getattr(self.host, "load", None)
        return None if read is None else str(read(source))

    def is_active_name(self, name: str) -> bool:
        """Return whether the state of an id is active."""
        return self.is_active(name)

    def new_id(self) -> str:
        """Return an id that the session has not used."""
        make = getattr(self.host, "new_id", None)
        return str(make()) if make is not None else f"id{self.start.count}"

    # --- selecting --------------------------------------------------------------------

    def first(self, edges: Sequence[Edge]) -> Edge | None:
        """Return the first edge whose guard holds."""
        for edge in edges:
            if edge.guard is None:
                return edge
            self.stands = edge.source.path
            if edge.guard(self.message, self.context, self):
                return edge
        return None

    def select(self, chains: Sequence[Sequence[Edge]]) -> list[Edge]:
        """Return the edges to take together: one a leaf, conflicts removed."""
        found: list[Edge] = []
        for chain in chains:
            edge = self.first(chain) if chain else None
            if edge is not None and edge not in found:
                found.append(edge)
        if len(found) < 2:  # noqa: PLR2004 - one edge conflicts with none
            return found
        return without_conflicts(self.program, found, self.active, self.history)

    def taking(self, event: Event | Mapping[str, Any]) -> list[Edge]:
        """Return the edges that an event or a message makes possible now."""
        if not isinstance(event, Event):
            kind = event.get("type")
            if not isinstance(kind, str) or self.configuration.is_ended:
                return []
            return self.select(self.configuration.takers(kind))
        origin = event.origin
        if origin is not None:
            edges = [
                edge for node in (origin, *origin.ancestors) for edge in node.errors
            ]
            edge = self.first(edges)
            return [edge] if edge is not None else []
        name = event.name
        return self.select(
            self.configuration.chains(lambda node: node.named.get(name, ()))
        )

    def eventless(self) -> list[Edge]:
        if not self.configuration.has_always:
            return []
        return self.select(self.configuration.chains(lambda node: node.always))
