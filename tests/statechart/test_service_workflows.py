"""Workflows as services of a state."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow._services import provider_of, register_provider
from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError, ComponentError, EngineClosedError
from flexiflow.statechart import Simulation, load_chart
from tests.statechart.served import (
    FUNCTIONS,
    KETTLE,
    add,
    rest,
)

ORDER = """
name: order
context: {id: 7}
states:
  New: {on: {pay: Shipping}}
  Shipping:
    run:
      workflow: ship
      with: {order: $context.id}
      retry: {max_attempts: 2, base_delay: 1}
    on: {cancel: New}
    done: {to: Shipped, do: {set: {parcel: $result}}}
    error: Failed
  Shipped:
  Failed:
"""


class TestWorkflow:
    async def test_it_runs_with_the_state(self, engine, workflows):
        """Name, arguments, component and story are handed over; the result is done."""
        order = add(engine, ORDER)
        result = await order.send("pay")
        await rest()
        ((name, arguments, component, cid, key),) = workflows.started
        workflows.runs[key].set_result("p1")
        await rest()

        assert (name, arguments, component) == ("ship", {"order": 7}, "order")
        assert cid == result.correlation_id
        assert (order.state, order.context["parcel"]) == ("Shipped", "p1")

    async def test_leaving_the_state_cancels_it(self, engine, workflows):
        """Cancelled on exit."""
        order = add(engine, ORDER)
        await order.send("pay")
        await rest()
        await order.send("cancel")
        await rest()

        assert workflows.cancelled == [*workflows.runs]

    async def test_each_entry_is_a_run_of_its_own(self, engine, workflows):
        """A state that is entered again begins anew."""
        order = add(engine, ORDER)
        for kind in ("pay", "cancel", "pay"):
            await order.send(kind)
            await rest()

        assert len({one[-1] for one in workflows.started}) == 2

    async def test_failing_is_tried_again_then_error(self, engine, workflows):
        """A further try has a key of its own."""
        order = add(engine, ORDER)
        await order.send("pay")
        await rest()
        workflows.runs[workflows.started[0][-1]].set_exception(ValueError("no"))
        await rest()
        engine.test_clock.advance(1)
        await rest()
        keys = [one[-1] for one in workflows.started]
        workflows.runs[keys[1]].set_exception(ValueError("no"))
        await rest()

        assert keys[1] == keys[0] + ".2"
        assert order.state == "Failed"

    async def test_restored_component_goes_on_with_the_same_run(self, workflows):
        """Closing the engine leaves the run alone; its key is in the snapshot."""
        first = FlexiFlowEngine()
        order = add(first, ORDER)
        await order.send("pay")
        await rest()
        data = order.state_machine.data()
        await first.close()
        second = FlexiFlowEngine()
        again = ChartMachine.from_data(order.chart, data)
        second.register(AsyncComponent("order", [], again))
        await rest()
        (key,) = workflows.runs
        workflows.runs[key].set_result("p1")
        await rest()

        assert [one[-1] for one in workflows.started] == [key, key]
        assert workflows.cancelled == []
        assert second.get("order").state == "Shipped"
        await second.close()

    def test_loop_that_ends_leaves_the_run_alone(self, workflows):
        """The end of a program is not the end of the state."""
        machine = ChartMachine(load_chart(ORDER))
        order = AsyncComponent("order", [], machine)

        async def program():
            FlexiFlowEngine().register(order)
            await order.send("pay")
            await rest()

        asyncio.run(program())

        assert workflows.cancelled == []
        assert workflows.released == [*workflows.runs]

    async def test_timeout_ends_the_run(self, engine, workflows):
        """A run whose time is over is cancelled, not left alone."""
        order = add(
            engine, ORDER.replace("      retry", "      timeout: 5s\n      retry")
        )
        await order.send("pay")
        await rest()
        engine.test_clock.advance(5)
        await rest()

        assert workflows.cancelled == [*workflows.runs]
        assert workflows.released == []

    async def test_restored_component_has_new_keys_for_new_entries(self, workflows):
        """No later entry finds the run of an earlier one."""
        first = FlexiFlowEngine()
        order = add(first, ORDER)
        await order.send("pay")
        await rest()
        data = order.state_machine.data()
        await first.close()
        second = FlexiFlowEngine()
        again = AsyncComponent("order", [], ChartMachine.from_data(order.chart, data))
        second.register(again)
        await rest()
        for kind in ("cancel", "pay"):
            await again.send(kind)
            await rest()

        assert len(workflows.runs) == 2
        await second.close()

    async def test_other_machines_have_other_keys(self, engine, workflows):
        """Two components of one chart share no run."""
        chart = load_chart(ORDER)
        for name in ("one", "two"):
            made = AsyncComponent(name, [], ChartMachine(chart))
            engine.register(made)
            await made.send("pay")
        await rest()

        assert len(workflows.runs) == 2

    async def test_nobody_who_runs_them_is_an_error(self, engine, monkeypatch):
        """Without a provider the state's service fails, and says why."""
        monkeypatch.setattr("flexiflow._services._HOMES", {})
        undo = register_provider("workflow", None)
        with pytest.raises(ComponentError, match="Nothing here runs a workflow"):
            provider_of("workflow")
        undo()

    def test_simulation_takes_a_fake(self):
        """In a sandbox it is answered by its name."""
        sandbox = Simulation(load_chart(ORDER), fake={"ship": "p2"})
        sandbox.send("pay")

        assert sandbox.state == "Shipped"
        assert sandbox.context["parcel"] == "p2"

    def test_simulation_fakes_a_child(self):
        """A child component likewise."""
        sandbox = Simulation(load_chart(KETTLE), fake={"pump": {"poured": 3}})
        sandbox.send("fill")

        assert (sandbox.state, sandbox.context["got"]) == ("Full", {"poured": 3})


