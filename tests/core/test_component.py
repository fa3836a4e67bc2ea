"""Components: one message at a time, in order, to its end; what can be asked."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from datetime import timedelta
from unittest.mock import Mock

import pytest

from flexiflow.component import AsyncComponent, MessageResult
from flexiflow.errors import (
    ComponentError,
    EngineClosedError,
    StateError,
    UntilTimeout,
)
from flexiflow.event_manager import EventBus
from flexiflow.events import (
    HANDLER_FAILED,
    MESSAGE_FAILED,
    MESSAGE_HANDLED,
    MESSAGE_RECEIVED,
    STATE_CHANGED,
)
from flexiflow.logger import correlation_id, get_correlation_id, set_correlation_id
from flexiflow.state_machine import State, StateMachine

EVENTS = (MESSAGE_RECEIVED, STATE_CHANGED, MESSAGE_HANDLED, MESSAGE_FAILED)


class Doing(State):
    """A state that does what the message's type is mapped to."""

    def __init__(self, **does):
        self.does = does
        self.log = []

    async def handle_message(self, message, component):
        """Log the message's begin and end, and do what belongs to it between."""
        kind = message["type"]
        self.log.append(f"+{kind}")
        does = self.does.get(kind)
        answer = None if does is None else await does(message, component)
        self.log.append(f"-{kind}")
        return answer or (True, self)


def doing(name="c", bus=None, **does):
    """Return a component in a `Doing` state, and its log."""
    state = Doing(**does)
    component = AsyncComponent(name, [], StateMachine(state), event_bus=bus)
    return component, state.log


async def settle():
    """Let every task that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def watched(bus, *events):
    """Return a list to which a bus's events are added, as (name, data)."""
    seen = []
    for name in events or EVENTS:
        await bus.subscribe(
            name, "test", lambda data, name=name: seen.append((name, data))
        )
    return seen


class TestResult:
    async def test_of_a_transition(self):
        """A message that moves the machine is handled; names are strings."""
        component = AsyncComponent("c")
        result = await component.send("start")

        assert isinstance(result, MessageResult)
        assert (result.status, result.proceeded) == ("handled", True)
        assert result.from_state == "InitialState"
        assert result.to_state == component.state == "AwaitingConfirmation"
        assert isinstance(result.correlation_id, str)
        assert "InitialState -> AwaitingConfirmation" in repr(result)

    async def test_of_an_ignored_message(self):
        """A message that does nothing is ignored; the state stays."""
        component = AsyncComponent("c")
        result = await component.handle_message({"type": "confirm"})

        assert (result.status, result.proceeded) == ("ignored", False)
        assert result.from_state == result.to_state == "InitialState"

    async def test_is_the_same_later(self):
        """A result tells of its message, whatever is handled afterwards."""
        component = AsyncComponent("c")
        result = await component.send("start")
        await component.send("cancel")

        assert result.to_state == "AwaitingConfirmation"

    async def test_content_and_fields_are_part_of_the_message(self):
        """send(type, content, **fields) builds the message; no content, no key."""
        got = []

        async def note(message, _):
            got.append(message)

        component, _ = doing(a=note, b=note)
        await component.send("a", by="Ann", n=None)
        await component.send("b", "text")

        assert got == [
            {"type": "a", "by": "Ann", "n": None},
            {"type": "b", "content": "text"},
        ]

    @pytest.mark.parametrize("message", ["start", None, 3, [("type", "start")]])
    async def test_a_message_is_a_mapping(self, message):
        """Anything else is refused with a remedy, and nothing happens."""
        component = AsyncComponent("c")

        with pytest.raises(ComponentError, match="A message is a dict") as caught:
            await component.handle_message(message)
        assert "send" in caught.value.fix
        assert component.state == "InitialState"

    @pytest.mark.parametrize("message", [{}, {"type": None}, {"type": []}, {"x": 1}])
    async def test_a_message_of_no_known_type_is_ignored(self, message):
        """No type, or one that cannot be looked up, does nothing."""
        component = AsyncComponent("c")

        assert (await component.handle_message(message)).status == "ignored"


