"""A Dask cluster of this machine: a scheduler in this process, workers in their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final, final

from dask.system import CPU_COUNT
from distributed import LocalCluster, Status
from distributed.deploy.spec import ProcessInterface
from distributed.system import MEMORY_LIMIT

from . import _dask_worker
from ._dask_resources import worker_resources

__all__ = ["Workers", "start_cluster"]

PROGRAM: Final = Path(_dask_worker.__file__)
_AGAIN_S: Final = 0.5
"""Seconds before a worker that ended by itself soon is begun again."""
_ANSWER_S: Final = 1.0
"""Seconds in which a worker of this machine takes a call."""
_SHARE: Final = 0.8
"""The part of the machine's memory that all workers together may use."""


# Dask has no types, here and below.
@final
class WorkerProcess(ProcessInterface):
    """A worker in a process of its own, begun again when that has died.

    Parameters
    ----------
    scheduler : str
        The address of the scheduler.
    name : str
        Its name.
    nthreads : int
        How many calls it makes at a time.
    memory : int
        Bytes it may use.
    folder : str
        Where it keeps what does not fit into that.
    resources : dict of str to float
        What it declares.
    **_ : object
        What the cluster says to workers of other kinds.
    """

    def __init__(
        self,
        scheduler: str,
        *,
        name: object,
        nthreads: int,
        memory: int,
        folder: str,
        resources: dict[str, float],
        **_: Any,
    ) -> None:
        super().__init__(scheduler=scheduler, name=name)  # type: ignore[no-untyped-call] # as above
        options = {
            "scheduler_ip": scheduler,
            "name": str(name),
            "nthreads": nthreads,
            "memory_limit": memory,
            "local_directory": folder,
            "resources": resources,
            "host": "127.0.0.1",
            "dashboard_address": "127.0.0.1:0",
            "death_timeout": 10,
        }
        self._options: Final = options
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process, if it runs."""
        process = self._process
        return (
            None if process is None or process.returncode is not None else process.pid
        )

    async def start(self) -> None:
        """Begin the process; it says by itself to the scheduler that it is there."""
        self._process = await self._begun()
        self._watch = asyncio.create_task(self._mind())
        await super().start()  # type: ignore[no-untyped-call] # as above

    async def close(self) -> None:
        """Kill the process, and what it has started."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        self.kill()
        if self._process is not None:
            await self._process.wait()
        await super().close()  # type: ignore[no-untyped-call] # as above

    def kill(self) -> None:
        """Kill the process; another one takes its place."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def _begun(self) -> asyncio.subprocess.Process:
        """Start the process and tell it what to be."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # a group of its own: Ctrl-C is for the parent, and all of it can be killed
            start_new_session=True,
        )
        path = [item or str(Path.cwd()) for item in sys.path]
        setup = json.dumps({"path": path, "worker": self._options})
        if process.stdin is not None:
            process.stdin.write(f"{setup}\n".encode())
        return process

    async def _mind(self) -> None:
        """Print what the process prints; begin another one when it has died."""
        while (process := self._process) is not None:
            began = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as group:
                group.create_task(_print(process.stdout, "stdout"))
                group.create_task(_print(process.stderr, "stderr"))
            await process.wait()
            if asyncio.get_running_loop().time() - began < _AGAIN_S:
                await asyncio.sleep(_AGAIN_S)
            self._process = await self._begun()


async def _print(stream: asyncio.StreamReader | None, name: str) -> None:
    """Print what comes out of a process where this one prints."""
    while stream is not None and (text := await stream.read(1 << 16)):
        target = getattr(sys, name)
        if target is not None:
            with contextlib.suppress(ValueError, OSError):  # it may have been closed
                target.write(text.decode(errors="replace"))
                target.flush()


@final
class Workers:
    """The workers of an embedded cluster.

    Parameters
    ----------
    cluster : LocalCluster
        The cluster; Any, for Dask has no types.
    """

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        found: str = self._cluster.scheduler_address
        return found

    def kill(self, name: str) -> None:
        """Kill the process of a worker; another one takes its place."""
        for worker in self._cluster.workers.values():
            if worker._options["name"] == name:  # noqa: SLF001 - of this module
                worker.kill()

    async def close(self) -> None:
        """End all processes, and the scheduler."""
        for worker in tuple(self._cluster.workers.values()):
            await worker.close()
        if self._cluster.status != Status.closed:
            await self._cluster.close()


async def start_cluster(*, workers: int | None, threads: int, folder: Path) -> Workers:
    """Start a scheduler in the running loop, and worker processes; loopback only.

    Parameters
    ----------
    workers : int, optional
        How many; one for each core by default.
    threads : int
        How many calls each makes at a time.
    folder : Path
        Where workers keep what does not fit into memory; absolute, and there.
    """
    count = workers or CPU_COUNT
    memory = int(MEMORY_LIMIT * _SHARE / count)
    names = {item.name for item in distributions() if item.name}
    cluster = LocalCluster(
        asynchronous=True,
        n_workers=count,
        threads_per_worker=threads,
        worker_class=WorkerProcess,
        memory=memory,
        folder=str(folder),
        resources=worker_resources(cpu=threads, memory=memory, packages=names),
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
        scheduler_kwargs={
            "allowed_failures": 3,
            # a worker that has died is called again and again for so many seconds,
            # and all that is fetched with its results waits for that
            "timeout": _ANSWER_S,
            # what is left of the dashboard: a page that says that it lives
            "dashboard_address": "127.0.0.1:0",
        },
    )
    await cluster
    return Workers(cluster)
