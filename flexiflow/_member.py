"""Be part of an engine: its loop, its logger, its keeper, and its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from ._home import NOWHERE
from ._mailbox import Mailbox, Tempo
from ._message import MessageResult
from .errors import EngineClosedError

if TYPE_CHECKING:
    from ._background import Background
    from ._home import Home, Place
    from .clock import Clock
    from .event_manager import AsyncEventManager
    from .state_machine import StateMachine

__all__ = ["Keeper", "Member", "StepKeeper"]

Keeper = Callable[["Member", dict[str, Any], MessageResult], Awaitable[object] | None]
"""Takes a component's snapshot after a message, and tells when it is safe."""


class StepKeeper(Protocol):
    """Keeps the steps that a component makes; see ``steps.py``."""

    def note(self, message: dict[str, Any], result: MessageResult, /) -> None:
        """Keep a step that was committed."""

    def take(self, message: dict[str, Any], result: MessageResult, /) -> None:
        """Keep a step, unless it is the start of what stands here already."""

    def fail(
        self, message: dict[str, Any], result: MessageResult, error: BaseException, /
    ) -> None:
        """Keep a mark of a message that failed."""

    def begin_anew(self) -> None:
        """Forget the steps: another definition is in force."""

    def jump(self) -> None:
        """Note that the component was put where it stands."""


class _Gate:
    """Stands for a logger whose level is not known beforehand, or for none."""

    __slots__ = ("level",)

    def __init__(self, level: int) -> None:
        self.level = level


_ALWAYS: Final = _Gate(0)
_NEVER: Final = _Gate(1_000)


class Member:
    """The part of a component that has a place: in an engine, at a loop, in the log.

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
        "_clock",
        "_gate",
        "_home",
        "_logger",
        "_moves",
        "_pace",
        "_place",
        "background",
        "event_bus",
        "keeper",
        "mailbox",
        "name",
        "running",
        "state_machine",
        "steps",
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
    background: Background | None
    """What runs a chart's timers and services, once there are some."""
    keeper: Keeper | None
    """Who saves the component after each message; see :meth:`keep_with`."""
    steps: StepKeeper | None
    """The steps it has made, once ``keep_steps`` was called; else None."""

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
        self.steps = None
        self.background = None
        self._logger: Any = None
        self._gate: Any = _NEVER
        self._busy = False
        self._home: Home | None = None
        self._place: Place | None = None
        self._moves = 0
        self._pace: Tempo | None = None
        self._clock: Clock | None = None

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
        mailbox = self.mailbox
        return self._busy and (mailbox is None or not mailbox.is_held)

    @property
    def is_shut(self) -> bool:
        """Whether it takes no message any more."""
        return self.mailbox is not None and self.mailbox.closed

    # --- its place in an engine -------------------------------------------------------

    def settle(self, home: Home) -> None:
        """Belong to the loop of an engine; called again when that loop changes.

        What waits for a loop that was closed is forgotten: nothing can wake it.
        """
        closed = self.is_shut
        if self._home is home and self._moves != home.moves:
            self._busy = False
            self.running = self.background = None
            self.mailbox = self.mailbox if closed else None
            if self._pace is not None:
                self._pace.settle()
        self._home = home
        self._moves = home.moves
        ask = closed or home.loop is None or home.closing or self.keeper is not None
        self._place = NOWHERE if ask else home.place

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
            self._place = NOWHERE
        elif self._home is not None:
            self.settle(self._home)
        else:
            self._place = None

    def open_mailbox(self) -> Mailbox:
        """Return the mailbox, made when it is first needed."""
        if self.mailbox is None:
            self.mailbox = Mailbox()
        return self.mailbox

    def between(self, change: Callable[[], object]) -> None:
        """Do something between two messages: at once, or after the present one."""
        if self.is_busy:
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
        if self.is_shut and (home is None or not home.closing):
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

    def reopen(self) -> None:
        """Take messages again after :meth:`shut`."""
        if self.mailbox is not None and self.mailbox.closed:
            if not self._busy:
                self.mailbox = None
            else:
                self.mailbox.closed = False
            self._place = None

    async def idle(self) -> None:
        """Wait until no message is handled and none waits."""
        while self.is_busy or self.pending:
            end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.open_mailbox().idle.append(end)
            await end
