"""The tasks that come with workflows: time, chance, waiting, and many at once."""

from __future__ import annotations

import asyncio
import inspect
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import _values
from ._at_work import Waiting
from ._branches import Together, check_limit
from ._children import call_child
from ._clocked import pause_until
from ._definition import CATALOGUE, Definition
from ._graph import Graph
from ._options import check_number
from ._scope import Scope, enter_scope
from ._step import Step, compare, known_result
from .context import ExecutionContext
from .decorators import Workflow, task
from .replay import PATCHED, with_seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from ._drive import Drive

__all__ = [
    "Graph",
    "call",
    "choice",
    "now",
    "parallel",
    "patched",
    "pause",
    "pipeline",
    "randint",
    "randrange",
    "sleep",
    "uuid4",
]

T = TypeVar("T")

_DICE = random.SystemRandom()


@task
def now() -> datetime:
    """Return the time of the first run, an aware UTC instant."""
    return datetime.now(UTC)


@task
def uuid4() -> uuid.UUID:
    """Return a random UUID; the same in each replay."""
    return uuid.uuid4()


@task
def choice(options: Sequence[T]) -> T:
    """Return one of several values by chance; the same in each replay."""
    return _DICE.choice(options)


@task
def randint(low: int, high: int) -> int:
    """Return a random integer, both bounds included; the same in each replay."""
    return _DICE.randint(low, high)


@task
def randrange(start: int, stop: int | None = None, step: int = 1) -> int:
    """Return a random item of ``range(start, stop, step)``; the same in each replay."""
    if stop is None:
        return _DICE.randrange(start)
    return _DICE.randrange(start, stop, step)


# --- waiting --------------------------------------------------------------------------


def sleep(seconds: float | timedelta) -> Coroutine[Any, Any, None]:
    """Wait; after a restart only for what is left of it.

    Parameters
    ----------
    seconds : float or timedelta
        How long; at least 0.
    """
    scope = enter_scope("sleep")
    delay = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    check_number("seconds", delay, "a number of seconds, at least 0", least=0)
    return _sleep(scope.drive, scope.next_key(), delay)


async def _sleep(drive: Drive, key: str, delay: float) -> None:
    digest = _values.digest_of((delay,), {})
    known = drive.recorded.ended.pop(key, None)
    if known is not None:
        await known_result(drive, known, "sleep", digest)
        return
    opened = drive.recorded.open.pop(key, None)
    clock = drive.host.clock
    due = clock.time() + delay
    if opened is not None:
        due = _values.value_of(opened.records[0].value or "")["due"]
    facts = _values.text_of({"due": due})
    step = Step(drive, key, "sleep", digest)
    step.begin(opened, facts)
    try:
        await pause_until(clock, drive.lane.loop, due)
        await step.finish(None)
    except asyncio.CancelledError as error:
        step.give_up(error)
        raise
    finally:
        drive.leave(key)


# Any, here and below: answers, inputs and results are the user's.
def pause(name: str = "pause", prompt: Any = None) -> Coroutine[Any, Any, Any]:
    """Wait for an answer: for a person, or another program; for days if need be.

    Parameters
    ----------
    name : str, default "pause"
        What the question is called.
    prompt : Any, optional
        What goes with it: text, or facts for a form.

    Returns
    -------
    coroutine
        Gives the data that the execution is resumed with; None without any.
    """
    scope = enter_scope(name)
    return _pause(scope.drive, scope.next_key(), name, prompt)


async def _pause(drive: Drive, key: str, name: str, prompt: Any) -> Any:
    known = drive.recorded.ended.pop(key, None)
    if known is not None:
        return await known_result(drive, known, name, "")
    drive.check()
    opened = drive.recorded.open.pop(key, None)
    step = Step(drive, key, name, "")
    if opened is not None:
        drive.turns.begin(opened.start)
        compare(drive, opened.records[0], name, "")
    answered: asyncio.Future[Any] = drive.lane.loop.create_future()
    try:
        if opened is None or not opened.is_paused:
            await _ask(step, drive.values.text_of(prompt))
        drive.wait_at(Waiting(key, name, answered.set_result))
        data = await answered
        drive.saw(key)
        return data
    except asyncio.CancelledError as error:
        step.give_up(error)
        raise
    finally:
        drive.wait_no_more(key)
        drive.leave(key)


