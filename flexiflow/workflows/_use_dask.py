"""Say where the tasks with ``executor="dask"`` run, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .runtime import get_runtime

if TYPE_CHECKING:
    from .executors import DaskExecutor

__all__ = ["use_dask"]


def use_dask(
    where: Any = None, *, workers: int | None = None, threads: int = 1
) -> DaskExecutor:
    """Reach or start a Dask cluster for the tasks with ``executor="dask"``.

    It need not be called: without it, worker processes on this machine are started
    with the first such task, or the setting ``dask`` names the scheduler. Called once
    more with the same arguments, as by a cell that is run again, it returns what is
    there.

    Parameters
    ----------
    where : str, Cluster or Client, optional
        The address of a scheduler (``"tcp://HOST:8786"``), or an object of
        ``distributed`` that knows it; ``"local"``, the default outside of a Dask
        worker: worker processes on this machine. Any: Dask has no types.
    workers : int, optional
        How many of those; one for each core by default.
    threads : int, default 1
        How many tasks each of them runs at a time.

    Returns
    -------
    DaskExecutor
        With ``address`` and ``statistics()``. It belongs to the runtime of this
        process, and is closed with it, or when another one takes its place.

    Raises
    ------
    MissingExtraError
        If ``distributed`` is not installed.
    SchedulerLostError
        If there is no scheduler at that address.
    """
    made: DaskExecutor = get_runtime().resources.use_dask(
        where, workers=workers, threads=threads
    )
    return made
