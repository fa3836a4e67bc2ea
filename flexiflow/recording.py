"""Record what a live component does, and tell it as a scenario or as a test.

::

    with turnstile.record() as recording:
        await turnstile.send("coin")
        await turnstile.send("push")
    print(recording.as_scenario())
"""

from __future__ import annotations

import importlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast, final

from ._scope import current
from .chart_machine import ChartMachine
from .errors import ComponentError
from .event_manager import AsyncEventManager
from .events import MESSAGE_FAILED, MESSAGE_HANDLED, MESSAGE_RECEIVED
from .statechart._frozen import NotJsonError, freeze
from .statechart._observed import ObservedFunctions, without_observers
from .statechart._recorded import (
    RecordedCall,
    RecordedStep,
    RecordingError,
    Session,
)
from .statechart.functions import functions_used
from .statechart.perform import begin_purely
from .statechart.snapshot import START, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .clock import Clock
    from .event_manager import Subscription
    from .state_machine import StateMachine
    from .statechart.functions import Functions
    from .statechart.model import Chart, Scenario
    from .statechart.snapshot import Snapshot

__all__ = ["RecordedCall", "RecordedStep", "Recording", "RecordingError"]

_MOST_STEPS: Final = 10_000
_NAME: Final = "flexiflow.recording"
"""Who subscribes, for the bus."""

# Any in this module: the user's messages, and what user functions take and return.


class _Recordable(Protocol):
    """The component that is recorded."""

    name: str
    """What it is called."""
    state_machine: StateMachine
    """Its machine."""
    event_bus: AsyncEventManager | None
    """Where its events are announced."""
    background: Any
    """What runs its timers, or None; Any: it knows the component."""

    @property
    def clock(self) -> Clock:
        """What its timers go by."""


