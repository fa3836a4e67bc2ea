"""Run an execution in this process, and say what happens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from ..workflows._stored_data import is_event, summary_of
from ._execution_words import STYLES, print_event, value_text
from ._output import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..workflows.handle import Run
    from ..workflows.journal.protocol import Execution, Record
    from ._local_store import LocalStore
    from ._output import Output

__all__ = ["Job", "begin", "report", "run_here"]

_EXITS: Final = {"COMPLETED": 0, "PAUSED": 0}
_EXIT_FAILURE: Final = 1


@final
@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with an execution."""

    kind: str
    """``run``, ``resume`` or ``fork``."""
    workflow: str
    """The name of the workflow."""
    execution_id: str = ""
    """Of the execution that is there already."""
    data: Any = None
    """The input, the answer, or the step to fork from. Any: JSON data."""
    pause: str | None = None
    """Which pause the answer is for."""


async def begin(store: LocalStore, job: Job) -> tuple[Run[Any], asyncio.Task[Any]]:
    """Do the job; return the handle, and the task that ends with the execution.

    Raises
    ------
    FlexiFlowError
        If it cannot be begun.
    """
    runtime = store.runtime
    definition = store.workflow(job.workflow).definition
    if job.kind == "run":
        run = runtime.start(definition, job.data)
        return run, asyncio.ensure_future(_finished(run))
    if job.kind == "fork":
        run = runtime.branch_off(job.execution_id, job.data)
        return run, asyncio.ensure_future(_finished(run))
    stored = store.reload(job.execution_id)
    if stored.state == "PAUSED" or job.data is not None or job.pause is not None:
        work = runtime.answer(
            job.execution_id, job.data, job.pause, definition=definition
        )
    else:
        # nobody waits for an answer: its process has died, or it has ended
        work = runtime.go_on(job.execution_id, definition)
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    return runtime.get_run(job.execution_id), task


async def _finished(run: Run[Any]) -> Any:
    return await run


async def run_here(
    store: LocalStore, output: Output, job: Job, *, stream: bool, detailed: bool
) -> int:
    """Do a job, and wait until its execution ends or pauses.

    Returns
    -------
    int
        0 when it is completed or paused; 1 when it has failed or was cancelled.

    Notes
    -----
    Ctrl-C cancels the execution, and waits until it has ended.
    """
    before = store.reload(job.execution_id) if job.execution_id else None
    last = before.records[-1].seq if before is not None and before.records else 0
    run, task = await begin(store, job)
    printer = _Printer(
        store, output, run.execution_id, last if job.kind != "fork" else 0
    )
    stop: Callable[[], None] | None = None
    if stream:
        stop = run.listen(lambda _: printer.catch_up())
        printer.catch_up()
    else:
        output.note(f"{plain(run.workflow_name)} {run.execution_id}")
    try:
        await task
    except asyncio.CancelledError:
        output.note("cancelling ...")
        await run.cancel()
        raise
    finally:
        if stop is not None:
            stop()
            printer.catch_up()
    return report(
        output, store.reload(run.execution_id), is_told=stream, detailed=detailed
    )


@final
class _Printer:
    """Prints the events of an execution, each once."""

    def __init__(
        self, store: LocalStore, output: Output, execution_id: str, after: int
    ) -> None:
        self._journal = store.journal
        self._output = output
        self._id = execution_id
        self._after = after

    def catch_up(self) -> None:
        """Print what has been stored since the last time."""
        found: list[Record] = self._journal.records_after(
            self._after, execution_id=self._id
        )
        for record in found:
            self._after = record.seq
            if is_event(record):
                print_event(self._output, record)


def report(
    output: Output,
    execution: Execution,
    *,
    is_told: bool = False,
    detailed: bool = False,
) -> int:
    """Say where an execution has come to; return the exit code for that.

    Parameters
    ----------
    output : Output
        Where to say it.
    execution : Execution
        As it is now.
    is_told : bool, default False
        Whether its events have been printed: JSON is one line then, like them.
    detailed : bool, default False
        Whether the events go with it.
    """
    state = execution.state
    data = summary_of(execution, detailed=detailed)
    if is_told:
        output.line(data)
    else:
        output.result(data)
        if detailed and not output.as_json:
            for record in filter(is_event, execution.records):
                print_event(output, record)
    output.say(f"{execution.id}: {output.painted(state, STYLES.get(state))}")
    if state in {"COMPLETED", "FAILED"} and not is_told:
        text = value_text(execution.records[-1].value, 10_000)
        if text:
            output.say(text)
    if state == "PAUSED":
        output.say(f"Answer: flexiflow workflow resume {execution.id} DATA", "dim")
    return _EXITS.get(state, _EXIT_FAILURE)
