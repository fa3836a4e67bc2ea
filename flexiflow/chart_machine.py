"""Run a chart behind the interface that all machines share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ._chart_holder import NO_ENTRIES, ChartHolder, existing
from ._chart_wording import started_again, unknown_states, wrong_version
from ._pending import begun_again, pending
from .errors import PersistenceError
from .statechart._frozen import FrozenDict, NotJsonError, freeze, thaw
from .statechart._scripts import Scene, prepare
from .statechart._service_events import what_runs
from .statechart.compile import BUILD, SLOW, Program, compile_chart
from .statechart.perform import perform
from .statechart.ports import Outcome, Redefinition, Stop
from .statechart.snapshot import START, Event, Signal
from .statechart.step import begin, resume, step

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from ._running import Running
    from .statechart._scripts import Script, Step
    from .statechart.compile import Move
    from .statechart.functions import Functions
    from .statechart.model import Chart
    from .statechart.ports import Effect
    from .statechart.snapshot import StepResult

__all__ = ["DATA_VERSION", "ChartMachine"]

DATA_VERSION: Final = 1
"""The version of what ``data`` gives and ``restore`` takes."""
_OUTCOMES: Final = {
    (proceeded, changed): Outcome(proceeded, changed)
    for proceeded in (False, True)
    for changed in (False, True)
}


# Any in this module: the user's messages, and components of any class.


class ChartMachine(ChartHolder):
    """A chart, where it stands, and its data.

    Parameters
    ----------
    chart : Chart
        What to run.
    functions : Functions, optional
        Where the functions that the chart names are found.
    context : mapping, optional
        Data that replace those of the chart's context, key by key.

    Raises
    ------
    NotJsonError
        If the context is no JSON data; also a ``ValueError``.

    Notes
    -----
    The machine begins in the chart's initial states. When starting calls functions or
    gives effects, that is done by ``start``, or with the first message.
    """

    __slots__ = ()

    # --- messages ---------------------------------------------------------------------

    def handle_nowait(self, message: Mapping[str, Any]) -> bool | None:
        """Handle a message that needs no user code; see ``StateMachine``."""
        state = self.current_state
        try:
            move = state.row.get(message["type"], state.otherwise)
            while move is not None:
                if not move.is_fast:
                    if move is not BUILD:
                        self._found = move
                        return None
                    move = state.build(message["type"])
                    continue
                guard = move.guard
                if guard is None or guard(message, self._context, None):
                    puts = move.puts
                    if puts:
                        context = {**self._context}
                        for put in puts:
                            put(message, context, None)
                        self._context = context
                    self.current_state = move.target  # type: ignore[assignment]
                    self._last = move
                    return True
                move = move.next
        except (KeyError, TypeError, ValueError):
            self._found = SLOW
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
                self._context,
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
        if type(message) is Signal or self._owed:
            return await self._handle_fully(message, component)
        # this class's own way: another's may say None without a look at the chart
        taken = ChartMachine.handle_nowait(self, message)
        if taken is not None:
            return _OUTCOMES[taken, taken]
        outcome = self.play(message, component)
        return outcome if type(outcome) is Outcome else await outcome

    def play(  # noqa: C901, PLR0912 - inlined: it is what most messages cost
        self, message: Mapping[str, Any], component: Any
    ) -> Outcome | Coroutine[Any, Any, Outcome]:
        """Handle a message of which ``handle_nowait`` has just said None.

        Returns
        -------
        Outcome or coroutine
            What it came to; to be awaited when something has to be.
        """
        move, self._found = self._found, None
        if move is None or move is SLOW or self._owed:
            return self._handle_fully(message, component)
        scene: Any = None  # a Scene, made when something looks at it
        functions = self._functions
        try:
            if move.guard is not None:
                move, scene = self._chosen(move, message, component)
                if move is None:
                    return _OUTCOMES[False, False]
            ready: Script = move.ready
            if ready.functions is not functions:
                ready = prepare(move, functions)
        except Exception:  # noqa: BLE001 - the full path says what is wrong
            return self._handle_fully(message, component)
        step: Step | None = None
        try:
            for step in ready.steps:
                function, fill, name, find, _, path = step
                if scene is None and fill is not None:
                    scene = Scene(message, self._context, component, self)
                if function is None:
                    fill(scene)
                    continue
                if find(name) is not function:
                    function, fill = functions.prepared(name)[:2]
                    scene = scene or Scene(message, self._context, component, self)
                if fill is None:
                    value = function()
                else:
                    scene.stands = path
                    value = fill(scene)
                if value is not None:
                    if scene is None:
                        scene = Scene(message, self._context, component, self)
                    if type(value) is not dict and hasattr(value, "__await__"):
                        return self._play_on(move, scene, step, value)
                    scene.take(value)
                elif scene is not None:
                    scene.result = None
        except Exception as error:
            scene = scene or Scene(message, self._context, component, self)
            raise scene.failed(move, step, self.snapshot, error) from error
        if scene is not None:
            if scene.effects:
                return self._played(move, scene)
            self._context = scene.context
        self.current_state = move.target  # type: ignore[assignment]
        self._last = move
        return ready.outcome

    def _chosen(
        self, move: Move | None, message: Mapping[str, Any], component: Any
    ) -> tuple[Move | None, Scene]:
        """Return the first move whose guard holds, or None.

        Raises
        ------
        LookupError
            If it is one for the full path.
        """
        scene = Scene(message, self._context, component, self)
        while move is not None:
            if move.steps is None:
                raise LookupError
            scene.stands = move.source
            if move.guard is None or move.guard(message, self._context, scene):
                break
            move = move.next
        return move, scene

    async def _play_on(
        self, move: Move, scene: Scene, step: Step, answer: Any
    ) -> Outcome:
        """Go on with a move when something has to be awaited."""
        try:
            scene.take(await answer)
            for following in move.ready.after(step):
                step = following
                answer = scene.do(step)
                if hasattr(answer, "__await__"):
                    answer = await answer
                if step[0] is not None:
                    scene.take(answer)
        except Exception as error:
            raise scene.failed(move, step, self.snapshot, error) from error
        return self._played(move, scene)

    def _played(self, move: Move, scene: Scene) -> Outcome:
        """Stand where a move leads."""
        self.current_state = move.target  # type: ignore[assignment]
        self._last = move
        self._context = scene.context
        if scene.effects:
            effects = tuple(scene.effects)
            return Outcome(proceeded=True, changed=move.changes, effects=effects)
        return _OUTCOMES[True, move.changes]

    async def _handle_fully(
        self, message: Mapping[str, Any], component: Any
    ) -> Outcome:
        """Handle a message by a whole step."""
        event: Mapping[str, Any] | Event = message
        if type(message) is Signal:
            event = message.event
            if event.name == START:
                return await self.start(component)
        if not self.is_started:
            self._owed += (await self.start(component)).effects
        steps = step(self.snapshot, event, functions=self._functions, host=component)
        if not isinstance(event, Event):
            return self._commit(await perform(steps, self._functions))
        try:
            outcome = self._commit(await perform(steps, self._functions))
        except Exception:
            self.running.note(event)
            raise
        self.running.note(event)
        return outcome

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
            self._last = result.taken
            if after.count or result.output is not None:
                self.running.keep(result)
        effects = result.effects
        if self._owed:
            effects, self._owed = self._owed + effects, ()
        if not effects:
            return _OUTCOMES[result.proceeded, result.changed]
        return Outcome(result.proceeded, result.changed, effects)

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
        old, running = self._program, self.snapshot.entries
        self._functions = functions or chart.functions or self._functions
        self._functions = self._functions.using(chart.use)
        self._program = program
        self._last = ()
        name = chart.name
        if found is not None:
            self._context = {**program.context, **self._context}
            self._history = existing(program, self._history)
            self.current_state = found
            self._keep_running(old, running)
            return Redefinition(
                kept=True, text=f"{name} goes on in {found.name}.", state=found.name
            )
        started = self.is_started
        self._reset()
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
        if self._running is not None:
            self._running.entries = kept
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
        if result.snapshot.count:
            self.running.keep(result)
        self._owed += (*first, *result.effects)

    def resume(self, left: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Begin the timers and services of the active states again, with ``start``.

        Parameters
        ----------
        left : mapping, optional
            What is left of ``timers``, ``sends`` and ``services``, and what is
            ``over``, as in ``data``.
        """
        if self._running is not None:
            self._running.entries = NO_ENTRIES
            self._running.over = frozenset()
        timed = [n.path for n in self.current_state.active if n.timers or n.services]
        if timed and self.is_started:
            self._begin_timers(timed)
        self._owed = begun_again(self._owed, left)
        if left.get("over"):
            self._owed = self.running.without_over(self._owed, left["over"])

    # --- data -------------------------------------------------------------------------

    def data(self) -> dict[str, Any]:
        """Return all that the machine remembers, as JSON data.

        Returns
        -------
        dict
            ``version`` (1), ``chart`` (its name), ``states`` (leaf paths), ``context``,
            ``history`` (paths by the history state's path), ``started``; where
            something is pending ``timers`` (seconds left by name), ``sends`` (delayed
            messages), ``services`` (workflows and child components by the state's
            path, to be found again) and ``at`` (seconds since the epoch); ``over``
            (names of timers, and of ``run`` by state, that have come while the state
            is active).
        """
        return {
            **pending(self._owed, self._noted(), self._program),
            "version": DATA_VERSION,
            "chart": self.chart.name,
            "states": list(self.states),
            "context": thaw(dict(self._context)),
            "history": {path: list(kept) for path, kept in self._history.items()},
            "started": self.is_started,
        }

    def _noted(self) -> Running | None:
        """Return what runs; with a session when something is to be found again."""
        if self._program.has_provided:
            self.running.begin_session()
        return self._running

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
        if "session" in data:
            self.running.restore(data["session"])
        if not data.get("started", True):
            self._reset(context)
            return
        self._history = existing(self._program, data.get("history") or {})
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
