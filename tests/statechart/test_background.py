"""Timers, delayed messages and services of a component."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.clock import ManualClock
from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError, PersistenceError, StateError
from flexiflow.logger import correlation_id
from flexiflow.statechart import Functions, load_chart
from flexiflow.statechart.simulation import Simulation


class Bench:
    """An engine on a manual clock, with a component over a chart."""

    def __init__(self):
        self.clock = ManualClock()
        self.engine = FlexiFlowEngine(clock=self.clock)

    def add(self, text, **functions):
        """Return a component over a chart's text."""
        known = Functions(functions)
        chart = load_chart(text, functions=known)
        machine = ChartMachine(chart, functions=known)
        made = AsyncComponent(chart.name, state_machine=machine)
        self.engine.register(made)
        return made

    async def pass_(self, seconds):
        """Let time go on, and all that follows happen."""
        end = self.clock.monotonic() + seconds
        while True:
            await self.rest()
            now = self.clock.monotonic()
            if now >= end:
                return
            self.clock.advance(min(0.5, end - now))

    async def rest(self):
        """Let all that is ready happen."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def bench():
    """Return a bench, closed at the end."""
    made = Bench()
    yield made
    await made.engine.close()


class TestTimers:
    async def test_timer_counts_from_entry(self, bench):
        """A timer fires when its time has passed, not before."""
        door = bench.add("name: d\nstates: {a: {on: {m: b}}, b: {after: {2s: c}}, c: }")
        await door.send("m")
        await bench.pass_(1.5)
        before = door.state
        await bench.pass_(1)

        assert (before, door.state) == ("b", "c")

    async def test_timer_ends_with_its_state(self, bench):
        """A state that was left has no timer."""
        door = bench.add(
            "name: d\nstates: {a: {on: {m: b}}, b: {after: {2s: c}, on: {m: a}}, c: }"
        )
        await door.send("m")
        await bench.pass_(1)
        await door.send("m")
        await door.send("m")
        await bench.pass_(1.5)

        assert door.state == "b"
        assert bench.clock.pending == 1

    async def test_initial_state_has_its_timer(self, bench):
        """Registering starts the machine."""
        door = bench.add("name: d\nstates: {a: {after: {1s: b}}, b: }")
        await bench.pass_(1)

        assert door.state == "b"

    async def test_several_times_and_guards(self, bench):
        """Each time has its transitions, tried in order."""
        door = bench.add(
            "name: d\ncontext: {n: 0}\nstates:\n"
            "  a: {after: {1s: {do: {add: {n: 1}}}, 500ms: {do: {add: {n: 10}}}, "
            "3: [{to: b, if: {context.n: 0}}, c]}}\n  b:\n  c:\n"
        )
        await bench.pass_(2)
        n = door.context["n"]
        await bench.pass_(1)

        assert (n, door.state) == (11, "c")

    async def test_time_may_stand_in_the_context(self, bench):
        """A reference is looked up on entry."""
        door = bench.add(
            "name: d\ncontext: {wait: 3s}\n"
            "states: {a: {after: {$context.wait: b}}, b: }"
        )
        await bench.pass_(2)
        before = door.state
        await bench.pass_(1)

        assert (before, door.state) == ("a", "b")

    async def test_time_that_is_none_is_an_error(self, bench):
        """A state whose timer cannot begin is not entered."""
        door = bench.add(
            "name: d\ncontext: {wait: soon}\n"
            "states: {a: {on: {m: b}}, b: {after: {$context.wait: a}}}"
        )

        with pytest.raises(ActionError, match="cannot begin"):
            await door.send("m")
        assert door.state == "a"

    async def test_failure_of_a_timer_is_announced(self, bench):
        """What has no caller goes to component.message.failed."""
        seen = []

        async def note(data):
            seen.append(data)

        await bench.engine.event_bus.subscribe("component.message.failed", "t", note)
        bench.add(
            "name: d\ncontext: {n: text}\n"
            "states: {a: {after: {1s: {do: {add: {n: 1}}}}}}"
        )
        await bench.pass_(1)

        assert seen[0]["message"] == {"type": "after", "state": "a"}

    async def test_closing_stops_timers(self):
        """Nothing is left on the clock after the end."""
        bench = Bench()
        bench.add("name: d\nstates: {a: {after: {1s: a}}}")
        await bench.rest()
        await bench.engine.close()

        assert bench.clock.pending == 0

    async def test_message_called_after_is_no_timer(self, bench):
        """Users cannot make a timer's event by its name."""
        door = bench.add("name: d\nstates: {a: {after: {1s: b}}, b: }")
        result = await door.send("after", state="a")

        assert result.status == "ignored"


