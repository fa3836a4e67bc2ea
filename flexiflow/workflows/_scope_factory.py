"""Give each asyncio task of an execution a scope of its own when it begins."""

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, final

from ._scope import SCOPE, Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

__all__ = ["ScopeFactory"]

_DEEP: Final = 7
"""How many calls lie between ``as_completed`` and the task factory, at most."""


def _unordered() -> dict[CodeType, str]:
    """Return the code that begins tasks in no order, with the name of what it got.

    ``as_completed`` puts its coroutines into a set first, which forgets their order.
    """
    found = {asyncio.as_completed.__code__: "fs"}
    cls = getattr(asyncio.tasks, "_AsCompletedIterator", None)  # since Python 3.13
    if cls is not None:
        found[cls.__init__.__code__] = "aws"
    return found


_UNORDERED: Final = _unordered()


# Any: asyncio's own, whatever coroutine it is.
def _place(coro: Any) -> Place | None:
    """Return the place of a coroutine in what ``as_completed`` was given."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - no other way to know
    for _ in range(_DEEP):
        if frame is None:
            return None
        name = _UNORDERED.get(frame.f_code)
        if name is not None:
            given = frame.f_locals.get(name)
            if not isinstance(given, list | tuple):
                return Place(-1, 1)
            places = [at for at, one in enumerate(given) if one is coro]
            new = sum(asyncio.iscoroutine(one) for one in {*given})
            return Place(places[0] if places else -1, new)
        frame = frame.f_back
    return None


@final
# Any: asyncio's own tasks are generic in what they return.
class _ScopedTask(asyncio.Task[Any]):
    """A task whose place in a set is the same in each replay.

    ``asyncio.wait`` gives sets of tasks; by default they are in the order of addresses.
    """

    _order = 0

    def __hash__(self) -> int:
        """Return its place among the tasks of its scope."""
        return self._order


@final
class ScopeFactory:
    """A task factory that gives each asyncio task of an execution a scope of its own.

    Parameters
    ----------
    previous : callable, optional
        The factory that the loop had; asyncio's own when there was none.
    """

    __slots__ = ("previous", "users")

    # Any: asyncio's own signature of a task factory.
    def __init__(self, previous: Callable[..., Any] | None) -> None:
        self.previous = previous
        self.users = 0
        """How many executions run on the loop."""

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any
    ) -> Any:
        """Make a task."""
        given = options.get("context")
        scope = SCOPE.get() if given is None else given.get(SCOPE)
        # (A body's scope without a task was made a moment ago, for this very task.)
        if scope is None or (scope.task is None and scope.is_body):
            return self._make(loop, coro, options)
        context = copy_context() if given is None else given.copy()
        child = scope.branch(_place(coro))
        context.run(SCOPE.set, child)
        options["context"] = context
        task = self._make(loop, coro, options, order=scope.branches)
        child.task = task
        if child.is_body:
            child.drive.adopt(child, task)
        return task

    def _make(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Any,
        options: dict[str, Any],
        *,
        order: int | None = None,
    ) -> Any:
        """Make a task the way the loop did before, or as asyncio does."""
        if self.previous is not None:
            return self.previous(loop, coro, **options)
        if order is None:
            return asyncio.Task(coro, loop=loop, **options)
        _ScopedTask._order = order  # noqa: SLF001 - an eager one hashes itself at once
        task = _ScopedTask(coro, loop=loop, **options)
        task._order = order  # noqa: SLF001 - its own
        return task

    @classmethod
    def install(cls, loop: asyncio.AbstractEventLoop) -> None:
        """Let the tasks of a loop have scopes; to be undone by :meth:`remove`."""
        factory = loop.get_task_factory()
        if not isinstance(factory, cls):
            factory = cls(factory)
            loop.set_task_factory(factory)
        factory.users += 1

    @classmethod
    def remove(cls, loop: asyncio.AbstractEventLoop) -> None:
        """Undo one :meth:`install`; the last one gives the loop its factory back."""
        factory = loop.get_task_factory()
        if isinstance(factory, cls):
            factory.users -= 1
            if not factory.users:
                loop.set_task_factory(factory.previous)
