"""Say what runs for the active states, in a page's time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, final

from .layers import RunningInfo
from .workflow_services import HowFar, WorkflowServices

if TYPE_CHECKING:
    from flexiflow.clock import Clock
    from flexiflow.component import AsyncComponent
    from flexiflow.under_way import UnderWay

__all__ = ["RunningLayer"]

_TRY_S: Final = 0.5
"""Seconds between looks at which try a service is."""
_LATE_S: Final = 0.1
"""Seconds after which a timer that was due has fired."""


@final
class RunningLayer:
    """What the trait ``running`` says of a component.

    Parameters
    ----------
    component : AsyncComponent
        Whom to read; never changed here.

    Notes
    -----
    A component's clock need not be that of the page, and two clocks are never read at
    the same instant: each beginning is translated once, so that what runs on unchanged
    is described by the same numbers.
    """

    def __init__(self, component: AsyncComponent) -> None:
        self._component = component
        self._begun: dict[float, float] = {}
        self._workflows = WorkflowServices()

    def next_look_s(self) -> float | None:
        """Return after how many seconds to look again, None for no need.

        The bus tells of steps. A further try of a service, and a timer that fires and
        does nothing, are no steps.
        """
        found = self._component.under_way()
        instant = self._component.clock.monotonic() if found else 0.0
        waits = [
            _TRY_S if one.due is None else max(0.0, one.due - instant) + _LATE_S
            for one in found
            if one.due is not None or one.attempts > 1 or one.runs == "workflow"
        ]
        return min(waits, default=None)

    def read(self) -> list[RunningInfo]:
        """Return the timers and services of the active states, timers first."""
        found = self._component.under_way()
        if not found:
            self._begun.clear()
            return []
        clock: Clock = self._component.clock
        now, instant = time.time(), clock.monotonic()
        begun = {
            one.began: self._begun.get(
                one.began, round((now - (instant - one.began)) * 1000)
            )
            for one in found
        }
        self._begun = begun
        self._workflows.keep([one.key for one in found])
        infos = []
        for one in found:
            far = self._how_far(one)
            total_ms = None if one.due is None else (one.due - one.began) * 1000
            infos.append(
                RunningInfo(
                    path=one.state,
                    kind=one.kind,
                    name=one.name,
                    since_ms=begun[one.began],
                    due_ms=None if total_ms is None else begun[one.began] + total_ms,
                    total_ms=total_ms,
                    attempt=one.attempt,
                    attempts=one.attempts,
                    waits=one.waits,
                    progress=far.progress,
                    text=far.text,
                )
            )
        return infos

    def _how_far(self, one: UnderWay) -> HowFar:
        """Return how far a service is."""
        if one.runs != "workflow" or one.waits:
            return HowFar(text=one.now)
        return self._workflows.read(one.key)
