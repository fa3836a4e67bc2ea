"""Say when the messages of a component begin: pause, one at a time, slow motion.

::

    turnstile.pace.pause()
    waiting = asyncio.gather(turnstile.send("coin"), turnstile.send("push"))
    ...
    turnstile.pace.next()  # handles the coin
    turnstile.pace.go()  # and all the rest
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, final

from .errors import ComponentError, one_line
from .statechart.snapshot import START, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._worker import Worker
    from .clock import TimerHandle

__all__ = ["Mode", "Pace"]

Mode = Literal["go", "paused", "slow"]
"""``go``: messages begin as soon as they can; ``paused``: one at each ``next``;
``slow``: some time after the one before."""

_LONGEST_S: Final = 3_600.0


@final
class Pace:
    """When the messages of one component begin; ``component.pace`` is it.

    Messages that come are kept in their order, and whoever sent them waits; nothing is
    lost. One that is being handled comes to its end. Timers go on, and their messages
    wait like all others. Closing the component refuses what waits.

    Parameters
    ----------
    component : AsyncComponent
        Whose messages.

    Notes
    -----
    To be used in the thread of the engine's loop.
    """

    __slots__ = (
        "_component",
        "_delay_s",
        "_goes_on",
        "_granted",
        "_mode",
        "_rested",
        "_timer",
    )

    def __init__(self, component: Worker) -> None:
        self._component = component
        self._mode: Mode = "go"
        self._delay_s = 0.0
        self._granted = False  # the next message may begin, though it is paused
        self._rested = True  # it is long enough since the last one ended
        self._goes_on = False  # what was held back is let go just now
        self._timer: TimerHandle | None = None

    @property
    def mode(self) -> Mode:
        """How messages begin now."""
        return self._mode

    @property
    def delay_s(self) -> float:
        """How long after one message the next begins in slow motion; 0 otherwise."""
        return self._delay_s

    @property
    def waiting(self) -> int:
        """How many messages wait for their turn."""
        mailbox = self._component.mailbox
        queue = () if mailbox is None else mailbox.queue
        return sum(not _is_start(turn.message) for turn in queue)

    def __repr__(self) -> str:
        name = self._component.name
        return f"<Pace of {name!r}: {self._mode}, {self.waiting} waiting>"

    # --- what can be said -------------------------------------------------------------

    def pause(self) -> None:
        """Let no message begin until ``next`` or ``go``; harmless when it is paused.

        Raises
        ------
        EngineClosedError
            If the component has been closed.
        """
        self._take_hold("paused", 0.0)
        self._granted = False
        component = self._component
        if not component._busy:  # noqa: SLF001 - its own part
            component._busy = True  # noqa: SLF001
            component.open_mailbox().is_held = True

    def next(self) -> bool:
        """Let the message begin that waits longest, and then no other.

        Returns
        -------
        bool
            Whether one waits. When a message is being handled it begins after that.

        Raises
        ------
        ComponentError
            If the component is not paused.
        """
        if self._mode != "paused":
            raise ComponentError(
                f"{self._component.name} is not paused.",
                why="One message at a time is handled while the mailbox is paused.",
                fix="Pause it first: component.pace.pause()",
                context={"component": self._component.name},
            )
        found = self.waiting > 0
        if found:
            self._granted = True
            self._go_on()
        return found

    def slow(self, seconds: float) -> None:
        """Handle messages in slow motion: each begins so long after the one before.

        Parameters
        ----------
        seconds : float
            How long, by the component's clock: more than 0, at most an hour.

        Raises
        ------
        ComponentError
            If it is no such number.
        EngineClosedError
            If the component has been closed.
        """
        number: object = seconds
        if isinstance(number, bool) or not isinstance(number, int | float):
            number = 0.0
        if not 0 < number <= _LONGEST_S:
            raise ComponentError(
                f"{one_line(seconds)} is no time between two messages.",
                why="Slow motion takes seconds, more than 0 and at most 3600.",
                fix="Call component.pace.slow(0.5), or component.pace.go()",
                context={"component": self._component.name},
            )
        self._take_hold("slow", float(seconds))
        self._rested = True
        self._go_on()

    def go(self) -> None:
        """Handle messages as soon as they can be, those that wait at once."""
        self._mode, self._delay_s = "go", 0.0
        self._rest_no_more()
        mailbox = self._component.mailbox
        if mailbox is not None:
            mailbox.pace = None
            if not self._component._busy:  # noqa: SLF001 - its own part
                mailbox.is_held = True  # so that a mailbox that is spent is given up
            self._go_on()

    # --- for the component ------------------------------------------------------------

    def look(self, *, unused: bool) -> None:
        """Hear that a message came to its end, or could not use its turn."""
        if self._goes_on:
            return
        if self._mode == "slow":
            self._rested = unused
        elif unused:
            self._granted = True

    def lets_begin(self, message: Mapping[str, Any]) -> bool:  # Any: the user's data
        """Return whether a message may begin now; it is taken for granted then."""
        if _is_start(message):
            return True
        granted = self._granted if self._mode == "paused" else self._rested
        self._granted = self._rested = False
        return granted

    def holds(self) -> bool:
        """Return whether messages that come now have to wait."""
        self._granted = False
        if self._mode == "paused":
            return True
        if self._rested:
            return False
        if self._timer is None:
            clock = self._component.clock
            self._timer = clock.call_later(self._delay_s, self._end_rest)
        return True

    def let_start(self) -> None:
        """Let a machine start before what waits: no message of anybody's does that."""
        mailbox = self._component.mailbox
        if mailbox is not None and mailbox.queue and self._mode != "go":
            if _is_start(mailbox.queue[-1].message):
                mailbox.queue.rotate(1)
            self._go_on()

    def settle(self) -> None:
        """Go on in another loop: what waited for the one that ended is forgotten."""
        self._timer, self._granted, self._rested = None, False, True
        if self._mode == "paused":
            self.pause()
        elif self._mode == "slow":
            self._component.open_mailbox().pace = self

    def finish(self) -> None:
        """Hold nothing any more: the engine is about to close.

        What waits is refused when it is paused: nobody let it begin.
        """
        if self._mode == "paused":
            self._component.shut()
        else:
            self.go()

    def end(self) -> None:
        """Hold nothing any more: the component is closed."""
        self.go()

    # --- inside -----------------------------------------------------------------------

    def _take_hold(self, mode: Mode, delay_s: float) -> None:
        """Have the mailbox ask from now on."""
        component = self._component
        if component.is_shut:
            raise component.closed_error()
        self._rest_no_more()
        self._mode, self._delay_s = mode, delay_s
        component.open_mailbox().pace = self

    def _go_on(self) -> None:
        """Let the next message begin, if one was held back."""
        mailbox = self._component.mailbox
        if mailbox is not None and mailbox.is_held:
            mailbox.is_held = False
            self._goes_on = True
            self._component._release()  # noqa: SLF001 - its own part
            self._goes_on = False

    def _end_rest(self) -> None:
        self._timer = None
        self._rested = True
        self._go_on()

    def _rest_no_more(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


def _is_start(message: Mapping[str, Any]) -> bool:  # Any: the user's data
    """Return whether a message has a machine start; nobody sent it."""
    return type(message) is Signal and message.event.name == START
