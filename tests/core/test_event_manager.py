"""The bus: who is called, in which order, and what becomes of failures."""

from __future__ import annotations

import asyncio
import functools
import logging
from unittest.mock import AsyncMock, Mock

import pytest

from flexiflow.event_manager import AsyncEventManager, EventBus, SubscriptionHandle
from flexiflow.events import HANDLER_FAILED, STATE_CHANGED


def recorder(seen, name, *, error=None, wait=None):
    """Return a coroutine function that notes its call and perhaps waits or fails."""

    async def handler(data):
        seen.append(name)
        if wait is not None:
            await wait.wait()
        if error is not None:
            raise error

    return handler


async def settle():
    """Let every task that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


class TestSubscription:
    async def test_handle_is_the_subscription(self):
        """The handle tells what was subscribed to and has an id of its own."""
        bus = EventBus()
        first = await bus.subscribe("x", "c", print, 2)
        second = await bus.subscribe("x", "c", print)

        assert isinstance(first, SubscriptionHandle)
        assert (first.event_name, first.component_name, first.priority) == ("x", "c", 2)
        assert first.subscription_id == first.subscription_id
        assert first.subscription_id != second.subscription_id

    @pytest.mark.parametrize("priority", [0, 6, -1, 2.5, None, "3"])
    async def test_priority_is_from_1_to_5(self, priority):
        """Any other priority is refused, naming the range."""
        with pytest.raises(ValueError, match="priority must be an integer between 1 a"):
            await EventBus().subscribe("x", "c", print, priority=priority)

    async def test_unsubscribe_is_idempotent(self):
        """Removing twice says False the second time and removes nothing else."""
        bus = EventBus()
        seen = []
        handle = await bus.subscribe("x", "c", recorder(seen, "gone"))
        await bus.subscribe("x", "c", recorder(seen, "stays"))

        assert bus.unsubscribe(handle)
        assert not bus.unsubscribe(handle)
        await bus.publish("x")
        assert seen == ["stays"]

    async def test_handle_of_another_bus_removes_nothing(self):
        """A handle is good for the bus that gave it, and for no other."""
        one, other = EventBus(), EventBus()
        seen = []
        handle = await one.subscribe("x", "c", recorder(seen, "one"))
        await other.subscribe("x", "c", recorder(seen, "other"))

        assert not other.unsubscribe(handle)
        assert not other.unsubscribe(SubscriptionHandle("x", "made by hand"))
        await one.publish("x")
        assert seen == ["one"]

    async def test_unsubscribe_all_removes_those_of_one_component(self):
        """All events and patterns of a component, none of the others."""
        bus = EventBus()
        seen = []
        for event in ("x", "y", "x.*", "*"):
            await bus.subscribe(event, "a", recorder(seen, "a"))
        await bus.subscribe("x", "b", recorder(seen, "b"))

        assert bus.unsubscribe_all("a") == 4
        assert bus.unsubscribe_all("a") == 0
        for event in ("x", "y", "x.z"):
            await bus.publish(event)
        assert seen == ["b"]
        assert bus.statistics().subscriptions == 1


class TestOrder:
    async def test_priority_first_then_subscription(self):
        """1 is called first; equal priorities in the order of subscription."""
        bus = EventBus()
        seen = []
        for name, priority in [("e", 5), ("a", 1), ("c", 3), ("d", 3), ("b", 1)]:
            await bus.subscribe("x", "c", recorder(seen, name), priority)
        await bus.publish("x")

        assert seen == ["a", "b", "c", "d", "e"]

    async def test_patterns_are_merged_with_exact_names(self):
        """Priority orders across names and patterns; ties go by subscription."""
        bus = EventBus()
        seen = []
        await bus.subscribe("*", "c", recorder(seen, "all"))
        await bus.subscribe("state.changed", "c", recorder(seen, "exact"))
        await bus.subscribe("state.*", "c", recorder(seen, "prefix"))
        await bus.subscribe("state.*", "c", recorder(seen, "first"), 1)
        await bus.publish("state.changed")

        assert seen == ["first", "all", "exact", "prefix"]

    @pytest.mark.parametrize(
        ("pattern", "event", "matches"),
        [
            ("state.*", "state.changed", True),
            ("state.*", "state.a.b", True),
            ("state.*", "state", False),
            ("state.*", "statement.x", False),
            ("*", "anything", True),
            ("sta*", "state", False),
        ],
    )
    async def test_pattern_matches(self, pattern, event, matches):
        """``prefix.*`` takes what begins with the prefix and a dot, ``*`` all."""
        bus = EventBus()
        seen = []
        await bus.publish(event)
        await bus.subscribe(pattern, "c", recorder(seen, "hit"))
        await bus.publish(event)

        assert bool(seen) is matches

    async def test_pattern_may_go_again(self):
        """After a pattern is removed, names are as if it had never been."""
        bus = EventBus()
        seen = []
        await bus.subscribe("x", "c", recorder(seen, "exact"))
        handle = await bus.subscribe("*", "c", recorder(seen, "all"))
        await bus.publish("x")
        bus.unsubscribe(handle)
        await bus.publish("x")

        assert seen == ["exact", "all", "exact"]

    @pytest.mark.parametrize("delivery", ["sequential", "concurrent"])
    async def test_changes_do_not_disturb_a_publish(self, delivery):
        """Whoever was there at the call is called; whoever comes later is not."""
        bus = EventBus()
        seen = []

        async def change(_):
            seen.append("change")
            bus.unsubscribe(last)
            await bus.subscribe("x", "c", recorder(seen, "new"))

        await bus.subscribe("x", "c", change, 1)
        last = await bus.subscribe("x", "c", recorder(seen, "last"), 5)
        await bus.publish("x", delivery=delivery)

        assert seen == ["change", "last"]


class TestHandlers:
    async def test_plain_and_async_handlers_get_the_same_data(self):
        """Functions, coroutine functions, partials, objects and mocks are called."""
        bus = EventBus()
        seen = []
        data = {"k": 1}

        async def later(first, second):
            seen.append((first, second))

        class Callable:
            async def __call__(self, value):
                seen.append(value)

        mock = AsyncMock()
        await bus.subscribe("x", "c", seen.append)
        await bus.subscribe("x", "c", functools.partial(later, 1))
        await bus.subscribe("x", "c", lambda value: later(2, value))
        await bus.subscribe("x", "c", Callable())
        await bus.subscribe("x", "c", mock)
        await bus.publish("x", data)
        await bus.publish("x", data, delivery="concurrent")

        assert seen[:4] == [data, (1, data), (2, data), data]
        assert len(seen) == 8
        assert seen[0] is data
        assert mock.await_count == 2

    async def test_filter_is_asked_with_name_and_data(self):
        """A handler is called only when its filter says so."""
        bus = EventBus()
        seen = []
        asked = []

        def accepts(name, data):
            asked.append((name, data))
            return data == 2

        await bus.subscribe("x", "c", seen.append, filter_fn=accepts)
        for delivery in ("sequential", "concurrent"):
            await bus.publish("x", 1, delivery=delivery)
            await bus.publish("x", 2, delivery=delivery)

        assert seen == [2, 2]
        assert asked[:2] == [("x", 1), ("x", 2)]

    async def test_nobody_there_is_no_error(self):
        """Publishing without subscribers does nothing."""
        assert await EventBus().publish("x", 1) is None


class TestPolicies:
    @pytest.mark.parametrize(
        "policy",
        [{"delivery": "parallel"}, {"on_error": "ignore"}, {"delivery": ""}],
    )
    @pytest.mark.parametrize("subscribers", [0, 1])
    async def test_unknown_policy_is_refused(self, policy, subscribers):
        """At a publish with and without subscribers, and when the bus is made."""
        bus = EventBus()
        for _ in range(subscribers):
            await bus.subscribe("x", "c", print)

        with pytest.raises(ValueError, match="must be"):
            await bus.publish("x", **policy)
        with pytest.raises(ValueError, match="must be"):
            AsyncEventManager(**policy)

    async def test_defaults_belong_to_the_bus(self):
        """A bus made with ``raise`` and ``concurrent`` does so unless it is told."""
        bus = EventBus(delivery="concurrent", on_error="raise")
        seen = []
        both = asyncio.Barrier(2)

        async def meet(_):
            await both.wait()
            seen.append("met")

        await bus.subscribe("x", "c", meet)
        await bus.subscribe("x", "c", meet)
        await bus.subscribe("bad", "c", recorder(seen, "bad", error=KeyError("k")))
        await bus.publish("x")

        assert seen == ["met", "met"]
        with pytest.raises(KeyError):
            await bus.publish("bad")
        await bus.publish("bad", on_error="continue")

    @pytest.mark.parametrize("delivery", ["sequential", "concurrent"])
    async def test_continue_logs_announces_and_goes_on(self, delivery):
        """One that fails is logged and announced; the others are called."""
        logger = Mock()
        bus = EventBus(logger)
        seen, failed = [], []
        bad = recorder(seen, "bad", error=RuntimeError("boom"))
        await bus.subscribe("x", "ok", recorder(seen, "first"), 1)
        await bus.subscribe("x", "culprit", bad, 2)
        await bus.subscribe("x", "ok", recorder(seen, "last"), 3)
        await bus.subscribe(HANDLER_FAILED, "o", failed.append)
        await bus.publish("x", delivery=delivery)

        assert seen == ["first", "bad", "last"]
        assert failed == [
            {
                "event_name": "x",
                "component_name": "culprit",
                "exception": "RuntimeError('boom')",
            }
        ]
        logger.error.assert_called_once()
        assert bus.statistics().failed == 1

    @pytest.mark.parametrize("delivery", ["sequential", "concurrent"])
    async def test_filter_that_raises_is_its_handlers_failure(self, delivery):
        """The handler is not called; the others are; nobody gets the error."""
        bus = EventBus()
        seen, failed = [], []

        def broken(name, data):
            raise ZeroDivisionError

        await bus.subscribe("x", "a", recorder(seen, "a"), filter_fn=broken)
        await bus.subscribe("x", "b", recorder(seen, "b"))
        await bus.subscribe(HANDLER_FAILED, "o", failed.append)
        await bus.publish("x", delivery=delivery)

        assert seen == ["b"]
        assert [one["component_name"] for one in failed] == ["a"]
        with pytest.raises(ZeroDivisionError):
            await bus.publish("x", delivery=delivery, on_error="raise")

    @pytest.mark.parametrize("observer", [HANDLER_FAILED, "event.*", "*"])
    async def test_failures_are_heard_by_name_and_by_pattern(self, observer):
        """Whoever subscribed so that event.handler.failed matches."""
        bus = EventBus()
        heard = []
        bad = recorder([], "bad", error=KeyError())
        await bus.subscribe("x", "bad", bad)
        await bus.subscribe(
            observer, "o", heard.append, filter_fn=lambda name, _: name != "x"
        )
        await bus.publish("x")

        assert [one["component_name"] for one in heard] == ["bad"]

    async def test_failures_stand_in_the_history(self):
        """Also when nobody subscribed."""
        bus = EventBus()
        history = bus.keep_history()
        await bus.subscribe("x", "bad", recorder([], "bad", error=KeyError()))
        await bus.publish("x")

        assert [event.name for event in history.after(0)] == ["x", HANDLER_FAILED]

    async def test_each_failure_names_its_own_handler(self):
        """Several failures in one publish are told apart, plain functions included."""
        bus = EventBus()
        failed = []

        def plain(_):
            raise ValueError

        await bus.subscribe("x", "a", recorder([], "a", error=KeyError()))
        await bus.subscribe("x", "b", recorder([], "b"))
        await bus.subscribe("x", "c", plain)
        await bus.subscribe(HANDLER_FAILED, "o", failed.append)
        await bus.publish("x")

        assert [one["component_name"] for one in failed] == ["a", "c"]

    async def test_sequential_raise_stops_at_the_first(self):
        """The error is raised, later handlers are not called, nothing is announced."""
        bus = EventBus()
        seen, failed = [], []
        await bus.subscribe("x", "c", recorder(seen, "bad", error=KeyError("k")))
        await bus.subscribe("x", "c", recorder(seen, "never"))
        await bus.subscribe(HANDLER_FAILED, "o", failed.append)

        with pytest.raises(KeyError):
            await bus.publish("x", on_error="raise")
        assert seen == ["bad"]
        assert failed == []

    async def test_concurrent_raise_is_the_first_failure_in_time(self):
        """Not the first in order; the rest are cancelled and awaited before."""
        bus = EventBus()
        ended = []

        async def slow(_):
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append("slow")

        async def fails_late(_):
            for _ in range(3):
                await asyncio.sleep(0)
            raise KeyError("late")

        async def fails_early(_):
            await asyncio.sleep(0)
            raise ValueError("early")

        await bus.subscribe("x", "c", slow, 1)
        await bus.subscribe("x", "c", fails_late, 2)
        await bus.subscribe("x", "c", fails_early, 3)
        before = asyncio.all_tasks()

        with pytest.raises(ValueError, match="early"):
            await bus.publish("x", delivery="concurrent", on_error="raise")
        assert ended == ["slow"]
        assert asyncio.all_tasks() == before

    async def test_failures_announced_are_not_announced_again(self):
        """A handler of event.handler.failed that fails is logged, and that is all."""
        logger = Mock()
        bus = EventBus(logger)
        seen = []
        again = recorder(seen, "again", error=RuntimeError())
        await bus.subscribe(HANDLER_FAILED, "o", again)
        await bus.subscribe("*", "p", again)
        await bus.publish("x")
        await bus.join()

        assert len(seen) == 3
        assert logger.error.call_count == 3


class TestCancellation:
    @pytest.mark.parametrize("delivery", ["sequential", "concurrent"])
    async def test_cancelling_the_publisher_ends_the_handlers(self, delivery):
        """The cancellation reaches the handlers and comes out of publish."""
        bus = EventBus()
        ended = []

        async def handler(_):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(1)

        await bus.subscribe("x", "c", handler)
        task = asyncio.create_task(bus.publish("x", delivery=delivery))
        await settle()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [1]

    @pytest.mark.parametrize("on_error", ["continue", "raise"])
    @pytest.mark.parametrize("delivery", ["sequential", "concurrent"])
    async def test_a_handlers_own_cancellation_is_not_swallowed(
        self, delivery, on_error
    ):
        """CancelledError out of a handler comes out of publish under any policy."""
        bus = EventBus()

        async def handler(_):
            await asyncio.sleep(0)
            raise asyncio.CancelledError

        await bus.subscribe("x", "c", handler)

        with pytest.raises(asyncio.CancelledError):
            await bus.publish("x", delivery=delivery, on_error=on_error)

    async def test_a_handler_cannot_swallow_the_publishers_cancellation(self):
        """When a concurrent handler ends calmly, the publisher is cancelled still."""
        bus = EventBus()

        async def stubborn(_):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return

        await bus.subscribe("x", "c", stubborn)
        task = asyncio.create_task(bus.publish("x", delivery="concurrent"))
        await settle()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task


class TestAnnouncements:
    async def test_a_slow_observer_delays_nobody(self):
        """Announcing returns at once; the observer gets the events in order."""
        bus = EventBus()
        seen = []
        go = asyncio.Event()

        async def slow(data):
            await go.wait()
            seen.append(data)

        await bus.subscribe(STATE_CHANGED, "o", slow)
        for number in range(5):
            bus.announce(STATE_CHANGED, number)
        await settle()

        assert seen == []
        assert bus.statistics().running == 1
        go.set()
        await bus.join()
        assert seen == [0, 1, 2, 3, 4]
        assert bus.statistics().running == 0

    async def test_starts_follow_priority(self):
        """Coroutine observers begin in the order of their priorities."""
        bus = EventBus()
        seen = []
        for priority in (5, 1, 3):
            await bus.subscribe("x", "o", recorder(seen, priority), priority)
        bus.announce("x", None)
        await bus.join()

        assert seen == [1, 3, 5]

    async def test_plain_observers_run_inline(self):
        """A plain function has run on return; what it returned may be awaitable."""
        bus = EventBus()
        seen = []
        later = recorder(seen, "awaited")
        await bus.subscribe("x", "o", seen.append)
        await bus.subscribe("x", "o", lambda data: later(data))  # noqa: PLW0108
        bus.announce("x", 1)

        assert seen[0] == 1
        await bus.join()
        assert seen == [1, "awaited"]

    async def test_too_many_waiting_events_drop_the_oldest(self, caplog):
        """Counted in the statistics and logged once for each burst."""
        bus = EventBus(logging.getLogger("test.bus"), max_pending=3)
        seen = []
        go = asyncio.Event()

        async def slow(data):
            await go.wait()
            seen.append(data)

        await bus.subscribe("x", "o", slow)
        for burst in (0, 100):
            go.clear()
            bus.announce("x", burst)
            await settle()
            for number in range(1, 8):
                bus.announce("x", burst + number)
            go.set()
            await bus.join()

        assert seen == [0, 5, 6, 7, 100, 105, 106, 107]
        assert bus.statistics().dropped == 8
        assert [record.levelname for record in caplog.records] == ["WARNING"] * 2

    async def test_failing_observers_are_announced(self):
        """Of plain and coroutine observers alike, and the others are called."""
        bus = EventBus()
        seen, failed = [], []

        def plain(_):
            raise KeyError

        await bus.subscribe("x", "plain", plain)
        await bus.subscribe("x", "async", recorder([], "a", error=ValueError()))
        await bus.subscribe("x", "ok", seen.append)
        await bus.subscribe(HANDLER_FAILED, "o", failed.append)
        bus.announce("x", 1)
        await bus.join()

        assert seen == [1]
        assert [one["component_name"] for one in failed] == ["plain", "async"]

    async def test_observers_may_use_timeouts(self):
        """An observer's asyncio.timeout ends the observer alone."""
        bus = EventBus()
        seen = []

        async def impatient(_):
            try:
                async with asyncio.timeout(0.001):
                    await asyncio.Event().wait()
            except TimeoutError:
                seen.append("timed out")

        await bus.subscribe("x", "o", impatient)
        bus.announce("x", 1)
        await bus.join()

        assert seen == ["timed out"]

    async def test_a_cancelled_observer_loses_only_its_event(self):
        """What waits behind a handler that was cancelled is delivered still."""
        bus = EventBus()
        seen = []

        async def handler(data):
            await asyncio.sleep(0)
            if data == 1:
                raise asyncio.CancelledError
            seen.append(data)

        await bus.subscribe("x", "o", handler)
        for number in (1, 2, 3):
            bus.announce("x", number)
        await settle()
        await bus.join()

        assert seen == [2, 3]

    async def test_stop_ends_what_runs(self):
        """Observers are cancelled, what waited is let go, nothing stays behind."""
        bus = EventBus()
        seen = []
        before = asyncio.all_tasks()
        await bus.subscribe("x", "o", recorder(seen, "begun", wait=asyncio.Event()))
        bus.announce("x", 1)
        bus.announce("x", 2)
        await settle()
        await bus.stop()

        assert seen == ["begun"]
        assert asyncio.all_tasks() == before

    @pytest.mark.parametrize("size", [0, -1])
    def test_room_for_waiting_events_is_needed(self, size):
        """max_pending is at least 1."""
        with pytest.raises(ValueError, match="max_pending"):
            EventBus(max_pending=size)


class TestHistory:
    async def test_off_until_it_is_asked_for(self):
        """Nothing is kept before keep_history; then everything is, in order."""
        bus = EventBus()
        await bus.publish("before")

        assert bus.history is None
        history = bus.keep_history(2)
        await bus.publish("a", 1)
        bus.announce("b", {"k": 2}, "c")
        await bus.publish("c")
        assert bus.keep_history(1) is history
        assert history.size == 2
        assert [event.name for event in history.after(0)] == ["b", "c"]
        assert history.after(0)[0].component == "c"
        assert history.dropped == 1
