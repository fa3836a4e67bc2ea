"""Durable workflows, as a type checker sees them; read by mypy, never run."""

from __future__ import annotations

from typing import Any, assert_type

from flexiflow.workflows import ExecutionContext, Run, Workflow, task, workflow


@task
async def shout(text: str, *, times: int = 1) -> str:
    """Return text, louder."""
    return text.upper() * times


@task.with_options(retry_max_attempts=2, timeout=5)
async def count(text: str) -> int:
    """Return the number of letters."""
    return len(text)


@task
def half(number: int) -> float:
    """Return the half."""
    return number / 2


@workflow
async def speak(ctx: ExecutionContext[str]) -> list[str]:
    """Say it twice."""
    assert_type(ctx.input, str)
    assert_type(await shout(ctx.input), str)
    assert_type(await count("a"), int)
    assert_type(await half(3), float)
    assert_type(await count.map(["a", "b"]), list[int])
    await shout(3)  # type: ignore[arg-type]
    await shout("a", often=3)  # type: ignore[call-arg]
    return [await shout(ctx.input), "!"]


@workflow.with_options(name="other")
async def other(ctx: ExecutionContext[int]) -> int:
    """Return the input."""
    return ctx.input


assert_type(speak, Workflow[list[str]])
assert_type(speak.run("a"), ExecutionContext[Any])


async def handles() -> None:
    """Look at what is started."""
    run = speak.start("a")
    assert_type(run, Run[Any])
    assert_type(await run, ExecutionContext[Any])
    task.with_options(executor="mars")  # type: ignore[arg-type]
