"""Places where tasks run: the loop, threads, processes, Dask workers.

>>> import asyncio
>>> executors = Executors()
>>> asyncio.run(executors.run("thread", pow, (2, 10)))
1024
>>> executors.close()
"""

from __future__ import annotations

from ._executors import Executors
from .dask import DaskExecutor
from .process import ProcessExecutor
from .protocol import Call, Executor, ExecutorStatistics, Job
from .thread import ThreadExecutor

__all__ = [
    "Call",
    "DaskExecutor",
    "Executor",
    "ExecutorStatistics",
    "Executors",
    "Job",
    "ProcessExecutor",
    "ThreadExecutor",
]
