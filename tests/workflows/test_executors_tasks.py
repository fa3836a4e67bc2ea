"""Tasks of real workflows in threads and processes, with caches and storages."""

import asyncio
import contextvars
import os
import threading
import time

import pytest

from flexiflow.workflows import ExecutionContext, Runtime, task, workflow
from flexiflow.workflows.errors import (
    ExecutionError,
    ExecutionTimeoutError,
    ProcessDiedError,
    RetryError,
)
from flexiflow.workflows.storage import FileStorage

STORY = contextvars.ContextVar("story", default="none")


def flow_of(body, name="flow"):
    """Return a workflow of a body that takes nothing."""

    async def flow(ctx: ExecutionContext):
        return await body()

    return workflow.with_options(name=name)(flow)


def failure_of(body):
    """Return what the first task of a body failed with."""
    ctx = flow_of(body).run(None)

    assert isinstance(ctx.output, ExecutionError), ctx.output
    return ctx.output


class TestProcess:
    def test_runs_in_another_process(self, runtime):
        """A function of this test goes by value."""
        here = os.getpid()

        @task.with_options(executor="process")
        def where(value):
            return os.getpid(), value

        pid, value = flow_of(lambda: where(5)).run(None).output

        assert pid != here
        assert value == 5

    def test_timeout_ends_the_function(self, runtime):
        """Each attempt may take so long; the process is not waited for."""

        @task.with_options(executor="process", timeout=0.1)
        def slow():
            time.sleep(60)

        assert isinstance(failure_of(slow), ExecutionTimeoutError)

    def test_died_process_is_retried(self, runtime, tmp_path):
        """The second attempt runs in a new process."""
        sign = tmp_path / "sign"

        @task.with_options(executor="process", retry_max_attempts=1, retry_delay=0)
        def dies_once(path):
            if not path.exists():
                path.touch()
                os._exit(9)
            return "alive"

        assert flow_of(lambda: dies_once(sign)).run(None).output == "alive"

    def test_died_process_is_the_cause_in_the_end(self, runtime):
        """After the last attempt the body learns what happened."""

        @task.with_options(executor="process", retry_max_attempts=1, retry_delay=0)
        def dies():
            os._exit(9)

        error = failure_of(dies)

        assert isinstance(error, RetryError)
        assert isinstance(error.inner_exception, ProcessDiedError)

    async def test_cancel_kills_the_process(self, runtime, tmp_path):
        """Before the execution is CANCELLED."""
        sign = tmp_path / "sign"

        @task.with_options(executor="process")
        def stuck(path):
            path.write_text(str(os.getpid()))
            while True:
                time.sleep(1)

        run = flow_of(lambda: stuck(sign)).start(None)
        async with asyncio.timeout(10):
            while not (sign.exists() and sign.read_text()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        ctx = await run.cancel()

        assert ctx.is_cancelled
        with pytest.raises(ProcessLookupError):
            os.kill(int(sign.read_text()), 0)


class TestThread:
    def test_runs_in_a_thread_with_the_callers_context(self, runtime):
        """Copied when the task is called."""

        @task.with_options(executor="thread")
        def look():
            return threading.current_thread().name, STORY.get()

        STORY.set("mine")

        assert flow_of(look).run(None).output == ("flexiflow thread", "mine")

    def test_blocking_functions_do_not_hold_up_the_loop(self, runtime):
        """Two that wait for each other come to their ends."""
        barrier = threading.Barrier(2, timeout=5)

        @task.with_options(executor="thread")
        def meet():
            return barrier.wait()

        async def both():
            return sorted(await asyncio.gather(meet(), meet()))

        assert flow_of(both).run(None).output == [0, 1]

    def test_closing_the_runtime_leaves_no_thread(self, tmp_path):
        """Nor a process."""
        before = threading.active_count()

        @task.with_options(executor="thread")
        def one():
            return 1

        @task.with_options(executor="process")
        def two():
            return 2

        async def both():
            return await one(), await two()

        with Runtime(home=tmp_path / "home", durability="process"):
            assert flow_of(both).run(None).output == (1, 2)

        assert threading.active_count() <= before


class TestCache:
    def test_result_is_used_in_this_and_in_other_executions(self, runtime):
        """A falsy one too; the events are those of a task that ran."""
        calls = []

        @task.with_options(cache=True)
        def nothing(value):
            calls.append(value)

        async def thrice():
            return [await nothing(1), await nothing(1), await nothing(2)]

        flow = flow_of(thrice)
        first, second = flow.run(None), flow.run(None)

        assert first.output == second.output == [None, None, None]
        assert calls == [1, 2]
        assert [e.type for e in first.events] == [e.type for e in second.events]


class TestStorage:
    def test_result_is_in_a_file_and_comes_back(self, runtime, tmp_path):
        """In this process and in a replay; the journal holds a reference."""
        storage = FileStorage(tmp_path / "storage")
        calls = []

        @task.with_options(output_storage=storage)
        def large():
            calls.append(1)
            return "x" * 50_000

        async def body():
            return len(await large())

        ctx = flow_of(body).run(None)
        kept = b"".join(
            path.read_bytes() for path in runtime.home.rglob("flexiflow.db*")
            if path.is_file()
        )  # fmt: skip

        assert ctx.output == 50_000
        assert b"x" * 1000 not in kept
        assert [len(p.read_text()) for p in storage.folder.rglob("*.json")] == [50_002]
