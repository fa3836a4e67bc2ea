"""Say what went wrong with a workflow: the subtree of the one error tree.

::

    FlexiFlowError
    └── WorkflowError               all of them
        ├── CodecError              (also ValueError) a value that cannot be stored
        └── JournalError            the journal cannot be read or written
            ├── ExecutionExistsError    an execution of that id is there already
            ├── ExecutionOwnedError     a living process is at work on it
            ├── JournalClosedError      the journal has been closed
            └── StaleEpochError         another owner has taken it over
"""

from __future__ import annotations

from ..errors import FlexiFlowError

__all__ = [
    "CodecError",
    "ExecutionExistsError",
    "ExecutionOwnedError",
    "JournalClosedError",
    "JournalError",
    "StaleEpochError",
    "WorkflowError",
]


class WorkflowError(FlexiFlowError):
    """A workflow, or what keeps it, cannot do what was asked."""

    code = "flexiflow.workflow"


class CodecError(WorkflowError, ValueError):
    """A value cannot be stored, or stored text cannot be read."""

    code = "flexiflow.workflow.codec"


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
