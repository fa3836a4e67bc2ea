"""Stand somewhere in a chart, and answer what can be asked there."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from ._running import Running
from .state_machine import StateMachine
from .statechart import _questions
from .statechart._frozen import FrozenDict, freeze
from .statechart.compile import Configuration, Move, Program, compile_chart
from .statechart.functions import Functions
from .statechart.perform import begin_purely, initial_configuration
from .statechart.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .statechart.model import Chart
    from .statechart.ports import Clockwork, Effect, WhyNot

__all__ = ["NO_ENTRIES", "NO_HISTORY", "ChartHolder", "existing"]

NO_HISTORY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
NO_ENTRIES: Final[Mapping[str, int]] = MappingProxyType({})
_NO_FUNCTIONS: Final = Functions()

# Any in this module: the user's messages, and components of any class.


class ChartHolder(StateMachine):
    """A chart, where it stands, and its data; it does not move by itself.

    Parameters
    ----------
    chart : Chart
        What to run.
    functions : Functions, optional
        Where the functions that the chart names are found.
    context : mapping, optional
        Data that replace those of the chart's context, key by key.
    """

    __slots__ = (
        "_context",
        "_found",
        "_functions",
        "_history",
        "_last",
        "_owed",
        "_program",
        "_running",
    )

    current_state: Configuration
    """The active states: an interned object with ``name`` and ``leaves``."""

    def __init__(
        self,
        chart: Chart,
        *,
        functions: Functions | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        program = compile_chart(chart)
        super().__init__(program.root)
        self._program: Program = program
        given = functions or chart.functions or _NO_FUNCTIONS
        self._functions = given.using(chart.use)
        self._owed: tuple[Effect, ...] = ()
        self._running: Running | None = None
        self._found: Move | None = None
        self._reset(context)

    def _reset(self, given: Mapping[str, Any] | None = None) -> None:
        """Stand at the beginning, with other data than the chart's perhaps."""
        program = self._program
        self._last: Move | tuple[int, ...] = ()
        if self._running is not None:
            self._running.entries = NO_ENTRIES
            self._running.over = frozenset()
        context = program.context
        if given:
            context = FrozenDict({**context, **freeze(dict(given), "context")})
            known = begin_purely(program, context)
        else:
            if program.first is None:
                program.first = (begin_purely(program, context) or False,)
            known = program.first[0]
        if known:
            if known.output is not None:
                self.running.output = known.output
            self._context: Mapping[str, Any] = known.snapshot.context
            self._history = known.snapshot.history or NO_HISTORY
            self.current_state = known.snapshot.configuration
            return
        self._context = context
        self._history = NO_HISTORY
        nodes = initial_configuration(program).nodes
        self.current_state = Configuration(program, nodes, is_waiting=True)

    def another(self) -> Self:
        """Return a machine of the same chart, at its beginning."""
        return type(self)(self.chart, functions=self._functions)

    # --- what it is -------------------------------------------------------------------

    @property
    def chart(self) -> Chart:
        """The chart it runs."""
        return self._program.chart

    @property
    def functions(self) -> Functions:
        """Where the functions that the chart names are found."""
        return self._functions

    @property
    def program(self) -> Program:
        """The chart, compiled."""
        return self._program

    @property
    def state_name(self) -> str:
        """The paths of the active leaf states, joined by ``,``."""
        return self.current_state.name

    @property
    def states(self) -> tuple[str, ...]:
        """The paths of the active leaf states, in document order."""
        return self.current_state.leaves

    @property
    def context(self) -> dict[str, Any]:
        """The data now: a fresh dict; what stands within its values is read-only."""
        return dict(self._context)

    def frozen_context(self) -> Mapping[str, Any]:
        """Return the data now as what functions see: it cannot be changed."""
        return FrozenDict(self._context)

    @property
    def is_started(self) -> bool:
        """Whether the initial states were entered with all they do."""
        return not self.current_state.is_waiting

    @property
    def is_finished(self) -> bool:
        """Whether the machine has come to its end."""
        return self.current_state.is_ended

    @property
    def last_transitions(self) -> tuple[int, ...]:
        """The indices of the transitions that the last handled message took."""
        last = self._last
        return last.taken if isinstance(last, Move) else last

    @property
    def snapshot(self) -> Snapshot:
        """Where the machine stands, as a value."""
        running = self._running
        if running is None:
            return Snapshot(
                self.current_state, self._context, self._history, NO_ENTRIES
            )
        return Snapshot(
            self.current_state,
            self._context,
            self._history,
            running.entries,
            running.count,
        )

    @property
    def running(self) -> Running:
        """What it remembers of timers and services."""
        if self._running is None:
            self._running = Running()
        return self._running

    @property
    def clockwork(self) -> Clockwork | None:
        """Who runs its timers and services, once there are some."""
        return None if self._running is None else self._running.clockwork

    @clockwork.setter
    def clockwork(self, value: Clockwork | None) -> None:
        self.running.clockwork = value

    @property
    def output(self) -> Any:
        """What its final state gives, when it has come to its end; else None."""
        return None if self._running is None else self._running.output

    def name_of(self, state: object) -> str:
        """Return the name of what ``current_state`` was."""
        return (
            state.name if isinstance(state, Configuration) else super().name_of(state)
        )

    def is_in(self, name: str) -> bool:
        """Return whether a state of that path is active, leaf or parent."""
        return self._program.by_path.get(name) in self.current_state.active

    # --- questions --------------------------------------------------------------------

    def can(self, message: Mapping[str, Any], component: Any) -> bool:
        """Return whether a message does something now; guards are evaluated."""
        return _questions.can(
            self.snapshot, message, functions=self._functions, host=component
        )

    def would_take(self, message: Mapping[str, Any], component: Any) -> tuple[int, ...]:
        """Return the indices of the transitions that a message takes first, or none."""
        return _questions.would_take(
            self.snapshot, message, functions=self._functions, host=component
        )

    def accepted(self, component: Any) -> tuple[str, ...]:
        """Return the message types that do something now when sent bare."""
        return _questions.accepted(
            self.snapshot, functions=self._functions, host=component
        )

    def why_not(self, message: Mapping[str, Any], component: Any) -> WhyNot:
        """Return why a message does nothing now; false when it does something."""
        return _questions.why_not(
            self.snapshot, message, functions=self._functions, host=component
        )


def existing(
    program: Program, history: Mapping[str, Sequence[str]]
) -> Mapping[str, tuple[str, ...]]:
    """Return what is remembered of states that exist."""
    known = program.by_path
    return {
        path: tuple(kept)
        for path, kept in history.items()
        if path in known and all(one in known for one in kept)
    }