class TestSends:
    async def test_send_to_itself_is_handled_next(self, bench):
        """A message to oneself is waited for by whoever sent the first."""
        door = bench.add(
            "name: d\nstates: {a: {on: {m: {to: b, do: {send: n}}}}, "
            "b: {on: {n: c}}, c: }"
        )
        await door.send("m")

        assert door.state == "c"

    async def test_send_to_another_component(self, bench):
        """Components of one engine find each other by name."""
        lamp = bench.add("name: lamp\nstates: {off: {on: {on: lit}}, lit: }")
        door = bench.add(
            "name: door\nstates: {a: {on: {open: "
            "{do: {send: {type: on, to: lamp, by: $message.who}}}}}}"
        )
        await door.send("open", who="Ann")

        assert lamp.state == "lit"

    async def test_unknown_component_is_an_error(self, bench):
        """A message for nobody is told to its sender."""
        door = bench.add(
            "name: d\n"
            "states: {a: {on: {m: {to: b, do: {send: {type: n, to: x}}}}}, b: }"
        )

        with pytest.raises(KeyError):
            await door.send("m")

    async def test_delayed_send_and_cancel(self, bench):
        """A delayed message comes later, unless it is taken back."""
        door = bench.add(
            "name: d\nstates: {a: {on: {m: {do: {send: {type: n, delay: 2s, id: i}}}, "
            "stop: {do: {cancel: i}}, n: b}}, b: }"
        )
        await door.send("m")
        await bench.pass_(1)
        await door.send("stop")
        await bench.pass_(2)
        cancelled = door.state
        await door.send("m")
        await bench.pass_(2)

        assert (cancelled, door.state) == ("a", "b")


