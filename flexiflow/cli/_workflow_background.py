"""Leave an execution to a process of its own, which outlives the command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from ..errors import FlexiFlowError
from ..workflows._stored_data import summary_of
from ..workflows.errors import WorkflowError
from ._local_store import local_store
from ._output import plain
from ._workflow_runs import Job, begin

if TYPE_CHECKING:
    from ._local_store import LocalStore
    from ._output import Output

__all__ = ["begin_in_background", "main"]

_STDOUT: Final = 1
_STDERR: Final = 2
_ROOT: Final = Path(__file__).resolve().parents[2]
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    "from flexiflow.cli._workflow_background import main; main()"
)


def begin_in_background(store: LocalStore, output: Output, job: Job) -> int:
    """Start a process that does a job, and return when the execution is stored.

    Raises
    ------
    WorkflowError
        If it could not begin; with what the process said.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, str(_ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C and the end of the terminal are not meant for it
        start_new_session=True,
    )
    order = {"home": str(store.home), "job": asdict(job)}
    # through a pipe: a list of processes shows arguments to everybody
    said = _talk(process, json.dumps(order))
    if not said:
        raise WorkflowError(
            "The process in the background ended before it began",
            why=f"Its exit code was {process.wait()}.",
            fix="Run the workflow with --mode sync to see why.",
        )
    answer = json.loads(said)
    if "error" in answer:
        process.wait()
        error = answer["error"]
        raise WorkflowError(
            error["what"], why=error["why"], fix=error["fix"], context=error["context"]
        )
    process.returncode = 0  # it is left to itself by intent; nobody waits for it
    execution = store.reload(answer["execution_id"])
    output.say(f"{plain(execution.workflow)} {execution.id}", "green")
    output.say(f"See: flexiflow workflow tail {execution.id} --follow", "dim")
    output.result({**summary_of(execution), "log": answer["log"]})
    return 0


def _talk(process: subprocess.Popen[bytes], order: str) -> str:
    """Hand over the order, and return the one line that comes back."""
    source, target = process.stdout, process.stdin
    if source is None or target is None:  # both are pipes
        raise AssertionError
    with source, target:
        target.write(order.encode() + b"\n")
        target.close()
        return source.readline().decode()


# --- in the process -------------------------------------------------------------------


def main() -> None:
    """Do the job that stands on standard input; the program of the process."""
    order = json.loads(sys.stdin.readline())
    options = Namespace(home=order["home"], verbose=True)
    log = Path(order["home"]) / "logs" / f"{os.getpid()}.log"
    # what the workflow prints must not mix with the one line that is waited for
    with os.fdopen(os.dup(_STDOUT), "w", encoding="utf-8") as answers:
        _write_to(log, _STDOUT)
        with local_store(options) as store:
            try:
                asyncio.run(_work(store, Job(**order["job"]), log, answers))
            except FlexiFlowError as error:
                _say(answers, {"error": _parts(error)})
                log.unlink(missing_ok=True)
                raise SystemExit(1) from None


async def _work(store: LocalStore, job: Job, log: Path, answers: TextIO) -> None:
    """Begin, tell that it has begun, and wait for the end or a pause."""
    run, task = await begin(store, job)
    stored = asyncio.ensure_future(_stored(store, run.execution_id))
    await asyncio.wait({stored, task}, return_when=asyncio.FIRST_COMPLETED)
    if not stored.done():
        stored.cancel()
        await task  # raises why it did not begin
    named = _named(log, run.execution_id)
    _write_to(named, _STDERR)
    _say(answers, {"execution_id": run.execution_id, "log": str(named)})
    answers.close()
    await task


async def _stored(store: LocalStore, execution_id: str) -> None:
    """Wait until others find the execution."""
    while store.journal.load(execution_id) is None:  # noqa: ASYNC110 - some 1 ms
        await asyncio.sleep(0.001)


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    """Print the one line that the command waits for, unless it has gone already."""
    with contextlib.suppress(ValueError, BrokenPipeError):
        print(json.dumps(answer, default=str), file=answers, flush=True)


def _named(log: Path, execution_id: str) -> Path:
    """Give a log the name by which it is looked for."""
    return log.rename(log.with_name(f"{execution_id}.log"))


def _write_to(log: Path, number: int) -> None:
    """Let what is printed from now on go to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(opened, number)
    os.close(opened)


def _parts(error: FlexiFlowError) -> dict[str, Any]:
    return {
        "what": error.what,
        "why": error.why,
        "fix": error.fix,
        "context": {key: str(value) for key, value in error.context.items()},
    }
