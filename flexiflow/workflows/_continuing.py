"""Go on with executions: after a crash, with an answer, or to their end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from .._home import BLOCKED
from . import _values
from ._definition import CATALOGUE, Definition
from ._hosting import Hosting
from ._scope import key_of_child
from ._taking import (
    Stored,
    check_workflow,
    crashed_too_often,
    is_refused,
    load,
    not_waiting,
)
from .context import ExecutionState
from .errors import ExecutionExistsError, ExecutionOwnedError, StaleEpochError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._drive import Drive
    from ._live import Live
    from .context import ExecutionContext
    from .journal import Record

__all__ = ["Continuing"]

_HANDED_OUT: Final = {ExecutionState.CREATED, ExecutionState.SCHEDULED}
"""States in which an execution waits for a process to run it."""


class Continuing(Hosting):
    """The part of a runtime that goes on with what was begun; awaited in a loop."""

    async def finish(self, live: Live) -> ExecutionContext[Any]:
        """Wait until an execution has stopped; may be awaited in any loop.

        Raises
        ------
        WorkflowError
            If this process cannot go on with it: the journal failed, another process
            took it over, its loop has ended.
        """
        await live.wait()
        if isinstance(live.failure, ExecutionExistsError):
            live.failure = None  # another process was quicker: it is that one
        elif live.failure is not None:
            raise live.failure
        elif live.context.has_finished or live.context.is_paused:
            return live.context
        return await self._follow(live)

    async def _follow(self, live: Live) -> ExecutionContext[Any]:
        """Wait until an execution has stopped that is at work elsewhere.

        If its process dies, it goes on here, once its workflow has been defined.
        """
        pause = 0.01
        while True:
            stored = load(self.journal, live.id)
            live.context.input = self._input(stored)
            live.context.read(stored.execution.records)
            if stored.is_at_rest:
                return live.context
            owner = stored.execution.owner
            is_left = not self.journal.is_alive(owner) or owner == self.journal.owner
            if is_left:
                definition = CATALOGUE.find(live.workflow_name)
                if definition is None or stored.execution.parent:
                    return self.live_of(stored).context
                with contextlib.suppress(StaleEpochError, ExecutionOwnedError):
                    return await self.finish(self._take_up(stored, definition))
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.2)

    async def go_on(
        self, execution_id: str, definition: Definition | None = None
    ) -> ExecutionContext[Any]:
        """Go on with an execution after a crash, or return it as it is."""
        live = self._active_of(execution_id, definition)
        if live is not None:
            return await self.finish(live)
        name = None if definition is None else definition.name
        stored = load(self.journal, execution_id, name)
        if stored.is_at_rest and not is_refused(stored):
            return self.live_of(stored).context
        if stored.execution.parent:
            await self.go_on(stored.execution.parent)
            return self.live_of(load(self.journal, execution_id)).context
        definition = definition or CATALOGUE.get(stored.execution.workflow)
        return await self.finish(self._take_up(stored, definition))

    async def perform(
        self, execution_id: str, definition: Definition
    ) -> ExecutionContext[Any]:
        """Run an execution that another process has handed out; wait until it stops.

        One that is new, was answered, is to be cancelled or has lost its process is
        taken here; one that has ended or waits is returned as it is.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id, or it is one of another workflow.
        ExecutionOwnedError
            If another living process is at work on it.
        StaleEpochError
            If another process was quicker.
        """
        live = self._active_of(execution_id, definition)
        if live is not None and not live.is_stopped:
            return await self.finish(live)
        if live is not None:  # it waits here, as it was before it was handed out
            self.evict(live)
        stored = load(self.journal, execution_id, definition.name)
        if stored.is_at_rest:
            return self.live_of(stored).context
        if stored.state in _HANDED_OUT:
            is_new = all(r.kind != "WORKFLOW_STARTED" for r in stored.execution.records)
            is_unwanted = stored.cancelled_at() is not None
            state = "CANCELLING" if is_unwanted else "RUNNING"
            records: tuple[Record, ...] = (
                self._record(stored, "WORKFLOW_CLAIMED", state=state),
            )
            if is_new:
                text = stored.execution.input
                started = self._record(stored, "WORKFLOW_STARTED", text, state=state)
                records = (*records, started)
            live = self.take_over(
                stored,
                definition,
                reason="created" if is_new else "resumed",
                records=records,
            )
        else:
            live = self._take_up(stored, definition)
        return await self.finish(live)

    def _take_up(self, stored: Stored, definition: Definition) -> Live:
        """Go on with an execution whose process has died, or that was refused.

        One that has ended its process too often fails instead.
        """
        if not stored.is_at_rest and stored.crashes() >= self.max_crashes:
            text = _values.error_text(crashed_too_often(stored))
            failed = self._record(stored, "WORKFLOW_FAILED", text, state="FAILED")
            self.journal.claim(
                stored.execution.id,
                expected_epoch=stored.execution.epoch,
                time=self.clock.time(),
                records=(failed,),
            )
            return self.live_of(load(self.journal, stored.execution.id))
        state = "RUNNING" if stored.is_at_rest else ""
        claimed = self._record(stored, "WORKFLOW_CLAIMED", state=state)
        return self.take_over(
            stored, definition, reason="recovered", records=(claimed,)
        )

    def _active_of(
        self, execution_id: str, definition: Definition | None
    ) -> Live | None:
        """Return an execution that is at work or waits here."""
        live = self._active.get(execution_id)
        if live is not None and definition is not None:
            check_workflow(execution_id, live.workflow_name, definition.name)
        return live

    async def answer(
        self,
        execution_id: str,
        data: Any,
        pause: str | None,
        *,
        definition: Definition | None = None,
    ) -> ExecutionContext[Any]:
        """Answer an execution that waits, wherever it does; wait until it stops."""
        live = self._active_of(execution_id, definition)
        if live is not None and not live.parent and live.drive is not None:
            drive: Drive = live.drive
            if not self._can_be_asked(drive):
                self.evict(live)
            elif await self._in_loop_of(drive, self._answer, live, data, pause):
                return await self.finish(live)
        name = None if definition is None else definition.name
        stored = load(self.journal, execution_id, name)
        parent = stored.execution.parent
        if parent:
            stored.question(pause)
            await self.answer(parent, data, key_of_child(parent, execution_id))
            return self.live_of(load(self.journal, execution_id)).context
        key, _ = stored.question(pause)
        definition = definition or CATALOGUE.get(stored.execution.workflow)
        records = stored.answers(key, self.values.text_of(data), self.clock.time())
        try:
            live = self.take_over(stored, definition, records=records)
        except StaleEpochError as error:
            raise not_waiting(execution_id, stored.state, [], pause) from error
        return await self.finish(live)

    async def _answer(self, live: Live, data: Any, pause: str | None) -> bool:
        """Answer a body that waits in this loop; False when it does so elsewhere."""
        drive: Drive = live.drive
        try:
            await drive.answer(data, pause)
        except LookupError:
            names = [waiting.name for waiting in drive.waiting.values()]
            raise not_waiting(live.id, live.state, names, pause) from None
        except (StaleEpochError, asyncio.CancelledError):
            if not drive.dead:
                raise
            return False
        return True

    async def end(self, execution_id: str) -> ExecutionContext[Any]:
        """Cancel an execution, wherever it runs; wait until it has ended.

        One that has ended already is returned as it is.
        """
        live = self._active.get(execution_id)
        if live is not None and live.drive is not None:
            drive: Drive = live.drive
            if self._can_be_asked(drive):

                async def cancel() -> None:
                    drive.cancel()

                await self._in_loop_of(drive, cancel)
                return await self.finish(live)
            self.evict(live)
        stored = load(self.journal, execution_id)
        if stored.has_ended:
            return self.live_of(stored).context
        return await self._end_stored(stored)

    async def _end_stored(self, stored: Stored) -> ExecutionContext[Any]:
        """Cancel an execution that does not run here."""
        execution = stored.execution
        definition = CATALOGUE.find(execution.workflow)
        cancelling = self._record(stored, "WORKFLOW_CANCELLING", state="CANCELLING")
        try:
            if definition is not None:
                live = self.take_over(stored, definition, records=(cancelling,))
                return await self.finish(live)
            cancelled = self._record(stored, "WORKFLOW_CANCELLED", state="CANCELLED")
            self.journal.claim(
                execution.id,
                expected_epoch=execution.epoch,
                time=self.clock.time(),
                records=(cancelling, cancelled),
            )
        except ExecutionOwnedError:
            request = cancelling._replace(kind="REQUEST_CANCEL")
            self.journal.append([request], epoch=execution.epoch)
            while not stored.has_ended:
                await asyncio.sleep(0.05)
                stored = load(self.journal, execution.id)
                owner = stored.execution.owner
                if not stored.has_ended and not self.journal.is_alive(owner):
                    return await self._end_stored(stored)
        return self.live_of(load(self.journal, execution.id)).context

    def _record(
        self, stored: Stored, kind: str, value: str | None = None, *, state: str = ""
    ) -> Record:
        return stored.record(kind, value, time=self.clock.time(), state=state)

    def _can_be_asked(self, drive: Drive) -> bool:
        """Return whether the loop of a body is there to do something."""
        loop = drive.lane.loop
        return loop.is_running() and loop not in BLOCKED.get()

    async def _in_loop_of(
        self,
        drive: Drive,
        function: Callable[..., Coroutine[Any, Any, Any]],
        *args: Any,
    ) -> Any:
        """Await something in the loop of a body."""
        loop = drive.lane.loop
        if loop is asyncio.get_running_loop():
            return await function(*args)
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(function(*args), loop)
        )
