"""Perform a step: find its result, or call the function and store what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ..errors import one_line
from . import _values
from ._failures import is_interruption
from ._scope import SCOPE, Scope
from .errors import ExecutionError, NonDeterminismError
from .replay import STEP_CANCELLED, with_seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._drive import Drive
    from ._options import OutputStorage
    from .journal.protocol import Record
    from .replay import Known, Open

__all__ = ["Named", "Step", "compare", "known_result", "perform"]

_set_scope: Final = SCOPE.set
_reset_scope: Final = SCOPE.reset


class Named(Protocol):
    """A task, as far as a plain step asks."""

    name: str
    """What events call it."""
    # Any: tasks of all kinds are called.
    func: Callable[..., Any]
    """The plain function."""


@final
class Step:
    """A step that is at work.

    Parameters
    ----------
    drive : Drive
        What runs the body.
    key : str
        Its path in the body.
    name : str
        What events call it.
    digest : str
        The digest of its arguments.
    """

    __slots__ = ("digest", "drive", "key", "name")

    def __init__(self, drive: Drive, key: str, name: str, digest: str) -> None:
        self.drive = drive
        self.key = key
        self.name = name
        self.digest = digest

    def begin(self, opened: Open | None, value: str | None = None) -> None:
        """Note that it begins, unless it may not.

        One whose first attempt was under way when its process died begins once more.
        """
        drive = self.drive
        if drive.dead or drive.ended or drive.refused is not None:
            drive.check()
        if opened is not None:
            drive.turns.begin(opened.start)
            compare(drive, opened.records[0], self.name, self.digest)
        if drive.branches:
            value = with_seen(value, drive.turns.seen)
        if opened is None or opened.last().kind == "TASK_STARTED":
            drive.writing.note(self.record("TASK_STARTED", value))
        drive.enter(self.key)

    def record(self, kind: str, value: str | None = None) -> Record:
        """Return a record of what happens to it now."""
        return self.drive.writing.record(
            kind, self.key, self.name, value=value, digest=self.digest
        )

    async def settle(self) -> None:
        """Wait until its end may be stored."""
        drive = self.drive
        if drive.dead:
            raise asyncio.CancelledError
        if not drive.turns.is_over:
            await drive.turns.over()

    async def finish(self, text: str | None, *before: Record) -> None:
        """Store its result, and what belongs to it, in one piece."""
        await self.settle()
        await self.drive.writing.commit(*before, self.record("TASK_COMPLETED", text))
        self.drive.saw(self.key)

    async def fail(self, error: BaseException) -> BaseException:
        """Store that it failed, and return what its caller gets."""
        drive = self.drive
        if drive.dead:
            raise asyncio.CancelledError
        if drive.refused is not None:
            return drive.refused
        text = drive.values.error_text(error)
        if not drive.turns.is_over:
            await drive.turns.over()
        await drive.writing.commit(self.record("TASK_FAILED", text))
        drive.saw(self.key)
        return error if isinstance(error, ExecutionError) else ExecutionError(error)

    def give_up(self, error: BaseException) -> None:
        """Note that it was cancelled, so that a replay does not wait for it."""
        drive = self.drive
        is_cancelled = isinstance(error, asyncio.CancelledError)
        if is_cancelled and not drive.dead and not drive.ended:
            kind = STEP_CANCELLED if drive.is_cancelling else "TASK_CANCELLED"
            drive.writing.note(self.record(kind))


async def perform(
    task: Named,
    drive: Drive,
    key: str,
    args: tuple[Any, ...],
    *,
    kwargs: dict[str, Any],
) -> Any:
    """Perform a step without options; return its result.

    Raises
    ------
    ExecutionError
        If the function raises.
    NonDeterminismError
        If another step was called here in the first run.
    """
    name = task.name
    digest = _values.digest_of(args, kwargs)
    recorded = drive.recorded
    known = recorded.ended.pop(key, None)
    if known is not None:
        record = known[0]
        text = record.value
        is_easy = text is not None and record.kind == "TASK_COMPLETED"
        is_same = record.digest == digest and record.name == name
        if is_easy and is_same and drive.turns.take(known):
            # The same as `known_result`, without another coroutine.
            return drive.values.value_of(text)  # type: ignore[arg-type] # see above
        return await known_result(drive, known, name, digest)
    step = Step(drive, key, name, digest)
    step.begin(recorded.open.pop(key, None) if recorded.open else None)
    try:
        if drive.is_careful:
            await drive.writing.commit()
        token = _set_scope(Scope(drive, f"{key}/", is_body=False))
        try:
            result = task.func(*args, **kwargs)
            if hasattr(result, "__await__"):
                result = await result
        finally:
            _reset_scope(token)
        values = drive.values
        text = values.text_of(result)
        if drive.dead or not drive.turns.is_over:
            await step.settle()
        await drive.writing.commit(step.record("TASK_COMPLETED", text))
        drive.saw(key)
        return values.as_stored(result, text)
    except BaseException as error:
        if is_interruption(error):
            step.give_up(error)
            raise
        told = drive.values.clean(error)
        raise await step.fail(told) from told
    finally:
        drive.leave(key)


async def known_result(
    drive: Drive,
    known: Known,
    name: str,
    digest: str,
    *,
    storage: OutputStorage | None = None,
) -> Any:
    """Return, or raise, what a step came to when it was performed.

    Raises
    ------
    ExecutionError
        If it failed.
    NonDeterminismError
        If it was another step.
    """
    if not drive.turns.take(known):
        key = known[0].key
        drive.enter(key)
        try:
            await drive.turns.wait(known)
        finally:
            drive.leave(key)
    record = known[0]
    compare(drive, record, name, digest)
    if record.kind == "TASK_COMPLETED":
        text = record.value
        if text is None:
            return None
        return drive.values.value_of(text if storage is None else storage.fetch(text))
    if record.kind == "TASK_FAILED":
        error = _values.error_of(record.value or "")
        raise error if isinstance(error, ExecutionError) else ExecutionError(error)
    # The body gave it up the first time, and will do so again.
    drive.check()
    await drive.lane.loop.create_future()
    raise asyncio.CancelledError


def compare(drive: Drive, record: Record, name: str, digest: str) -> None:
    """Refuse a step that is not the one of the first run."""
    if record.name == name and record.digest == digest:
        return
    if record.name != name:
        what = f"The body calls {name!r} where it called {record.name!r} before"
        why = "Its code has changed, or it went by something that is not stored."
    else:
        what = f"The step {name!r} is called with other arguments than before"
        why = "They depend on something that is not stored, or the code has changed."
    error = NonDeterminismError(
        what,
        why=f"{why}{_changed(drive)}",
        fix="Let the body go by its input and by the results of steps alone; a wanted "
        'change is marked with patched("id"), or run on a fork.',
        context={
            "execution_id": drive.live.id,
            "step": record.key,
            "recorded": one_line(f"{record.name} {record.digest}"),
            "called": one_line(f"{name} {digest}"),
        },
    )
    drive.refuse(error)
    raise error


def _changed(drive: Drive) -> str:
    """Say whether the code of the body is the one that the execution began with."""
    before = drive.live.digest
    if not before or before == drive.definition.digest:
        return ""
    return f" The code of {drive.definition.name!r} is not the one it began with."
