"""Options of tasks: attempts, time limits, fallbacks, rollbacks, and what is passed."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.clock import ManualClock
from flexiflow.workflows import (
    ExecutionContext,
    ResourceRequest,
    Runtime,
    TaskMetadata,
    parallel,
    pipeline,
    sleep,
    task,
    workflow,
)
from flexiflow.workflows.errors import (
    CodecError,
    ExecutionContextNotFoundError,
    ExecutionError,
    ExecutionTimeoutError,
    RetryError,
    WorkflowError,
)


@pytest.fixture
def clock():
    """Return a clock that is moved by hand."""
    return ManualClock()


@pytest.fixture
async def timed(tmp_path, clock):
    """Return a runtime that goes by that clock."""
    async with Runtime(home=tmp_path, clock=clock, durability="process") as runtime:
        yield runtime


async def seen(run, kind, count=1):
    """Wait until an execution has told of something so many times."""
    while [event.type for event in run.context.events].count(kind) < count:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def advance(clock, run, seconds):
    """Move the clock on once somebody waits for it, and let the loop see it."""
    while not clock.pending and not run.context.has_finished:  # noqa: ASYNC110
        await asyncio.sleep(0)
    clock.advance(seconds)
    await asyncio.sleep(0)


def once(step):
    """Return a workflow whose body is one call."""

    @workflow
    async def body(ctx):
        return await step(ctx.input)

    return body


class TestRetry:
    """Attempts."""

    async def test_waits_grow(self, timed, clock):
        """The waits are delay, delay*backoff, delay*backoff^2."""
        at = []

        @task.with_options(retry_max_attempts=3, retry_delay=1, retry_backoff=3)
        async def fails(value):
            at.append(clock.monotonic())
            raise ValueError(value)

        run = once(fails).start(1)
        for count, wait in enumerate((1, 3, 9), 1):
            await seen(run, "TASK_RETRY_STARTED", count)
            await advance(clock, run, wait)
        context = await run

        assert at == [0, 1, 4, 13]
        assert isinstance(context.output, RetryError)
        assert isinstance(context.output.inner_exception, ValueError)
        assert context.output.attempts == 4

    async def test_wait_is_capped(self, timed, clock):
        """No wait is longer than ten minutes."""

        @task.with_options(retry_max_attempts=1, retry_delay=10_000)
        async def fails(value):
            raise ValueError(value)

        run = once(fails).start(1)
        await seen(run, "TASK_RETRY_STARTED")
        await advance(clock, run, 600)

        assert (await run).has_failed

    async def test_wait_survives_a_restart(self, tmp_path, clock):
        """After a restart only the rest of the wait is waited for."""
        calls = []

        @task.with_options(retry_max_attempts=2, retry_delay=10, retry_backoff=2)
        async def flaky(value):
            calls.append(clock.monotonic())
            if len(calls) < 3:
                raise ValueError(value)
            return value

        body = once(flaky)
        async with Runtime(home=tmp_path, clock=clock):
            run = body.start(1, execution_id="one")
            await seen(run, "TASK_RETRY_STARTED")
            await advance(clock, run, 4)
        async with Runtime(home=tmp_path, clock=clock):
            again = body.start(1, execution_id="one")
            await advance(clock, again, 6)
            await seen(again, "TASK_RETRY_STARTED", 2)
            await advance(clock, again, 20)
            context = await again

        assert context.output == 1
        assert calls == [0, 10, 30]
        assert [event.type for event in context.events].count("TASK_STARTED") == 1

    async def test_one_that_helps(self, timed, clock):
        """A retry that succeeds gives the result."""
        calls = []

        @task.with_options(retry_max_attempts=5, retry_delay=0)
        async def flaky(value):
            calls.append(value)
            if len(calls) < 3:
                raise ValueError(value)
            return value

        assert (await once(flaky).start(7)).output == 7
        assert len(calls) == 3

    @pytest.mark.parametrize(
        "wrong",
        [
            {"retry_max_attempts": -1},
            {"retry_delay": -1},
            {"retry_backoff": 0},
            {"timeout": -1},
            {"timeout": float("nan")},
            {"retry_delay": float("nan")},
            {"retry_max_attempts": 1.5},
            {"retry_max_attempts": "3"},
            {"retry_max_attempts": None},
            {"fallback": 3},
            {"rollback": "x"},
            {"name": ""},
            {"cache": "yes"},
            {"executor": "mars"},
        ],
    )
    def test_options_that_cannot_be_meant(self, wrong):
        """They are refused where the task is defined."""
        with pytest.raises(ValueError):
            task.with_options(**wrong)

    def test_secret_requests_are_a_list(self):
        """One name alone would be read letter by letter."""
        with pytest.raises(TypeError):
            task.with_options(secret_requests="TOKEN")  # noqa: S106 - a name


class TestTimeout:
    """Time limits."""

    async def test_attempt_that_takes_too_long(self, timed, clock):
        """It is cancelled, and the task fails with the limit."""
        cancelled = []

        @task.with_options(timeout=5)
        async def slow(value):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled.append(value)
                raise

        run = once(slow).start(1)
        await advance(clock, run, 5)
        error = (await run).output

        assert isinstance(error, ExecutionTimeoutError)
        assert isinstance(error, ExecutionError)
        assert isinstance(error, TimeoutError)
        assert error.timeout == 5
        assert error.inner_exception is error
        assert cancelled == [1]

    async def test_each_attempt_has_its_time(self, timed, clock):
        """A retry begins anew."""
        calls = []

        @task.with_options(timeout=5, retry_max_attempts=1, retry_delay=0)
        async def slow_once(value):
            calls.append(value)
            if len(calls) == 1:
                await asyncio.get_running_loop().create_future()
            return value

        run = once(slow_once).start(1)
        await advance(clock, run, 5)

        assert (await run).output == 1

    async def test_plain_function_is_late_all_the_same(self, timed, clock):
        """It cannot be stopped, but it has not kept its time."""

        @task.with_options(timeout=5)
        def slow(value):
            clock.advance(6)
            return value

        assert isinstance((await once(slow).start(1)).output, ExecutionTimeoutError)

    async def test_own_timeouts_are_its_own(self, timed):
        """A ``TimeoutError`` of the task itself is an error like any other."""

        @task.with_options(timeout=5)
        async def raises(value):
            raise TimeoutError("mine")

        error = (await once(raises).start(1)).output

        assert not isinstance(error, ExecutionTimeoutError)
        assert isinstance(error.inner_exception, TimeoutError)


class TestFallback:
    """What comes after the last attempt."""

    async def test_gets_the_arguments(self, runtime):
        """It is called with the task's arguments, keywords included."""
        got = []

        async def instead(value, *, more):
            got.append((value, more))
            return "instead"

        @task.with_options(fallback=instead)
        async def fails(value, *, more):
            raise ValueError(value)

        @workflow
        async def body(ctx):
            return await fails(1, more=2)

        assert (await body.start()).output == "instead"
        assert got == [(1, 2)]

    async def test_may_be_a_task(self, runtime):
        """A task as fallback is a step of its own within."""

        @task
        async def other(value):
            return value * 10

        @task.with_options(fallback=other)
        async def fails(value):
            raise ValueError(value)

        context = await once(fails).start(4)

        assert context.output == 40
        assert [e.key for e in context.events if e.name == "other"] == ["1/!f/1"] * 2

    async def test_falsy_result_counts(self, runtime):
        """None, 0 and the like are results."""

        @task.with_options(fallback=lambda value: 0)
        async def fails(value):
            raise ValueError(value)

        assert (await once(fails).start(4)).output == 0

    async def test_rollback_once_and_the_error_goes_on(self, runtime):
        """The rollback runs once, and its result is nobody's."""
        calls = []

        def undo(value):
            calls.append(value)
            return "ignored"

        @task.with_options(rollback=undo, retry_max_attempts=2, retry_delay=0)
        async def fails(value):
            raise ValueError(value)

        context = await once(fails).start(4)

        assert calls == [4]
        assert isinstance(context.output.inner_exception, ValueError)

    async def test_broken_rollback(self, runtime):
        """The task's own error goes on, with a note about the rollback."""

        def undo(value):
            raise KeyError(value)

        @task.with_options(rollback=undo)
        async def fails(value):
            raise ValueError(value)

        error = (await once(fails).start(4)).output.inner_exception

        assert isinstance(error, ValueError)
        assert "KeyError" in error.__notes__[0]