@final
class Recording:
    """The steps of a live component, from ``component.record()`` until ``stop()``.

    A context manager: it is stopped at the end of the block. It holds the latest
    ``limit`` steps and counts those that it dropped. It ends by itself when the
    component is given another chart, or is put into another state from outside.

    Parameters
    ----------
    component : AsyncComponent
        The component; it must run a chart.
    limit : int, default 10,000
        The most steps that are held.

    Raises
    ------
    ComponentError
        If the component runs no chart.
    ValueError
        If ``limit`` is less than 1.

    Notes
    -----
    Messages cost more while they are recorded. A step holds the snapshots before and
    after it, which share what has not changed; one that is undone is taken away again.
    Recordings of one component do not disturb each other.
    """

    def __init__(self, component: _Recordable, *, limit: int = _MOST_STEPS) -> None:
        machine = component.state_machine
        if not isinstance(machine, ChartMachine):
            raise _no_chart(component)
        if limit < 1:
            msg = f"limit must be at least 1, got {limit}"
            raise ValueError(msg)
        self._component = component
        self._machine: ChartMachine = machine
        self._chart = machine.chart
        self._start = machine.snapshot
        self._is_from_start = _is_at_start(machine)
        self._left = _left(component, machine)
        self._rules: Sequence[Any] = list(getattr(component, "rules", ()))
        self._steps: deque[RecordedStep] = deque(maxlen=limit)
        self._count = 0
        self._ended = ""
        self._is_running = True
        self._pending: _Pending | None = None
        self._undone = _undone(component)
        self._functions = machine.functions
        uses = functions_used(machine.chart)
        guards = {use.name for use in uses if use.kind == "guard"}
        actions = {use.name for use in uses if use.kind == "action"}
        self._observed = ObservedFunctions(
            machine.functions, self._note_call, guards=guards - actions
        )
        self._bus, self._is_own_bus = _bus_of(component)
        self._handles = [
            _subscribe(self._bus, MESSAGE_RECEIVED, self._begin),
            _subscribe(self._bus, MESSAGE_FAILED, self._fail),
            _subscribe(self._bus, MESSAGE_HANDLED, self._finish),
        ]
        # The machine asks this object for its functions; users have no need to.
        machine._functions = cast("Functions", self._observed)  # noqa: SLF001

    # --- what it holds ----------------------------------------------------------------

    @property
    def chart(self) -> Chart:
        """The chart that was run."""
        return self._chart

    @property
    def component_name(self) -> str:
        """The name of the component."""
        return self._component.name

    @property
    def is_running(self) -> bool:
        """Whether it still records."""
        return self._is_running

    @property
    def ended(self) -> str:
        """Why it ended by itself, in words; empty otherwise."""
        return self._ended

    @property
    def steps(self) -> tuple[RecordedStep, ...]:
        """The steps that are held, the oldest first."""
        return tuple(self._steps)

    @property
    def dropped(self) -> int:
        """How many steps were dropped for newer ones."""
        return self._count - len(self._steps)

    def __len__(self) -> int:
        """Return how many steps are held."""
        return len(self._steps)

    def __bool__(self) -> bool:
        """Return True, also when nothing has happened yet."""
        return True

    def __repr__(self) -> str:
        """Name the component and count the steps."""
        steps = f"{len(self)} step{'' if len(self) == 1 else 's'}"
        state = "running" if self._is_running else "stopped"
        return f"<Recording of {self.component_name!r}: {steps}, {state}>"

    # --- its end ----------------------------------------------------------------------

    def stop(self) -> Self:
        """Record no more; stopping twice is harmless.

        Returns
        -------
        Recording
            Itself.
        """
        if not self._is_running:
            return self
        self._follow_undo()
        self._is_running = False
        for handle in self._handles:
            self._bus.unsubscribe(handle)
        self._observed.is_over = True
        machine = self._machine
        machine._functions = without_observers(machine.functions)  # noqa: SLF001
        if self._is_own_bus and self._component.event_bus is self._bus:
            self._component.event_bus = None
        return self

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self.stop()

    # --- what it tells ----------------------------------------------------------------

    def scenario(self, name: str | None = None) -> Scenario:
        """Return the steps as a scenario of the chart.

        Parameters
        ----------
        name : str, optional
            What it is called; its first messages otherwise.

        Raises
        ------
        RecordingError
            If the steps cannot be told as one: they went as no sandbox can, or hold
            what is no JSON data.

        Notes
        -----
        The scenario has been run, and goes as the component went. Time passes in it
        only for timers. What services answered are fakes in it; so are the answers of
        functions that whoever runs it may not have. Messages that failed are left out:
        they changed nothing.
        """
        writer = importlib.import_module("flexiflow.statechart._follower")
        session = self._session()
        made: Scenario = writer.scenario_of(session, name)
        return made

    def as_scenario(self, name: str | None = None) -> str:
        """Return the steps as an item of ``scenarios:``, in YAML.

        Parameters
        ----------
        name : str, optional
            What it is called.

        Raises
        ------
        RecordingError
            As for :meth:`scenario`.
        """
        writer = importlib.import_module("flexiflow.statechart._scenario_text")
        text: str = writer.scenario_text(self.scenario(name), self._remarks())
        return text

    def as_pytest(self, name: str | None = None) -> str:
        """Return the steps as a file for pytest.

        Parameters
        ----------
        name : str, optional
            The test's name: letters, digits and ``_``.

        Returns
        -------
        str
            The text of a Python file. The chart is read from its own file when it has
            one, else it is part of the text.

        Raises
        ------
        RecordingError
            As for :meth:`scenario`.
        """
        writer = importlib.import_module("flexiflow.statechart._pytest_text")
        scenario = self.scenario(name)
        text: str = writer.pytest_text(self._chart, scenario, self._remarks())
        return text

    def _remarks(self) -> list[str]:
        """Return what a reader has to know of the recording."""
        failed = [step for step in self._steps if step.status == "failed"]
        found = [
            f"{step.message.get('type')} failed, and changed nothing: {step.error}"
            for step in failed
        ]
        if self.dropped:
            found.append(f"{self.dropped} earlier steps were dropped.")
        if self._ended:
            found.append(self._ended)
        return found

    def _session(self) -> Session:
        steps = self.steps
        start: Snapshot | None = self._start
        left: Mapping[str, float] = self._left
        if self.dropped:
            start, left = steps[0].start, {}
        elif self._is_from_start:
            start = None
        return Session(
            self._chart, steps, start, left, self._functions, tuple(self._rules)
        )

    # --- listening --------------------------------------------------------------------

    def _begin(self, data: dict[str, Any]) -> None:
        message = data["message"]
        if _only_resumes(message, self._machine):
            return  # timers of a step that was gone back to: nothing has happened
        if data["component"] == self._component.name and self._goes_on():
            clock = self._component.clock
            self._pending = _Pending(
                message, self._machine.snapshot, clock.monotonic(), clock.time()
            )

    def _goes_on(self) -> bool:
        """Return whether the component is where it was left; else end."""
        self._follow_undo()
        machine, component = self._machine, self._component
        if component.state_machine is not machine or machine.chart is not self._chart:
            self._ended = f"{component.name} was given another definition."
        elif self._steps and not _is_same(self._steps[-1].snapshot, machine):
            self._ended = f"{component.name} was put into another state from outside."
        if self._ended:
            self.stop()
        return not self._ended

    def _follow_undo(self) -> None:
        """Take away the steps that were undone since the last look."""
        known, self._undone = self._undone, _undone(self._component)
        for _ in range(self._undone - known):
            while self._steps:
                self._count -= 1
                if self._steps.pop().status == "handled":
                    break
            else:
                name = self._component.name
                self._ended = f"{name} was put back to before the recording."

    def _fail(self, data: dict[str, Any]) -> None:
        pending = self._pending
        if pending is not None and data["message"] is pending.message:
            pending.error = str(data["exception"])

    def _finish(self, data: dict[str, Any]) -> None:
        pending = self._pending
        if pending is None or data["message"] is not pending.message:
            return  # of another component, or never begun
        self._pending = None
        self._count += 1
        machine, message = self._machine, pending.message
        scope = current()
        status = str(data["status"])
        self._steps.append(
            RecordedStep(
                self._count,
                pending.at_s,
                pending.time_s,
                _kept(message),
                message.event if type(message) is Signal else None,
                pending.start,
                machine.snapshot,
                tuple(machine.last_transitions) if status == "handled" else (),
                tuple(pending.calls),
                status,
                pending.error,
                None if scope is None else scope.correlation_id,
            )
        )

    def _note_call(self, call: RecordedCall) -> None:
        if self._pending is not None:
            self._pending.calls.append(call)


