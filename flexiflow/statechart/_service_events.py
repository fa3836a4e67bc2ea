"""Make the events of timers and services, wherever these are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._failures import error_data, service_failed
from ._frozen import freeze
from .snapshot import Event

if TYPE_CHECKING:
    import random

    from .compile import Program
    from .model import Retry
    from .ports import StartService, StartTimer

__all__ = ["pause_before", "service_done", "service_error", "timer_fired"]


def timer_fired(timer: StartTimer) -> Event:
    """Return the event of a timer whose time has come."""
    return Event(
        timer.name,
        {"type": "after", "state": timer.state},
        state=timer.state,
        entry=timer.entry,
    )


def service_done(start: StartService, result: Any) -> Event:
    """Return the event of a service that gave a result.

    Raises
    ------
    NotJsonError
        If the result is no JSON data.
    """
    value = freeze(result, "the result")
    return Event(
        f"done.run.{start.state}",
        {"type": "done", "state": start.state, "result": value},
        result=value,
        state=start.state,
        entry=start.entry,
    )


def service_error(program: Program, start: StartService, error: BaseException) -> Event:
    """Return the event of a service that failed for good."""
    data = error_data(error)
    failure = service_failed(start.service.name, start.state, error)
    failure.__cause__ = error
    return Event(
        f"error.{start.state}",
        {"type": "error", "state": start.state, "error": data},
        error=data,
        origin=program.by_path[start.state],
        failure=failure,
        state=start.state,
        entry=start.entry,
    )


def pause_before(retry: Retry, attempt: int, source: random.Random | None) -> float:
    """Return the seconds to wait before a further try.

    Parameters
    ----------
    retry : Retry
        How it is tried again.
    attempt : int
        The number of the try to come, from 2.
    source : random.Random, optional
        Where jitter is drawn from; none is added without it.
    """
    pause = retry.base_delay * 2.0 ** min(attempt - 2, 60)
    if source is not None and retry.jitter:
        pause += source.uniform(0, retry.jitter)
    return pause
