"""Read from the records of an execution what need not be done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .journal.protocol import Record

__all__ = ["PATCHED", "STEP_CANCELLED", "Known", "Open", "Recorded"]

PATCHED: Final = "PATCHED"
"""The kind of the record by which ``patched`` remembers its answer."""

STEP_CANCELLED: Final = "STEP_CANCELLED"
"""The kind of the note that a step was given up because the execution was cancelled."""

_GIVEN_UP: Final = frozenset({"TASK_CANCELLED", STEP_CANCELLED})
_FINISHED: Final = frozenset({"TASK_COMPLETED", "TASK_FAILED"}) | _GIVEN_UP


class Known(NamedTuple):
    """A step that came to its end."""

    record: Record
    """Its last record."""
    turn: int
    """Its place among the ends that the body saw, from 1; 0: in any order."""


@final
class Open:
    """A step that was begun and has not come to its end."""

    __slots__ = ("records",)

    def __init__(self) -> None:
        self.records: list[Record] = []

    def last(self) -> Record:
        """Return its newest record."""
        return self.records[-1]

    @property
    def is_paused(self) -> bool:
        """Whether it waits for an answer."""
        return self.records[-1].kind == "TASK_PAUSED"


@final
class Recorded:
    """What is known of an execution before its body runs once more.

    Parameters
    ----------
    records : iterable of Record
        Its records, in order.
    """

    __slots__ = ("ended", "open", "patches", "turns")

    ended: dict[str, Known]
    """The steps that came to their end, by key, in the order in which they did."""
    open: dict[str, Open]
    """The steps that did not."""
    patches: set[str]
    """Where ``patched`` answered yes."""
    turns: int
    """How many ends have a turn."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        ends: dict[str, Record] = {}
        begun: dict[str, Open] = {}
        self.patches = set()
        for record in records:
            key = record.key
            if not key:
                continue
            if record.kind in _FINISHED:
                ends[key] = record
                begun.pop(key, None)
            elif record.kind == PATCHED:
                self.patches.add(key)
            else:
                found = begun.get(key)
                if found is None:
                    found = begun[key] = Open()
                found.records.append(record)
        self.open = begun
        self.ended = {}
        self.turns = 0
        for key, record in ends.items():
            turn = 0
            if record.kind in _GIVEN_UP:
                pass  # it does not come back, now as then
            elif "/" not in key or not self._is_within_step(key, ends):
                self.turns = turn = self.turns + 1
            self.ended[key] = Known(record, turn)

    def _is_within_step(self, key: str, ends: dict[str, Record]) -> bool:
        """Return whether a key lies within another step: the body did not see its end.

        The branches of a task that is mapped lie within it, too.
        """
        at = key.rfind("/")
        while at > 0:
            outer = key[:at]
            if outer in ends or outer in self.open:
                return True
            at = key.rfind("/", 0, at)
        return False

    def pauses(self) -> list[tuple[str, Record]]:
        """Return the keys and records of the pauses that wait, the oldest first."""
        paused = [
            (key, found.last()) for key, found in self.open.items() if found.is_paused
        ]
        return sorted(paused, key=lambda item: item[1].seq)
