"""Executors: functions in threads and processes, cancelled, killed, closed."""

import asyncio
import contextvars
import gc
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from flexiflow.errors import MissingExtraError
from flexiflow.workflows.errors import ProcessDiedError, WorkflowError
from flexiflow.workflows.executors import (
    Call,
    Executors,
    ExecutorStatistics,
    ProcessExecutor,
    _packing,
    process,
)

ROOT = Path(__file__).resolve().parents[2]
STORY = contextvars.ContextVar("story", default="none")


class Odd(Exception):  # noqa: N818 - errors may have any name
    """An error that pickles, but cannot be made again by the pickle."""

    def __init__(self, code, *, body):
        super().__init__(f"code {code}")
        self.body = body


@pytest.fixture
def executors():
    """Executors with two workers of a kind, closed at the end."""
    made = Executors(threads=2, processes=2)
    yield made
    made.close(0.1)


@pytest.fixture
def files(tmp_path):
    """A folder for signs between processes, and how to wait for one."""

    async def wait_for(name):
        path = tmp_path / name
        async with asyncio.timeout(10):
            while not path.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
        return path

    return wait_for


def running():
    """Return the processes below this one that still run."""
    return [
        item
        for item in psutil.Process().children(recursive=True)
        if item.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture
def children():
    """Return the processes that the test has started and that still run."""
    others = set(running())
    return lambda: [item for item in running() if item not in others]


async def wait_until(condition):
    """Wait for what no event tells."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - as it says
            await asyncio.sleep(0.01)


def doing(executors, name):
    """Return what the executor of a name does; nothing, before it is made."""
    return executors.statistics().get(name, ExecutorStatistics(0, 0, 0))


def add(a, b=0):
    """Return a sum."""
    return a + b


async def add_later(a, b=0):
    """Return a sum, after a turn of the loop."""
    await asyncio.sleep(0)
    return a + b


@pytest.mark.parametrize("name", ["local", "thread", "process"])
class TestEverywhere:
    async def test_calls_plain_and_async_functions(self, executors, name):
        """With positional and keyword arguments."""
        assert await executors.run(name, add, (1,), {"b": 2}) == 3
        assert await executors.run(name, add_later, (1,), {"b": 3}) == 4

    async def test_error_of_the_function_is_raised(self, executors, name):
        """With its type and its text."""

        def fail():
            msg = "broken"
            raise KeyError(msg)

        with pytest.raises(KeyError, match="broken"):
            await executors.run(name, fail)

    async def test_falsy_results_are_results(self, executors, name):
        """None and zero come back as they are."""
        assert await executors.run(name, add, (0,)) == 0
        assert await executors.run(name, print, (), {"end": ""}) is None

    async def test_stop_iteration_does_not_hang(self, executors, name):
        """An error that no future takes is told as another."""

        def fail():
            raise StopIteration

        with pytest.raises((RuntimeError, StopIteration)):
            async with asyncio.timeout(10):
                await executors.run(name, fail)

    async def test_exit_is_an_error_of_the_call(self, executors, name):
        """sys.exit ends neither this process nor that of the task."""
        with pytest.raises(SystemExit) as caught:
            await executors.run(name, sys.exit, (7,))
        assert caught.value.code == 7
        assert await executors.run(name, add, (1,)) == 1


class TestExecutors:
    async def test_unknown_places_are_refused(self, executors):
        """With what was probably meant."""
        with pytest.raises(WorkflowError, match="Did you mean 'thread'"):
            await executors.run("treads", add, (1,))

    async def test_closed_executors_take_nothing(self, executors):
        """Neither those in use nor those that would have been made."""
        await executors.run("thread", add, (1,))
        executors.close()
        executors.close()

        for name in ("thread", "process"):
            with pytest.raises(WorkflowError, match="closed"):
                await executors.run(name, add, (1,))

    async def test_nothing_begins_before_it_is_needed(self, executors, children):
        """No thread, no process."""
        assert executors.statistics() == {}
        assert children() == []

    async def test_serves_several_loops(self, executors):
        """Results find their way home to the loop that asked."""

        def other():
            return asyncio.run(executors.run("thread", add, (1,), {"b": 1}))

        here, there = await asyncio.gather(
            executors.run("thread", add, (2,)), asyncio.to_thread(other)
        )

        assert (here, there) == (2, 2)

    def test_call_shows_no_values(self):
        """Secrets may be among the arguments."""
        call = Call(add, ("s3cr3t",), {"token": "s3cr3t"})

        assert "s3cr3t" not in repr(call)


class TestThreads:
    async def test_runs_side_by_side(self, executors):
        """Two functions that wait for each other come to their ends."""
        barrier = threading.Barrier(2, timeout=5)
        places = await asyncio.gather(
            executors.run("thread", barrier.wait), executors.run("thread", barrier.wait)
        )

        assert sorted(places) == [0, 1]

    async def test_context_variables_are_those_of_the_caller(self, executors):
        """Copied: what the function sets stays in its thread."""

        def swap():
            before = STORY.get()
            STORY.set("changed")
            return before

        STORY.set("mine")
        assert await executors.run("thread", swap) == "mine"
        assert STORY.get() == "mine"

    async def test_cancelled_coroutine_cleans_up_in_its_thread(self, executors):
        """The wait ends when the coroutine has ended."""
        begun, log = threading.Event(), []

        async def work():
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                log.append("cleaned up")

        run = asyncio.ensure_future(executors.run("thread", work))
        await asyncio.to_thread(begun.wait, 5)
        run.cancel()

        with pytest.raises(asyncio.CancelledError):
            await run
        assert log == ["cleaned up"]

    async def test_stuck_function_is_left_and_its_place_taken(self, executors):
        """Cancelled plain functions do not use the threads up."""
        gate = threading.Event()
        try:
            for _ in range(4):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await executors.run("thread", gate.wait)
            assert await executors.run("thread", add, (1,)) == 1
        finally:
            gate.set()
        await wait_until(lambda: doing(executors, "thread").workers <= 2)

    async def test_waiting_call_is_taken_out_of_the_queue(self, executors):
        """A call that was cancelled before it began never begins."""
        gate, called = threading.Event(), []
        busy = [
            asyncio.ensure_future(executors.run("thread", gate.wait)) for _ in range(2)
        ]
        await wait_until(lambda: doing(executors, "thread").busy == 2)
        late = asyncio.ensure_future(executors.run("thread", called.append, (1,)))
        await wait_until(lambda: doing(executors, "thread").waiting == 1)
        late.cancel()
        await asyncio.wait([late])
        gate.set()
        await asyncio.gather(*busy)
        await executors.run("thread", add, (1,))

        assert called == []

    async def test_close_leaves_no_thread(self, executors):
        """Also with coroutines under way."""
        before = threading.active_count()
        begun = threading.Event()

        async def work():
            begun.set()
            await asyncio.sleep(60)

        run = asyncio.ensure_future(executors.run("thread", work))
        await executors.run("thread", begun.wait, (5,))
        await asyncio.to_thread(executors.close, 0.01)

        with pytest.raises(asyncio.CancelledError):
            await run
        assert threading.active_count() <= before + 1  # that of to_thread

    async def test_close_cancels_what_waits(self, executors):
        """A call that has not begun never will."""
        gate = threading.Event()
        busy = [
            asyncio.ensure_future(executors.run("thread", gate.wait)) for _ in range(2)
        ]
        late = asyncio.ensure_future(executors.run("thread", add, (1,)))
        await wait_until(lambda: doing(executors, "thread").waiting == 1)
        closing = asyncio.ensure_future(asyncio.to_thread(executors.close, 5))
        await asyncio.wait([late], timeout=5)
        gate.set()
        await closing

        assert late.cancelled()
        assert await asyncio.gather(*busy) == [True, True]

    async def test_call_may_close_its_own_executor(self, executors):
        """It does not wait for itself."""
        assert await executors.run("thread", executors.close, (5,)) is None
        with pytest.raises(WorkflowError, match="closed"):
            await executors.run("thread", add, (1,))

    async def test_many_calls_use_few_threads(self, executors):
        """The queue holds what the limit does not let begin."""
        names = await asyncio.gather(
            *(
                executors.run("thread", lambda: threading.current_thread().name)
                for _ in range(50)
            )
        )

        assert set(names) == {"flexiflow thread"}
        assert doing(executors, "thread").workers <= 2


class TestProcesses:
    async def test_runs_elsewhere_and_is_used_again(self, executors):
        """A process serves one call after the other.

        A second one may be begun for a call that comes while the first is just done.
        """
        pids = [await executors.run("process", os.getpid) for _ in range(6)]

        assert len(set(pids)) <= 2
        assert os.getpid() not in pids

    async def test_runs_side_by_side(self, executors, tmp_path):
        """Each of two functions waits for the sign of the other."""

        def meet(mine, other):
            import pathlib  # noqa: PLC0415 - by value, it brings its own imports
            import time  # noqa: PLC0415

            pathlib.Path(mine).touch()
            while not pathlib.Path(other).exists():
                time.sleep(0.005)
            return True

        one, two = str(tmp_path / "1"), str(tmp_path / "2")

        assert await asyncio.gather(
            executors.run("process", meet, (one, two)),
            executors.run("process", meet, (two, one)),
        ) == [True, True]

    async def test_closures_and_lambdas_go_by_value(self, executors):
        """As the functions of a notebook do."""
        factor = 5

        assert await executors.run("process", lambda x: x * factor, (2,)) == 10

    async def test_decorated_function_goes_by_name(self, executors, monkeypatch):
        """Its module is imported there; the object in its place need not pickle."""
        spec = importlib.util.spec_from_file_location(
            "decorated_tasks", Path(__file__).parent / "decorated_tasks.py"
        )
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "decorated_tasks", module)
        spec.loader.exec_module(module)
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        monkeypatch.setitem(sys.modules, "cloudpickle", None)

        result, pid = await executors.run("process", module.tripled.func, (4,))

        assert result == 12
        assert pid != os.getpid()

    async def test_function_of_a_file_loaded_by_hand_goes_by_value(
        self, executors, tmp_path, monkeypatch
    ):
        """No import statement over there would find it."""
        path = tmp_path / "some_flow.py"
        path.write_text("RATE = 3\ndef priced(n):\n    return n * RATE\n")
        spec = importlib.util.spec_from_file_location("flows_by_hand", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "flows_by_hand", module)
        spec.loader.exec_module(module)

        assert await executors.run("process", module.priced, (2,)) == 6

    async def test_without_cloudpickle_a_closure_is_refused(
        self, executors, monkeypatch
    ):
        """With the extra to install; named functions still run."""
        monkeypatch.setitem(sys.modules, "cloudpickle", None)

        with pytest.raises(MissingExtraError, match="workflows"):
            await executors.run("process", lambda: 1)
        assert await executors.run("process", os.path.basename, ("a/b",)) == "b"

    async def test_unsendable_argument_is_a_clear_error(self, executors):
        """Before anything runs."""
        with pytest.raises(WorkflowError, match="cannot be sent") as caught:
            await executors.run("process", add, (threading.Lock(),))
        assert "open file" in caught.value.fix

    async def test_unsendable_result_is_an_error_of_the_call(self, executors):
        """The process lives on."""
        with pytest.raises(TypeError, match="pickle"):
            await executors.run("process", threading.Lock)
        assert await executors.run("process", add, (1,)) == 1

    async def test_error_tells_where_it_was_raised(self, executors):
        """The trace of the other process comes as a note."""

        def deep():
            return 1 / 0

        with pytest.raises(ZeroDivisionError) as caught:
            await executors.run("process", deep)
        notes = "".join(caught.value.__notes__)
        assert "in deep" in notes
        assert "_child" not in notes

    async def test_error_that_cannot_be_unpickled_arrives(self, executors):
        """With its class, its text and its attributes."""

        class Local(Odd):
            pass

        def fail(kind, body):
            raise kind(5, body=body)

        with pytest.raises(Odd, match="code 5") as caught:
            await executors.run("process", fail, (Local, {"a": Local}))
        assert type(caught.value) is Local
        assert caught.value.body == {"a": Local}

    async def test_error_that_cannot_be_sent_is_told_by_another(self, executors):
        """Its name and its text are kept."""

        def fail():
            import threading  # noqa: PLC0415 - by value, it brings its own imports

            msg = "locked"
            raise ValueError(msg, threading.Lock())

        with pytest.raises(ValueError, match="locked"):
            await executors.run("process", fail)

    async def test_prints_come_here(self, executors, capfd):
        """Standard output and error, also of programs that it starts."""

        def chatty():
            import os  # noqa: PLC0415 - by value, it brings its own imports
            import sys  # noqa: PLC0415

            print("to out")  # noqa: T201
            print("to err", file=sys.stderr)  # noqa: T201
            os.system("echo from a program")  # noqa: S605 - as a user's task may
            return "done"

        assert await executors.run("process", chatty) == "done"
        out, err = capfd.readouterr()
        assert out == "to out\n"
        assert "to err\n" in err
        assert "from a program\n" in err

    async def test_arguments_do_not_show_in_the_list_of_processes(self, executors):
        """Nor in the environment: they go through a pipe."""

        def look(token):
            import pathlib  # noqa: PLC0415 - by value, it brings its own imports

            here = pathlib.Path("/proc/self")
            if not here.exists():
                return False
            seen = (here / "cmdline").read_bytes() + (here / "environ").read_bytes()
            return token.encode() in seen

        assert await executors.run("process", look, ("s3cr3t-value",)) is False

    async def test_cancelling_kills_the_process_and_its_programs(
        self, executors, tmp_path, files
    ):
        """At once, whatever it is doing; the next call gets a new one."""

        def stubborn(folder):
            import pathlib  # noqa: PLC0415 - by value, it brings its own imports
            import subprocess  # noqa: PLC0415
            import time  # noqa: PLC0415

            program = subprocess.Popen(["sleep", "60"])
            pathlib.Path(folder, "begun").write_text(str(program.pid))
            while True:
                try:
                    time.sleep(60)
                except BaseException:  # noqa: BLE001, S112 - it does not want to end
                    continue

        run = asyncio.ensure_future(
            executors.run("process", stubborn, (str(tmp_path),))
        )
        path = await files("begun")
        await wait_until(path.read_text)
        run.cancel()

        with pytest.raises(asyncio.CancelledError):
            await run
        await wait_until(lambda: not psutil.pid_exists(int(path.read_text())))
        assert await executors.run("process", add, (1,)) == 1

    async def test_timeout_kills_too(self, executors, tmp_path, files):
        """asyncio.timeout around the wait is all that is needed."""

        def slow(folder):
            import pathlib  # noqa: PLC0415 - by value, it brings its own imports
            import time  # noqa: PLC0415

            pathlib.Path(folder, "begun").touch()
            time.sleep(60)

        async def limited():
            async with asyncio.timeout(None) as limit:
                expiry = asyncio.ensure_future(files("begun"))
                loop = asyncio.get_running_loop()
                expiry.add_done_callback(lambda _: limit.reschedule(loop.time()))
                await executors.run("process", slow, (str(tmp_path),))

        pid = await executors.run("process", os.getpid)

        with pytest.raises(TimeoutError):
            await limited()
        assert not psutil.pid_exists(pid)
        assert await executors.run("process", os.getpid) != pid

    @pytest.mark.parametrize(
        ("how", "text"),
        [
            (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
            (lambda: os._exit(3), "exit code 3"),
        ],
    )
    async def test_died_process_is_a_clear_error(self, executors, how, text):
        """It can be retried: the next call gets a new process."""
        with pytest.raises(ProcessDiedError, match=text) as caught:
            await executors.run("process", how)
        assert "retry_max_attempts" in caught.value.fix
        assert await executors.run("process", add, (1,)) == 1

    async def test_process_that_died_idle_is_replaced_unseen(self, executors, children):
        """A call that cannot have begun is begun once more."""
        pid = await executors.run("process", os.getpid)
        os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: pid not in [item.pid for item in children()])

        assert await executors.run("process", os.getpid) != pid

    async def test_close_leaves_no_process_and_no_file(self, children):
        """Idle ones end by themselves, busy ones are killed."""
        gc.collect()
        before = psutil.Process().num_fds()
        executors = Executors(processes=2)
        await executors.run("process", add, (1,))
        await wait_until(lambda: doing(executors, "process").busy == 0)
        run = asyncio.ensure_future(executors.run("process", time.sleep, (60,)))
        await wait_until(lambda: doing(executors, "process").busy == 1)
        await asyncio.to_thread(executors.close, 0.01)

        with pytest.raises(ProcessDiedError):
            await run
        assert children() == []
        gc.collect()
        assert psutil.Process().num_fds() <= before

    async def test_idle_processes_end(self, children):
        """A notebook that did some work long ago holds none."""
        executor = ProcessExecutor(1, idle_s=0.01)
        try:
            job = executor.submit(Call(add, (1,)))
            assert await asyncio.wrap_future(job.future) == 1
            await wait_until(lambda: executor.statistics().workers == 0)
            assert children() == []

            again = executor.submit(Call(add, (2,)))
            assert await asyncio.wrap_future(again.future) == 2
        finally:
            executor.close()

    def test_process_ends_with_its_parent(self, tmp_path):
        """Also when the parent is killed in the middle of a call."""
        script = tmp_path / "script.py"
        script.write_text(
            textwrap.dedent("""
            import asyncio, os, sys, time
            sys.path.insert(0, sys.argv[1])
            from flexiflow.workflows.executors import Executors

            def work():
                print("at work", os.getpid(), flush=True)
                time.sleep(60)

            asyncio.run(Executors().run("process", work))
            """)
        )
        parent = subprocess.Popen(
            [sys.executable, str(script), str(ROOT)], stdout=subprocess.PIPE, text=True
        )
        try:
            pid = int(parent.stdout.readline().split()[-1])
            parent.kill()
            parent.wait(10)

            psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [])
            assert not psutil.pid_exists(pid)
        finally:
            parent.kill()
            parent.stdout.close()


class TestPacking:
    def test_functions_of_modules_go_by_name(self):
        """The code over there is that of the module, not a copy."""
        packed = pickle.loads(_packing.pack_call(Call(os.path.join, ("a",))))  # noqa: S301

        assert packed == (("posixpath", "join"), ("a",), {})

    @pytest.mark.parametrize("name", ["__main__", "no_such_module"])
    def test_what_cannot_be_imported_there_is_told_apart(self, name):
        """A script and a notebook have modules that nobody else finds."""
        assert _packing.is_importable(name) is False
        assert _packing.is_importable("flexiflow.workflows.codec") is True

    def test_program_of_the_child_imports_nothing_of_the_project(self):
        """It starts quickly, and finds modules as its parent does."""
        code = (
            "import runpy, sys\n"
            f"runpy.run_path({str(process.PROGRAM)!r})\n"
            "print([name for name in sys.modules if name.startswith('flexiflow')])\n"
        )
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert done.stdout.strip() == "[]"
