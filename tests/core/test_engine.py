"""Engines: whom they own, whose loop they belong to, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from unittest.mock import Mock

import pytest

from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import (
    ComponentError,
    EngineClosedError,
    FlexiFlowError,
    StateError,
)
from flexiflow.event_manager import EventBus
from flexiflow.events import COMPONENT_REGISTERED, STATE_CHANGED
from flexiflow.logger import correlation_id, get_correlation_id
from flexiflow.state_machine import DEFAULT_REGISTRY, State, StateMachine, StateRegistry

DOOR = {
    "name": "door",
    "states": {
        "closed": {"on": {"open": "opened"}},
        "opened": {"on": {"close": "closed"}},
    },
}


class Calling(State):
    """A state that calls a function with each message."""

    def __init__(self, function):
        self.function = function

    async def handle_message(self, message, component):
        """Call and stay."""
        await self.function(message, component)
        return True, self


def calling(name, function):
    """Return a component whose messages call a function."""
    return AsyncComponent(name, state_machine=StateMachine(Calling(function)))


async def settle():
    """Let every task that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


class TestRegister:
    async def test_gives_a_bus_and_a_logger_to_who_has_none(self):
        """What a component brings is kept."""
        engine = FlexiFlowEngine()
        bus, logger = EventBus(), Mock()
        bare, equipped = AsyncComponent("a"), AsyncComponent("b", [], None, logger, bus)
        engine.register(bare)
        engine.register(equipped)

        assert (bare.event_bus, bare.logger) == (engine.event_bus, engine.logger)
        assert (equipped.event_bus, equipped.logger) == (bus, logger)
        assert engine.components == {"a": bare, "b": equipped}
        assert engine.get("a") is bare
        assert engine.get("c") is None

    def test_what_is_given_to_the_engine_is_used(self):
        """Logger, bus and registry are arguments; each has a default."""
        logger, bus, registry = Mock(), EventBus(), StateRegistry()
        engine = FlexiFlowEngine(logger, bus, registry)

        assert (engine.logger, engine.event_bus) == (logger, bus)
        assert engine.registry is registry
        assert FlexiFlowEngine().registry is DEFAULT_REGISTRY
        assert FlexiFlowEngine().logger.name == "flexiflow"

    async def test_is_announced_once(self):
        """Also when it is registered again; payload and sender are exact."""
        engine = FlexiFlowEngine(logger=Mock())
        seen = []
        await engine.event_bus.subscribe(COMPONENT_REGISTERED, "o", seen.append)
        component = AsyncComponent("a")
        engine.register(component)
        engine.register(component)
        await settle()

        assert seen == [{"component": "a"}]

    async def test_register_async_returns_after_the_event(self):
        """One event, delivered also to an observer that takes its time."""
        engine = FlexiFlowEngine(logger=Mock())
        seen = []

        async def slow(data):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen.append(data)

        await engine.event_bus.subscribe(COMPONENT_REGISTERED, "o", slow)
        await engine.register_async(AsyncComponent("a"))

        assert seen == [{"component": "a"}]

    def test_register_async_waits_for_what_was_registered_without_a_loop(self):
        """The event that is still owed is the one that it returns after."""
        engine = FlexiFlowEngine(logger=Mock())
        component = AsyncComponent("a")
        engine.register(component)
        seen = []

        async def slow(data):
            await asyncio.sleep(0)
            seen.append(data)

        async def main():
            await engine.event_bus.subscribe(COMPONENT_REGISTERED, "o", slow)
            await engine.register_async(component)
            assert seen == [{"component": "a"}]
            await engine.register_async(component)

        asyncio.run(main())
        assert seen == [{"component": "a"}]

    def test_without_a_loop_it_is_announced_when_one_runs(self):
        """Once, to those who subscribed first thing in that loop."""
        engine = FlexiFlowEngine(logger=Mock())
        engine.register(AsyncComponent("a"))
        seen = []

        async def main():
            await engine.event_bus.subscribe(COMPONENT_REGISTERED, "o", seen.append)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        asyncio.run(main())
        asyncio.run(main())
        assert seen == [{"component": "a"}]

    def test_between_two_runs_of_a_loop_it_is_announced_in_the_next(self):
        """The loop is known and open: it needs no call of ours to begin."""
        engine = FlexiFlowEngine(logger=Mock())
        seen = []
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            subscribe = engine.event_bus.subscribe
            loop.run_until_complete(subscribe(COMPONENT_REGISTERED, "o", seen.append))
            engine.register(AsyncComponent("a"))
            assert seen == []
            loop.run_until_complete(asyncio.sleep(0))

        assert seen == [{"component": "a"}]

    async def test_another_component_of_a_name_closes_the_old_one(self):
        """Its queue and subscriptions end; who waits is told."""
        engine = FlexiFlowEngine(logger=Mock())
        hold = asyncio.Event()

        async def block(*_):
            await hold.wait()

        old = calling("a", block)
        engine.register(old)
        await engine.event_bus.subscribe("x", "a", print)
        first = asyncio.create_task(old.send("block"))
        second = asyncio.create_task(old.send("second"))
        waiting = asyncio.create_task(old.until("Never"))
        await settle()
        new = AsyncComponent("a")
        engine.register(new)
        hold.set()
        results = await asyncio.gather(first, second, waiting, return_exceptions=True)

        assert results[0].status == "handled"
        assert [type(one) for one in results[1:]] == [EngineClosedError] * 2
        assert engine.event_bus.statistics().subscriptions == 0
        assert (await engine.handle_message("a", "start")).proceeded
        with pytest.raises(EngineClosedError, match="'a' has been closed"):
            await old.send("x")

    async def test_unregister_closes_and_forgets(self):
        """A name that is not there is an error with near misses."""
        engine = FlexiFlowEngine(logger=Mock())
        component = AsyncComponent("turnstile")
        engine.register(component)

        with pytest.raises(KeyError, match="turnstile"):
            engine.unregister("turnstyle")
        engine.unregister("turnstile")
        assert engine.components == {}
        with pytest.raises(EngineClosedError):
            await component.send("start")
        engine.register(component)
        assert (await component.send("start")).proceeded


