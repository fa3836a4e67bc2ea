"""Where executions meet the edges of asyncio, of memory and of the disk."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flexiflow.workflows import Runtime, parallel, pause, task, workflow
from flexiflow.workflows.errors import (
    DefinitionError,
    ExecutionError,
    JournalClosedError,
    JournalError,
    WorkflowError,
)

ROOT = Path(__file__).resolve().parents[2]


@task
async def echo(value):
    """Return a value."""
    return value


class TestNestedPause:
    """A pause within a task."""

    def test_it_pauses_the_execution(self, tmp_path):
        """The task that waits is not at work; it begins anew in another process."""
        calls = []

        @task
        async def asks(value):
            calls.append(value)
            before = await echo(value)
            return [before, await pause("inside")]

        @workflow
        async def body(ctx):
            return await asks(ctx.input)

        with Runtime(home=tmp_path):
            paused = body.run(1)
            state = paused.state
        with Runtime(home=tmp_path):
            done = body.resume(paused.execution_id, 0)

        assert state == "PAUSED"
        assert done.output == [1, 0]
        assert calls == [1, 1]

    def test_without_leaving_memory(self, runtime):
        """In the same process it just goes on."""

        @task
        async def asks(value):
            return await pause("inside")

        @workflow
        async def body(ctx):
            return await parallel(asks(1), asks(2))

        paused = body.run()
        once = body.resume(paused.execution_id, "a")
        state = once.state

        assert state == "PAUSED"
        assert body.resume(paused.execution_id, "b").output == ["a", "b"]


class TestCancellationFromWithin:
    """``CancelledError`` that nobody asked for."""

    async def test_of_a_task(self, runtime):
        """A task that awaits what was cancelled has failed."""

        @task
        async def awaits_the_dead():
            dead = asyncio.get_running_loop().create_future()
            dead.cancel()
            await dead

        @workflow
        async def body(ctx):
            await awaits_the_dead()

        context = await body.start()

        assert context.has_failed
        assert isinstance(context.output, ExecutionError)
        assert isinstance(context.output.inner_exception, asyncio.CancelledError)

    async def test_of_the_body(self, runtime):
        """So has a body."""

        @workflow
        async def body(ctx):
            dead = asyncio.get_running_loop().create_future()
            dead.cancel()
            await dead

        assert (await body.start()).has_failed

    async def test_time_limit_in_the_body(self, runtime):
        """A step that the body gives up is not awaited by a replay."""
        calls = []

        @task
        async def hangs():
            calls.append(1)
            await asyncio.get_running_loop().create_future()

        @workflow
        async def body(ctx):
            try:
                async with asyncio.timeout(0.01):
                    await hangs()
            except TimeoutError:
                return [await echo("late"), await pause()]

        run = body.start()
        await run
        runtime.evict(runtime._active[run.execution_id])  # noqa: SLF001
        context = await run.resume(5)

        assert context.output == ["late", 5]
        assert calls == [1]
        assert "TASK_CANCELLED" in [event.type for event in context.events]


class TestEndOfTheLoop:
    """``asyncio.run`` ends before its executions."""

    def test_it_goes_on_elsewhere(self, runtime):
        """What was interrupted is done again, and what cleaned up left no trace."""
        calls = []
        gate = [False]

        @task
        async def held():
            calls.append("held")
            if not gate[0]:
                await asyncio.get_running_loop().create_future()
            return "held"

        @task
        async def cleans():
            calls.append("cleans")

        @workflow
        async def body(ctx):
            first = await echo("first")
            try:
                return [first, await held()]
            finally:
                await cleans()

        async def main():
            run = body.start()
            while not calls:  # noqa: ASYNC110 - the disk decides when
                await asyncio.sleep(0)
            return run

        run = asyncio.run(main())
        state = run.status
        gate[0] = True
        context = body.run(execution_id=run.execution_id)

        assert state == "RUNNING"
        assert context.output == ["first", "held"]
        assert calls == ["held", "held", "cleans"]

    def test_who_awaits_is_told(self, runtime):
        """An await that outlives the loop of the body fails in words."""

        @workflow
        async def body(ctx):
            await asyncio.get_running_loop().create_future()

        async def main():
            return body.start()

        run = asyncio.run(main())

        async def later():
            return await run

        with pytest.raises(WorkflowError, match="interrupted"):
            asyncio.run(later())


class TestClose:
    """A runtime that is closed while executions are at work."""

    async def test_who_awaits_is_told(self, tmp_path):
        """Nobody waits for ever, and the execution stays as it is."""
        runtime = Runtime(home=tmp_path)

        @workflow
        async def body(ctx):
            await asyncio.get_running_loop().create_future()

        run = runtime.start(body.definition)
        waiter = asyncio.ensure_future(asyncio.wait_for(run, 5))
        async for _ in run.events():
            break
        runtime.close()
        with pytest.raises(JournalClosedError):
            await waiter

        assert run.status == "RUNNING"


class TestResults:
    """What a step returns."""

    async def test_it_is_nobody_elses(self, runtime):
        """What the task changes later is not seen, as in a replay."""
        shared = []

        @task
        async def gives():
            return shared

        @workflow
        async def body(ctx):
            got = await gives()
            shared.append("later")
            return got

        assert (await body.start()).output == []

    @pytest.mark.parametrize(
        "value", [None, 0, "", False, [], (), {}, set(), b"", (1, [2]), {1: "a"}]
    )
    async def test_falsy_and_odd_ones(self, runtime, value):
        """Each value comes back as it was, from the step and from the journal."""

        @workflow
        async def body(ctx):
            return [await echo(ctx.input), ctx.input]

        run = body.start(value)
        context = await run
        rows = runtime.journal.load(run.execution_id)

        assert context.output == [value, value]
        assert type(context.output[0]) is type(value)
        assert context.events[-1].value == [value, value]
        assert rows is not None


class Broken:
    """A journal whose disk is full after so many writes."""

    def __init__(self, journal, left):
        self._journal = journal
        self.left = left

    def __getattr__(self, name):
        return getattr(self._journal, name)

    def append(self, records, *, epoch, on_done=None, urgent=True, **options):
        """Write, or fail."""
        self.left -= 1
        if self.left < 0:
            if on_done is not None:
                on_done(JournalError("The disk is full"), range(0))
            return
        self._journal.append(
            records, epoch=epoch, on_done=on_done, urgent=urgent, **options
        )


class TestDisk:
    """A journal that takes nothing more."""

    @pytest.mark.parametrize("left", [0, 1, 2])
    async def test_failure_stops_the_execution(self, tmp_path, left):
        """Nothing goes on that is not stored; with a disk it goes on later."""
        calls = []

        @task
        async def counts(value):
            calls.append(value)
            return value

        @workflow
        async def body(ctx):
            return [await counts(1), await counts(2)]

        with Runtime(home=tmp_path) as good:
            with Runtime(Broken(good.journal, left), home=tmp_path):
                run = body.start()
                with pytest.raises(JournalError, match="full"):
                    await run
            context = await good.go_on(run.execution_id, body.definition)

        assert context.output == [1, 2]
        assert len(calls) <= 3


class TestBeginning:
    """An execution that has hardly begun."""

    async def test_cancelled_at_once(self, runtime):
        """It is cancelled before its first line."""
        calls = []

        @workflow
        async def body(ctx):
            calls.append(1)

        context = await asyncio.wait_for(body.start().cancel(), 10)

        assert context.is_cancelled
        assert calls == []

    def test_loop_that_ends_at_once(self, runtime):
        """It is not begun, and can be gone on with."""

        @workflow
        async def body(ctx):
            return await echo(5)

        async def main():
            return body.start(execution_id="one")

        asyncio.run(main())
        runtime.journal.sync()

        assert body.run(execution_id="one").output == 5


class Odd(BaseException):
    """Neither an error nor a wish to leave."""


class TestExceptions:
    """What is raised beside errors."""

    @pytest.mark.parametrize("cls", [KeyboardInterrupt, SystemExit, GeneratorExit, Odd])
    @pytest.mark.parametrize("where", ["task", "body", "branch"])
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_execution_fails_and_the_runtime_lives(self, runtime, cls, where):
        """Whatever is raised on the runtime's thread, nobody waits for ever."""

        @task
        async def raises():
            raise cls

        async def branch():
            raise cls

        @workflow
        async def body(ctx):
            if where == "task":
                await raises()
            elif where == "branch":
                await asyncio.gather(branch(), echo(1))
            else:
                raise cls

        context = body.run()

        assert context.has_failed
        assert body.run().has_failed

    @pytest.mark.parametrize("executor", ["thread", "process"])
    def test_of_other_threads_and_processes(self, runtime, executor):
        """It is an error of the task there, and no interruption here."""

        def raises():
            raise KeyboardInterrupt

        step = task.with_options(executor=executor)(raises)

        @workflow
        async def body(ctx):
            await step()

        context = body.run()

        assert context.has_failed
        assert isinstance(context.output, ExecutionError)


