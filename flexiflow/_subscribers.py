"""Know who subscribed to what, and whom an event reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._home import is_running
from ._subscription import Plan, Subscription, planned
from .events import (
    MESSAGE_FAILED,
    MESSAGE_HANDLED,
    MESSAGE_RECEIVED,
    STATE_CHANGED,
    History,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._home import Home
    from ._subscription import SubscriptionHandle

__all__ = ["CHANGED", "FAILED", "HANDLED", "RECEIVED", "UNKNOWN", "Subscribers"]

RECEIVED: Final = 1
CHANGED: Final = 2
HANDLED: Final = 4
FAILED: Final = 8
_WATCHED: Final = {
    MESSAGE_RECEIVED: RECEIVED,
    STATE_CHANGED: CHANGED,
    MESSAGE_HANDLED: HANDLED,
    MESSAGE_FAILED: FAILED,
}
_PRIORITIES: Final = (1, 2, 3, 4, 5)
UNKNOWN: Final = -1
_MOST_PLANS: Final = 4096
_new: Final = object.__new__


class Subscribers:
    """The subscriptions of a bus."""

    def __init__(self) -> None:
        self._events: dict[str, dict[Subscription, None]] = {}
        self._patterns: dict[str, dict[Subscription, None]] = {}
        self._components: dict[str, dict[Subscription, None]] = {}
        self._plans: dict[str, Plan] = {}
        self._order = 0
        self._history: History | None = None
        self._home: Home | None = None
        self.watched = 0

    watched: int
    """Which message events anybody observes, as bits; -1: ask :meth:`watch`."""

    async def subscribe(  # noqa: PLR0917 - a published signature
        self,
        event_name: str,
        component_name: str,
        handler: Callable[[Any], Any],
        priority: int = 3,
        filter_fn: Callable[[str, Any], bool] | None = None,
    ) -> Subscription:
        """Call a handler at each event of a name from now on.

        Parameters
        ----------
        event_name : str
            The name; ``prefix.*`` for all that begin so, ``*`` for all.
        component_name : str
            Who subscribes, for :meth:`unsubscribe_all` and ``event.handler.failed``.
        handler : callable
            Called with the payload; a plain function, or one that can be awaited.
        priority : int, default 3
            From 1, called first, to 5; equal ones in the order of subscription.
        filter_fn : callable, optional
            Asked ``(event_name, data)`` before each call.

        Returns
        -------
        Subscription
            The handle.

        Raises
        ------
        ValueError
            If the priority is not 1, 2, 3, 4 or 5.
        """
        if priority not in _PRIORITIES:
            raise ValueError(
                f"priority must be an integer between 1 and 5, got {priority!r}"
            )
        sub = _new(Subscription)
        sub.event_name = event_name
        sub.component_name = component_name
        sub.handler = handler
        sub.priority = priority
        sub.filter_fn = filter_fn
        self._order = sub.order = self._order + 1
        subs = self._events.get(event_name)
        if subs is None:
            subs = self._table_of(event_name)
        subs[sub] = None
        mine = self._components.get(component_name)
        if mine is None:
            mine = self._components[component_name] = {}
        mine[sub] = None
        self.watched = UNKNOWN
        self._plans.pop(event_name, None)
        if self._home is not None and is_running():
            self._home.enter()
        return sub

    def _table_of(self, event_name: str) -> dict[Subscription, None]:
        """Return the table of an event that has none, or of a pattern."""
        if event_name != "*" and not event_name.endswith(".*"):
            subs = self._events[event_name] = {}
            return subs
        self._plans.clear()
        return self._patterns.setdefault(event_name, {})

    def unsubscribe(self, handle: SubscriptionHandle) -> bool:
        """Remove a subscription.

        Returns
        -------
        bool
            Whether it was there; removing twice is harmless.
        """
        name = handle.event_name
        subs = self._events.get(name) or self._patterns.get(name)
        if subs is None or subs.pop(handle, self) is self:  # type: ignore[call-overload]
            return False
        sub: Subscription = handle  # type: ignore[assignment]  # the table holds these
        mine = self._components[sub.component_name]
        del mine[sub]
        if not mine:
            del self._components[sub.component_name]
        self.watched = UNKNOWN
        self._plans.pop(name, None)
        if not subs or name in self._patterns:
            self._forget(name, subs)
        return True

    def _forget(self, event_name: str, subs: dict[Subscription, None]) -> None:
        """Drop the table of an event when it is empty, and the plans of a pattern."""
        table = self._events
        if event_name in self._patterns:
            table = self._patterns
            self._plans.clear()
        if not subs:
            del table[event_name]

    def unsubscribe_all(self, component_name: str) -> int:
        """Remove all subscriptions of a component.

        Returns
        -------
        int
            How many there were. The cost grows with them, not with those that stay.
        """
        mine = self._components.pop(component_name, None)
        if mine is None:
            return 0
        events, patterns, plans = self._events, self._patterns, self._plans
        for sub in mine:
            name = sub.event_name
            subs = events.get(name) or patterns[name]
            del subs[sub]
            if not subs or name in patterns:
                self._forget(name, subs)
            if plans:
                plans.pop(name, None)
        self.watched = UNKNOWN
        return len(mine)

    def _plan(self, event_name: str) -> Plan | None:
        """Work out whom an event reaches, and keep it until a subscription changes."""
        if self._patterns and len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        plan = planned(
            self._events.get(event_name, ()),
            [
                subs
                for pattern, subs in self._patterns.items()
                if event_name.startswith(pattern[:-1])
            ],
        )
        if plan is not None:
            self._plans[event_name] = plan
        return plan

    def _is_observed(self, event_name: str) -> bool:
        """Return whether anybody would hear of an event."""
        if self._history is not None or event_name in self._plans:
            return True
        if event_name in self._events or self._patterns:
            return self._plan(event_name) is not None
        return False

    def watch(self) -> int:
        """Return which message events anybody observes, as bits."""
        bits = 0
        for name, bit in _WATCHED.items():
            if self._is_observed(name):
                bits |= bit
        self.watched = bits
        return bits
