"""Run the body of an execution: from its first line, or from what is known of it."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from .._scope import CURRENT
from .._scope import Scope as Story
from . import _values
from ._at_work import AtWork, Waiting
from ._failures import is_interruption
from ._options import accepts
from ._scope import SCOPE, Scope
from ._scope_factory import ScopeFactory
from ._turns import Turns
from ._writing import Writing
from .errors import NonDeterminismError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..clock import Clock
    from ._definition import Definition
    from ._lane import Lane
    from ._live import Live
    from .journal.protocol import Journal
    from .replay import Recorded

__all__ = ["Drive", "Host"]

_HOPS: Final = 3
"""Turns of the loop in which branches that have just begun come to their first step."""


class Host(Protocol):
    """What a drive needs of the runtime."""

    @property
    def journal(self) -> Journal:
        """Where everything is stored."""

    @property
    def clock(self) -> Clock:
        """What times are read from."""

    @property
    def time(self) -> Callable[[], float]:
        """Gives the seconds since the epoch."""

    @property
    def resources(self) -> Any:
        """What it lends to steps. Any: what they need is told where they are."""

    def new_values(self) -> _values.Values:
        """Return a way of values into the journal, and back."""

    def let_go(self, live: Live) -> None:
        """Note that the process stops in good order."""

    def on_paused(self, drive: Drive) -> None:
        """Hear that a body waits for an answer and nothing else."""

    def on_ended(self, drive: Drive) -> None:
        """Hear that a drive has come to its end, whichever."""


@final
class _Body(asyncio.Task[None]):
    """The task of a body; it knows the end of its loop from a wish to cancel it."""

    drive: Drive | None = None
    is_begun = False
    is_unwanted = False

    def begin(self) -> None:
        """Hear that its first line has been reached; until then it is not cancelled.

        asyncio throws a task away that is cancelled before it began.
        """
        self.is_begun = True
        if self.is_unwanted:
            super().cancel()

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel it; at the end of the loop it leaves no trace in the journal.

        ``asyncio.run`` cancels all tasks there are. Those that clean up would call
        steps, and what was interrupted would count as given up.
        """
        caller = sys._getframe(1).f_code.co_name  # noqa: SLF001 - no other way to know
        if caller == "_cancel_all_tasks" and self.drive is not None:
            self.drive.host.let_go(self.drive.live)
            self.drive.die(_interrupted(self.drive.live.id))
        if not self.is_begun:
            self.is_unwanted = True
            return True
        return super().cancel(msg)


