"""The steps of a component: what is kept, looked at, undone and forked."""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow import AsyncComponent, FlexiFlowEngine, State, StateMachine
from flexiflow import steps as steps_module
from flexiflow.clock import ManualClock
from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ComponentError, EngineClosedError
from flexiflow.logger import get_logger
from flexiflow.statechart import Simulation
from flexiflow.steps import write_down

TURNSTILE = """
name: turnstile
context: {coins: 0}
states:
  locked:
    on:
      coin: {to: unlocked, do: {add: {coins: 1}}}
      slug: {to: unlocked, do: fail}
      look: {do: look}
      loud: {to: unlocked, do: shout}
  unlocked:
    on: {push: locked}
    after: {30s: locked}
"""

SHOP = """
name: shop
context: {paid: false}
states:
  cart:
    exit: pack
    on:
      pay:
        to: paid
        do:
          - charge
          - set: {paid: true}
          - emit: {event: order.paid}
          - send: {type: open, to: gate}
  paid:
    entry: thank
    on: {more: cart}
"""


def fail():
    """Raise, as an action may."""
    raise ValueError("no")


def look():
    """Write, as an action may."""
    write_down("stdout", "looked\n")


def shout():
    """Write very much."""
    for _ in range(100):
        write_down("stdout", "a" * 1_000)


def make(text=TURNSTILE, clock=None, **functions):
    """Return an engine and the component of a chart."""
    known = {"fail": fail, "look": look, "shout": shout, **functions}
    engine = FlexiFlowEngine(get_logger("quiet", logging.CRITICAL), clock=clock)
    config = ConfigLoader.load_component_text(text, functions=known)
    return engine, engine.create_component(config)


@pytest.fixture
async def turnstile():
    """Give a turnstile that keeps its steps."""
    engine, component = make(clock=ManualClock())
    component.keep_steps()
    yield component
    await engine.close()


