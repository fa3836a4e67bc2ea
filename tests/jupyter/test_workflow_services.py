"""How far workflows are that run as services of states."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow import FlexiFlowEngine
from flexiflow.statechart import load_chart
from flexiflow.workflows import Runtime, set_runtime, task, workflow
from flexiflow_jupyter.running_layer import RunningLayer
from flexiflow_jupyter.workflow_services import WorkflowServices

CHART = "name: d\nstates: {a: {run: {workflow: importing}, done: b}, b: }"


@pytest.fixture
def runtime(tmp_path):
    """The runtime of the process, in the test's folder."""
    with Runtime(home=tmp_path, durability="process") as made:
        before = set_runtime(made)
        yield made
        set_runtime(before)


async def until(test):
    """Wait until something holds."""
    for _ in range(4_000):
        if test():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not come")


class TestWorkflowServices:
    async def test_items_of_a_mapped_task_are_progress(self, runtime):
        """The part that is done, and the name of the step, while it runs."""
        gate = asyncio.Event()

        @task
        async def read_page(page):
            if page > 0:
                await gate.wait()
            return page

        @workflow
        async def importing(_ctx):
            return await read_page.map([0, 1, 2, 3])

        async with FlexiFlowEngine() as engine:
            component = engine.create_component(load_chart(CHART))
            layer = RunningLayer(component)
            await until(lambda: [one["progress"] for one in layer.read()] == [0.25])
            (seen,) = layer.read()
            look_s = layer.next_look_s()
            gate.set()
            await component.until("b", timeout=10)
            after = layer.read()

        assert (seen["kind"], seen["name"]) == ("service", "importing")
        assert seen["text"] == "read_page"
        assert look_s == pytest.approx(0.5)
        assert after == []

    def test_an_execution_that_is_not_there_yet(self, runtime):
        """Nothing is told of it; it is asked for again."""
        assert WorkflowServices().read("nobody") == (None, "")
