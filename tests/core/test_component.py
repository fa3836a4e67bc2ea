"""Components: results, rules, waiting for a state, questions, their end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from unittest.mock import Mock

import pytest

from flexiflow.component import AsyncComponent, MessageResult
from flexiflow.errors import (
    ComponentError,
    EngineClosedError,
    UntilTimeout,
)
from flexiflow.event_manager import EventBus
from flexiflow.events import (
    MESSAGE_FAILED,
)
from tests.core.doing import doing, settle, watched


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
