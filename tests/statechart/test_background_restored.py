"""What runs in a component goes on after a restart, and goes as simulated."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.errors import PersistenceError, StateError
from flexiflow.statechart import Functions, load_chart
from flexiflow.statechart.simulation import Simulation
from tests.statechart.bench import Bench


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
