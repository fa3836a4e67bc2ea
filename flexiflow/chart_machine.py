"""Run a chart behind the interface that all machines share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ._chart_wording import started_again, unknown_states, wrong_version
from ._pending import begun_again, pending
from .errors import PersistenceError
from .state_machine import StateMachine
from .statechart import _questions
from .statechart._frozen import FrozenDict, NotJsonError, freeze, thaw
from .statechart._service_events import what_runs
from .statechart.compile import SLOW, Configuration, Move, Program, compile_chart
from .statechart.functions import Functions
from .statechart.perform import begin_purely, initial_configuration, perform
from .statechart.ports import Outcome, Redefinition, Stop
from .statechart.snapshot import START, Event, Signal, Snapshot
from .statechart.step import begin, resume, step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .statechart.model import Chart
    from .statechart.ports import Clockwork, Effect, WhyNot
    from .statechart.snapshot import StepResult

__all__ = ["DATA_VERSION", "ChartMachine"]

DATA_VERSION: Final = 1
"""The version of what ``data`` gives and ``restore`` takes."""
_NO_HISTORY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_NO_ENTRIES: Final[Mapping[str, int]] = MappingProxyType({})
_NO_FUNCTIONS: Final = Functions()
_OUTCOMES: Final = {
    (proceeded, changed): Outcome(proceeded, changed)
    for proceeded in (False, True)
    for changed in (False, True)
}


# Any in this module: the user's messages, and components of any class.


def _existing(
    program: Program, history: Mapping[str, Sequence[str]]
) -> Mapping[str, tuple[str, ...]]:
    """Return what is remembered of states that exist."""
    known = program.by_path
    return {
        path: tuple(kept)
        for path, kept in history.items()
        if path in known and all(one in known for one in kept)
    }


class ChartMachine(StateMachine):
    """A chart, where it stands, and its data.

    Parameters
    ----------
    chart : Chart
        What to run.
    functions : Functions, optional
        Where the functions that the chart names are found.

    Notes
    -----
    The machine begins in the chart's initial states. When starting calls functions or
    gives effects, that is done by ``start``, or with the first message.
    """

    __slots__ = (
        "_context",
        "_count",
        "_entries",
        "_functions",
        "_history",
        "_last",
        "_owed",
        "_program",
        "clockwork",
    )

    current_state: Configuration
    """The active states: an interned object with ``name`` and ``leaves``."""
    clockwork: Clockwork | None
    """Who runs its timers, once there are some."""

    def __init__(self, chart: Chart, *, functions: Functions | None = None) -> None:
        program = compile_chart(chart)
        super().__init__(program.root)
        self._program: Program = program
        given = functions or chart.functions or _NO_FUNCTIONS
        self._functions = given.using(chart.use)
        self._owed: tuple[Effect, ...] = ()
        self.clockwork = None
        self._reset()

    def _reset(self) -> None:
        """Stand at the beginning."""
        program = self._program
        self._last: Move | tuple[int, ...] = ()
        self._entries: Mapping[str, int] = _NO_ENTRIES
        self._count = 0
        first = program.first
        if first is None:
            result = begin_purely(program)
            first = program.first = (False if result is None else result,)
        known = first[0]
        if known:
            self._context: Mapping[str, Any] = known.snapshot.context
            self._history = known.snapshot.history or _NO_HISTORY
            self.current_state = known.snapshot.configuration
            return
        self._context = program.context
        self._history = _NO_HISTORY
        nodes = initial_configuration(program).nodes
        self.current_state = Configuration(program, nodes, is_waiting=True)

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
        return all(node.kind == "final" for node in self.current_state.nodes)

    @property
    def last_transitions(self) -> tuple[int, ...]:
        """The indices of the transitions that the last handled message took."""
        last = self._last
        return last.taken if isinstance(last, Move) else last

    @property
    def snapshot(self) -> Snapshot:
        """Where the machine stands, as a value."""
        return Snapshot(
            self.current_state,
            self._context,
            self._history,
            self._entries,
            self._count,
        )

    def name_of(self, state: object) -> str:
        """Return the name of what ``current_state`` was."""
        return (
            state.name if isinstance(state, Configuration) else super().name_of(state)
        )

    def is_in(self, name: str) -> bool:
        """Return whether a state of that path is active, leaf or parent."""
        return self._program.by_path.get(name) in self.current_state.active

    # --- messages ---------------------------------------------------------------------

    def handle_nowait(self, message: Mapping[str, Any]) -> bool | None:
        """Handle a message that needs no user code; see ``StateMachine``."""
        state = self.current_state
        try:
            move = state.row.get(message["type"], state.otherwise)
            while move is not None:
                if not move.is_fast:
                    if move is SLOW:
                        return None
                    move = state.build(message["type"])
                    continue
                guard = move.guard
                if guard is None or guard(message, self._context, None):
                    update = move.update
                    if update is not None:
                        values = update(message, self._context, None)
                        self._context = {**self._context, **values}
                    self.current_state = move.target  # type: ignore[assignment]
                    self._last = move
                    return True
                move = move.next
        except (KeyError, TypeError, ValueError):
            return None  # the full path says what is wrong
        return False

    @property
    def needs_start(self) -> bool:
        """Whether ``start`` has to enter states, or to begin timers."""
        return self.current_state.is_waiting or bool(self._owed)

    async def start(self, component: Any) -> Outcome:
        """Enter the initial states; nothing when that was done.

        Parameters
        ----------
        component : object
            For functions that ask for it.

        Returns
        -------
        Outcome
            With the effects of entering.

        Raises
        ------
        ActionError
            If an entry action fails; the machine has not started then.
        """
        if self.is_started:
            effects, self._owed = self._owed, ()
            return Outcome(proceeded=bool(effects), changed=False, effects=effects)
        before = self.state_name
        result = await perform(
            begin(
                self._program,
                self._program.context,
                functions=self._functions,
                host=component,
            ),
            self._functions,
        )
        outcome = self._commit(result)
        changed = self.state_name != before
        return Outcome(proceeded=True, changed=changed, effects=outcome.effects)

    async def handle(self, message: Mapping[str, Any], component: Any) -> Outcome:
        """Handle a message with all that it takes; commit once, at the end.

        Raises
        ------
        ActionError
            If a guard raises, or if an action fails and no ``error`` transition takes
            it; the cause is chained, and state and context are as before.
        """
        event: Mapping[str, Any] | Event = message
        if type(message) is Signal:
            event = message.event
            if event.name == START:
                return await self.start(component)
        if not self.is_started:
            self._owed += (await self.start(component)).effects
        result = await perform(
            step(self.snapshot, event, functions=self._functions, host=component),
            self._functions,
        )
        return self._commit(result)

    async def handle_message(self, message: Mapping[str, Any], component: Any) -> bool:
        """Handle a message; its effects wait for the next ``handle``."""
        taken = self.handle_nowait(message)
        if taken is None:
            outcome = await self.handle(message, component)
            self._owed += outcome.effects
            taken = outcome.proceeded
        return taken

    def _commit(self, result: StepResult) -> Outcome:
        """Stand where a step has led, and return what it came to."""
        if result.proceeded:
            after = result.snapshot
            self.current_state = after.configuration
            self._context = after.context
            self._history = after.history
            self._entries = after.entries
            self._count = after.count
            self._last = result.taken
        effects = result.effects
        if self._owed:
            effects, self._owed = self._owed + effects, ()
        if not effects:
            return _OUTCOMES[result.proceeded, result.changed]
        return Outcome(result.proceeded, result.changed, effects)

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

    # --- another chart ----------------------------------------------------------------

    def redefine(
        self, chart: Chart, functions: Functions | None = None
    ) -> Redefinition:
        """Run another chart from now on; call it between two messages.

        Parameters
        ----------
        chart : Chart
            The new chart.
        functions : Functions, optional
            Where its functions are found; those there are otherwise.

        Returns
        -------
        Redefinition
            Whether the state was kept. The context is kept with it, and new keys of
            the chart's own context are added; else the machine starts again.
        """
        before = self.current_state
        program = compile_chart(chart)
        found = program.at(before.leaves) if self.is_started else None
        old, running = self._program, self._entries
        self._functions = functions or chart.functions or self._functions
        self._functions = self._functions.using(chart.use)
        self._program = program
        self._last = ()
        name = chart.name
        if found is not None:
            self._context = {**program.context, **self._context}
            self._history = _existing(program, self._history)
            self.current_state = found
            self._keep_running(old, running)
            return Redefinition(
                kept=True, text=f"{name} goes on in {found.name}.", state=found.name
            )
        started, count = self.is_started, self._count
        self._reset()
        self._count = count
        self._owed += tuple(Stop(path, one) for path, one in running.items())
        now = self.current_state.name
        text = f"{name} starts in {now}."
        if started:
            text = started_again(chart, before.leaves, now)
        return Redefinition(kept=False, text=text, state=now)

    def _keep_running(self, old: Program, running: Mapping[str, int]) -> None:
        """Let timers and services go on that are as before; begin the others."""
        program = self._program
        kept = {
            path: entry
            for path, entry in running.items()
            if path in program.by_path
            and what_runs(program.by_path[path]) == what_runs(old.by_path[path])
        }
        stops = [Stop(path, one) for path, one in running.items() if path not in kept]
        self._entries = kept
        self._begin_timers(
            [
                node.path
                for node in self.current_state.active
                if (node.timers or node.services) and node.path not in kept
            ],
            stops,
        )

    def _begin_timers(self, paths: Iterable[str], first: Iterable[Effect] = ()) -> None:
        """Owe the timers and services of active states."""
        result = resume(self.snapshot, paths)
        self._entries = result.snapshot.entries
        self._count = result.snapshot.count
        self._owed += (*first, *result.effects)

    def resume(self, left: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Begin the timers and services of the active states again, with ``start``.

        Parameters
        ----------
        left : mapping, optional
            What is left of ``timers`` and ``sends``, as in ``data``.
        """
        self._entries = _NO_ENTRIES
        timed = [n.path for n in self.current_state.active if n.timers or n.services]
        if timed and self.is_started:
            self._begin_timers(timed)
        self._owed = begun_again(self._owed, left)

    # --- data -------------------------------------------------------------------------

    def data(self) -> dict[str, Any]:
        """Return all that the machine remembers, as JSON data.

        Returns
        -------
        dict
            ``version`` (1), ``chart`` (its name), ``states`` (leaf paths), ``context``,
            ``history`` (paths by the history state's path), ``started``; where
            something is pending ``timers`` (seconds left by name), ``sends`` (delayed
            messages) and ``at`` (seconds since the epoch).
        """
        return {
            **pending(self._owed, self.clockwork, self._entries),
            "version": DATA_VERSION,
            "chart": self.chart.name,
            "states": list(self.states),
            "context": thaw(dict(self._context)),
            "history": {path: list(kept) for path, kept in self._history.items()},
            "started": self.is_started,
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Stand where ``data`` was taken; entry actions are not done again.

        Raises
        ------
        PersistenceError
            If the data are of another version, or name states that do not exist; the
            machine is unchanged then.
        """
        if data.get("version") != DATA_VERSION:
            raise wrong_version(data.get("version"), DATA_VERSION)
        leaves = data.get("states")
        if not isinstance(leaves, list | tuple) or not leaves:
            leaves = ["?"]
        found = self._program.at([str(path) for path in leaves])
        if found is None:
            raise unknown_states(self.chart, [str(path) for path in leaves])
        try:
            context = freeze(dict(data.get("context") or {}), "context")
        except NotJsonError as error:
            raise PersistenceError(
                "The machine's context is not JSON data.",
                why=f"{error}.",
                fix="Restore data that were saved by data().",
            ) from error
        if not data.get("started", True):
            self._reset()
            return
        self._history = _existing(self._program, data.get("history") or {})
        self._context = FrozenDict(context)
        self.current_state = found
        self._owed = ()
        self._last = ()
        self.resume(data)

    @classmethod
    def from_data(
        cls,
        chart: Chart,
        data: Mapping[str, Any],
        *,
        functions: Functions | None = None,
    ) -> ChartMachine:
        """Return a machine that stands where ``data`` was taken.

        Raises
        ------
        PersistenceError
            If the data do not fit the chart.
        """
        made = cls(chart, functions=functions)
        made.restore(data)
        return made
