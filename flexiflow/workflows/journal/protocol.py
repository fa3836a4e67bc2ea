"""What the engine asks of a journal: two tables that only grow, whatever keeps them.

An *execution* is one run of a workflow. It is created once, under epoch 0, and each
takeover raises its epoch by one; only the newest epoch may write. A *record* is one
event of an execution, in the order in which it happened. Most are plain tuples with
names: thousands are read at once, and a dataclass each costs the import 0.6 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import (
    Final,
    Literal,
    NamedTuple,
    Protocol,
    TypeAlias,
    final,
    runtime_checkable,
)

__all__ = [
    "ENDS",
    "REQUEST_TO_END",
    "UNOWNED_STATES",
    "Claim",
    "ClaimReason",
    "ContentJournal",
    "Execution",
    "ExecutionRow",
    "Journal",
    "ListeningJournal",
    "NewExecution",
    "OnDone",
    "OnWritten",
    "Record",
]

ClaimReason: TypeAlias = Literal["created", "resumed", "recovered"]
"""Why an epoch began: the execution is new, a person or program went on with a paused
or scheduled one, or its owner had died at work."""

OnDone: TypeAlias = Callable[[BaseException | None, range], None]
"""Called after the commit, in the writer's thread (or that of a caller that may block),
with an error or None, and the sequence numbers of the records (empty on an error). It
must return at once."""

OnWritten: TypeAlias = Callable[[frozenset[str] | None], None]
"""Called in a thread of the journal when any process may have written something: with
the states that it led to (none where it led to none), or None when news may have been
missed. It must return at once."""

UNOWNED_STATES: Final = frozenset(
    {
        "CREATED",
        "SCHEDULED",
        "PAUSED",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
    }
)
"""The states in which nobody is at work on an execution: anybody may claim it."""


REQUEST_TO_END: Final = "REQUEST_CANCEL"
"""The kind of a record by which another process asks for the end of an execution. It is
written alone, under the epoch of the owner, and refused once the end has come."""

ENDS: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
"""The states behind which nothing more happens."""


@final
class Record(NamedTuple):
    """One event of an execution."""

    execution_id: str
    """The execution it belongs to."""
    kind: str
    """The value of an ``ExecutionEventType``."""
    key: str = ""
    """The path of the step within the body; empty for the execution itself."""
    name: str = ""
    """What people call it: the name of the task or of the workflow."""
    source_id: str = ""
    """The id of the step's run; the same in all its records."""
    value: str | None = None
    """JSON text made by the codec, or None for none."""
    digest: str = ""
    """The digest of the step's arguments; empty where there are none."""
    time: float = 0.0
    """Seconds since 1970 UTC, by the clock of the engine."""
    state: str = ""
    """The state of the execution from here on; empty where it stays as it was."""
    epoch: int = 0
    """The epoch it was written under; filled in by the journal."""
    seq: int = 0
    """Its place among all records of the journal, from 1; filled in by the journal."""


@final
class NewExecution(NamedTuple):
    """An execution that is about to be created."""

    id: str
    """Its id; never used before."""
    workflow: str
    """The name of the workflow."""
    input: str | None = None
    """JSON text made by the codec, or None for none."""
    parent: str = ""
    """The id of the execution that called it; empty for none."""
    owner: str = ""
    """The process that runs it from the start (``Journal.owner``); empty for none."""
    digest: str = ""
    """The digest of the workflow's code."""
    correlation_id: str = ""
    """The story it belongs to."""
    created: float = 0.0
    """Seconds since 1970 UTC."""


@final
class Claim(NamedTuple):
    """One epoch of an execution: who had it, since when and why."""

    epoch: int
    """0 for the creation, one more for each takeover."""
    owner: str
    """The process; empty when it was created for others to take."""
    reason: ClaimReason
    """Why the epoch began."""
    time: float
    """Seconds since 1970 UTC."""
    digest: str = ""
    """The digest of the workflow's code in this epoch."""


@final
@dataclass(frozen=True, slots=True)
class Execution:
    """All that the journal knows of one execution."""

    id: str
    """Its id."""
    workflow: str
    """The name of the workflow."""
    input: str | None
    """JSON text made by the codec, or None for none."""
    parent: str
    """The id of the execution that called it; empty for none."""
    correlation_id: str
    """The story it belongs to."""
    created: float
    """Seconds since 1970 UTC."""
    claims: tuple[Claim, ...]
    """Its epochs, in order; at least the creation."""
    records: tuple[Record, ...]
    """Its records, in order."""

    @property
    def epoch(self) -> int:
        """The newest epoch: the one that may write."""
        return self.claims[-1].epoch

    @property
    def owner(self) -> str:
        """The process that claimed it last; it may be dead, or done with it."""
        return self.claims[-1].owner

    @property
    def digest(self) -> str:
        """The digest of the workflow's code in the newest epoch."""
        return self.claims[-1].digest

    @property
    def state(self) -> str:
        """The state that the last record with one names; CREATED before."""
        for record in reversed(self.records):
            if record.state:
                return record.state
        return "CREATED"