class TestOrder:
    async def test_one_message_at_a_time_in_order_of_arrival(self):
        """However many tasks send at once, none begins before the last has ended."""

        async def wait(message, _):
            for _ in range(message["n"]):
                await asyncio.sleep(0)

        component, log = doing(a=wait, b=wait, c=wait, d=wait)
        sends = [
            component.send(kind, n=n)
            for kind, n in zip("abcd", (3, 0, 2, 1), strict=True)
        ]
        results = await asyncio.gather(*sends)

        assert log == ["+a", "-a", "+b", "-b", "+c", "-c", "+d", "-d"]
        assert {result.status for result in results} == {"handled"}
        assert (component.pending, component.is_busy) == (0, False)

    async def test_components_run_side_by_side(self):
        """Two components meet in the middle of their messages."""
        both = asyncio.Barrier(2)

        async def meet(*_):
            await both.wait()

        one, _ = doing("one", go=meet)
        other, _ = doing("other", go=meet)

        await asyncio.gather(one.send("go"), other.send("go"))

    async def test_a_message_to_itself_is_queued(self):
        """`queued` at once, handled next, before the sender's caller goes on."""
        statuses = []

        async def go(_, component):
            statuses.append((await component.send("inner")).status)
            statuses.append((await component.send("last")).status)

        component, log = doing(go=go)
        result = await component.send("go")

        assert result.status == "handled"
        assert statuses == ["queued", "queued"]
        assert log == ["+go", "-go", "+inner", "-inner", "+last", "-last"]

    async def test_a_message_back_through_another_is_queued(self):
        """A -> B -> A neither nests nor waits for itself."""
        statuses = []

        async def to_b(*_):
            statuses.append((await b.send("ping")).status)

        async def to_a(*_):
            statuses.append((await a.send("pong")).status)

        a, log_a = doing("a", go=to_b)
        b, log_b = doing("b", ping=to_a)
        await asyncio.wait_for(a.send("go"), 5)

        assert statuses == ["queued", "handled"]
        assert log_a == ["+go", "-go", "+pong", "-pong"]
        assert log_b == ["+ping", "-ping"]

    async def test_an_id_of_ones_own_does_not_hide_the_handling(self):
        """A handler that sets a correlation id is not waited for by itself."""
        statuses = []

        async def go(_, component):
            with correlation_id("mine"):
                statuses.append((await component.send("inner")).status)
            set_correlation_id("other")
            statuses.append((await component.send("inner")).status)

        component, _ = doing(go=go)
        await asyncio.wait_for(component.send("go"), 5)

        assert statuses == ["queued", "queued"]

    async def test_gathered_sends_of_a_handler_are_queued(self):
        """A handler that waits for tasks which send to it does not wait for ever."""

        async def go(_, component):
            sends = [asyncio.create_task(component.send(k)) for k in "xy"]
            results = await asyncio.gather(*sends)
            assert [one.status for one in results] == ["queued", "queued"]

        component, log = doing(go=go)
        await asyncio.wait_for(component.send("go"), 5)

        assert log == ["+go", "-go", "+x", "-x", "+y", "-y"]

    async def test_a_task_that_outlives_the_handling_waits_like_any_other(self):
        """Once its handling is over, a spawned task's message is no longer inner."""
        released = asyncio.Event()
        hold = asyncio.Event()
        results = []

        async def later(component):
            await released.wait()
            results.append((await component.send("late")).status)

        async def go(_, component):
            tasks.append(asyncio.create_task(later(component)))

        async def block(*_):
            released.set()
            await hold.wait()

        tasks = []
        component, log = doing(go=go, block=block)
        await component.send("go")
        blocking = asyncio.create_task(component.send("block"))
        await settle()

        assert results == []
        assert component.pending == 1
        hold.set()
        await asyncio.gather(blocking, *tasks)
        assert results == ["handled"]
        assert log[-2:] == ["+late", "-late"]

    async def test_two_that_send_to_each_other_do_not_lock(self):
        """A waits for B while B sends to A: one of the two is queued instead."""
        ready = asyncio.Barrier(2)

        async def to_b(*_):
            await ready.wait()
            statuses.append((await b.send("from_a")).status)

        async def to_a(*_):
            await ready.wait()
            statuses.append((await a.send("from_b")).status)

        statuses = []
        a, log_a = doing("a", go=to_b)
        b, log_b = doing("b", go=to_a)
        await asyncio.wait_for(asyncio.gather(a.send("go"), b.send("go")), 5)
        await settle()

        assert sorted(statuses) == ["handled", "queued"]
        assert log_a[-2:] == ["+from_b", "-from_b"]
        assert log_b[-2:] == ["+from_a", "-from_a"]

    async def test_a_circle_of_three_does_not_lock(self):
        """A -> B -> C -> A, all busy with messages of their own."""
        ready = asyncio.Barrier(3)

        def to(name):
            async def go(*_):
                await ready.wait()
                await parts[name].send("hello")

            return go

        parts = {
            name: doing(name, go=to(follower))[0]
            for name, follower in [("a", "b"), ("b", "c"), ("c", "a")]
        }
        sends = [part.send("go") for part in parts.values()]
        await asyncio.wait_for(asyncio.gather(*sends), 5)
        await settle()

        logs = [part.state_machine.current_state.log for part in parts.values()]
        assert all(log == ["+go", "-go", "+hello", "-hello"] for log in logs)

    async def test_who_waits_for_an_inner_message_is_known(self):
        """B waits for A, which waits for its inner message, which sends to B."""
        statuses = []

        async def to_a(*_):
            statuses.append((await a.send("go")).status)

        async def go(_, component):
            statuses.append((await component.send("inner")).status)

        async def inner(*_):
            statuses.append((await b.send("back")).status)

        a, _ = doing("a", go=go, inner=inner)
        b, log = doing("b", start=to_a)
        await asyncio.wait_for(b.send("start"), 5)

        assert statuses == ["queued", "queued", "handled"]
        assert log == ["+start", "-start", "+back", "-back"]

    async def test_an_inner_message_may_go_on_for_ever(self):
        """Handlings that follow from one another are not kept in a chain."""

        async def again(message, component):
            if message["n"]:
                await component.send("again", n=message["n"] - 1)

        component, log = doing(again=again)
        await component.send("again", n=2_000)

        assert len(log) == 2 * 2_001


