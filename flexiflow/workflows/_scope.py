"""Give each step its key: the path of the call within the body, never its time.

A scope is one line of code that runs by itself: the body, one of its asyncio tasks, one
branch of ``parallel``, the inside of a step. Within a scope one thing happens after the
other, so a counter tells the calls apart, in the first run as in each replay.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from threading import get_ident
from typing import Any, Final, NamedTuple, final

from .errors import ExecutionContextNotFoundError, NonDeterminismError

__all__ = [
    "SCOPE",
    "Place",
    "Scope",
    "child_id",
    "enter_scope",
    "key_of_child",
    "scope_here",
    "source_id",
]


class Place(NamedTuple):
    """A place among several asyncio tasks that begin in no order."""

    at: int
    """From 0; -1 where it cannot be told."""
    total: int
    """How many there are."""


@final
class Scope:
    """One line of code of one execution.

    Parameters
    ----------
    drive : object
        The drive that runs it. Any: its module builds on this one.
    prefix : str
        What the keys of its steps begin with.
    is_body : bool
        Whether this is the workflow's own code, not the inside of a step.
    """

    __slots__ = (
        "_group",
        "branches",
        "drive",
        "is_body",
        "is_stray",
        "prefix",
        "steps",
        "task",
    )

    def __init__(self, drive: Any, prefix: str, *, is_body: bool = True) -> None:
        self.drive = drive
        self.prefix = prefix
        self.is_body = is_body
        self.steps = 0
        """Steps called so far."""
        self.branches = 0
        """Asyncio tasks begun so far."""
        self.task: asyncio.Task[Any] | None = None
        """The asyncio task that runs it, once that is known."""
        self.is_stray = False
        """Whether it was begun where no order can be told; it may call no step."""
        self._group = (0, 0)

    def next_key(self) -> str:
        """Return the key of the step that is called now."""
        self.steps += 1
        return f"{self.prefix}{self.steps}"

    def branch(self, place: Place | None = None) -> Scope:
        """Return the scope of an asyncio task that begins now.

        ``place`` tells where it stands among those that ``as_completed`` begins.
        """
        stray = not self.is_here()
        if place is None:
            self.branches += 1
            ordinal = f"{self.branches}"
        else:
            group, left = self._group
            if not left:
                self.branches += 1
                group, left = self.branches, place.total
            self._group = (group, left - 1)
            ordinal = f"{group}.{place.at}"
            stray = stray or place.at < 0
        child = Scope(self.drive, f"{self.prefix}~{ordinal}/", is_body=self.is_body)
        child.is_stray = stray or self.is_stray
        return child

    def is_here(self) -> bool:
        """Return whether the calling code is the one that this scope is about."""
        drive = self.drive
        if get_ident() != drive.thread:
            return False
        task = asyncio.current_task(drive.lane.loop)
        if self.task is None:
            self.task = task
        return self.task is task and task is not None


SCOPE: Final[ContextVar[Scope | None]] = ContextVar("flexiflow.workflow", default=None)
"""The scope of the code at work; None outside of executions."""

_get: Final = SCOPE.get


def scope_here() -> Scope:
    """Return the scope of the code at work, wherever it runs.

    Raises
    ------
    ExecutionContextNotFoundError
        If there is none.
    """
    scope = _get()
    if scope is None:
        raise ExecutionContextNotFoundError(
            "There is no execution here",
            why="This code does not run within a workflow.",
            fix="Call it in the body of a workflow, or within one of its tasks.",
        )
    return scope


def source_id(execution_id: str, key: str) -> str:
    """Return the id of a step's call: stable over retries, restarts and replays."""
    return f"{execution_id}:{key}" if key else execution_id


def child_id(parent: str, key: str) -> str:
    """Return the id of the execution that a step calls; it fits into a path."""
    return f"{parent}.{key.replace('/', '-')}"


def key_of_child(parent: str, execution_id: str) -> str:
    """Return the key of the step that called an execution."""
    return execution_id.removeprefix(f"{parent}.").replace("-", "/")


def enter_scope(name: str) -> Scope:
    """Return the scope in which a step is called.

    Parameters
    ----------
    name : str
        The step, for an error.

    Raises
    ------
    ExecutionContextNotFoundError
        If it is called outside of an execution.
    NonDeterminismError
        If it is called where its place in the body cannot be told.
    """
    scope = _get()
    if scope is None:
        raise ExecutionContextNotFoundError(
            f"The task {name!r} was called outside of a workflow",
            why="A task is a step of an execution, and this code belongs to none.",
            fix=f"Call it in the body of a workflow; {name}.func is the function.",
        )
    if scope.is_stray or not scope.is_here():
        raise NonDeterminismError(
            f"The task {name!r} was called where no order can be told",
            why="The call came from a thread, a callback, or a task that was not begun "
            "by the body itself, so that a replay could not find its result again.",
            fix="Call it in the body, or in a coroutine that the body gives to "
            "asyncio.gather, asyncio.create_task, a TaskGroup or parallel.",
            context={"task": name, "execution_id": scope.drive.live.id},
        )
    return scope
