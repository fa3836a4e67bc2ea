"""Write into the journal what is asked of executions that run elsewhere."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from .. import _values
from .._scope import key_of_child
from .._taking import Stored, load, not_waiting
from ..errors import ExecutionOwnedError, JournalError, StaleEpochError

if TYPE_CHECKING:
    from ..journal import Journal, Record

__all__ = ["SCHEDULED", "answer", "ask_to_end", "scheduled_version"]

SCHEDULED: Final = "WORKFLOW_SCHEDULED"
"""The kind of the record that says that an execution is there for others to take."""

_TRIES: Final = 20
"""How often somebody else may be quicker before it is told as an error."""


def answer(
    journal: Journal, execution_id: str, text: str | None, pause: str | None = None
) -> str:
    """Store the answer to a pause, and leave the execution for a worker to take.

    Parameters
    ----------
    journal : Journal
        Where the execution is.
    execution_id : str
        The execution; for a child, the one that called it is answered.
    text : str, optional
        The answer, as the codec encodes it.
    pause : str, optional
        The name or the key of the pause; the oldest that waits when left out.

    Returns
    -------
    str
        The id of the execution that a worker has to take: the outermost.

    Raises
    ------
    ExecutionContextNotFoundError
        If there is none of that id.
    ExecutionStateError
        If it does not wait for that answer.
    """
    stored = load(journal, execution_id)
    parent = stored.execution.parent
    if parent:
        stored.question(pause)
        return answer(journal, parent, text, key_of_child(parent, execution_id))
    if stored.state.value != "PAUSED":
        raise not_waiting(execution_id, stored.state, [], pause)
    key, _ = stored.question(pause)
    now = time.time()
    records = (*stored.answers(key, text, now), _scheduled(stored, now))
    try:
        _claim(journal, stored, records)
    except (StaleEpochError, ExecutionOwnedError) as error:
        raise not_waiting(execution_id, stored.state, [], pause) from error
    return execution_id


def ask_to_end(journal: Journal, execution_id: str) -> bool:
    """Ask for the end of an execution.

    Returns
    -------
    bool
        Whether a worker has to take it, so that its body can clean up. Otherwise it has
        ended already, or is at work and will hear of it.

    Raises
    ------
    ExecutionContextNotFoundError
        If there is none of that id.
    JournalError
        If the journal cannot be written.
    """
    for _ in range(_TRIES):
        stored = load(journal, execution_id)
        if stored.has_ended:
            return False
        try:
            return _end(journal, stored)
        except StaleEpochError:
            continue
    raise JournalError(
        f"The execution {execution_id!r} could not be asked to end",
        why="Others claimed it again and again meanwhile.",
        fix="Ask once more.",
        context={"execution_id": execution_id},
    )


def _end(journal: Journal, stored: Stored) -> bool:
    """Ask for the end of an execution as it was just read."""
    now = time.time()
    cancelling = stored.record("WORKFLOW_CANCELLING", time=now, state="CANCELLING")
    has_begun = any(r.kind == "WORKFLOW_STARTED" for r in stored.execution.records)
    if not has_begun:
        last = stored.record("WORKFLOW_CANCELLED", time=now, state="CANCELLED")
    else:
        last = _scheduled(stored, now)
    try:
        _claim(journal, stored, (cancelling, last))
    except ExecutionOwnedError:
        request = cancelling._replace(kind="REQUEST_CANCEL")
        _append(journal, request, stored.execution.epoch)
        return False
    return has_begun


def scheduled_version(stored: Stored) -> int | None:
    """Return the version of the code an execution was created with, if it says so."""
    for record in stored.execution.records:
        if record.kind == SCHEDULED and record.value is not None:
            facts: Any = _values.value_of(record.value)  # Any: what was stored
            version = facts.get("version") if isinstance(facts, dict) else None
            return version if isinstance(version, int) else None
    return None


def _scheduled(stored: Stored, now: float) -> Record:
    return stored.record(SCHEDULED, time=now, state="SCHEDULED")


def _append(journal: Journal, record: Record, epoch: int) -> None:
    """Write a record under the epoch of whoever is at work; block until it is there."""
    written: Future[None] = Future()

    def on_done(error: BaseException | None, _: range) -> None:
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)

    journal.append([record], epoch=epoch, on_done=on_done)
    written.result()


def _claim(journal: Journal, stored: Stored, records: tuple[Record, ...]) -> None:
    """Write records for an execution at which nobody is at work."""
    execution = stored.execution
    journal.claim(
        execution.id,
        expected_epoch=execution.epoch,
        digest=execution.digest,
        time=time.time(),
        records=records,
    )