class _Pending:
    """A message that is being handled."""

    __slots__ = ("at_s", "calls", "error", "message", "start", "time_s")

    def __init__(
        self, message: dict[str, Any], start: Snapshot, at_s: float, time_s: float
    ) -> None:
        self.message = message
        self.start = start
        self.at_s = at_s
        self.time_s = time_s
        self.calls: list[RecordedCall] = []
        self.error = ""


def _kept(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message as it is now, whatever its sender does with it later."""
    try:
        kept: Mapping[str, Any] = freeze(dict(message), "the message")
    except NotJsonError:
        return dict(message)
    return kept


def _is_same(snapshot: Snapshot, machine: ChartMachine) -> bool:
    now = machine.snapshot
    same = now.configuration.leaves == snapshot.configuration.leaves
    return same and now.context == snapshot.context


def _is_at_start(machine: ChartMachine) -> bool:
    """Return whether a machine stands where its chart begins."""
    if not machine.is_started:
        return True
    first = begin_purely(machine.program, machine.program.context)
    if first is None:
        return False
    return _is_same(first.snapshot, machine) and not machine.snapshot.history


def _left(component: _Recordable, machine: ChartMachine) -> dict[str, float]:
    """Return what is left of the timers that run."""
    background = component.background
    if background is None:
        return {}
    timers: dict[str, float] = background.pending(machine.snapshot.entries)["timers"]
    return dict(timers)


def _only_resumes(message: Mapping[str, Any], machine: ChartMachine) -> bool:
    """Return whether a message begins timers again, and nothing else."""
    is_start = type(message) is Signal and message.event.name == START
    return is_start and machine.is_started


def _undone(component: _Recordable) -> int:
    """Return how many steps of a component were undone so far."""
    steps = getattr(component, "steps", None)
    return 0 if steps is None else steps.undone


def _bus_of(component: _Recordable) -> tuple[AsyncEventManager, bool]:
    """Return the component's bus, or one that lives as long as the recording."""
    if component.event_bus is not None:
        return component.event_bus, False
    component.event_bus = AsyncEventManager()
    return component.event_bus, True


def _subscribe(bus: AsyncEventManager, event: str, handler: Any) -> Subscription:
    """Subscribe at once: that needs no loop."""
    steps = bus.subscribe(event, _NAME, handler, 1)
    try:
        steps.send(None)
    except StopIteration as done:
        subscription: Subscription = done.value
        return subscription
    msg = "subscribing waited"
    raise RuntimeError(msg)


def _no_chart(component: _Recordable) -> ComponentError:
    return ComponentError(
        f"{component.name} cannot be recorded.",
        why="Its states are classes; a recording replays the steps of a chart.",
        fix="Declare the states in YAML, or observe the bus: "
        "engine.event_bus.keep_history()",
        context={"component": component.name},
    )