class TestFailure:
    async def test_error_reaches_the_caller_and_the_state_stays(self):
        """component.message.failed and handled tell of it; the next message goes on."""
        bus = EventBus()

        async def bad(*_):
            raise KeyError("k")

        component, _ = doing(bus=bus, bad=bad)
        before = component.state_machine.current_state
        seen = await watched(bus, MESSAGE_FAILED, MESSAGE_HANDLED, STATE_CHANGED)

        with pytest.raises(KeyError):
            await component.send("bad")
        assert component.state_machine.current_state is before
        message = {"type": "bad"}
        assert seen == [
            (
                MESSAGE_FAILED,
                {"component": "c", "message": message, "exception": "KeyError('k')"},
            ),
            (
                MESSAGE_HANDLED,
                {
                    "component": "c",
                    "message": message,
                    "status": "failed",
                    "state": "Doing",
                },
            ),
        ]
        assert (await component.send("good")).status == "handled"

    @pytest.mark.parametrize("answer", [None, True, (True,), (True, None), (1, Doing)])
    async def test_an_answer_that_is_none_is_an_error(self, answer):
        """A state class must answer (bool, State)."""

        class Wrong(State):
            async def handle_message(self, message, component):
                return answer

        component = AsyncComponent("c", state_machine=StateMachine(Wrong()))

        with pytest.raises(StateError, match="Wrong") as caught:
            await component.send("x")
        assert "NextState()" in caught.value.fix
        assert component.state == "Wrong"

    async def test_inner_message_that_fails_is_logged_and_announced(self):
        """Nobody waits for its result, so the error goes where people look."""
        bus, logger = EventBus(), Mock()

        async def go(_, component):
            await component.send("bad")

        async def bad(*_):
            raise KeyError("k")

        component, _ = doing(bus=bus, go=go, bad=bad)
        component.logger = logger
        seen = await watched(bus, MESSAGE_FAILED)

        assert (await component.send("go")).status == "handled"
        assert [data["message"] for _, data in seen] == [{"type": "bad"}]
        logger.error.assert_called_once()

    async def test_waiting_caller_that_is_cancelled_takes_its_message_out(self):
        """The message is never handled, and announced as failed."""
        bus = EventBus()
        hold = asyncio.Event()

        async def block(*_):
            await hold.wait()

        component, log = doing(bus=bus, block=block)
        seen = await watched(bus, MESSAGE_FAILED)
        first = asyncio.create_task(component.send("block"))
        second = asyncio.create_task(component.send("second"))
        third = asyncio.create_task(component.send("third"))
        await settle()
        second.cancel()
        await settle()

        assert component.pending == 1
        hold.set()
        await asyncio.gather(first, third)
        assert second.cancelled()
        assert log == ["+block", "-block", "+third", "-third"]
        assert [data["message"]["type"] for _, data in seen] == ["second"]

    async def test_caller_cancelled_while_handled_abandons_the_step(self):
        """The handler is cancelled, the state stays, and the next message goes on."""
        bus = EventBus()
        ended = []

        async def block(*_):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(1)

        component, log = doing(bus=bus, block=block)
        seen = await watched(bus, MESSAGE_FAILED)
        first = asyncio.create_task(component.send("block"))
        second = asyncio.create_task(component.send("second"))
        await settle()
        first.cancel()
        result = await second

        assert first.cancelled()
        assert result.status == "handled"
        assert ended == [1]
        assert log == ["+block", "+second", "-second"]
        assert [data["message"]["type"] for _, data in seen] == ["block"]

    async def test_caller_cancelled_when_its_turn_has_just_come(self):
        """The turn goes on to the next; no message is stuck, none is handled twice."""

        async def block(*_):
            await asyncio.sleep(0)
            # Runs after the turn was handed over and before the next task has it.
            asyncio.get_running_loop().call_soon(
                lambda: second.cancel()  # noqa: PLW0108 - it does not exist yet
            )

        component, log = doing(block=block)
        first = asyncio.create_task(component.send("block"))
        second = asyncio.create_task(component.send("second"))
        third = asyncio.create_task(component.send("third"))
        await first
        await asyncio.gather(second, third, return_exceptions=True)

        assert second.cancelled()
        assert log == ["+block", "-block", "+third", "-third"]
        assert not component.is_busy


