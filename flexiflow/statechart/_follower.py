"""Make a scenario of what was recorded, by doing it again in a sandbox.

The sandbox handles what the component handled, in the same order. What it sends to
itself is its own doing; so are its timers, for which the scenario lets time pass, and
the answers of its services, which become fakes. Time passes for these alone: a pause of
an hour in which nothing fell due is no part of the scenario.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from ._fakes import Answer, FakeError
from ._frozen import NotJsonError, freeze, thaw
from ._recorded import RecordingError
from ._recorded_fakes import fakes_of, shortened
from ._service_events import pause_before
from .guards import equal
from .model import Scenario
from .ports import CancelMessage, SendMessage, StartService
from .scenarios import run_scenario
from .simulation import Simulation
from .snapshot import START, Event
from .step import is_stale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._recorded import RecordedStep, Session

__all__ = ["scenario_of"]

_SHORT_S: Final = 1.0
"""How long a scenario waits for a service that answered after something else."""
_MOST_NAMED: Final = 3
_NEVER: Final = {"never": True}

# Any in this module: JSON data of the user's.


def scenario_of(session: Session, name: str | None = None) -> Scenario:
    """Return a scenario that goes as the session went.

    Parameters
    ----------
    session : Session
        What was recorded.
    name : str, optional
        What the scenario is called; its first messages otherwise.

    Raises
    ------
    RecordingError
        If the session cannot be told as a scenario: it went as no sandbox can, or it
        holds what is no JSON data.
    """
    astray: RecordingError | None = None
    for is_timed in (False, True):
        try:
            return _told(_followed(session, is_timed=is_timed), session, name)
        except RecordingError as error:
            astray = astray or error
    raise astray or RecordingError("The session cannot be told as a scenario.")


def _followed(session: Session, *, is_timed: bool) -> _Follower:
    """Return a sandbox that has gone where the component went.

    Time need not pass between messages, unless timers that began at different instants
    would then end at the same one.
    """
    follower = _Follower(session, is_timed=is_timed)
    for step in session.steps:
        follower.follow(step)
    return follower


def _told(follower: _Follower, session: Session, name: str | None) -> Scenario:
    """Return the scenario that was written down, when it goes as it should."""
    problem = ""
    for keep_guards in (False, True):
        scenario = follower.scenario(name, keep_guards=keep_guards)
        result = run_scenario(
            session.chart,
            scenario,
            functions=session.functions,
            rules=session.rules,
        )
        if result:
            return scenario
        problem = problem or result.text
    raise RecordingError(
        "The session cannot be told as a scenario.",
        why=problem,
        fix="Record a shorter stretch of it.",
        context={"chart": session.chart.name},
    )


@final
@dataclass(slots=True)
class _Started:
    """A service that has begun and not answered."""

    start: StartService
    number: int
    at_s: float


@final
@dataclass(slots=True)
class _Delayed:
    """A message that the machine has sent to itself, to come later."""

    sent: SendMessage
    at_s: float


@final
class _Follower:
    """A sandbox that goes where the component went, and writes down how."""

    def __init__(self, session: Session, *, is_timed: bool) -> None:
        self._session = session
        self._is_timed = is_timed
        self._functions = fakes_of(session.steps)
        self._sandbox = self._begin()
        self._script: list[dict[str, Any]] = []
        self._quiet = 0
        self._answers: dict[str, list[Any]] = {}
        self._open: dict[str, _Started] = {}
        self._fresh: list[str] = []
        self._delayed: list[_Delayed] = []
        self._looked: tuple[tuple[str, ...], dict[str, Any]] = self._seen()
        self._end = self._looked
        for one in self._sandbox.trace:
            self._note_effects(one.effects, 0.0)

    def _begin(self) -> Simulation:
        session = self._session
        fake = {name: list(items) for name, items in self._functions.items()}
        if session.start is None:
            return Simulation(
                session.chart,
                fake=fake,
                functions=session.functions,
                rules=session.rules,
            )
        return Simulation(
            session.chart,
            fake=fake,
            functions=session.functions,
            rules=session.rules,
            snapshot=session.start,
            left=session.left,
        )

    def _seen(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        return self._sandbox.paths, self._sandbox.context

    # --- following --------------------------------------------------------------------

    def follow(self, step: RecordedStep) -> None:
        """Do what the component did.

        Raises
        ------
        RecordingError
            If the sandbox cannot.
        """
        event = step.event
        if event is not None and (event.name == START or is_stale(step.start, event)):
            return  # it is started; what came too late did nothing
        if step.status == "failed":
            if event is None or event.name.startswith("error."):
                return  # nothing has changed; a service has as good as not answered
            raise self._astray(step, f"it failed and nobody took it: {step.error}")
        done = len(self._sandbox.trace)
        self._drop_stale()
        if event is None:
            self._follow_message(step)
        elif event.name.startswith("after."):
            self._await(step, lambda head: _is_event(head, event.name))
        else:
            self._end_service(step, event)
        for one in self._sandbox.trace[done:]:
            self._note_effects(one.effects, step.at_s)
        self._compare(step)
        if not self._sandbox.queue:
            self._quiet = len(self._script)
            self._end = self._seen()

    def _follow_message(self, step: RecordedStep) -> None:
        """Handle a message: one that the machine sent to itself, or another's."""
        sandbox, message = self._sandbox, step.message
        queue = sandbox.queue
        if queue and not isinstance(queue[0], Event) and equal(queue[0], message):
            self._handle_head()
            return
        for late in self._delayed:
            waited = step.at_s - late.at_s
            if equal(late.sent.message, message) and waited >= late.sent.delay_s - 1e-3:
                self._delayed.remove(late)
                self._await(step, lambda head: _is_message(head, message))
                return
        self._fresh.clear()
        if self._is_timed and not queue:
            self._keep_up(step)
        self._say_message(_as_json(message, step), step)
        sandbox.handle(dict(message))

    def _say_message(self, message: dict[str, Any], step: RecordedStep) -> None:
        """Write down a message; beside the last one when it came before its effects."""
        if not self._sandbox.queue:
            self._look()
            self._script.append(message)
            return
        last = self._script[-1] if self._script else {}
        if "together" in last:
            last["together"].append(message)
        elif "type" in last:
            self._script[-1] = {"together": [last, message]}
        else:
            raise self._astray(step, "something else was due first")

    def _await(
        self, step: RecordedStep, is_it: Callable[[Mapping[str, Any] | Event], bool]
    ) -> None:
        """Let time pass until something is due, and handle it."""
        sandbox = self._sandbox
        self._fresh.clear()
        while True:
            self._drop_stale()
            if sandbox.queue:
                if not is_it(sandbox.queue[0]):
                    raise self._astray(step, "something else was due first")
                self._handle_head()
                return
            due = sandbox.timeline.due_s
            if due is None:
                raise self._astray(step, "nothing is due in the sandbox")
            self._pass(due - sandbox.now_s)

    def _pass(self, seconds: float) -> None:
        """Let time pass, by whole milliseconds."""
        self._look()
        wait = math.ceil(max(0.0, seconds) * 1000 - 1e-6) / 1000
        if self._script and "advance" in self._script[-1]:
            wait_before = self._script[-1]["advance"]
            self._script[-1] = {"advance": round(wait_before + wait, 3)}
        else:
            self._script.append({"advance": wait})
        timeline = self._sandbox.timeline
        timeline.step(timeline.now_s + wait)

    def _keep_up(self, step: RecordedStep) -> None:
        """Let as much time pass as has passed, but nothing fall due."""
        sandbox = self._sandbox
        due = sandbox.timeline.due_s
        wait = step.at_s - self._session.steps[0].at_s - sandbox.now_s
        if due is not None and wait >= due - sandbox.now_s:
            wait = (due - sandbox.now_s) / 2
        wait = math.floor(wait * 1000) / 1000
        if due is not None and wait > 0:
            self._pass(wait)

    def _handle_head(self) -> None:
        self._sandbox.handle(self._sandbox.queue.popleft())

    def _drop_stale(self) -> None:
        """Take out events of states that were left."""
        queue, snapshot = self._sandbox.queue, self._sandbox.snapshot
        while queue and isinstance(queue[0], Event) and is_stale(snapshot, queue[0]):
            queue.popleft()

    # --- services ---------------------------------------------------------------------

    def _note_effects(self, effects: tuple[Any, ...], at_s: float) -> None:
        """Remember what a step began, and what it took back."""
        for effect in effects:
            if isinstance(effect, StartService):
                answers = self._answers.setdefault(effect.service.name, [])
                self._open[effect.state] = _Started(
                    effect, len(answers), self._sandbox.now_s
                )
                answers.append(_NEVER)
                self._fresh.append(effect.state)
            elif isinstance(effect, SendMessage) and effect.delay_s:
                if effect.to in {None, self._session.chart.name}:
                    self._delayed.append(_Delayed(effect, at_s))
            elif isinstance(effect, CancelMessage):
                kept = [one for one in self._delayed if one.sent.id != effect.id]
                self._delayed = kept

    def _end_service(self, step: RecordedStep, event: Event) -> None:
        """Have a service answer as it did."""
        started = self._open.pop(event.state, None)
        if started is None or event.state not in self._sandbox.services:
            if self._sandbox.queue and _is_event(self._sandbox.queue[0], event.name):
                self._handle_head()  # an action failed, or it ran into its timeout
                return
            raise self._astray(step, "no service runs there")
        if _is_timeout(event, started.start):
            tries = started.start.service.retry.max_attempts
            self._put(started, [_NEVER] * tries)
            self._await(step, lambda head: _is_event(head, event.name))
            return
        answer = _answer_of(event)
        pauses = 0.0 if event.error is None else _pauses(started.start)
        tries = 1 if event.error is None else started.start.service.retry.max_attempts
        is_next = self._fresh[:1] == [event.state] and not pauses
        if is_next:
            self._fresh.pop(0)
            self._put(started, [_item(event)])
        else:
            self._fresh.clear()
            total = self._wait_beside(started, pauses)
            last = {**_wrapped(event), "after": round(total - pauses, 3)}
            self._put(started, [_item(event)] * (tries - 1) + [last])
        self._sandbox.running.answer(event.state, answer, is_last=True)
        self._handle_head()

    def _wait_beside(self, started: _Started, pauses: float) -> float:
        """Let some time pass before what is due next; return how long it took."""
        sandbox = self._sandbox
        gone = sandbox.now_s - started.at_s
        due = sandbox.timeline.due_s
        room = math.inf if due is None else due - sandbox.now_s
        wait = min(_SHORT_S, room / 2)
        wait = max(math.floor(wait * 1000) / 1000, pauses - gone, 0.001)
        self._pass(wait)
        return sandbox.now_s - started.at_s

    def _put(self, started: _Started, items: list[Any]) -> None:
        """Write down what a service answered, in its place."""
        answers = self._answers[started.start.service.name]
        answers[started.number : started.number + 1] = items
        for other in self._open.values():
            same = other.start.service.name == started.start.service.name
            if same and other.number > started.number:
                other.number += len(items) - 1

    # --- writing ----------------------------------------------------------------------

    def _look(self) -> None:
        """Write down what has changed since it was looked the last time."""
        states, context = seen = self._seen()
        before = self._looked
        self._looked = seen
        if not self._script or (states, context) == before:
            return
        changed = {
            key: value
            for key, value in context.items()
            if key not in before[1] or not equal(before[1][key], value)
        }
        found: dict[str, Any] = {"expect": states}
        if changed:
            found["context"] = changed
        self._script.append(found)

    def scenario(self, name: str | None, *, keep_guards: bool) -> Scenario:
        """Return what was written down."""
        session = self._session
        states, context = self._end
        script = tuple(self._script[: self._quiet])
        fake = {**self._functions, **self._answers}
        return Scenario(
            name or _title(script),
            script,
            fake=shortened(fake, session, keep_guards=keep_guards),
            expect=states,
            context=context,
            given={} if session.start is None else _given(session),
        )

    def _compare(self, step: RecordedStep) -> None:
        """Refuse to go on from elsewhere than the component did."""
        states, context = self._seen()
        if states != step.after:
            there = ", ".join(step.after)
            raise self._astray(step, f"the sandbox is in {', '.join(states)}: {there}")
        for key, value in thaw(dict(step.snapshot.context)).items():
            if not equal(context.get(key), value):
                raise self._astray(step, f"{key} differs in the sandbox")

    def _astray(self, step: RecordedStep, why: str) -> RecordingError:
        kind = step.message.get("type")
        return RecordingError(
            f"The session cannot be told as a scenario: step {step.number}, {kind}.",
            why=f"At that step {why}.",
            fix="Record a shorter stretch, or let the messages wait for each other.",
            context={"chart": self._session.chart.name, "step": step.number},
        )