async def _ask(step: Step, prompt: str | None) -> None:
    """Store that a pause begins."""
    drive = step.drive
    seen = with_seen(None, drive.turns.seen) if drive.branches else None
    drive.enter(step.key)
    try:
        await drive.writing.commit(
            step.record("TASK_STARTED", seen), step.record("TASK_PAUSED", prompt)
        )
    finally:
        drive.leave(step.key)


# --- many at once ---------------------------------------------------------------------


def parallel(
    *branches: Awaitable[Any] | Callable[[], Any],
    limit: int | None = None,
    return_exceptions: bool = False,
) -> Coroutine[Any, Any, list[Any]]:
    """Run branches side by side; the coroutine gives their results in order.

    Parameters
    ----------
    *branches : awaitable or callable
        Steps, coroutines of several steps, or functions that give one.
    limit : int, optional
        How many may be under way at once; all of them by default.
    return_exceptions : bool, default False
        Whether errors stand among the results; else the first failure cancels the
        other branches, waits for them, and is raised.
    """
    scope = enter_scope("parallel")
    key = scope.next_key()
    if limit is not None:
        check_limit(limit)
    calls = [_branch(branch) for branch in branches]
    scopes = [Scope(scope.drive, f"{key}/{at}/") for at in range(len(branches))]
    together = Together(calls, scopes, limit=limit, keep_errors=return_exceptions)
    return _together(together, branches)


async def _together(
    together: Together, branches: tuple[Awaitable[Any] | Callable[[], Any], ...]
) -> list[Any]:
    try:
        return await together.run()
    finally:
        for branch in branches:
            # Closing what has ended does nothing; what never began would be warned of.
            if inspect.iscoroutine(branch):
                branch.close()


def _branch(
    branch: Awaitable[Any] | Callable[[], Any],
) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Return a function that gives the coroutine of a branch."""

    async def run() -> Any:
        result = branch if inspect.isawaitable(branch) else None
        if result is None:
            result = cast("Callable[[], Any]", branch)()
        return await result if inspect.isawaitable(result) else result

    return run


async def pipeline(*stages: Callable[[Any], Any], input: Any = None) -> Any:
    """Feed each result to the next stage; return the last one.

    Parameters
    ----------
    *stages : callable
        Tasks, workflows or functions of one argument, async or plain.
    input : Any, optional
        What the first stage gets.
    """
    result = input
    for stage in stages:
        result = stage(result)
        if inspect.isawaitable(result):
            result = await result
    return result


def call(workflow: Workflow[Any] | str, input: Any = None) -> Coroutine[Any, Any, Any]:
    """Run another workflow as a step: a child execution.

    Parameters
    ----------
    workflow : Workflow or str
        The workflow, or its name.
    input : Any, optional
        What its body finds as ``ctx.input``; of a context that is given, its input.

    Returns
    -------
    coroutine
        Gives what its body returns.

    Raises
    ------
    WorkflowNotFoundError
        If no workflow of that name has been defined in this process.
    """
    definition: Definition = (
        CATALOGUE.get(workflow) if isinstance(workflow, str) else workflow.definition
    )
    given = input.input if isinstance(input, ExecutionContext) else input
    scope = enter_scope(definition.name)
    return call_child(scope.drive, scope.next_key(), definition, given)


def patched(change: str) -> bool:
    """Return whether the body may take a new way here.

    Parameters
    ----------
    change : str
        The id of the change; one for each.

    Returns
    -------
    bool
        True for executions that come here for the first time, False for those that had
        gone past with the old code; the same in each replay.
    """
    scope = enter_scope("patched")
    drive: Drive = scope.drive
    drive.check()
    recorded = drive.recorded
    key = f"{scope.prefix}patch:{change}"
    if key in recorded.patches:
        return True
    following = f"{scope.prefix}{scope.steps + 1}"
    if following in recorded.ended or following in recorded.open:
        return False
    recorded.patches.add(key)
    drive.writing.note(drive.writing.record(PATCHED, key, change))
    return True