class TestEvents:
    async def test_of_a_transition_in_order_with_their_payloads(self):
        """received, changed, handled; their keys are exactly these."""
        bus = EventBus()
        component = AsyncComponent("c", event_bus=bus)
        seen = await watched(bus)
        await component.send("start")

        message = {"type": "start"}
        after = "AwaitingConfirmation"
        assert seen == [
            (MESSAGE_RECEIVED, {"component": "c", "message": message}),
            (
                STATE_CHANGED,
                {"component": "c", "from_state": "InitialState", "to_state": after},
            ),
            (
                MESSAGE_HANDLED,
                {
                    "component": "c",
                    "message": message,
                    "status": "handled",
                    "state": after,
                },
            ),
        ]

    async def test_ignored_message_changes_no_state(self):
        """It is received and handled as ignored; state.changed is not announced."""
        bus = EventBus()
        component = AsyncComponent("c", event_bus=bus)
        seen = await watched(bus)
        await component.send("nothing")

        assert [name for name, _ in seen] == [MESSAGE_RECEIVED, MESSAGE_HANDLED]
        assert seen[-1][1]["status"] == "ignored"

    async def test_coroutine_observer_has_run_when_the_sender_goes_on(self):
        """One that does not suspend, on every Python."""
        bus = EventBus()
        component, _ = doing(bus=bus)
        seen = []

        async def observer(data):
            seen.append((data["to_state"], get_correlation_id()))

        await bus.subscribe(STATE_CHANGED, "o", observer)
        result = await component.send("go")

        assert seen == [("Doing", result.correlation_id)]

    async def test_slow_and_failing_observers_do_not_touch_handling(self):
        """A message is handled at once while an observer hangs and another raises."""
        bus = EventBus()
        component, _ = doing(bus=bus)

        async def slow(_):
            await asyncio.Event().wait()

        def failing(_):
            raise RuntimeError

        for name in EVENTS:
            await bus.subscribe(name, "o", slow)
            await bus.subscribe(name, "o", failing, 1)
        for _ in range(3):
            assert (await component.send("go")).status == "handled"
        await bus.stop()

    async def test_plain_observer_that_meets_a_cancelled_future_is_reported(self):
        """It is not the sender who is cancelled."""
        bus = EventBus(logger=Mock())
        component = AsyncComponent("c", event_bus=bus)
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        failed = []
        await bus.subscribe(STATE_CHANGED, "o", lambda _: gone.result())
        await bus.subscribe(HANDLER_FAILED, "o", failed.append)
        result = await component.send("start")

        assert (result.status, component.state) == ("handled", "AwaitingConfirmation")
        assert [item["exception"] for item in failed] == ["CancelledError()"]

    async def test_observer_that_sends_is_no_part_of_the_handling(self):
        """Its message waits its turn and is handled, in a task of the observer."""
        bus = EventBus()
        component, log = doing(bus=bus)
        statuses = []

        async def observer(data):
            if data["message"]["type"] == "go":
                statuses.append((await component.send("more")).status)

        await bus.subscribe(MESSAGE_RECEIVED, "o", observer)
        await component.send("go")
        await bus.join()

        assert statuses == ["handled"]
        assert log == ["+go", "-go", "+more", "-more"]

    async def test_observer_of_a_failed_handler_is_no_part_of_it_either(self):
        """Though it is announced while the handler that published goes on."""
        bus = EventBus()
        statuses = []
        hold = asyncio.Event()

        async def go(_, component):
            await component.event_bus.publish("mine")
            await hold.wait()

        async def observer(_):
            statuses.append((await component.send("more")).status)

        component, log = doing(bus=bus, go=go)
        await bus.subscribe("mine", "bad", lambda _: 1 / 0)
        await bus.subscribe(HANDLER_FAILED, "o", observer)
        sending = asyncio.create_task(component.send("go"))
        await settle()
        assert statuses == []
        hold.set()
        await sending
        await bus.join()

        assert statuses == ["handled"]
        assert log == ["+go", "-go", "+more", "-more"]

    async def test_subscribing_in_a_handler_sees_the_same_step(self):
        """Whoever subscribes while a message is handled hears how it ends."""
        bus = EventBus()
        seen = []

        async def go(*_):
            await bus.subscribe(STATE_CHANGED, "o", seen.append)

        component, _ = doing(bus=bus, go=go)
        await component.send("go")

        assert len(seen) == 1

    async def test_event_published_by_a_handler_names_its_component(self):
        """Events of user code carry component and correlation id, unless given."""
        bus = EventBus()
        history = bus.keep_history()

        async def go(_, component):
            await component.event_bus.publish("mine", {"k": 1})

        component, _ = doing(bus=bus, go=go)
        result = await component.send("go")

        (mine,) = [event for event in history.after(0) if event.name == "mine"]
        assert (mine.component, mine.correlation_id) == ("c", result.correlation_id)
        assert {e.correlation_id for e in history.after(0)} == {result.correlation_id}


