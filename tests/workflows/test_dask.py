"""Tasks on Dask workers: sent by value, cancelled, lost and done again."""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
import time

import pytest

from flexiflow.errors import MissingExtraError
from flexiflow.workflows import (
    ExecutionContext,
    ResourceRequest,
    Runtime,
    task,
    use_dask,
    workflow,
)
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.errors import (
    ExecutionError,
    ProcessDiedError,
    SchedulerLostError,
    WorkflowError,
)
from flexiflow.workflows.executors import Call, DaskExecutor
from flexiflow.workflows.secret_managers import SecretManager
from tests.workflows.dask_places import scheduler, worker

pytest.importorskip("distributed")

SECRET = "s3cr3t-of-the-test"  # noqa: S105 - of nobody

dask = task.with_options(executor="dask")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two worker processes that the tests of this file share."""
    executor = DaskExecutor(workers=2, folder=tmp_path_factory.mktemp("dask"))
    executor.start()
    yield executor
    executor.close(0)


@pytest.fixture
def runtime(tmp_path, cluster):
    """A runtime whose tasks go to the shared workers."""
    home = tmp_path / "home"
    with Runtime(home=home, durability="process", dask=cluster.address) as runtime:
        yield runtime


@pytest.fixture
def sign(tmp_path):
    """A file by which another process says something, and how to wait for it."""

    class Sign:
        path = str(tmp_path / "sign")

        async def text(self):
            async with asyncio.timeout(40):
                while not (os.path.exists(self.path) and os.path.getsize(self.path)):  # noqa: ASYNC110, ASYNC240, PTH110, PTH202 - another process makes it
                    await asyncio.sleep(0.01)
            with open(self.path) as file:  # noqa: ASYNC230, PTH123
                return file.read()

    return Sign()


def flow_of(body, name="flow"):
    """Return a workflow of a body that takes nothing."""

    async def flow(ctx: ExecutionContext):
        return await body()

    return workflow.with_options(name=name)(flow)


def result(executor, function, *args, **kwargs):
    """Call a function on a worker."""
    return executor.submit(Call(function, args, kwargs)).future.result(15)


async def wait_until(condition):
    """Wait for what no event tells."""
    async with asyncio.timeout(40):
        while not condition():  # noqa: ASYNC110 - as it says
            await asyncio.sleep(0.01)


class TestCalls:
    def test_plain_and_async_functions_run_elsewhere(self, cluster):
        """By value, with what they refer to."""
        factor = 3

        def plain(value):
            return os.getpid(), value * factor

        async def later(value):
            await asyncio.sleep(0)
            return os.getpid(), value * factor

        here = os.getpid()
        for function in (plain, later):
            pid, value = result(cluster, function, 5)
            assert (pid != here, value) == (True, 15)

    def test_falsy_results_are_results(self, cluster):
        """None, zero, and what is empty."""
        for value in (None, 0, "", []):
            assert result(cluster, lambda value: value, value) == value

    def test_function_sees_what_was_changed_since(self, cluster):
        """It is packed anew in each turn of the loop, with its globals then."""
        rate = [1]

        async def twice():
            first = cluster.submit(Call(lambda: rate[0]))
            await asyncio.sleep(0)
            rate[0] = 2
            second = cluster.submit(Call(first.call.function))
            return [await asyncio.wrap_future(job.future) for job in (first, second)]

        assert asyncio.run(twice()) == [1, 2]

    def test_errors_come_back_with_their_trace(self, cluster):
        """With their type, and as a note where they were raised."""

        def deep():
            return {}["missing"]

        with pytest.raises(KeyError, match="missing") as caught:
            result(cluster, deep)

        notes = "".join(caught.value.__notes__)
        assert "the Dask worker" in notes
        assert "in deep" in notes
        assert "_dask_remote" not in notes

    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
    def test_no_error_ends_a_worker(self, cluster, error):
        """What ends a process elsewhere is an error of the call."""

        def leave():
            raise error

        pid = result(cluster, os.getpid)
        with pytest.raises(error):
            result(cluster, leave)
        assert pid in {result(cluster, os.getpid) for _ in range(20)}

    def test_unsendable_values_are_clear_errors(self, cluster):
        """Arguments before anything runs, results after."""
        with pytest.raises(WorkflowError, match="cannot be sent"):
            cluster.submit(Call(len, (threading.Lock(),)))
        with pytest.raises(TypeError, match="pickle"):
            result(cluster, threading.Lock)

    def test_what_is_printed_is_printed_here(self, cluster, capfd, monkeypatch):
        """As by a process."""
        said = []
        monkeypatch.setattr(sys, "stdout", _Stream(said))

        def speak():
            print("hello from afar", flush=True)  # noqa: T201 - what is tested

        result(cluster, speak)
        end = time.monotonic() + 10
        while "hello from afar" not in "".join(said) and time.monotonic() < end:
            time.sleep(0.01)

        assert "hello from afar" in "".join(said)

    def test_large_values_give_no_warning(self, cluster):
        """Dask has a hint for large graphs that leads nowhere here."""
        assert result(cluster, len, b"x" * 12_000_000) == 12_000_000

    def test_many_small_calls_go_together(self, cluster):
        """Far fewer loads than calls, and every result in its place."""

        async def all_of_them():
            jobs = [cluster.submit(Call(abs, (-n,))) for n in range(1000)]
            return [await asyncio.wrap_future(job.future) for job in jobs]

        assert asyncio.run(all_of_them()) == list(range(1000))

    def test_what_is_done_does_not_wait_for_the_next(self, cluster):
        """A call that would begin late is left for another load."""

        async def some():
            await asyncio.gather(
                *(
                    asyncio.wrap_future(cluster.submit(Call(time.sleep, (0,))).future)
                    for _ in range(200)
                )
            )
            naps = [0.0] * 20 + [0.3] * 4 + [0.0] * 20
            jobs = [cluster.submit(Call(time.sleep, (nap,))) for nap in naps]
            return [await asyncio.wrap_future(job.future) for job in jobs]

        assert asyncio.run(some()) == [None] * 44

    def test_shows_where_it_is(self, cluster):
        """And how much it can do."""
        result(cluster, abs, 1)
        assert cluster.address.startswith("tcp://127.0.0.1:")
        assert cluster.address in repr(cluster)
        assert cluster.statistics().busy <= 2


class _Stream:
    """A standard output that keeps what is written."""

    def __init__(self, said):
        self._said = said

    def write(self, text):
        self._said.append(text)

    def flush(self):
        """Do nothing."""


class TestTasks:
    def test_task_runs_on_a_worker(self, runtime):
        """The events are those of a task that ran anywhere."""

        @dask
        def where():
            return os.getpid()

        ctx = flow_of(where).run(None)

        assert ctx.output != os.getpid()
        assert [event.type for event in ctx.events] == [
            "WORKFLOW_STARTED", "TASK_STARTED", "TASK_COMPLETED", "WORKFLOW_COMPLETED",
        ]  # fmt: skip

    async def test_map_of_two_thousand_shows_its_progress(self, runtime):
        """Results in order; the row counts while it runs."""

        @dask
        def half(number):
            return number / 2

        run = flow_of(lambda: half.map(range(2000))).start(None)
        seen = set()
        stop = run.listen(
            lambda _: (
                seen.update(step.done for step in run.steps()[:1])
                if len(run.context.events) % 100 == 0
                else None
            )
        )
        ctx = await run
        stop()
        step = run.steps()[0]

        assert ctx.output == [number / 2 for number in range(2000)]
        assert len(seen) > 5
        assert (step.done, step.total, step.executor) == (2000, 2000, "dask")

    def test_failing_item_ends_the_others(self, runtime, tmp_path):
        """Those that wait never begin."""
        folder = str(tmp_path)

        @dask
        def work(number):
            with open(f"{folder}/{number}", "w"):  # noqa: PTH123 - runs elsewhere
                pass
            if number == 0:
                raise ValueError(number)
            time.sleep(0.2)

        ctx = flow_of(lambda: work.map(range(500))).run(None)

        assert isinstance(ctx.output, ExecutionError)
        assert isinstance(ctx.output.inner_exception, ValueError)
        assert len(os.listdir(folder)) < 100  # noqa: PTH208 - quick

    def test_options_hold_there_too(self, runtime, sign):
        """Retries, metadata and timeouts."""
        path = sign.path

        @task.with_options(
            executor="dask", retry_max_attempts=2, retry_delay=0, metadata=True
        )
        def third_time(*, metadata):
            if metadata.attempt < 3:
                raise ValueError(metadata.attempt)
            return metadata.attempt

        @task.with_options(executor="dask", timeout=0.3)
        async def slow():
            await asyncio.sleep(60)

        assert path
        assert flow_of(third_time).run(None).output == 3
        assert "0.3" in str(flow_of(slow).run(None).output)


class TestCancel:
    async def test_async_task_is_cancelled_on_its_worker(self, runtime, sign):
        """Within a second, clean-up included."""
        path = sign.path

        @dask
        async def work():
            try:
                with open(path, "w") as file:  # noqa: ASYNC230, PTH123
                    file.write("begun")
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                with open(path, "w") as file:  # noqa: ASYNC230, PTH123
                    file.write("cleaned up")

        run = flow_of(work).start(None)
        await sign.text()
        began = time.monotonic()
        ctx = await run.cancel()

        assert ctx.is_cancelled
        assert await sign.text() == "cleaned up"
        assert time.monotonic() - began < 5  # a second, on a machine of one's own

    async def test_plain_function_is_interrupted(self, runtime, sign):
        """Between two lines of Python; its worker lives on."""
        path = sign.path

        @dask
        def work():
            with open(path, "w") as file:  # noqa: PTH123 - runs elsewhere
                file.write(str(os.getpid()))
            while True:
                time.sleep(0.01)

        run = flow_of(work).start(None)
        pid = int(await sign.text())
        ctx = await run.cancel()

        assert ctx.is_cancelled
        os.kill(pid, 0)

    async def test_stuck_function_is_killed_with_its_process(self, cluster, sign):
        """One of the cluster's own; another takes its place."""
        path = sign.path

        def work():
            with open(path, "w") as file:  # noqa: PTH123 - runs elsewhere
                file.write(str(os.getpid()))
            time.sleep(60)

        job = cluster.submit(Call(work))
        pid = int(await sign.text())
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wrap_future(job.future)

        await wait_until(lambda: not _lives(pid))
        assert result(cluster, abs, -1) == 1

    async def test_waiting_calls_are_taken_back(self, cluster, tmp_path):
        """They never begin, and others do."""
        gate, ran = str(tmp_path / "gate"), str(tmp_path / "ran")

        def hold():
            while not os.path.exists(gate):  # noqa: PTH110 - runs elsewhere
                time.sleep(0.01)

        def note(number):
            with open(f"{ran}{number}", "w"):  # noqa: PTH123 - as above
                return number

        busy = [cluster.submit(Call(hold)) for _ in range(2)]
        await wait_until(lambda: all(job.future.running() for job in busy))
        late = [cluster.submit(Call(note, (n,))) for n in range(300)]
        for job in late[:200]:
            job.cancel()
        for job in late[:200]:
            with pytest.raises((asyncio.CancelledError, BaseException)):
                await asyncio.wait_for(asyncio.wrap_future(job.future), 10)
        with open(gate, "w"):  # noqa: ASYNC230, PTH123
            pass
        done = [await asyncio.wrap_future(job.future) for job in late[200:]]

        assert done == list(range(200, 300))
        assert not any(os.path.exists(f"{ran}{n}") for n in range(200))  # noqa: ASYNC240, PTH110

    async def test_mapped_task_ends_as_a_whole(self, runtime, sign):
        """Waiting items at once, those at work as far as they can be."""
        path = sign.path

        @dask
        async def work(number):
            with open(path, "w") as file:  # noqa: ASYNC230, PTH123
                file.write(str(number))
            await asyncio.sleep(60)

        run = flow_of(lambda: work.map(range(10_000))).start(None)
        await sign.text()
        ctx = await run.cancel()
        begun = [event for event in ctx.events if event.type == "TASK_STARTED"]

        assert ctx.is_cancelled
        assert len(begun) <= 1 + 1000


