"""Call a workflow in the body of another: a child execution, on the same loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from . import _values
from ._at_work import Waiting
from ._failures import is_interruption
from ._scope import child_id
from ._step import Step, known_result
from ._taking import Stored, load
from .errors import ExecutionError

if TYPE_CHECKING:
    from ._definition import Definition
    from ._drive import Drive
    from ._live import Live
    from .replay import Open

__all__ = ["call_child"]


# Any, here and below: inputs and outputs are the user's.
async def call_child(drive: Drive, key: str, definition: Definition, input: Any) -> Any:
    """Run a child execution, and return what it came to.

    Raises
    ------
    ExecutionError
        If it fails, or was cancelled by itself.
    """
    name = definition.name
    digest = _values.digest_of((input,), {})
    known = drive.recorded.ended.pop(key, None)
    if known is not None:
        return await known_result(drive, known, name, digest)
    opened = drive.recorded.open.pop(key, None)
    drive.values.text_of(input)  # it may hold no secret
    child = _Child(Step(drive, key, name, digest), definition)
    child.step.begin(opened, _values.text_of({"child": child.id}))
    try:
        child.begin(input, opened)
        await child.see_it_stop()
        output = child.output()
        text = drive.values.text_of(output)
        await child.step.finish(text)
        return drive.values.as_stored(output, text)
    except BaseException as error:
        if is_interruption(error):
            if not drive.dead and isinstance(error, asyncio.CancelledError):
                await child.cancel()
            child.step.give_up(error)
            raise
        told = drive.values.clean(error)
        raise await child.step.fail(told) from told
    finally:
        drive.leave(key)


@final
class _Child:
    """A child execution, as its parent sees it.

    Parameters
    ----------
    step : Step
        The step of the parent that waits for it.
    definition : Definition
        Its workflow.
    """

    __slots__ = ("definition", "drive", "host", "id", "live", "step")

    def __init__(self, step: Step, definition: Definition) -> None:
        self.step = step
        self.drive = step.drive
        self.host: Any = step.drive.host  # Any: the runtime builds on this module
        self.definition = definition
        self.id = child_id(step.drive.live.id, step.key)
        self.live: Live | None = None

    def begin(self, input: Any, opened: Open | None) -> None:
        """Begin it, or go on with it, or find that it has ended or waits."""
        host = self.host
        execution = None if opened is None else host.journal.load(self.id)
        if opened is None or execution is None:
            # What this execution may not store, its children may not either.
            self.drive.values.text_of(input)
            # First that the step began: a child nobody knows of would be in the way.
            self.drive.writing.push()
            live = host.make(
                self.definition,
                input,
                execution_id=self.id,
                parent=self.drive.live.id,
            )
            live.correlation_id = self.drive.live.correlation_id
            host.begin(live, self.definition)
            self.live = live
            return
        stored = Stored(execution)
        answer = _answer_of(opened)
        if answer is not None and answer[0] in stored.paused:
            self.answer(stored, *answer)
        elif stored.is_at_rest:
            self.live = host.live_of(stored)
        else:
            self.live = host.take_over(stored, self.definition, reason="recovered")

    def answer(self, stored: Stored, key: str, text: str | None) -> None:
        """Go on with it from where it waits, with an answer."""
        records = stored.answers(key, text, self.host.clock.time())
        self.live = self.host.take_over(stored, self.definition, records=records)

    async def see_it_stop(self) -> None:
        """Wait for its end; while it waits for an answer, so does its parent."""
        while (live := self.live) is not None:
            await live.wait()
            if live.failure is not None:
                raise live.failure
            if live.context.has_finished:
                return
            await self.wait_with_it(live)

    async def wait_with_it(self, live: Live) -> None:
        """Wait for an answer to its oldest question, and pass it on."""
        drive, key = self.drive, self.step.key
        asked, name = self.question(live)
        answered: asyncio.Future[Any] = drive.lane.loop.create_future()
        value = _values.text_of({"child": live.id, "pause": asked})
        paused = self.step.record("TASK_PAUSED", value)._replace(name=name)
        await drive.writing.commit(paused)
        drive.leave(key)
        drive.wait_at(Waiting(key, name, answered.set_result, is_child=True))
        try:
            data = await answered
        finally:
            drive.wait_no_more(key)
        child: Drive | None = live.drive
        if child is not None:
            await child.answer(data, asked)
        else:
            stored = load(self.host.journal, live.id)
            self.answer(stored, asked, drive.values.text_of(data))

    def question(self, live: Live) -> tuple[str, str]:
        """Return the key and the name of its oldest pause."""
        child: Drive | None = live.drive
        if child is not None and child.waiting:
            waiting = next(iter(child.waiting.values()))
            return waiting.key, waiting.name
        key, record = load(self.host.journal, live.id).question(None)
        return key, record.name

    async def cancel(self) -> None:
        """Cancel it, and see it end however often one is cancelled oneself."""
        if self.live is None:
            return
        # Not by the loop's factory: the body did not begin this task.
        ending: asyncio.Task[Any] = asyncio.Task(self.host.end(self.id))
        while not ending.done():
            try:
                await asyncio.wait([ending])
            except asyncio.CancelledError:
                continue

    def output(self) -> Any:
        """Return what it came to, or raise what it failed with."""
        if self.live is None:
            return None
        context = self.live.context
        if context.has_succeeded:
            return context.output
        if context.has_failed:
            error = context.output
            raise error if isinstance(error, ExecutionError) else ExecutionError(error)
        raise ExecutionError(
            what=f"The child execution {self.id!r} was cancelled",
            why=f"Somebody cancelled this execution of {self.definition.name!r} alone.",
            context={"execution_id": self.id},
        )


def _answer_of(opened: Open) -> tuple[str, str | None] | None:
    """Return the key of the child's pause that was answered last, and the answer."""
    if opened.last().kind != "TASK_RESUMED":
        return None
    asked = next(r for r in reversed(opened.records) if r.kind == "TASK_PAUSED")
    return _values.value_of(asked.value or "")["pause"], opened.last().value
