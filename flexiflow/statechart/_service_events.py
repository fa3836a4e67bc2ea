"""Make the events of timers and services, wherever these are run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._failures import error_data, service_failed
from ._frozen import freeze
from .ports import StartService, StartTimer
from .snapshot import Event

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

    from .compile import Node, Program
    from .model import Retry
    from .ports import Effect

__all__ = [
    "pause_before",
    "service_done",
    "service_error",
    "timer_fired",
    "what_runs",
    "with_left",
]


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
        origin=program.by_path.get(start.state),
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


def with_left(
    effects: Iterable[Effect], left: Mapping[str, float], over: Iterable[str] = ()
) -> tuple[Effect, ...]:
    """Return effects whose timers wait only for what was left of them.

    Parameters
    ----------
    effects : iterable of Effect
        What begins when a machine was restored.
    left : mapping of str to float
        Seconds by the timer's name; others wait for their whole time.
    over : iterable of str
        What does not begin again: timers by their names, ``run.`` and the state for its
        service.
    """
    gone = frozenset(over)
    return tuple(
        replace(one, delay_s=float(left[one.name]))
        if isinstance(one, StartTimer) and one.name in left
        else one
        for one in effects
        if not (isinstance(one, StartTimer) and one.name in gone)
        and not (isinstance(one, StartService) and f"run.{one.state}" in gone)
    )


def what_runs(node: Node) -> tuple[object, ...]:
    """Return what runs while a state is active, for comparing."""
    delays = tuple(
        (edge.message, edge.model.delay)
        for edge in node.edges
        if edge.model.trigger == "after"
    )
    return (*dict.fromkeys(delays), node.model.run)
