"""The connection of a Dask executor: what goes to the scheduler, what comes back.

All of it happens in one loop, in the thread of the executor.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import uuid
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, final

import dask
import distributed
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from ..errors import SchedulerLostError, WorkflowError
from ._dask_cluster import Workers, start_cluster
from ._dask_ending import Ending
from ._dask_load import Load, Pace
from ._dask_outcome import died, hand_over, unbegun
from ._dask_remote import perform
from ._dask_resources import misfit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ._dask_job import DaskJob
    from ._dask_remote import Outcome, Parcel

__all__ = ["Link"]

_LOOK_S: Final = 0.5
"""Seconds between two looks at the scheduler while calls wait."""
_ARRIVAL_S: Final = 3.0
"""Seconds without any worker before it is told that there is none."""
_LEAST_WINDOW: Final = 32
_WINDOW: Final = 4
"""Loads that are at the scheduler at once, for each thread of a worker."""
_LARGE: Final = 5_000_000
"""Bytes of a batch from which on Dask would give a hint that leads nowhere here."""
_OFTEN: Final = 3
"""How often a call may get lost before it fails."""


@final
class Link:
    """A connection to a scheduler, and the calls that went over it.

    Parameters
    ----------
    where : str, Cluster, Client or None
        The scheduler; None: that of the worker that this process is, else one of its
        own. Any: Dask has no types.
    workers, threads : int
        The size of a cluster of its own.
    folder : Path
        Where such workers keep what does not fit into memory.
    patience_s : float
        Seconds that a lost scheduler is waited for.
    """

    def __init__(
        self,
        where: Any,
        *,
        workers: int | None,
        threads: int,
        folder: Path,
        patience_s: float,
    ) -> None:
        self._where = where
        self._size = (workers, threads)
        self._folder = folder
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._client: Any = None  # Any: it may be absent, and Dask says so everywhere
        self._cluster: Workers | None = None
        self._waiting: dict[tuple[tuple[str, float], ...], deque[DaskJob]] = {}
        self._under_way: dict[DaskJob, Load] = {}
        self._pace = Pace()
        self._is_pumping = False
        self._counts: Counter[tuple[tuple[str, float], ...]] = Counter()
        self._unfit: dict[tuple[tuple[str, float], ...], str] = {}
        self._ending: Ending | None = None
        self._threads = 0
        self._address = ""
        self._security: Any = None
        self._manned = self._loop.time()
        self._is_lost = False
        self._is_idle = True
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self.error: WorkflowError | None = None
        """Why it ended, if it did not by order."""

    # --- its life ---------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        return self._address

    @property
    def workers(self) -> int:
        """Threads of workers, as they were counted last."""
        return self._threads

    @property
    def under_way(self) -> int:
        """Calls that are at the scheduler."""
        return len(self._under_way)

    @property
    def waiting(self) -> int:
        """Calls that are not."""
        return sum(map(len, self._waiting.values()))

    async def connect(self) -> None:
        """Reach the scheduler, and start one first if need be.

        Raises
        ------
        SchedulerLostError
            If it cannot be reached.
        """
        address, security = self._found()
        if address is None:
            workers, threads = self._size
            self._cluster = await start_cluster(
                workers=workers, threads=threads, folder=self._folder
            )
            address = self._cluster.address
        self._address, self._security = address, security
        try:
            self._client = await self._connected()
        except (OSError, TimeoutError, ValueError) as error:
            raise SchedulerLostError(
                f"There is no Dask scheduler at {address}",
                why=f"{type(error).__name__}: {error}",
                fix="Start it (dask scheduler), or name another one: "
                'use_dask("tcp://HOST:8786"). Then go on with the execution.',
                context={"address": address},
            ) from error
        self._ending = Ending(self._client, self._cluster, self._under_way)

    async def _connected(self) -> Any:
        """Return a new connection to the scheduler."""
        client: Any = distributed.Client(
            self._address,
            asynchronous=True,
            security=self._security,
            set_as_default=False,
            timeout=self._patience_s,
        )
        try:
            return await client
        except BaseException:
            await client.close(timeout=0)
            raise

    def _found(self) -> tuple[str | None, Any]:
        """Return the address of the scheduler and how to talk to it; None: start it."""
        where = self._where
        if where is None:
            worker = next(iter(distributed.Worker._instances), None)  # noqa: SLF001
            if worker is None:
                return None, None
            return worker.scheduler.address, worker.security
        if where == "local":
            return None, None
        if isinstance(where, str):
            return where, None
        if isinstance(where, distributed.Client):
            known: Any = where.scheduler
            return known.address, where.security
        return where.scheduler_address, where.security

    async def serve(self) -> None:
        """Serve until it is closed, or the scheduler is lost for good."""
        while not self._closed.is_set():
            self._changed.clear()
            try:
                await self._look()
            except (OSError, TimeoutError):
                self._is_lost = True
            is_lost = self._is_lost or self._client.status != "running"
            if is_lost and not await self._found_again():
                return
            self._is_idle = not (self._under_way or self.waiting)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._is_idle else _LOOK_S):
                    await self._changed.wait()

    def stop(self) -> None:
        """Let ``serve`` end."""
        self._closed.set()
        self._changed.set()

    async def close(self, grace_s: float) -> None:
        """End all calls, and what belongs to this; waits."""
        for queue in self._waiting.values():
            while queue:
                self._give_up(queue.popleft())
        following = {load.task for load in self._under_way.values() if load.task}
        if following and grace_s > 0 and self.error is None:
            await asyncio.wait(following, timeout=grace_s)
        left = tuple(self._under_way)
        for job in left:
            self._give_up(job)
        if self._ending is not None:
            if self._cluster is None:
                with contextlib.suppress(OSError, TimeoutError):
                    await self._ending.interrupt(list(left))
                    await self._ending.take_back(left)
            following |= self._ending.tasks
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        if self._client is not None:
            with contextlib.suppress(OSError, TimeoutError):
                await self._client.close(timeout=1)
        if self._cluster is not None:
            await self._cluster.close()

    def _give_up(self, job: DaskJob) -> None:
        """End a call here, whatever becomes of it there."""
        if self.error is not None or not job.future.cancel():
            job.finish(error=self.error or asyncio.CancelledError())

    # --- calls to the scheduler -------------------------------------------------------

    def take(self, jobs: Iterable[DaskJob]) -> None:
        """Take calls, and send what there is room for."""
        looks = self._is_idle
        for job in jobs:
            if job.needed not in self._waiting:
                self._waiting[job.needed] = deque()
                if job.needed:
                    self._unfit[job.needed] = "The workers are being asked."
                    looks = True
            self._waiting[job.needed].append(job)
        if looks:
            self._changed.set()
        self.pump()

    def end(self, job: DaskJob, is_hard: bool) -> None:  # noqa: FBT001 - a callback
        """End a call that is under way."""
        if self._ending is not None:
            self._ending.end(job, is_hard)

    def pump(self) -> None:
        """Send calls, if there is room for a good part of what may be there."""
        self._is_pumping = False
        if self._client is None or self._is_lost or self._client.status != "running":
            return
        window = max(_LEAST_WINDOW, _WINDOW * self._threads)
        for needed, queue in self._waiting.items():
            room = window - self._counts[needed]
            if self._unfit.get(needed) or room < window // 4:
                continue
            loads = []
            while queue and room:
                load = self._pace.load(queue, self._threads)
                if load is not None:
                    loads.append(load)
                    room -= 1
            if loads:
                self._send(loads, needed)

    def _pump_soon(self) -> None:
        """Send calls when all that has come back was taken."""
        if not self._is_pumping:
            self._is_pumping = True
            self._loop.call_soon(self.pump)

    def _send(self, loads: list[Load], needed: tuple[tuple[str, float], ...]) -> None:
        """Send calls together.

        Under one name: Dask gives what is many and alike to workers bit by bit, so that
        little of it is lost with one of them.
        """
        name = f"flexiflow-{uuid.uuid4().hex}"
        for number, load in enumerate(loads):
            load.id = (name, number)
        parcels = [load.parcel() for load in loads]
        size = sum(len(parcel.content) for parcel in parcels)
        key = "distributed.admin.large-graph-warning-threshold"
        quiet = dask.config.set({key: 2**62}) if size > _LARGE else None
        with quiet or contextlib.nullcontext():
            futures = self._client.map(
                perform,
                parcels,
                key=[load.id for load in loads],
                pure=False,
                resources=dict(needed) or None,
            )
        self._counts[needed] += len(loads)
        for load, future in zip(loads, futures, strict=True):
            load.future, load.client = future, self._client
            load.task = self._loop.create_task(self._follow(load))
            for job in load.jobs.values():
                self._under_way[job] = load

    async def _follow(self, load: Load) -> None:
        """Wait for what comes of a load, and hand it over."""
        jobs = load.jobs
        try:
            parcel = await load.future
        except FutureCancelledError as error:
            self._forgotten(load, error)
        except KilledWorker:
            for job in jobs.values():
                job.finish(error=died(job))
        except Exception as error:  # noqa: BLE001 - the caller gets whatever it is
            for job in jobs.values():
                job.finish(error=unbegun(job, error))
        else:
            self._deliver(load, parcel)
        finally:
            for job in jobs.values():
                del self._under_way[job]
            self._counts[load.needed] -= 1
            load.future.release()
        # calls that were not begun, or that Dask has forgotten
        again = [job for job in jobs.values() if not job.future.done()]
        self._waiting[load.needed].extendleft(reversed(again))
        self._pump_soon()

    def _deliver(self, load: Load, parcel: Parcel) -> None:
        """Hand over the results and the errors that came back."""
        outcomes: list[Outcome] = pickle.loads(parcel.content)  # noqa: S301 - ours
        for key, kind, content, sent, seconds in outcomes:
            job = load.jobs[key]
            if sent and job.call.outbox is not None:
                job.call.outbox.sent = pickle.loads(sent)  # noqa: S301 - ours
            self._pace.took(job.packed[0], seconds)
            hand_over(job, kind, content)

    def _forgotten(self, load: Load, error: Any) -> None:
        """See what becomes of calls that Dask has forgotten: most are sent again."""
        lost = getattr(error, "reason", "") == "scheduler-connection-lost"
        lost = lost or load.client is not self._client
        if lost and load.client is self._client:
            self._is_lost = True
            self._changed.set()
        for job in load.jobs.values():
            if job.is_cancelled:
                job.finish(error=asyncio.CancelledError())
            elif not (lost or load.is_taken_back):
                job.lost += 1
                if job.lost >= _OFTEN:
                    job.finish(error=unbegun(job, error))

    # --- looking ----------------------------------------------------------------------

    async def _look(self) -> None:
        """Ask the scheduler who is there, and tell calls why they wait."""
        if self._client.status != "running":
            return
        asks = any(needed and queue for needed, queue in self._waiting.items())
        async with asyncio.timeout(self._patience_s):
            told = await self._client.scheduler.identity(n_workers=-1 if asks else 0)
        self._threads = told["total_threads"]
        if self._threads:
            self._manned = self._loop.time()
        elif self._loop.time() < self._manned + _ARRIVAL_S:
            return  # they are on their way
        for needed, queue in self._waiting.items():
            if asks and needed and queue:
                reason = misfit(dict(needed), told["workers"])
                self._unfit[needed] = reason
                for job in queue:
                    job.tell(reason)
        nobody = "" if self._threads else misfit({}, {})
        for job in tuple(self._under_way):
            job.tell(nobody)
        self.pump()

    async def _found_again(self) -> bool:
        """Wait for a scheduler that was lost; return whether it is there again."""
        self._is_lost = True
        reason = f"The Dask scheduler at {self.address} does not answer."
        for queue in self._waiting.values():
            for job in queue:
                job.tell(reason)
        # Dask would try by itself as well, and tell of it in the log
        await self._client.close(timeout=0)
        end = self._loop.time() + self._patience_s
        while self._loop.time() < end and not self._closed.is_set():
            try:
                async with asyncio.timeout_at(end):
                    self._client = await self._connected()
            except (OSError, TimeoutError):
                continue
            break
        if self._client.status == "running" and self._ending is not None:
            self._ending.client = self._client
            self._is_lost = False
            for queue in self._waiting.values():
                for job in queue:
                    job.tell("")
            self.pump()
            return True
        if self._closed.is_set():
            return False
        self.error = SchedulerLostError(
            f"The Dask scheduler at {self.address} is lost",
            why=f"It has not answered for {self._patience_s:g} seconds.",
            fix="See that it runs, and go on with the execution: what was under way "
            "is done again, what was done is not.",
            context={"address": self.address},
        )
        return False
