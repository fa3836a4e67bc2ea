"""The same steps as workflows, and what only workflows do: replay, cancel."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal

from flexiflow.workflows import ExecutionContext, Runtime, pause, task, workflow
from flexiflow.workflows.runtime import set_runtime

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cancel_s", "product", "replay_s", "sequential_s", "together_s"]


@task
async def noop(number: int) -> int:
    """Do nothing."""
    return number


@workflow
async def count(ctx: ExecutionContext[int]) -> str:
    """Call a step so many times."""
    for number in range(ctx.input):
        assert await noop(number) == number
    return "done"


@workflow
async def count_then_ask(ctx: ExecutionContext[int]) -> int:
    """Call a step so many times, then wait for a person."""
    total = 0
    for number in range(ctx.input):
        total += await noop(number)
    await pause("review")
    return total


@workflow
async def wait(ctx: ExecutionContext[None]) -> float:
    """Wait for ever; return when the cancellation was seen."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return time.perf_counter()
    return 0.0


async def sequential_s(steps: int) -> float:
    """Return the seconds of one step of one workflow."""
    started = time.perf_counter()
    context = await count.start(steps)
    spent = time.perf_counter() - started
    assert context.has_succeeded, context.output
    return spent / steps


async def together_s(runs: int, steps: int) -> float:
    """Return the seconds of one step when many workflows run side by side."""
    started = time.perf_counter()
    contexts = await asyncio.gather(*[count.start(steps) for _ in range(runs)])
    spent = time.perf_counter() - started
    assert all(context.has_succeeded for context in contexts)
    return spent / (runs * steps)


async def replay_s(steps: int) -> float:
    """Return the CPU seconds in which one known step is gone through again.

    The execution waits for a person; to go on, its body is run anew from the journal,
    reading it included.
    """
    context = await count_then_ask.start(steps)
    assert context.is_paused, context.state
    started = time.process_time()
    context = await asyncio.to_thread(count_then_ask.resume, context.execution_id, None)
    spent = time.process_time() - started
    assert context.output == sum(range(steps)), context.output
    return spent / steps


async def cancel_s() -> float:
    """Return the seconds from a cancel to ``CancelledError`` in the body."""
    run = wait.start(None)
    began = asyncio.Event()
    run.listen(lambda _: began.set())
    await began.wait()
    await asyncio.sleep(0)
    started = time.perf_counter()
    context = await run.cancel()
    return float(context.output) - started


class product:  # noqa: N801 - used as a verb: `with product(folder):`
    """Make a runtime in a folder the one that all workflows use, for a while."""

    def __init__(
        self,
        folder: Path,
        *,
        max_parked: int = 100,
        durability: Literal["disk", "process"] = "disk",
        database_url: str | None = None,
    ) -> None:
        self._runtime = Runtime(
            home=folder,
            database_url=database_url,
            max_parked=max_parked,
            durability=durability,
        )

    def __enter__(self) -> Runtime:
        """Put it in place."""
        self._before = set_runtime(self._runtime)
        return self._runtime

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        set_runtime(self._before)
        self._runtime.close()
