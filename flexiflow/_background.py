"""Run what a chart leaves to its component: timers, delayed messages, services."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, final

from ._message import ENDINGS
from ._pending import delayed
from ._running import is_provided
from ._scope import CURRENT, Errand, id_text
from ._service_runs import (
    Interruptible,
    Late,
    ServiceRun,
    ServiceScope,
    Timer,
    fail,
    service_under_way,
    timers_under_way,
    whole,
)
from ._services import provider_of, release
from .errors import ComponentError
from .statechart._service_events import (
    pause_before,
    service_done,
    service_error,
    timer_fired,
)
from .statechart.ports import (
    CancelMessage,
    SendMessage,
    StartService,
    StartTimer,
    Stop,
)
from .statechart.snapshot import Event, Signal

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from ._message import MessageResult
    from ._service_runs import Child, Owner
    from .chart_machine import ChartMachine
    from .clock import TimerHandle
    from .statechart.ports import Effect
    from .under_way import UnderWay

__all__ = ["Background"]

_DICE: Final = random.SystemRandom()
"""Where jitter comes from; it keeps no secret, but needs no seed either."""


@final
class Background:
    """The timers, delayed messages and services of one component.

    Parameters
    ----------
    owner : Owner
        The component; it ends all of this when it is closed.
    machine : ChartMachine
        Its machine.
    """

    __slots__ = (
        "_delayed",
        "_machine",
        "_owner",
        "_services",
        "_tasks",
        "_timers",
        "children",
        "delays",
    )

    delays: int
    """How many delayed messages have begun to wait so far."""
    children: dict[str, Child]
    """The components that run as services, by the key of the run."""

    def __init__(self, owner: Owner, machine: ChartMachine) -> None:
        self._owner = owner
        self._machine = machine
        self.delays = 0
        self._timers: dict[tuple[str, int], list[Timer]] = {}
        self._delayed: list[tuple[SendMessage, float, TimerHandle, str | None]] = []
        self._services: dict[tuple[str, int], ServiceRun] = {}
        self.children = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def perform(self, effect: Effect) -> None:
        """Begin or end something; the loop must run.

        Raises
        ------
        ComponentNotFoundError
            If a message is for a component that the engine does not hold.
        """
        if isinstance(effect, SendMessage):
            self._send(effect)
        elif isinstance(effect, CancelMessage):
            for sent, _, handle, _ in self._delayed:
                if sent.id == effect.id:
                    handle.cancel()
            self._delayed = [one for one in self._delayed if one[0].id != effect.id]
        elif isinstance(effect, StartTimer):
            self._start_timer(effect)
        elif isinstance(effect, StartService):
            self._start_service(effect)
        elif isinstance(effect, Stop):
            self._stop((effect.state, effect.entry))

    def services(self) -> dict[str, asyncio.Task[None]]:
        """Return the tasks of the services that run, by the path of the state."""
        return {
            state: one.task
            for (state, _), one in self._services.items()
            if not one.is_interrupted
        }

    def under_way(self) -> tuple[UnderWay, ...]:
        """Return what runs: timers, the next one to fire first, and then services."""
        timers = [
            one
            for (state, _), running in self._timers.items()
            for one in timers_under_way(state, running)
        ]
        timers.sort(key=lambda one: one.due or 0.0)
        services = [
            service_under_way(state, one, self._child_state(one))
            for (state, _), one in self._services.items()
            if not one.is_interrupted
        ]
        return (*timers, *services)

    def _child_state(self, one: ServiceRun) -> str:
        """Return the state of the child component that a service is, or nothing."""
        child = self.children.get(one.tried)
        return "" if child is None else str(child.state_machine.state_name)

    # Any: as the machine hands it on.
    def held(self) -> tuple[float, tuple[Any, ...], tuple[Any, ...]]:
        """Return the instant, the timers and the delayed messages: cheap values."""
        now = self._owner.clock.monotonic()
        timers = [
            (one.name, one.due, one.story)
            for running in self._timers.values()
            for one in running
        ]
        fired = self._fired(self._machine.snapshot.entries)
        timers += [(name, now, story) for name, story in fired]
        sends = [(effect, due, story) for effect, due, _, story in self._delayed]
        return now, tuple(timers), tuple(sends)

    def _fired(self, entries: Mapping[str, int]) -> list[tuple[str, str | None]]:
        """Return the timers whose time has come, but whose message waits its turn."""
        mailbox = self._owner.mailbox
        waiting = [
            (turn.message.event, _text(turn.cid))
            for turn in (() if mailbox is None else mailbox.queue)
            if type(turn.message) is Signal and turn.message["type"] == "after"
        ]
        return [
            (event.name, story)
            for event, story in waiting
            if entries.get(event.state) == event.entry
        ]

    def pending(self, entries: Mapping[str, int]) -> dict[str, Any]:
        """Return what still has to come, as JSON data.

        Parameters
        ----------
        entries : mapping of str to int
            Which entry of each state is the present one; timers of others are stale.

        Returns
        -------
        dict
            ``at`` (seconds since the epoch, now), ``timers`` (seconds left by name) and
            ``sends`` (messages with what is left of their delay), and ``services``
            (the key of each run that can be found again, and where its child stands).
        """
        now = self._owner.clock.monotonic()
        present = [
            one
            for (state, entry), running in self._timers.items()
            if entries.get(state) == entry
            for one in running
        ]
        timers = {one.name: max(0.0, one.due - now) for one in present}
        fired = self._fired(entries)
        timers |= {name: 0.0 for name, _ in fired}
        sends = [
            delayed(effect, max(0.0, due - now), story)
            for effect, due, _, story in self._delayed
        ]
        stories = {one.name: one.story for one in present if one.story}
        stories |= {name: story for name, story in fired if story}
        stories |= {
            one.start.state: one.story for one in self._services.values() if one.story
        }
        services = {
            one.start.state: self._noted(one)
            for one in self._services.values()
            if is_provided(one.start)
        }
        return {
            "at": self._owner.clock.time(),
            "timers": timers,
            "sends": sends,
            "services": services,
            "stories": stories,
        }

    def _noted(self, one: ServiceRun) -> dict[str, Any]:
        """Return what a run is found again by."""
        start = one.start
        child = self.children.get(one.tried)
        data = start.saved if child is None else child.state_machine.data()
        return {"key": start.key, **({} if data is None else {"child": data})}

    def end(self, *, keep: bool = False) -> set[asyncio.Task[None]]:
        """Stop everything, and return the tasks that are about to end.

        Parameters
        ----------
        keep : bool, default False
            Whether what can be found again goes on by itself.
        """
        for one in self._services.values():
            told = one.is_ended or one.is_interrupted
            if keep and not told and is_provided(one.start):
                release(one.start.service.kind, one.tried)
            one.is_ended = True
        for child in list(self.children.values()):
            child.dismiss()
        self.children.clear()
        for key in list(self._timers):
            self._stop(key)
        for _, _, handle, _ in self._delayed:
            handle.cancel()
        self._delayed.clear()
        for task in self._tasks:
            if not task.get_loop().is_closed():
                task.cancel()
        return set(self._tasks)

    # --- messages and timers ----------------------------------------------------------

    def _send(self, effect: SendMessage) -> None:
        if effect.delay_s <= 0:
            self._deliver(effect, self._owner.running)
            return
        cid = effect.story or _story()
        clock = self._owner.clock

        def deliver() -> None:
            self._delayed = [one for one in self._delayed if one[2] is not handle]
            self._deliver_late(effect, cid)

        handle = clock.call_later(effect.delay_s, deliver)
        due = clock.monotonic() + effect.delay_s
        self._delayed.append((effect, due, handle, _text(cid)))
        self.delays += 1

    def _deliver_late(self, effect: SendMessage, cid: int | str | None) -> None:
        """Deliver a message that has no caller any more: a failure is told as one."""
        try:
            self._deliver(effect, None, cid)
        except Exception as error:  # noqa: BLE001 - told below
            data = {"type": "send", "state": "", "error": {"message": str(error)}}
            self._tell(Event("send", data, failure=error), cid)

    def _deliver(
        self,
        effect: SendMessage,
        sender: MessageResult | None,
        cid: int | str | None = None,
    ) -> None:
        owner: Owner | None = self._owner
        if effect.to not in {None, self._owner.name}:
            owner = self._owner.neighbour(effect.to or "")
        message, name = dict(effect.message), self._owner.name
        if owner is None:
            raise self._owner.lost(effect.to or "", message)
        owner.post(message, sender=sender, cid=cid, source=name)

    def _start_timer(self, effect: StartTimer) -> None:
        clock = self._owner.clock
        key = (effect.state, effect.entry)
        due = clock.monotonic() + effect.delay_s
        cid = effect.story or _story()
        handle = clock.call_later(effect.delay_s, self._fire, effect, cid)
        one = Timer(effect.name, due, handle, _text(cid), effect.delay_s)
        self._timers.setdefault(key, []).append(one)

    def _fire(self, effect: StartTimer, cid: int | str | None) -> None:
        timers = self._timers.get((effect.state, effect.entry), [])
        timers[:] = [one for one in timers if one.name != effect.name]
        self._tell(timer_fired(effect), cid)

    def _tell(self, event: Event, cid: int | str | None) -> None:
        self._owner.post(Signal(event), cid=cid)

    def _stop(self, key: tuple[str, int]) -> None:
        for timer in self._timers.pop(key, ()):
            timer.handle.cancel()
        one = self._services.pop(key, None)
        if one is None:
            return
        one.is_ended = True
        child = self.children.pop(one.tried, None)
        if child is not None:
            child.dismiss()
        if not one.task.get_loop().is_closed():
            one.task.cancel()

    # --- services ---------------------------------------------------------------------

    def _start_service(self, effect: StartService) -> None:
        if is_provided(effect):
            machine = self._machine
            key = machine.running.key(machine.chart.name, effect)
            effect = replace(effect, key=key)
        at = (effect.state, effect.entry)
        cid = effect.story or _story()
        one = ServiceRun(effect, _text(cid), self._owner.clock.monotonic())
        self._services[at] = one
        if effect.service.kind == "component":
            one.answer = self._begun(one)  # at once: the next message may be for it
        one.task = asyncio.get_running_loop().create_task(self._run(one, cid))
        self._tasks.add(one.task)

        def end(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            if self._services.get(at) is one and not one.is_interrupted:
                del self._services[at]

        one.task.add_done_callback(end)

    async def _run(self, one: ServiceRun, cid: int | str | None) -> None:
        """Run a service to its result, trying again as it says."""
        start = one.start
        # Beside the handling that began it, not within it; yet it is the same story.
        CURRENT.set(None if cid is None else Errand(cid, None, self._owner.name))
        retry = start.service.retry
        attempt = 1
        while True:
            try:
                event = service_done(start, await self._once(one, attempt))
            except (Exception, *ENDINGS) as error:  # noqa: BLE001 - the chart decides
                if attempt >= retry.max_attempts:
                    event = service_error(self._machine.program, start, error)
                    break
                one.attempt = attempt = attempt + 1
                one.waits = True
                await self._pause(pause_before(retry, attempt, _DICE))
                one.waits = False
            else:
                break
        self._tell(event, cid)

    # Any: what the user's function returns.
    async def _once(self, one: ServiceRun, attempt: int) -> Any:
        """Call what is run once, within its time."""
        answer, one.answer = one.answer, None
        if answer is None:
            answer = self._begin(one, attempt)
        if not hasattr(answer, "__await__"):
            return answer
        if one.start.timeout_s is None:
            return await answer
        try:
            return await self._within(whole(answer), one)
        finally:
            if hasattr(answer, "close"):
                answer.close()  # stopped before it could begin, it was never awaited

    def _begun(self, one: ServiceRun) -> Any:
        """Begin a service, or return what fails when it is awaited."""
        try:
            return self._begin(one, 1)
        except Exception as error:  # noqa: BLE001 - the chart decides about it
            return Late(fail, error)

    def start_of(self, key: str) -> StartService:
        """Return what began the run of a key."""
        return next(one.start for one in self._services.values() if one.tried == key)

    def child(self, name: str) -> Any:
        """Return the child of a name, as its parent or the engine calls it, or None."""
        for child in self.children.values():
            if name in {child.short, child.name}:
                return child
        return None

    def _begin(self, one: ServiceRun, attempt: int) -> Any:
        """Call a function, or who provides what is no function; see ``_once``."""
        machine, start = self._machine, one.start
        if is_provided(start):
            one.tried = start.key if attempt == 1 else f"{start.key}.{attempt}"
            told = CURRENT.get()
            one.is_ended = False
            answer = provider_of(start.service.kind).run(
                start.service.name,
                start.arguments,
                component=self._owner,
                correlation_id=None if told is None else told.correlation_id,
                key=one.tried,
            )
            return Interruptible(answer, lambda: self._interrupted(one))
        if start.service.kind != "function":
            raise ComponentError(
                f"{start.state} invokes another document.",
                why="A component runs functions; documents are invoked in simulations.",
                fix="Run the chart with flexiflow.statechart.Simulation.",
                context={"component": self._owner.name, "state": start.state},
            )
        scope = ServiceScope(self._owner, start, machine.frozen_context())
        return machine.functions.invoke(start.service.name, scope, start.arguments)

    def _interrupted(self, one: ServiceRun) -> None:
        """Let a run be found again when its loop ends, while its state is active."""
        if one.is_ended:
            return
        one.is_interrupted = True
        child = self.children.get(one.tried)
        if child is not None:
            one.start = replace(one.start, saved=child.state_machine.data())
        release(one.start.service.kind, one.tried)

    async def _within(self, work: Coroutine[Any, Any, Any], one: ServiceRun) -> Any:
        """Await something for so long by the component's clock."""
        limit_s = one.start.timeout_s or 0.0
        task = asyncio.get_running_loop().create_task(work)
        late = False

        def stop() -> None:
            nonlocal late
            late = one.is_ended = True
            task.cancel()

        timer = self._owner.clock.call_later(limit_s, stop)
        try:
            return await task
        except asyncio.CancelledError:
            if not late:
                raise
            msg = f"no answer within {limit_s:g} s"
            raise TimeoutError(msg) from None
        finally:
            timer.cancel()

    async def _pause(self, seconds: float) -> None:
        """Wait by the component's clock."""
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not end.done():
                end.set_result(None)

        timer = self._owner.clock.call_later(seconds, wake)
        try:
            await end
        finally:
            timer.cancel()


def _text(cid: int | str | None) -> str | None:
    """Return a correlation id as it is kept, or None."""
    return None if cid is None else id_text(cid)


def _story() -> int | str | None:
    """Return the id of the story that is being told, so that it goes on."""
    scope = CURRENT.get()
    return None if scope is None else scope.cid
