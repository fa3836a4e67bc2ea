"""Workflows of every kind of step, for processes that are killed while they run them.

``python killed_workflows.py HOME EXECUTION_ID SEED [DATABASE_URL]`` begins the
execution or goes on with it, answers its pauses, and prints its output. Each call of a
function is a line on standard output: ``began EXECUTION:KEY LABEL`` and
``ended EXECUTION:KEY LABEL``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys

from flexiflow.workflows import (
    ExecutionContext,
    Runtime,
    call,
    now,
    parallel,
    pause,
    randint,
    set_runtime,
    sleep,
    task,
    uuid4,
    workflow,
)
from flexiflow.workflows._scope import scope_here

ANSWERS = {"review": 0, "name": ""}
"""What the pauses are answered with: falsy data counts."""

PACE = random.Random()  # noqa: S311 - another in each process


def say(*words: object) -> None:
    """Write a line at once and whole."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def tell(what: str, label: str) -> None:
    """Say what happens in which step."""
    scope = scope_here()
    say(what, f"{scope.drive.live.id}:{scope.prefix.rstrip('/')}", label)


async def dawdle() -> None:
    """Let others go first, or not."""
    for _ in range(PACE.randrange(5)):
        await asyncio.sleep(0)


@task
async def double(label: str, number: int) -> int:
    """Double a number."""
    tell("began", label)
    await dawdle()
    tell("ended", label)
    return number * 2


@task.with_options(retry_max_attempts=3, retry_delay=0.01, metadata=True)
async def flaky(label: str, number: int, *, metadata) -> int:
    """Fail twice before it does it."""
    tell("began", f"{label}#{metadata.attempt}")
    await dawdle()
    tell("ended", f"{label}#{metadata.attempt}")
    if metadata.attempt <= 2:
        message = f"attempt {metadata.attempt}"
        raise ValueError(message)
    return number + 1


@task
async def tenfold(number: int) -> int:
    """Multiply a number by ten."""
    tell("began", f"f{number}")
    await dawdle()
    tell("ended", f"f{number}")
    return number * 10


@task.with_options(executor="thread")
def triple(label: str, number: int) -> int:
    """Triple a number in a thread."""
    tell("began", label)
    tell("ended", label)
    return number * 3


@task
async def broken(label: str) -> int:
    """Fail."""
    tell("began", label)
    await dawdle()
    tell("ended", label)
    raise LookupError(label)


async def chain(name: str, length: int) -> int:
    """Call steps one after the other, each with the result of the one before."""
    number = 1
    for at in range(length):
        await dawdle()
        number = await double(f"{name}.{at}", number)
    return number


@workflow
async def child(ctx: ExecutionContext[int]) -> dict[str, int]:
    """Call some steps, and wait for a person."""
    first = await double("child.first", ctx.input)
    answer = await pause("name")
    second = await flaky("child.second", first + len(answer))
    return {"first": first, "second": second}


@workflow
async def everything(ctx: ExecutionContext[int]) -> dict[str, object]:
    """Call steps of every kind."""
    began = await now()
    lucky = await randint(1, 10**9)
    once = await double("once", lucky)
    branches = await parallel(chain("a", 3), chain("b", 2), flaky("c", 10))
    gathered = await asyncio.gather(chain("d", 2), chain("e", 3), sleep(0.01))
    mapped = await tenfold.map([1, 2, 3], limit=2)
    squares = await parallel(*[triple(f"g{at}", at) for at in range(4)], limit=2)
    try:
        await broken("broken")
    except Exception as error:  # noqa: BLE001 - shown in the output
        failure = str(error)
    review = await pause("review")
    below = await call(child, ctx.input)
    last = await chain("last", 2)
    return {
        "is_later": (await now()) >= began,
        "lucky": lucky,
        "once": once,
        "branches": branches,
        "gathered": gathered[:2],
        "mapped": mapped,
        "squares": squares,
        "failure": failure,
        "review": review,
        "below": below,
        "last": last,
        "id": str(await uuid4()),
    }


async def main(home: str, execution_id: str, seed: str, url: str = "") -> None:
    """Go on with the execution until it ends."""
    PACE.seed(seed)
    with Runtime(home=home, database_url=url or None, max_crashes=10**6) as runtime:
        set_runtime(runtime)
        context = await everything.start(5, execution_id=execution_id)
        while context.is_paused:
            name = next(
                event.name
                for event in reversed(context.events)
                if event.type == "WORKFLOW_PAUSED"
            )
            say("paused", name)
            run = runtime.get_run(execution_id)
            context = await run.resume(ANSWERS[name])
        say("output", json.dumps([str(context.state), context.output]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