class TestKeeping:
    """What makes a step."""

    async def test_each_transition_adds_one(self, turnstile):
        """From the first to the last number there are as many as transitions."""
        for _ in range(4):
            await turnstile.send("coin")
            await turnstile.send("push")

        steps = turnstile.steps
        assert (steps.first, steps.last, len(steps)) == (0, 8, 9)
        assert [step.state for step in steps][:3] == ["locked", "unlocked", "locked"]

    async def test_the_first_is_the_initial_state(self, turnstile):
        """Nothing led there."""
        first = turnstile.steps[0]

        assert first.is_beginning
        assert first.paths == ("locked",)
        assert first.context == {"coins": 0}
        assert first.from_state == ""
        assert first.transitions == ()

    async def test_a_step_tells_what_led_there(self, turnstile):
        """Message, transition, context, time and story."""
        result = await turnstile.send("coin", by="Ann")
        step = turnstile.steps[1]

        assert step.message == {"type": "coin", "by": "Ann"}
        assert not step.is_beginning
        assert (step.from_state, step.state) == ("locked", "unlocked")
        assert step.leaves == {"unlocked"}
        assert step.transitions == (0,)
        assert step.context == {"coins": 1}
        assert turnstile.steps[0].context == {"coins": 0}
        assert step.correlation_id == result.correlation_id
        assert step.timestamp == 1_700_000_000.0
        assert step.time.utcoffset().total_seconds() == 0

    async def test_one_that_acts_in_place_is_a_step(self, turnstile):
        """A transition was taken, though no state was left."""
        await turnstile.send("look")

        assert turnstile.steps.last == 1

    async def test_ignored_messages_are_none(self, turnstile):
        """Nothing happened."""
        await turnstile.send("push")

        assert turnstile.steps.last == 0

    async def test_failed_messages_are_marks(self, turnstile):
        """They stand after a step, and make none."""
        await turnstile.send("coin")
        await turnstile.send("push")
        with pytest.raises(Exception, match="fail"):
            await turnstile.send("slug")
        await turnstile.send("coin")

        steps = turnstile.steps
        assert steps.last == 3
        (failure,) = steps.failures
        assert failure.after == 2
        assert failure.message == {"type": "slug"}
        assert failure.error == "ValueError: no"

    async def test_an_effect_that_fails_is_a_step_and_a_mark(self):
        """The state was committed before."""
        engine, shop = make(SHOP, charge=dict, pack=dict, thank=dict)
        shop.keep_steps()
        with pytest.raises(LookupError):
            await shop.send("pay")  # there is no gate

        assert shop.state == "paid"
        assert shop.steps.last == 1
        assert [one.after for one in shop.steps.failures] == [1]
        await engine.close()

    async def test_timers_make_steps(self, turnstile):
        """Their message stands with the step."""
        await turnstile.send("coin")
        turnstile.clock.advance(30)
        await turnstile.idle()

        step = turnstile.steps[2]
        assert step.state == "locked"
        assert step.message["type"] == "after"

    async def test_the_start_of_a_chart_is_the_first_step(self):
        """Entering the initial states is no transition."""
        engine, component = make(
            "name: t\nstates:\n"
            "  a: {entry: look, on: {x: b}, after: {5s: b}}\n"
            "  b: {}\n"
        )
        component.keep_steps()
        await component.idle()
        await component.send("x")

        assert [step.state for step in component.steps] == ["a", "b"]
        assert component.steps[0].snapshot()["timers"].keys() == {"after.a#5s"}
        await engine.close()

    async def test_keeping_twice_gives_the_same(self, turnstile):
        """A larger size grows it; a smaller one does not shrink it."""
        steps = turnstile.steps

        assert turnstile.keep_steps(20_000) is steps
        assert turnstile.keep_steps(5) is steps
        assert steps.size == 20_000

    async def test_it_may_begin_later(self):
        """The first entry is the state then."""
        engine, component = make()
        await component.send("coin")
        steps = component.keep_steps()
        await component.send("push")

        assert [step.state for step in steps] == ["unlocked", "locked"]
        await engine.close()

    async def test_it_keeps_without_a_bus(self):
        """A component that stands alone has steps too."""
        config = ConfigLoader.load_component_text(
            TURNSTILE, functions={"fail": fail, "look": look, "shout": shout}
        )
        component = config.make_component()
        component.keep_steps()
        await component.send("coin")
        await component.send("look")
        await component.send("push")

        assert [step.state for step in component.steps][1:] == ["unlocked", "locked"]
        assert component.steps[2].seq == 0
        component.close()

    async def test_old_ones_are_dropped_and_counted(self):
        """The numbers go on."""
        engine, component = make()
        steps = component.keep_steps(3)
        for _ in range(4):
            await component.send("coin")
            await component.send("push")

        assert (steps.first, steps.last, steps.dropped, len(steps)) == (6, 8, 6, 3)
        with pytest.raises(IndexError, match="6 to 8"):
            steps[5]
        assert steps[6].from_state == ""
        await engine.close()

    @pytest.mark.parametrize("size", [1, 0, -1])
    async def test_too_few_are_refused(self, turnstile, size):
        """One step and the one before it are the least."""
        with pytest.raises(ValueError, match="at least 2"):
            turnstile.keep_steps(size)

    async def test_it_knows_the_events_by_then(self):
        """The number is that of the step's last event."""
        engine, component = make()
        history = engine.event_bus.keep_history()
        steps = component.keep_steps()
        await component.send("coin")
        seq = history.last_seq
        await component.send("push")

        assert steps[1].seq == seq
        assert history.after(seq - 1)[0].name == "component.message.handled"
        await engine.close()

    async def test_what_comes_since_can_be_asked(self, turnstile):
        """Steps, transitions and states after a number."""
        for name in ("coin", "push", "coin"):
            await turnstile.send(name)
        steps = turnstile.steps

        assert [step.number for step in steps.since(1)] == [2, 3]
        assert list(steps.taken(0)) == [(0,), (4,), (0,)]
        assert list(steps.paths(1)) == [("locked",), ("unlocked",)]
        assert list(steps.since(3)) == []
        assert [step.number for step in steps.since(-7)] == [0, 1, 2, 3]

    async def test_classes_have_steps_by_name(self):
        """They have no context, and no transitions that are known."""

        class Off(State):
            async def handle_message(self, message, component):
                return True, On()

        class On(State):
            async def handle_message(self, message, component):
                return False, self

        component = AsyncComponent("lamp", state_machine=StateMachine(Off()))
        component.keep_steps()
        await component.send("switch")

        assert [step.state for step in component.steps] == ["Off", "On"]
        assert component.steps[1].context is None
        assert component.steps[1].transitions == ()
        done = await component.undo()
        assert (component.state, done.performed) == ("Off", ("the code of Off",))
        await component.send("switch")
        assert component.fork(at=0).state == "Off"
        assert component.state == "On"

    async def test_memory_is_bounded(self):
        """Ten thousand more cost nothing once the ring is full."""
        engine, component = make()
        component.keep_steps(2_000)

        async def run(count):
            for _ in range(count):
                await component.send("coin")
                await component.send("push")
                await asyncio.sleep(0)  # the loop forgets timers that were cancelled
            gc.collect()

        tracemalloc.start()
        await run(1_500)
        before = tracemalloc.get_traced_memory()[0]
        await run(3_000)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()

        assert grown < 50_000  # 6,000 steps would be more than a million
        await engine.close()

    async def test_large_data_are_held_as_long_as_there_is_room(self, monkeypatch):
        """The oldest go first; what steps share counts once."""
        monkeypatch.setattr(steps_module, "_MOST_BYTES", 300_000)
        text = (
            "name: t\ncontext: {log: []}\nstates:\n"
            "  a: {on: {grow: {do: grow}, stay: {do: look}}}\n"
        )

        def grow(context):
            return {"log": [*context["log"], 0]}

        engine, component = make(text, grow=grow)
        steps = component.keep_steps()
        for _ in range(512):
            await component.send("stay")
        assert steps.dropped == 0
        for _ in range(768):
            await component.send("grow")

        assert 10 < len(steps) < 300
        assert steps.last == 1280
        await engine.close()


