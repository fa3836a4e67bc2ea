"""Stand in for the services of a chart: faked ones answer, the others stay silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ..errors import StateError
from ._fakes import NEVER, Answer
from ._service_events import pause_before, service_done, service_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._binding import Fillable
    from ._fakes import Fakes
    from ._timeline import Timeline
    from .compile import Program
    from .ports import StartService
    from .snapshot import Event

__all__ = ["SimulatedServices"]

# Any in this module: what services answer.


@final
class SimulatedServices:
    """The services of one simulation that have begun and not answered yet.

    Parameters
    ----------
    program : Program
        The chart.
    fakes : Fakes
        What is answered.
    timeline : Timeline
        The time in which it is answered.
    tell : callable
        Takes the event of a service that is done or has failed.
    record : callable
        Called with the name, the arguments, and whether it is faked, for each try.
    scope : callable
        Gives what fills the parameters of a faked service.
    """

    def __init__(
        self,
        program: Program,
        fakes: Fakes,
        timeline: Timeline,
        *,
        tell: Callable[[Event], object],
        record: Callable[[str, Mapping[str, Any], bool], object],
        scope: Callable[[StartService], Fillable],
    ) -> None:
        self._scope = scope
        self._program = program
        self._fakes = fakes
        self._timeline = timeline
        self._tell = tell
        self._record = record
        self._running: dict[tuple[str, int], tuple[StartService, int]] = {}

    @property
    def states(self) -> tuple[str, ...]:
        """The paths of the states whose service has not answered."""
        return tuple(state for state, _ in self._running)

    def start(self, start: StartService, attempt: int = 1) -> None:
        """Begin a service, or try it again."""
        name = start.service.name
        faked = name in self._fakes
        self._running[start.state, start.entry] = (start, attempt)
        self._record(name, start.arguments, faked)
        answer = NEVER
        if faked:
            answer = self._fakes.next(name, start.arguments, self._scope(start))
        limit = start.timeout_s
        if limit is not None and (answer.is_silent or answer.after_s >= limit):
            late = TimeoutError(f"no answer within {limit:g} s")
            answer = Answer(error=late, after_s=limit)
        if answer.is_silent:
            return
        if not answer.after_s:
            self._finish(start, attempt, answer)
            return
        self._timeline.later(
            answer.after_s,
            lambda: self._finish(start, attempt, answer),
            is_late=True,
        )

    def stop(self, state: str, entry: int) -> None:
        """End a service whose state was left."""
        self._running.pop((state, entry), None)

    def answer(self, state: str, answer: Answer, *, is_last: bool = False) -> None:
        """Have the service of a state answer now; ``is_last``: it is not tried again.

        Raises
        ------
        StateError
            If none runs there.
        """
        running = self._running.values()
        found = next((one for one in running if one[0].state == state), None)
        if found is None:
            raise StateError(
                f"No service runs in {state!r}.",
                why=f"Services run in: {', '.join(self.states) or 'no state'}.",
                fix="Send what leads to a state with run: first.",
                context={"state": state},
            )
        self._finish(*found, answer, is_last=is_last)

    def _finish(
        self,
        start: StartService,
        attempt: int,
        answer: Answer,
        *,
        is_last: bool = False,
    ) -> None:
        """Tell what a try came to, or try again later; nothing when it is over."""
        key = (start.state, start.entry)
        running = self._running.get(key)
        if running is None or running[1] != attempt:
            return
        try:
            event = service_done(start, answer.get())
        except Exception as error:  # noqa: BLE001 - a fake may raise anything
            retry = start.service.retry
            if attempt < retry.max_attempts and not is_last:
                pause = pause_before(retry, attempt + 1, None)
                self._running[key] = (start, attempt + 1)
                self._timeline.later(
                    pause, lambda: self._again(start, attempt + 1), is_late=True
                )
                return
            event = service_error(self._program, start, error)
        del self._running[key]
        self._tell(event)

    def _again(self, start: StartService, attempt: int) -> None:
        running = self._running.get((start.state, start.entry))
        if running is not None and running[1] == attempt:
            self.start(start, attempt)