class TestNames:
    """Functions without a name of their own."""

    async def test_partials_and_objects(self, runtime):
        """They are called what they are made of."""

        class Adds:
            async def __call__(self, value):
                return value + 1

        partial = task(functools.partial(echo.func, 5))
        adds = task(Adds())

        @workflow
        async def body(ctx):
            return [await partial(), await adds(1)]

        assert (partial.name, adds.name) == ("echo", "Adds")
        assert (await body.start()).output == [5, 2]

    def test_what_gives_itself_no_name(self):
        """A partial of a partial, of an object, and a task with options."""

        class Adds:
            async def __call__(self, value):
                return value + 1

        nested = functools.partial(functools.partial(Adds(), 1))
        named = task.with_options(cache=True, name="mine")(nested)

        assert task.with_options(cache=True)(nested).name == "Adds"
        assert named.name == "mine"
        assert workflow(functools.partial(echo.func)).name == "echo"

    def test_options_take_partials_and_wrappers_whole(self):
        """What a function keeps as ``func`` is not called in its place."""

        def adds(one, other):
            return one + other

        class Doubles:
            def __init__(self, func):
                self.func = func

            def __call__(self, value):
                return 2 * self.func(value, 1)

        tries = task.with_options(retry_max_attempts=1)
        partial = tries(functools.partial(adds, 5))
        doubles = tries(Doubles(adds))
        inner = tries(task.with_options(timeout=9)(lambda value: value))

        @workflow
        async def body(ctx):
            return [await partial(1), await doubles(1), await inner(1)]

        assert body.run().output == [6, 4, 1]

    @pytest.mark.parametrize(
        ("make", "what"),
        [
            (task, "task"),
            (task.with_options(name="x"), "task"),
            (workflow, "workflow"),
            (workflow.with_options(name="x"), "workflow"),
        ],
    )
    @pytest.mark.parametrize("given", [3, None, "name", [1]])
    def test_what_cannot_be_called_is_refused(self, make, what, given):
        """Where it is defined, with what to do."""
        with pytest.raises(DefinitionError) as caught:
            make(given)

        assert isinstance(caught.value, TypeError)
        assert repr(given) in caught.value.what
        assert f"@{what}" in caught.value.fix


