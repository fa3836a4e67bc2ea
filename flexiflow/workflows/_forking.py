"""Choose what of an execution another one may know that begins at one of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ExecutionStateError

if TYPE_CHECKING:
    from .journal import Execution, Record

__all__ = ["records_before"]


def records_before(execution: Execution, step: str | int) -> list[Record]:
    """Return the records of the steps that had ended before one began.

    Parameters
    ----------
    execution : Execution
        The execution.
    step : str or int
        The key of the step, the name of its task, or its place from 1.

    Raises
    ------
    ExecutionStateError
        If there is no such step.
    """
    begun: dict[str, Record] = {}
    for record in execution.records:
        if record.kind == "TASK_STARTED":
            begun.setdefault(record.key, record)
    if isinstance(step, int):
        places = list(begun.values())
        found = places[step - 1] if 0 < step <= len(places) else None
    else:
        named = (record for record in begun.values() if record.name == step)
        found = begun.get(step) or next(named, None)
    if found is None:
        names = list(dict.fromkeys(record.name for record in begun.values()))
        raise ExecutionStateError(
            f"The execution {execution.id!r} has no step {step!r}",
            why=f"It has called: {', '.join(names) or 'none'}.",
            fix="Name a step by its key, the name of its task, or its place from 1.",
            context={"execution_id": execution.id, "steps": len(begun)},
        )
    before = [record for record in execution.records if record.seq < found.seq]
    ended = {
        record.key
        for record in before
        if record.kind in {"TASK_COMPLETED", "TASK_FAILED", "TASK_CANCELLED"}
    }
    return [
        record
        for record in before
        if record.key in ended or (record.key and record.kind == "PATCHED")
    ]