class TestLoops:
    def test_child_goes_on_in_another_loop(self):
        """A loop that ended took the tasks along, not where the child stood."""
        chart = load_chart(KETTLE, functions=FUNCTIONS)
        engine = FlexiFlowEngine()
        kettle = AsyncComponent("kettle", [], ChartMachine(chart, functions=FUNCTIONS))
        engine.register(kettle)

        async def first():
            await kettle.send("fill")
            await engine.handle_message("kettle.pump", "on")
            await engine.handle_message("kettle.pump", "drop")

        async def second():
            await kettle.send("nothing")
            await rest()
            names = list(engine.components)
            await engine.handle_message("kettle.pump", "full")
            await kettle.until("Full", timeout=5)
            await engine.close()
            return names

        asyncio.run(first())
        names = asyncio.run(second())

        assert names == ["kettle", "kettle.pump"]
        assert kettle.context["got"] == {"poured": 1, "of": 3}

    async def test_nothing_is_left_over(self, engine):
        """After a hundred entries no task, component or waiter is left."""
        kettle = add(engine, KETTLE)
        before = len(asyncio.all_tasks())
        for _ in range(100):
            await kettle.send("fill")
            await engine.handle_message("kettle.pump", "on")
            await kettle.send("stop")
        await rest()

        assert list(engine.components) == ["kettle"]
        assert len(asyncio.all_tasks()) == before
        assert kettle.background.children == {}
        assert kettle.background.services() == {}

    async def test_child_that_leads_its_parent_on_ends_well(self, engine):
        """A child may be closed by what its own message leads to."""
        text = KETTLE.replace(
            "full: Done", "full: {do: [{send: {to: parent, type: stop}}, fail]}"
        )
        kettle = add(engine, text)
        await kettle.send("fill")
        pump = engine.get("kettle.pump")
        await pump.send("on")
        with pytest.raises(ActionError, match="leak"):
            await pump.send("full")
        await pump.send("drop")
        await kettle.send("stop")
        with pytest.raises(EngineClosedError):
            await pump.send("drop")

        assert kettle.state == "Idle"