class TestServices:
    async def test_result_leads_on(self, bench):
        """The transition done is taken with the result."""

        async def work(order):
            await asyncio.sleep(0)
            return {"receipt": order}

        shop = bench.add(
            "name: s\ncontext: {got: null}\nstates:\n"
            "  a: {on: {m: b}}\n"
            "  b: {run: {do: work, with: {order: $message.n}}, "
            "done: {to: c, do: {set: {got: $result}}}}\n  c:\n",
            work=work,
        )
        await shop.send("m", n=5)
        await bench.rest()

        assert (shop.state, shop.context) == ("c", {"got": {"receipt": 5}})

    async def test_failure_leads_to_error(self, bench):
        """The transition error is taken with what went wrong."""

        async def work():
            msg = "no money"
            raise ValueError(msg)

        shop = bench.add(
            "name: s\ncontext: {why: null}\nstates:\n"
            "  a: {run: work, error: {to: b, do: {set: {why: $error.message}}}}\n"
            "  b:\n",
            work=work,
        )
        await bench.rest()

        assert (shop.state, shop.context) == ("b", {"why": "no money"})

    async def test_failure_that_nobody_takes_is_announced(self, bench):
        """A service without error: fails in public, and the state stays."""
        seen = []

        async def note(data):
            seen.append(data)

        await bench.engine.event_bus.subscribe("component.message.failed", "t", note)
        shop = bench.add("name: s\nstates: {a: {run: work}}", work=lambda: 1 / 0)
        await bench.rest()

        assert shop.state == "a"
        assert seen[0]["message"]["type"] == "error"
        assert "work failed" in seen[0]["exception"]

    async def test_service_ends_with_its_state(self, bench):
        """Leaving cancels what runs."""
        ended = []

        async def work():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        shop = bench.add(
            "name: s\nstates: {a: {run: work, done: b, on: {m: c}}, b: , c: }",
            work=work,
        )
        await bench.rest()
        await shop.send("m")
        await bench.rest()

        assert (ended, shop.state) == ([True], "c")

    async def test_late_result_of_a_state_that_was_left_is_dropped(self, bench):
        """Only the entry that asked gets the answer."""
        gates = [asyncio.Event(), asyncio.Event()]
        numbers = iter(range(2))

        async def work():
            number = next(numbers)
            try:
                await gates[number].wait()
            except asyncio.CancelledError:
                return number  # refuses to end
            return number

        shop = bench.add(
            "name: s\ncontext: {n: null}\nstates:\n"
            "  a: {run: work, done: {to: b, do: {set: {n: $result}}}, on: {m: a}}\n"
            "  b:\n",
            work=work,
        )
        await bench.rest()
        await shop.send("m")
        await bench.rest()
        before = shop.state
        gates[1].set()
        await bench.rest()

        assert (before, shop.state, shop.context) == ("a", "b", {"n": 1})

    async def test_timeout_is_by_the_clock(self, bench):
        """No answer in time is an error."""

        async def work():
            await asyncio.Event().wait()

        shop = bench.add(
            "name: s\ncontext: {why: null}\nstates:\n"
            "  a: {run: {do: work, timeout: 2s}, "
            "error: {to: b, do: {set: {why: $error.type}}}}\n  b:\n",
            work=work,
        )
        await bench.pass_(1)
        before = shop.state
        await bench.pass_(1)

        assert (before, shop.state) == ("a", "b")
        assert shop.context == {"why": "TimeoutError"}

    async def test_service_that_never_began_is_closed(self, bench, recwarn):
        """A state that is left at once leaves no coroutine behind."""

        async def work():
            await asyncio.Future()

        made = bench.add(
            "name: x\nstates: {a: {on: {go: b}}, "
            "b: {run: {do: work, timeout: 5s}, on: {back: a}}}",
            work=work,
        )
        await made.send("go")
        await asyncio.sleep(0)
        await made.send("back")
        await bench.rest()
        gc.collect()

        assert [str(one.message) for one in recwarn] == []

    async def test_retry_waits_longer_each_time(self, bench):
        """Tries follow after 1, 2, 4 seconds; then it is an error."""
        tries = []

        async def work():
            tries.append(bench.clock.monotonic())
            raise ValueError

        shop = bench.add(
            "name: s\nstates: {a: {run: {do: work, retry: {max_attempts: 3}}, "
            "error: b}, b: }",
            work=work,
        )
        await bench.pass_(4)

        assert tries == [0, 1, 3]
        assert shop.state == "b"

    async def test_closing_cancels_services(self):
        """No task is left after the end."""
        bench = Bench()

        async def work():
            await asyncio.Event().wait()

        bench.add("name: s\nstates: {a: {run: work}}", work=work)
        await bench.rest()
        before = len(asyncio.all_tasks())
        await bench.engine.close()

        assert (before, len(asyncio.all_tasks())) == (2, 1)

    async def test_result_must_be_json(self, bench):
        """A result that is no data is a failure."""
        shop = bench.add(
            "name: s\nstates: {a: {run: work, done: b, error: c}, b: , c: }",
            work=lambda: {1},
        )
        await bench.rest()

        assert shop.state == "c"