class TestOutput:
    """What is printed or logged at a step."""

    async def test_it_stands_at_its_step(self, turnstile):
        """Not at those beside it."""
        await turnstile.send("coin")
        await turnstile.send("push")
        await turnstile.send("look")
        await turnstile.send("coin")

        assert [bool(step.output) for step in turnstile.steps][1:] == [
            False,
            False,
            True,
            False,
        ]
        (output,) = turnstile.steps[3].output
        assert (output.stream, output.text) == ("stdout", "looked\n")

    async def test_what_fails_takes_it_along(self):
        """It belongs to the failure, not to the next step."""

        def fail_loudly():
            write_down("stderr", "alas")
            fail()

        engine, component = make(fail=fail_loudly)
        component.keep_steps()
        with pytest.raises(Exception, match="fail"):
            await component.send("slug")
        await component.send("coin")

        assert component.steps[1].output == ()
        assert component.steps.failures[0].output[0].text == "alas"
        await engine.close()

    async def test_much_is_cut(self, turnstile):
        """Eight thousand characters are held."""
        await turnstile.send("loud")

        (output,) = turnstile.steps[1].output
        assert 7_900 < len(output.text) < 8_100
        assert output.text.endswith("…")

    def test_outside_of_a_step_it_is_nobodys(self):
        """The caller is told so."""
        assert not write_down("stdout", "hello")

    async def test_without_steps_it_is_nobodys(self):
        """Nothing is held that nobody keeps."""
        told = []
        engine, component = make(look=lambda: told.append(write_down("stdout", "x")))
        await component.send("look")

        assert told == [False]
        await engine.close()


