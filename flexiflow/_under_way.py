"""Tell what runs for the active states of a component: timers and services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._service_runs import ServiceRun, Timer

__all__ = ["UnderWay", "service_under_way", "timers_under_way"]


@final
@dataclass(frozen=True, slots=True)
class UnderWay:
    """A timer or a service of an active state.

    Instants are those of the component's clock (``clock.monotonic()``), in seconds.
    """

    state: str
    """The path of the state."""
    kind: Literal["timer", "service"]
    """What runs."""
    name: str
    """What the chart calls it: ``after 3m``, or the name of what is run."""
    began: float
    """When it began; a timer that was restored began when it was."""
    due: float | None = None
    """When a timer fires; None for a service."""
    runs: Literal["", "function", "component", "workflow", "scxml"] = ""
    """What a service runs; empty for a timer."""
    attempt: int = 1
    """Which try of the service it is."""
    attempts: int = 1
    """How many tries it has."""
    waits: bool = False
    """Whether the service waits for its next try."""
    now: str = ""
    """Where a child component stands."""


def timers_under_way(state: str, timers: Iterable[Timer]) -> list[UnderWay]:
    """Describe the timers of a state."""
    return [
        UnderWay(
            state,
            "timer",
            f"after {one.name.removeprefix(f'after.{state}#')}",
            one.due - one.delay_s,
            one.due,
        )
        for one in timers
    ]


def service_under_way(state: str, one: ServiceRun, now: str) -> UnderWay:
    """Describe the service of a state.

    Parameters
    ----------
    state : str
        The path of the state.
    one : ServiceRun
        What runs.
    now : str
        Where the child component stands that it is; empty for others.
    """
    service = one.start.service
    return UnderWay(
        state,
        "service",
        service.name,
        one.began,
        runs=service.kind,
        attempt=one.attempt,
        attempts=service.retry.max_attempts,
        waits=one.waits,
        now=now,
    )
