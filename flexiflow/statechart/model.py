"""Hold a chart as frozen values: states, transitions, guards and actions.

Every way to make a chart (YAML, Python, SCXML) gives these values, and everything
that runs, draws or questions a chart takes them. Places in a text do not count when
charts are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from ._frozen import fix
from ._parts import (
    Action,
    Add,
    AllOf,
    AnyOf,
    Call,
    Cancel,
    Delay,
    EmitEvent,
    Expression,
    Foreign,
    Guard,
    InState,
    LogText,
    NotOf,
    Operator,
    Raise,
    Retry,
    Root,
    Send,
    Service,
    Set,
    Test,
)
from ._states import StateKind, StateNode, Transition, Trigger
from .diff import ChartDiff, diff_charts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..diagnostics import Place

__all__ = [
    "Action",
    "Add",
    "AllOf",
    "AnyOf",
    "Call",
    "Cancel",
    "Chart",
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
    "Scenario",
    "Send",
    "Service",
    "Set",
    "StateKind",
    "StateNode",
    "Test",
    "Transition",
    "Trigger",
    "is_pattern",
    "leaves_of",
    "matches",
]


@final
@dataclass(frozen=True, slots=True)
class Scenario:
    """Messages in, states out: an example that can be run."""

    name: str
    """What it is called."""
    send: tuple[Mapping[str, Any], ...] = ()
    """Messages, each with a ``type``; among them ``{advance: seconds}``, messages that
    arrive at once (``{together: messages}``), and looks on the way: ``{expect: names,
    context: values}``."""
    advance_s: float = 0.0
    """How far the clock goes on after them."""
    then: tuple[Mapping[str, Any], ...] = ()
    """What is done after that; as ``send``."""
    fake: Mapping[str, Any] = field(default_factory=dict)
    """What functions and services answer, by name."""
    expect: tuple[str, ...] = ()
    """The names or paths of the leaf states at the end."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Context values at the end."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Where the machine stands at first: ``state`` (names), ``context``, ``history``
    (names by the history state), ``timers`` (seconds left by name); else the start."""
    place: Place | None = field(default=None, compare=False, repr=False)
    """Where it stands."""
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    """Where its parts stand: ``send[2]``, ``expect``, ``context.coins``."""


@final
@dataclass(frozen=True, slots=True, eq=True)
class Chart:
    """A machine as data: what every reader makes and every runner takes."""

    name: str
    """What it is called."""
    root: StateNode
    """The whole, with the top level's own transitions and actions."""
    states: tuple[StateNode, ...]
    """All states, parents before their children, in document order."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """The data that each machine begins with; copied, never shared."""
    use: tuple[str, ...] = ()
    """Modules in which bare function names are looked up."""
    scenarios: tuple[Scenario, ...] = ()
    """Examples that can be run."""
    description: str | None = None
    """The user's words about it."""
    tags: tuple[str, ...] = ()
    """Words to find it by; shown, never executed."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Data of the user's; shown, never executed."""
    dialect: Literal["flexiflow", "scxml"] = "flexiflow"
    """Whose rules hold where they differ: names of events, and errors."""
    source: str | None = field(default=None, compare=False)
    """The text it was read from: a file's path, ``cell [3]``."""
    functions: Any = field(default=None, compare=False, repr=False)
    """Where its functions are looked up when nothing else is said; never pickled.
    Any: ``Functions`` or None, and those know this class."""
    _index: dict[str, StateNode] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _cache: dict[str, Any] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Fix the data, and index the states by path."""
        fix(self, "context", "meta")
        self._index[""] = self.root
        for node in self.states:
            self._index[node.path] = node

    def __hash__(self) -> int:
        """Return a hash of the names; the data cannot be hashed."""
        return hash((self.name, tuple(node.path for node in self.states)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the description alone, not what was computed from it."""
        return _rebuild, (
            self.name,
            self.root,
            self.states,
            self.context,
            self.use,
            self.scenarios,
            self.description,
            self.tags,
            self.meta,
            self.dialect,
            self.source,
        )

    def __repr__(self) -> str:
        """Name the chart and count its states."""
        return f"<Chart {self.name!r}: {len(self.states)} states>"

    def __iter__(self) -> Iterator[StateNode]:
        """Iterate over the states in document order."""
        return iter(self.states)

    def __contains__(self, path: object) -> bool:
        """Return whether a state has that path."""
        return path in self._index and path != ""

    def state(self, path: str) -> StateNode:
        """Return the state with a path; ``""`` is the whole.

        Raises
        ------
        KeyError
            If there is no such state.
        """
        return self._index[path]

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """All transitions in document order; each stands at its ``index``."""
        known = self._cache.get("transitions")
        if known is None:
            found = [*self.root.transitions]
            for node in self.states:
                found.extend(node.transitions)
            found.sort(key=lambda item: item.index)
            known = self._cache["transitions"] = tuple(found)
        return tuple(known)

    @property
    def messages(self) -> tuple[str, ...]:
        """The message types that are named, in document order; no patterns."""
        return tuple(
            dict.fromkeys(
                item.message
                for item in self.transitions
                if item.trigger == "message" and not is_pattern(item.message)
            )
        )

    @property
    def initial(self) -> tuple[str, ...]:
        """The paths of the leaf states in which a machine starts."""
        return tuple(_initial_leaves(self, self.root))

    def diff(self, other: Chart) -> ChartDiff:
        """Return what a newer chart adds, removes and changes."""
        return diff_charts(self, other)


def is_pattern(message: str) -> bool:
    """Return whether a message type stands for several: ``*`` or ``door.*``."""
    return message == "*" or message.endswith(".*")


def matches(pattern: str, message: str) -> bool:
    """Return whether a message type or pattern covers a message type."""
    if pattern in {"*", message}:
        return True
    if not pattern.endswith(".*"):
        return False
    stem = pattern[:-2]
    return message == stem or message.startswith(stem + ".")


def leaves_of(chart: Chart, path: str) -> tuple[str, ...]:
    """Return the paths of the leaf states that entering a state enters by default."""
    return tuple(_initial_leaves(chart, chart.state(path)))


def _rebuild(*parts: Any) -> Chart:
    return Chart(*parts)


def _initial_leaves(chart: Chart, node: StateNode) -> list[str]:
    """Return the leaves entered by default below a node, in document order."""
    if node.kind == "parallel":
        found: list[str] = []
        for path in node.children:
            child = chart.state(path)
            if child.kind != "history":
                found.extend(_initial_leaves(chart, child))
        return found
    if node.kind == "compound":
        return _entered(chart, node, node.initial)
    return [node.path]


def _is_within(chart: Chart, path: str | None, around: str) -> bool:
    """Return whether a state is another one, or stands within it."""
    while path:
        if path == around:
            return True
        path = chart.state(path).parent
    return False


def _entered(chart: Chart, node: StateNode, targets: tuple[str, ...]) -> list[str]:
    """Return the leaves below a node when some of its descendants are named."""
    found: list[str] = []
    for path in node.children:
        child = chart.state(path)
        inside = tuple(item for item in targets if _is_within(chart, item, path))
        if child.kind == "history":
            if path in inside:
                found.extend(_entered(chart, node, child.initial))
        elif inside and path not in inside:
            found.extend(_entered(chart, child, inside))
        elif inside or (node.kind == "parallel"):
            found.extend(_initial_leaves(chart, child))
    return found
