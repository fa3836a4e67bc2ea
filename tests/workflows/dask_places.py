"""Dask schedulers and workers in processes of their own, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_SCHEDULER = """
import asyncio, sys
from distributed import Scheduler

async def main():
    port = int(sys.argv[1])
    async with Scheduler(
        host="127.0.0.1", port=port, dashboard=False, dashboard_address="127.0.0.1:0"
    ) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()

asyncio.run(main())
"""


class Place:
    """A process that a test has started.

    Parameters
    ----------
    process : subprocess.Popen
        It.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.address = ""

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def scheduler(port: int = 0) -> Place:
    """Start a scheduler; it has an address when this returns."""
    place = Place(
        subprocess.Popen(
            [sys.executable, "-c", _SCHEDULER, str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(),
        )
    )
    place.address = place.process.stdout.readline().strip()
    return place


def worker(address: str, folder: Path, *, name: str, **resources: float) -> Place:
    """Start a worker with resources; it comes to the scheduler soon."""
    program = ROOT / "flexiflow/workflows/executors/_dask_worker.py"
    process = subprocess.Popen(
        [sys.executable, "-P", str(program)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(),
    )
    options = {
        "scheduler_ip": address,
        "name": name,
        "nthreads": 1,
        "local_directory": str(folder),
        "resources": resources,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
        # it comes back to a scheduler that begins anew
        "death_timeout": 60,
    }
    path = [str(ROOT), *sys.path]
    process.stdin.write(json.dumps({"path": path, "worker": options}) + "\n")
    process.stdin.flush()
    return Place(process)