class TestSnapshots:
    """Where a component stood."""

    async def test_each_is_what_the_component_gave(self, turnstile):
        """The same data as ``snapshot()`` after that message, services apart."""
        given = [turnstile.snapshot()]
        for name in ("coin", "push", "coin"):
            await turnstile.send(name)
            given.append(turnstile.snapshot())
            turnstile.clock.advance(1)

        made = [step.snapshot() for step in turnstile.steps]
        for one in (*given, *made):
            one.pop("stories", None)
        assert made == given

    async def test_what_is_left_of_timers_is_that_of_then(self, turnstile):
        """Though the clock has gone on since."""
        await turnstile.send("coin")
        turnstile.clock.advance(10)
        await turnstile.send("look")
        turnstile.clock.advance(5)

        assert turnstile.steps[1].snapshot()["timers"] == {"after.unlocked#30s": 30.0}

    async def test_a_sandbox_begins_there(self, turnstile):
        """What-if needs nothing else."""
        for name in ("coin", "push", "coin"):
            await turnstile.send(name)
        sandbox = Simulation(
            turnstile.chart, snapshot=turnstile.steps[1].snapshot(), functions=None
        )
        sandbox.advance(30)

        assert sandbox.leaves == {"locked"}
        assert turnstile.state == "unlocked"


