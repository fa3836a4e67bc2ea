"""Hold states and transitions as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from ._frozen import fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..diagnostics import Place
    from ._parts import Action, Delay, Guard, Service

__all__ = ["StateKind", "StateNode", "Transition", "Trigger"]

StateKind = Literal["atomic", "compound", "parallel", "final", "history"]
"""What sort of state a node is."""
Trigger = Literal["message", "always", "after", "done", "error"]
"""What a transition waits for."""


@final
@dataclass(frozen=True, slots=True)
class Transition:
    """A way out of a state, or something done within it."""

    index: int
    """Its position in the chart, in document order."""
    source: str
    """The path of the state that declares it; ``""`` at the top level."""
    trigger: Trigger
    """What it waits for."""
    message: str
    """The message type or pattern; the delay of a timer as written; else ``""``."""
    targets: tuple[str, ...] = ()
    """The paths it leads to; none when it acts in place."""
    guard: Guard | None = None
    """The condition, or None."""
    actions: tuple[Action, ...] = ()
    """What is done on the way, in order."""
    reenter: bool = False
    """Whether the source is left even when the target lies within it."""
    delay: Delay | None = None
    """The time of a timer, counted from entry."""
    description: str | None = None
    """The user's words about it."""
    tags: tuple[str, ...] = ()
    """Words to find it by; shown, never executed."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Data of the user's; shown, never executed."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "meta")

    @property
    def label(self) -> str:
        """What it waits for, in words: ``coin``, ``after 2s``, ``done``."""
        if self.trigger == "message":
            return self.message
        return f"after {self.message}" if self.trigger == "after" else self.trigger


@final
@dataclass(frozen=True, slots=True)
class StateNode:
    """A state with all it declares."""

    path: str
    """The dotted path; ``""`` for the whole chart."""
    name: str
    """The name as written; the chart's name for the whole."""
    kind: StateKind
    """What sort of state it is."""
    parent: str | None = None
    """The path of the state around it; None for the whole."""
    children: tuple[str, ...] = ()
    """The paths of the states within it, in document order."""
    initial: tuple[str, ...] = ()
    """Where a compound state starts; the default of a history state."""
    initial_actions: tuple[Action, ...] = ()
    """What is done on the way to ``initial`` (SCXML only)."""
    history: Literal["shallow", "deep"] | None = None
    """What a history state remembers."""
    entry: tuple[Action, ...] = ()
    """What is done when it is entered."""
    exit: tuple[Action, ...] = ()
    """What is done when it is left."""
    transitions: tuple[Transition, ...] = ()
    """Its own transitions, in document order."""
    run: tuple[Service, ...] = ()
    """What runs while it is active."""
    output: Any = None
    """The result of a final state: JSON data, references unresolved."""
    description: str | None = None
    """The user's words about it."""
    tags: tuple[str, ...] = ()
    """Words to find it by; shown, never executed."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Data of the user's; shown, never executed."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where its name stands."""

    def __post_init__(self) -> None:
        """Fix the data."""
        fix(self, "meta", "output")
