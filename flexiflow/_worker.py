"""Do a component's work: one message at a time, in order of arrival, to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from ._mailbox import Mailbox, Turn, would_wait_for_itself
from ._message import MessageResult, active, checked, enclosing
from ._scope import CURRENT, NEXT_ID, Scope
from .errors import EngineClosedError
from .event_manager import CHANGED, HANDLED, RECEIVED
from .events import MESSAGE_FAILED, MESSAGE_HANDLED, MESSAGE_RECEIVED, STATE_CHANGED
from .statechart.ports import Emit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._home import Home
    from ._message import Status
    from .event_manager import AsyncEventManager
    from .state_machine import StateMachine
    from .statechart.ports import Effect

__all__ = ["Keeper", "Worker", "handlers_of"]

Keeper = Callable[["Worker", dict[str, Any], MessageResult], Awaitable[object] | None]
"""Takes a component's snapshot after a message, and tells when it is safe."""

_INFO: Final = logging.INFO
_here: Final = asyncio.get_running_loop


class _Gate:
    """Stands for a logger whose level is not known beforehand, or for none."""

    __slots__ = ("level",)

    def __init__(self, level: int) -> None:
        self.level = level


_ALWAYS: Final = _Gate(0)
_NEVER: Final = _Gate(1_000)
_ASK: Final = object()
"""Stands for no loop at all, so that each message is looked at on arrival."""