class TestErrors:
    """What reaches the body."""

    async def test_wrapped_once(self, runtime):
        """The error of a nested task is not wrapped again by the outer one."""

        @task
        async def inner(value):
            raise ValueError(value)

        @task
        async def outer(value):
            return await inner(value)

        error = (await once(outer).start(5)).output

        assert type(error) is ExecutionError
        assert isinstance(error.inner_exception, ValueError)
        assert "ValueError: 5" in str(error)

    async def test_odd_constructors_survive(self, tmp_path):
        """Errors of any constructor come back from the journal."""

        class OddError(Exception):
            def __init__(self, *, code):
                super().__init__(f"code {code}")
                self.code = code

        @task
        async def fails(value):
            raise OddError(code=value)

        body = once(fails)
        async with Runtime(home=tmp_path):
            run = body.start(5)
            await run
        async with Runtime(home=tmp_path) as runtime:
            error = runtime.get_run(run.execution_id).context.output

        assert isinstance(error, ExecutionError)
        assert "code 5" in str(error)
        assert str(error.inner_exception) == "code 5"

    async def test_result_that_cannot_be_stored(self, runtime):
        """It is an error of the step, before it counts as done."""

        @task.with_options(retry_max_attempts=3, retry_delay=0)
        async def odd(value):
            return object()

        context = await once(odd).start(5)

        assert isinstance(context.output.inner_exception, CodecError)
        assert "TASK_COMPLETED" not in [event.type for event in context.events]
        assert "TASK_RETRY_STARTED" not in [event.type for event in context.events]

    async def test_output_that_cannot_be_stored(self, runtime):
        """The workflow fails, and says why."""

        @workflow
        async def body(ctx):
            return object()

        assert isinstance((await body.start()).output, CodecError)

    async def test_input_that_cannot_be_stored(self, runtime):
        """It is refused at the call."""

        @workflow
        async def body(ctx):
            return 1

        with pytest.raises(CodecError):
            body.start(object())
        with pytest.raises(CodecError):
            await asyncio.to_thread(body.run, object())

    async def test_exit_is_a_failure(self, runtime):
        """A task that calls ``sys.exit`` fails; the process goes on."""

        @task
        async def leaves(value):
            raise SystemExit(value)

        context = await asyncio.to_thread(once(leaves).run, 3)

        assert context.has_failed
        assert isinstance(context.output.inner_exception, SystemExit)

    def test_outside_of_a_workflow(self):
        """A task is a step; its function can be called alone."""

        @task
        async def double(value):
            return value * 2

        with pytest.raises(ExecutionContextNotFoundError, match=r"double\.func"):
            double(2)

        assert asyncio.run(double.func(2)) == 4