class TestRedefinition:
    async def test_unchanged_timer_goes_on(self, bench):
        """A state that still exists keeps what runs unchanged."""
        text = "name: d\nstates: {a: {after: {2s: b}}, b: }"
        door = bench.add(text)
        await bench.pass_(1)
        door.redefine(load_chart(text.replace("b: }", "b: , c: }")))
        await bench.pass_(1)

        assert door.state == "b"

    async def test_changed_timer_begins_again(self, bench):
        """A timer of another time starts anew."""
        text = "name: d\nstates: {a: {after: {2s: b}}, b: }"
        door = bench.add(text)
        await bench.pass_(1)
        door.redefine(load_chart(text.replace("2s", "3s")))
        await bench.pass_(2)
        before = door.state
        await bench.pass_(1)

        assert (before, door.state) == ("a", "b")

    async def test_state_that_is_gone_takes_its_timer_along(self, bench):
        """Nothing of the old chart fires in the new one."""
        door = bench.add("name: d\nstates: {a: {after: {2s: b}}, b: }")
        await bench.pass_(1)
        door.redefine(load_chart("name: d\nstates: {x: {after: {5s: y}}, y: }"))
        await bench.pass_(4)
        before = door.state
        await bench.pass_(1)

        assert (before, door.state) == ("x", "y")


class TestRestart:
    async def test_timer_goes_on_with_what_was_left(self, bench):
        """A restored machine waits only for the rest of the time."""
        text = "name: d\nstates: {a: {on: {m: b}}, b: {after: {5s: c}}, c: }"
        door = bench.add(text)
        await door.send("m")
        await bench.pass_(3)
        data = door.state_machine.data()
        door.close()
        machine = ChartMachine.from_data(load_chart(text), data)
        again = AsyncComponent("again", state_machine=machine)
        bench.engine.register(again)
        await bench.pass_(1)
        before = again.state
        await bench.pass_(1)

        assert data["timers"] == {"after.b#5s": 2.0}
        assert (before, again.state) == ("b", "c")

    async def test_service_is_run_again(self, bench):
        """A service that was under way begins anew."""
        text = "name: s\nstates: {a: {run: work, done: b}, b: }"
        functions = Functions({"work": lambda: 1})
        chart = load_chart(text)
        data = {"version": 1, "states": ["a"], "context": {}, "started": True}
        machine = ChartMachine.from_data(chart, data, functions=functions)
        made = AsyncComponent("s", state_machine=machine)
        bench.engine.register(made)
        await bench.rest()

        assert made.state == "b"

    def test_timer_goes_on_in_another_loop(self):
        """A loop that ended takes no timer along."""
        bench = Bench()
        door = bench.add("name: d\nstates: {a: {after: {5s: b}, on: {m: a}}, b: }")

        async def first():
            await door.send("nothing")
            await bench.pass_(3)

        async def second():
            await door.send("nothing")
            await bench.pass_(2)
            await bench.engine.close()

        asyncio.run(first())
        asyncio.run(second())

        assert door.state == "b"


OVER = """
name: s
context: {n: 0, r: 0}
states:
  q:
    run: work
    done: {do: {add: {r: 1}}}
    after: {4s: {do: {add: {n: 1}}}, 20s: z}
    on: {again: q}
  z:
"""


