"""The program of a Dask worker of the embedded cluster.

It is started by the path of this file; what it needs to know comes on its standard
input, as a line of JSON. When that ends, so does the worker: its parent is gone.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import threading
from typing import Any

__all__ = ["main"]


def _end_with_parent() -> None:
    """Wait for the end of the input, and end at once."""
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


async def _serve(options: dict[str, Any]) -> None:  # Any: JSON
    """Be a worker until it is closed."""
    distributed: Any = importlib.import_module("distributed")
    worker = distributed.Worker(
        **options,
        dashboard=False,
        silence_logs=logging.CRITICAL,
        heartbeat_interval="1s",
    )
    async with worker:
        # found by the first call otherwise, which would wait for it
        importlib.import_module("flexiflow.workflows.executors._dask_remote")
        await worker.finished()


def main() -> None:
    """Read what to be, and be it."""
    setup = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = setup["path"]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve(setup["worker"]))


if __name__ == "__main__":
    main()
