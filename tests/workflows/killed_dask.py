"""A workflow whose tasks run on Dask workers, for processes that are killed.

``python killed_dask.py HOME LIFE`` begins the execution ``run`` or goes on with it, and
prints its output. Each call of a task is a line in ``HOME/calls``:
``LIFE KEY PID TIME``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from flexiflow.workflows import ExecutionContext, Runtime, parallel, task, workflow

__all__ = ["EXPECTED", "spread"]

EXPECTED = {"squares": [n * n for n in range(24)], "chain": 6, "both": [1, 1]}
"""What comes out, however often something is killed."""

on_dask = task.with_options(
    executor="dask", metadata=True, retry_max_attempts=5, retry_delay=0.01
)


def note(source_id: str) -> None:
    """Write down that a call was made."""
    line = f"{os.environ.get('LIFE', '0')} {source_id} {os.getpid()} {time.time()}\n"
    calls = os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(calls, line.encode())
    finally:
        os.close(calls)


@on_dask
def square(number, *, metadata):
    """Square a number, not at once."""
    note(metadata.task_id)
    time.sleep(0.02)
    return number * number


@on_dask
async def plus(number, *, metadata):
    """Add one, in a loop of the worker."""
    note(metadata.task_id)
    await asyncio.sleep(0.02)
    return number + 1


@workflow.with_options(name="spread")
async def spread(_: ExecutionContext) -> dict[str, object]:
    """Map, chain and branch."""
    squares = await square.map(range(24))
    chain = 0
    for _step in range(6):
        chain = await plus(chain)
    both = await parallel(plus(0), plus(0))
    return {"squares": squares, "chain": chain, "both": both}


async def main(home: str) -> None:
    """Go on with the execution until it ends."""
    with Runtime(home=home, max_crashes=10**6):
        context = await spread.start(None, execution_id="run")
    output = [str(context.state), context.output]
    sys.stdout.write(json.dumps(output) + "\n")


if __name__ == "__main__":
    os.environ["CALLS"] = os.path.join(sys.argv[1], "calls")  # noqa: PTH118
    os.environ["LIFE"] = sys.argv[2]
    os.makedirs(sys.argv[1], exist_ok=True)  # noqa: PTH103
    asyncio.run(main(sys.argv[1]))