@final
class ExecutionRow(NamedTuple):
    """One execution in a list."""

    number: int
    """Its place among all executions, by creation; what ``before`` takes."""
    id: str
    """Its id."""
    workflow: str
    """The name of the workflow."""
    state: str
    """Its state; CREATED as long as no record names one."""
    input: str | None
    """JSON text made by the codec, or None for none."""
    value: str | None
    """The value of the record that led to the state: the output once completed."""
    parent: str
    """The id of the execution that called it; empty for none."""
    owner: str
    """The process that claimed it last; it may be dead, or done with it."""
    epoch: int
    """The newest epoch."""
    correlation_id: str
    """The story it belongs to."""
    created: float
    """When it was created, seconds since 1970 UTC."""
    updated: float
    """When it came to its state, seconds since 1970 UTC."""


class Journal(Protocol):
    """Keeps executions and their records; many threads and processes may use one.

    Notes
    -----
    What is acknowledged (``on_done`` without an error, or a call that returned) is
    there after a crash of the process, and of the machine too unless the journal was
    opened for less. The records of one call are there together or not at all. Those of
    one execution and epoch have no gap: after a failed ``append`` the next ones of that
    epoch fail too, until the execution is claimed anew.
    """

    @property
    def owner(self) -> str:
        """The name of this process as an owner; alive as long as the journal is."""

    def create(
        self,
        execution: NewExecution,
        records: Sequence[Record] = (),
        *,
        on_done: OnDone | None = None,
    ) -> None:
        """Queue a new execution with its first records, under epoch 0.

        Returns at once; ``on_done`` gets :class:`ExecutionExistsError` when the id is
        taken.
        """

    def append(
        self,
        records: Sequence[Record],
        *,
        epoch: int,
        on_done: OnDone | None = None,
        urgent: bool = True,
        may_block: bool = False,
    ) -> None:
        """Queue records of one execution, in order; return at once.

        ``epoch`` must be the newest of the execution when they are written, else
        ``on_done`` gets :class:`StaleEpochError`; so does a request to end an execution
        that has ended. Records that are not urgent wait for
        the next urgent ones of anybody, 10 ms at most. May be called from any thread;
        a thread that has nothing else to do says ``may_block``: a quick journal may
        then commit in it, and call ``on_done`` there before it returns.

        Raises
        ------
        JournalClosedError
            If the journal has been closed.
        """

    def claim(
        self,
        execution_id: str,
        *,
        expected_epoch: int,
        reason: ClaimReason = "resumed",
        digest: str = "",
        time: float | None = None,
        records: Sequence[Record] = (),
    ) -> int:
        """Take an execution over for this process; block, and return its new epoch.

        ``records`` are written under the new epoch, in the same transaction.

        Raises
        ------
        StaleEpochError
            If another claim was quicker: the newest epoch is not the expected one.
        ExecutionOwnedError
            If another living process is at work on it (see ``UNOWNED_STATES``).
        JournalError
            If there is no such execution, or the journal cannot be written.
        """

    def load(self, execution_id: str) -> Execution | None:
        """Return an execution with all its records, or None; block."""

    def executions(
        self,
        *,
        workflow: str | None = None,
        states: Sequence[str] | None = None,
        parent: str | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[ExecutionRow]:
        """List executions, the newest first; block.

        ``before`` (the ``number`` of a row) goes on where another list ended.
        """

    def records_after(
        self, seq: int, *, execution_id: str | None = None, limit: int = 1000
    ) -> list[Record]:
        """Return the records behind a sequence number, in order; block."""

    def is_alive(self, owner: str) -> bool:
        """Whether the process of that owner name still runs with its journal open."""

    def sync(self, timeout: float | None = None) -> None:
        """Block until all that was queued before is written.

        Raises
        ------
        TimeoutError
            If it takes longer than ``timeout`` seconds.
        """

    def close(self) -> None:
        """Write what is queued, then let go of everything; twice is harmless."""


@runtime_checkable
class ListeningJournal(Protocol):
    """A journal that hears of what other processes write, so that none has to poll."""

    def listen(self, callback: OnWritten) -> Callable[[], None]:
        """Call a function from now on when something was written, soon after it.

        Returns
        -------
        callable
            Ends it.
        """


@runtime_checkable
class ContentJournal(Protocol):
    """A journal whose database keeps large values too, where all machines see them."""

    def keep_content(self, kind: str, digest: str, content: bytes) -> None:
        """Keep bytes under their SHA-256, unless they are there; block.

        Raises
        ------
        JournalError
            If the database cannot be written.
        """

    def content(self, kind: str, digest: str) -> bytes | None:
        """Return the bytes of a SHA-256, or None; block."""
