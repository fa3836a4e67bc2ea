"""Take an execution over from the journal, so that it goes on here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, final

from . import _values
from .context import ExecutionState
from .errors import (
    ExecutionContextNotFoundError,
    ExecutionStateError,
    NonDeterminismError,
    PoisonError,
)
from .journal.protocol import Execution, Record
from .replay import Recorded, uncollected

if TYPE_CHECKING:
    from .journal.protocol import Journal

__all__ = [
    "INTERRUPTED",
    "Stored",
    "check_workflow",
    "crashed_too_often",
    "ended_already",
    "is_refused",
    "load",
    "not_found",
    "not_waiting",
]

_CANCELS: Final = {"WORKFLOW_CANCELLING", "REQUEST_CANCEL"}
INTERRUPTED: Final = "INTERRUPTED"
"""The kind of the note that a process let go of an execution; it did not crash."""

_LET_GO: Final = {INTERRUPTED, "WORKFLOW_SCHEDULED"}
"""What says of an epoch that its process did not crash: it never was at work."""

_ENDED: Final = {"COMPLETED", "FAILED", "CANCELLED"}
_PROGRESS: Final = {"TASK_COMPLETED", "TASK_FAILED", "WORKFLOW_RESUMED"}


@final
class Stored:
    """An execution as the journal has it.

    Parameters
    ----------
    execution : Execution
        Its row, its claims and its records.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    @cached_property
    def recorded(self) -> Recorded:
        """What need not be done again; to be used by one drive."""
        with uncollected():
            return Recorded(self.execution.records)

    @property
    def state(self) -> ExecutionState:
        """How far it has come."""
        return ExecutionState(self.execution.state)

    @property
    def has_ended(self) -> bool:
        """Whether it has come to its end."""
        return self.execution.state in _ENDED

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody has to be at work on it: it has ended, or waits."""
        return self.has_ended or self.state is ExecutionState.PAUSED

    def calls_child(self, key: str) -> bool:
        """Return whether the step of a key waits for a child execution."""
        records = self.execution.records
        first = next((record for record in records if record.key == key), None)
        if first is None or first.value is None:
            return False
        facts = _values.value_of(first.value)
        return isinstance(facts, dict) and "child" in facts

    @cached_property
    def paused(self) -> dict[str, Record]:
        """The pauses that wait, by key, the oldest first."""
        # Not from what is recorded: sorting all records takes longer than to go on.
        found: dict[str, Record] = {}
        for record in self.execution.records:
            if record.kind == "TASK_PAUSED":
                found[record.key] = record
            elif found and record.key in found:
                del found[record.key]
        return found

    def plus(self, records: list[Record]) -> Stored:
        """Return it with the records that were written since."""
        known = self.execution
        return Stored(
            Execution(
                id=known.id,
                workflow=known.workflow,
                input=known.input,
                parent=known.parent,
                correlation_id=known.correlation_id,
                created=known.created,
                claims=known.claims,
                records=(*known.records, *records),
            )
        )

    def question(self, pause: str | None) -> tuple[str, Record]:
        """Return the key and the record of the pause that an answer is for.

        Raises
        ------
        ExecutionStateError
            If it does not wait for that answer.
        """
        for key, record in self.paused.items():
            if pause is None or pause in {record.name, key}:
                return key, record
        names = [record.name for record in self.paused.values()]
        raise not_waiting(self.execution.id, self.state, names, pause)

    def record(
        self, kind: str, value: str | None = None, *, time: float, state: str = ""
    ) -> Record:
        """Return a record of it, for somebody who is not at work on it."""
        execution = self.execution
        return Record(
            execution.id,
            kind,
            name=execution.workflow,
            value=value,
            time=time,
            state=state,
        )

    def answers(self, key: str, text: str | None, time: float) -> tuple[Record, ...]:
        """Return the records of an answer to the pause of a key."""
        resumed = (
            self.record("WORKFLOW_RESUMING", time=time, state="RESUMING"),
            self.record("WORKFLOW_RESUMED", text, time=time, state="RUNNING"),
        )
        name = self.paused[key].name
        task = self.record("TASK_RESUMED", text, time=time)
        task = task._replace(key=key, name=name)
        if self.calls_child(key):
            return (*resumed, task)
        return (*resumed, task, task._replace(kind="TASK_COMPLETED"))

    def cancelled_at(self) -> tuple[int, int] | None:
        """Return how far the body was when it was cancelled, if it was.

        Returns
        -------
        tuple of int or None
            How many ends it had seen, and how many steps it had called.
        """
        records = self.execution.records
        kinds = [record.kind for record in records]
        places = [kinds.index(kind) for kind in _CANCELS if kind in kinds]
        if not places:
            return None
        before = Recorded(records[: min(places)])
        return before.turns, before.calls

    def crashes(self) -> int:
        """Return how often its process died without having come on."""
        last = next(
            (r.epoch for r in reversed(self.execution.records) if r.kind in _PROGRESS),
            0,
        )
        if self._only_waits():
            return 0
        let_go = {r.epoch for r in self.execution.records if r.kind in _LET_GO}
        return sum(
            claim.epoch >= last and claim.epoch not in let_go
            for claim in self.execution.claims
        )

    def _only_waits(self) -> bool:
        """Return whether all that was at work was sleeping, or waits for an answer."""
        opened = self.recorded.open
        return bool(opened) and all(
            found.is_paused or found.records[0].name == "sleep" or self.calls_child(key)
            for key, found in opened.items()
        )


def crashed_too_often(stored: Stored) -> PoisonError:
    """Return the error for an execution that ended its process again and again."""
    times = stored.crashes()
    at_work = [opened.last().name for opened in stored.recorded.open.values()]
    return PoisonError(
        f"The execution {stored.execution.id!r} ended its process {times} times",
        why=f"At work were: {', '.join(at_work) or 'the lines between two steps'}.",
        fix="Mend the step, and fork the execution from there.",
        context={"execution_id": stored.execution.id, "crashes": times},
    )


def load(journal: Journal, execution_id: str, workflow: str | None = None) -> Stored:
    """Return an execution of the journal.

    Raises
    ------
    ExecutionContextNotFoundError
        If there is none of that id, or it is one of another workflow.
    """
    with uncollected():
        execution = journal.load(execution_id)
    if execution is None:
        raise not_found(execution_id)
    if workflow is not None:
        check_workflow(execution_id, execution.workflow, workflow)
    return Stored(execution)


def check_workflow(execution_id: str, found: str, asked: str) -> None:
    """Refuse an execution of another workflow than the one that is asked for it."""
    if found != asked:
        raise ExecutionContextNotFoundError(
            f"The execution {execution_id!r} is none of the workflow {asked!r}",
            why=f"It belongs to {found!r}.",
            fix=f"Ask {found!r} for it.",
            context={"execution_id": execution_id, "workflow": found},
        )


def not_found(execution_id: str) -> ExecutionContextNotFoundError:
    """Return the error for an id that nobody has."""
    return ExecutionContextNotFoundError(
        f"There is no execution {execution_id!r}",
        why="The journal holds none of that id.",
        fix="List them: flexiflow workflow status, or %flexiflow runs in a notebook.",
        context={"execution_id": execution_id},
    )


def ended_already(execution_id: str, state: str) -> ExecutionStateError:
    """Return the error for an end that is asked for too late."""
    return ExecutionStateError(
        f"The execution {execution_id!r} has ended",
        why=f"It is {state}.",
        fix="Nothing is left to be cancelled.",
        context={"execution_id": execution_id, "state": state},
    )


def not_waiting(
    execution_id: str, state: ExecutionState, names: list[str], pause: str | None
) -> ExecutionStateError:
    """Return the error for an answer that nobody waits for."""
    asked = "an answer" if pause is None else f"an answer to {pause!r}"
    waits = f" It waits at: {', '.join(map(repr, names))}." if names else ""
    return ExecutionStateError(
        f"The execution {execution_id!r} does not wait for {asked}",
        why=f"It is {state.value}.{waits}",
        fix="Look at its events, and resume it when it is PAUSED.",
        context={"execution_id": execution_id, "state": state.value, "pauses": names},
    )


def is_refused(stored: Stored) -> bool:
    """Return whether it failed because of the code it was gone on with.

    With the code that it began with it can go on.
    """
    if stored.state is not ExecutionState.FAILED:
        return False
    last = next(r for r in reversed(stored.execution.records) if r.state)
    if last.value is None:
        return False
    return isinstance(_values.error_of(last.value), NonDeterminismError)