def _is_event(head: Mapping[str, Any] | Event, name: str) -> bool:
    return isinstance(head, Event) and head.name == name


def _is_message(head: Mapping[str, Any] | Event, message: Mapping[str, Any]) -> bool:
    return not isinstance(head, Event) and equal(head, message)


def _as_json(message: Mapping[str, Any], step: RecordedStep) -> dict[str, Any]:
    """Return a message as JSON data.

    Raises
    ------
    RecordingError
        If it is none.
    """
    try:
        found: dict[str, Any] = thaw(freeze(dict(message), "the message"))
    except NotJsonError as error:
        raise RecordingError(
            f"Message {step.number}, {message.get('type')}, is no JSON data.",
            why=f"{error}.",
            fix="Send texts, numbers, lists and mappings.",
        ) from error
    return found


def _is_timeout(event: Event, start: StartService) -> bool:
    error = event.error or {}
    said = str(error.get("message", ""))
    late = error.get("type") == "TimeoutError" and said.startswith("no answer within")
    return late and start.timeout_s is not None


def _pauses(start: StartService) -> float:
    """Return how long is waited between all tries of a service."""
    retry = start.service.retry
    return sum(
        pause_before(retry, attempt, None)
        for attempt in range(2, retry.max_attempts + 1)
    )