class TestCorrelation:
    async def test_each_message_has_an_id_of_its_own(self):
        """It is there while the handler runs, and gone afterwards."""
        seen = []

        async def go(*_):
            seen.append(get_correlation_id())

        component, _ = doing(go=go)
        results = [await component.send("go"), await component.send("go")]

        assert seen == [one.correlation_id for one in results]
        assert len(set(seen)) == 2
        assert get_correlation_id() is None

    async def test_callers_id_is_taken_over(self):
        """By the result, the handler, messages it sends, and those queued."""
        seen = []

        async def note(*_):
            seen.append(get_correlation_id())

        async def go(_, component):
            await other.send("note")
            await component.send("note")

        component, _ = doing(go=go, note=note)
        other, _ = doing("other", note=note)
        with correlation_id("abc"):
            result = await component.send("go")

        assert result.correlation_id == "abc"
        assert seen == ["abc", "abc"]

    async def test_task_of_a_handler_keeps_the_id(self):
        """Also when it goes on after the handling."""
        seen = []
        tasks = []

        async def later():
            await asyncio.sleep(0)
            seen.append(get_correlation_id())

        async def go(*_):
            tasks.append(asyncio.create_task(later()))

        component, _ = doing(go=go)
        result = await component.send("go")
        await asyncio.gather(*tasks)

        assert seen == [result.correlation_id]

    async def test_transition_is_logged_with_the_id(self, caplog):
        """One line at level INFO, which carries the id of its message."""
        logger = logging.getLogger("test.component")
        component = AsyncComponent("c", logger=logger)
        with caplog.at_level(logging.INFO), correlation_id("abc"):
            await component.send("start")
            await component.send("nothing")

        assert [r.getMessage() for r in caplog.records] == [
            "c transitioned to AwaitingConfirmation"
        ]

    async def test_a_handling_thrown_away_leaves_the_context_alone(self):
        """What the garbage collector closes runs in whichever context is current."""

        async def wait(*_):
            await asyncio.get_running_loop().create_future()

        component, _ = doing(go=wait)
        handling = component.handle_message({"type": "go"})
        copy_context().run(handling.send, None)

        with correlation_id("abc"):
            handling.close()

            assert get_correlation_id() == "abc"
        assert (await component.send("other")).status == "handled"

    async def test_a_message_thrown_away_while_it_waits_is_taken_out(self):
        """It leaves the context alone, and those after it have their turn."""
        gate = asyncio.Event()

        async def wait(*_):
            await gate.wait()

        component, _ = doing(go=wait)
        first = asyncio.create_task(component.send("go"))
        await asyncio.sleep(0)
        waiting = component.handle_message({"type": "other"})
        copy_context().run(waiting.send, None)

        with correlation_id("abc"):
            waiting.close()

            assert get_correlation_id() == "abc"
        assert component.pending == 0
        gate.set()
        await first


