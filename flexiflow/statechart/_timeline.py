"""Keep the virtual time that simulations share, and what is due in it."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Timeline"]


@final
class Timeline:
    """A clock that stands still until it is moved, with calls that are to come."""

    __slots__ = ("_heap", "_order", "members", "now_s")

    def __init__(self) -> None:
        self.now_s = 0.0
        """The time, in seconds from the beginning."""
        # Any: simulations, which a layer above defines.
        self.members: list[Any] = []
        """The simulations that live in this time."""
        self._heap: list[tuple[float, int, Callable[[], object], object]] = []
        self._order = 0

    def later(
        self, delay_s: float, call: Callable[[], object], tag: object = None
    ) -> None:
        """Have something called in so many seconds; ``tag`` is for taking it back."""
        heapq.heappush(
            self._heap, (self.now_s + delay_s, self.next_number(), call, tag)
        )

    def next_number(self) -> int:
        """Return a number that was not given before."""
        self._order += 1
        return self._order

    def cancel(self, tag: object) -> None:
        """Take back what has a tag."""
        self._heap = [one for one in self._heap if one[3] != tag]
        heapq.heapify(self._heap)

    def step(self, end_s: float) -> bool:
        """Go on to the next instant at which something is due, and call it all.

        What is due at one instant is called before any of it is handled, as the clock
        of an event loop has it.

        Returns
        -------
        bool
            False when nothing more is due until ``end_s``, which it is now.
        """
        if not self._heap or self._heap[0][0] > end_s:
            self.now_s = end_s
            return False
        due = self._heap[0][0]
        self.now_s = max(self.now_s, due)
        while self._heap and self._heap[0][0] <= due:
            heapq.heappop(self._heap)[2]()
        return True
