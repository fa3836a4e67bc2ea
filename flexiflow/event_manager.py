"""Announce events to whoever subscribed: priorities, filters, patterns, policies."""

from __future__ import annotations

import asyncio
from operator import length_hint
from typing import TYPE_CHECKING, Any, Final, Literal

from ._announcer import Announcer, BusStatistics
from ._dead_letters import DeadLetter, DeadLetters
from ._subscription import Subscription, SubscriptionHandle
from ._together import all_or_first_failure, stop

if TYPE_CHECKING:
    from ._subscription import Plan

__all__ = [
    "AsyncEventManager",
    "BusStatistics",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "EventBus",
    "OnError",
    "Subscription",
    "SubscriptionHandle",
]

Delivery = Literal["sequential", "concurrent"]
OnError = Literal["continue", "raise"]

_ON_ERROR: Final = ("continue", "raise")


def _check(delivery: str, on_error: str) -> None:
    """Refuse policies that do not exist."""
    if delivery not in ("sequential", "concurrent"):
        raise ValueError(
            f"delivery must be 'sequential' or 'concurrent', got {delivery!r}"
        )
    if on_error not in _ON_ERROR:
        raise ValueError(f"on_error must be 'continue' or 'raise', got {on_error!r}")


class AsyncEventManager(Announcer):
    """An event bus.

    Parameters
    ----------
    logger : logging.Logger, optional
        Told of handlers that fail.
    delivery : {"sequential", "concurrent"}, default "sequential"
        How :meth:`publish` calls handlers when it is not told.
    on_error : {"continue", "raise"}, default "continue"
        What :meth:`publish` does about a handler that raises when it is not told.
    max_pending : int, default 10_000
        How many built-in events may wait for one coroutine observer.

    Notes
    -----
    A publish reaches the subscriptions present at the call, whatever is subscribed or
    unsubscribed meanwhile. The bus of an engine belongs to the engine's loop: a publish
    from another thread hops to it.
    """

    def __init__(
        self,
        logger: Any = None,  # Any: whatever has the methods of a logging.Logger
        *,
        delivery: Delivery = "sequential",
        on_error: OnError = "continue",
        max_pending: int = 10_000,
    ) -> None:
        _check(delivery, on_error)
        super().__init__(logger, max_pending)
        self._delivery: Delivery = delivery
        self._on_error: OnError = on_error

    # --- publishing -------------------------------------------------------------------

    async def publish(  # noqa: C901, PLR0912 - a call inside costs each event a tenth
        self,
        event_name: str,
        data: Any = None,
        *,
        delivery: Delivery | None = None,
        on_error: OnError | None = None,
    ) -> None:
        """Call the handlers of an event and wait for them.

        Parameters
        ----------
        event_name : str
            What happened.
        data : Any
            The payload; shared by all handlers, never copied.
        delivery : {"sequential", "concurrent"}, optional
            One after the other by priority, or launched in that order and all at once.
        on_error : {"continue", "raise"}, optional
            ``continue``: log, announce ``event.handler.failed`` and go on. ``raise``:
            the first failure is raised; the handlers after it are not called, or, when
            concurrent, are cancelled and awaited.

        Raises
        ------
        ValueError
            If a policy is none of the above, whether or not there are subscribers.
        Exception
            What a handler or filter raised, with ``on_error="raise"``.
        """
        if self._special and await self._published_elsewhere(
            event_name, data, delivery, on_error
        ):
            return
        plan = self._plans.get(event_name)
        if plan is None:
            if event_name in self._events or self._patterns:
                plan = self._plan(event_name)
            if plan is None:
                if delivery is not None or on_error is not None:
                    _check(
                        "sequential" if delivery is None else delivery,
                        "continue" if on_error is None else on_error,
                    )
                return
        if delivery is None:
            delivery = self._delivery
        if on_error is None:
            on_error = self._on_error
        elif on_error not in _ON_ERROR:
            _check(delivery, on_error)
        if delivery != "sequential":
            _check(delivery, on_error)
            await self._publish_concurrently(event_name, data, plan, on_error)
            return
        only, handlers, pairs, subs = plan
        if only is not None:
            try:
                await only(data)
            except Exception as error:
                if on_error == "raise":
                    raise
                if self._failed(event_name, subs[0], error):
                    await asyncio.sleep(0)
            return
        # One iterator and one try for all handlers: after a failure it says how far
        # it got, and goes on from there.
        calls: Any = iter(pairs or handlers)
        late = False
        while True:
            try:
                if pairs:
                    for accepts, handler in calls:
                        if accepts is None or accepts(event_name, data):
                            await handler(data)
                else:
                    for handler in calls:
                        await handler(data)
                break
            except Exception as error:
                if on_error == "raise":
                    raise
                sub = subs[len(subs) - length_hint(calls) - 1]
                late |= self._failed(event_name, sub, error)
        if late:
            await asyncio.sleep(0)

    async def _published_elsewhere(
        self,
        event_name: str,
        data: Any,
        delivery: Delivery | None,
        on_error: OnError | None,
    ) -> bool:
        """Publish at home when this is not it; keep the event when it is."""
        home = self._home
        if home is not None and not home.enter():
            await home.call(
                self.publish, event_name, data, delivery=delivery, on_error=on_error
            )
            return True
        if self._history is not None:
            self._history.append(event_name, data)
        return False

    async def _publish_concurrently(  # noqa: PLR0912 - one step after the other
        self, event_name: str, data: Any, plan: Plan, on_error: OnError
    ) -> None:
        """Launch the handlers by priority and wait for all of them."""
        caller = asyncio.current_task()
        cancels = caller.cancelling() if caller is not None else 0
        launch = asyncio.get_running_loop().create_task
        _, handlers, pairs, subs = plan
        tasks: list[asyncio.Task[Any]] = []
        late = False
        try:
            if not pairs:
                tasks += [launch(handler(data)) for handler in handlers]
            else:
                chosen = []
                for (accepts, handler), sub in zip(pairs, subs, strict=True):
                    try:
                        if accepts is None or accepts(event_name, data):
                            tasks.append(launch(handler(data)))
                            chosen.append(sub)
                    except Exception as error:
                        if on_error == "raise":
                            raise
                        late |= self._failed(event_name, sub, error)
                subs = tuple(chosen)
            if on_error == "raise":
                await all_or_first_failure(tasks)
            else:
                for sub, task in zip(subs, tasks, strict=True):
                    try:
                        await task
                    except Exception as error:  # noqa: BLE001 - reported
                        late |= self._failed(event_name, sub, error)
        except BaseException:
            await stop(tasks)
            raise
        if caller is not None and caller.cancelling() > cancels:
            raise asyncio.CancelledError  # a handler took the caller's for its own
        if late:
            await asyncio.sleep(0)


EventBus = AsyncEventManager
"""The same class under a shorter name."""
