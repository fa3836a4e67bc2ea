"""Run branches side by side: all their results in order, or the first failure."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any, Final, final

from . import _values
from ._failures import is_interruption
from ._options import check_count
from ._scope import SCOPE, Scope
from ._step import Step, known_result

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from ._attempts import Optioned
    from ._drive import Drive

__all__ = ["MOST_ELSEWHERE", "Together", "perform_map"]

MOST_ELSEWHERE: Final = 1_000
"""Items of a mapped task that are under way at once where they wait for a thread, a
process or a worker, unless its caller says otherwise. Thousands more would begin only
to wait, and would have to be cancelled one by one."""


@final
class Together:
    """Branches that run side by side, each in an asyncio task.

    Parameters
    ----------
    calls : sequence of callable
        Each returns the coroutine of a branch; called when its turn has come. Any: the
        results are the user's.
    scopes : sequence of Scope or None
        The scope of each branch; None where the branch sees to that itself.
    limit : int, optional
        How many may run at once; all when it is left out.
    keep_errors : bool
        Whether errors stand among the results, and end nothing.
    """

    __slots__ = (
        "_calls",
        "_done",
        "_error",
        "_left",
        "_limit",
        "_next",
        "_results",
        "_running",
        "_scopes",
        "keep_errors",
    )

    def __init__(
        self,
        calls: Sequence[Callable[[], Coroutine[Any, Any, Any]]],
        scopes: Sequence[Scope | None],
        *,
        limit: int | None = None,
        keep_errors: bool = False,
    ) -> None:
        self._calls = calls
        self._scopes = scopes
        self._limit = len(calls) if limit is None else check_limit(limit)
        self.keep_errors = keep_errors
        self._results: list[Any] = [None] * len(calls)
        self._running: dict[asyncio.Task[Any], int] = {}
        self._next = 0
        self._left = len(calls)
        self._error: BaseException | None = None

    async def run(self) -> list[Any]:
        """Return the results in order.

        Raises
        ------
        BaseException
            The first failure, after the other branches were cancelled and have ended.
        """
        if not self._calls:
            return []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._fill()
            await self._done
        except BaseException:
            self._limit = 0
            await self._stop()
            raise
        if self._error is not None:
            raise self._error
        return self._results

    def _fill(self) -> None:
        """Begin as many branches as may run."""
        loop = asyncio.get_running_loop()
        while self._next < len(self._calls) and len(self._running) < self._limit:
            at = self._next
            self._next += 1
            context = contextvars.copy_context()
            scope = self._scopes[at]
            if scope is not None:
                context.run(SCOPE.set, scope)
            task: asyncio.Task[Any] = asyncio.Task(
                self._calls[at](), loop=loop, context=context
            )
            if scope is not None:
                scope.task = task
                scope.drive.adopt(scope, task)
            self._running[task] = at
            task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        at = self._running.pop(task)
        self._left -= 1
        error: BaseException | None = None
        if task.cancelled():
            error = asyncio.CancelledError()
        else:
            error = task.exception()
            if error is None:
                self._results[at] = task.result()
        if error is not None:
            if self.keep_errors and isinstance(error, Exception):
                self._results[at] = error
            elif self._error is None:
                self._error = error
                self._limit = 0
                for other in self._running:
                    other.cancel()
        if self._limit:
            self._fill()
        is_over = not self._running and (not self._left or not self._limit)
        if is_over and not self._done.done():
            self._done.set_result(None)

    async def _stop(self) -> None:
        """Cancel what runs, and wait for its end, however often one is cancelled."""
        self._error = self._error or asyncio.CancelledError()
        while self._running:
            for task in self._running:
                task.cancel()
            try:
                await asyncio.wait(tuple(self._running))
            except asyncio.CancelledError:
                continue

    def unbegun(self) -> Sequence[Callable[[], Coroutine[Any, Any, Any]]]:
        """Return the branches that never began."""
        return self._calls[self._next :]


def check_limit(limit: int) -> int:
    """Return a limit that can be meant."""
    check_count("limit", limit, least=1)
    return limit


async def perform_map(
    task: Optioned,
    perform: Callable[..., Coroutine[Any, Any, Any]],
    drive: Drive,
    key: str,
    *,
    items: list[Any],
    limit: int | None = None,
    keep_errors: bool = False,
) -> list[Any]:
    """Perform a task for each item, side by side; return the results in order.

    Parameters
    ----------
    task : Optioned
        The task.
    perform : callable
        Performs one step of it.
    drive : Drive
        What runs the body.
    key : str
        The key of the call; those of the branches are ``key/0``, ``key/1``, ...
    items : list
        What each call gets.
    limit : int, optional
        How many may run at once; by default all of them here, and so many elsewhere
        that no worker is idle.
    keep_errors : bool
        Whether errors stand among the results.
    """
    name, total = task.name, len(items)
    recorded = drive.recorded
    digest = _values.digest_of((items,), {})
    known = recorded.ended.pop(key, None)
    if known is not None:
        await known_result(drive, known, name, digest)
        return [await _known(drive, task, f"{key}/{at}") for at in range(total)]
    if not items:
        return []
    facts = _values.text_of({"total": total, **_place_of(task)})
    step = Step(drive, key, name, digest)
    step.begin(recorded.open.pop(key, None), facts)
    drive.mapped.add(key)
    drive.leave(key)  # its branches are at work, not it
    calls = [
        lambda at=at, item=item: perform(task, drive, f"{key}/{at}", (item,), kwargs={})
        for at, item in enumerate(items)
    ]
    if limit is None and task.options.executor != "local":
        limit = MOST_ELSEWHERE
    together = Together(calls, [None] * total, limit=limit, keep_errors=keep_errors)
    try:
        results = await together.run()
        failed = sum(isinstance(result, BaseException) for result in results)
        text = _values.text_of({"done": total - failed, "failed": failed})
        await step.finish(text)
        return results
    except BaseException as error:
        if is_interruption(error):
            step.give_up(error)
            raise
        told = drive.values.clean(error)
        raise await step.fail(told) from told
    finally:
        drive.mapped.discard(key)


def _place_of(task: Optioned) -> dict[str, str]:
    """Return where the items run, for a view, unless that is here."""
    executor = task.options.executor
    return {} if executor == "local" else {"executor": executor}


async def _known(drive: Drive, task: Optioned, key: str) -> Any:
    """Return the result of a branch, or the error that stands in its place."""
    known = drive.recorded.ended.pop(key)
    record = known[0]
    try:
        return await known_result(
            drive,
            known,
            record.name,
            record.digest,
            storage=task.options.output_storage,
        )
    except Exception as error:  # noqa: BLE001 - asked for by return_exceptions
        return error
