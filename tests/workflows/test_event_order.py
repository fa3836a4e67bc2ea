"""The order of events: each row of the table that users rely on."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.workflows import call, pause, task, workflow


class Flaky:
    """Fails as often as it is told to, then returns its argument."""

    def __init__(self, failures):
        self.left = failures

    def __call__(self, value):
        """Fail, or return the value."""
        if self.left:
            self.left -= 1
            raise ValueError(f"{self.left} more")
        return value


def short(context):
    """Return the types of a context's events, without what all have in common."""
    names = {"WORKFLOW": "W", "TASK": "T"}
    return " ".join(
        names[event.type.split("_")[0]] + "_" + event.type.split("_", 1)[1]
        for event in context.events
    )


@pytest.fixture
def flow(runtime):
    """Return a function that runs the one step of a body, and gives its events."""

    def run(step):
        @workflow
        async def body(ctx):
            return await step(ctx.input)

        return body.run(7)

    return run


class TestTasks:
    """What a task tells of itself."""

    def test_success(self, flow):
        """A task that returns tells that it started and that it completed."""

        @task
        async def works(value):
            return value

        assert short(flow(works)) == "W_STARTED T_STARTED T_COMPLETED W_COMPLETED"

    def test_failure(self, flow):
        """A task that raises fails once, and the workflow with it."""

        @task
        async def fails(value):
            raise ValueError(value)

        context = flow(fails)

        assert short(context) == "W_STARTED T_STARTED T_FAILED W_FAILED"
        assert isinstance(context.events[2].value, ValueError)

    def test_retry_that_helps(self, flow):
        """Each attempt but the first is a retry; the last one completes the task."""
        flaky = Flaky(2)

        @task.with_options(retry_max_attempts=3, retry_delay=0)
        async def works(value):
            return flaky(value)

        assert short(flow(works)) == (
            "W_STARTED T_STARTED T_RETRY_STARTED T_RETRY_FAILED "
            "T_RETRY_STARTED T_RETRY_COMPLETED T_COMPLETED W_COMPLETED"
        )

    def test_retry_that_does_not(self, flow):
        """After the last attempt the task fails, once."""

        @task.with_options(retry_max_attempts=2, retry_delay=0)
        async def fails(value):
            raise ValueError(value)

        assert short(flow(fails)) == (
            "W_STARTED T_STARTED T_RETRY_STARTED T_RETRY_FAILED "
            "T_RETRY_STARTED T_RETRY_FAILED T_FAILED W_FAILED"
        )

    def test_fallback(self, flow):
        """A fallback gives the task its result."""

        async def instead(value):
            return value

        @task.with_options(fallback=instead)
        async def fails(value):
            raise ValueError(value)

        assert short(flow(fails)) == (
            "W_STARTED T_STARTED T_FALLBACK_STARTED T_FALLBACK_COMPLETED "
            "T_COMPLETED W_COMPLETED"
        )

    def test_fallback_after_retries(self, flow):
        """The fallback comes after the last attempt."""

        @task.with_options(
            retry_max_attempts=1, retry_delay=0, fallback=lambda value: value
        )
        async def fails(value):
            raise ValueError(value)

        assert short(flow(fails)) == (
            "W_STARTED T_STARTED T_RETRY_STARTED T_RETRY_FAILED "
            "T_FALLBACK_STARTED T_FALLBACK_COMPLETED T_COMPLETED W_COMPLETED"
        )

    def test_rollback(self, flow):
        """A rollback comes before the failure."""

        @task.with_options(rollback=lambda value: None)
        async def fails(value):
            raise ValueError(value)

        assert short(flow(fails)) == (
            "W_STARTED T_STARTED T_ROLLBACK_STARTED T_ROLLBACK_COMPLETED "
            "T_FAILED W_FAILED"
        )

    def test_rollback_after_all_else(self, flow):
        """Retries, then the fallback, then the rollback, then one failure."""

        def broken(value):
            raise KeyError(value)

        @task.with_options(
            retry_max_attempts=1, retry_delay=0, fallback=broken, rollback=broken
        )
        async def fails(value):
            raise ValueError(value)

        assert short(flow(fails)) == (
            "W_STARTED T_STARTED T_RETRY_STARTED T_RETRY_FAILED "
            "T_FALLBACK_STARTED T_FALLBACK_FAILED "
            "T_ROLLBACK_STARTED T_ROLLBACK_FAILED T_FAILED W_FAILED"
        )

    def test_a_retry_that_helps_needs_no_fallback(self, flow):
        """Fallback and rollback are left alone when an attempt succeeds."""
        flaky = Flaky(1)

        @task.with_options(
            retry_max_attempts=1,
            retry_delay=0,
            fallback=lambda value: 0,
            rollback=lambda value: 0,
        )
        async def works(value):
            return flaky(value)

        context = flow(works)

        assert context.output == 7
        assert "FALLBACK" not in short(context)
        assert "ROLLBACK" not in short(context)


