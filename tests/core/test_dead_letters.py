"""What becomes of messages that nobody could handle, and who sent the others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from flexiflow.clock import ManualClock
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError, ComponentNotFoundError, EngineClosedError
from flexiflow.events import MESSAGE_FAILED, MESSAGE_RECEIVED

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent
    from flexiflow.events import Event

ORDER = """
name: order
states:
  cart:
    on:
      pay: {to: charging, do: [{send: {type: charge, to: payments}}]}
      lose: {do: [{send: {type: charge, to: ghost, amount: 3}}]}
      wait: {to: waiting}
      break: {do: [fail]}
      call: {do: [ring]}
  waiting:
    after: {1s: cart}
  charging:
    on: {charged: cart}
"""
PAYMENTS = """
name: payments
states:
  idle:
    on:
      charge: {do: [{send: {type: charged, to: order, delay: 1s}}]}
"""


def fail() -> None:
    """Raise, as an action of the user's would."""
    msg = "no such card"
    raise ValueError(msg)


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the engine."""
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> FlexiFlowEngine:
    """Return an engine that keeps a history."""
    engine = FlexiFlowEngine(clock=clock)
    engine.event_bus.keep_history()
    return engine


def made(engine: FlexiFlowEngine, text: str, **functions: Any) -> AsyncComponent:
    """Return a component of the engine; Any: functions of any kind."""
    config = ConfigLoader.load_component_text(
        text, functions={"fail": fail, "ring": fail, **functions}
    )
    return engine.create_component(config)


def received(engine: FlexiFlowEngine, component: str) -> list[Event]:
    """Return the events of messages that a component received."""
    history = engine.event_bus.keep_history()
    return [
        event
        for event in history.after(0)
        if event.name == MESSAGE_RECEIVED and event.component == component
    ]


class TestSource:
    async def test_a_message_from_outside_has_none(
        self, engine: FlexiFlowEngine
    ) -> None:
        """Nobody of the engine has sent what a caller sends."""
        order = made(engine, ORDER)

        await order.send("wait")

        assert [event.source for event in received(engine, "order")] == [None]

    async def test_a_sent_message_names_its_component(
        self, engine: FlexiFlowEngine, clock: ManualClock
    ) -> None:
        """What a chart sends, now or later, comes from its component."""
        order, _ = made(engine, ORDER), made(engine, PAYMENTS)

        await order.send("pay")
        clock.advance(1)
        await order.until("cart")

        assert [event.source for event in received(engine, "payments")] == ["order"]
        assert [event.source for event in received(engine, "order")] == [
            None,
            "payments",
        ]

    async def test_a_timer_speaks_for_its_own_component(
        self, engine: FlexiFlowEngine, clock: ManualClock
    ) -> None:
        """A timer's message is one of the component to itself."""
        order = made(engine, ORDER)
        await order.send("wait")

        clock.advance(1)
        await order.until("cart")

        assert received(engine, "order")[-1].source == "order"

    async def test_a_function_speaks_for_the_component_that_calls_it(
        self, engine: FlexiFlowEngine
    ) -> None:
        """What an action sends by hand comes from its component."""
        payments = made(engine, PAYMENTS)

        async def ring() -> None:
            await payments.send("charge")

        order = made(engine, ORDER, ring=ring)
        await order.send("call")

        assert [event.source for event in received(engine, "payments")] == ["order"]

    async def test_a_message_that_waited_keeps_its_sender(
        self, engine: FlexiFlowEngine
    ) -> None:
        """A message that an action sends to its own component is queued, not lost."""
        orders: list[AsyncComponent] = []

        async def ring() -> None:
            await orders[0].send("wait")

        orders.append(made(engine, ORDER, ring=ring))
        await orders[0].send("call")

        assert [event.source for event in received(engine, "order")] == [None, "order"]

    async def test_other_events_have_none(self, engine: FlexiFlowEngine) -> None:
        """Only the receipt of a message tells of its sender."""
        order, _ = made(engine, ORDER), made(engine, PAYMENTS)

        await order.send("pay")

        history = engine.event_bus.keep_history()
        others = [event for event in history.after(0) if event.name != MESSAGE_RECEIVED]
        assert {event.source for event in others} == {None}


