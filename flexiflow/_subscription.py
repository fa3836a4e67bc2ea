"""One handler of one event, and the plan by which an event reaches its handlers."""

from __future__ import annotations

import inspect
import uuid
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from ._observers import Lane

__all__ = ["Plan", "Subscription", "SubscriptionHandle", "planned"]


class SubscriptionHandle:
    """What ``subscribe`` returns and ``unsubscribe`` takes."""

    __slots__ = ("_id", "event_name")

    event_name: str
    """The event, or the pattern, that was subscribed to."""

    def __init__(self, event_name: str, subscription_id: str) -> None:
        self.event_name = event_name
        self._id = subscription_id

    @property
    def subscription_id(self) -> str:
        """A text that tells subscriptions apart; made when it is first read."""
        try:
            return self._id
        except AttributeError:
            self._id = str(uuid.uuid4())
        return self._id


@final
class Subscription(SubscriptionHandle):
    """One handler of one event; its own handle."""

    __slots__ = (
        "component_name",
        "filter_fn",
        "handler",
        "is_async",
        "lane",
        "order",
        "priority",
    )

    component_name: str
    """Who subscribed."""
    filter_fn: Callable[[str, Any], bool] | None
    """Asked before each call; None lets all events pass."""
    handler: Callable[[Any], Any]
    """Called with the payload."""
    is_async: bool
    """Whether the handler is a coroutine function; set when it is first planned."""
    lane: Lane | None
    """Its background delivery, once there was one; set when it is first planned."""
    order: int
    """When it was subscribed, as a number of its bus."""
    priority: int
    """From 1, called first, to 5."""

    def __repr__(self) -> str:
        return (
            f"<Subscription of {self.component_name!r} to {self.event_name!r}, "
            f"priority {self.priority}>"
        )


_Pair = tuple[
    "Callable[[str, Any], bool] | None", "Callable[[Any], Coroutine[Any, Any, Any]]"
]


class Plan(NamedTuple):
    """Whom an event reaches, in order; worked out once and never changed."""

    only: Callable[[Any], Coroutine[Any, Any, Any]] | None
    """What is awaited when there is one handler and no filter; else None."""
    handlers: tuple[Callable[[Any], Coroutine[Any, Any, Any]], ...]
    """What is awaited; coroutine functions."""
    pairs: tuple[_Pair, ...]
    """Filters and handlers; empty when nobody filters."""
    subs: tuple[Subscription, ...]
    """The subscriptions."""


_by_priority: Final = attrgetter("priority")
_by_priority_and_order: Final = attrgetter("priority", "order")


def planned(
    exact: Iterable[Subscription], patterns: Iterable[Iterable[Subscription]]
) -> Plan | None:
    """Return the plan for the subscriptions of an event; None when there are none.

    Parameters
    ----------
    exact : iterable of Subscription
        Those of its very name, in the order of subscription.
    patterns : iterable of iterable of Subscription
        Those of each pattern that it matches.
    """
    subs = sorted(exact, key=_by_priority)
    before = len(subs)
    for more in patterns:
        subs += more
    if len(subs) > before:
        subs.sort(key=_by_priority_and_order)
    if not subs:
        return None
    for sub in subs:
        if not hasattr(sub, "lane"):
            sub.is_async = _is_async(sub.handler)
            sub.lane = None
    handlers = tuple(
        sub.handler if sub.is_async else _awaitable(sub.handler) for sub in subs
    )
    pairs: tuple[_Pair, ...] = ()
    if any(sub.filter_fn is not None for sub in subs):
        filters = [sub.filter_fn for sub in subs]
        pairs = tuple(zip(filters, handlers, strict=True))
    only = handlers[0] if len(handlers) == 1 and not pairs else None
    return Plan(only, handlers, pairs, tuple(subs))


def _is_async(handler: Callable[[Any], Any]) -> bool:
    """Return whether a handler is a coroutine function or acts as one."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - the method is looked at
    )


def _awaitable(
    handler: Callable[[Any], Any],
) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """Return a coroutine function that does what a plain one does."""

    async def call(data: Any) -> None:
        answer = handler(data)
        if answer is not None and inspect.isawaitable(answer):
            await answer

    return call