class TestUndo:
    """Going back by a step."""

    async def test_state_and_context_are_as_before(self, turnstile):
        """And the step is forgotten."""
        await turnstile.send("coin")
        await turnstile.send("push")
        await turnstile.send("coin")
        done = await turnstile.undo()

        assert (turnstile.state, turnstile.context) == ("locked", {"coins": 1})
        assert (done.state, done.message) == ("locked", {"type": "coin"})
        assert turnstile.steps.last == 2
        assert "coin was undone" in done.text

    async def test_it_goes_back_to_the_beginning(self, turnstile):
        """And says so when it is there."""
        await turnstile.send("coin")
        await turnstile.send("push")
        await turnstile.undo()
        await turnstile.undo()

        assert turnstile.snapshot()["context"] == {"coins": 0}
        with pytest.raises(ComponentError, match="undo") as caught:
            await turnstile.undo()
        assert "first step" in caught.value.why

    async def test_timers_wait_for_what_was_left(self, turnstile):
        """The one that was running then runs again."""
        clock = turnstile.clock
        await turnstile.send("coin")
        clock.advance(10)
        await turnstile.send("push")
        clock.advance(100)
        await turnstile.undo()
        await turnstile.idle()

        clock.advance(29)  # at the step all of it was left
        await turnstile.idle()
        assert turnstile.state == "unlocked"
        clock.advance(1)
        await turnstile.idle()
        assert turnstile.state == "locked"

    async def test_history_is_as_before(self):
        """What a history state remembers goes back too."""
        text = """
name: player
states:
  on:
    initial: one
    on: {stop: off}
    states: {one: {on: {next: two}}, two: {}, back: {history: shallow}}
  off: {on: {go: on.back}}
"""
        engine, player = make(text)
        player.keep_steps()
        for name in ("stop", "go", "next", "stop"):
            await player.send(name)
        await player.undo()
        await player.undo()
        await player.send("stop")
        await player.send("go")

        assert player.state == "on.one"
        await engine.close()

    async def test_what_was_performed_is_named(self):
        """In order, each once, and not done again."""
        calls = []
        engine, shop = make(
            SHOP,
            charge=lambda: calls.append("charge"),
            pack=lambda: calls.append("pack"),
            thank=lambda: calls.append("thank"),
        )
        engine.register(AsyncComponent("gate"))
        shop.keep_steps()
        await shop.send("pay")
        done = await shop.undo()

        assert done.performed == (
            "call pack",
            "call charge",
            "emit order.paid",
            "send open to gate",
            "call thank",
        )
        assert all(name in done.text for name in done.performed)
        assert calls == ["pack", "charge", "thank"]
        assert shop.snapshot()["context"] == {"paid": False}
        await engine.close()

    async def test_services_begin_anew(self):
        """What is left when a step is undone ends, what was there begins again."""
        begun = []

        async def fetch():
            begun.append(1)
            await asyncio.Event().wait()

        text = "name: t\nstates:\n  a: {run: {do: fetch}, on: {x: b}}\n  b: {}\n"
        engine, component = make(text, fetch=fetch)
        component.keep_steps()
        await component.idle()
        await asyncio.sleep(0)
        await component.send("x")
        await component.undo()
        await component.idle()
        await asyncio.sleep(0)

        assert (component.state, len(begun)) == ("a", 2)
        await engine.close()

    async def test_it_waits_for_the_present_message(self):
        """That one is undone."""
        gate = asyncio.Event()
        engine, component = make(look=gate.wait)
        component.keep_steps()
        await component.send("coin")
        await component.send("push")
        looking = asyncio.create_task(component.send("look"))
        await asyncio.sleep(0)
        undoing = asyncio.create_task(component.undo())
        await asyncio.sleep(0)
        gate.set()

        assert (await undoing).message == {"type": "look"}
        assert (await looking).status == "handled"
        assert component.steps.last == 2
        await engine.close()

    async def test_an_action_cannot_ask_for_it(self):
        """It would wait for its own end."""
        engine, component = make(look=lambda component: component.undo())
        component.keep_steps()

        with pytest.raises(Exception, match="undo a step while it handles"):
            await component.send("look")
        await engine.close()

    async def test_without_steps_it_says_how_to_keep_them(self):
        """The fix works as typed."""
        engine, component = make()
        with pytest.raises(ComponentError) as caught:
            await component.undo()

        assert "turnstile.keep_steps()" in caught.value.fix
        await engine.close()

    async def test_a_closed_one_has_no_undo(self, turnstile):
        """Nothing moves any more."""
        await turnstile.send("coin")
        turnstile.close()
        with pytest.raises(EngineClosedError):
            await turnstile.undo()

    async def test_who_waits_for_the_state_hears_of_it(self, turnstile):
        """As of any other way there."""
        await turnstile.send("coin")
        waiting = asyncio.create_task(turnstile.until("locked"))
        await asyncio.sleep(0)
        await turnstile.undo()

        assert await waiting == "locked"

    async def test_failures_after_the_step_go_with_it(self, turnstile):
        """Those before stay."""
        with pytest.raises(Exception, match="fail"):
            await turnstile.send("slug")
        await turnstile.send("look")
        with pytest.raises(Exception, match="fail"):
            await turnstile.send("slug")
        await turnstile.undo()

        assert [one.after for one in turnstile.steps.failures] == [0]

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.sampled_from(["coin", "push", "look", "nothing"]), max_size=12))
    def test_undoing_all_visits_each_state_again(self, names):
        """As many as there were, in the opposite order."""

        async def run():
            engine, component = make(clock=ManualClock())
            steps = component.keep_steps()
            seen = [component.snapshot()]
            for name in names:
                result = await component.send(name)
                seen += [component.snapshot()] if result.proceeded else []
            assert steps.last == len(seen) - 1
            back = [component.snapshot()]
            while steps.last:
                await component.undo()
                await component.idle()
                back.append(component.snapshot())
            await engine.close()
            for one in (*seen, *back):
                one.pop("stories", None)
            assert back == seen[::-1]

        asyncio.run(run())

    async def test_it_is_saved(self, tmp_path):
        """A program that begins again goes on from there."""
        engine, component = make()
        store = engine.persist(tmp_path / "kept.db")
        component.keep_steps()
        await component.send("coin")
        await component.send("push")
        await component.undo()
        kept = store.load_latest("turnstile")

        assert kept.current_state == "unlocked"
        await engine.close()

    async def test_a_recording_takes_it_away_again(self, turnstile):
        """What was undone is not part of the session."""
        recording = turnstile.record()
        await turnstile.send("coin")
        await turnstile.send("push")
        await turnstile.send("push")  # ignored
        await turnstile.undo()
        await turnstile.send("push")
        assert [step.message["type"] for step in recording.steps] == ["coin", "push"]
        await turnstile.undo()
        recording.stop()

        assert recording.ended == ""
        assert [step.message["type"] for step in recording.steps] == ["coin"]
        assert "push" not in recording.as_pytest().partition("def test_")[2]

    async def test_a_recording_ends_before_its_beginning(self, turnstile):
        """Where it began is no more."""
        await turnstile.send("coin")
        recording = turnstile.record()
        await turnstile.undo()
        await turnstile.send("coin")

        assert "before the recording" in recording.ended
        assert not recording.is_running


