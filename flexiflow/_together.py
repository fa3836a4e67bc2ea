"""Wait for several tasks, none of which is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["all_or_first_failure", "stop"]


async def all_or_first_failure(tasks: list[asyncio.Task[Any]]) -> None:
    """Wait for all tasks, or raise the failure that came first in time."""
    if not tasks:
        return
    end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = len(tasks)

    def note(task: asyncio.Task[Any]) -> None:
        nonlocal left
        left -= 1
        if end.done():
            return
        if task.cancelled():
            end.cancel()
        elif (error := task.exception()) is not None:
            end.set_exception(error)
        elif left == 0:
            end.set_result(None)

    for task in tasks:
        task.add_done_callback(note)
    try:
        await end
    finally:
        if end.done() and not end.cancelled():
            end.exception()  # seen, even when the caller was cancelled just then


async def stop(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until each has ended, however often one is cancelled."""
    for task in tasks:
        task.cancel()
    again: asyncio.CancelledError | None = None
    while waiting := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(waiting)
        except asyncio.CancelledError as error:
            again = error
    for task in tasks:
        if not task.cancelled():
            task.exception()  # one failure is raised; the others are not left unseen
    if again is not None:
        raise again
