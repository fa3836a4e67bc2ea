"""Bring an engine's work to its end, and stop what does not end in time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from ._message import active
from ._scope import CURRENT
from ._worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ._home import Home
    from .event_manager import AsyncEventManager

__all__ = ["drain"]

_LAST_WORDS_S: Final = 1.0
"""How long a cancelled handler may take to end."""
_log: Final = logging.getLogger(__name__)


async def drain(
    home: Home, workers: Sequence[Worker], bus: AsyncEventManager, grace_s: float
) -> None:
    """Take only what the messages under way need, and wait for their end.

    Parameters
    ----------
    home : Home
        The engine's loop; closing from now on, and closed once the time is over.
    workers : sequence of Worker
        The engine's components. One from within whose handling the engine is closed is
        not waited for.
    bus : AsyncEventManager
        The engine's bus; observers are waited for as well, and stopped at the end.
    grace_s : float
        How long to wait before handlers and observers are cancelled, in seconds.
    """
    home.closing = True
    own = {id(scope.component) for scope in active(CURRENT.get())}
    others = [worker for worker in workers if id(worker) not in own]
    for worker in workers:
        worker.settle(home)
        worker.hurry()
    try:
        async with asyncio.timeout(grace_s):
            while any(worker.is_busy for worker in others):
                for worker in others:
                    await worker.idle()
            await bus.join()
    except TimeoutError:
        home.closed = True
        await _cancel(others)
    services = {task for worker in workers for task in worker.end_background()}
    if services:
        await asyncio.wait(services, timeout=_LAST_WORDS_S)
    await bus.stop()


async def _cancel(workers: Sequence[Worker]) -> None:
    """Refuse what waits, cancel the handlers that run and wait for their end."""
    for worker in workers:
        worker.shut()
    for task in handlers_of(workers) - {asyncio.current_task()}:
        task.cancel()
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            for worker in workers:
                await worker.idle()
    except TimeoutError:
        names = ", ".join(worker.name for worker in workers if worker.is_busy)
        _log.warning("Closed while handlers of %s would not end", names)


def handlers_of(workers: Iterable[Worker]) -> set[asyncio.Task[Any]]:
    """Return the tasks in which user code of some components runs now.

    Notes
    -----
    Found by looking at what each task of the running loop awaits: a message is handled
    in its caller's task, and keeping that at hand would cost every message something.
    """
    running = [worker.running for worker in workers if worker.running is not None]
    found: set[asyncio.Task[Any]] = set()
    for task in asyncio.all_tasks():
        inner: Any = task.get_coro()
        while inner is not None:
            frame = getattr(inner, "cr_frame", None)
            if frame is not None and frame.f_code in _HANDLING:
                result = frame.f_locals.get("result")
                if any(result is one for one in running):
                    found.add(task)
                    break
            inner = getattr(inner, "cr_await", None) or getattr(
                inner, "gi_yieldfrom", None
            )
    return found


_HANDLING: Final = frozenset(
    function.__code__
    for function in (Worker.handle_message, Worker._handle, Worker._wind_up)  # noqa: SLF001
)
"""Where user code is awaited; each has its result in ``result``."""
