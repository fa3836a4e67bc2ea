"""Start a chart's machine, and keep what runs beside its messages."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final

from ._background import Background
from ._home import is_running
from ._mailbox import Turn, would_wait_for_itself
from ._member import Member
from ._message import active
from ._scope import CURRENT, NEXT_ID
from .chart_machine import ChartMachine
from .clock import SystemClock
from .statechart.snapshot import start_signal

if TYPE_CHECKING:
    import asyncio

    from ._home import Home
    from ._message import MessageResult
    from .clock import Clock
    from .errors import EngineClosedError

__all__ = ["Hosting"]

_SYSTEM: Final = SystemClock()


class Hosting(Member):
    """The part of a component that has timers and services."""

    __slots__ = ()

    @property
    def clock(self) -> Clock:
        """What timers go by: its own clock, its engine's, or the system's."""
        if self._clock is None and self._home is not None:
            return self._home.clock or _SYSTEM
        return self._clock or _SYSTEM

    @clock.setter
    def clock(self, value: Clock | None) -> None:
        self._clock = value

    def post(
        self,
        message: dict[str, Any],
        *,
        sender: MessageResult | None = None,
        cid: int | str | None = None,
        source: str | None = None,
    ) -> None:
        """Take a message for which nobody waits; it is handled in its turn.

        Parameters
        ----------
        message : dict
            The message, or the signal of a timer or service.
        sender : MessageResult, optional
            The handling that sends it: whoever waits for that waits for this too.
        cid : int or str, optional
            The story that it belongs to; a new one otherwise.
        source : str, optional
            The name of the component that sends it; left out: itself.

        Notes
        -----
        A component that was closed drops it.
        """
        if self.is_shut:
            self.bury(message, self.closed_error())
            return
        scope = CURRENT.get()
        story = cid if cid is not None else NEXT_ID() if scope is None else scope.cid
        turn = Turn(message, story, None, source or self.name)
        turn.detach(self._waiter_of(sender))
        if self._busy:
            self.open_mailbox().queue.append(turn)
        else:
            self._busy = True
            self._handle_alone(turn)

    def _waiter_of(self, sender: MessageResult | None) -> MessageResult | None:
        """Return the handling whose callers wait for a message that another one sends.

        That is the sender, unless it would never end: where the present handling here
        waits for it, the message is one of those that this handling leaves behind.
        """
        if sender is None or not self._busy:
            return sender
        running = self.running
        if running is not None and any(one is running for one in active(sender)):
            return running
        return None if would_wait_for_itself(self, sender) else sender

    @abstractmethod
    def bury(self, message: dict[str, Any], error: EngineClosedError) -> None:
        """Keep a message that came when none is taken any more."""

    @abstractmethod
    def lost(self, name: str, message: dict[str, Any]) -> Exception:
        """Keep a message to a component that is not there; return the error for it."""

    @abstractmethod
    def _handle_alone(self, turn: Turn) -> None:
        """Handle a message in a task of its own; the worker does."""

    def settle(self, home: Home) -> None:
        """Belong to the loop of an engine; what ran in one that ended begins anew."""
        ran, machine = self.background, self.state_machine
        super().settle(home)
        if ran is not None and self.background is None:
            if isinstance(machine, ChartMachine):
                machine.resume(machine.data())
            ran.end(keep=True)

    def wake(self) -> None:
        """Have the machine started, if it has something to start and a loop runs."""
        machine, home = self.state_machine, self._home
        away = not is_running() or (home is not None and home.is_elsewhere())
        if isinstance(machine, ChartMachine) and machine.needs_start and not away:
            self.post(start_signal())
            if self._pace is not None:
                self._pace.let_start()

    def hurry(self) -> None:
        """Hold no message back any more: the engine is about to close."""
        if self._pace is not None:
            self._pace.finish()

    def open_background(self) -> Background:
        """Return what runs timers and services, made when it is first needed."""
        machine = self.state_machine
        if self.background is None and isinstance(machine, ChartMachine):
            self.background = machine.clockwork = Background(self, machine)
        if self.background is None:
            msg = "only a chart has timers and services"
            raise TypeError(msg)
        return self.background

    def end_background(self) -> set[asyncio.Task[None]]:
        """Stop timers and services; return the tasks that are about to end."""
        background, self.background = self.background, None
        if background is None:
            return set()
        return background.end(keep=self._home is not None and self._home.closing)

    @property
    def watched(self) -> int:
        """Which message events anybody observes, as bits."""
        bus = self.event_bus
        if bus is None:
            return 0
        return bus.watched if bus.watched >= 0 else bus.watch()

    def unheard(self, error: BaseException) -> None:
        """Take notice of an error in a message for which nobody waits."""

    # Any: the components of an engine are whatever was registered.
    def neighbour(self, name: str) -> Any:
        """Return the component of that name in the same engine, or None."""
        child = None if self.background is None else self.background.child(name)
        if child is not None or self._home is None:
            return child
        return self._home.components.get(name)

    def neighbours(self) -> list[str]:
        """Return the names of the components in the same engine."""
        return [] if self._home is None else list(self._home.components)
