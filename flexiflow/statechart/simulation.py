"""Run a chart in a sandbox: a clock of its own, no effect performed, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ..errors import ActionError, ConfigError, FlexiFlowError
from ._fakes import Answer, FakeError
from ._questions import accepted, can, why_not
from ._reading import seconds_of
from ._sandbox import MOST_EVENTS, Sandbox
from ._standing import snapshot_at
from ._trace import CallRecord, TraceStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .functions import Functions
    from .model import Chart
    from .ports import WhyNot

__all__ = ["CallRecord", "Simulation", "TraceStep"]

# Any in this module: JSON data of the user's, and what user functions return.


@final
class Simulation(Sandbox):
    """A sandbox with a virtual clock: synchronous, and without any effect.

    Parameters
    ----------
    chart : Chart
        What to run.
    context : mapping, optional
        Data that replace those of the chart's context, key by key.
    fake : mapping of str to object, optional
        What functions and services answer, by name: a value, a list of answers one a
        call (``"error"`` raises, ``{"result": value}`` answers), or a plain function,
        whose parameters are filled as those of the one it stands for. An
        action or service that is not faked is recorded, not called.
    snapshot : Snapshot or mapping, optional
        Where to begin; at the chart's beginning otherwise. What ``snapshot()`` of a
        component gave is the whole: timers and delayed messages wait for what was left.
    functions : Functions, optional
        Where guards that are not faked are found; guards are called, having no side
        effects.
    rules : sequence, default ()
        What stands in for the component's rules.
    load : callable, optional
        Gives the text of an SCXML document that another one invokes by its name.
    inside : tuple of (Sessions, str), optional
        The session that invokes this one, and what it calls it; for the machinery.
    left : mapping of str to float, optional
        What is left of the timers of the snapshot's states: seconds by their names.
        Timers that are not named, and services, begin anew; without it none run.

    Raises
    ------
    ActionError
        If starting fails.
    """

    @classmethod
    def at(
        cls,
        chart: Chart,
        *states: str,
        context: Mapping[str, Any] | None = None,
        fake: Mapping[str, Any] | None = None,
        functions: Functions | None = None,
        rules: Sequence[Any] = (),
        history: Mapping[str, Sequence[str]] | None = None,
        left: Mapping[str, float] | None = None,
    ) -> Simulation:
        """Return a sandbox that begins in given states, with their timers running.

        Parameters
        ----------
        chart : Chart
            What to run.
        *states : str
            Names or paths of the active states, one for each region.
        context, fake, functions, rules
            As for the sandbox itself.
        history : mapping, optional
            What history states remember: names or paths by their names or paths.
        left : mapping of str to float, optional
            What is left of timers, in seconds by their names; others begin anew.

        Raises
        ------
        StateError
            If there are no such states, or if they are not active together.
        """
        there = snapshot_at(chart, states, context=context or {}, history=history or {})
        return cls(
            chart,
            fake=fake,
            functions=functions,
            rules=rules,
            snapshot=there,
            left=left or {},
        )

    # --- what it does -----------------------------------------------------------------

    def send(self, message: str | Mapping[str, Any], **fields: Any) -> bool:
        """Handle a message, and all that follows at once.

        Parameters
        ----------
        message : str or mapping
            A message, or its type.
        **fields : Any
            Further fields of the message.

        Returns
        -------
        bool
            Whether a transition was taken.

        Raises
        ------
        ActionError
            If an action fails and nobody takes it; the state is as before.
        """
        given = {"type": message} if isinstance(message, str) else dict(message)
        proceeded = self.handle({**given, **fields})
        self.settle()
        return proceeded

    def send_all(self, messages: Iterable[str | Mapping[str, Any]]) -> None:
        """Handle messages that arrived together, then all that follows.

        What the machine sends to itself comes after those that were there before.

        Parameters
        ----------
        messages : iterable of str or mapping
            Messages, or their types.

        Raises
        ------
        ActionError
            If an action fails and nobody takes it.
        """
        for one in messages:
            self.queue.append({"type": one} if isinstance(one, str) else one)
        self.settle()

    def advance(self, seconds: float | str) -> None:
        """Let time go on, firing what is due in its order.

        Parameters
        ----------
        seconds : float or str
            How far: seconds, or ``500ms``, ``2s``, ``3m``, ``48h``, ``1d``.

        Raises
        ------
        ConfigError
            If it is no duration.
        ActionError
            If an action fails and nobody takes it: the first one, at the end.
        """
        length = seconds_of(seconds)
        if length is None:
            raise ConfigError(
                f"{seconds!r} is not a duration.",
                why="Time goes on by a number of seconds, or a number with a unit.",
                fix="Write 5, 500ms, 2s, 3m, 48h or 1d.",
            )
        end = self.timeline.now_s + length
        failure: ActionError | None = None
        for _ in range(MOST_EVENTS):
            if not self.timeline.step(end):
                if failure is not None:
                    raise failure
                return
            try:
                self.settle()
            except ActionError as error:
                failure = failure or error
        raise FlexiFlowError(
            f"{self.chart.name} does not come to rest.",
            why=f"More than {MOST_EVENTS:,} timers fired within {length} s.",
            fix="Lengthen the timers, or advance less.",
        )

    def can(self, message: str | Mapping[str, Any]) -> bool:
        """Return whether a message would do something now."""
        given = {"type": message} if isinstance(message, str) else message
        functions, host = self._functions, self._host
        with self._fakes.asking():
            return can(self._snapshot, given, functions=functions, host=host)

    def accepted(self) -> tuple[str, ...]:
        """Return the message types that do something now when sent bare."""
        functions, host = self._functions, self._host
        with self._fakes.asking():
            return accepted(self._snapshot, functions=functions, host=host)

    def why_not(self, message: str | Mapping[str, Any]) -> WhyNot:
        """Return why a message would do nothing now; false when it would."""
        given = {"type": message} if isinstance(message, str) else message
        functions, host = self._functions, self._host
        with self._fakes.asking():
            return why_not(self._snapshot, given, functions=functions, host=host)

    @property
    def services(self) -> tuple[str, ...]:
        """The paths of the states whose service has begun and not answered."""
        return self.running.states

    def answer(self, state: str, result: Any = None) -> None:
        """Have the service of a state come to its end, and handle all that follows.

        Parameters
        ----------
        state : str
            The path of the state.
        result : Any, optional
            What the service gives.

        Raises
        ------
        StateError
            If no service runs there.
        ActionError
            If an action fails and nobody takes it.
        """
        self.running.answer(state, Answer(result))
        self.settle()

    def fail(self, state: str, error: str | BaseException = "failed") -> None:
        """Have the service of a state fail; it is tried again where it says so.

        Parameters
        ----------
        state : str
            The path of the state.
        error : str or BaseException, default "failed"
            What it raises.

        Raises
        ------
        StateError
            If no service runs there.
        ActionError
            If nobody takes the error.
        """
        given = FakeError(error) if isinstance(error, str) else error
        self.running.answer(state, Answer(error=given))
        self.settle()
