"""Hold one step of a component, as it is looked at; and what failed, or was undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, final

from ._scope import id_text
from ._standing import data_of, state_of
from .errors import ActionError, FlexiFlowError, one_line
from .statechart.compile import Configuration, Move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._sheets import Output
    from ._standing import Row

__all__ = ["Beginning", "Failure", "Step", "Undone", "paths_of", "taken_of", "told_of"]

# Any in this module: the user's messages, and JSON data of a chart.


class _Keeper(Protocol):
    """What keeps the steps."""

    def output_of(self, number: int) -> tuple[Output, ...]:
        """Return what the code of a step printed or logged."""

    def before(self, number: int) -> Step | None:
        """Return the step before one, when it is held."""


@final
class Beginning(dict[str, str]):
    """Stands for the message where no message led to a state."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """A message that failed: it made no step."""

    after: int
    """The number of the last step before it."""
    message: Mapping[str, Any]
    """The message, as it was sent."""
    error: str
    """What was raised, by the user's code if it was that: its class and its text."""
    timestamp: float
    """When, in seconds since the epoch."""
    correlation_id: str
    """The story that the message belongs to."""
    output: tuple[Output, ...]
    """What its code had printed."""


@final
@dataclass(frozen=True, slots=True)
class Undone:
    """What ``component.undo()`` did."""

    text: str
    """What happened, in words."""
    state: str
    """The state in which the component is again."""
    message: Mapping[str, Any]
    """The message whose step was undone. Any: it is the user's."""
    performed: tuple[str, ...] = ()
    """What the step had done beyond the component, which was not undone: functions
    called, events emitted, messages sent, services begun."""


@final
class Step:
    """One step: where the component stood after it, and what led there.

    Cheap to make; what it tells is worked out when it is asked for.
    """

    __slots__ = ("_row", "_steps")

    def __init__(self, steps: _Keeper, row: Row) -> None:
        self._steps = steps
        self._row = row

    @property
    def number(self) -> int:
        """Its number: steps follow one another without a gap."""
        return self._row[0]

    @property
    def timestamp(self) -> float:
        """When, in seconds since the epoch, by the component's clock."""
        return self._row[7]

    @property
    def time(self) -> datetime:
        """When, an aware UTC instant."""
        return datetime.fromtimestamp(self.timestamp, UTC)

    @property
    def message(self) -> Mapping[str, Any]:
        """What was handled.

        ``start`` of the first one, and ``restore`` of one at which the component was
        put where it stands.
        """
        return self._row[2]

    @property
    def is_beginning(self) -> bool:
        """Whether no message led there: it is where the steps begin, or a restore."""
        return type(self._row[2]) is Beginning

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the active leaf states; the name of a ``State`` class."""
        return paths_of(self._row)

    @property
    def leaves(self) -> set[str]:
        """The names of the active leaf states."""
        state = self._row[1]
        if isinstance(state, Configuration):
            return {node.name for node in state.nodes}
        return {self.state}

    @property
    def state(self) -> str:
        """The paths of the active leaf states, joined by ``,``."""
        return state_of(self._row)

    @property
    def from_state(self) -> str:
        """The state in which the message was met; empty when that is not held."""
        before = self._steps.before(self.number)
        return "" if before is None else before.state

    @property
    def context(self) -> Mapping[str, Any] | None:
        """The data after it, unchangeable; None for ``State`` classes."""
        return self._row[3]

    @property
    def transitions(self) -> tuple[int, ...]:
        """The indices of the transitions taken, in order."""
        return taken_of(self._row)

    @property
    def correlation_id(self) -> str:
        """The story that its message belongs to."""
        return id_text(self._row[9])

    @property
    def seq(self) -> int:
        """The number of the bus's last event by then; 0 without a history."""
        return self._row[8]

    @property
    def output(self) -> tuple[Output, ...]:
        """What its code printed or logged."""
        return self._steps.output_of(self.number)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole of the machine after it, as ``component.snapshot()`` does.

        Services that ran are not part of it: they begin anew.
        """
        return data_of(self._row)

    @property
    def row(self) -> Row:
        """What is kept of it; for the machinery."""
        return self._row

    def __repr__(self) -> str:
        kind = one_line(self.message.get("type"))
        return f"<Step {self.number}: {kind} led to {self.state}>"


def taken_of(row: Row) -> tuple[int, ...]:
    """Return the transitions of what is kept of a step."""
    last = row[5]
    return last.taken if isinstance(last, Move) else last


def paths_of(row: Row) -> tuple[str, ...]:
    """Return the active leaf states of what is kept of a step."""
    state = row[1]
    return state.leaves if isinstance(state, Configuration) else (state_of(row),)


def told_of(error: BaseException) -> str:
    """Return the class and the text of an error; of a guard or action, its own."""
    if isinstance(error, ActionError) and error.__cause__ is not None:
        error = error.__cause__
    text = error.what if isinstance(error, FlexiFlowError) else str(error)
    return f"{type(error).__name__}: {text}".strip(": ")
