"""Read from the records of an execution what need not be done again."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .journal.protocol import Record

__all__ = [
    "MESSAGE_DELIVERED",
    "MESSAGE_SENT",
    "PATCHED",
    "SEEN",
    "STEP_CANCELLED",
    "STEP_WAITING",
    "Known",
    "Open",
    "Recorded",
    "uncollected",
    "with_seen",
]

PATCHED: Final = "PATCHED"
"""The kind of the record by which ``patched`` remembers its answer."""

STEP_CANCELLED: Final = "STEP_CANCELLED"
"""The kind of the note that a step was given up because the execution was cancelled."""

STEP_WAITING: Final = "TASK_WAITING"
"""The kind of the event that says why a step waits for a machine, or that it does so no
longer; for those who look, and nothing that a replay goes by."""

MESSAGE_SENT: Final = "MESSAGE_SENT"
"""The kind of the record of a message to a component, stored with its step's end."""

MESSAGE_DELIVERED: Final = "MESSAGE_DELIVERED"
"""The kind of the note that the oldest message of a step was delivered."""

SEEN: Final = "seen"
"""The fact of a step that begins which says how many ends the body had seen."""

_MARK: Final = f'"{SEEN}":'
_GIVEN_UP: Final = frozenset({"TASK_CANCELLED", STEP_CANCELLED})
_ASIDE: Final = frozenset({STEP_WAITING, MESSAGE_SENT, MESSAGE_DELIVERED})
_FINISHED: Final = frozenset({"TASK_COMPLETED", "TASK_FAILED"}) | _GIVEN_UP


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects without a look for garbage among them.

    Python's collector goes through all of them again and again while they are made,
    which costs a fifth of a replay.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


Known: TypeAlias = "tuple[Record, int, int, int]"
"""A step that came to its end: its last record; its turn, that is its place among the
ends that the body saw, from 1 (0: in any order); its start, that is its place among the
calls that the body made, from 0 (-1: not by the body); and how many calls the body had
made when it came to its end. A plain tuple, since thousands are made at once."""


@final
class Open:
    """A step that was begun and has not come to its end.

    Parameters
    ----------
    records : list of Record
        Its records, in order; at least one.
    start : int
        Its place among the calls that the body made, from 0; -1: not by the body.
    """

    __slots__ = ("records", "start")

    def __init__(self, records: list[Record], start: int = -1) -> None:
        self.records = records
        self.start = start

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
    records : sequence of Record
        Its records, in order.
    """

    __slots__ = (
        "_records",
        "calls",
        "ended",
        "messages",
        "open",
        "patches",
        "turns",
    )

    ended: dict[str, Known]
    """The steps that came to their end, by key, in the order in which they did."""
    open: dict[str, Open]
    """The steps that did not."""
    messages: dict[str, list[Record]]
    """The messages of steps that were not delivered, by key."""
    patches: set[str]
    """Where ``patched`` answered yes."""
    turns: int
    """How many ends have a turn."""
    calls: int
    """How many steps the body had called."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = records
        self.messages = {}
        self.patches = set()
        ends: dict[str, Record] = {}
        starts: dict[str, int] = {}
        seen: list[int] = []
        begun: dict[str, list[Record]] = {}
        for record in records:
            _, kind, key, *_ = record
            if not key:
                continue
            if kind in _ASIDE:
                self._take_aside(record)
                continue
            if kind in _FINISHED:
                ends[key] = record
                begun.pop(key, None)
            elif key in begun:
                begun[key].append(record)
            elif kind == PATCHED:
                self.patches.add(key)
            else:
                begun[key] = [record]
                is_new = kind == "TASK_STARTED" and key not in starts
                if is_new and ("/" not in key or not _is_within_step(key, starts)):
                    starts[key] = len(starts)
                    seen.append(_seen(record.value, len(ends)))
        self.open = {
            key: Open(found, starts.get(key, -1)) for key, found in begun.items()
        }
        self.turns, self.ended = _in_turn(ends, starts, seen)
        self.calls = len(starts)

    def _take_aside(self, record: Record) -> None:
        """Remember a message until it was delivered."""
        if record.kind == MESSAGE_SENT:
            self.messages.setdefault(record.key, []).append(record)
        elif record.kind == MESSAGE_DELIVERED and record.key in self.messages:
            del self.messages[record.key][0]
            if not self.messages[record.key]:
                del self.messages[record.key]

    def busy_s(self) -> float:
        """Return for how many seconds the execution was not paused."""
        total, before = 0.0, None
        for record in self._records:
            if before is not None and before.kind != "WORKFLOW_PAUSED":
                total += max(0.0, record.time - before.time)
            before = record
        return total


def with_seen(facts: str | None, seen: int) -> str:
    """Return the facts of a step that begins, with how many ends the body had seen."""
    if facts is None:
        return f'{{"{SEEN}":{seen}}}'
    return f'{facts[:-1]},"{SEEN}":{seen}}}'


def _seen(facts: str | None, ended: int) -> int:
    """Return how many ends the body had seen when it called a step.

    Where branches run side by side it is noted, as a positive number: what had ended
    need not have been seen yet. Where one thing comes after the other it is the number
    of steps that had ended, which is returned negative: some of them have no turn.
    """
    if facts is None or _MARK not in facts:
        return ~ended
    return int(facts[facts.rindex(_MARK) + len(_MARK) : -1])


def _in_turn(
    ends: dict[str, Record], starts: dict[str, int], seen: list[int]
) -> tuple[int, dict[str, Known]]:
    """Return how many ends have a turn, and all ends with theirs."""
    turns = 0
    calls, called = len(seen), 0
    ended: dict[str, Known] = {}
    for place, (key, record) in enumerate(ends.items(), 1):
        start = starts.get(key, -1)
        if start < 0 or record.kind in _GIVEN_UP:
            # Within another step; or one that does not come back, now as then.
            ended[key] = (record, 0, start, 0)
            continue
        turns += 1
        # All calls that were made before the body saw this end.
        while called < calls and (
            (seen[called] >= 0 and seen[called] < turns)
            or (seen[called] < 0 and ~seen[called] < place)
        ):
            called += 1
        ended[key] = (record, turns, start, called)
    return turns, ended


def _is_within_step(key: str, starts: dict[str, int]) -> bool:
    """Return whether a step lies within another: the body did not call it itself.

    So do the branches of a task that is mapped, and what they call.
    """
    at = key.rfind("/")
    while at > 0:
        if key[:at] in starts:
            return True
        at = key.rfind("/", 0, at)
    return False
