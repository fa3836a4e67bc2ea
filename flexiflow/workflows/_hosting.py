"""Own the executions at work in this process: begin them, take them over, let go."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Literal
from weakref import WeakKeyDictionary, WeakValueDictionary

from .._scope import CURRENT, NEXT_ID, id_text
from ..clock import SystemClock
from . import _values
from ._drive import Drive
from ._execution_ids import new_id
from ._journal_storage import JournalStorage
from ._lane import Lane
from ._lending import Lending
from ._live import Live
from ._requests import Requests
from ._scope import child_id
from ._taking import INTERRUPTED
from ._telling import Telling
from .codec import is_same_code
from .context import ExecutionContext, ExecutionState
from .errors import ExecutionStateError, JournalClosedError, JournalError
from .journal import ContentJournal, NewExecution, Record, open_journal
from .replay import Recorded, uncollected

if TYPE_CHECKING:
    import contextvars
    import os
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..clock import Clock
    from ..event_manager import AsyncEventManager
    from ._definition import Definition
    from ._taking import Stored
    from .journal import ClaimReason, Journal
    from .storage import ValueStorage

__all__ = ["Hosting", "closed_error"]

_log: Final = logging.getLogger("flexiflow.workflows")


def closed_error() -> JournalClosedError:
    """Return the error for what a closed runtime cannot do any more."""
    return JournalClosedError(
        "The runtime has been closed",
        why="Its executions are as they were, and go on with another one.",
        fix="Make another Runtime.",
    )


class Hosting:
    """The inner part of a runtime; its methods are called in the loop that they mean.

    Parameters
    ----------
    journal, home, database_url, event_bus, clock, max_parked, max_crashes, durability
        As of :class:`~flexiflow.workflows.runtime.Runtime`.
    dask
        As of :class:`~flexiflow.workflows.runtime.Runtime`.
    """

    def __init__(
        self,
        journal: Journal | None,
        *,
        home: str | os.PathLike[str] | None,
        database_url: str | None,
        event_bus: AsyncEventManager | None,
        clock: Clock | None,
        max_parked: int,
        max_crashes: int,
        durability: Literal["disk", "process"],
        dask: Any,
    ) -> None:
        self.clock: Clock = SystemClock() if clock is None else clock
        self.time: Callable[[], float] = time.time if clock is None else clock.time
        self.max_crashes = max_crashes
        self.resources = Lending(home, dask=dask, database_url=database_url)
        self.values = self.new_values()
        self._telling = Telling(event_bus)
        self._journal = journal
        self._owns_journal = journal is None
        self._durability: Literal["disk", "process"] = durability
        self._max_parked = max_parked
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, Lane] = (
            WeakKeyDictionary()
        )
        self._known: WeakValueDictionary[str, Live] = WeakValueDictionary()
        self._active: dict[str, Live] = {}
        self._parked: OrderedDict[str, None] = OrderedDict()
        self._requests = Requests(
            lambda: self.journal, self._drives_of, self._telling.failed
        )
        self._lock = threading.RLock()
        self._is_closed = False
        self._minds_the_exit = False

    # --- what it owns -----------------------------------------------------------------

    @property
    def home(self) -> Path:
        """The folder of what it stores."""
        return self.resources.home

    @property
    def journal(self) -> Journal:
        """Where everything is stored; opened when it is first asked for."""
        journal = self._journal
        if journal is not None and not self._is_closed:
            return journal
        with self._lock:
            if self._is_closed:
                raise closed_error()
            if self._journal is None:
                self._journal = open_journal(
                    self.resources.database, durability=self._durability
                )
            return self._journal

    @property
    def event_bus(self) -> AsyncEventManager:
        """Where events go after they were stored."""
        return self._telling.bus

    @event_bus.setter
    def event_bus(self, bus: AsyncEventManager) -> None:
        self._telling.bus = bus

    def lane(self) -> Lane:
        """Return the way from the journal to the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            lane = self._lanes.get(loop)
            if lane is None:
                lane = self._lanes[loop] = Lane(loop)
            return lane

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._is_closed

    def new_values(self) -> _values.Values:
        """Return a way of values into the journal, and back."""
        return _values.Values(self._keep_value, self._fetch_value)

    # Any, below: values are the user's.
    def _keep_value(self, value: Any) -> dict[str, Any] | None:
        """Keep what is no JSON where all who use the journal find it."""
        return self._storage.keep_value(value)

    def _fetch_value(self, reference: Mapping[str, Any]) -> Any:
        """Return what was kept so."""
        return self._storage.fetch_value(reference)

    @property
    def _storage(self) -> ValueStorage:
        """In the database of a journal for several machines, else in files beside."""
        files, journal = self.resources.storage, self.journal
        if isinstance(journal, ContentJournal):
            return JournalStorage(journal, files)
        return files

    # --- beginning --------------------------------------------------------------------

    def make(
        self,
        definition: Definition,
        input: Any,  # Any: the user's
        *,
        execution_id: str | None = None,
        parent: str = "",
    ) -> Live:
        """Return an execution that is about to begin."""
        made = execution_id or new_id(self.clock.time())
        context = ExecutionContext(made, definition.name, input)
        context.read_with(self.values.value_of)
        live = self._live(context, parent=parent)
        live.digest = definition.digest
        live.is_stopped = False
        with self._lock:
            self._active[made] = live
        return live

    def begin(
        self,
        live: Live,
        definition: Definition,
        *,
        recorded: Recorded | None = None,
        copied: tuple[Record, ...] = (),
        context: contextvars.Context | None = None,
    ) -> Drive:
        """Store a new execution and run its body, in the running loop.

        Raises
        ------
        CodecError
            If the input cannot be stored.
        """
        try:
            text = self.values.text_of(live.context.input)
            drive = Drive(
                self,
                live,
                definition,
                lane=self.lane(),
                recorded=recorded or Recorded(),
            )
            journal = self.journal
            writing = drive.writing
            started = writing.record(
                "WORKFLOW_STARTED", name=live.workflow_name, value=text, state="RUNNING"
            )
            new = NewExecution(
                live.id,
                live.workflow_name,
                input=text,
                parent=live.parent,
                owner=journal.owner,
                digest=definition.digest,
                correlation_id=live.correlation_id,
                created=started.time,
            )
            stored = writing.create(new, started, *copied)
        except BaseException as error:
            self._forget(live)
            live.stop(error if isinstance(error, Exception) else None)
            raise
        drive.begin(context, stored)
        self._mind()
        return drive

    def take_over(
        self,
        stored: Stored,
        definition: Definition,
        *,
        reason: ClaimReason = "resumed",
        records: tuple[Record, ...] = (),
    ) -> Live:
        """Claim an execution and run its body once more, in the running loop.

        Raises
        ------
        StaleEpochError, ExecutionOwnedError
            If another was quicker, or is at work on it.
        """
        journal, execution = self.journal, stored.execution
        epoch = journal.claim(
            execution.id,
            expected_epoch=execution.epoch,
            reason=reason,
            digest=definition.digest,
            time=self.clock.time(),
            records=records,
        )
        last = execution.records[-1].seq if execution.records else 0
        if records:
            stored = stored.plus(journal.records_after(last, execution_id=execution.id))
        with self._lock:
            live = self.live_of(stored)
            live.epoch = epoch
            live.is_stopped = False
            if live.state is ExecutionState.NEEDS_DEFINITION:
                live.context.state = stored.state
            self._compare(live, definition)
            self._active[live.id] = live
        recorded = stored.recorded
        drive = Drive(self, live, definition, lane=self.lane(), recorded=recorded)
        drive.is_careful = reason == "recovered"
        drive.begin(cancelled_at=stored.cancelled_at())
        self._mind()
        return live

    @staticmethod
    def _compare(live: Live, definition: Definition) -> None:
        """Say when an execution goes on with other code than it began with."""
        same = is_same_code(live.digest, definition.digest)
        live.context.code_changed = not same
        if not same and not definition.is_patched:
            _log.warning(
                "The execution %s goes on with other code of %r than it began with; "
                "steps that differ will be refused",
                live.id,
                definition.name,
            )

    def live_of(self, stored: Stored) -> Live:
        """Return what this process knows of an execution, up to date."""
        execution = stored.execution
        with self._lock:
            live = self._known.get(execution.id)
            if live is None:
                context = ExecutionContext(
                    execution.id, execution.workflow, self._input(stored)
                )
                context.read_with(self.values.value_of)
                live = self._live(
                    context,
                    parent=execution.parent,
                    correlation_id=execution.correlation_id,
                )
                # those who hand it out do not know the code
                digests = (claim.digest for claim in execution.claims)
                live.digest = next(filter(None, digests), "")
            with uncollected():
                live.context.read(execution.records)
            return live

    def _input(self, stored: Stored) -> Any:
        text = stored.execution.input
        return None if text is None else self.values.value_of(text)

    def _live(
        self,
        context: ExecutionContext[Any],
        *,
        parent: str,
        correlation_id: str | None = None,
    ) -> Live:
        """Return a new execution of this process."""
        if correlation_id is None:
            scope = CURRENT.get()
            correlation_id = id_text(NEXT_ID() if scope is None else scope.cid)
        live = Live(
            context,
            correlation_id=correlation_id,
            parent=parent,
            publish=self._telling.tell,
            is_heard=self._telling.is_heard,
        )
        self._known[live.id] = live
        return live

    # --- letting go -------------------------------------------------------------------

    def on_paused(self, drive: Drive) -> None:
        """Keep a body that waits for an answer, unless there are too many."""
        live: Live = drive.live
        with self._lock:
            self._parked[live.id] = None
            self._parked.move_to_end(live.id)
            # Bodies of child executions are held by those that called them.
            roots = [key for key in self._parked if not self._has_parent(key)]
            surplus = roots[: max(0, len(roots) - self._max_parked)]
        for execution_id in surplus:
            found = self._active.get(execution_id)
            if found is not None and found.is_stopped:
                self.evict(found)

    def _has_parent(self, execution_id: str) -> bool:
        live = self._active.get(execution_id)
        return live is not None and bool(live.parent)

    def on_ended(self, drive: Drive) -> None:
        """Forget an execution whose body has ended."""
        if drive.live.drive is drive:
            self._forget(drive.live)

    def _forget(self, live: Live) -> None:
        with self._lock:
            self._active.pop(live.id, None)
            self._parked.pop(live.id, None)

    def evict(self, live: Live) -> None:
        """Drop a body from memory; the journal has what is needed to go on.

        Raises
        ------
        ExecutionStateError
            If it is at work.
        """
        drive: Drive | None = live.drive
        if drive is not None and not live.is_stopped:
            raise ExecutionStateError(
                f"The execution {live.id!r} is at work in another event loop",
                why=f"It is {live.state.value}, and the call would block that loop.",
                fix="Await it there: await run.resume(data), await run.cancel().",
                context={"execution_id": live.id},
            )
        self._forget(live)
        live.drive = None
        if drive is None:
            return
        for waiting in tuple(drive.waiting.values()):
            child = self._active.get(child_id(live.id, waiting.key))
            if child is not None:
                self.evict(child)
        drive.dead = True
        task, loop = drive.task, drive.lane.loop
        if task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    def let_go(self, live: Live) -> None:
        """Note that this process stops in good order: it was not the execution's."""
        if live.is_stopped or self._journal is None or self._is_closed:
            return
        record = Record(live.id, INTERRUPTED, time=self.time())
        with contextlib.suppress(JournalError):
            self._journal.append([record], epoch=live.epoch)

    def let_go_of_all(self) -> None:
        """Note of all executions at work that this process stops."""
        lives = [live for live in tuple(self._active.values()) if not live.is_stopped]
        for live in lives:
            self.let_go(live)
        if lives and self._journal is not None and not self._is_closed:
            with contextlib.suppress(JournalError, TimeoutError):
                self._journal.sync(timeout=1.0)

    # --- requests of other processes --------------------------------------------------

    def _mind(self) -> None:
        """Hear of executions that others want to end, and of the end of the process."""
        if not self._minds_the_exit:
            # Called before the journal's own, which was registered by now.
            self._minds_the_exit = True
            atexit.register(self.let_go_of_all)
        self._requests.mind()

    def _drives_of(self, loop: asyncio.AbstractEventLoop) -> list[Drive]:
        """Return what runs bodies in a loop."""
        return [
            live.drive
            for live in tuple(self._active.values())
            if live.drive is not None and live.drive.lane.loop is loop
        ]
