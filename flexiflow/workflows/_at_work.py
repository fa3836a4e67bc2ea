"""Know which steps of an execution are at work, and which wait for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._turns import Turns

__all__ = ["AtWork", "Waiting"]


@final
class Waiting:
    """A step that waits for an answer."""

    __slots__ = ("deliver", "is_child", "key", "name")

    def __init__(
        self,
        key: str,
        name: str,
        deliver: Callable[[Any], object],  # Any: the answer is the user's
        *,
        is_child: bool = False,
    ) -> None:
        self.key = key
        self.name = name
        self.is_child = is_child
        """Whether a child execution waits; the answer is not the step's result."""
        self.deliver = deliver
        """Called with the answer once it is stored."""


class AtWork:
    """The part of a drive that knows what its steps are doing."""

    __slots__ = ("_at_work", "_held", "mapped", "reasons", "turns", "waiting")

    turns: Turns
    """The order in which the body sees the ends of its steps."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.mapped: set[str] = set()
        """Tasks that are mapped at the moment."""
        self.reasons: dict[str, str] = {}
        """Why steps wait for a machine, by key, as it was last told."""
        self.waiting: dict[str, Waiting] = {}
        """The steps that wait for an answer, by key, the oldest first."""
        self._at_work: set[str] = set()
        self._held: dict[str, int] = {}
        """Steps at work that wait for an answer within them, and for how many."""

    def look(self) -> None:
        """Look whether the execution is paused: nothing is at work, something waits."""

    @property
    def in_flight(self) -> int:
        """How many steps are at work."""
        return len(self._at_work) - len(self._held)

    def enter(self, key: str) -> None:
        """Let a step be at work."""
        self._at_work.add(key)

    def leave(self, key: str) -> None:
        """Let a step that was at work be so no longer."""
        self._at_work.discard(key)
        if self.waiting:
            self._held.pop(key, None)
            if not self.in_flight:
                self.look()

    def saw(self, key: str) -> None:
        """Count the end of a step that the body called."""
        if "/" in key and self._is_nested(key):
            return
        self.turns.seen += 1

    def _is_nested(self, key: str) -> bool:
        """Return whether a step was called within another, not by the body."""
        while (at := key.rfind("/")) > 0:
            key = key[:at]
            if key in self._at_work or key in self.mapped:
                return True
        return False

    def wait_at(self, waiting: Waiting) -> None:
        """Let a step wait for an answer."""
        self.waiting[waiting.key] = waiting
        for outer in self._outer(waiting.key):
            self._held[outer] = self._held.get(outer, 0) + 1
        if not self.in_flight:
            self.look()

    def wait_no_more(self, key: str) -> None:
        """Let a step that waited do so no longer; harmless when it does not."""
        if self.waiting.pop(key, None) is None:
            return
        for outer in self._outer(key):
            left = self._held.pop(outer, 1) - 1
            if left:
                self._held[outer] = left

    def none_waits(self) -> None:
        """Let no step wait any more."""
        self.waiting.clear()
        self._held.clear()

    def _outer(self, key: str) -> list[str]:
        """Return the steps at work within which a step was called."""
        found = []
        while (at := key.rfind("/")) > 0:
            key = key[:at]
            if key in self._at_work:
                found.append(key)
        return found