class TestOver:
    """What has come while its state is active does not come a second time."""

    async def restored(self, bench, first, **functions):
        """Return a component restored from what another's data are."""
        data = json.loads(json.dumps(first.state_machine.data()))
        first.close()
        chart = load_chart(OVER)
        machine = ChartMachine.from_data(chart, data, functions=Functions(functions))
        made = AsyncComponent("again", state_machine=machine)
        bench.engine.register(made)
        return made

    async def test_restored_component_repeats_nothing(self, bench):
        """A timer that fired and a service that ended are over, restored or not."""
        calls = []
        first = bench.add(OVER, work=lambda: calls.append(1))
        await bench.pass_(5)
        made = await self.restored(bench, first, work=lambda: calls.append(2))
        await bench.pass_(10)
        made = await self.restored(bench, made, work=lambda: calls.append(3))
        await bench.pass_(4)

        assert (made.context, calls) == ({"n": 1, "r": 1}, [1])
        await bench.pass_(1)
        assert made.state == "z"

    async def test_state_that_is_entered_again_begins_all(self, bench):
        """Only the present entry of a state counts."""
        calls = []
        first = bench.add(OVER, work=lambda: calls.append(1))
        await bench.pass_(5)
        await first.send("again")
        await bench.rest()
        made = await self.restored(bench, first, work=lambda: calls.append(2))
        await bench.pass_(5)

        assert (made.context, calls) == ({"n": 2, "r": 2}, [1, 1])

    async def test_service_that_failed_is_over(self, bench):
        """What was told of it was told; nobody took it."""
        calls = []

        def fail():
            calls.append(1)
            raise ValueError

        first = bench.add(OVER, work=fail)
        await bench.pass_(1)
        await self.restored(bench, first, work=fail)
        await bench.pass_(1)

        assert calls == [1]

    async def test_restore_forgets_what_was_over_before(self, bench):
        """Data say all: a machine that goes back waits for its timers again."""
        first = bench.add(OVER, work=lambda: 1)
        machine = first.state_machine
        await bench.pass_(1)
        data = machine.data()
        await bench.pass_(4)
        first.close()
        machine.restore(data)

        assert "over" in data
        assert machine.data()["over"] == ["run.q"]
        assert machine.data()["timers"]["after.q#4s"] == 3.0

    def test_loop_that_ends_repeats_nothing(self):
        """Another loop goes on where the first one ended."""
        calls = []
        bench = Bench()
        made = bench.add(OVER, work=lambda: calls.append(1))

        async def first():
            await made.send("nothing")
            await bench.pass_(5)

        async def second():
            await made.send("nothing")
            await bench.pass_(5)
            await bench.engine.close()

        asyncio.run(first())
        asyncio.run(second())

        assert (made.context, calls) == ({"n": 1, "r": 1}, [1])


