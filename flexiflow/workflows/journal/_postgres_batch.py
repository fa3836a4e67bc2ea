"""Lay out what is queued as the columns that PostgreSQL takes with one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from ._jobs import NO_RECORDS, Answer, Claiming, Create, Job
from ._postgres_text import column, parts_of
from ._refusals import exists, over, stale, unknown
from .protocol import REQUEST_TO_END, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .protocol import NewExecution

__all__ = ["Batch", "Written", "parts"]

_MOST_EXECUTIONS: Final = 250
"""How many executions one transaction locks, at most: the server's room is shared."""

_TIME: Final = Record._fields.index("time")
"""The fields of a record before its time are texts; the state follows it."""


@final
class Written:
    """What the database says of a batch.

    Parameters
    ----------
    first_seq : int or None
        The number of its first record; None when none was written.
    created : list of str
        The executions that it created.
    ids, epochs : list
        The executions that it names, and their newest epochs; None for no execution.
    """

    def __init__(
        self,
        first_seq: int | None,
        created: list[str],
        ids: list[str] | None,
        epochs: list[int | None] | None,
    ) -> None:
        self.first_seq = first_seq
        self.created = set(created)
        self.newest = dict(zip(ids or (), epochs or (), strict=True))


@final
class Batch:
    """Jobs that are written with one transaction: creations, and records behind them.

    Parameters
    ----------
    jobs : sequence of (int, Job)
        The jobs with their places among all that were queued.

    Raises
    ------
    TypeError, ValueError
        If a value is none that its column takes.
    """

    def __init__(self, jobs: Sequence[tuple[int, Job]]) -> None:
        self.jobs = jobs
        self._rows: list[Record] = []
        self._epochs: list[int] = []
        self._are_first: list[bool] = []
        self._new: list[NewExecution] = []
        for _, job in jobs:
            if isinstance(job, Create):
                self._new.append(job.execution)
                self._add(job.records, 0, is_first=True)
            elif isinstance(job, tuple):
                self._add(job[0], job[1], is_first=False)
        new, rows = self._new, self._rows
        ids = dict.fromkeys(
            [one.id for one in new] + [row.execution_id for row in rows]
        )
        touched = column([*ids])
        self._stored = dict(zip(ids, parts_of(touched), strict=True))
        self.columns = (self._creations(), self._records(), touched)
        """What the database's function takes, behind the name of the batch."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._new and not self._rows

    def states(self) -> frozenset[str]:
        """Return the states that its records lead to."""
        return frozenset([row.state for row in self._rows if row.state])

    def _add(self, records: Sequence[Record], epoch: int, *, is_first: bool) -> None:
        self._rows += records
        self._epochs += [epoch] * len(records)
        self._are_first += [is_first] * len(records)

    def _creations(self) -> list[str] | None:
        new = self._new
        if not new:
            return None
        return [
            column([one.id for one in new]),
            column([one.workflow for one in new]),
            column([one.input for one in new]),
            column([one.parent for one in new]),
            column([one.owner for one in new]),
            column([one.digest for one in new]),
            column([one.correlation_id for one in new]),
            column([repr(float(one.created)) for one in new]),
        ]

    def _records(self) -> list[str]:
        fields = list(zip(*self._rows, strict=True))
        if not fields:
            return []
        return [
            *(column(texts) for texts in fields[:_TIME]),
            column([repr(float(time)) for time in fields[_TIME]]),
            column(fields[_TIME + 1]),
            column([str(int(epoch)) for epoch in self._epochs]),
            column(["t" if is_first else "f" for is_first in self._are_first]),
        ]

    # --- what came of it --------------------------------------------------------------

    def answers(self, written: Written, shown: str) -> Iterator[tuple[int, Answer]]:
        """Return what became of each job, with its place."""
        seq = written.first_seq or 0
        for place, job in self.jobs:
            if isinstance(job, Create):
                if self._stored[job.execution.id] not in written.created:
                    yield place, exists(job.execution)
                    continue
                records: Sequence[Record] = job.records
            elif isinstance(job, tuple) and job[0]:
                records, epoch = job
                id_ = records[0].execution_id
                newest = written.newest.get(self._stored[id_])
                if newest is None:
                    yield place, unknown(id_, shown)
                    continue
                if newest != epoch:
                    yield place, stale(id_, epoch, newest)
                    continue
                if written.first_seq is None:
                    yield place, over(id_)
                    continue
            else:
                yield place, NO_RECORDS
                continue
            yield place, range(seq, seq + len(records)) if records else NO_RECORDS
            seq += len(records)


def parts(
    jobs: Sequence[Job],
) -> Iterator[list[tuple[int, Job]] | tuple[int, Claiming]]:
    """Cut what is queued into transactions: claims and requests alone, others not.

    An execution is created before anything else of the same transaction is written;
    where that would not be the order of the calls, another transaction begins.
    """
    part: list[tuple[int, Job]] = []
    seen: set[str] = set()
    for place, job in enumerate(jobs):
        if isinstance(job, Claiming):
            if part:
                yield part
            part, seen = [], set()
            yield place, job
            continue
        if isinstance(job, Create):
            id_ = job.execution.id
        elif job is None or not job[0]:
            part.append((place, job))
            continue
        else:
            id_ = job[0][0].execution_id
            if job[0][0].kind == REQUEST_TO_END:
                if part:
                    yield part
                part, seen = [], set()
                yield [(place, job)]
                continue
        is_late = isinstance(job, Create) and id_ in seen
        if is_late or (len(seen) >= _MOST_EXECUTIONS and id_ not in seen):
            yield part
            part, seen = [], set()
        part.append((place, job))
        seen.add(id_)
    if part:
        yield part
