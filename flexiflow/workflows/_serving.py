"""Run a workflow for a state of a chart, as long as that state is active."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from . import _values
from ._definition import CATALOGUE
from ._scope import SCOPE
from .errors import ExecutionError
from .runtime import get_runtime

if TYPE_CHECKING:
    from .handle import Run
    from .runtime import Runtime

__all__ = ["serve"]

_LOOK = 1.0
"""Seconds between two looks whether another process went on with an execution."""


# Any: JSON data of the user's.
async def serve(
    name: str, arguments: dict[str, Any], key: str, released: set[str]
) -> Any:
    """Return what a workflow comes to.

    Parameters
    ----------
    name : str
        The workflow.
    arguments : dict
        Its input.
    key : str
        The id of the execution: one of that id is gone on with.
    released : set of str
        Keys of executions that are left alone when this is cancelled.

    Raises
    ------
    WorkflowNotFoundError
        If no workflow of that name has been defined in this process.
    ExecutionError
        If it failed, or was cancelled by somebody else.
    """
    # This is no branch of an execution whose task has sent the component a message.
    SCOPE.set(None)
    runtime = get_runtime()
    run = runtime.start(CATALOGUE.get(name), arguments or None, execution_id=key)
    try:
        await _end_of(runtime, run)
    except asyncio.CancelledError:
        if key in released:
            released.discard(key)
        else:
            await runtime.end(key)
        raise
    context = run.context
    if context.has_succeeded:
        return _values.to_json(context.output)
    error = context.output
    if isinstance(error, BaseException):
        raise error
    raise ExecutionError(
        what=f"The execution of {name!r} was cancelled",
        why="Somebody cancelled it while the state that runs it was active.",
        context={"execution_id": key, "workflow": name},
    )


async def _end_of(runtime: Runtime, run: Run[Any]) -> None:
    """Wait for the end of an execution; its pauses are answered by others."""
    news = asyncio.Event()
    stop = run.listen(lambda _: news.set())
    try:
        while not (await run).has_finished:
            news.clear()
            try:
                await asyncio.wait_for(news.wait(), _LOOK)
            except TimeoutError:
                run = runtime.get_run(run.execution_id)
    finally:
        stop()
