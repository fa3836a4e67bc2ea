"""The checks of the lesson on Dask."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from flexiflow.workflows import Runtime
from flexiflow.workflows.progress import error_text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flexiflow.workflows.progress import StepView

__all__ = ["check_offer", "check_storm"]

# Any in this module: what a student wrote, and what it returns.


async def check_offer(best_offer: Any) -> dict[str, str]:
    """Offer too few tickets, too many, and a good number."""
    if not hasattr(best_offer, "start"):
        return {"best_offer is a workflow": "Put @workflow above its async def."}
    (best, steps), (only, _) = await _outcomes(best_offer, [95, 104, 130], [90])
    return {
        "All seasons are one step on Dask workers": _mapped(
            steps, 150, "3 offers with 50 seasons each are 150 items"
        ),
        "It finds the best number": ""
        if best == 104  # noqa: PLR2004 - by far
        else f"Of 95, 104 and 130 tickets 104 bring the most; it gave {best!r}.",
        "A single offer is the best one": ""
        if only == 90  # noqa: PLR2004 - the only one
        else f"For [90] it gave {only!r}.",
    }


async def check_storm(fair_days: Any) -> dict[str, str]:
    """Let some days be stormy, and none."""
    if not hasattr(fair_days, "start"):
        return {"fair_days is a workflow": "Put @workflow above its async def."}
    (twelve, steps), (four, _) = await _outcomes(fair_days, 12, 4)
    return {
        "The days are one step on Dask workers": _mapped(
            steps, 12, "12 days are 12 items"
        ),
        "Days without a storm are added": ""
        if four == 410  # noqa: PLR2004 - 101 + 102 + 103 + 104
        else f"The days 1 to 4 are fair and bring 410; it gave {four!r}.",
        "Days with a storm count nothing": ""
        if twelve == 1063  # noqa: PLR2004 - without the days 5 and 10
        else "The days 1 to 12 without 5 and 10 bring 1063; it gave "
        f"{twelve!r}. See return_exceptions.",
    }


async def _outcomes(flow: Any, *inputs: Any) -> list[tuple[Any, tuple[StepView, ...]]]:
    """Return the result and the steps for each input; the workers are its own.

    The runtime of the notebook stays what it is: the student may run a cell meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="exercise-") as folder:
        runtime = Runtime(home=folder, durability="process", dask="local")
        try:
            runs = [runtime.start(flow.definition, given) for given in inputs]
            return [(_shown((await run).output), run.steps()) for run in runs]
        finally:
            runtime.close()


def _mapped(steps: Sequence[StepView], total: int, words: str) -> str:
    """Say what is wrong with the one step that there should be."""
    found = [(step.total, step.executor) for step in steps if step.total is not None]
    if found == [(total, "dask")]:
        return ""
    names = ", ".join(step.name for step in steps) or "none"
    if found == [(total, "")]:
        return 'They ran here: the task needs executor="dask".'
    return f"{words} of one mapped step; there were the steps: {names}."


def _shown(output: Any) -> Any:
    """Return a result, or an error as a line of text."""
    return error_text_of(output) if isinstance(output, BaseException) else output
