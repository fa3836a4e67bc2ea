"""Why a journal refuses what it is asked to write, whatever database is below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import (
    ExecutionExistsError,
    ExecutionOwnedError,
    JournalError,
    StaleEpochError,
)

if TYPE_CHECKING:
    from .protocol import NewExecution

__all__ = ["after_failure", "exists", "over", "owned", "stale", "unknown"]


def exists(new: NewExecution) -> ExecutionExistsError:
    """Return the error for an execution whose id is taken."""
    return ExecutionExistsError(
        f"The execution '{new.id}' exists already",
        why="An execution is created once; its id is never used again.",
        fix="Leave the id out to have a new one made, or go on with that "
        f"execution: run(execution_id={new.id!r})",
        context={"execution_id": new.id, "workflow": new.workflow},
    )


def unknown(execution_id: str, database: str) -> JournalError:
    """Return the error for an execution that the journal does not have."""
    return JournalError(
        f"The journal has no execution '{execution_id}'",
        why="Records are kept of executions that were created before.",
        fix="Compare the id with those of: flexiflow workflow status",
        context={"execution_id": execution_id, "database": database},
    )


def stale(execution_id: str, epoch: int, newest: int) -> StaleEpochError:
    """Return the error for an owner that is not the newest."""
    return StaleEpochError(
        f"The execution '{execution_id}' has been taken over",
        why=f"This owner holds epoch {epoch}; the newest is {newest}.",
        fix="Load the execution again to see where it stands; its new owner goes on "
        "with it.",
        context={"execution_id": execution_id, "epoch": epoch, "newest": newest},
    )


def over(execution_id: str) -> StaleEpochError:
    """Return the error for a request to end an execution that has ended."""
    return StaleEpochError(
        f"The execution '{execution_id}' has ended",
        why="It came to its end before the request to end it did.",
        fix="Load the execution again to see how it ended.",
        context={"execution_id": execution_id},
    )


def owned(
    execution_id: str, workflow: str, owner: str, state: str
) -> ExecutionOwnedError:
    """Return the error for an execution on which a living process is at work."""
    return ExecutionOwnedError(
        f"Another process is at work on the execution '{execution_id}'",
        why=f"It is {state}, and its owner '{owner}' is alive.",
        fix="Wait for its end, cancel it (flexiflow workflow cancel "
        f"{execution_id}), or end that process.",
        context={"execution_id": execution_id, "workflow": workflow, "owner": owner},
    )


def after_failure(execution_id: str, failure: JournalError) -> JournalError:
    """Return the error for records behind others that could not be written."""
    return JournalError(
        f"The execution '{execution_id}' writes no more: earlier records were lost",
        why=f"A record before could not be written ({failure.what}), and a journal "
        "has no gaps.",
        fix="Mend the cause, then go on with the execution: "
        f"run(execution_id={execution_id!r})",
        context={"execution_id": execution_id},
    )
