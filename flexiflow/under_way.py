"""Tell what runs for the active states of a component: timers and services.

``component.under_way()`` answers with these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

__all__ = ["UnderWay"]


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
    key: str = ""
    """Which run of a workflow or child component it is."""
