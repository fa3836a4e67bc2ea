"""Run workflows: start them, answer them, end them, and go on after a crash."""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, final

from ..errors import one_line
from ._continuing import Continuing
from ._definition import CATALOGUE, Definition
from ._forking import records_before
from ._hosting import closed_error
from ._loop_thread import LoopThread, block_running_loop, interruptible
from ._scope import SCOPE
from ._taking import is_refused, load
from .context import ExecutionContext, ExecutionState
from .errors import (
    ExecutionOwnedError,
    StaleEpochError,
    WorkflowError,
)
from .handle import Run
from .replay import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from ..clock import Clock
    from ..event_manager import AsyncEventManager
    from ._live import Live
    from .journal import ExecutionRow, Journal

__all__ = ["Runtime", "get_runtime", "set_runtime"]

_AT_WORK: Final = ("CLAIMED", "RUNNING", "RESUMING", "CANCELLING")
"""States in which a process is at work on an execution, or has died at it."""


@final
class Runtime(Continuing):
    """The owner of executions: of their journal, their thread, what they borrow.

    Parameters
    ----------
    journal : Journal, optional
        Where everything is stored; the one in ``home`` by default. It is closed by
        whoever made it.
    home : str or path, optional
        The folder of the journal, the cache and the secrets; by default as the
        settings say.
    database_url : str, optional
        Where the journal is, if not in ``home``: ``postgresql://...`` for several
        machines, large values included; cache, secrets and ``output_storage`` stay in
        files of each. By default as the settings say, unless ``home`` is given.
    event_bus : AsyncEventManager, optional
        Where events go after they were stored; one of its own by default.
    clock : Clock, optional
        What times and waits go by; the system's clock by default.
    max_parked : int, default 64
        How many paused bodies are kept in memory, to go on without a replay.
    max_crashes : int, default 3
        How often in a row an execution may end its process before it fails.
    durability : {"disk", "process"}, default "disk"
        What a stored step survives: a power cut, or the end of the process only.
    dask : str, Cluster or Client, optional
        Where tasks with ``executor="dask"`` run, as of ``use_dask``: an address, an
        object that knows it, or ``"local"``. By default as the setting ``dask`` says,
        else the scheduler of the worker that this process is, else ``"local"``. Any:
        Dask has no types.

    Notes
    -----
    Close it, or use it in a ``with`` or ``async with`` block, in which it is also the
    runtime of ``wf.run`` and its like. May be used from any thread.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        database_url: str | None = None,
        event_bus: AsyncEventManager | None = None,
        clock: Clock | None = None,
        max_parked: int = 64,
        max_crashes: int = 3,
        durability: Literal["disk", "process"] = "disk",
        dask: Any = None,
    ) -> None:
        super().__init__(
            journal,
            home=home,
            database_url=database_url,
            event_bus=event_bus,
            clock=clock,
            max_parked=max_parked,
            max_crashes=max_crashes,
            durability=durability,
            dask=dask,
        )
        self._thread = LoopThread("flexiflow workflows")
        self._undefined: dict[str, set[str]] = {}
        self._stop_listening: Callable[[], None] | None = None
        self._before: Runtime | None = None

    # --- beginning --------------------------------------------------------------------

    # Any, here and below: inputs, answers and outputs are the user's.
    def start(
        self,
        definition: Definition,
        input: Any = None,
        *,
        execution_id: str | None = None,
    ) -> Run[Any]:
        """Begin an execution in the running loop; return its handle.

        One of that id that is there already is gone on with, if its process has died,
        or left as it is.

        Raises
        ------
        RuntimeError
            If no loop runs here.
        CodecError
            If the input cannot be stored.
        WorkflowError
            If it is called in the body of another execution.
        """
        asyncio.get_running_loop()
        _refuse_in_body(definition.name)
        found = None if execution_id is None else self._found(execution_id, definition)
        if found is not None:
            return found
        live = self.make(definition, input, execution_id=execution_id)
        self.begin(live, definition)
        return Run(self, live)

    def _found(self, execution_id: str, definition: Definition) -> Run[Any] | None:
        """Return the handle of an execution that is there, going on with an orphan."""
        live = self._active_of(execution_id, definition)
        if live is not None:
            return Run(self, live)
        given: object = execution_id
        if not isinstance(given, str) or not given or not given.isprintable():
            raise _no_id(given)
        if self.journal.load(execution_id) is None:
            return None
        stored = load(self.journal, execution_id, definition.name)
        owner = stored.execution.owner
        is_left = owner == self.journal.owner or not self.journal.is_alive(owner)
        if (is_left and not stored.is_at_rest) or is_refused(stored):
            return Run(self, self._take_up(stored, definition))
        return Run(self, self.live_of(stored))

    def run(self, definition: Definition, input: Any = None) -> ExecutionContext[Any]:
        """Run an execution in the runtime's own thread; block until it stops.

        Raises
        ------
        CodecError
            If the input cannot be stored.
        WorkflowError
            If it is called in the body of another execution, or the journal fails.
        KeyboardInterrupt
            If the user wants it to stop; it was cancelled then.
        """
        _refuse_in_body(definition.name)
        self.values.text_of(input)
        live = self.make(definition, input)

        async def begin() -> ExecutionContext[Any]:
            self.begin(live, definition)
            return await self.finish(live)

        context: ExecutionContext[Any] = self._block(begin, live.id)
        return context

    def run_again(self, definition: Definition, execution_id: str) -> Any:
        """Go on with an execution after a crash, or return it as it is; block."""
        return self._block(lambda: self.go_on(execution_id, definition), execution_id)

    def run_handed_out(
        self, execution_id: str, definition: Definition
    ) -> ExecutionContext[Any]:
        """Run an execution that another process has handed out; block until it stops.

        As :meth:`perform`, in the runtime's own thread.
        """
        context: ExecutionContext[Any] = self._block(
            lambda: self.perform(execution_id, definition), execution_id
        )
        return context

    def resume(
        self,
        execution_id: str,
        data: Any = None,
        *,
        pause: str | None = None,
        definition: Definition | None = None,
    ) -> ExecutionContext[Any]:
        """Answer an execution that waits; block until it stops.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id.
        ExecutionStateError
            If it does not wait for that answer.
        """

        def answer() -> Coroutine[Any, Any, ExecutionContext[Any]]:
            return self.answer(execution_id, data, pause, definition=definition)

        context: ExecutionContext[Any] = self._block(answer, execution_id)
        return context

    def cancel(self, execution_id: str) -> ExecutionContext[Any]:
        """End an execution, wherever it runs; block until it has ended."""
        context: ExecutionContext[Any] = self._block(
            lambda: self.end(execution_id), execution_id
        )
        return context

    def _block(
        self, function: Callable[[], Coroutine[Any, Any, Any]], execution_id: str
    ) -> Any:
        """Await something in the own thread, with a copy of the caller's context."""
        if self._thread.is_current():
            raise WorkflowError(
                "A call that blocks was made in the thread that has to do the work",
                why="It would wait for itself.",
                fix="Await instead: await call(wf, input), await wf.start(input).",
            )
        context = contextvars.copy_context()
        context.run(SCOPE.set, None)
        context.run(block_running_loop)
        future = self._thread.submit(function, context=context)
        with interruptible():
            try:
                return future.result()
            except KeyboardInterrupt:
                if future.done():  # it came out of there
                    raise
                loop = self._thread.loop
                loop.call_soon_threadsafe(self._cancel_here, execution_id)
                try:
                    future.result()
                except Exception:  # noqa: BLE001 - the interruption is what is told
                    self._telling.failed("An interrupted execution failed")
                raise

    def _cancel_here(self, execution_id: str) -> None:
        live = self._active.get(execution_id)
        if live is not None and live.drive is not None:
            live.drive.cancel()

    # --- looking ----------------------------------------------------------------------

    def executions(
        self,
        *,
        workflow: str | None = None,
        states: tuple[str, ...] | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[ExecutionRow]:
        """List the executions of the journal, the newest first; blocks for the disk."""
        return self.journal.executions(
            workflow=workflow, states=states, before=before, limit=limit
        )

    def get_run(self, execution_id: str) -> Run[Any]:
        """Return the handle of any execution of the journal, running here or not.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is none of that id.
        """
        live = self._active.get(execution_id)
        if live is None:
            stored = load(self.journal, execution_id)
            live = self.live_of(stored)
            is_left = not (
                stored.is_at_rest or self.journal.is_alive(stored.execution.owner)
            )
            if is_left and not self.is_defined(live.workflow_name):
                live.context.state = ExecutionState.NEEDS_DEFINITION
        return Run(self, live)

    def is_defined(self, workflow_name: str) -> bool:
        """Return whether this process has defined a workflow of that name."""
        return CATALOGUE.find(workflow_name) is not None

    # --- other ways on ----------------------------------------------------------------

    def branch_off(self, execution_id: str, from_step: str | int) -> Run[Any]:
        """Start another execution that knows what happened before a step.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is no such execution.
        ExecutionStateError
            If it has no such step.
        WorkflowNotFoundError
            If its workflow has not been defined in this process.
        """
        stored = load(self.journal, execution_id)
        definition = CATALOGUE.get(stored.execution.workflow)
        kept = records_before(stored.execution, from_step)
        live = self.make(definition, self._input(stored))
        copied = tuple(record._replace(execution_id=live.id, seq=0) for record in kept)
        recorded = Recorded(kept)

        def begin() -> None:
            self.begin(live, definition, recorded=recorded, copied=copied)

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._thread.loop.call_soon_threadsafe(begin)
        else:
            begin()
        return Run(self, live)

    def recover(self) -> list[Run[Any]]:
        """Go on with the executions whose process has died.

        They run in the running loop if there is one, else in the runtime's own thread.
        Those whose workflow has not been defined here are NEEDS_DEFINITION, and go on
        as soon as it is.

        Returns
        -------
        list of Run
            All of them, the oldest first.
        """
        journal = self.journal
        rows = journal.executions(states=_AT_WORK, parent="")
        orphans = [
            row.id
            for row in reversed(rows)
            if row.id not in self._active and not journal.is_alive(row.owner)
        ]
        if self._stop_listening is None:
            self._stop_listening = CATALOGUE.listen(self._on_defined)
        return [run for run in map(self._recover, orphans) if run is not None]

    def _recover(self, execution_id: str) -> Run[Any] | None:
        """Go on with one execution whose process has died."""
        stored = load(self.journal, execution_id)
        definition = CATALOGUE.find(stored.execution.workflow)
        if definition is None:
            waiting = self._undefined.setdefault(stored.execution.workflow, set())
            waiting.add(execution_id)
            return self.get_run(execution_id)

        def go_on() -> Live | None:
            try:
                return self._take_up(stored, definition)
            except (StaleEpochError, ExecutionOwnedError):
                return None  # another process was quicker

        try:
            asyncio.get_running_loop()
        except RuntimeError:

            async def there() -> Live | None:
                return go_on()

            live = self._thread.submit(there).result()
        else:
            live = go_on()
        return None if live is None else Run(self, live)

    def _on_defined(self, definition: Definition) -> None:
        """Go on with the executions that waited for a definition."""
        for execution_id in sorted(self._undefined.pop(definition.name, ())):
            if not self._is_closed:
                self._recover(execution_id)

    # --- its life ---------------------------------------------------------------------

    def close(self) -> None:
        """Stop what still runs, without ending it; twice is harmless.

        Executions at work stay as they are in the journal, and go on when somebody
        calls for them; paused ones wait on.
        """
        with self._lock:
            if self._is_closed:
                return
            atexit.unregister(self.let_go_of_all)
            lives = list(self._active.values())
        if self._stop_listening is not None:
            self._stop_listening()
        for live in lives:
            if live.drive is not None:
                was_at_work = not live.is_stopped
                self.let_go(live)
                live.is_stopped = True
                self.evict(live)
                if was_at_work:
                    live.stop(closed_error())
        self._thread.close()
        self._requests.close()
        with self._lock:
            self._is_closed = True
            journal = self._journal
        if journal is not None and self._owns_journal:
            journal.close()
        self.resources.close()

    def __enter__(self) -> Self:
        """Be the runtime of this process until the end of the block."""
        self._before = set_runtime(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        set_runtime(self._before)
        self.close()

    async def __aenter__(self) -> Self:
        """Be the runtime of this process until the end of the block."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.__exit__(kind, error, trace)


class _Default:
    """The runtime that workflows use when they are not told of another."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    runtime: ClassVar[Runtime | None] = None
    pid: ClassVar[int] = 0


def get_runtime() -> Runtime:
    """Return the runtime of this process; made when it is first asked for."""
    with _Default.lock:
        found = _Default.runtime
        # A forked child has neither the threads nor the locks of its parent.
        if found is None or found.is_closed or _Default.pid != os.getpid():
            found = _Default.runtime = Runtime()
            _Default.pid = os.getpid()
        return found


def set_runtime(runtime: Runtime | None) -> Runtime | None:
    """Let another runtime be the one of this process; return the one before.

    None: one is made when it is next asked for.
    """
    with _Default.lock:
        before, _Default.runtime = _Default.runtime, runtime
        _Default.pid = os.getpid()
        return before


def _no_id(given: object) -> WorkflowError:
    """Return the error for what cannot be the id of an execution."""
    return WorkflowError(
        "An execution cannot have that id",
        why=f"It is {one_line(given)}.",
        fix="Use text that can be printed, or leave it out.",
    )


def _refuse_in_body(name: str) -> None:
    """Refuse to begin an execution where each replay would begin one more."""
    scope = SCOPE.get()
    if scope is not None and scope.is_body and scope.is_here():
        raise WorkflowError(
            f"The workflow {name!r} was started in the body of another",
            why="Each replay of that body would start it again.",
            fix=f"Call it as a step: await call({name}, input)",
            context={"workflow": name, "execution_id": scope.drive.live.id},
        )