class TestSnapshot:
    """The whole of a component is data, and it can go back to them."""

    async def test_component_goes_back(self, bench):
        """State, data and what is left of timers are as they were."""
        door = bench.add(
            "name: d\ncontext: {n: 0}\nstates: "
            "{a: {on: {m: {to: b, do: {add: {n: 1}}}}}, b: {after: {5s: c}}, c: }"
        )
        await door.send("m")
        await bench.pass_(3)
        saved = json.loads(json.dumps(door.snapshot()))
        await bench.pass_(9)
        late = door.state
        door.restore(saved)
        back = door.state
        await bench.pass_(1.5)
        before = door.state
        await bench.pass_(0.5)

        assert (late, back, before, door.state) == ("c", "b", "b", "c")
        assert door.context == {"n": 1}

    async def test_restoring_ends_what_runs(self, bench):
        """Timers of the state that is given up do not fire in the other."""
        door = bench.add(
            "name: d\ncontext: {n: 0}\n"
            "states: {a: {on: {m: a}, after: {4s: {do: {add: {n: 1}}}}}}"
        )
        await bench.pass_(1)
        saved = door.snapshot()
        await bench.pass_(2)
        door.restore(saved)
        await bench.pass_(2.5)
        before = door.context
        await bench.pass_(5)

        assert (before, door.context) == ({"n": 0}, {"n": 1})

    async def test_restoring_ends_messages_that_wait(self, bench):
        """What was sent later than the snapshot is not delivered."""
        door = bench.add(
            "name: d\n"
            "states: {a: {on: {k: {do: {send: {type: m, delay: 2s}}}, m: b}}, b: }"
        )
        saved = door.snapshot()
        await door.send("k")
        sending = door.snapshot()
        door.restore(saved)
        await bench.pass_(3)
        before = door.state
        door.restore(sending)
        await bench.pass_(3)

        assert (before, door.state) == ("a", "b")

    async def test_who_waits_and_who_watches_hears_of_it(self, bench):
        """A restored state is a state like any other."""
        door = bench.add("name: d\nstates: {a: {on: {m: b}}, b: }")
        saved = door.snapshot()
        await door.send("m")
        seen = []
        await bench.engine.event_bus.subscribe("state.changed", "t", seen.append)
        waiting = asyncio.ensure_future(door.until("a", timeout=5))
        await bench.rest()
        door.restore(saved)
        await bench.rest()

        assert waiting.done()
        assert [(one["from_state"], one["to_state"]) for one in map(dict, seen)] == [
            ("b", "a")
        ]

    async def test_restoring_waits_for_the_message_at_work(self, bench):
        """It is done between two messages."""
        gate = asyncio.Event()
        door = bench.add(
            "name: d\nstates: {a: {on: {m: {to: b, do: wait}}}, b: }", wait=gate.wait
        )
        saved = door.snapshot()
        sent = asyncio.ensure_future(door.send("m"))
        await bench.rest()
        assert door.snapshot()["states"] == ["a"]
        door.restore(saved)
        gate.set()
        result = await sent

        assert (result.to_state, door.state) == ("b", "a")

    async def test_data_of_another_chart_are_refused(self, bench):
        """Nothing has changed then, and what runs goes on."""
        door = bench.add("name: d\nstates: {a: {after: {2s: b}}, b: }")
        await bench.pass_(1)

        with pytest.raises(PersistenceError):
            door.restore({"version": 1, "states": ["nowhere"]})
        with pytest.raises(PersistenceError, match="snapshot"):
            door.restore("a")
        await bench.pass_(1)
        assert door.state == "b"

    async def test_simulation_goes_on_from_it(self, bench):
        """A sandbox waits for the rest of timers and messages, and repeats nothing."""
        calls = []
        text = OVER.replace("again: q", "later: {do: {send: {type: again, delay: 9s}}}")
        made = bench.add(text, work=lambda: calls.append(1))
        await bench.pass_(5)
        await made.send("later")
        await bench.pass_(1)
        saved = json.loads(json.dumps(made.snapshot()))
        sandbox = Simulation(load_chart(text), snapshot=saved, fake={"work": 1})
        sandbox.advance(13.9)
        before = sandbox.paths
        sandbox.advance(0.2)

        assert (before, sandbox.paths) == (("q",), ("z",))
        assert sandbox.context == {"n": 1, "r": 1}
        assert not sandbox.calls
        assert {"type": "again"} in [dict(one.message) for one in sandbox.trace]

    def test_simulation_refuses_data_of_another_chart(self):
        """The chart must have the states."""
        chart = load_chart("name: d\nstates: {a: }")

        with pytest.raises(PersistenceError, match="not one of d"):
            Simulation(chart, snapshot={"version": 1, "states": ["q"]})

    def test_simulation_of_what_has_not_started_starts(self):
        """Entry actions are done then, with the data that were given."""
        chart = load_chart(
            "name: d\ncontext: {n: 0}\nstates: {a: {entry: [f, {add: {n: 1}}]}}"
        )
        saved = ChartMachine(chart, context={"n": 4}).data()

        assert not saved["started"]
        assert Simulation(chart, snapshot=saved).context == {"n": 5}

    async def test_state_classes_go_back_too(self):
        """The name of the class is all there is to know."""
        made = AsyncComponent("c")
        saved = made.snapshot()
        await made.handle_message({"type": "start"})
        away = made.state
        made.restore(saved)

        assert (away, made.state) == ("AwaitingConfirmation", "InitialState")
        with pytest.raises(StateError):
            made.restore({"version": 1, "states": ["Nowhere"]})


WALK = """
name: w
context: {n: 0}
on: {reset: a}
states:
  a:
    on: {m: b, k: {do: {send: {type: m, delay: 1s}}}}
    after: {2s: {to: c, do: {add: {n: 1}}}}
  b: {run: {do: work, retry: {max_attempts: 2}}, done: c, error: a, on: {k: a}}
  c:
    on: {m: a, k: {to: b, do: {send: m}}}
    after: {1s: {to: b, if: {context.n: {lt: 2}}}}
"""


