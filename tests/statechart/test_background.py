"""Services of a component: their runs, redefinition, stories, their end."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.logger import correlation_id
from flexiflow.statechart import load_chart
from tests.statechart.bench import Bench


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