class TestDeadLetters:
    async def test_a_failed_message_is_one(self, engine: FlexiFlowEngine) -> None:
        """It is kept with what was raised, right after the event that tells of it."""
        order = made(engine, ORDER)
        with suppress(ActionError):
            await order.send("break", amount=3)

        letters = engine.event_bus.dead_letters
        assert letters is not None
        (letter,) = letters.latest()

        assert (letter.component, letter.reason, letter.source) == (
            "order",
            "failed",
            None,
        )
        assert letter.message == {"type": "break", "amount": 3}
        assert "no such card" in letter.error
        event = engine.event_bus.keep_history().after(letter.seq - 1)[0]
        assert event.name == MESSAGE_FAILED
        assert event.correlation_id == letter.correlation_id

    async def test_a_message_to_nobody_is_one(self, engine: FlexiFlowEngine) -> None:
        """It names who sent it; the message whose step sent it has failed as well."""
        order = made(engine, ORDER)
        with suppress(ComponentNotFoundError):
            await order.send("lose")

        letters = engine.event_bus.dead_letters
        assert letters is not None
        failed, lost = letters.latest()

        assert (lost.component, lost.reason, lost.source) == (
            "ghost",
            "unknown",
            "order",
        )
        assert lost.message == {"type": "charge", "amount": 3}
        assert (failed.component, failed.reason) == ("order", "failed")

    async def test_the_engine_is_asked_for_nobody(
        self, engine: FlexiFlowEngine
    ) -> None:
        """A message to an unknown name is kept, and the error is as ever."""
        with pytest.raises(ComponentNotFoundError):
            await engine.handle_message("ghost", "boo", amount=3)

        letters = engine.event_bus.dead_letters
        assert letters is not None
        (letter,) = letters.latest()
        assert letter.message == {"type": "boo", "amount": 3}
        assert letter.reason == "unknown"

    async def test_a_closed_component_takes_none(self, engine: FlexiFlowEngine) -> None:
        """A message that comes after the end is kept, and refused as ever."""
        order = made(engine, ORDER)
        await order.send("wait")
        engine.unregister("order")

        with pytest.raises(EngineClosedError):
            await order.send("pay")

        letters = engine.event_bus.dead_letters
        assert letters is not None
        assert [letter.reason for letter in letters.latest()] == ["closed"]

    async def test_ignored_messages_are_none(self, engine: FlexiFlowEngine) -> None:
        """A message that does nothing now has been handled."""
        order = made(engine, ORDER)

        await order.send("charged")

        letters = engine.event_bus.dead_letters
        assert letters is not None
        assert letters.latest() == []

    async def test_without_a_history_nothing_is_kept(self) -> None:
        """An engine that nobody looks at keeps no messages alive."""
        engine = FlexiFlowEngine()
        order = made(engine, ORDER)

        with suppress(ActionError):
            await order.send("break")

        assert engine.event_bus.dead_letters is None

    async def test_the_oldest_go_and_are_counted(self, engine: FlexiFlowEngine) -> None:
        """The number of the newest tells how many there were."""
        order = made(engine, ORDER)
        for _ in range(1_005):
            with suppress(ActionError):
                await order.send("break")

        letters = engine.event_bus.dead_letters
        assert letters is not None
        assert (len(letters), letters.last_number) == (1_000, 1_005)
        assert letters.get(5) is None
        assert [letter.number for letter in letters.after(1_003)] == [1_004, 1_005]

    async def test_who_listens_hears_of_each_change(
        self, engine: FlexiFlowEngine
    ) -> None:
        """One comes, one goes; then nobody listens any more."""
        order, heard = made(engine, ORDER), []
        letters = engine.event_bus.dead_letters
        assert letters is not None
        stop = letters.listen(lambda: heard.append(len(letters)))
        with suppress(ActionError):
            await order.send("break")
        removed = letters.remove(1)
        stop()
        with suppress(ActionError):
            await order.send("break")

        assert removed
        assert heard == [1, 0]
        assert not letters.remove(1)

    async def test_a_cancelled_wait_is_one(self, engine: FlexiFlowEngine) -> None:
        """A message taken out of the queue by its caller's end names its sender."""
        free = asyncio.Event()
        order = made(engine, ORDER, ring=free.wait)
        first = asyncio.ensure_future(order.send("call"))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(order.send("wait"))
        await asyncio.sleep(0)
        second.cancel()
        with suppress(asyncio.CancelledError):
            await second
        free.set()
        await first

        letters = engine.event_bus.dead_letters
        assert letters is not None
        assert [letter.message["type"] for letter in letters.latest()] == ["wait"]


class TestHearers:
    async def test_those_of_an_event_are_named_once(
        self, engine: FlexiFlowEngine
    ) -> None:
        """Patterns count; the order is that of the delivery."""
        bus = engine.event_bus

        async def hear(_data: object) -> None: ...

        await bus.subscribe("order.paid", "late", hear, 5)
        await bus.subscribe("order.*", "pattern", hear, 1)
        await bus.subscribe("order.paid", "late", hear, 5)

        assert bus.hearers("order.paid") == ("pattern", "late")
        assert bus.hearers("nothing") == ()