class TestInterrupt:
    """Ctrl-C while a loop stands still."""

    def test_in_a_running_loop(self, tmp_path):
        """The execution is cancelled at once, whatever the loop does with signals."""
        code = textwrap.dedent(
            """
            import asyncio, sys
            from flexiflow.workflows import Runtime, sleep, task, workflow

            @task
            async def ready():
                print("ready", flush=True)

            @workflow
            async def body(ctx):
                await ready()
                await sleep(60)

            async def main():
                with Runtime(home=sys.argv[1]) as runtime:
                    try:
                        body.run()
                    finally:
                        print(runtime.executions()[0].state, flush=True)

            asyncio.run(main())
            """
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        ) as process:
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()

        assert first == "ready\n"
        assert rest == "CANCELLED\n"


class TestCrashes:
    """Who ended the process."""

    @staticmethod
    def dying(tmp_path, body, times, end="os._exit(7)"):
        """Run a body that dies so often; return its state at last."""
        code = textwrap.dedent(
            f"""
            import asyncio, os, sys
            from flexiflow.workflows import Runtime, sleep, workflow, get_runtime

            @workflow
            async def body(ctx):
                await sleep(0)
                {body}

            async def main():
                run = body.start(execution_id="one")
                await asyncio.sleep(0.2)
                {end}

            with Runtime(home=sys.argv[1]) as runtime:
                asyncio.run(main())
            """
        )
        for _ in range(times):
            subprocess.run(
                [sys.executable, "-c", code, str(tmp_path)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=subprocess.DEVNULL,
                check=False,
            )
        with Runtime(home=tmp_path) as runtime:
            return runtime.get_run("one").status

    def test_it_was_the_execution(self, tmp_path):
        """After three deaths without a step in between it is not tried again."""
        assert self.dying(tmp_path, "os._exit(7)", 4) == "FAILED"

    def test_it_was_a_restart(self, tmp_path):
        """A sleeper is not blamed for the end of its process, however often."""
        assert self.dying(tmp_path, "await sleep(60)", 5) != "FAILED"

    def test_it_ended_in_good_order(self, tmp_path):
        """Nor is one whose loop or process ended as it should."""
        body = "await asyncio.sleep(60)"

        assert self.dying(tmp_path, body, 5, end="return") != "FAILED"


class TestChangedCode:
    """Another body than the execution began with."""

    async def test_it_is_told(self, tmp_path, caplog):
        """A warning names the execution, and the context says so."""

        @workflow.with_options(name="changed")
        async def before(ctx):
            return await pause()

        async with Runtime(home=tmp_path):
            run = before.start()
            await run

        @workflow.with_options(name="changed")
        async def after(ctx):
            return [await pause()]

        async with Runtime(home=tmp_path) as runtime:
            context = await runtime.answer(run.execution_id, 1, None)

        assert context.output == [1]
        assert context.code_changed
        assert run.execution_id in caplog.text


async def _end_of(run):
    return await run


class TestSameId:
    """Two processes that start one execution."""

    async def test_the_slower_one_follows(self, tmp_path):
        """Both get the end of the one that began."""
        calls = []
        gate = asyncio.Event()

        @task
        async def counts(value):
            calls.append(value)
            await gate.wait()
            return value

        @workflow
        async def body(ctx):
            return await counts(ctx.input)

        with Runtime(home=tmp_path) as one, Runtime(home=tmp_path) as other:
            first = one.start(body.definition, 1, execution_id="same")
            second = other.start(body.definition, 2, execution_id="same")
            waiting = asyncio.gather(first, second)
            while not calls:  # noqa: ASYNC110 - the disk decides when
                await asyncio.sleep(0)
            gate.set()
            contexts = await waiting

        assert [context.output for context in contexts] == [calls[0]] * 2
        assert len(calls) == 1

    async def test_handle_of_what_runs_elsewhere(self, tmp_path):
        """Awaiting it gives the end, whoever comes to it."""
        gate = asyncio.Event()

        @task
        async def waits():
            await gate.wait()
            return 5

        @workflow
        async def body(ctx):
            return await waits()

        with Runtime(home=tmp_path) as owner, Runtime(home=tmp_path) as other:
            run = owner.start(body.definition, execution_id="one")
            async for event in run.events():
                if event.type == "TASK_STARTED":
                    break
            waiting = asyncio.ensure_future(_end_of(other.get_run("one")))
            await asyncio.sleep(0)
            gate.set()
            context = await waiting
            await run

        assert context.output == 5

    @pytest.mark.parametrize("wrong", [5, "", "a\nb"])
    async def test_ids_that_cannot_be(self, runtime, wrong):
        """They are refused in words."""

        @workflow
        async def body(ctx):
            return 1

        with pytest.raises(WorkflowError, match="that id"):
            body.start(execution_id=wrong)

    def test_in_another_loop_of_the_process(self, runtime):
        """What a loop left behind when it ended goes on in the next."""
        gate = [False]

        @task
        async def held():
            if not gate[0]:
                await asyncio.get_running_loop().create_future()
            return "held"

        @workflow
        async def body(ctx):
            return await held()

        async def main():
            run = body.start(execution_id="one")
            if gate[0]:
                return (await run).output
            async for event in run.events():
                if event.type == "TASK_STARTED":
                    break
            return None

        asyncio.run(main())
        gate[0] = True

        assert asyncio.run(main()) == "held"