class TestJumps:
    """What moves a component without a message."""

    async def test_a_restore_is_an_entry_of_its_own(self, turnstile):
        """And can be undone."""
        saved = turnstile.snapshot()
        await turnstile.send("coin")
        turnstile.restore(saved)

        step = turnstile.steps[2]
        assert (step.message["type"], step.state) == ("restore", "locked")
        assert step.is_beginning
        await turnstile.undo()
        assert turnstile.state == "unlocked"

    async def test_another_definition_begins_anew(self, turnstile):
        """With the next number, so that no number means two things."""
        await turnstile.send("coin")
        text = TURNSTILE.replace("slug", "chip")
        config = ConfigLoader.load_component_text(
            text, functions={"fail": fail, "look": look, "shout": shout}
        )
        turnstile.redefine(config)

        steps = turnstile.steps
        assert (steps.first, steps.last) == (2, 2)
        assert steps[2].state == "unlocked"
        assert turnstile.why_no_undo() == "turnstile is at its first step."


class TestFork:
    """A copy that goes on from somewhere."""

    async def test_it_goes_on_from_a_step(self, turnstile):
        """The first one stays where it is."""
        for name in ("coin", "push", "coin"):
            await turnstile.send(name)
        fork = turnstile.fork(at=1)
        await fork.send("push")

        assert (fork.state, fork.context) == ("locked", {"coins": 1})
        assert (turnstile.state, turnstile.context) == ("unlocked", {"coins": 2})
        assert [step.state for step in fork.steps] == ["unlocked", "locked"]
        assert fork.steps.forked_from == "turnstile"

    async def test_it_is_a_component_of_the_same_engine(self, turnstile):
        """Numbered names are given in turn, also to forks of forks."""
        first = turnstile.fork()
        second = turnstile.fork()
        third = first.fork()
        names = [one.name for one in (first, second, third)]

        assert names == ["turnstile~2", "turnstile~3", "turnstile~4"]
        assert set(names) < set(turnstile.neighbours())
        assert first.event_bus is turnstile.event_bus

    async def test_a_name_can_be_given(self, turnstile):
        """One that is taken is refused."""
        assert turnstile.fork("copy").name == "copy"
        with pytest.raises(ComponentError, match="copy already"):
            turnstile.fork("copy")

    async def test_its_timers_wait_for_what_was_left(self, turnstile):
        """They are its own."""
        await turnstile.send("coin")
        turnstile.clock.advance(10)
        fork = turnstile.fork()
        await turnstile.send("push")
        await fork.idle()
        turnstile.clock.advance(19)
        await fork.idle()
        assert fork.state == "unlocked"
        turnstile.clock.advance(1)
        await fork.idle()

        assert fork.state == "locked"

    async def test_rules_are_copied(self, turnstile):
        """Each has its own list."""
        turnstile.rules = [{"a": 1}]
        fork = turnstile.fork()
        fork.rules.append({"b": 2})

        assert turnstile.rules == [{"a": 1}]

    async def test_a_recording_does_not_hear_of_it(self, turnstile):
        """Functions of the fork are those of the chart, not those that are observed."""
        recording = turnstile.record()
        fork = turnstile.fork()
        await fork.send("look")
        await turnstile.send("coin")

        assert [step.calls for step in recording.steps] == [()]
        recording.stop()

    async def test_a_step_that_is_not_held_is_refused(self, turnstile):
        """The numbers that there are stand in the message."""
        with pytest.raises(IndexError, match="0 to 0"):
            turnstile.fork(at=5)

    async def test_without_an_engine_it_stands_alone(self):
        """It is nobody's then."""
        config = ConfigLoader.load_component_text(
            "name: t\nstates:\n  a: {on: {x: b}}\n  b: {}\n"
        )
        component = config.make_component()
        fork = component.fork()
        await fork.send("x")

        assert (fork.name, fork.state, component.state) == ("t~2", "b", "a")
