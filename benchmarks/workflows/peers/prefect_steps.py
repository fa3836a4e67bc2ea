"""The same steps with Prefect, its results stored, on its own SQLite server.

Run by ``run.py --peers PYTHON`` with the interpreter that has it; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from importlib.metadata import version

os.environ |= {
    "PREFECT_HOME": f"{sys.argv[1]}/prefect",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

from prefect import flow, task
from prefect.testing.utilities import prefect_test_harness


@task
async def noop(number: int) -> int:
    """Do nothing."""
    return number


@flow
async def count(steps: int) -> str:
    """Call a step so many times."""
    for number in range(steps):
        assert await noop(number) == number
    return "done"


async def measure(steps: int, runs: int, each: int) -> dict[str, float]:
    """Return the seconds of a step, one by one and side by side."""
    await count(2)
    started = time.perf_counter()
    assert await count(steps) == "done"
    sequential = (time.perf_counter() - started) / steps
    started = time.perf_counter()
    await asyncio.gather(*[count(each) for _ in range(runs)])
    together = (time.perf_counter() - started) / (runs * each)
    return {"sequential_s": sequential, "together_s": together}


def main() -> None:
    """Read the arguments: a folder, steps, runs, and the steps of each."""
    steps, runs, each = map(int, sys.argv[2:])
    with prefect_test_harness(server_startup_timeout=120):
        few = min(runs, 20)  # its server answers no more in time
        found = asyncio.run(measure(steps, few, each))
    name = f"Prefect, {few} side by side,"
    print(json.dumps({"name": name, "version": version("prefect"), **found}))


if __name__ == "__main__":
    main()