class TestRules:
    async def test_update_extends_and_replace_replaces(self):
        """update_rules adds; with replace it swaps; add_rule adds one."""
        component = AsyncComponent("c", rules=[{"n": 1}])
        await component.update_rules([{"n": 2}])
        await component.add_rule({"n": 3})

        assert component.rules == [{"n": 1}, {"n": 2}, {"n": 3}]
        await component.update_rules([{"n": 4}], replace=True)
        assert component.rules == [{"n": 4}]

    async def test_change_takes_effect_with_the_next_message(self):
        """The message under way sees the rules with which it began."""
        seen = []

        async def go(_, component):
            await component.add_rule({"n": 2})
            seen.append(list(component.rules))

        component, _ = doing(go=go)
        component.rules = [{"n": 1}]
        await component.send("go")

        assert seen == [[{"n": 1}]]
        assert component.rules == [{"n": 1}, {"n": 2}]

    async def test_the_callers_list_is_not_the_components(self):
        """Neither the constructor nor update_rules keeps the list it was given."""
        given = [{"n": 1}]
        component = AsyncComponent("c", rules=given)
        await component.update_rules(given, replace=True)
        given.append({"n": 2})

        assert component.rules == [{"n": 1}]


class TestUntil:
    async def test_present_state_is_enough(self):
        """Already there: it returns at once, also with no time left."""
        component = AsyncComponent("c")

        assert await component.until("InitialState") == "InitialState"
        assert await component.until(lambda c: True, timeout=0) == "InitialState"

    async def test_waits_while_messages_go_on(self):
        """A state that was left again meanwhile counts."""
        component = AsyncComponent("c")
        waiting = asyncio.create_task(component.until("AwaitingConfirmation"))
        await settle()
        await component.send("start")
        await component.send("cancel")

        assert await waiting == "AwaitingConfirmation"
        assert component.state == "InitialState"

    async def test_predicate_sees_the_component(self):
        """A function is asked after each message; an error of it is raised."""
        component = AsyncComponent("c")
        waiting = asyncio.create_task(component.until(lambda c: c.state[0] == "P"))
        broken = asyncio.create_task(component.until(lambda c: c.state[0] == "A" / 2))
        await settle()
        await component.send("start")
        await component.send("confirm", "confirmed")

        assert await waiting == "ProcessingRequest"
        with pytest.raises(TypeError):
            await broken

    @pytest.mark.parametrize("timeout", [0.01, timedelta(milliseconds=10), 0])
    async def test_timeout_says_what_and_why(self, timeout):
        """It is a TimeoutError and names the state and the last refusal."""
        component = AsyncComponent("c")
        await component.send("start")
        waiting = asyncio.create_task(component.until("ErrorHandling", timeout))
        await asyncio.sleep(0)
        await component.send("confirm", "no")

        with pytest.raises(TimeoutError) as caught:
            await waiting
        error = caught.value
        assert isinstance(error, UntilTimeout)
        assert "ErrorHandling" in error.what
        assert "AwaitingConfirmation" in error.why
        assert error.why_not in error.why
        assert not component.mailbox.waiters

    async def test_close_ends_the_wait(self):
        """A caller gets an EngineClosedError, and so does one that comes later."""
        component = AsyncComponent("c")
        waiting = asyncio.create_task(component.until("Never"))
        await settle()
        component.close()

        with pytest.raises(EngineClosedError):
            await waiting
        with pytest.raises(EngineClosedError):
            await component.until("Never")