class TestCreate:
    async def test_from_data_path_config_and_chart(self, tmp_path):
        """All four give a registered component that runs."""
        path = tmp_path / "door.yaml"
        path.write_text(
            "name: door\nstates:\n  closed: {on: {open: opened}}\n  opened: {}\n",
            encoding="utf-8",
        )
        config = ConfigLoader.load_component_config(DOOR)
        for source in (DOOR, path, str(path), config, config.chart):
            engine = FlexiFlowEngine(logger=Mock())
            component = engine.create_component(source)

            assert engine.get("door") is component
            assert (await component.send("open")).to_state == "opened"
            await engine.close()


class TestHandleMessage:
    async def test_of_a_type_with_content_and_fields(self):
        """A field may be called as a parameter of ours is."""
        engine = FlexiFlowEngine(logger=Mock())
        got = []

        async def note(message, _):
            got.append(message)

        engine.register(calling("a", note))
        await engine.handle_message("a", "x")
        await engine.handle_message("a", "x", content="c", name="n")
        await engine.handle_message("a", {"type": "y", "k": 1}, k=2)
        whole = {"type": "z"}
        await engine.handle_message("a", whole)

        assert got == [
            {"type": "x"},
            {"type": "x", "content": "c", "name": "n"},
            {"type": "y", "k": 2},
            {"type": "z"},
        ]
        assert got[-1] is whole

    async def test_unknown_name_lists_near_misses_first(self):
        """It is a ComponentError and a KeyError."""
        engine = FlexiFlowEngine(logger=Mock())
        for name in ("alpha", "turnstile", "door"):
            engine.register(AsyncComponent(name))

        with pytest.raises(ComponentError, match="'turnstyle'") as caught:
            await engine.handle_message("turnstyle", "coin")
        assert isinstance(caught.value, KeyError)
        assert caught.value.context["components"][0] == "turnstile"

    async def test_default_machine_walks_through_its_states(self):
        """The four built-in states, as in 1.0."""
        engine = FlexiFlowEngine(logger=Mock())
        engine.register(AsyncComponent("c"))
        states = []
        for kind, content in [
            ("confirm", None),
            ("start", None),
            ("confirm", "no"),
            ("confirm", "confirmed"),
            ("error", None),
            ("complete", None),
            ("acknowledge", None),
            ("start", None),
            ("cancel", None),
        ]:
            result = await engine.handle_message("c", kind, content)
            states.append((result.status[0], result.to_state[0]))

        assert "".join(a + b for a, b in states) == "iIhAiAhPhEiEhIhAhI"


