"""Timers and delayed messages of a component."""

from __future__ import annotations

import pytest

from flexiflow.errors import ActionError
from tests.statechart.bench import Bench


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
