"""Do a component's work: one message at a time, in order of arrival, to its end."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from ._home import NOWHERE
from ._mailbox import Turn, would_wait_for_itself
from ._message import ENDINGS, MessageResult, active, checked, enclosing
from ._scope import (
    NEXT_ID,
    Arrival,
    Errand,
    Scope,
    current,
    reset_current,
    set_current,
)
from ._subscribers import CHANGED, HANDLED, RECEIVED
from ._telling import Telling
from .chart_machine import ChartMachine
from .events import MESSAGE_RECEIVED, STATE_CHANGED
from .state_machine import TABLE_STATES, State, StateMachine
from .statechart.ports import Outcome
from .statechart.snapshot import Signal

if TYPE_CHECKING:
    from ._message import Status
    from .statechart.ports import Effect

__all__ = ["Worker"]

_INFO: Final = logging.INFO
_here: Final = asyncio.get_running_loop
_thread: Final = threading.get_ident


class Worker(Telling):
    """The part of a component that handles messages."""

    __slots__ = ()

    async def handle_message(  # noqa: C901, PLR0912, PLR0915 - inlined, see below
        self, message: dict[str, Any]
    ) -> MessageResult:
        """Handle a message, after those that came before it.

        Parameters
        ----------
        message : dict
            The message, with a ``type``; not copied.

        Returns
        -------
        MessageResult
            What became of it.

        Raises
        ------
        EngineClosedError
            If the component or its engine has been closed.
        ComponentError
            If the message is no mapping.
        Exception
            What the user's code raised; the state is as it was.
        """
        place = self._place
        if (
            self._busy
            or (place is not None and place._thread_id != _thread())  # noqa: SLF001
            or type(message) is not dict
        ):
            return await self._arrive(message)
        scope = current()
        result = MessageResult()
        result.cid = NEXT_ID() if scope is None else scope.cid
        result.machine = machine = self.state_machine
        result.before = before = machine.current_state
        bus = self.event_bus
        if (
            self.mailbox is not None
            or self.steps is not None
            or (bus is not None and bus.watched)
        ):
            taken, late = self._try(message, self._begin(result, scope), scope)
            if taken is None:
                await self._handle(message, result, scope, late=late)
            elif late:
                await asyncio.sleep(0)
            return result
        # As in `_handle`, for a message of which nobody hears: each call counts.
        effects: tuple[Effect, ...] = ()
        try:
            plain = type(machine) is StateMachine
            if not plain or type(before) in TABLE_STATES:
                taken = machine.handle_nowait(message)
                if taken is not None:
                    result.after = machine.current_state
                    if not taken:
                        result.status = "ignored"
                        return result
                    result.status = "handled"
                    if self._gate.level <= _INFO:
                        set_current(Scope(result.cid))
                        self._log_transition(result)
                        set_current(scope)
                    return result
            self._busy = True
            result.component = self
            result.flight = None
            result.is_alone = False
            result.outer = None if scope is None else enclosing(scope)
            self.running = result
            token = set_current(result)
            if plain:
                answer = await before.handle_message(message, self)
                try:
                    changed, after = answer
                except (TypeError, ValueError):
                    after = None
                    changed = True
                if changed:
                    if isinstance(after, State):
                        machine.current_state = after
                    else:
                        machine.commit(answer)
                taken = changed
            else:
                if type(machine) is ChartMachine:
                    done = machine.play(message, self)
                    outcome = done if type(done) is Outcome else await done
                else:
                    outcome = await machine.handle(message, self)
                taken, changed = outcome.proceeded, outcome.changed
                effects = outcome.effects
        except BaseException as error:
            await self._give_up(message, self._begin(result, scope), error, scope)
            raise
        result.after = machine.current_state
        result.status = "handled" if taken else "ignored"
        watched = bus is not None and bus.watched
        if effects or watched or self.mailbox is not None:
            await self._wind_up(message, result, (changed, effects, False), scope)
            return result
        if changed and self._gate.level <= _INFO:
            self._log_transition(result)
        reset_current(token)
        self.running = None
        self._busy = False
        return result

    async def _arrive(self, message: Any) -> MessageResult:
        """Handle a message that needs a closer look, or has to wait."""
        home = self._home
        if home is not None:
            if not home.enter():
                result: MessageResult = await home.call(self.handle_message, message)
                return result
            if self._place is not home.place:
                self.settle(home)
        message = message if type(message) is dict else checked(message)
        scope = current()
        handling = enclosing(scope)
        if self._place is NOWHERE:
            self._refuse_when_closed(message, handling)
        cid = NEXT_ID() if scope is None else scope.cid
        if self._busy:
            sender = None if scope is None else scope.speaker
            turn = Turn(message, cid, handling, sender)
            if not await self._queue(turn):
                return self._result(cid, handling, "queued")
        self._busy = True
        return await self._handle(message, self._result(cid, handling), scope)

    async def _queue(self, turn: Turn) -> bool:
        """Wait for the turn of a message; False when the caller must not wait."""
        mailbox = self.open_mailbox()
        running = self.running
        if running is not None and any(one is running for one in active(turn.outer)):
            turn.detach(running)
        elif would_wait_for_itself(self, turn.outer):
            turn.detach(None)
        mailbox.queue.append(turn)
        if turn.context is not None:
            return False
        waiter = turn.wait()
        try:
            await waiter
        except BaseException as error:
            if turn in mailbox.queue:
                mailbox.queue.remove(turn)
            elif waiter.done() and not waiter.cancelled() and not waiter.exception():
                self._release(unused=True)  # it was this message's turn already
            if isinstance(error, GeneratorExit):  # as in `_give_up`
                raise
            result = self._result(turn.cid, turn.outer)
            scope = current()
            late = self._fail(turn.message, result, error, turn.sender)
            set_current(scope)
            if late and isinstance(error, Exception):
                await asyncio.sleep(0)
            raise
        return True

    def _result(
        self,
        cid: int | str,
        outer: MessageResult | None,
        status: Status = "ignored",
    ) -> MessageResult:
        """Return the result of a message that begins, or waits, here and now."""
        result = MessageResult()
        result.cid = cid
        result.outer = outer
        result.machine = self.state_machine
        result.before = result.after = self.state_machine.current_state
        result.component = self
        result.flight = None
        result.is_alone = False
        result.status = status
        return result

    def _begin(self, result: MessageResult, scope: Scope | None) -> MessageResult:
        """Take hold of the component for a message that begins here and now."""
        self._busy = True
        result.component = self
        result.flight = None
        result.is_alone = False
        result.outer = None if scope is None else enclosing(scope)
        return result

    def _try(
        self, message: dict[str, Any], result: MessageResult, scope: Scope | None
    ) -> tuple[bool | None, bool]:
        """Handle a message that needs no user code, and tell who listens.

        Returns what ``handle_nowait`` of the machine does (None: it was only told that
        the message was received), and whether observers still have to run.
        """
        bus, machine, late = self.event_bus, result.machine, False
        chart, watched = type(machine) is ChartMachine, self.watched
        if watched:
            cid = result.cid
            set_current(Scope(cid) if scope is None else Arrival(cid, scope.speaker))
        if bus is not None and watched & RECEIVED:
            facts: dict[str, Any] = {"component": self.name, "message": message}
            late = bus.announce(MESSAGE_RECEIVED, facts, self.name)
        try:
            taken = machine.handle_nowait(message)
        except Exception:  # noqa: BLE001 - raised again where it is awaited
            taken = None
        if taken is None:
            return None, late
        result.after = after = machine.current_state
        result.status = "handled" if taken else "ignored"
        if self.mailbox is not None:
            self.mailbox.look_after(message, ignored=not taken)
        if taken:
            if self._gate.level <= _INFO:
                set_current(Scope(result.cid))
                self._log_transition(result)
            if bus is not None and bus.watched & CHANGED:  # all bits when not known
                name, before = machine.name_of, result.before
                facts = {
                    "component": self.name,
                    "from_state": before.name if chart else name(before),
                    "to_state": after.name if chart else name(after),
                }
                late |= bus.announce(STATE_CHANGED, facts, self.name)
        if bus is not None and bus.watched & HANDLED:
            late |= self._announce_handled(bus, message, result)
        if taken and self.steps is not None:
            self.steps.note(message, result)
        set_current(scope)
        if self.mailbox is None:
            self._busy = False
        else:
            self._release()
        return taken, late

    async def _handle(
        self,
        message: dict[str, Any],
        result: MessageResult,
        scope: Scope | None,
        *,
        late: bool | None = None,
    ) -> MessageResult:
        """Handle a message whose turn it is, then let the next one begin.

        ``late`` is None unless it was told that the message was received.
        """
        sender = None if scope is None else scope.speaker
        set_current(Arrival(result.cid, sender))
        bus, machine = self.event_bus, result.machine
        effects: tuple[Effect, ...] = ()
        received, late = late is not None, bool(late)
        try:
            if bus is not None and self.watched & RECEIVED and not received:
                facts = {"component": self.name, "message": message}
                late = bus.announce(MESSAGE_RECEIVED, facts, self.name)
            own = type(message) is Signal
            taken = None if own else machine.handle_nowait(message)
            changed = bool(taken)
            if taken is None:
                self.running = result
                set_current(result)
                outcome = await machine.handle(message, self)
                taken, changed = outcome.proceeded, outcome.changed
                effects = outcome.effects
        except BaseException as error:
            await self._give_up(message, result, error, scope, late=late)
            raise
        result.after = machine.current_state
        result.status = "handled" if taken else "ignored"
        await self._wind_up(message, result, (changed, effects, late), scope)
        return result

    async def _wind_up(
        self,
        message: dict[str, Any],
        result: MessageResult,
        came_to: tuple[bool, tuple[Effect, ...], bool],
        scope: Scope | None,
    ) -> None:
        """Tell of a step that was committed, and let the next message begin."""
        changed, effects, late = came_to
        bus, mailbox = self.event_bus, self.mailbox
        if mailbox is not None:
            mailbox.look_after(message, ignored=result.status == "ignored")
        quiet = Scope(result.cid)
        set_current(quiet)
        try:
            if changed:
                if self._gate.level <= _INFO:
                    self._log_transition(result)
                if bus is not None and self.watched & CHANGED:
                    facts = {
                        "component": self.name,
                        "from_state": result.from_state,
                        "to_state": result.to_state,
                    }
                    late |= bus.announce(STATE_CHANGED, facts, self.name)
            if effects:
                self.running = result
                set_current(result)
                await self._perform(effects)
                set_current(quiet)
            if bus is not None and self.watched & HANDLED:
                late |= self._announce_handled(bus, message, result)
        except BaseException as error:
            self._keep_step(message, result)
            await self._give_up(message, result, error, scope, late=late)
            raise
        if self.steps is not None:
            self._keep_step(message, result)
        saved = None if self.keeper is None else self.keeper(self, message, result)
        set_current(scope)
        self._release()
        if saved is not None:
            await saved
        if late:
            await asyncio.sleep(0)
        if result.flight is not None and not result.is_alone:
            await result.flight.wait()

    async def _give_up(
        self,
        message: dict[str, Any],
        result: MessageResult,
        error: BaseException,
        scope: Scope | None,
        *,
        late: bool = False,
    ) -> None:
        """Tell of a message that failed, and let the next one begin."""
        if isinstance(error, GeneratorExit):
            # Thrown away with its loop, by the garbage collector: what is current here
            # is somebody else's context, perhaps of another thread.
            result.status = "failed"
            self._release()
            return
        sender = None if scope is None else scope.speaker
        late |= self._fail(message, result, error, sender)
        set_current(scope)
        self._release()
        if late and isinstance(error, Exception):
            await asyncio.sleep(0)

    def _release(self, *, unused: bool = False) -> None:
        """Let the next message begin, in the task that waits for it or a new one.

        ``unused`` tells that no message came to its end, though it may have had a turn.
        """
        self.running = None
        mailbox = self.mailbox
        turn = None if mailbox is None else mailbox.next(unused=unused)
        if turn is None:
            self._busy = mailbox is not None and mailbox.is_held
            if mailbox is not None and mailbox.is_spent:
                self.mailbox = None  # the short way is open again
        elif turn.waiter is None:
            self._handle_alone(turn)

    def _handle_alone(self, turn: Turn) -> None:
        """Handle a message for which nobody waits in a task of the mailbox."""
        tasks = self.open_mailbox().tasks
        begun = False

        async def handle() -> None:
            nonlocal begun
            begun = True
            scope = Errand(turn.cid, turn.outer, turn.sender)
            set_current(scope)
            result = self._result(turn.cid, turn.outer)
            result.flight, result.is_alone = turn.flight, True
            try:
                await self._handle(turn.message, result, scope)
            except (Exception, *ENDINGS) as error:  # noqa: BLE001 - no end of the loop
                self.unheard(error)
                if self._logger is not None:
                    text = "%s failed at %r: %r"
                    kind = turn.message.get("type")
                    self._logger.error(text, self.name, kind, error)  # noqa: TRY400
            tasks.discard(task)
            if not self._busy:  # the short way may be open again
                self._release()

        def end(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            if turn.flight is not None:
                turn.flight.land()
            if not begun:  # cancelled before it could begin
                self._release(unused=True)

        # Never eagerly, whatever the loop's factory: one message would begin within the
        # end of the other, and so on as deep as there are messages.
        task = asyncio.Task(handle(), loop=_here(), context=turn.context)
        tasks.add(task)
        task.add_done_callback(end)

    def shut(self) -> None:
        """Take no message any more; refuse those that wait, and end what waits."""
        self.end_background()
        mailbox = self.open_mailbox()
        if mailbox.closed:
            return
        mailbox.closed = True
        self._place = NOWHERE
        turns = list(mailbox.queue)
        mailbox.queue.clear()
        for turn in turns:
            if turn.waiter is not None:
                if not turn.waiter.done():
                    turn.waiter.set_exception(self.closed_error())
                continue
            result = self._result(turn.cid, turn.outer)
            self._fail(turn.message, result, self.closed_error(), turn.sender)
            if turn.flight is not None:
                turn.flight.land()
        for waiter in mailbox.waiters:
            if not waiter.end.done():
                waiter.end.set_exception(self.closed_error())
        if self._pace is not None:
            self._pace.end()
