"""Workflows and components: messages from tasks, wherever they run."""

from __future__ import annotations

import asyncio
import threading

import pytest

from flexiflow import FlexiFlowEngine
from flexiflow.errors import ComponentError
from flexiflow.statechart import load_chart
from flexiflow.workflows import task, workflow

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
