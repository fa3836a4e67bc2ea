"""Say what a machine hands out and what it is handed: values and small protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    Protocol,
    final,
    runtime_checkable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._parts import Service

__all__ = [
    "PROVIDED",
    "CancelMessage",
    "Candidate",
    "Clockwork",
    "Effect",
    "Emit",
    "Field",
    "FieldKind",
    "Host",
    "Log",
    "Outcome",
    "Redefinition",
    "SendMessage",
    "StartService",
    "StartTimer",
    "Stop",
    "WhyNot",
    "in_order",
]


PROVIDED: Final = frozenset({"component", "workflow"})
"""The kinds of services that others run, and that are found again by their key."""
FieldKind = Literal["text", "number", "boolean", "choice", "json"]
"""How a message's field is best edited."""


class Clockwork(Protocol):
    """What runs a machine's timers."""

    # Any: JSON data.
    def pending(self, entries: Mapping[str, int]) -> dict[str, Any]:
        """Return what still has to come: ``at``, ``timers`` and ``sends``.

        ``entries`` tells the present entry of each state; timers of others are stale.
        """

    def held(self) -> tuple[float, tuple[Any, ...], tuple[Any, ...]]:
        """Return the instant, the timers and the delayed messages: cheap values."""


@runtime_checkable
class Host(Protocol):
    """What a machine may know of the component it works for."""

    @property
    def name(self) -> str:
        """The component's name."""

    @property
    def rules(self) -> Sequence[Any]:
        """The component's rules; Any because rules are the user's data."""


@final
@dataclass(frozen=True, slots=True)
class Emit:
    """An event to publish on the bus after the step was committed."""

    event: str
    """The event's name."""
    data: Any = None
    """JSON data, resolved when the action ran; Any because it is the user's."""


@final
@dataclass(frozen=True, slots=True)
class Log:
    """A line for the component's log after the step was committed."""

    text: str
    """The line, references filled in."""


@final
@dataclass(frozen=True, slots=True)
class SendMessage:
    """A message to deliver after the commit, at once or later."""

    message: Mapping[str, Any]
    """``type`` and fields; Any: the user's data."""
    to: str | None = None
    """The component's name; None for the machine's own."""
    delay_s: float = 0.0
    """Seconds to wait first."""
    id: str | None = None
    """What ``cancel`` calls it; a new one of the same id does not replace it."""
    story: str | None = None
    """The correlation id it belongs to, when it was restored; else the present one."""


@final
@dataclass(frozen=True, slots=True)
class CancelMessage:
    """Delayed messages of this id are not to be delivered any more."""

    id: str
    """What ``send`` called them."""


@final
@dataclass(frozen=True, slots=True)
class StartTimer:
    """A timer of a state that was entered; fires unless the state is left before."""

    state: str
    """The path of the state."""
    entry: int
    """Which entry of the state it belongs to."""
    name: str
    """The name of the event to hand back."""
    delay_s: float
    """Seconds from now."""
    story: str | None = None
    """The correlation id it belongs to, when it was restored; else the present one."""


@final
@dataclass(frozen=True, slots=True)
class StartService:
    """A service of a state that was entered; ends when the state is left."""

    state: str
    """The path of the state."""
    entry: int
    """Which entry of the state it belongs to."""
    service: Service
    """What to run."""
    arguments: Mapping[str, Any]
    """What ``with`` passes, references filled in; Any: the user's data."""
    message: Mapping[str, Any]
    """What was handled when the state was entered."""
    timeout_s: float | None = None
    """Seconds that one try may take; None for no limit."""
    key: str = ""
    """Which run it is, when a restored machine goes on with one; else a new one."""
    saved: Mapping[str, Any] | None = None
    """Where a child component stood, when a restored machine goes on with it."""
    story: str | None = None
    """The correlation id it belongs to, when it was restored; else the present one."""


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """A state was left: its timers and its service end."""

    state: str
    """The path of the state."""
    entry: int
    """Which entry of the state it was."""


Effect = Emit | Log | SendMessage | CancelMessage | StartTimer | StartService | Stop
"""What leaves a machine after the commit, in the order of the actions."""


def in_order(
    stops: Iterable[Effect], effects: Iterable[Effect], starts: Sequence[Effect]
) -> list[Effect]:
    """Return all that leaves a machine: ends, then what was done, then beginnings.

    Child components begin before the rest, so that what is sent on entry finds them.
    """
    children = [
        one
        for one in starts
        if isinstance(one, StartService) and one.service.kind == "component"
    ]
    others = [one for one in starts if one not in children] if children else starts
    return [*stops, *children, *effects, *others]


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What handling one message came to."""

    proceeded: bool
    """Whether a transition was taken; False: the message was ignored."""
    changed: bool
    """Whether a state was left or entered again."""
    effects: tuple[Effect, ...] = ()
    """What the component still has to perform, in order."""


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """A transition that a message could take, and the clause that forbids it now."""

    transition_index: int
    """The transition's position in the chart, in document order."""
    source: str
    """The path of the state in which it is declared; ``""`` at the top level."""
    target: str | None
    """The path it leads to, or None when it acts in place."""
    clause: str
    """What was tested: ``items``, ``context.attempts``, a function's name."""
    expected: str
    """What the clause wants, in words: ``at least 1``."""
    actual: Any
    """The value that was found; None when there is none. Any: it is the user's."""
    line: int | None
    """The line of the clause in the chart's text, when it came from one."""
    text: str
    """The whole as one sentence."""


@final
@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a message does nothing now; false, and empty as text, when it does."""

    message: str
    """The message's type."""
    states: tuple[str, ...]
    """The active leaf paths."""
    text: str = ""
    """One to a few sentences for people."""
    candidates: tuple[Candidate, ...] = ()
    """The transitions of the active states that name the message."""
    accepted_in: tuple[str, ...] = ()
    """The states that do take messages of this type, in document order."""
    send_first: str | None = None
    """A message accepted now that leads to one of them, when there is one."""

    def __bool__(self) -> bool:
        """Return whether there is a reason, that is, whether the message is refused."""
        return bool(self.text)

    def __str__(self) -> str:
        """Return the reason for people."""
        return self.text


@final
@dataclass(frozen=True, slots=True)
class Redefinition:
    """What became of a running machine when its chart was swapped."""

    kept: bool
    """Whether the state still exists and was kept, with the context."""
    text: str
    """What happened, in words."""
    state: str = ""
    """The state name after the swap."""


@final
@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message that a chart looks at in some states."""

    name: str
    """The key in the message."""
    kind: FieldKind
    """How it is best edited."""
    hint: str = ""
    """What is wanted, in words: ``at least 1``."""
    choices: tuple[Any, ...] = ()
    """The values to choose from; Any: JSON scalars."""
    required: bool = False
    """Whether the message does nothing without it."""
