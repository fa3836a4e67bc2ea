"""The pace of a component: pause, next, slow motion, go."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow import FlexiFlowEngine
from flexiflow.clock import ManualClock
from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ComponentError, EngineClosedError
from flexiflow.logger import get_logger

COUNTER = """
name: counter
context: {seen: []}
states:
  on:
    on:
      add: {do: note}
      nest: {do: nest}
      bad: {do: fail}
      timed: waiting
  waiting:
    after: {5s: on}
    on: {add: {do: note}}
"""


class Rig:
    """A counter that notes what it handles, in an engine with a clock of its own."""

    def __init__(self):
        self.seen = []
        self.gate = None
        self.clock = ManualClock()
        quiet = get_logger("quiet", logging.CRITICAL)
        self.engine = FlexiFlowEngine(quiet, clock=self.clock)
        config = ConfigLoader.load_component_text(
            COUNTER,
            functions={"note": self.note, "nest": self.nest, "fail": self.fail},
        )
        self.counter = self.engine.create_component(config)
        self.pace = self.counter.pace

    async def note(self, message):
        """Note a number, when the gate is open."""
        self.seen.append(message["n"])
        if self.gate is not None:
            await self.gate.wait()

    async def nest(self, message, component):
        """Send to itself from within."""
        self.seen.append("nest")
        await component.send("add", n=message["n"])

    def fail(self):
        """Raise."""
        raise ValueError("no")

    def send(self, *numbers):
        """Send numbers, each in a task of its own."""
        return [asyncio.create_task(self.counter.send("add", n=n)) for n in numbers]


async def rest():
    """Let the loop do all that it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def rig():
    """Give a counter."""
    made = Rig()
    yield made
    await made.engine.close()


