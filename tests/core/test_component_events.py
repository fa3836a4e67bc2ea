"""What a component tells: failures, events, the story of a message."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from unittest.mock import Mock

import pytest

from flexiflow.component import AsyncComponent
from flexiflow.errors import (
    StateError,
)
from flexiflow.event_manager import EventBus
from flexiflow.events import (
    HANDLER_FAILED,
    MESSAGE_FAILED,
    MESSAGE_HANDLED,
    MESSAGE_RECEIVED,
    STATE_CHANGED,
)
from flexiflow.logger import correlation_id, get_correlation_id
from flexiflow.state_machine import State, StateMachine
from tests.core.doing import EVENTS, Doing, doing, settle, watched


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
