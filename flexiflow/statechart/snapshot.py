"""Hold what a step takes and gives: snapshots, events, calls and results."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .compile import Configuration, Node
    from .functions import Fillable
    from .ports import Effect

__all__ = [
    "START",
    "Event",
    "Pending",
    "Signal",
    "Snapshot",
    "StepResult",
    "Steps",
    "start_signal",
]

START: Final = "start"
"""The name of the event that starts a machine."""

# Any in this module: JSON data of the user's, and what user functions return.


@final
@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a machine remembers between two messages."""

    configuration: Configuration
    """The active states."""
    context: Mapping[str, Any]
    """The data; values are frozen."""
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What history states remember: paths by the history state's path."""
    entries: Mapping[str, int] = field(default_factory=dict)
    """Which entry each active state with timers or a service is in, by path."""
    count: int = 0
    """Entries of states with timers or services so far."""


@final
@dataclass(frozen=True, slots=True)
class Event:
    """What transitions wait for, beside messages: timers, ends and failures."""

    name: str
    """``after.``, ``done.`` or ``error.`` and the path of the state."""
    message: Mapping[str, Any]
    """What functions see as the message."""
    result: Any = None
    """What the state that is done gave."""
    error: Mapping[str, Any] | None = None
    """What went wrong, as ``{type, message}``."""
    origin: Node | None = None
    """Where an action failed."""
    failure: BaseException | None = None
    """The error to raise when nobody takes the event."""
    state: str = ""
    """The state whose timer or service it comes from."""
    entry: int | None = None
    """Which entry of that state; the event is stale when it has been left since."""


@final
class Pending:
    """A call of a user's function that the driver makes."""

    __slots__ = ("arguments", "name", "run")

    def __init__(self, name: str, run: Fillable, arguments: Mapping[str, Any]) -> None:
        self.name = name
        self.run = run
        self.arguments = arguments


@final
@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step came to."""

    snapshot: Snapshot
    """The state of the machine from now on."""
    proceeded: bool
    """Whether a transition was taken."""
    changed: bool
    """Whether a state was left or entered."""
    effects: tuple[Effect, ...]
    """What leaves the machine now, in order."""
    taken: tuple[int, ...]
    """The indices of the transitions taken, in order."""
    left: tuple[str, ...]
    """Paths of states that were active before and were left."""
    entered: tuple[str, ...]
    """Paths of states that are active now and were entered in this step."""
    output: Any = None
    """What the chart gives when it has come to its end (SCXML)."""


Steps = Generator[Pending, Any, StepResult]
"""A step under way."""


@final
class Signal(dict[str, Any]):
    """A message that stands for an event of a machine's own: a timer, a service.

    Observers see it as the message that it is; the machine takes the event. Users
    cannot make one by sending data.
    """

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        super().__init__(event.message)
        self.event = event


def start_signal() -> Signal:
    """Return the message that has a component start its machine."""
    return Signal(Event(START, {"type": "start"}))