class TestWhatIsPassed:
    """Keywords that tasks ask for."""

    async def test_metadata(self, runtime):
        """It tells of the call, and is that of the events."""
        got = []

        @task.with_options(metadata=True, retry_max_attempts=1, retry_delay=0)
        async def told(value, *, metadata: TaskMetadata = None):
            got.append(metadata)
            if metadata.attempt == 1:
                raise ValueError(value)
            return metadata.task_id

        context = await once(told).start(5)

        assert [one.attempt for one in got] == [1, 2]
        assert got[0].task_name == "told"
        assert context.output == context.events[1].source_id

    async def test_not_where_it_is_not_accepted(self, runtime):
        """A function without the keyword is called without it."""

        @task.with_options(metadata=True)
        async def plain(value):
            return value

        assert (await once(plain).start(5)).output == 5

    async def test_context(self, runtime):
        """A task finds the execution that it belongs to."""

        @task
        async def asks(value):
            return (await ExecutionContext.get()).execution_id

        context = await once(asks).start(5)

        assert context.output == context.execution_id

    async def test_context_outside(self):
        """There is none outside."""
        with pytest.raises(ExecutionContextNotFoundError):
            await ExecutionContext.get()

    async def test_plain_functions(self, runtime):
        """A function that is not async is a task as well."""

        @task
        def double(value):
            return value * 2

        assert (await once(double).start(5)).output == 10

    async def test_methods(self, runtime):
        """A task may be a method."""

        class Account:
            @task
            async def add(self, value):
                return value + 1

        account = Account()

        @workflow
        async def body(ctx):
            return await account.add(ctx.input)

        assert (await body.start(1)).output == 2

    async def test_name(self, runtime):
        """Events call it what it was named."""

        @task.with_options(name="charge the card")
        async def charge(value):
            return value

        context = await once(charge).start(1)

        assert context.events[1].name == "charge the card"


class TestPipeline:
    """One after the other."""

    async def test_each_result_feeds_the_next(self, runtime):
        """Tasks and functions, async and plain."""

        @task
        async def double(value):
            return value * 2

        @workflow
        async def body(ctx):
            return await pipeline(double, lambda value: value + 1, double, input=3)

        assert (await body.start()).output == 14

    async def test_lambdas_in_parallel(self, runtime):
        """Branches may be functions that give a step."""

        @task
        async def double(value):
            return value * 2

        @workflow
        async def body(ctx):
            return await parallel(lambda: double(1), lambda: double(2))

        assert (await body.start()).output == [2, 4]


class TestSleep:
    """Waiting by the clock."""

    async def test_rest_of_it_after_a_restart(self, tmp_path, clock):
        """A restart does not begin it anew."""

        @workflow
        async def body(ctx):
            await sleep(10)
            return clock.monotonic()

        async with Runtime(home=tmp_path, clock=clock):
            run = body.start(execution_id="one")
            await seen(run, "TASK_STARTED")
            await advance(clock, run, 7)
        async with Runtime(home=tmp_path, clock=clock):
            again = body.start(execution_id="one")
            await advance(clock, again, 3)
            context = await again

        assert context.output == 10

    @pytest.mark.parametrize("seconds", [-1, "1", None, float("nan"), float("inf")])
    async def test_what_is_no_time(self, runtime, seconds):
        """No time runs backwards, or never."""

        @workflow
        async def body(ctx):
            await sleep(seconds)

        assert isinstance((await body.start()).output, ValueError)


class TestResources:
    def test_a_mapping_is_a_request(self):
        """What Dask takes as a mapping is taken here as well."""
        options = task.with_options(resources={"gpu": 4})(len).options

        assert options.resources == ResourceRequest(gpu=4)

    @pytest.mark.parametrize("given", ["big", {"gpus": 1}, 3])
    def test_anything_else_is_refused_where_it_is_written(self, given):
        """The fields that there are, are named."""
        with pytest.raises(WorkflowError, match="cpu, memory, gpu, packages"):
            task.with_options(resources=given)(len)
