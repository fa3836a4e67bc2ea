"""The checks of the lesson on seeing what a machine did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexiflow import AsyncComponent, machine, on, state
from flexiflow.chart_machine import ChartMachine

from ._awaiting import call

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_first_step"]

# Any in this module: what a student wrote.

_COUNTER = machine(
    "counter",
    context={"n": 0},
    initial="Open",
    states={
        "Open": state(
            on={"up": on(do={"add": {"n": 1}}), "down": on(do={"add": {"n": -1}})}
        )
    },
)


async def check_first_step(first_step: Callable[..., Any]) -> dict[str, str]:
    """Let a counter go wrong, and be right again."""
    counter = AsyncComponent("counter", state_machine=ChartMachine(_COUNTER))
    counter.keep_steps()
    for kind in ("up", "down", "down", "up", "down"):
        await counter.send(kind)
    below = await call(first_step, counter, lambda context: context["n"] < 0)
    above = await call(first_step, counter, lambda context: context["n"] > 9)  # noqa: PLR2004
    start = await call(first_step, counter, lambda context: context["n"] == 0)
    return {
        "It finds the first of several": ""
        if below == 3  # noqa: PLR2004 - up, down, and then the one
        else "After up, down, down, up, down the counter was below 0 twice, first at "
        f"step 3. It returned {below!r}.",
        "There may be none": ""
        if above is None
        else f"The counter was never above 9. It returned {above!r}.",
        "The beginning counts": ""
        if start == 0 and start is not False
        else "The first entry is the state in which it began: step 0. It returned "
        f"{start!r}.",
    }
