"""Runtimes: who runs what where, and what becomes of it when a process dies."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from flexiflow.logger import correlation_id, get_correlation_id
from flexiflow.workflows import (
    ExecutionState,
    Runtime,
    call,
    get_runtime,
    pause,
    task,
    workflow,
)
from flexiflow.workflows.errors import (
    ExecutionContextNotFoundError,
    ExecutionError,
    ExecutionOwnedError,
    NonDeterminismError,
    PoisonError,
    WorkflowError,
    WorkflowNotFoundError,
)


@task
async def double(value):
    """Return the double of a value."""
    return value * 2


@workflow
async def doubles(ctx):
    """Double the input."""
    return await double(ctx.input)


class Held:
    """A workflow that hangs in its second step until it is let go."""

    def __init__(self, name):
        self.gate = threading.Event()
        self.calls = []

        @task
        async def first(value):
            self.calls.append("first")
            return value + 1

        @task
        async def second(value):
            self.calls.append("second")
            while not self.gate.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.001)
            return value * 10

        async def body(ctx):
            return await second(await first(ctx.input))

        self.flow = workflow.with_options(name=name)(body)

    async def die_within(self, home, execution_id):
        """Run it until the second step is under way, and let the runtime go."""
        async with Runtime(home=home):
            before = self.calls.count("second")
            self.flow.start(4, execution_id=execution_id)
            while self.calls.count("second") == before:  # noqa: ASYNC110
                await asyncio.sleep(0)


class TestRun:
    """Blocking calls."""

    def test_from_a_script(self, runtime):
        """It returns the context at the end."""
        context = doubles.run(4)

        assert context.output == 8
        assert context.workflow_name == "doubles"
        assert context.input == 4

    async def test_within_a_running_loop(self, runtime):
        """It works in a notebook cell too: on the runtime's own thread."""
        threads = []

        @task
        async def where():
            threads.append(threading.current_thread())

        @workflow
        async def body(ctx):
            await where()

        assert body.run().has_succeeded
        assert threads[0] is not threading.current_thread()

    def test_copy_of_the_callers_context(self, runtime):
        """Context variables go along, and changes stay there."""
        variable = contextvars.ContextVar("variable", default="none")

        @task
        async def reads():
            seen = variable.get()
            variable.set("changed")
            return seen

        @workflow
        async def body(ctx):
            return await reads()

        variable.set("mine")

        assert body.run().output == "mine"
        assert variable.get() == "mine"

    def test_correlation_id(self, runtime):
        """The story of the caller goes on in the execution."""

        @task
        async def told():
            return get_correlation_id()

        @workflow
        async def body(ctx):
            return await told()

        with correlation_id("order-7"):
            context = body.run()

        assert context.output == "order-7"

    def test_never_raises_for_the_workflow(self, runtime):
        """An error of the body is a state and an output."""

        @workflow
        async def body(ctx):
            raise LookupError("gone")

        context = body.run()

        assert context.has_failed
        assert isinstance(context.output, LookupError)

    def test_in_the_body_of_another(self, runtime):
        """Each replay would run it once more: it is refused."""

        @workflow
        async def body(ctx):
            doubles.run(1)

        assert "call(doubles" in str(body.run().output)

    def test_in_a_task_on_the_same_thread(self, runtime):
        """It would wait for itself: it is refused."""

        @task
        async def inner():
            return doubles.run(1).output

        @workflow
        async def body(ctx):
            return await inner()

        error = body.run().output

        assert isinstance(error.inner_exception, WorkflowError)

    async def test_start_needs_a_loop(self, runtime):
        """Without a loop there is nowhere to run."""
        with pytest.raises(RuntimeError):
            await asyncio.to_thread(doubles.start, 1)

    def test_interrupt_cancels(self, tmp_path):
        """The stop button cancels the execution, which cleans up and ends first."""
        code = textwrap.dedent(
            """
            import asyncio, sys
            from flexiflow.workflows import Runtime, task, workflow

            @task
            async def hangs():
                print("hangs", flush=True)
                await asyncio.get_running_loop().create_future()

            @task
            async def cleans():
                print("cleans", flush=True)

            @workflow
            async def body(ctx):
                try:
                    await hangs()
                finally:
                    await cleans()

            with Runtime(home=sys.argv[1]) as runtime:
                try:
                    body.run()
                except KeyboardInterrupt:
                    print("interrupted", runtime.executions()[0].state, flush=True)
            """
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()

        assert first == "hangs\n"
        assert rest.split("\n")[:2] == ["cleans", "interrupted CANCELLED"]


class TestRunAgain:
    """``run(execution_id=...)``."""

    def test_finished(self, runtime):
        """It is returned as it is."""
        first = doubles.run(4)

        assert doubles.run(execution_id=first.execution_id).output == 8

    def test_paused(self, runtime):
        """It waits on, and is returned as it is."""

        @workflow
        async def body(ctx):
            return await pause()

        paused = body.run()

        assert body.run(execution_id=paused.execution_id).is_paused
        assert body.resume(paused.execution_id, 3).output == 3

    def test_unknown(self, runtime):
        """There is none."""
        with pytest.raises(ExecutionContextNotFoundError):
            doubles.run(execution_id="nothing")

    async def test_after_a_crash(self, tmp_path):
        """Only the step that was under way is done again."""
        held = Held("after a crash")
        await held.die_within(tmp_path, "one")
        held.gate.set()
        async with Runtime(home=tmp_path):
            context = held.flow.run(execution_id="one")

        assert context.output == 50
        assert held.calls == ["first", "second", "second"]

    async def test_owned_by_a_living_process(self, tmp_path):
        """It is refused while somebody else is at work on it."""
        held = Held("owned")
        with Runtime(home=tmp_path) as owner:
            run = held.flow.start(4, execution_id="one")
            while "second" not in held.calls:  # noqa: ASYNC110
                await asyncio.sleep(0)
            with Runtime(home=tmp_path) as other, pytest.raises(ExecutionOwnedError):
                await other.go_on("one", held.flow.definition)
            held.gate.set()
            context = await run
            assert owner.is_closed is False

        assert context.output == 50

    async def test_running_here(self, runtime):
        """One that is at work in this process is waited for."""
        held = Held("running here")
        run = held.flow.start(4, execution_id="one")
        while "second" not in held.calls:  # noqa: ASYNC110
            await asyncio.sleep(0)
        held.gate.set()
        context = await asyncio.to_thread(held.flow.run, execution_id="one")

        assert context is run.context
        assert context.output == 50


class TestOwnership:
    """Who may write."""

    async def test_a_stale_owner_stops(self, tmp_path):
        """Who lost an execution does nothing more to it, and says so."""
        held = Held("stale")
        with Runtime(home=tmp_path) as owner:
            run = held.flow.start(4, execution_id="one")
            while "second" not in held.calls:  # noqa: ASYNC110
                await asyncio.sleep(0)
            stored = owner.journal.load("one")
            owner.journal.claim("one", expected_epoch=stored.epoch)
            held.gate.set()
            with pytest.raises(WorkflowError):
                await run
            after = owner.journal.load("one").records

        assert [r.key for r in after if r.kind == "TASK_COMPLETED"] == ["1"]


class TestRecover:
    """Going on after a crash."""

    async def test_orphans_go_on(self, tmp_path):
        """Executions whose process has died are gone on with."""
        held = Held("orphan")
        await held.die_within(tmp_path, "one")
        held.gate.set()
        async with Runtime(home=tmp_path) as runtime:
            runs = runtime.recover()
            contexts = [await run for run in runs]

        assert [context.output for context in contexts] == [50]
        assert held.calls == ["first", "second", "second"]

    def test_without_a_loop(self, tmp_path):
        """They run in the runtime's own thread then."""
        held = Held("orphan in a thread")
        asyncio.run(held.die_within(tmp_path, "one"))
        held.gate.set()
        with Runtime(home=tmp_path) as runtime:
            runs = runtime.recover()
            context = held.flow.run(execution_id="one")

        assert len(runs) == 1
        assert context.output == 50

    async def test_paused_ones_wait_on(self, tmp_path):
        """What waits for a person is no orphan."""

        @workflow
        async def body(ctx):
            return await pause()

        async with Runtime(home=tmp_path):
            await body.start()
        async with Runtime(home=tmp_path) as runtime:
            assert runtime.recover() == []

    async def test_needs_its_definition(self, tmp_path):
        """It goes on as soon as its workflow is defined."""
        held = Held("defined later")
        await held.die_within(tmp_path, "one")
        held.gate.set()
        from flexiflow.workflows import _definition  # noqa: PLC0415 - to forget it

        _definition.CATALOGUE._known.pop("defined later")  # noqa: SLF001
        async with Runtime(home=tmp_path) as runtime:
            [run] = runtime.recover()
            state = run.status
            workflow.with_options(name="defined later")(held.flow.func)
            context = await run

        assert state is ExecutionState.NEEDS_DEFINITION
        assert context.output == 50

    async def test_poison(self, tmp_path):
        """What ends its process again and again fails."""
        held = Held("poison")
        await held.die_within(tmp_path, "one")
        for _ in range(2):  # of which it can be blamed; before, it ended in order
            async with Runtime(home=tmp_path, max_crashes=2) as runtime:
                before = len(held.calls)
                runtime.let_go = lambda live: None  # it dies without a word
                runtime.recover()
                while len(held.calls) == before:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        async with Runtime(home=tmp_path, max_crashes=2) as runtime:
            [run] = runtime.recover()

        assert run.context.has_failed
        assert isinstance(run.context.output, PoisonError)
        assert "second" in str(run.context.output)

    async def test_children_go_on_with_their_parents(self, tmp_path):
        """A child is no orphan of its own; it goes on where it was."""
        held = Held("child that is held")

        @workflow
        async def parent(ctx):
            return [await call(held.flow, ctx.input), await double(1)]

        async with Runtime(home=tmp_path):
            parent.start(4, execution_id="one")
            while "second" not in held.calls:  # noqa: ASYNC110
                await asyncio.sleep(0)
        held.gate.set()
        async with Runtime(home=tmp_path) as runtime:
            runs = runtime.recover()
            context = await runs[0]

        assert len(runs) == 1
        assert context.output == [50, 2]
        assert held.calls == ["first", "second", "second"]


class TestChildren:
    """Workflows as steps."""

    async def test_output(self, runtime):
        """The output of the child is the result of the step."""

        @workflow
        async def body(ctx):
            return [
                await call(doubles, 1),
                await call("doubles", 2),
                await doubles(ctx),
            ]

        assert (await body.start(3)).output == [2, 4, 6]

    async def test_failure(self, runtime):
        """A child that fails raises what it failed with, wrapped once."""

        @task
        async def fails():
            raise ValueError("no")

        @workflow
        async def child(ctx):
            await fails()

        @workflow
        async def body(ctx):
            try:
                await call(child)
            except ExecutionError as error:
                return repr(error.inner_exception)

        assert (await body.start()).output == "ValueError('no')"

    async def test_unknown_name(self, runtime):
        """Near misses are listed."""

        @workflow
        async def body(ctx):
            return await call("double")

        error = (await body.start()).output

        assert isinstance(error, WorkflowNotFoundError)
        assert "doubles" in str(error)

    async def test_it_is_an_execution(self, runtime):
        """It is stored as one, with its parent's story."""

        @workflow
        async def body(ctx):
            return await call(doubles, 1)

        run = body.start()
        context = await run
        child = runtime.get_run(context.events[1].value["child"])

        assert child.context.output == 2
        assert child.correlation_id == run.correlation_id
        assert child.workflow_name == "doubles"

    async def test_with_the_runtime_thread_alone(self, runtime):
        """It needs no second worker."""

        @workflow
        async def body(ctx):
            return [await doubles(value) for value in ctx.input]

        assert body.run([1, 2]).output == [2, 4]


class TestDefault:
    """The runtime of ``wf.run``."""

    def test_block(self, tmp_path):
        """In its block a runtime is that of the process."""
        with Runtime(home=tmp_path) as outer:
            with Runtime(home=tmp_path) as inner:
                assert get_runtime() is inner
            assert get_runtime() is outer

    def test_closed(self, tmp_path):
        """A closed runtime takes nothing more, and says so."""
        runtime = Runtime(home=tmp_path)
        runtime.close()
        runtime.close()
        with pytest.raises(WorkflowError, match="closed"):
            runtime.run(doubles.definition, 1)

    def test_nothing_is_left_of_it(self, tmp_path):
        """Threads and files are gone after close."""
        before = threading.active_count()
        files = len([*Path("/proc/self/fd").iterdir()])
        with Runtime(home=tmp_path):
            doubles.run(1)

        assert threading.active_count() == before
        assert len([*Path("/proc/self/fd").iterdir()]) == files

    async def test_factory_of_the_loop_is_given_back(self, runtime):
        """The last execution leaves the loop as it was."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()
        await asyncio.gather(doubles.start(1), doubles.start(2))

        assert loop.get_task_factory() is before

    async def test_list(self, runtime):
        """The executions of the journal, the newest first."""
        for value in range(3):
            await doubles.start(value)
        rows = runtime.executions(limit=2)

        assert [row.input for row in rows] == ["2", "1"]
        assert {row.state for row in rows} == {"COMPLETED"}


class TestBus:
    """Events go over the bus."""

    async def test_each_event(self, runtime):
        """Names tell what happened, payloads of which execution, ids of the story."""
        history = runtime.event_bus.keep_history()
        with correlation_id("story"):
            run = doubles.start(4)
        await run
        events = history.after(0)

        assert [event.name for event in events] == [
            "workflow.execution.running",
            "task.started",
            "task.completed",
            "workflow.execution.completed",
        ]
        assert {event.correlation_id for event in events} == {"story"}
        assert {event.data["execution_id"] for event in events} == {run.execution_id}
        assert events[2].data["value"] == "8"
        assert events[2].data["name"] == "double"

    async def test_subscriber_that_fails(self, runtime):
        """What subscribers do is no concern of the execution's."""

        async def fails(data):
            raise ValueError(data)

        await runtime.event_bus.subscribe("task.completed", "test", fails)

        assert (await doubles.start(4)).output == 8

    async def test_listener_that_fails(self, runtime):
        """Nor is what listeners of a handle do."""
        seen = []

        def fails(event):
            seen.append(event.type)
            raise ValueError(event)

        run = doubles.start(4)
        run.listen(fails)

        assert (await run).output == 8
        assert seen[-1] == "WORKFLOW_COMPLETED"


class TestChangedCode:
    """Another body than the execution began with."""

    async def test_same_steps(self, tmp_path):
        """A change that calls the same steps goes on."""

        @workflow.with_options(name="changing")
        async def before(ctx):
            value = await double(1)
            return [value, await pause()]

        async with Runtime(home=tmp_path):
            run = before.start()
            await run

        @workflow.with_options(name="changing")
        async def after(ctx):
            value = await double(1)
            answer = await pause()
            return {"value": value, "answer": answer}

        async with Runtime(home=tmp_path) as runtime:
            context = await runtime.answer(run.execution_id, 3, None)

        assert context.output == {"value": 2, "answer": 3}

    async def test_other_steps(self, tmp_path):
        """A change that calls others is refused, and said to be one of the code."""

        @workflow.with_options(name="changing")
        async def before(ctx):
            await double(1)
            return await pause()

        async with Runtime(home=tmp_path):
            run = before.start()
            await run

        @workflow.with_options(name="changing")
        async def after(ctx):
            await double(1)
            await double(2)
            return await pause()

        async with Runtime(home=tmp_path) as runtime:
            context = await runtime.answer(run.execution_id, 3, None)

        assert isinstance(context.output, NonDeterminismError)
        assert "The code of 'changing'" in str(context.output)
