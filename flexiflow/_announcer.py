"""Announce built-in events, fire-and-forget, and say what a bus is doing."""

from __future__ import annotations

import inspect
import logging
from asyncio import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from ._dead_letters import DeadLetters
from ._observers import EAGER, Lane, Lanes
from ._scope import current
from ._subscribers import UNKNOWN, Subscribers
from .events import HANDLER_FAILED, History

if TYPE_CHECKING:
    from ._dead_letters import Reason
    from ._home import Home
    from ._subscription import Subscription

__all__ = ["Announcer", "BusStatistics"]

_log: Final = logging.getLogger(__name__)
_Error = TypeVar("_Error", bound=BaseException)


@final
@dataclass(frozen=True, slots=True)
class BusStatistics:
    """What a bus is doing; a snapshot."""

    subscriptions: int
    """Subscriptions that are live."""
    events: int
    """Names and patterns that have subscriptions."""
    pending: int
    """Events that wait for observers of built-in events."""
    running: int
    """Observers that are running in the background."""
    dropped: int
    """Events let go since the bus was made because an observer was too slow."""
    failed: int
    """Calls of handlers and filters that raised since the bus was made."""


class Announcer(Subscribers):
    """The part of a bus that nobody awaits.

    Parameters
    ----------
    logger : logging.Logger, optional
        Told of handlers that fail.
    max_pending : int
        How many events may wait for one coroutine observer.
    """

    def __init__(self, logger: Any, max_pending: int) -> None:
        super().__init__()
        self.logger = logger
        self._failures = 0
        self._lanes = Lanes(max_pending, self._failed, self._overrun)
        self._special = False
        self._dead_letters: DeadLetters | None = None

    def announce(
        self, event_name: str, data: Any, component: str | None = None
    ) -> bool:
        """Hand a built-in event to its observers, without waiting for any.

        Parameters
        ----------
        event_name : str
            What happened.
        data : dict
            The payload.
        component : str, optional
            Whom it is about.

        Returns
        -------
        bool
            Whether the caller should yield to the loop once, so that observers that do
            not suspend have run when it returns.
        """
        if self._history is not None:
            self._history.append(event_name, data, component)
        plan = self._plans.get(event_name)
        if plan is None:
            if event_name in self._events or self._patterns:
                plan = self._plan(event_name)
            if plan is None:
                return False
        late = False
        for sub in plan.subs:
            try:
                if sub.filter_fn is not None and not sub.filter_fn(event_name, data):
                    continue
                if sub.is_async:
                    answer = None
                else:
                    answer = sub.handler(data)
                    if answer is None or not inspect.isawaitable(answer):
                        continue
            except (Exception, CancelledError) as error:  # noqa: BLE001 - reported
                # A plain function is not cancelled: what it looked at was.
                late |= self._failed(event_name, sub, error)
                continue
            if sub.lane is None:
                sub.lane = Lane(self._lanes, sub)
            sub.lane.put(event_name, data, answer)
            late = not EAGER
        return late

    def is_heard(self, event_name: str) -> bool:
        """Return whether anybody hears of an event; cheaper than to tell of it."""
        heard = event_name in self._events or bool(self._patterns)
        return heard or self._history is not None

    def announce_from_anywhere(
        self, event_name: str, data: Any, component: str | None = None
    ) -> None:
        """Announce an event at home; may be called from any thread.

        A home that is busy hears of it later; nobody waits for that.
        """
        home = self._home
        if home is None or not home.is_elsewhere():
            self.announce(event_name, data, component)
        else:
            home.spawn(self.announce, event_name, data, component)

    def _failed(self, event_name: str, sub: Subscription, error: BaseException) -> bool:
        """Log a handler's failure and announce it; as :meth:`announce` returns."""
        self._failures += 1
        if self.logger is not None:
            self.logger.error(
                "The handler of %s for event %s failed: %r",
                sub.component_name,
                event_name,
                error,
            )
        if HANDLER_FAILED not in self._events and not (
            self._patterns or self._history is not None
        ):
            return False  # nobody hears; worded so that it costs next to nothing
        if event_name == HANDLER_FAILED:
            return False
        facts = {
            "event_name": event_name,
            "component_name": sub.component_name,
            "exception": repr(error),
        }
        return self.announce(HANDLER_FAILED, facts, sub.component_name)

    def _overrun(self, sub: Subscription) -> None:
        """Log that an observer is too slow."""
        (self.logger or _log).warning(
            "The observer of %s for event %s is too slow: more than %d events wait, "
            "the oldest are dropped",
            sub.component_name,
            sub.event_name,
            self._lanes.max_pending,
        )

    async def join(self, event_name: str | None = None) -> None:
        """Wait until what was announced has been delivered.

        Parameters
        ----------
        event_name : str, optional
            Wait only for the observers of this event.
        """
        if self._home is not None and not self._home.enter():
            await self._home.call(self.join, event_name)
        elif event_name is None:
            await self._lanes.join()
        else:
            plan = self._plans.get(event_name) or self._plan(event_name)
            subs = plan.subs if plan else ()
            lanes = [sub.lane for sub in subs if sub.lane is not None]
            await self._lanes.join(lanes)

    async def stop(self) -> None:
        """Cancel the observers that run in the background, and wait for their end."""
        await self._lanes.cancel()

    # --- looking in -------------------------------------------------------------------

    @property
    def history(self) -> History | None:
        """The latest events, once :meth:`keep_history` was called; else None."""
        return self._history

    def keep_history(self, size: int = 10_000) -> History:
        """Keep the latest events from now on, and return where they are kept.

        Parameters
        ----------
        size : int, default 10_000
            How many at least; asking again never shrinks it.
        """
        if self._history is None:
            self._history = History(size)
            self._dead_letters = DeadLetters()
            self._special = True
            self.watched = UNKNOWN
        else:
            self._history.grow(size)
        return self._history

    @property
    def dead_letters(self) -> DeadLetters | None:
        """Messages that failed or reached nobody, kept as long as the history is."""
        return self._dead_letters

    def bury(
        self,
        component: str,
        message: Any,
        error: _Error,
        *,
        reason: Reason = "failed",
        source: str | None = None,
    ) -> _Error:
        """Keep a message that nobody could handle, and return what is to be raised.

        Parameters
        ----------
        component : str
            For whom it was.
        message : Any
            The message; Any, since one that is none is not kept.
        error : BaseException
            What was raised.
        reason : {"failed", "unknown", "closed"}, default "failed"
            Whether it reached anybody.
        source : str, optional
            Who sent it; left out: who is at work here.
        """
        letters, history = self._dead_letters, self._history
        if letters is None or history is None or not isinstance(message, dict):
            return error
        if source is None and reason != "failed":
            scope = current()
            source = None if scope is None else scope.speaker
        seq = history.last_seq
        letters.add(component, message, error, reason=reason, source=source, seq=seq)
        return error

    def hearers(self, event_name: str) -> tuple[str, ...]:
        """Return who hears an event, in the order of delivery; no filter is asked."""
        plan = self._plans.get(event_name) or self._plan(event_name)
        subs = plan.subs if plan else ()
        return tuple(dict.fromkeys(sub.component_name for sub in subs))

    def statistics(self) -> BusStatistics:
        """Return what the bus is doing. Cost: the number of subscriptions."""
        subs = [sub for mine in self._components.values() for sub in mine]
        return BusStatistics(
            subscriptions=len(subs),
            events=len(self._events) + len(self._patterns),
            pending=sum(len(getattr(sub, "lane", None) or ()) for sub in subs),
            running=len(self._lanes.tasks),
            dropped=self._lanes.dropped,
            failed=self._failures,
        )

    def settle(self, home: Home) -> None:
        """Belong to the loop of an engine, unless it belongs to another already."""
        if self._home is None:
            self._home = home
            self._special = True
