"""Calls that go to a Dask worker together, and how many that should be."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, final

from ._dask_remote import LONGEST_S, Parcel

if TYPE_CHECKING:
    import asyncio
    from collections import deque

    from ._dask_job import DaskJob

__all__ = ["Load", "Pace"]

_MOST: Final = 64
"""Calls in one load, at most."""
_REMEMBERED: Final = 256
"""Functions of which it is known how long they take."""
_NEW: Final = 0.3
"""How much the newest call counts."""
_SPREAD: Final = 4
"""Loads for each thread into which what waits is divided, so that none is idle."""


@final
class Load:
    """Calls of one function that a worker makes one after the other.

    Parameters
    ----------
    jobs : list of DaskJob
        The calls; all of them need the same.
    """

    __slots__ = ("client", "future", "id", "is_taken_back", "jobs", "needed", "task")

    def __init__(self, jobs: list[DaskJob]) -> None:
        self.id: tuple[str, int] = ("", 0)
        """Its key in Dask, once it is sent: it tells nothing."""
        self.jobs: Final = {job.id: job for job in jobs}
        """The calls by id."""
        self.needed: Final = jobs[0].needed
        """What they take of a worker."""
        self.future: Any = None  # Any: Dask has no types
        """The future of Dask, once it was sent."""
        self.client: Any = None
        """The connection by which it was sent. Any: as above."""
        self.task: asyncio.Task[None] | None = None
        """What waits for it."""
        self.is_taken_back = False
        """Whether Dask was told to forget it, so that some are sent again."""

    def parcel(self) -> Parcel:
        """Return the calls as Dask sees them."""
        calls = [(job.id, job.packed[1]) for job in self.jobs.values()]
        function = next(iter(self.jobs.values())).packed[0]
        return Parcel(pickle.dumps((function, calls)))


@final
class Pace:
    """How long functions take, and how many calls make a load.

    Notes
    -----
    Dask spends about a millisecond on whatever it is given. Of functions that take
    less than that, many calls go together; of others each one goes alone.
    """

    def __init__(self) -> None:
        self._seconds: OrderedDict[int, float] = OrderedDict()

    def took(self, function: bytes, seconds: float) -> None:
        """Learn how long a call took."""
        key = hash(function)
        before = self._seconds.pop(key, seconds)
        self._seconds[key] = before + _NEW * (seconds - before)
        while len(self._seconds) > _REMEMBERED:
            self._seconds.popitem(last=False)

    def load(self, queue: deque[DaskJob], threads: int) -> Load | None:
        """Take the next load out of a queue; None where all were cancelled."""
        jobs: list[DaskJob] = []
        most = 1
        while queue and len(jobs) < most:
            if jobs and queue[0].packed[0] != jobs[0].packed[0]:
                break
            job = queue.popleft()
            if not job.begins():
                continue
            if not jobs:
                most = self._most(job.packed[0], len(queue) + 1, threads)
            jobs.append(job)
        return Load(jobs) if jobs else None

    def _most(self, function: bytes, waiting: int, threads: int) -> int:
        """Return how many calls of a function may go together."""
        seconds = self._seconds.get(hash(function))
        if seconds is None:
            return 1
        fair = waiting // (_SPREAD * max(1, threads))
        return max(1, min(_MOST, fair, int(LONGEST_S / 2 / max(seconds, 1e-5))))
