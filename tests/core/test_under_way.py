"""What a component says of its timers and services."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.clock import ManualClock
from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.state_machine import StateMachine
from flexiflow.statechart import Functions, load_chart


class Bench:
    """An engine on a clock that is moved by hand, with a component."""

    def __init__(self, text, **functions):
        self.clock = ManualClock()
        self.engine = FlexiFlowEngine(clock=self.clock)
        known = Functions(functions)
        chart = load_chart(text, functions=known)
        machine = ChartMachine(chart, functions=known)
        self.component = AsyncComponent(chart.name, state_machine=machine)
        self.engine.register(self.component)

    async def rest(self):
        """Let all that is ready happen."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def pass_(self, seconds):
        """Let time go on."""
        self.clock.advance(seconds)
        await self.rest()


class TestUnderWay:
    async def test_timers_with_their_instants(self):
        """Each timer says when it began and when it fires, the next one first."""
        bench = Bench("name: d\nstates: {a: {after: {3m: b, 2s: b}, on: {m: b}}, b: }")
        async with bench.engine:
            await bench.rest()
            begun = bench.clock.monotonic()
            await bench.pass_(0.5)
            found = bench.component.under_way()
            await bench.component.send("m")
            left = bench.component.under_way()

        assert [(one.state, one.kind, one.name) for one in found] == [
            ("a", "timer", "after 2s"),
            ("a", "timer", "after 3m"),
        ]
        assert [(one.began, one.due) for one in found] == [
            (begun, begun + 2),
            (begun, begun + 180),
        ]
        assert left == ()

    async def test_service_and_its_tries(self):
        """A service says which try it is, and whether it waits for that one."""
        answers = []

        async def charge():
            answers.append(asyncio.get_running_loop().create_future())
            return await answers[-1]

        bench = Bench(
            "name: d\nstates: {a: {run: {do: charge, "
            "retry: {max_attempts: 3, base_delay: 2}}, done: b}, b: }",
            charge=charge,
        )
        async with bench.engine:
            await bench.rest()
            (first,) = bench.component.under_way()
            answers[0].set_exception(ValueError("no"))
            await bench.rest()
            (between,) = bench.component.under_way()
            await bench.pass_(2)
            (second,) = bench.component.under_way()
            answers[1].set_result(None)
            await bench.rest()
            after = bench.component.under_way()

        assert (first.kind, first.name, first.runs) == ("service", "charge", "function")
        assert (first.attempt, first.attempts, first.waits) == (1, 3, False)
        assert (between.attempt, between.waits) == (2, True)
        assert (second.attempt, second.waits) == (2, False)
        assert second.began == first.began
        assert after == ()

    async def test_child_component_says_where_it_stands(self):
        """The state of a child is told beside its name."""
        engine = FlexiFlowEngine(clock=ManualClock())
        config = ConfigLoader.load_component_text(
            "name: p\nstates:\n  a:\n    run:\n      component:\n"
            "        name: kid\n        states: {one: {on: {go: two}}, two: }\n"
        )
        async with engine:
            parent = engine.create_component(config)
            for _ in range(20):
                await asyncio.sleep(0)
            await engine.get("p.kid").send("go")
            (found,) = parent.under_way()

        assert (found.name, found.runs, found.now) == ("kid", "component", "two")

    @pytest.mark.parametrize("kind", ["classes", "chart at rest"])
    def test_nothing_runs(self, kind):
        """Without a timer or a service there is nothing to tell."""
        machine = (
            StateMachine.from_name("InitialState")
            if kind == "classes"
            else ChartMachine(load_chart("name: d\nstates: {a: {on: {m: a}}}"))
        )

        assert AsyncComponent("x", state_machine=machine).under_way() == ()
