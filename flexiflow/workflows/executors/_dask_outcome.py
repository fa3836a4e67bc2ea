"""Hand over what came of a call that went to Dask, and say what went wrong."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from ..codec import decode_error
from ..errors import ProcessDiedError, WorkflowError
from . import _child

if TYPE_CHECKING:
    from ._dask_job import DaskJob

__all__ = ["died", "hand_over", "unbegun"]


def hand_over(job: DaskJob, kind: bytes, content: bytes) -> None:
    """Hand over a result or an error."""
    try:
        value = pickle.loads(content)  # noqa: S301 - from our own workers
    except Exception as error:  # noqa: BLE001 - classes may do anything when made
        job.finish(error=error)
        return
    if kind == _child.RETURNED:
        job.finish(value)
    elif isinstance(value, dict):
        job.finish(error=decode_error(value))
    else:
        job.finish(error=_child.rebuilt(value))


def _name(job: DaskJob) -> str:
    return str(getattr(job.call.function, "__qualname__", "a function"))


def died(job: DaskJob) -> ProcessDiedError:
    """Return the error for a call that ended one worker after the other."""
    return ProcessDiedError(
        f"The Dask workers of {_name(job)!r} died",
        why="Each worker that began it ended before the function returned, and Dask "
        "gives it to no more of them.",
        fix="A crash in native code or too little memory ends a process like that.",
        context={"function": _name(job)},
    )


def unbegun(job: DaskJob, error: BaseException) -> WorkflowError:
    """Return the error for a call that Dask could not begin."""
    made = WorkflowError(
        f"Dask could not run {_name(job)!r}",
        why=f"{type(error).__name__}: {error}",
        fix="The scheduler and its workers need FlexiFlow and what the function "
        "imports, in the versions that are here.",
        context={"function": _name(job)},
    )
    made.__cause__ = error
    return made