class TestPause:
    """What waiting for a person looks like."""

    def test_pause_and_resume(self, runtime):
        """The task pauses, then the workflow; the answer completes the task."""

        @workflow
        async def body(ctx):
            return await pause("approval")

        paused = body.run()
        before = short(paused)
        name = paused.events[-1].name
        context = body.resume(paused.execution_id, "yes")

        assert before == "W_STARTED T_STARTED T_PAUSED W_PAUSED"
        assert name == "approval"
        assert short(context) == (
            f"{before} W_RESUMING W_RESUMED T_RESUMED T_COMPLETED W_COMPLETED"
        )
        assert [event.value for event in context.events[5:8]] == ["yes"] * 3

    def test_several_pauses_at_once(self, runtime):
        """Both tasks pause before the workflow does; it pauses for each in turn."""

        @workflow
        async def body(ctx):
            return await asyncio.gather(pause("a"), pause("b"))

        paused = body.run()
        once = body.resume(paused.execution_id, 1)
        between = once.state
        done = body.resume(paused.execution_id, 2)

        assert between == "PAUSED"
        assert short(done) == (
            "W_STARTED T_STARTED T_PAUSED T_STARTED T_PAUSED W_PAUSED "
            "W_RESUMING W_RESUMED T_RESUMED T_COMPLETED W_PAUSED "
            "W_RESUMING W_RESUMED T_RESUMED T_COMPLETED W_COMPLETED"
        )
        assert [e.name for e in done.events if e.type == "WORKFLOW_PAUSED"] == [
            "a",
            "b",
        ]

    def test_pause_of_a_child(self, runtime):
        """A child's pause pauses its parent under the same name."""

        @workflow
        async def child(ctx):
            return await pause("inner")

        @workflow
        async def body(ctx):
            return await call(child)

        paused = body.run()
        name = paused.events[-1].name
        done = body.resume(paused.execution_id, 0)

        assert name == "inner"
        assert done.output == 0
        assert short(done) == (
            "W_STARTED T_STARTED T_PAUSED W_PAUSED "
            "W_RESUMING W_RESUMED T_RESUMED T_COMPLETED W_COMPLETED"
        )


class TestCancel:
    """What ending looks like."""

    async def test_cancel(self, runtime):
        """The workflow is cancelling, then cancelled; the task tells nothing more."""

        @task
        async def hangs():
            await asyncio.get_running_loop().create_future()

        @workflow
        async def body(ctx):
            await hangs()

        run = body.start()
        async for event in run.events():
            if event.type == "TASK_STARTED":
                break
        context = await run.cancel()

        assert short(context) == "W_STARTED T_STARTED W_CANCELLING W_CANCELLED"

    async def test_cancel_that_is_swallowed(self, runtime):
        """A body that goes on completes."""

        @task
        async def hangs():
            await asyncio.get_running_loop().create_future()

        @task
        async def cleans():
            return "clean"

        @workflow
        async def body(ctx):
            try:
                await hangs()
            except asyncio.CancelledError:
                return await cleans()

        run = body.start()
        async for event in run.events():
            if event.type == "TASK_STARTED":
                break
        context = await run.cancel()

        assert context.output == "clean"
        assert short(context) == (
            "W_STARTED T_STARTED W_CANCELLING T_STARTED T_COMPLETED W_COMPLETED"
        )
