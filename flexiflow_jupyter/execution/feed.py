"""Feed a page with steps: the last look of each, in batches, at the page's pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from ..protocol import StepBatch

if TYPE_CHECKING:
    from .facts import ExecutionFacts

__all__ = ["StepFeed"]

_BATCH_ROWS: Final = 500
_MOST_UNACKED: Final = 2
_MOST_KEPT: Final = 10_000
"""Steps that a page keeps; the newest, where there are more."""


@final
class StepFeed:
    """The steps of one execution on their way to a page.

    Parameters
    ----------
    facts : ExecutionFacts
        Where they come from.

    Notes
    -----
    What waits is a set of keys, not of rows: a step that changes a hundred times before
    the page is ready is sent once, as it is by then. A page that is behind costs no
    more than one entry for each step.
    """

    def __init__(self, facts: ExecutionFacts) -> None:
        self._facts = facts
        self._waiting: dict[str, None] = {}
        self._unacked: set[int] = set()
        self._batch = 0
        self._is_wanted = False
        self._is_fresh = False

    @property
    def has_waiting(self) -> bool:
        """Whether steps wait for the page."""
        return self._is_wanted and bool(self._waiting)

    def read(self) -> None:
        """Note which steps have changed."""
        changed = self._facts.read()
        if self._is_wanted:
            self._waiting.update(dict.fromkeys(changed))

    def need(self) -> None:
        """Begin anew on the page, with all steps that it keeps."""
        self.read()
        self._waiting = dict.fromkeys(self._facts.keys()[-_MOST_KEPT:])
        self._unacked.clear()
        self._is_wanted = self._is_fresh = True

    def ack(self, batch: int) -> None:
        """Note that the page has drawn a batch; one it never got is ignored."""
        self._unacked.discard(batch)

    def next_batch(self) -> StepBatch | None:
        """Return what to send now, or None: nothing new, or the page is behind."""
        if not self._is_wanted or len(self._unacked) >= _MOST_UNACKED:
            return None
        if not self._waiting and not self._is_fresh:
            return None
        keys = list(self._waiting)[:_BATCH_ROWS]
        for key in keys:
            del self._waiting[key]
        self._batch += 1
        self._unacked.add(self._batch)
        reset, self._is_fresh = self._is_fresh, False
        return StepBatch(
            kind="steps", batch=self._batch, rows=self._facts.rows(keys), reset=reset
        )