class TestClose:
    async def test_drains_what_is_under_way(self):
        """Messages and observers come to their end; what they send is handled."""
        seen = []
        engine = FlexiFlowEngine(logger=Mock())

        async def work(message, component):
            if message["type"] == "go":
                await asyncio.sleep(0)
                seen.append((await engine.handle_message("b", "x")).status)
                await component.send("inner")
            seen.append(message["type"])

        async def observer(data):
            await asyncio.sleep(0)
            seen.append(f"{data['component']} changed")

        engine.register(calling("a", work))
        engine.register(calling("b", work))
        await engine.event_bus.subscribe(STATE_CHANGED, "o", observer)
        task = asyncio.create_task(engine.handle_message("a", "go"))
        await asyncio.sleep(0)
        await engine.close()

        assert (await task).status == "handled"
        assert sorted(seen) == [
            *["a changed"] * 2,
            "b changed",
            "go",
            "handled",
            "inner",
            "x",
        ]

    async def test_closed_engine_takes_nothing(self):
        """EngineClosedError says what to do; closing again is harmless."""
        engine = FlexiFlowEngine(logger=Mock())
        component = AsyncComponent("a")
        engine.register(component)
        async with engine:
            pass
        await engine.close()

        for send in (
            lambda: engine.handle_message("a", "start"),
            lambda: engine.handle_message("b", "start"),
            lambda: component.send("start"),
            lambda: engine.register_async(AsyncComponent("b")),
        ):
            with pytest.raises(
                EngineClosedError, match="engine has been closed"
            ) as got:
                await send()
            assert "FlexiFlowEngine" in got.value.fix
        assert component.state == "InitialState"

    async def test_while_it_closes_new_messages_are_refused(self):
        """Only what is sent from within a handling is taken still."""
        engine = FlexiFlowEngine(logger=Mock())
        hold = asyncio.Event()

        async def block(*_):
            await hold.wait()

        engine.register(calling("a", block))
        engine.register(AsyncComponent("b"))
        blocked = asyncio.create_task(engine.handle_message("a", "go"))
        await settle()
        closing = asyncio.create_task(engine.close())
        again = asyncio.create_task(engine.close())
        await settle()

        with pytest.raises(EngineClosedError):
            await engine.handle_message("b", "start")
        assert not closing.done()
        assert not again.done()
        hold.set()
        await asyncio.gather(closing, again, blocked)

    async def test_what_runs_after_the_grace_is_cancelled(self):
        """Handlers, queued messages and observers; no task is left behind."""
        engine = FlexiFlowEngine(logger=Mock())
        ended = []

        async def forever(*_):
            try:
                await asyncio.gather(asyncio.Event().wait())
            finally:
                ended.append("handler")

        async def observer(_):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("observer")

        async def inner(message, component):
            if message["type"] == "go":
                await component.send("inner")
            else:
                await forever()

        before = asyncio.all_tasks()
        engine.register(calling("a", forever))
        engine.register(calling("b", inner))
        await engine.event_bus.subscribe("component.message.received", "o", observer)
        tasks = [
            asyncio.create_task(engine.handle_message(name, "go")) for name in "aab"
        ]
        await settle()
        await engine.close(grace_s=0.01)
        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert sorted(ended) == ["handler", "handler", "observer"]
        assert isinstance(results[0], asyncio.CancelledError)
        assert isinstance(results[1], EngineClosedError)
        assert asyncio.all_tasks() == before

    async def test_a_handler_may_close_its_engine(self):
        """It does not wait for itself."""
        engine = FlexiFlowEngine(logger=Mock())

        async def close(*_):
            await engine.close()

        engine.register(calling("a", close))
        await asyncio.wait_for(engine.handle_message("a", "go"), 5)

        with pytest.raises(EngineClosedError):
            await engine.handle_message("a", "go")


