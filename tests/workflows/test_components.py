"""Workflows and components: messages from tasks, wherever they run."""

from __future__ import annotations

import asyncio
import threading

import pytest

from flexiflow import FlexiFlowEngine, visualize
from flexiflow.errors import ComponentError
from flexiflow.statechart import load_chart
from flexiflow.workflows import ExecutionState, pause, task, workflow
from flexiflow.workflows.component import ExecutionComponent, execution_chart

DOOR = """
name: door
initial_state: closed
states:
  closed: {on: {open: opened}}
  opened: {on: {close: closed}}
"""


@pytest.fixture
async def engine():
    """Return an engine on this loop, with a door."""
    async with FlexiFlowEngine() as engine:
        engine.create_component(load_chart(DOOR))
        yield engine


def opening(engine):
    """Return a workflow whose task opens the door."""

    @task
    async def opens(name):
        result = await engine.get(name).send("open")
        return result.to_state

    @workflow
    async def body(ctx):
        return await opens(ctx.input)

    return body


class TestMessages:
    """A task sends a message to a component."""

    async def test_on_the_same_loop(self, runtime, engine):
        """An execution that was started on the component's loop sends directly."""
        context = await opening(engine).start("door")

        assert context.output == "opened"
        assert engine.get("door").state == "opened"

    async def test_from_the_runtime_thread(self, runtime, engine):
        """From the runtime's thread the message goes to the component's loop."""
        context = await asyncio.to_thread(opening(engine).run, "door")

        assert context.output == "opened"

    async def test_loop_that_is_blocked(self, runtime, engine):
        """A run that blocks the component's loop is told so, with what to do."""
        await engine.handle_message("door", "close")
        context = opening(engine).run("door")
        error = context.output.inner_exception

        assert isinstance(error, ComponentError)
        assert "await wf.start(input)" in str(error)
        assert engine.get("door").state == "closed"

    async def test_from_a_thread_of_the_task(self, runtime, engine):
        """A task in a thread of its own reaches the component as well."""
        threads = []

        @task.with_options(executor="thread")
        async def opens(name):
            threads.append(threading.current_thread())
            return (await engine.get(name).send("open")).to_state

        @workflow
        async def body(ctx):
            return await opens(ctx.input)

        context = await body.start("door")

        assert context.output == "opened"
        assert threads[0] is not threading.current_thread()

    async def test_the_story_goes_on(self, runtime, engine):
        """What the component tells carries the execution's correlation id."""
        history = engine.event_bus.keep_history()
        run = opening(engine).start("door")
        await run
        [changed] = [e for e in history.after(0) if e.name == "state.changed"]

        assert changed.correlation_id == run.correlation_id


@task
async def adds(values):
    """Return the sum of two numbers."""
    return values["a"] + values["b"]


@workflow
async def adding(ctx):
    """Add what the chart passes."""
    return await adds(ctx.input)


@workflow
async def asking(ctx):
    """Wait for an answer."""
    return await pause("amount")


@workflow
async def broken(ctx):
    """Fail."""
    raise ValueError("broken")


WORKING = """
name: worker
context: {{got: null}}
states:
  working:
    run: {{workflow: {workflow}, with: {{a: 1, b: 2}}}}
    done: {{to: finished, do: {{set: {{got: $result}}}}}}
    error: failed
    on: {{leave: left}}
  finished:
  failed:
  left:
"""


class TestServices:
    """A state of a chart that runs a workflow."""

    @pytest.fixture
    async def worker(self, runtime):
        """Return a function that makes the component for a workflow."""
        async with FlexiFlowEngine() as engine:

            def make(name):
                chart = load_chart(WORKING.format(workflow=name))
                return engine.create_component(chart)

            yield make

    async def test_result(self, worker):
        """The output of the execution is the result of the service."""
        component = worker("adding")
        await component.until("finished")

        assert component.context["got"] == 3

    async def test_failure(self, worker):
        """An execution that fails is a service that fails."""
        component = worker("broken")
        await component.until("failed")

        assert component.state == "failed"

    async def test_pause(self, worker, runtime):
        """The state waits as long as the execution does."""
        component = worker("asking")
        while not runtime.executions(states=("PAUSED",)):  # noqa: ASYNC110
            await asyncio.sleep(0)
        [row] = runtime.executions()
        await runtime.answer(row.id, 5, None)
        await component.until("finished")

        assert component.context["got"] == 5

    async def test_leaving_the_state_cancels(self, worker, runtime):
        """A state that is left ends what it runs."""
        component = worker("asking")
        while not runtime.executions(states=("PAUSED",)):  # noqa: ASYNC110
            await asyncio.sleep(0)
        await component.send("leave")
        while not runtime.executions(states=("CANCELLED",)):  # noqa: ASYNC110
            await asyncio.sleep(0)

        assert component.state == "left"

    async def test_a_restored_component_finds_its_execution(self, runtime, tmp_path):
        """After a restart the state goes on with the execution that it began."""
        store = tmp_path / "components.db"
        chart = load_chart(WORKING.format(workflow="asking"))
        engine = FlexiFlowEngine()
        engine.persist(store)
        component = engine.create_component(chart)
        await component.send("unknown")
        while not runtime.executions(states=("PAUSED",)):  # noqa: ASYNC110
            await asyncio.sleep(0)
        [before] = runtime.executions()
        await engine.close()
        between = runtime.get_run(before.id).status
        async with FlexiFlowEngine() as engine:
            component = engine.restore(store, chart)
            await component.send("unknown")
            await runtime.answer(before.id, 7, None)
            await component.until("finished")

        assert between == "PAUSED"
        assert component.context["got"] == 7
        assert [row.id for row in runtime.executions()] == [before.id]


class TestExecutionAsComponent:
    """An execution looks like any component."""

    async def test_follows(self, runtime, engine):
        """Its state is that of the execution, and the bus tells of the changes."""
        history = engine.event_bus.keep_history()
        run = asking.start()
        await run
        component = ExecutionComponent(run)
        engine.register(component)
        before = component.state
        await component.send("resume", 7)
        await component.until("COMPLETED")
        changes = [e.data for e in history.after(0) if e.name == "state.changed"]

        assert before == "PAUSED"
        assert run.context.output == 7
        assert component.context["output"] == 7
        assert [change["to_state"] for change in changes] == [
            "RESUMING",
            "RUNNING",
            "COMPLETED",
        ]

    async def test_cancel(self, runtime, engine):
        """A message cancels the execution."""
        run = asking.start()
        component = ExecutionComponent(run, name="mine")
        engine.register(component)
        await component.until("PAUSED")
        await component.send("cancel")
        await component.until("CANCELLED")

        assert run.status == "CANCELLED"

    async def test_questions(self, runtime, engine):
        """It can be asked what it takes, and why it does not."""
        run = asking.start()
        await run
        component = ExecutionComponent(run)
        engine.register(component)
        await component.send("cancel")
        await component.until("CANCELLED")

        assert not component.can("resume")
        assert "CANCELLED" in str(component.why_not("resume"))

    def test_chart(self):
        """Each state of an execution is one of the chart, and can be reached."""
        chart = execution_chart()
        drawn = visualize(chart)

        assert all(one.value in drawn for one in ExecutionState)