class TestPause:
    """No message begins."""

    async def test_messages_wait_in_order(self, rig):
        """And so do those who sent them."""
        rig.pace.pause()
        tasks = rig.send(1, 2, 3)
        await rest()

        assert rig.seen == []
        assert (rig.pace.mode, rig.pace.waiting) == ("paused", 3)
        assert not any(task.done() for task in tasks)
        rig.pace.go()
        results = await asyncio.gather(*tasks)
        assert rig.seen == [1, 2, 3]
        assert {result.status for result in results} == {"handled"}

    async def test_it_is_not_busy_meanwhile(self, rig):
        """Nothing is being handled: changes are made at once."""
        rig.pace.pause()
        rig.send(1)
        await rest()

        assert not rig.counter.is_busy
        assert rig.counter.pending == 1
        rig.counter.restore(rig.counter.snapshot())
        rig.pace.go()

    async def test_the_present_message_comes_to_its_end(self, rig):
        """Then nothing begins."""
        rig.gate = asyncio.Event()
        first, second = rig.send(1, 2)
        await rest()
        rig.pace.pause()
        assert rig.counter.is_busy
        rig.gate.set()
        await first
        await rest()

        assert rig.seen == [1]
        assert not second.done()
        assert not rig.counter.is_busy
        rig.pace.go()
        await second

    async def test_pausing_twice_is_one_pause(self, rig):
        """One go ends it."""
        rig.pace.pause()
        rig.pace.pause()
        rig.pace.go()
        await asyncio.gather(*rig.send(1))

        assert rig.seen == [1]

    async def test_the_short_way_is_open_again(self, rig):
        """Nothing of a pause stays."""
        rig.pace.pause()
        rig.pace.go()

        assert rig.counter.mailbox is None
        assert not rig.counter.is_busy

    async def test_questions_go_on(self, rig):
        """It can be asked all it could be asked before."""
        rig.pace.pause()

        assert rig.counter.can({"type": "timed"})
        assert rig.counter.state == "on"
        rig.pace.go()

    async def test_an_action_may_pause_its_own_component(self, rig):
        """The message comes to its end first."""
        config = ConfigLoader.load_component_text(
            "name: it\nstates:\n  a: {on: {x: {to: b, do: hold}}}\n  b: {on: {x: a}}\n",
            functions={"hold": lambda component: component.pace.pause()},
        )
        component = rig.engine.create_component(config)
        assert (await component.send("x")).to_state == "b"
        waiting = asyncio.create_task(component.send("x"))
        await rest()

        assert component.state == "b"
        component.pace.go()
        assert (await waiting).to_state == "a"

    async def test_sends_from_within_wait_with_their_sender(self, rig):
        """What a handling sends to itself is queued; its caller waits for that too."""
        rig.pace.pause()
        nesting = asyncio.create_task(rig.counter.send("nest", n=7))
        await rest()
        rig.pace.next()
        await rest()

        assert rig.seen == ["nest"]
        assert rig.pace.waiting == 1
        assert not nesting.done()
        rig.pace.next()
        await nesting
        assert rig.seen == ["nest", 7]

    async def test_timers_wait_for_their_turn(self, rig):
        """They fire in time, and their message waits like all others."""
        await rig.counter.send("timed")
        rig.pace.pause()
        early = rig.send(1)
        await rest()
        rig.clock.advance(5)
        late = rig.send(2)
        await rest()

        assert (rig.counter.state, rig.pace.waiting) == ("waiting", 3)
        rig.pace.go()
        await asyncio.gather(*early, *late)
        assert rig.counter.state == "on"
        assert rig.seen == [1, 2]

    async def test_a_timer_that_waits_is_saved_as_due(self, rig):
        """Its time has come; a restored component does not wait for all of it again."""
        await rig.counter.send("timed")
        rig.pace.pause()
        rig.clock.advance(5)
        await rest()

        assert rig.counter.snapshot()["timers"] == {"after.waiting#5s": 0.0}
        rig.pace.go()
        await rig.counter.idle()
        assert rig.counter.state == "on"
        assert "timers" not in rig.counter.snapshot()

    async def test_a_sender_that_gives_up_leaves_the_queue(self, rig):
        """The others keep their order."""
        rig.pace.pause()
        tasks = rig.send(1, 2, 3)
        await rest()
        tasks[1].cancel()
        await rest()

        assert rig.pace.waiting == 2
        rig.pace.go()
        await asyncio.gather(tasks[0], tasks[2])
        assert rig.seen == [1, 3]

    async def test_closing_refuses_what_waits(self, rig):
        """Nobody waits for ever."""
        rig.pace.pause()
        tasks = rig.send(1, 2)
        await rest()
        rig.counter.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert {type(result) for result in results} == {EngineClosedError}
        assert rig.pace.mode == "go"
        with pytest.raises(EngineClosedError):
            rig.pace.pause()

    async def test_closing_the_engine_refuses_what_waits(self, rig):
        """At once, not after the time of grace."""
        rig.pace.pause()
        tasks = rig.send(1)
        await rest()
        await asyncio.wait_for(rig.engine.close(), 1.0)
        (result,) = await asyncio.gather(*tasks, return_exceptions=True)

        assert isinstance(result, EngineClosedError)
        assert rig.seen == []

    async def test_a_failed_message_ends_nothing(self, rig):
        """The next one still waits."""
        rig.pace.pause()
        bad = asyncio.create_task(rig.counter.send("bad"))
        good = rig.send(1)
        await rest()
        rig.pace.next()
        with pytest.raises(Exception, match="fail"):
            await bad
        await rest()

        assert rig.seen == []
        rig.pace.go()
        await asyncio.gather(*good)

    async def test_undo_works_while_paused(self, rig):
        """And timers begin though nothing else does."""
        rig.counter.keep_steps()
        await rig.counter.send("timed")
        await rig.counter.send("add", n=1)
        rig.pace.pause()
        waiting = rig.send(2)
        await rest()
        await rig.counter.undo()
        await rest()

        assert rig.counter.steps.last == 1
        assert rig.pace.waiting == 1
        assert [one.kind for one in rig.counter.under_way()] == ["timer"]
        rig.pace.go()
        await asyncio.gather(*waiting)

    def test_it_lasts_from_one_loop_to_the_next(self):
        """What waited in the loop that ended is forgotten, as always."""
        made = Rig()
        made.pace.pause()

        async def send():
            task = made.send(1)[0]
            await rest()
            assert made.seen == []
            task.cancel()
            await asyncio.wait([task])

        async def go():
            task = made.send(2)[0]
            await rest()
            assert made.seen == []
            made.pace.go()
            await task
            await made.engine.close()

        asyncio.run(send())
        asyncio.run(go())
        assert made.seen == [2]


class TestNext:
    """One message at a time."""

    async def test_one_is_handled(self, rig):
        """The one that waits longest."""
        rig.pace.pause()
        tasks = rig.send(1, 2)
        await rest()

        assert rig.pace.next()
        await tasks[0]
        await rest()
        assert rig.seen == [1]
        assert not tasks[1].done()
        rig.pace.go()
        await tasks[1]

    async def test_when_none_waits_none_is_let_through_later(self, rig):
        """It says so, and grants nothing in advance."""
        rig.pace.pause()
        assert not rig.pace.next()
        tasks = rig.send(1)
        await rest()

        assert rig.seen == []
        rig.pace.go()
        await asyncio.gather(*tasks)

    async def test_during_a_message_it_means_the_one_after(self, rig):
        """That begins when the present one ends."""
        rig.gate = asyncio.Event()
        tasks = rig.send(1, 2, 3)
        await rest()
        rig.pace.pause()
        assert rig.pace.next()
        rig.gate.set()
        await asyncio.gather(*tasks[:2])
        await rest()

        assert rig.seen == [1, 2]
        rig.pace.go()
        await tasks[2]

    async def test_one_whose_sender_gives_up_does_not_count(self, rig):
        """The next is handled in its place."""
        rig.pace.pause()
        tasks = rig.send(1, 2, 3)
        await rest()
        rig.pace.next()  # wakes the first sender,
        tasks[0].cancel()  # who is cancelled before it runs
        await rest()

        assert rig.seen == [2]
        rig.pace.go()
        await tasks[2]

    async def test_it_needs_a_pause(self, rig):
        """What to do stands in the error."""
        with pytest.raises(ComponentError, match="not paused"):
            rig.pace.next()


