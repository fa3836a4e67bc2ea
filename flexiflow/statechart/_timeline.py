"""Keep the virtual time that simulations share, and what is due in it."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Timeline"]

_TINY_S: Final = 1e-9
"""What sums of decimal fractions may lack of an instant."""


@final
class Timeline:
    """A clock that stands still until it is moved, with calls that are to come."""

    __slots__ = ("_gone", "_heap", "_order", "_tags", "members", "now_s")

    def __init__(self) -> None:
        self.now_s = 0.0
        """The time, in seconds from the beginning."""
        # Any: simulations, which a layer above defines.
        self.members: list[Any] = []
        """The simulations that live in this time."""
        self._heap: list[tuple[float, bool, int, Callable[[], object], object]] = []
        self._tags: dict[object, set[int]] = {}
        self._gone: set[int] = set()
        self._order = 0

    def later(
        self,
        delay_s: float,
        call: Callable[[], object],
        tag: object = None,
        *,
        is_late: bool = False,
    ) -> None:
        """Have something called in so many seconds.

        Parameters
        ----------
        delay_s : float
            Seconds from now.
        call : callable
            What is called.
        tag : object, optional
            For taking it back.
        is_late : bool, default False
            Whether it comes after the others of its instant: a service has to wake up
            first, a timer has not.
        """
        due = self.now_s + delay_s
        number = self.next_number()
        heapq.heappush(self._heap, (due, is_late, number, call, tag))
        if tag is not None:
            self._tags.setdefault(tag, set()).add(number)

    def next_number(self) -> int:
        """Return a number that was not given before."""
        self._order += 1
        return self._order

    def cancel(self, tag: object) -> None:
        """Take back what has a tag."""
        self._gone |= self._tags.pop(tag, set())
        self._prune()

    def _prune(self) -> None:
        """Let what was taken back not stand first."""
        while self._heap and self._heap[0][2] in self._gone:
            self._gone.discard(heapq.heappop(self._heap)[2])

    def _pop(self) -> Callable[[], object]:
        """Return what is due first, and forget it."""
        _, _, number, call, tag = heapq.heappop(self._heap)
        alike = self._tags.get(tag)
        if alike is not None:
            alike.discard(number)
            if not alike:
                del self._tags[tag]
        self._prune()
        return call

    def step(self, end_s: float) -> bool:
        """Go on to the next instant at which something is due, and call it all.

        What is due at one instant is called before any of it is handled, as the clock
        of an event loop has it. What is late there has a step of its own: what came
        before it has been handled by then, and may have taken it back.

        Returns
        -------
        bool
            False when nothing more is due until ``end_s``, which it is now.
        """
        if not self._heap or self._heap[0][0] > end_s + _TINY_S:
            self.now_s = end_s
            return False
        due, is_late = self._heap[0][:2]
        self.now_s = max(self.now_s, due)
        while self._heap and self._heap[0][:2] <= (due, is_late):
            self._pop()()
        return True

    @property
    def due_s(self) -> float | None:
        """The next instant at which something is due; None when nothing is."""
        return self._heap[0][0] if self._heap else None
