"""Handle events in a sandbox: one at a time, with a clock of its own, and no effect."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import ActionError, FlexiFlowError
from ._asking import Asking
from ._fakes import Fakes
from ._frozen import freeze, thaw
from ._moves import is_done
from ._questions import why_not
from ._service_events import timer_fired, with_left
from ._sessions import Sessions
from ._simulated_services import SimulatedServices
from ._standing import snapshot_of
from ._timeline import Timeline
from ._trace import CallRecord, SimulatedHost, TraceStep
from .compile import compile_chart
from .functions import Functions
from .perform import initial_configuration, perform_nowait
from .ports import (
    CancelMessage,
    SendMessage,
    StartService,
    StartTimer,
    Stop,
)
from .snapshot import Event, Snapshot
from .step import begin, is_stale, resume, step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .compile import Program
    from .model import Chart
    from .ports import Effect
    from .snapshot import Pending, StepResult

__all__ = ["MOST_EVENTS", "Sandbox"]

MOST_EVENTS: Final = 100_000
"""Events that one ``send`` or ``advance`` may handle."""
_MOST_AT_ONCE: Final = 10_000
"""Events that may follow one another while no time goes by: some seconds of work."""

# Any in this module: JSON data of the user's, and what user functions return.


class Sandbox:
    """The part of a simulation that handles events.

    Its parameters are those of a simulation.
    """

    def __init__(
        self,
        chart: Chart,
        context: Mapping[str, Any] | None = None,
        *,
        fake: Mapping[str, Any] | None = None,
        snapshot: Snapshot | Mapping[str, Any] | None = None,
        functions: Functions | None = None,
        rules: Sequence[Any] = (),
        load: Callable[[str], str] | None = None,
        inside: tuple[Sessions, str] | None = None,
        left: Mapping[str, float] | None = None,
    ) -> None:
        self._program: Program = compile_chart(chart)
        self._fakes = Fakes(fake)
        known = functions or chart.functions or Functions()
        self._functions = known.using(chart.use).with_fakes(self._fakes.guards())
        self.timeline = Timeline() if inside is None else inside[0].owner.timeline
        """The time it lives in; shared with the documents that it invokes."""
        self.timeline.members.append(self)
        self.queue: deque[Mapping[str, Any] | Event] = deque()
        """What waits to be handled."""
        self._host = SimulatedHost(chart.name, rules, self.timeline)
        self.sessions: Sessions | None = None
        """What joins the sessions of SCXML documents; None for other charts."""
        if chart.dialect == "scxml":
            self._join(load, inside)
        self._calls: list[CallRecord] = []
        self.running = SimulatedServices(
            self._program,
            self._fakes,
            self.timeline,
            tell=self.queue.append,
            record=self._record,
            scope=self._scope,
        )
        """The services that have begun and not answered; for the machinery."""
        self.trace: list[TraceStep] = []
        """Every step so far, the start included."""
        self.sent: list[SendMessage] = []
        """Messages that would have gone to other components."""
        saved: Mapping[str, Any] = {}
        if isinstance(snapshot, Mapping):
            saved, context = snapshot, snapshot.get("context")
            snapshot = snapshot_of(self._program, saved)
            left = saved.get("timers") or {} if left is None else left
        if snapshot is not None:
            self._snapshot = snapshot
            if left is not None:
                self._resume(left, saved)
            return
        data = {**self._program.context, **freeze(dict(context or {}), "context")}
        self._snapshot = Snapshot(initial_configuration(self._program), data)
        self._apply(
            {"type": "start"},
            lambda: begin(
                self._program, data, functions=self._functions, host=self._host
            ),
        )
        if inside is None:
            self.settle()

    # --- what it is -------------------------------------------------------------------

    @property
    def chart(self) -> Chart:
        """The chart that is run."""
        return self._program.chart

    @property
    def snapshot(self) -> Snapshot:
        """Where it stands, as a value; timers that run are not part of it."""
        return self._snapshot

    @property
    def leaves(self) -> set[str]:
        """The names of the active leaf states."""
        return {node.name for node in self._snapshot.configuration.nodes}

    @property
    def paths(self) -> tuple[str, ...]:
        """The dotted paths of the active leaf states, in document order."""
        return self._snapshot.configuration.leaves

    @property
    def state(self) -> str:
        """The paths joined by ``,``."""
        return self._snapshot.configuration.name

    @property
    def context(self) -> dict[str, Any]:
        """The data now: a plain copy."""
        copied: dict[str, Any] = thaw(dict(self._snapshot.context))
        return copied

    @property
    def finished(self) -> bool:
        """Whether the chart has come to its end."""
        here = self._snapshot.configuration
        return is_done(here.program.root, here.active)

    @property
    def now_s(self) -> float:
        """The simulation's time, in seconds from its beginning."""
        return self.timeline.now_s

    @property
    def calls(self) -> list[CallRecord]:
        """Every call that was asked for so far."""
        return [call for one in self.trace for call in one.calls]

    def __repr__(self) -> str:
        """Name the chart, the state and the time."""
        kind = type(self).__name__
        return f"<{kind} of {self.chart.name!r} in {self.state!r} at {self.now_s} s>"

    def _join(
        self,
        load: Callable[[str], str] | None,
        inside: tuple[Sessions, str] | None,
    ) -> None:
        """Take a place among the sessions of SCXML documents."""

        def make(
            chart: Chart, data: Mapping[str, Any], parent: Sessions, name: str
        ) -> Sandbox:
            return type(self)(chart, data, load=parent.load, inside=(parent, name))

        parent, name = inside or (None, "")
        self.sessions = Sessions(self, make, load=load, parent=parent, invokeid=name)
        self._host.session = self.sessions.id
        self._host.load = load
        self._host.reaches = self.sessions.reaches
        self._host.spend = self.sessions.spend

    # --- inside -----------------------------------------------------------------------

    def _resume(self, left: Mapping[str, float], saved: Mapping[str, Any]) -> None:
        """Begin the timers and services of the states in which it stands."""
        active = self._snapshot.configuration.active
        timed = [node.path for node in active if node.timers or node.services]
        snapshot = replace(self._snapshot, entries={})
        result = resume(snapshot, timed)
        effects = with_left(result.effects, left, saved.get("over", ()))
        effects += tuple(
            SendMessage(one["message"], one["to"], max(one["left"], 1e-9), one["id"])
            for one in saved.get("sends", ())
        )
        self._snapshot = result.snapshot
        leaves = self.paths
        message = {"type": "resume"}
        self.trace.append(
            TraceStep(self.now_s, message, leaves, leaves, (), effects, ())
        )
        for effect in effects:
            self._take(effect)
        self.settle()

    def _scope(self, start: StartService) -> Asking:
        """Return what fills the parameters of a faked service."""
        made = Asking(
            self._snapshot, start.message, functions=self._functions, host=self._host
        )
        made.stands = start.state
        return made

    def _answer(self, call: Pending) -> Any:
        """Answer a call of an action: from the fakes, or with nothing."""
        faked = call.name in self._fakes
        self._calls.append(CallRecord(call.name, call.arguments, faked))
        if not faked:
            return None
        return self._fakes.answer(call.name, call.arguments, call.run)

    def handle(self, message: Mapping[str, Any] | Event) -> bool:
        """Handle one message alone: what follows from it waits in :attr:`queue`.

        Parameters
        ----------
        message : mapping or Event
            A message, or the event of a timer or service.

        Returns
        -------
        bool
            Whether a transition was taken.

        Raises
        ------
        ActionError
            If an action fails and nobody takes it.
        """
        if isinstance(message, Event) and is_stale(self._snapshot, message):
            return False
        if self.sessions is not None and not isinstance(message, Event):
            if self.finished:
                return False
            message = self.sessions.before(message)
        shown = message.message if isinstance(message, Event) else message
        return self._apply(
            shown,
            lambda: step(
                self._snapshot, message, functions=self._functions, host=self._host
            ),
        )

    def _apply(self, shown: Mapping[str, Any], make: Callable[[], Any]) -> bool:
        """Take a step, and note it."""
        before = self._snapshot
        self._calls = []
        counts = self._fakes.counts
        try:
            result: StepResult = perform_nowait(make(), self._answer)
        except FlexiFlowError as error:
            leaves, calls = before.configuration.leaves, tuple(self._calls)
            told = TraceStep(
                self.now_s, shown, leaves, leaves, (), (), calls, error=error.what
            )
            self.trace.append(told)
            raise
        self._snapshot = result.snapshot
        reason = ""
        if not result.proceeded:
            with self._fakes.asking(counts):
                reason = self._reason(before, shown)
        self.trace.append(
            TraceStep(
                self.timeline.now_s,
                shown,
                before.configuration.leaves,
                result.snapshot.configuration.leaves,
                result.taken,
                result.effects,
                tuple(self._calls),
                reason,
            )
        )
        for effect in result.effects:
            self._take(effect)
        if self.sessions is not None:
            self.sessions.after(result)
        return result.proceeded

    def _reason(self, before: Snapshot, message: Mapping[str, Any]) -> str:
        return str(why_not(before, message, functions=self._functions, host=self._host))

    def settle(self) -> None:
        """Handle what waits in the queue, and all that follows at once.

        Raises
        ------
        ActionError
            If an action fails and nobody takes it: the first one, when the rest has
            been handled.
        """
        failure: ActionError | None = None
        most = min(MOST_EVENTS, _MOST_AT_ONCE)
        for _ in range(most):
            waiting = (one for one in self.timeline.members if one.queue)
            member = next(waiting, None)
            if member is None:
                if failure is not None:
                    raise failure
                return
            try:
                member.handle(member.queue.popleft())
            except ActionError as error:
                failure = failure or error
        raise FlexiFlowError(
            f"{self.chart.name} does not come to rest.",
            why=f"More than {most:,} messages and ends of services followed at once.",
            fix="Give a send a guard or a delay, and a faked service an after.",
        )

    def _take(self, effect: Effect) -> None:
        """Do within the sandbox what a component would do outside."""
        sessions = self.sessions
        if isinstance(effect, SendMessage):
            self._send(effect)
        elif isinstance(effect, CancelMessage):
            if sessions is not None:
                sessions.cancel(effect.id)
            self.timeline.cancel(effect.id)
        elif isinstance(effect, StartTimer):
            fired = timer_fired(effect)
            self.timeline.later(effect.delay_s, lambda: self.queue.append(fired))
        elif isinstance(effect, StartService):
            if sessions is not None:
                sessions.start(effect)
            else:
                self.running.start(effect)
        elif isinstance(effect, Stop):
            self.running.stop(effect.state, effect.entry)
            if sessions is not None:
                sessions.stop(effect)

    def _send(self, effect: SendMessage) -> None:
        message = effect.message
        if self.sessions is not None:
            self.sessions.send(effect)
        elif effect.to not in {None, self.chart.name}:
            self.sent.append(effect)
        elif effect.delay_s:
            self.timeline.later(
                effect.delay_s, lambda: self.queue.append(message), effect.id
            )
        else:
            self.queue.append(message)

    def _record(self, name: str, arguments: Mapping[str, Any], faked: bool) -> None:  # noqa: FBT001 - as a callback
        """Note a try of a service with the step that began it, or the last one."""
        last = self.trace[-1]
        made = CallRecord(name, arguments, faked)
        self.trace[-1] = replace(last, calls=(*last.calls, made))