class TestSlow:
    """Slow motion."""

    async def test_each_message_waits_after_the_one_before(self, rig):
        """By the component's clock."""
        rig.pace.slow(2)
        tasks = rig.send(1, 2, 3)
        await rest()
        assert rig.seen == [1]
        rig.clock.advance(1.9)
        await rest()
        assert rig.seen == [1]
        rig.clock.advance(0.1)
        await rest()
        assert rig.seen == [1, 2]
        rig.clock.advance(2)
        await rest()

        assert rig.seen == [1, 2, 3]
        assert all(task.done() for task in tasks)

    async def test_after_the_rest_a_message_begins_at_once(self, rig):
        """Then the next rest begins."""
        rig.pace.slow(2)
        await asyncio.gather(*rig.send(1))
        rig.clock.advance(2)
        await rest()
        assert not rig.counter.is_busy
        await asyncio.gather(*rig.send(2))
        tasks = rig.send(3)
        await rest()

        assert rig.seen == [1, 2]
        rig.clock.advance(2)
        await asyncio.gather(*tasks)

    async def test_messages_without_user_code_are_slow_too(self, rig):
        """All of them are."""
        rig.pace.slow(1)
        await rig.counter.send("timed")
        tasks = rig.send(1)
        await rest()

        assert rig.seen == []
        rig.clock.advance(1)
        await asyncio.gather(*tasks)

    async def test_go_ends_it(self, rig):
        """What waits is handled at once, and no timer stays."""
        rig.pace.slow(2)
        tasks = rig.send(1, 2, 3)
        await rest()
        rig.pace.go()
        await asyncio.gather(*tasks)

        assert rig.seen == [1, 2, 3]
        assert rig.clock.pending == 0
        assert (rig.pace.mode, rig.pace.delay_s) == ("go", 0.0)

    async def test_pause_takes_over(self, rig):
        """The rest that was under way ends nothing then."""
        rig.pace.slow(2)
        tasks = rig.send(1, 2)
        await rest()
        rig.pace.pause()
        rig.clock.advance(10)
        await rest()
        assert rig.seen == [1]
        rig.pace.slow(1)
        await rest()

        assert rig.seen == [1, 2]
        await asyncio.gather(*tasks)

    async def test_closing_the_engine_hurries(self, rig):
        """Nothing is refused that was to be handled."""
        rig.pace.slow(60)
        tasks = rig.send(1, 2, 3)
        await rest()
        await asyncio.wait_for(rig.engine.close(), 1.0)
        await asyncio.gather(*tasks)

        assert rig.seen == [1, 2, 3]

    @pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), "1", True])
    async def test_wrong_times_are_refused(self, rig, wrong):
        """The pace is as before."""
        with pytest.raises(ComponentError, match="no time between"):
            rig.pace.slow(wrong)

        assert rig.pace.mode == "go"


class TestLaw:
    """Whatever is said, no message is lost, and none changes places."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                ["send", "send", "send", "pause", "next", "slow", "go", "tick", "rest"]
            ),
            max_size=30,
        )
    )
    def test_each_message_is_handled_once_in_order(self, deeds):
        """After a go all have been."""

        async def run():
            made = Rig()
            tasks = []
            for deed in deeds:
                if deed == "send":
                    tasks += made.send(len(tasks))
                elif deed == "pause":
                    made.pace.pause()
                elif deed == "next" and made.pace.mode == "paused":
                    made.pace.next()
                elif deed == "slow":
                    made.pace.slow(1)
                elif deed == "go":
                    made.pace.go()
                elif deed == "tick":
                    made.clock.advance(1)
                elif deed == "rest":
                    await rest()
            made.pace.go()
            await asyncio.gather(*tasks)
            assert made.seen == list(range(len(tasks)))
            assert made.counter.mailbox is None
            assert not made.counter.is_busy
            assert made.clock.pending == 0
            await made.engine.close()

        asyncio.run(run())