class TestQuestions:
    async def test_builtin_states_know_what_they_take(self):
        """can, accepted and why_not of a table; a message or its type."""
        component = AsyncComponent("c")

        assert component.can("start")
        assert component.accepted() == ("start",)
        assert not component.why_not("start")
        assert not component.can("confirm")
        assert "start" in str(component.why_not("confirm"))
        await component.send("start")
        assert component.accepted() == ("cancel",)
        assert component.can({"type": "confirm", "content": "confirmed"})
        assert "'confirmed'" in str(component.why_not({"type": "confirm"}))

    async def test_asking_does_nothing(self):
        """The state is as it was, and no event is announced."""
        bus = EventBus()
        component = AsyncComponent("c", event_bus=bus)
        seen = await watched(bus)
        component.can("start")
        component.why_not("x")

        assert component.state == "InitialState"
        assert seen == []


class TestClose:
    async def test_waiting_messages_are_refused(self):
        """The one under way ends; the rest and later ones get EngineClosedError."""
        bus = EventBus()
        hold = asyncio.Event()

        async def block(_, component):
            await component.send("inner")
            await hold.wait()

        component, log = doing(bus=bus, block=block)
        seen = await watched(bus, MESSAGE_FAILED)
        first = asyncio.create_task(component.send("block"))
        second = asyncio.create_task(component.send("second"))
        await settle()
        component.close()
        component.close()
        hold.set()

        assert (await first).status == "handled"
        with pytest.raises(EngineClosedError):
            await second
        with pytest.raises(EngineClosedError):
            await component.send("third")
        assert log == ["+block", "-block"]
        types = sorted(data["message"]["type"] for _, data in seen)
        assert types == ["inner", "second"]

    async def test_subscriptions_end(self):
        """Those made in the component's name, and no others."""
        bus = EventBus()
        component = AsyncComponent("c", event_bus=bus)
        await bus.subscribe("x", "c", print)
        await bus.subscribe("x", "other", print)
        component.close()

        assert bus.statistics().subscriptions == 1


class TestObject:
    def test_takes_attributes_and_subclasses(self):
        """Users put what they like on it, and may override its methods."""

        class Mine(AsyncComponent):
            async def handle_message(self, message):
                self.count = getattr(self, "count", 0) + 1
                return await super().handle_message(message)

        component = Mine("c")
        component.anything = 1

        asyncio.run(component.send("start"))
        assert (component.anything, component.count) == (1, 1)
        assert component.state == "AwaitingConfirmation"
        assert repr(component) == "<Mine 'c' in 'AwaitingConfirmation'>"

    def test_is_used_from_one_loop_after_another(self):
        """A component without an engine works in each asyncio.run."""
        component = AsyncComponent("c")
        asyncio.run(component.send("start"))
        asyncio.run(component.send("cancel"))

        assert component.state == "InitialState"

    async def test_logger_may_be_anything_with_a_loggers_methods(self):
        """It is told of transitions; None tells nobody."""
        logger = Mock()
        component = AsyncComponent("c", logger=logger)
        await component.send("start")
        component.logger = None
        await component.send("cancel")

        logger.info.assert_called_once()
