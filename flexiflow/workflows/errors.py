"""Say what went wrong with a workflow: the subtree of the one error tree.

::

    FlexiFlowError
    └── WorkflowError               all of them
        ├── CodecError              (also ValueError) a value that cannot be stored
        ├── GraphError              (also ValueError) a graph that cannot be run
        ├── JournalError            the journal cannot be read or written
        │   ├── ExecutionExistsError    an execution of that id is there already
        │   ├── ExecutionOwnedError     a living process is at work on it
        │   ├── JournalClosedError      the journal has been closed
        │   └── StaleEpochError         another owner has taken it over
        ├── ProcessDiedError        the process of a task has ended under it
        ├── SecretError             secrets that cannot be kept or read
        │   └── SecretNotFoundError (also KeyError) no secret of that name
        └── StorageError            a value kept in a file that is gone or damaged
"""

from __future__ import annotations

from ..errors import FlexiFlowError

__all__ = [
    "CodecError",
    "ExecutionExistsError",
    "ExecutionOwnedError",
    "GraphError",
    "JournalClosedError",
    "JournalError",
    "ProcessDiedError",
    "SecretError",
    "SecretNotFoundError",
    "StaleEpochError",
    "StorageError",
    "WorkflowError",
]


class WorkflowError(FlexiFlowError):
    """A workflow, or what keeps it, cannot do what was asked."""

    code = "flexiflow.workflow"


class CodecError(WorkflowError, ValueError):
    """A value cannot be stored, or stored text cannot be read."""

    code = "flexiflow.workflow.codec"


class GraphError(WorkflowError, ValueError):
    """A graph has no start or end, a node too many or too few, or a cycle."""

    code = "flexiflow.workflow.graph"


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
