"""Hold what a live component has gone through, message by message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

from ..errors import FlexiFlowError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .functions import Functions
    from .model import Chart
    from .snapshot import Event, Snapshot

__all__ = ["RecordedCall", "RecordedStep", "RecordingError", "Session"]

# Any in this module: JSON data of the user's, and what user functions return.


class RecordingError(FlexiFlowError):
    """What was recorded cannot be told as a scenario."""

    code = "flexiflow.recording"


@final
@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call of a guard or an action."""

    name: str
    """The function's name in the chart."""
    kind: Literal["guard", "action"]
    """What it was called as."""
    result: Any = None
    """What it returned; None when that was no JSON data."""
    error: Mapping[str, Any] | None = None
    """What it raised, as ``{type, message}``; None when it returned."""


@final
@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One message, or event of a timer or service, and what it did."""

    number: int
    """From 1, those that were dropped included."""
    at_s: float
    """When it was met, by the component's clock, in seconds."""
    time_s: float
    """When it was met, in seconds since the epoch."""
    message: Mapping[str, Any]
    """The message; ``{type: after|done|error|start, ...}`` for the machine's own."""
    event: Event | None
    """The timer's or service's event behind it; None for a message."""
    start: Snapshot
    """Where the machine stood before."""
    snapshot: Snapshot
    """Where it stood after."""
    taken: tuple[int, ...]
    """The indices of the transitions taken."""
    calls: tuple[RecordedCall, ...]
    """The functions that were called."""
    status: str
    """``handled``, ``ignored`` or ``failed``."""
    error: str = ""
    """What was raised, when it failed."""
    correlation_id: str | None = None
    """The id of the message's story."""

    @property
    def before(self) -> tuple[str, ...]:
        """The active leaf paths before."""
        return self.start.configuration.leaves

    @property
    def after(self) -> tuple[str, ...]:
        """The active leaf paths after."""
        return self.snapshot.configuration.leaves


@final
@dataclass(frozen=True, slots=True)
class Session:
    """A stretch of a component's life, from where it stood at first."""

    chart: Chart
    """What it ran."""
    steps: tuple[RecordedStep, ...]
    """What happened, in order."""
    start: Snapshot | None
    """Where it stood at first; None for the chart's own beginning."""
    left: Mapping[str, float]
    """What was left of its timers then, in seconds by their names."""
    functions: Functions
    """Where its functions are found."""
    rules: Sequence[Any]
    """The component's rules."""
