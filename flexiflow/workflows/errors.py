"""Say what went wrong with a workflow: the subtree of the one error tree.

::

    FlexiFlowError
    └── WorkflowError               all of them
        ├── CodecError              (also ValueError) a value that cannot be stored
        ├── DefinitionError         (also TypeError) a task or workflow of no function
        ├── ExecutionContextNotFoundError   no such execution, or none around here
        ├── ExecutionError          a task failed; the cause is ``inner_exception``
        │   ├── ExecutionTimeoutError   (also TimeoutError) it took too long
        │   └── RetryError              it failed as often as it may be tried
        ├── ExecutionStateError     the execution is not in a state for that
        ├── GraphError              (also ValueError) a graph that cannot be run
        ├── IdempotencyError        a key that was used for something else
        ├── JournalError            the journal cannot be read or written
        │   ├── ExecutionExistsError    an execution of that id is there already
        │   ├── ExecutionOwnedError     a living process is at work on it
        │   ├── JournalClosedError      the journal has been closed
        │   └── StaleEpochError         another owner has taken it over
        ├── NonDeterminismError     a replay took another way than the first run
        ├── PoisonError             the execution ended its process too often
        ├── ProcessDiedError        the process of a task has ended under it
        ├── SchedulerLostError      the scheduler that has the tasks does not answer
        ├── SecretError             secrets that cannot be kept or read
        │   └── SecretNotFoundError (also KeyError) no secret of that name
        ├── ServerError             a server cannot be reached, or cannot answer
        ├── StorageError            a value kept in a file that is gone or damaged
        ├── UploadError             a file that a server cannot take
        └── WorkflowNotFoundError   no workflow of that name has been defined
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import FlexiFlowError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CodecError",
    "DefinitionError",
    "ExecutionContextNotFoundError",
    "ExecutionError",
    "ExecutionExistsError",
    "ExecutionOwnedError",
    "ExecutionStateError",
    "ExecutionTimeoutError",
    "GraphError",
    "IdempotencyError",
    "JournalClosedError",
    "JournalError",
    "NonDeterminismError",
    "PoisonError",
    "ProcessDiedError",
    "RetryError",
    "SchedulerLostError",
    "SecretError",
    "SecretNotFoundError",
    "ServerError",
    "StaleEpochError",
    "StorageError",
    "UploadError",
    "WorkflowError",
    "WorkflowNotFoundError",
    "told",
]


class WorkflowError(FlexiFlowError):
    """A workflow, or what keeps it, cannot do what was asked."""

    code = "flexiflow.workflow"


class CodecError(WorkflowError, ValueError):
    """A value cannot be stored, or stored text cannot be read."""

    code = "flexiflow.workflow.codec"


class DefinitionError(WorkflowError, TypeError):
    """A task or a workflow is to be made of what cannot be called."""

    code = "flexiflow.workflow.definition"


class ExecutionContextNotFoundError(WorkflowError):
    """There is no such execution, or the code at work belongs to none."""

    code = "flexiflow.workflow.context_not_found"


class ExecutionError(WorkflowError):
    """A task failed.

    Parameters
    ----------
    inner_exception : BaseException, optional
        What the task raised; never an ``ExecutionError`` of another task.
    what : str, optional
        The fact; by default what the inner exception says.
    why, fix, context
        As of :class:`~flexiflow.errors.FlexiFlowError`.
    """

    code = "flexiflow.workflow.execution"

    def __init__(
        self,
        inner_exception: BaseException | None = None,
        what: str | None = None,
        *,
        why: str | None = None,
        fix: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        what = what or told(inner_exception)
        super().__init__(what, why=why, fix=fix, context=context)
        self._inner = inner_exception

    @property
    def inner_exception(self) -> BaseException | None:
        """What the task raised."""
        return self._inner


def told(error: BaseException | None) -> str:
    """Return the type of an error and what it says, on one line."""
    if error is None:
        return "A task failed"
    text = getattr(error, "what", None)
    if not isinstance(text, str):
        try:
            text = str(error)
        except Exception as broken:  # noqa: BLE001 - a user's __str__ may raise
            text = f"(its text cannot be had: {type(broken).__name__})"
    text = " ".join(text.split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class ExecutionTimeoutError(ExecutionError, TimeoutError):
    """A task took longer than its ``timeout``.

    Parameters
    ----------
    timeout : float
        The limit, in seconds.
    task : str, optional
        The name of the task.
    """

    code = "flexiflow.workflow.timeout"

    timeout: float
    """The limit, in seconds."""

    def __init__(self, timeout: float, task: str = "") -> None:
        super().__init__(
            None,
            f"{task or 'A task'} took longer than {timeout:g} s",
            why="Each attempt may take so long and no longer.",
            fix="Give it more time: @task.with_options(timeout=...)",
            context={"task": task, "timeout_s": timeout} if task else None,
        )
        self.timeout = timeout

    @property
    def inner_exception(self) -> BaseException:
        """The error itself: nothing lies under it, and each failure has a cause."""
        return self


class RetryError(ExecutionError):
    """A task failed as often as it may be tried.

    Parameters
    ----------
    inner_exception : BaseException
        What it raised last.
    attempts : int
        How often it was tried, the first call included.
    task : str, optional
        The name of the task.
    """

    code = "flexiflow.workflow.retry"

    attempts: int
    """How often it was tried, the first call included."""

    def __init__(
        self, inner_exception: BaseException, attempts: int, task: str = ""
    ) -> None:
        super().__init__(
            inner_exception,
            f"{task or 'A task'} failed {attempts} times, "
            f"lastly with {told(inner_exception)}",
            context={"task": task, "attempts": attempts} if task else None,
        )
        self.attempts = attempts


class ExecutionStateError(WorkflowError):
    """An execution is not in a state for what was asked."""

    code = "flexiflow.workflow.state"


class NonDeterminismError(WorkflowError):
    """A replay took another way than the first run, or might take one."""

    code = "flexiflow.workflow.non_determinism"


class PoisonError(WorkflowError):
    """An execution ended the process that ran it too often; it is not tried again."""

    code = "flexiflow.workflow.poison"


class WorkflowNotFoundError(WorkflowError):
    """No workflow of that name has been defined in this process."""

    code = "flexiflow.workflow.not_found"


class GraphError(WorkflowError, ValueError):
    """A graph has no start or end, a node too many or too few, or a cycle."""

    code = "flexiflow.workflow.graph"


class IdempotencyError(WorkflowError):
    """The idempotency key belongs to another request."""

    code = "flexiflow.workflow.idempotency"


class JournalError(WorkflowError):
    """The journal cannot be opened, read or written."""

    code = "flexiflow.workflow.journal"


class ExecutionExistsError(JournalError):
    """An execution of that id has been created before."""

    code = "flexiflow.workflow.execution_exists"


class ExecutionOwnedError(JournalError):
    """A living process is at work on the execution; it cannot be taken over."""

    code = "flexiflow.workflow.execution_owned"


class JournalClosedError(JournalError, RuntimeError):
    """The journal has been closed; nothing more is written or read."""

    code = "flexiflow.workflow.journal_closed"


class StaleEpochError(JournalError):
    """Another owner has taken the execution over; this one writes no more to it."""

    code = "flexiflow.workflow.stale_epoch"


class ProcessDiedError(WorkflowError):
    """The process that ran a task has ended before the task did; it may be retried."""

    code = "flexiflow.workflow.process_died"


class SchedulerLostError(WorkflowError):
    """The Dask scheduler does not answer; what was under way is so still.

    The execution has not failed: it can be gone on with.
    """

    code = "flexiflow.workflow.scheduler_lost"


class SecretError(WorkflowError):
    """Secrets cannot be kept or read: a wrong key, a key that others may read."""

    code = "flexiflow.workflow.secret"


class SecretNotFoundError(SecretError, KeyError):
    """No secret of that name has been saved."""

    code = "flexiflow.workflow.secret_not_found"

    __str__ = FlexiFlowError.__str__


class StorageError(WorkflowError):
    """A value that was kept in a file is gone or damaged."""

    code = "flexiflow.workflow.storage"


class ServerError(WorkflowError):
    """A server cannot be reached, refuses a token, or gives no answer of its kind."""

    code = "flexiflow.workflow.server"


class UploadError(WorkflowError):
    """A file holds no workflow that a server can take."""

    code = "flexiflow.workflow.upload"
