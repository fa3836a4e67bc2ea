"""Hold the parts of a chart that do something: guards, actions and services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from ._frozen import fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..diagnostics import Place

__all__ = [
    "Action",
    "Add",
    "AllOf",
    "AnyOf",
    "Call",
    "Cancel",
    "Delay",
    "EmitEvent",
    "Expression",
    "Foreign",
    "Guard",
    "InState",
    "LogText",
    "NotOf",
    "Operator",
    "Raise",
    "Retry",
    "Root",
    "Send",
    "Service",
    "Set",
    "Test",
]

Operator = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "min", "one_of", "exists", "type"
]
"""How a field is tested."""
Root = Literal["message", "context", "rules", "result", "error"]
"""Where a field is looked up."""
Delay = float | str
"""Seconds, or a reference such as ``$context.pause``."""

# Any in the fields below: JSON data of the user's.


@final
@dataclass(frozen=True, slots=True)
class Test:
    """A clause that compares one field with a value."""

    root: Root
    """Where the field is looked up."""
    keys: tuple[str, ...]
    """The plain keys that lead to it, outermost first."""
    operator: Operator
    """How it is compared."""
    value: Any
    """What it is compared with: JSON data, references unresolved."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where the clause stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "value")


@final
@dataclass(frozen=True, slots=True)
class AllOf:
    """Guards that must all hold; true when there are none."""

    guards: tuple[Guard, ...]
    """In document order."""


@final
@dataclass(frozen=True, slots=True)
class AnyOf:
    """Guards of which one must hold; false when there are none."""

    guards: tuple[Guard, ...]
    """In document order."""


@final
@dataclass(frozen=True, slots=True)
class NotOf:
    """A guard that must not hold."""

    guard: Guard
    """What is negated."""


@final
@dataclass(frozen=True, slots=True)
class InState:
    """A guard that holds while a state is active."""

    target: str
    """The path of the state."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A function of the user's, as a guard or as an action."""

    function: str
    """The name it is looked up by."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What ``with`` passes: JSON data, references unresolved."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where the name stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "arguments")


@final
@dataclass(frozen=True, slots=True)
class Expression:
    """A condition of a document in another language (SCXML), kept as text."""

    text: str
    """The expression; walked by a restricted evaluator, never executed."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""


@final
@dataclass(frozen=True, slots=True)
class Foreign:
    """An action of a document in another language (SCXML), kept as data."""

    kind: str
    """The name of the element, or ``block``."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Its attributes and content."""
    parts: tuple[tuple[str, tuple[Action, ...]], ...] = ()
    """The actions within it, each group with its condition."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""


Guard = Test | AllOf | AnyOf | NotOf | InState | Call | Expression
"""A condition: data, or the name of a function."""


@final
@dataclass(frozen=True, slots=True)
class Set:
    """Give fields of the context new values."""

    values: Mapping[str, Any]
    """JSON data by key, references unresolved."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "values")


@final
@dataclass(frozen=True, slots=True)
class Add:
    """Add numbers to fields of the context."""

    values: Mapping[str, Any]
    """A number or a reference by key."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "values")


@final
@dataclass(frozen=True, slots=True)
class Raise:
    """Put a message before all others that wait."""

    message: Mapping[str, Any]
    """``type`` and fields, references unresolved."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "message")


@final
@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to a component after the step."""

    message: Mapping[str, Any]
    """``type`` and fields, references unresolved."""
    to: str | None = None
    """The component's name; None for the component itself."""
    delay: Delay = 0.0
    """How long to wait first."""
    id: str | None = None
    """What ``cancel`` calls it."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "message")


@final
@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back a delayed message."""

    id: str
    """The id that was given to ``send``."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""


@final
@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Publish an event on the bus after the step."""

    event: str
    """The event's name."""
    data: Any = None
    """JSON data, references unresolved."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "data")


@final
@dataclass(frozen=True, slots=True)
class LogText:
    """Write a line to the component's log after the step."""

    text: str
    """The line; references within it are filled in."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""


Action = Call | Set | Add | Raise | Send | Cancel | EmitEvent | LogText | Foreign
"""One thing that a transition, an entry or an exit does."""


@final
@dataclass(frozen=True, slots=True)
class Retry:
    """How often a service is tried, and how long is waited between."""

    max_attempts: int = 1
    """Tries, the first one included."""
    base_delay: float = 1.0
    """Seconds before the second try; doubled for each further one."""
    jitter: float = 0.0
    """The most seconds that are added at random."""


@final
@dataclass(frozen=True, slots=True)
class Service:
    """What runs while a state is active."""

    kind: Literal["function", "component", "workflow", "scxml"]
    """What is run."""
    name: str
    """The function's, component's or workflow's name."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What ``with`` passes: JSON data, references unresolved."""
    timeout: Delay | None = None
    """How long one try may take, or None for no limit."""
    retry: Retry = field(default_factory=Retry)
    """What happens when it fails."""
    chart: Any = None
    """The child component itself, when it is described in place. Any: a chart, or
    None; charts are made of these parts."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "arguments")