class Worker:
    """The part of a component that handles messages.

    Parameters
    ----------
    name : str
        The component's name.
    state_machine : StateMachine
        What a message is handed to.
    event_bus : AsyncEventManager, optional
        Where events are announced.
    """

    __slots__ = (
        "_busy",
        "_gate",
        "_home",
        "_logger",
        "_loop",
        "_moves",
        "event_bus",
        "keeper",
        "mailbox",
        "name",
        "running",
        "state_machine",
    )

    name: str
    """What it is called."""
    state_machine: StateMachine
    """The machine; read it, and replace it only between two messages."""
    event_bus: AsyncEventManager | None
    """Where events are announced, or None."""
    running: MessageResult | None
    """The handling whose user code runs now; for the machinery."""
    mailbox: Mailbox | None
    """What waits here, once something had to; for the machinery."""
    keeper: Keeper | None
    """Who saves the component after each message; see :meth:`keep_with`."""

    def __init__(
        self,
        name: str,
        state_machine: StateMachine,
        event_bus: AsyncEventManager | None,
    ) -> None:
        self.name = name
        self.state_machine = state_machine
        self.event_bus = event_bus
        self.running = None
        self.mailbox = None
        self.keeper = None
        self._logger: Any = None
        self._gate: Any = _NEVER
        self._busy = False
        self._home: Home | None = None
        self._loop: object = None
        self._moves = 0

    @property
    def logger(self) -> Any:
        """The logger told of transitions, or None; Any: it may be a logger's like."""
        return self._logger

    @logger.setter
    def logger(self, value: Any) -> None:
        self._logger = value
        if value is None:
            self._gate = _NEVER
        else:
            self._gate = value if isinstance(value, logging.Logger) else _ALWAYS

    @property
    def pending(self) -> int:
        """How many messages wait for their turn."""
        return 0 if self.mailbox is None else len(self.mailbox.queue)

    @property
    def is_busy(self) -> bool:
        """Whether a message is being handled."""
        return self._busy

    async def handle_message(self, message: dict[str, Any]) -> MessageResult:
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
        loop = self._loop
        if (
            self._busy
            or (loop is not None and loop is not _here())
            or message.__class__ is not dict
        ):
            return await self._arrive(message)
        bus = self.event_bus
        scope = CURRENT.get()
        result = MessageResult()
        result.cid = NEXT_ID() if scope is None else scope.cid
        result.machine = machine = self.state_machine
        result.before = machine.current_state
        if (bus is None or not bus.watched) and self.mailbox is None:
            try:
                taken = machine.handle_nowait(message)
            except Exception as error:
                self._fail(message, result, error)
                raise
            if taken is not None:
                result.after = machine.current_state
                if not taken:
                    result.status = "ignored"
                    return result
                result.status = "handled"
                if self._gate.level <= _INFO:
                    CURRENT.set(Scope(result.cid))
                    self._log_transition(result)
                    CURRENT.set(scope)
                return result
        result.component = self
        result.flight = None
        result.outer = None if scope is None else enclosing(scope)
        self._busy = True
        await self._handle(message, result, scope)
        if result.flight is not None:
            await result.flight.wait()
        return result

    async def _arrive(self, message: Any) -> MessageResult:
        """Handle a message that needs a closer look, or has to wait."""
        home = self._home
        if home is not None and not home.enter():
            result: MessageResult = await home.call(self.handle_message, message)
            return result
        message = message if type(message) is dict else checked(message)
        scope = CURRENT.get()
        handling = enclosing(scope)
        if self._loop is _ASK:
            self.refuse_when_closed(handling)
        cid = NEXT_ID() if scope is None else scope.cid
        if self._busy:
            turn = Turn(message, cid, handling)
            if not await self._queue(turn):
                return self._result(cid, handling, "queued")
        self._busy = True
        result = self._result(cid, handling)
        await self._handle(message, result, scope)
        if result.flight is not None:
            await result.flight.wait()
        return result

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
                self._release()  # it was this message's turn already
            result = self._result(turn.cid, turn.outer)
            scope = CURRENT.get()
            late = self._fail(turn.message, result, error)
            CURRENT.set(scope)
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
        result.status = status
        return result

    async def _handle(
        self, message: dict[str, Any], result: MessageResult, scope: Scope | None
    ) -> None:
        """Handle a message whose turn it is, then let the next one begin."""
        try:
            late = await self._step(message, result)
        except BaseException as error:
            late = self._fail(message, result, error)
            CURRENT.set(scope)
            self._release()
            if late and isinstance(error, Exception):
                await asyncio.sleep(0)
            raise
        saved = None if self.keeper is None else self.keeper(self, message, result)
        CURRENT.set(scope)
        self._release()
        if saved is not None:
            await saved
        if late:
            await asyncio.sleep(0)

    async def _step(self, message: dict[str, Any], result: MessageResult) -> bool:
        """Take the step and tell of it; return whether observers still have to run."""
        bus, machine = self.event_bus, result.machine
        late = False
        quiet = Scope(result.cid)
        CURRENT.set(quiet)
        if bus is not None and self._watched() & RECEIVED:
            facts: dict[str, Any] = {"component": self.name, "message": message}
            late = bus.announce(MESSAGE_RECEIVED, facts, self.name)
        taken = machine.handle_nowait(message)
        changed = bool(taken)
        effects: tuple[Effect, ...] = ()
        if taken is None:
            self.running = result
            CURRENT.set(result)
            outcome = await machine.handle(message, self)
            CURRENT.set(quiet)
            taken, changed, effects = (
                outcome.proceeded,
                outcome.changed,
                outcome.effects,
            )
        result.after = machine.current_state
        result.status = "handled" if taken else "ignored"
        if self.mailbox is not None:
            if not taken:
                self.mailbox.ignored = message
            self.mailbox.look()
        if changed:
            if self._gate.level <= _INFO:
                self._log_transition(result)
            if bus is not None and self._watched() & CHANGED:
                facts = {
                    "component": self.name,
                    "from_state": result.from_state,
                    "to_state": result.to_state,
                }
                late |= bus.announce(STATE_CHANGED, facts, self.name)
        if effects:
            self.running = result
            CURRENT.set(result)
            await self._perform(effects)
            CURRENT.set(quiet)
        if bus is not None and self._watched() & HANDLED:
            late |= self._announce_handled(bus, message, result)
        return late

    def _watched(self) -> int:
        """Return which message events anybody observes, as bits."""
        bus = self.event_bus
        if bus is None:
            return 0
        return bus.watched if bus.watched >= 0 else bus.watch()

    def _announce_handled(
        self, bus: AsyncEventManager, message: dict[str, Any], result: MessageResult
    ) -> bool:
        facts = {
            "component": self.name,
            "message": message,
            "status": result.status,
            "state": result.to_state,
        }
        return bus.announce(MESSAGE_HANDLED, facts, self.name)

    def _fail(
        self, message: dict[str, Any], result: MessageResult, error: BaseException
    ) -> bool:
        """Tell of a message that could not be handled; as ``announce`` returns."""
        result.status = "failed"
        result.after = result.machine.current_state
        bus = self.event_bus
        if bus is None or not self._watched():
            return False
        scope = CURRENT.get()
        CURRENT.set(Scope(result.cid))
        facts = {"component": self.name, "message": message, "exception": repr(error)}
        late = bus.announce(MESSAGE_FAILED, facts, self.name)
        late |= self._announce_handled(bus, message, result)
        CURRENT.set(scope)
        return late

    async def _perform(self, effects: tuple[Effect, ...]) -> None:
        """Perform all that a step left to be done, then raise the first error."""
        first: Exception | None = None
        for effect in effects:
            try:
                if isinstance(effect, Emit):
                    if self.event_bus is not None:
                        await self.event_bus.publish(effect.event, effect.data)
                elif self._logger is not None:
                    self._logger.info("%s: %s", self.name, effect.text)
            except Exception as error:  # noqa: BLE001 - raised below
                first = first or error
        if first is not None:
            raise first

    def _log_transition(self, result: MessageResult) -> None:
        self._logger.info("%s transitioned to %s", self.name, result.to_state)

    def _release(self) -> None:
        """Let the next message begin, in the task that waits for it or a new one."""
        self.running = None
        turn = None if self.mailbox is None else self.mailbox.next()
        if turn is None:
            self._busy = False
        elif turn.waiter is None:
            self._handle_alone(turn)

    def _handle_alone(self, turn: Turn) -> None:
        """Handle a message for which nobody waits in a task of the mailbox."""
        tasks = self.open_mailbox().tasks
        begun = False

        async def handle() -> None:
            nonlocal begun
            begun = True
            scope = Scope(turn.cid, turn.outer)
            CURRENT.set(scope)
            result = self._result(turn.cid, turn.outer)
            result.flight = turn.flight
            try:
                await self._handle(turn.message, result, scope)
            except Exception as error:  # noqa: BLE001 - nobody else hears of it
                if self._logger is not None:
                    text = "%s failed at %r: %r"
                    kind = turn.message.get("type")
                    self._logger.error(text, self.name, kind, error)  # noqa: TRY400

        def end(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            if turn.flight is not None:
                turn.flight.land()
            if not begun:  # cancelled before it could begin
                self._release()

        task = _here().create_task(handle(), context=turn.context)
        tasks.add(task)
        task.add_done_callback(end)

    # --- its place in an engine ---------------------------------------------------------

    def settle(self, home: Home) -> None:
        """Belong to the loop of an engine; called again when that loop changes.

        What waits for a loop that was closed is forgotten: nothing can wake it.
        """
        if self._home is home and self._moves != home.moves:
            self._busy = False
            self.running = self.mailbox = None
        self._home = home
        self._moves = home.moves
        ask = home.loop is None or home.closing or self.keeper is not None
        self._loop = _ASK if ask else home.loop

    def keep_with(self, keeper: Keeper | None) -> None:
        """Have the component saved after each message, or no longer.

        Parameters
        ----------
        keeper : callable, optional
            Called with the component, the message and the result when a message has
            been handled or ignored, before the next one begins. What it returns is
            awaited before the sender hears of the result. It must not raise.
        """
        self.keeper = keeper
        if keeper is not None:
            self._loop = _ASK
        elif self._home is not None:
            self.settle(self._home)
        else:
            self._loop = None

    def open_mailbox(self) -> Mailbox:
        """Return the mailbox, made when it is first needed."""
        if self.mailbox is None:
            self.mailbox = Mailbox()
        return self.mailbox

    def between(self, change: Callable[[], object]) -> None:
        """Do something between two messages: at once, or after the present one."""
        if self._busy:
            self.open_mailbox().changes.append(change)
        else:
            change()

    def refuse_when_closed(self, handling: MessageResult | None = None) -> None:
        """Raise when no message is taken any more.

        Parameters
        ----------
        handling : MessageResult, optional
            The handling from which one is sent: an engine that is closing still takes
            what its last messages need to come to their end.

        Raises
        ------
        EngineClosedError
            If so.
        """
        home = self._home
        closed = self.mailbox is not None and self.mailbox.closed
        if closed and (home is None or not home.closing):
            raise self.closed_error()
        if home is not None and home.closing and (home.closed or handling is None):
            raise EngineClosedError(
                "The engine has been closed",
                why=f"A message for '{self.name}' came after engine.close().",
                fix="Make another FlexiFlowEngine and register the component with it.",
                context={"component": self.name},
            )

    def closed_error(self) -> EngineClosedError:
        """Return the error for a component that has been closed."""
        return EngineClosedError(
            f"Component '{self.name}' has been closed",
            why="It was unregistered, or another one was registered under its name.",
            fix=f"Send to the present one: engine.get('{self.name}'), "
            "or register this one again.",
            context={"component": self.name},
        )

    def shut(self) -> None:
        """Take no message any more; refuse those that wait, and end what waits."""
        mailbox = self.open_mailbox()
        if mailbox.closed:
            return
        mailbox.closed = True
        self._loop = _ASK
        turns = list(mailbox.queue)
        mailbox.queue.clear()
        for turn in turns:
            if turn.waiter is not None:
                if not turn.waiter.done():
                    turn.waiter.set_exception(self.closed_error())
                continue
            self._fail(
                turn.message, self._result(turn.cid, turn.outer), self.closed_error()
            )
            if turn.flight is not None:
                turn.flight.land()
        for waiter in mailbox.waiters:
            if not waiter.end.done():
                waiter.end.set_exception(self.closed_error())

    def reopen(self) -> None:
        """Take messages again after :meth:`shut`."""
        if self.mailbox is not None and self.mailbox.closed:
            if not self._busy:
                self.mailbox = None
            else:
                self.mailbox.closed = False
            self._loop = None

    async def idle(self) -> None:
        """Wait until no message is handled and none waits."""
        while self._busy:
            end: asyncio.Future[None] = _here().create_future()
            self.open_mailbox().idle.append(end)
            await end


def handlers_of(workers: Iterable[Worker]) -> set[asyncio.Task[Any]]:
    """Return the tasks in which user code of some components runs now.

    Notes
    -----
    Found by looking at what each task of the running loop awaits: a message is handled
    in its caller's task, and keeping that at hand would cost every message something.
    """
    running = [worker.running for worker in workers if worker.running is not None]
    found: set[asyncio.Task[Any]] = set()
    for task in asyncio.all_tasks():
        inner: Any = task.get_coro()
        while inner is not None:
            frame = getattr(inner, "cr_frame", None)
            if frame is not None and frame.f_code is _HANDLE:
                result = frame.f_locals.get("result")
                if any(result is one for one in running):
                    found.add(task)
                    break
            inner = getattr(inner, "cr_await", None) or getattr(
                inner, "gi_yieldfrom", None
            )
    return found


_HANDLE: Final = Worker._handle.__code__  # noqa: SLF001
