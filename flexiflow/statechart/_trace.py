"""Hold what a simulation has gone through, and what stands in for its component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._timeline import Timeline
    from .ports import Effect

__all__ = ["CallRecord", "SimulatedHost", "TraceStep"]

# Any in this module: JSON data of the user's, and the rules of a component.


@final
@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call of a function that an action or a service asked for."""

    name: str
    """The function's name."""
    arguments: Mapping[str, Any]
    """What ``with`` passed."""
    is_faked: bool
    """Whether it was answered; False: recorded, not called."""


@final
@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of a simulation."""

    at_s: float
    """The simulation's time, in seconds from its beginning."""
    message: Mapping[str, Any]
    """What was handled: a message, or ``{type: after|done|error|start, ...}``."""
    before: tuple[str, ...]
    """The active leaf paths before."""
    after: tuple[str, ...]
    """The active leaf paths after."""
    taken: tuple[int, ...]
    """The indices of the transitions taken."""
    effects: tuple[Effect, ...]
    """What would have left the machine."""
    calls: tuple[CallRecord, ...]
    """The functions asked for."""
    why_not: str = ""
    """Why nothing happened; empty when something did."""
    error: str = ""
    """What was raised, and nobody took; the state is as before then."""


@final
@dataclass(slots=True)
class SimulatedHost:
    """Stands in for the component."""

    name: str
    """The chart's name."""
    rules: Sequence[Any]
    """What stands in for the rules."""
    timeline: Timeline
    """Where ids come from."""
    session: str = ""
    """The id of an SCXML session."""
    load: Callable[[str], str] | None = None
    """Gives the text of a document that is invoked by its name."""
    reaches: Callable[[str], bool] | None = None
    """Whether there is somebody behind a target."""
    spend: Callable[[int], None] | None = None
    """Counts what content does."""

    def new_id(self) -> str:
        """Return an id that was not given before."""
        return f"id{self.timeline.next_number()}"
