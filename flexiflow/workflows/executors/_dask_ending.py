"""End calls that went to Dask: take back those that wait, interrupt the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from ._dask_remote import cancel_calls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._dask_cluster import Workers
    from ._dask_job import DaskJob
    from ._dask_load import Load

__all__ = ["Ending"]

_Places: TypeAlias = "dict[tuple[str, int], str]"
"""The workers of loads, by the keys of these."""

_PLAIN_GRACE_S: Final = 0.3
"""Seconds in which a plain function that was interrupted may end by itself."""
_ASYNC_GRACE_S: Final = 5.0
"""Seconds in which an async function that was cancelled may clean up."""


@final
class Ending:
    """The ends of calls that are not to go on.

    Parameters
    ----------
    client : distributed.Client
        The connection. Any: Dask has no types.
    cluster : Workers or None
        The workers, if they are our own.
    under_way : dict of DaskJob to Load
        The calls that are at the scheduler; kept by the link.
    """

    def __init__(
        self, client: Any, cluster: Workers | None, under_way: dict[DaskJob, Load]
    ) -> None:
        self.client = client
        """The connection; another one after the scheduler was lost."""
        self._cluster = cluster
        self._under_way = under_way
        self._asked: list[tuple[DaskJob, bool]] = []
        self.tasks: set[asyncio.Task[None]] = set()
        """What is under way."""

    def end(self, job: DaskJob, is_hard: bool) -> None:  # noqa: FBT001 - a callback
        """End a call, with others whose end is asked for in the same turn."""
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._end_soon)
        self._asked.append((job, is_hard))

    def _end_soon(self) -> None:
        asked, self._asked = self._asked, []
        task = asyncio.get_running_loop().create_task(self._end_all(dict(asked)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _end_all(self, asked: dict[DaskJob, bool]) -> None:
        """End calls: take back those that wait, interrupt those that are at work."""
        jobs = [job for job in asked if job in self._under_way]
        try:
            kinds, places = await self.interrupt(jobs)
        except (OSError, TimeoutError):
            kinds, places = {}, {}  # the scheduler is lost, and they with it
        waiting = [job for job in jobs if kinds.get(job.id, "waiting") == "waiting"]
        loads = {job: self._under_way[job] for job in waiting if job in self._under_way}
        for job in waiting:
            job.finish(error=asyncio.CancelledError())
        await self.take_back(job for job in waiting if self._is_unbegun(job, kinds))
        unseen = [job.id for job, load in loads.items() if load.id not in places]
        await self._end_unseen(unseen)
        at_once = {job for job in jobs if kinds.get(job.id) == "plain" or asked[job]}
        await self._end_within(_PLAIN_GRACE_S, at_once, places)
        await self._end_within(_ASYNC_GRACE_S, set(jobs) - at_once, places)

    async def _end_unseen(self, ids: list[str]) -> None:
        """End calls that were begun while the scheduler was told to forget them."""
        if not ids or self.client.status != "running":
            return
        found = await self.client.run(cancel_calls, ids, on_error="ignore")
        stuck = [place for place, kinds in found.items() if "plain" in kinds.values()]
        if not stuck or self._cluster is None:
            return
        await asyncio.sleep(_PLAIN_GRACE_S)
        found = await self.client.run(
            cancel_calls, ids, workers=stuck, on_error="ignore"
        )
        await self._kill(
            place for place, kinds in found.items() if "plain" in kinds.values()
        )

    def _is_unbegun(self, job: DaskJob, kinds: dict[str, str]) -> bool:
        """Return whether no call of the load of a call is at work, as far as known."""
        load = self._under_way.get(job)
        if load is None:
            return False
        found = [kinds.get(key, "") for key in load.jobs]
        return (
            "plain" not in found
            and "async" not in found
            and (
                "waiting" not in found
                or all(item.is_cancelled for item in load.jobs.values())
            )
        )

    async def interrupt(self, jobs: list[DaskJob]) -> tuple[dict[str, str], _Places]:
        """Interrupt calls; return what they are, and the workers of their loads."""
        processing = await self.client.processing()
        places: _Places = {
            (key[0], key[1]): address
            for address, keys in processing.items()
            for key in keys
            if isinstance(key, tuple | list)
        }
        there: dict[str, list[str]] = {}
        for job in jobs:
            load = self._under_way.get(job)
            if load is not None and load.id in places:
                there.setdefault(places[load.id], []).append(job.id)
        kinds: dict[str, str] = {}
        for address, ids in there.items():
            told = await self.client.run(
                cancel_calls, ids, workers=[address], on_error="ignore"
            )
            kinds |= told.get(address) or {}
        return kinds, places

    async def _end_within(
        self, seconds: float, jobs: set[DaskJob], places: _Places
    ) -> None:
        """Wait for the end of calls; those that do not end are ended by force."""
        left = {job: self._under_way[job] for job in jobs if job in self._under_way}
        if not left:
            return
        tasks = {load.task for load in left.values() if load.task is not None}
        await asyncio.wait(tasks, timeout=seconds)
        stuck = {job for job in left if not job.future.done()}
        for job in stuck:
            job.finish(error=asyncio.CancelledError())
        loads = {left[job].id for job in stuck}
        await self.take_back(stuck)
        await self._kill(places[key] for key in loads if key in places)

    async def _kill(self, addresses: Iterable[str]) -> None:
        """Kill workers, if they are our own; others take their places."""
        listed = set(addresses)
        if self._cluster is None or not listed:
            return
        told = await self.client.scheduler.identity(n_workers=-1)
        for address in listed & told["workers"].keys():
            self._cluster.kill(str(told["workers"][address]["name"]))

    async def take_back(self, jobs: Iterable[DaskJob]) -> None:
        """Let the scheduler forget loads; what else is in them is sent again."""
        loads = {self._under_way[job] for job in jobs if job in self._under_way}
        for load in loads:
            load.is_taken_back = True
        if loads and self.client.status == "running":
            await self.client.cancel([load.future for load in loads], force=True)