@final
class Drive(AtWork):
    """One run of a body, on one loop, under one epoch.

    Parameters
    ----------
    host : Host
        The runtime.
    live : Live
        The execution.
    definition : Definition
        Its workflow.
    lane : Lane
        The loop on which it runs, and the way back to it.
    recorded : Recorded
        What is known already.
    """

    __slots__ = (
        "_cancelled_at",
        "_is_looking",
        "_is_told",
        "branches",
        "dead",
        "definition",
        "ended",
        "host",
        "is_cancelling",
        "is_careful",
        "lane",
        "live",
        "recorded",
        "refused",
        "task",
        "thread",
        "values",
        "writing",
    )

    def __init__(
        self,
        host: Host,
        live: Live,
        definition: Definition,
        *,
        lane: Lane,
        recorded: Recorded,
    ) -> None:
        self.host = host
        self.live = live
        self.definition = definition
        self.lane = lane
        self.values = host.new_values()
        """The way of its values into the journal, and back."""
        self.recorded = recorded
        self.branches: dict[asyncio.Task[Any], Scope] = {}
        """The asyncio tasks that the body began, and that still run."""
        super().__init__(Turns(lane.loop, recorded, self.branches, stuck=self.refuse))
        self.writing = Writing(host.journal, live, lane, time=host.time, lost=self.lose)
        self.writing.hand_out = self.turns.hand_out
        self.thread = threading.get_ident()
        """The thread of its loop."""
        self.task: _Body | None = None
        self.is_careful = False
        """Whether steps wait until it is stored that they begin: one of them may have
        ended the process."""
        self.is_cancelling = False
        self.dead = False
        """Whether it may do nothing any more: others have the execution now."""
        self.ended = False
        self.refused: NonDeterminismError | None = None
        """Why it cannot be gone on with."""
        self._is_looking = False
        self._is_told = False
        self._cancelled_at: tuple[int, int] | None = None

    # --- running ----------------------------------------------------------------------

    def begin(
        self,
        context: contextvars.Context | None = None,
        stored: asyncio.Future[None] | None = None,
        *,
        cancelled_at: tuple[int, int] | None = None,
    ) -> None:
        """Run the body in a task of its own.

        Parameters
        ----------
        context : contextvars.Context, optional
            What its context variables are copied from; the present ones by default.
        stored : asyncio.Future, optional
            To be awaited before the first line.
        cancelled_at : tuple of int, optional
            After how many known ends, and how many calls, the execution was cancelled;
            None: it was not.
        """
        loop = self.lane.loop
        live = self.live
        live.drive = self
        live.go()
        self.lane.busy.add(self)
        root = Scope(self, "")
        own = contextvars.copy_context() if context is None else context.copy()
        own.run(SCOPE.set, root)
        own.run(CURRENT.set, Story(live.correlation_id))
        ScopeFactory.install(loop)
        name = f"{live.workflow_name} {live.id}"
        root.task = self.task = _Body(
            self._run(stored), loop=loop, context=own, name=name
        )
        self.task.drive = self
        if cancelled_at is not None:
            self.is_cancelling = True
            self._cancelled_at = cancelled_at
            self._cancel_in_turn()

    async def _run(self, stored: asyncio.Future[None] | None) -> None:
        """Run the body, and store how it ended."""
        try:
            if self.task is not None:
                self.task.begin()
            try:
                kind, output, text = await self._outcome(stored)
            except GeneratorExit as error:
                if _current() is not self.task:
                    raise  # thrown away with its loop
                # Python closes all coroutines that such an exception goes through, so
                # that none but the outermost can take it.
                text = self.values.error_text(error)
                kind, output = "WORKFLOW_FAILED", error
            await self._end_branches()
            if not self.dead:
                await self._store_end(kind, output, text)
        except asyncio.CancelledError:
            self.die(_interrupted(self.live.id))
        except BaseException as error:
            self.die(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self.ended = True
            self.lane.busy.discard(self)
            ScopeFactory.remove(self.lane.loop)
            self.host.on_ended(self)
            if self.live.drive is self:
                self.live.drive = None
                self.live.stop(self.live.failure)
            self._let_go()

    def _let_go(self) -> None:
        """Hold nothing that holds this: circles are freed late."""
        self.task = None
        self.writing.lost = self.writing.hand_out = _ignore
        self.turns.let_go()

    async def _outcome(
        self, stored: asyncio.Future[None] | None
    ) -> tuple[str, Any, str | None]:
        """Run the body; return the kind of its end, its output and that as text."""
        error: BaseException | None = None
        try:
            if stored is not None:
                await stored
            output = self.definition.func(self.live.context, **self._secrets())
            if inspect.isawaitable(output):
                output = await output
            self._check_end()
            text = self.values.text_of(output)
        except BaseException as raised:
            if not is_interruption(raised):
                error = self.values.clean(raised)
            elif isinstance(raised, asyncio.CancelledError):
                if not self.is_cancelling:
                    self.die(_interrupted(self.live.id))
                if self.refused is None:
                    return "WORKFLOW_CANCELLED", None, None
            else:
                raise
        error = self.refused or error
        if error is not None:
            return "WORKFLOW_FAILED", error, self.values.error_text(error)
        return "WORKFLOW_COMPLETED", output, text

    async def _store_end(self, kind: str, output: Any, text: str | None) -> None:
        """Store how the body ended; from here on nothing can stop it."""
        self.ended = True
        state = kind.removeprefix("WORKFLOW_")
        record = self.writing.record(
            kind, name=self.live.workflow_name, value=text, state=state
        )
        await self.writing.commit(record)
        self.live.context.settle(output)

    async def _end_branches(self) -> None:
        """Cancel what the body began and did not wait for, and see it end.

        A task that has called no step is left alone unless the execution is cancelled:
        a library may have begun it for all who use it.
        """
        left = [
            task
            for task, scope in self.branches.items()
            if scope.steps or scope.branches or self.is_cancelling
        ]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _secrets(self) -> dict[str, Any]:
        """Return the keyword that holds the secrets which the body asks for."""
        names = self.definition.secret_requests
        if not names:
            return {}
        secrets = self.host.resources.secrets(names)
        self.values.lend(secrets)
        if not accepts(self.definition.func, "secrets"):
            return {}
        return {"secrets": secrets.values}

    def _check_end(self) -> None:
        """See that a replay went as far as the first run."""
        if self.turns.is_over or self.is_cancelling:
            return
        for key, (record, _, start, _) in self.recorded.ended.items():
            if start >= 0 and "~" not in key and "/" not in key:
                raise NonDeterminismError(
                    f"The body ended before the step {record.name!r}",
                    why="In the first run it called that step; the result is known.",
                    fix="Give the execution the body that it began with, or fork it.",
                    context={"execution_id": self.live.id, "step": key},
                )

    def adopt(self, scope: Scope, task: asyncio.Task[Any]) -> None:
        """Take over a task that the body began."""
        self.branches[task] = scope
        task.add_done_callback(self._drop)

    def _drop(self, task: asyncio.Task[Any]) -> None:
        self.branches.pop(task, None)
        if self.refused is not None and not task.cancelled():
            task.exception()  # told by the execution itself

    # --- ending early -----------------------------------------------------------------

    def cancel(self) -> None:
        """Raise ``CancelledError`` in the body, and store that it was asked for.

        Once: a body that cleans up is not disturbed.
        """
        if self.ended or self.dead or self.task is None or self.is_cancelling:
            return
        self.is_cancelling = True
        self.turns.void()
        record = self.writing.record(
            "WORKFLOW_CANCELLING", name=self.live.workflow_name, state="CANCELLING"
        )
        self.writing.push(record)
        self.live.go()
        self.none_waits()
        self.task.cancel()

    def _cancel_in_turn(self, hops: int = _HOPS) -> None:
        """Cancel the body once it has come to where it was cancelled before."""
        if self.ended or self.dead or self.task is None or self._cancelled_at is None:
            return
        ends, calls = self._cancelled_at
        if self.turns.now <= ends or self.turns.begun < calls:
            hops = _HOPS
        if hops:
            self.lane.loop.call_soon(self._cancel_in_turn, hops - 1)
            return
        self._cancelled_at = None
        self.none_waits()
        self.task.cancel()

    def refuse(self, error: NonDeterminismError) -> None:
        """Go on no more: the body has taken another way than the first time."""
        self.refused = self.refused or error

    def lose(self, error: BaseException) -> None:
        """Stop: the journal takes nothing more from here."""
        self.die(error)

    def die(self, error: BaseException | None = None) -> None:
        """Do nothing any more; the body ends without a trace in the journal."""
        if self.dead:
            return
        self.dead = True
        self.none_waits()
        if self.live.drive is self:
            self.live.failure = error
        task = self.task
        if task is not None and not task.done() and task is not _current():
            task.cancel()

    # --- steps ------------------------------------------------------------------------

    def check(self) -> None:
        """Refuse a step that must not be done any more."""
        if self.dead:
            raise asyncio.CancelledError
        if self.refused is not None:
            raise self.refused
        if self.ended:
            raise WorkflowError(
                "A step was called after the end of its execution",
                why="A task that the body had begun was still running.",
                fix="Await all that the body begins.",
                context={"execution_id": self.live.id},
            )

    # --- waiting for answers ----------------------------------------------------------

    def look(self, hops: int = _HOPS) -> None:
        """Tell that the execution is paused, if it still is in a few turns."""
        if hops == _HOPS:
            if self._is_looking:
                return
            self._is_looking = True
        if hops:
            if not self.lane.loop.is_closed():
                self.lane.loop.call_soon(self.look, hops - 1)
            return
        self._is_looking = False
        busy = self.ended or self.dead or self.in_flight or self._is_told
        if busy or not self.waiting:
            return
        self._is_told = True
        name = next(iter(self.waiting.values())).name
        record = self.writing.record(
            "WORKFLOW_PAUSED", name=name, value=_values.text_of(name), state="PAUSED"
        )
        self.writing.commit(record).add_done_callback(self._paused)

    def _paused(self, stored: asyncio.Future[None]) -> None:
        if stored.cancelled() or stored.exception() or not self._is_told:
            return
        if not (self.ended or self.dead or (self.is_cancelling and not self.waiting)):
            self.lane.busy.discard(self)
            self.live.stop()
            self.host.on_paused(self)

    async def answer(self, data: Any, pause: str | None) -> None:
        """Answer a step that waits; return when the answer is stored."""
        text = self.values.text_of(data)
        waiting = self._asked(pause)
        self.wait_no_more(waiting.key)
        self._is_told = False
        self.enter(waiting.key)
        self.lane.busy.add(self)
        self.live.go()
        write = self.writing.record
        name = self.live.workflow_name
        records = [
            write("WORKFLOW_RESUMING", name=name, state="RESUMING"),
            write("WORKFLOW_RESUMED", name=name, value=text, state="RUNNING"),
            write("TASK_RESUMED", waiting.key, waiting.name, value=text),
        ]
        if not waiting.is_child:
            records.append(records[-1]._replace(kind="TASK_COMPLETED"))
        await self.writing.commit(*records)
        waiting.deliver(self.values.as_stored(data, text))

    def _asked(self, pause: str | None) -> Waiting:
        """Return the step that an answer is for."""
        for waiting in self.waiting.values():
            if pause is None or pause in {waiting.name, waiting.key}:
                return waiting
        raise LookupError


def _ignore(_: object) -> None:
    """Stand for what is over."""


def _current() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _interrupted(execution_id: str) -> WorkflowError:
    return WorkflowError(
        "The execution was interrupted",
        why="The event loop on which it ran has ended, or its task was cancelled from "
        "outside.",
        fix=f"Go on with it: wf.run(execution_id={execution_id!r})",
        context={"execution_id": execution_id},
    )