def _lives(pid):
    """Tell whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.timeout(90)
class TestLoss:
    async def test_work_of_a_killed_worker_is_done_again(self, runtime, sign):
        """By another, soon; its result is recorded once."""
        path = sign.path

        @dask
        def work():
            if os.path.exists(path):  # noqa: PTH110 - runs elsewhere
                return "done by another"
            with open(path, "w") as file:  # noqa: PTH123 - as above
                file.write(str(os.getpid()))
            time.sleep(60)
            return "done by the first"

        run = flow_of(work).start(None)
        pid = int(await sign.text())
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        ctx = await run

        assert ctx.output == "done by another"
        assert [e.type for e in ctx.events].count("TASK_COMPLETED") == 1
        assert time.monotonic() - began < 30  # 5 on a machine of one's own

    def test_function_that_ends_every_worker_fails(self, tmp_path):
        """After as many workers as Dask gives it."""
        executor = DaskExecutor(workers=1, folder=tmp_path)
        try:
            with pytest.raises(ProcessDiedError, match="died"):
                executor.submit(Call(os._exit, (9,))).future.result(60)
        finally:
            executor.close(0)

    def test_no_scheduler_is_a_clear_error_and_no_failure(self, tmp_path):
        """The step is under way, and the execution goes on when there is one."""

        @dask
        def work():
            return "worked"

        flow = flow_of(work, name="lost")
        executor = DaskExecutor("tcp://127.0.0.1:9", patience_s=0.2)
        with Runtime(home=tmp_path / "home", durability="process") as runtime:
            runtime.resources._executors.use("dask", executor)  # noqa: SLF001
            with pytest.raises(SchedulerLostError, match=r"127\.0\.0\.1:9") as caught:
                flow.run(None)
            row = runtime.executions()[0]
            assert row.state == "RUNNING"
            use_dask("local", workers=1)
            ctx = flow.run(execution_id=row.id)

        assert "dask scheduler" in caught.value.fix
        assert ctx.output == "worked"

    async def test_scheduler_that_comes_back_gets_it_again(self, tmp_path, sign):
        """At the same address, within the patience; the execution does not notice."""
        path = sign.path

        @dask
        def work():
            with open(path, "a") as file:  # noqa: PTH123 - runs elsewhere
                file.write("begun ")
            time.sleep(0.5)
            return os.getpid()

        with contextlib.ExitStack() as places:
            first = places.enter_context(scheduler())
            port = int(first.address.rpartition(":")[2])
            places.enter_context(worker(first.address, tmp_path, name="one"))
            home = tmp_path / "home"
            places.enter_context(
                Runtime(home=home, durability="process", dask=first.address)
            )
            run = flow_of(work).start(None)
            await sign.text()
            first.kill()
            again = places.enter_context(await asyncio.to_thread(scheduler, port))
            places.enter_context(worker(again.address, tmp_path, name="two"))
            async with asyncio.timeout(40):
                ctx = await run

        assert ctx.has_succeeded

    async def test_scheduler_that_stays_away_leaves_the_step_under_way(
        self, tmp_path, sign
    ):
        """The error says what to do."""
        path = sign.path

        @dask
        def work():
            with open(path, "w") as file:  # noqa: PTH123 - runs elsewhere
                file.write("begun")
            time.sleep(60)

        with contextlib.ExitStack() as places:
            first = places.enter_context(scheduler())
            places.enter_context(worker(first.address, tmp_path, name="one"))
            runtime = places.enter_context(
                Runtime(home=tmp_path / "home", durability="process")
            )
            executor = DaskExecutor(first.address, patience_s=0.5)
            runtime.resources._executors.use("dask", executor)  # noqa: SLF001
            run = flow_of(work).start(None)
            await sign.text()
            first.kill()
            with pytest.raises(SchedulerLostError, match="is lost") as caught:
                await run
            state = runtime.executions()[0].state

        assert state == "RUNNING"
        assert "go on" in caught.value.fix


@pytest.mark.timeout(60)
class TestResources:
    async def test_task_that_fits_nowhere_says_so(self, runtime):
        """It waits, and the step tells why."""

        @task.with_options(executor="dask", resources=ResourceRequest(gpu=2))
        def work():
            return 1

        run = flow_of(work).start(None)
        await wait_until(lambda: any(step.reason for step in run.steps()))
        step = run.steps()[0]
        ctx = await run.cancel()

        assert step.status == "waiting"
        assert "2 GPU" in step.reason
        assert ctx.is_cancelled

    async def test_it_begins_when_a_worker_comes_that_fits(
        self, runtime, cluster, tmp_path
    ):
        """And says that it waits no more; a mapped task is told of once."""

        @task.with_options(
            executor="dask",
            resources=ResourceRequest(
                cpu=1, gpu=1, memory="1Gi", packages=["Some_Thing>=2"]
            ),
        )
        def work(number):
            return number

        run = flow_of(lambda: work.map(range(20))).start(None)
        await wait_until(lambda: any(step.reason for step in run.steps()))
        resources = {"GPU": 1.0, "CPU": 4.0, "MEMORY": 2e9, "package:some-thing": 1e9}
        with worker(cluster.address, tmp_path, name="gpu", **resources):
            async with asyncio.timeout(40):
                ctx = await run

        assert ctx.output == list(range(20))
        waits = [e.value for e in ctx.events if e.type == "TASK_WAITING"]
        assert len(waits) == 2
        assert waits[1] == ""

    def test_request_of_nothing_that_counts_is_refused(self, cluster):
        """Memory without an amount, packages without a name."""
        for request in (
            ResourceRequest(memory="much"),
            ResourceRequest(packages=["==3"]),
        ):
            with pytest.raises(WorkflowError, match="ResourceRequest"):
                cluster.submit(Call(abs, (1,), resources=request))


class TestSecrets:
    def test_dask_sees_no_secret(self, runtime, cluster, caplog, tmp_path):
        """Neither in keys nor in logs; not even of a task that fails."""
        SecretManager(runtime.home).save("TOKEN", SECRET)

        @task.with_options(executor="dask", secret_requests=["TOKEN"])
        def work(argument, *, secrets):
            raise ValueError(secrets["TOKEN"] + argument)

        caplog.set_level(logging.DEBUG, logger="distributed")
        ctx = flow_of(lambda: work(SECRET)).run(None)
        scheduler = cluster._link._cluster._cluster.scheduler  # noqa: SLF001
        told = repr(
            [list(scheduler.get_events()), scheduler.tasks, scheduler.get_logs()]
        )

        assert ctx.has_failed
        assert SECRET not in caplog.text
        assert SECRET not in told
        assert SECRET not in str(ctx.output)


@pytest.mark.timeout(60)
class TestPlaces:
    def test_use_dask_is_one_line(self, tmp_path):
        """It returns what is there; the runtime closes it."""
        with Runtime(home=tmp_path / "home", durability="process"):
            used = use_dask(workers=1, threads=2)
            assert used.statistics().workers in {0, 2}
            assert use_dask(workers=1, threads=2) is used
            assert flow_of(dask(os.getpid)).run(None).output != os.getpid()
            address = used.address

        with pytest.raises(WorkflowError, match="closed"):
            used.submit(Call(abs, (1,)))
        assert address.startswith("tcp://127.0.0.1")

    def test_setting_names_the_scheduler(self, cluster, tmp_path, monkeypatch):
        """By the environment, as all settings."""
        monkeypatch.setenv("FLEXIFLOW_DASK", cluster.address)
        Configuration.get().reload()
        try:
            with Runtime(home=tmp_path / "home", durability="process") as runtime:
                flow_of(dask(abs)).run(None)
                flow_of(dask(os.getpid)).run(None)
                made = runtime.resources._executors._made["dask"]  # noqa: SLF001
                assert made.address == cluster.address
        finally:
            monkeypatch.delenv("FLEXIFLOW_DASK")
            Configuration.get().reload()

    def test_objects_of_dask_name_it_too(self, cluster):
        """A client, or a cluster."""
        distributed = importlib.import_module("distributed")
        with distributed.Client(cluster.address, set_as_default=False) as client:
            executor = DaskExecutor(client)
            assert result(executor, abs, -2) == 2
            executor.close(0)

    def test_code_on_a_worker_uses_the_scheduler_of_that(self, cluster, tmp_path):
        """Without a setting: tasks of a body that runs there spread from there."""
        folder = str(tmp_path)

        def body():
            import distributed  # noqa: PLC0415 - runs elsewhere

            from flexiflow.workflows.executors import (  # noqa: PLC0415 - as above
                Call,
                DaskExecutor,
            )

            distributed.secede()
            executor = DaskExecutor(folder=folder)
            try:
                inner = executor.submit(Call(abs, (-3,))).future.result(10)
                return executor.address, inner
            finally:
                executor.close(0)

        assert result(cluster, body) == (cluster.address, 3)

    def test_missing_extra_is_named(self, tmp_path, monkeypatch):
        """With what to install."""
        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, *rest: None if name == "distributed" else find(name, *rest),
        )
        with pytest.raises(MissingExtraError, match=r"flexiflow\[dask\]"):
            DaskExecutor(folder=tmp_path).submit(Call(abs, (1,)))

    def test_closing_leaves_no_process_and_no_thread(self, tmp_path):
        """Also with a call that does not end, and twice."""
        before = set(threading.enumerate())
        executor = DaskExecutor(workers=1, folder=tmp_path)
        pid = result(executor, os.getpid)
        job = executor.submit(Call(time.sleep, (60,)))
        executor.close(0.1)
        executor.close(0.1)

        assert not _lives(pid)
        assert job.future.done()
        own = {t for t in set(threading.enumerate()) - before if "flexiflow" in t.name}
        assert own == set()
