"""A machine over a chart begins, is redefined, saved and restored."""

from __future__ import annotations

import json

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ActionError, PersistenceError
from flexiflow.statechart import Emit, Functions, load_chart
from tests.statechart.hosted import TURNSTILE, flat, machine, send


class TestStart:
    async def test_pure_entry_is_done_at_once(self):
        """What needs no component is done when the machine is made."""
        pair = machine("name: x\ncontext: {n: 0}\nstates: {a: {entry: {add: {n: 1}}}}")

        assert pair[0].is_started
        assert pair[0].context == {"n": 1}

    async def test_entry_with_functions_waits_for_start(self):
        """What needs the component is done by start."""
        seen = []
        pair = machine(
            "name: x\nstates: {a: {entry: [f, {emit: e}], on: {m: b}}, b: }",
            f=lambda component: seen.append(component.name),
        )
        before = pair[0].is_started
        outcome = await pair[0].start(pair[1])

        assert (before, pair[0].is_started) == (False, True)
        assert outcome.effects == (Emit("e"),)
        assert seen == ["host"]
        assert not (await pair[0].start(pair[1])).effects

    async def test_first_message_starts(self):
        """A machine that was not started is, with its first message."""
        pair = machine("name: x\nstates: {a: {entry: {emit: e}, on: {m: b}}, b: }")
        outcome = await send(pair, "m")

        assert outcome.effects == (Emit("e"),)
        assert pair[0].state_name == "b"

    async def test_failing_start_can_be_repeated(self):
        """An entry that fails leaves the machine at its beginning."""
        fails = [True]

        def f():
            if fails.pop():
                msg = "not yet"
                raise RuntimeError(msg)
            fails.append(False)

        fails.insert(0, False)
        pair = machine("name: x\nstates: {a: {entry: f}}", f=f)
        with pytest.raises(ActionError):
            await pair[0].start(pair[1])
        await pair[0].start(pair[1])

        assert pair[0].is_started


class TestStartWithFunctions:
    async def test_error_transition_does_not_stand_in_for_a_call(self):
        """What the first entry calls is called, though its failure would be taken."""
        called = []
        pair = machine(
            "name: x\nstates: {a: {entry: f, error: b, on: {m: c}}, b: , c: }",
            f=lambda: called.append(1),
        )
        await send(pair, "m")

        assert (pair[0].state_name, called) == ("c", [1])


class TestRedefine:
    def test_state_and_context_are_kept(self):
        """A state that still exists is kept, with the data; new keys are added."""
        made, _ = machine(TURNSTILE)
        made.handle_nowait({"type": "coin"})
        new = load_chart(TURNSTILE.replace("coins: 0", "coins: 0, total: 5"))
        found = made.redefine(new)

        assert found.kept
        assert made.state_name == "unlocked"
        assert made.context == {"coins": 1, "total": 5}
        assert made.chart is new

    def test_state_that_is_gone_starts_again(self):
        """The text says what happened."""
        made, _ = machine(TURNSTILE)
        made.handle_nowait({"type": "coin"})
        found = made.redefine(load_chart("name: order\nstates: {cart: }"))

        assert not found.kept
        assert found.text == (
            "The state unlocked is gone from the new chart. "
            "order started again in cart."
        )
        assert made.context == {}

    def test_functions_are_replaced(self):
        """A new chart brings its functions."""
        made, host = flat("{to: b, if: f}", f=lambda: False)
        text = "name: x\nstates: {a: {on: {m: {to: b, if: f}}}, b: }"
        made.redefine(load_chart(text), Functions({"f": lambda: True}))

        assert made.can({"type": "m"}, host)


class TestData:
    async def test_round_trip(self):
        """What was saved is restored, as JSON."""
        pair = machine(TURNSTILE)
        await send(pair, "coin")
        data = json.loads(json.dumps(pair[0].data()))
        other = ChartMachine.from_data(pair[0].chart, data)

        assert (other.state_name, other.context) == ("unlocked", {"coins": 1})
        assert other.data() == pair[0].data()

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 2},
            {"states": ["nowhere"]},
            {"states": []},
            {"states": ["locked", "unlocked"]},
            {"context": {"n": {1}}},
        ],
    )
    def test_data_that_do_not_fit_are_refused(self, change):
        """The machine is unchanged, and the error says why."""
        made, _ = machine(TURNSTILE)

        with pytest.raises(PersistenceError):
            made.restore({**made.data(), **change})
        assert made.state_name == "locked"

    async def test_machine_not_started_is_restored_as_such(self):
        """What was not entered is not entered by restoring."""
        pair = machine("name: x\nstates: {a: {entry: {emit: e}}}")
        other = ChartMachine.from_data(pair[0].chart, pair[0].data())

        assert not other.is_started


# --- a small interpreter, written from the contract alone -----------------------------


class TestFrozenChart:
    @pytest.mark.parametrize(
        "change",
        [
            lambda chart: chart.context["list"].append(1),
            lambda chart: chart.context.update(n=2),
            lambda chart: chart.meta["k"].clear(),
            lambda chart: chart.state("a").entry[0].values.clear(),
            lambda chart: chart.state("a").run[0].arguments["x"].pop("y"),
            lambda chart: chart.state("z").output.append(1),
            lambda chart: chart.transitions[0].meta.update(n=2),
            lambda chart: chart.transitions[0].guard.value.append(2),
        ],
    )
    def test_nothing_in_it_can_be_changed(self, change):
        """A chart is a value, however deep one reaches into it."""
        chart = load_chart(
            "name: x\ncontext: {n: 1, list: [1]}\nmeta: {k: [1]}\nstates:\n"
            "  a:\n    entry: {set: {n: [1]}}\n    run: {do: f, with: {x: {y: 1}}}\n"
            "    on: {m: {to: z, meta: {l: 1}, if: {k: {one_of: [1]}}}}\n"
            "  z: {final: true, output: [1]}\n"
        )
        before = repr((chart.context, chart.meta, chart.root, chart.states))

        with pytest.raises(TypeError, match="read-only"):
            change(chart)
        assert repr((chart.context, chart.meta, chart.root, chart.states)) == before