class TestLoops:
    def test_is_bound_anew_when_its_loop_is_closed(self):
        """One asyncio.run after another works, with messages that wait as well."""
        engine = FlexiFlowEngine(logger=Mock())
        log = []

        async def note(message, _):
            await asyncio.sleep(0)
            log.append(message["type"])

        engine.register(calling("a", note))

        async def main():
            send = engine.get("a").send
            await asyncio.gather(*[send(kind) for kind in "xyz"])

        for _ in range(3):
            asyncio.run(main())
        assert log == list("xyz") * 3

    def test_a_loop_that_ends_in_the_middle_leaves_no_lock(self):
        """What was under way in the old loop does not hold up the new one."""
        engine = FlexiFlowEngine(logger=Mock())
        stuck = True

        async def block(*_):
            if stuck:
                await asyncio.Event().wait()

        component = calling("a", block)
        engine.register(component)
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(component.send("go")) for _ in range(2)]
        loop.run_until_complete(asyncio.sleep(0))
        for task in tasks:
            task._log_destroy_pending = False  # noqa: SLF001 - asyncio would log it
        loop.close()
        stuck = False

        assert asyncio.run(component.send("go")).status == "handled"

    async def test_calls_from_another_thread_hop_home(self):
        """Awaited in that thread's loop, done in the engine's; ids go along."""
        engine = FlexiFlowEngine(logger=Mock())
        threads = []

        async def note(*_):
            threads.append((threading.get_ident(), get_correlation_id()))

        async def handler(_):
            threads.append((threading.get_ident(), get_correlation_id()))

        component = calling("a", note)
        engine.register(component)
        await engine.event_bus.subscribe("mine", "o", handler)
        await component.send("first")
        threads.clear()

        async def elsewhere():
            with correlation_id("abc"):
                await engine.handle_message("a", "go")
                await component.send("go")
                await engine.event_bus.publish("mine")
                await component.update_rules([{"n": 1}])
                return await component.until("Calling")

        found = await asyncio.to_thread(lambda: asyncio.run(elsewhere()))

        assert found == "Calling"
        assert threads == [(threading.get_ident(), "abc")] * 3
        assert component.rules == [{"n": 1}]

    async def test_error_comes_back_to_the_other_thread(self):
        """What a handler raises is raised where it was awaited."""
        engine = FlexiFlowEngine(logger=Mock())

        async def bad(*_):
            raise KeyError("k")

        engine.register(calling("a", bad))
        await settle()
        async with engine:

            async def elsewhere():
                with pytest.raises(KeyError):
                    await engine.handle_message("a", "go")
                with pytest.raises(ComponentError):
                    await engine.handle_message("b", "go")

            await asyncio.to_thread(lambda: asyncio.run(elsewhere()))

    async def test_order_holds_over_threads(self):
        """Messages of many threads are handled one at a time."""
        engine = FlexiFlowEngine(logger=Mock())
        log = []

        async def note(message, _):
            log.append(message["n"])
            await asyncio.sleep(0)
            log.append(message["n"])

        engine.register(calling("a", note))
        async with engine:

            async def sender(thread):
                for number in range(20):
                    await engine.handle_message("a", "go", n=(thread, number))

            await asyncio.gather(
                *[
                    asyncio.to_thread(lambda t=t: asyncio.run(sender(t)))
                    for t in range(4)
                ]
            )

        assert log[::2] == log[1::2]
        for thread in range(4):
            mine = [number for t, number in log[::2] if t == thread]
            assert mine == list(range(20))

    async def test_closing_and_registering_hop_as_well(self):
        """From a thread without a loop: register; with one: close."""
        engine = FlexiFlowEngine(logger=Mock())
        seen = []

        def observer(data):
            seen.append((data["component"], threading.get_ident()))

        await engine.event_bus.subscribe(COMPONENT_REGISTERED, "o", observer)
        await asyncio.to_thread(lambda: engine.register(AsyncComponent("a")))
        await settle()

        assert seen == [("a", threading.get_ident())]
        await asyncio.to_thread(lambda: asyncio.run(engine.close()))
        with pytest.raises(EngineClosedError):
            await engine.handle_message("a", "start")


class TestErrors:
    async def test_unknown_initial_state_is_a_state_error(self):
        """With the nearest valid names."""
        engine = FlexiFlowEngine(logger=Mock())

        with pytest.raises(StateError) as caught:
            engine.create_component({"name": "a", "initial_state": "InitalState"})
        assert isinstance(caught.value, FlexiFlowError)
        assert "InitialState" in str(caught.value)

    async def test_registration_is_logged(self, caplog):
        """At level INFO, in the engine's own log."""
        with caplog.at_level(logging.INFO, logger="flexiflow"):
            FlexiFlowEngine().register(AsyncComponent("a"))

        assert "Registered component: a" in caplog.text