def _answer_of(event: Event) -> Answer:
    if event.error is None:
        return Answer(thaw(event.result))
    error = FakeError(str(event.error.get("message", "")))
    error.faked_type = str(event.error.get("type"))
    return Answer(error=error)


def _wrapped(event: Event) -> dict[str, Any]:
    """Return what a service came to, as a fake."""
    if event.error is None:
        return {"result": thaw(event.result)}
    return {"error": dict(event.error)}


def _item(event: Event) -> Any:
    return _wrapped(event)


def _title(script: Sequence[Mapping[str, Any]]) -> str:
    """Return what a scenario does, in few words."""
    sent = [one for step in script for one in step.get("together", [step])]
    kinds = [str(one["type"]) for one in sent if "type" in one]
    if not kinds:
        return "time passes" if script else "nothing happens"
    shown = ", ".join(kinds[:_MOST_NAMED])
    more = len(kinds) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _given(session: Session) -> dict[str, Any]:
    """Return where a session began, as a scenario says it."""
    start = session.start
    if start is None:
        return {}
    found: dict[str, Any] = {
        "state": start.configuration.leaves,
        "context": thaw(dict(start.context)),
        "history": dict(start.history),
        "timers": {key: round(value, 3) for key, value in session.left.items()},
    }
    return {key: value for key, value in found.items() if value}
