"""Tell the errors of a user's code from the wish that it stops."""

from __future__ import annotations

import asyncio
import threading

__all__ = ["is_interruption", "is_own"]


def is_own(error: BaseException) -> bool:
    """Return whether a ``CancelledError`` is an error of the code that raised it.

    Nobody has cancelled the task then: it awaited something that had been cancelled.
    """
    task = asyncio.current_task()
    is_cancelled = isinstance(error, asyncio.CancelledError)
    return is_cancelled and task is not None and not task.cancelling()


def is_interruption(error: BaseException) -> bool:
    """Return whether an exception is no failure of the code that it came out of.

    Ctrl-C raises ``KeyboardInterrupt`` in the main thread alone; in any other it can
    only be the code's own, like ``SystemExit`` everywhere.
    """
    if isinstance(error, KeyboardInterrupt):
        return threading.current_thread() is threading.main_thread()
    if isinstance(error, asyncio.CancelledError):
        return not is_own(error)
    return isinstance(error, GeneratorExit)
