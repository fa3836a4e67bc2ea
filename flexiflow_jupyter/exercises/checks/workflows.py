"""The checks of the lessons on durable workflows and on pauses."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

from flexiflow.errors import FlexiFlowError
from flexiflow.workflows import Runtime, Task, workflow
from flexiflow.workflows.progress import error_text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from flexiflow.workflows import Run
    from flexiflow.workflows.progress import StepView

__all__ = [
    "check_fare",
    "check_four_eyes",
    "check_luggage",
    "check_parts",
    "check_stars",
]

# Any in this module: what a student wrote, and what it returns.

_TRIES = 3
_ENOUGH = 1_000


async def check_fare(fare: Any) -> dict[str, str]:
    """Let the airline answer late, or never."""
    options = getattr(fare, "options", None)
    if options is None:
        return {"fare is a task": "Put @task.with_options(...) above its def."}
    found: dict[str, Any] = {}
    tries: dict[str, int] = {}
    for flight, failures in {"LH 1": 0, "LH 2": 2, "LH 3": 9}.items():
        found[flight], tries[flight] = await _ask_fare(fare, flight, failures)
    return {
        "An answer at once is taken": ""
        if (found["LH 1"], tries["LH 1"]) == (99, 1)
        else f"The airline said 99; fare gave {found['LH 1']!r}, "
        f"after {tries['LH 1']} tries.",
        "It asks again, three times in all": ""
        if (found["LH 2"], tries["LH 2"]) == (99, _TRIES)
        else "The airline failed twice, then said 99. "
        f"fare gave {found['LH 2']!r}, after {tries['LH 2']} tries. "
        "retry_max_attempts counts the tries after the first.",
        "The list price is the way out": ""
        if found["LH 3"] == 120  # noqa: PLR2004 - as list_price says
        else "The airline always failed, and list_price says 120. "
        f"fare gave {found['LH 3']!r}. See fallback.",
    }


async def _ask_fare(fare: Any, flight: str, failures: int) -> tuple[Any, int]:
    """Return what the task gives while the airline fails, and how often it asked."""
    asked = 0

    def airline(_flight: str) -> int:
        nonlocal asked
        asked += 1
        if asked <= failures:
            raise ConnectionError("no answer")
        return 99

    async with _quick_runs() as start:
        trial = _asking(fare, airline)
        context = await start(workflow(trial), flight)
        return _shown(context.output), asked


def _asking(fare: Any, airline: Callable[[str], int]) -> Callable[[Any], Any]:
    """Return a body that calls a student's task, which asks another airline.

    The task is a copy: cards may be checked side by side, and the student's stays as
    it is.
    """
    func = fare.func
    names = {**func.__globals__, "airline": airline}
    copied = FunctionType(
        func.__code__, names, func.__name__, func.__defaults__, func.__closure__
    )
    asked: Any = Task(copied, fare.options)

    async def trial(ctx: Any) -> Any:
        return await asked(ctx.input)

    return trial


async def check_luggage(luggage: Any) -> dict[str, str]:
    """Let some bags be weighed."""
    if not hasattr(luggage, "start"):
        return {"luggage is a workflow": "Put @workflow above its async def."}
    async with _quick_runs() as start:
        run = start(luggage, ["red", "black", "green"])
        context = await run
        steps = run.steps()
        none = await start(luggage, [])
    mapped = [step for step in steps if step.total is not None]
    return {
        "The bags are weighed all at once": ""
        if [step.total for step in mapped] == [3]
        else "Three bags are one step with three items, by weigh.map(bags); "
        f"there were the steps {_names(steps)}.",
        "It returns the sum": ""
        if context.output == 3 + 5 + 5
        else f"red, black and green weigh 13; it gave {_shown(context.output)!r}.",
        "No bags weigh nothing": ""
        if none.output == 0
        else f"For [] it gave {_shown(none.output)!r}.",
    }


async def check_four_eyes(lend: Any) -> dict[str, str]:
    """Lend things of little and of great value."""
    if not hasattr(lend, "start"):
        return {"lend is a workflow": "Put @workflow above its async def."}
    async with _quick_runs() as start:
        cheap = await _asked(start(lend, 800), [True, True, True])
        dear = await _asked(start(lend, 5_000), [True, True, True])
        refused = await _asked(start(lend, 5_000), [False, True, True])
    return {
        "One keeper is enough up to 1,000": ""
        if cheap == (["first"], "lent")
        else f"For 800 it asked {cheap[0] or 'nobody'} and gave {cheap[1]!r}.",
        "Above, a second one is asked": ""
        if dear == (["first", "second"], "lent")
        else f"For 5,000 it asked {dear[0] or 'nobody'} and gave {dear[1]!r}.",
        "A No of the first is the end": ""
        if refused == (["first"], "stays here")
        else f"The first keeper said False. It asked {refused[0] or 'nobody'} and gave "
        f"{refused[1]!r}.",
    }


async def check_stars(review: Any) -> dict[str, str]:
    """Answer with nonsense before an answer that makes sense."""
    if not hasattr(review, "start"):
        return {"review is a workflow": "Put @workflow above its async def."}
    async with _quick_runs() as start:
        good = await _asked(start(review, "a film"), [4])
        late = await _asked(start(review, "a film"), ["good", 9, None, 0, 5])
        truth = await _asked(start(review, "a film"), [True, 1])
    return {
        "A number from 1 to 5 is taken": ""
        if good == (["stars"], 4)
        else f"The answer was 4. It asked {good[0]} and gave {good[1]!r}.",
        "Anything else is asked again": ""
        if (len(late[0]), late[1]) == (5, 5)
        else "The answers were 'good', 9, None, 0, 5. It asked "
        f"{len(late[0])} times and gave {late[1]!r}.",
        "True is no number": ""
        if (len(truth[0]), truth[1]) == (2, 1)
        else "isinstance(True, int) holds in Python. After True it should ask again; "
        f"it gave {truth[1]!r}.",
    }


async def check_parts(order_all: Any) -> dict[str, str]:
    """Order little and much."""
    if not hasattr(order_all, "start"):
        return {"order_all is a workflow": "Put @workflow above its async def."}
    parts = ["derailleur", "handlebar", "saddle"]  # 120 + 108 + 72
    async with _quick_runs() as start:
        cheap = await _asked(start(order_all, ["bell", "pump"]), [True])
        dear = await _asked(start(order_all, parts), [True, True, True])
        refused = await _asked(start(order_all, parts), [False, True])
        run = start(order_all, parts)
        await run
        steps = run.steps()
        await run.cancel()
    return {
        "Little is ordered without a question": ""
        if cheap == ([], "ordered")
        else f"A bell and a pump cost 96. It asked {cheap[0] or 'nobody'} and gave "
        f"{cheap[1]!r}.",
        "Above 200 the boss is asked, once": ""
        if dear == (["boss"], "ordered")
        else f"Three parts cost 300. It asked {dear[0] or 'nobody'} and gave "
        f"{dear[1]!r}.",
        "A No is the end": ""
        if refused == (["boss"], "too dear")
        else f"The boss said False. It asked {refused[0] or 'nobody'} and gave "
        f"{refused[1]!r}.",
        "The prices are asked side by side": ""
        if [step.total for step in steps if step.total is not None] == [len(parts)]
        else "Three parts are one step with three items, by price_of.map(parts); there "
        f"were the steps {_names(steps)}.",
    }


async def _asked(run: Run[Any], answers: Sequence[Any]) -> tuple[list[str], Any]:
    """Return which questions a run asked, and what came of it."""
    context = await run
    asked: list[str] = []
    for answer in answers:
        if not context.is_paused:
            break
        asked.append(next(step.name for step in run.steps() if step.status == "paused"))
        context = await run.resume(answer)
    if context.is_paused:
        await run.cancel()
        return asked, "still asks"
    return asked, _shown(context.output)


@asynccontextmanager
async def _quick_runs() -> AsyncIterator[Callable[[Any, Any], Run[Any]]]:
    """Give what starts a workflow with a journal of the check's own.

    The runtime of the notebook stays what it is: the student may run a cell meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="exercise-") as folder:
        runtime = Runtime(home=folder, durability="process")
        try:
            yield lambda flow, given: runtime.start(flow.definition, given)
        finally:
            runtime.close()


def _shown(output: Any) -> Any:
    """Return a result, or an error as a line of text."""
    if isinstance(output, BaseException | FlexiFlowError):
        return error_text_of(output)
    return output


def _names(steps: Sequence[StepView]) -> str:
    """Return the names of steps in their order."""
    return ", ".join(step.name for step in steps) or "none"