class TestSimulationEqualsExecution:
    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["m", "k", "reset", 0.5, 1.0, 2.5]), min_size=1, max_size=8
        ),
        st.lists(st.sampled_from(["error", {"result": 1}]), min_size=1, max_size=4),
    )
    def test_same_steps_same_states(self, steps, answers):
        """The sandbox and the component go through the same states."""
        chart = load_chart(WALK)
        sandbox = Simulation(chart, fake={"work": answers})
        expected = [self.simulate(sandbox, one) for one in steps]

        assert asyncio.run(self.execute(steps, answers)) == expected

    def simulate(self, sandbox, one):
        """Do one thing in the sandbox, and return where it is then."""
        if isinstance(one, str):
            sandbox.send(one)
        else:
            sandbox.advance(one)
        return sandbox.state, sandbox.context

    async def execute(self, steps, answers):
        """Do the same with a component."""
        calls = iter([*answers, *[answers[-1]] * 100])

        def work():
            if next(calls) == "error":
                raise ValueError
            return 1

        bench = Bench()
        made = bench.add(WALK, work=work)
        await bench.rest()
        found = []
        for one in steps:
            if isinstance(one, str):
                await made.send(one)
                await bench.rest()
            else:
                await bench.pass_(one)
            found.append((made.state, made.context))
        await bench.engine.close()
        return found


class TestStories:
    """Timers and messages carry the correlation id of what began them."""

    @pytest.mark.parametrize(
        "text",
        [
            "name: d\nstates: {a: {on: {m: b}}, b: {after: {1s: c}}, c: }",
            (
                "name: d\nstates:\n"
                "  a: {on: {m: {to: b, do: {send: {type: go, delay: 1s}}}}}\n"
                "  b: {on: {go: c}}\n  c:\n"
            ),
        ],
    )
    async def test_they_keep_it_over_a_restart(self, bench, text):
        """What fires after a restore tells the story of the message before it."""
        door = bench.add(text)
        with correlation_id("the first"):
            await door.send("m")
        data = json.loads(json.dumps(door.state_machine.data()))
        bench.engine.unregister("d")
        again = ChartMachine.from_data(door.chart, data)
        other = AsyncComponent("d", state_machine=again)
        history = bench.engine.event_bus.keep_history()
        with correlation_id("a later call"):
            bench.engine.register(other)
            await bench.pass_(1)
        found = {
            event.correlation_id
            for event in history.after(0)
            if event.name == "state.changed"
        }

        assert other.state == "c"
        assert found == {"the first"}
        assert json.loads(json.dumps(data)) == data


class TestEnding:
    """What ends a program does not end the loop from where nobody waits."""

    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
    async def test_action_of_a_timer(self, bench, error):
        """It is a failure of that message: told, and the state is as before."""

        def leave():
            raise error

        door = bench.add(
            "name: d\nstates: {a: {after: {1s: {to: b, do: leave}}}, b: }", leave=leave
        )
        failed = []
        await bench.engine.event_bus.subscribe(
            "component.message.failed", "t", failed.append
        )
        await bench.pass_(2)

        assert door.state == "a"
        assert error.__name__ in failed[0]["exception"]

    @pytest.mark.parametrize("timeout", ["", ", timeout: 5s"])
    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
    async def test_service(self, bench, error, timeout):
        """It is the service's failure."""

        async def work():
            raise error

        door = bench.add(
            f"name: d\nstates: {{a: {{run: {{do: work{timeout}}}, error: b}}, b: }}",
            work=work,
        )
        await bench.pass_(1)

        assert door.state == "b"

    async def test_plain_function_as_a_service(self, bench):
        """A service that is not async likewise."""

        def work():
            raise SystemExit(3)

        door = bench.add("name: d\nstates: {a: {run: work, error: b}, b: }", work=work)
        await bench.pass_(1)

        assert door.state == "b"

    async def test_delayed_message(self, bench):
        """Who is sent to without waiting does not end the loop either."""

        def leave():
            raise SystemExit

        door = bench.add(
            "name: d\nstates: {a: {on: {m: {do: {send: {type: go, delay: 1s}}}, "
            "go: {do: leave}}}}",
            leave=leave,
        )
        await door.send("m")
        await bench.pass_(2)

        assert door.state == "a"
