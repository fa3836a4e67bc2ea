"""Ending executions: at once, with their branches, and after they cleaned up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from flexiflow.workflows import (
    Runtime,
    call,
    parallel,
    pause,
    set_runtime,
    sleep,
    task,
    workflow,
)
from flexiflow.workflows.errors import ExecutionContextNotFoundError


class Probe:
    """Notes what began and what was cancelled."""

    def __init__(self):
        self.begun = []
        self.cancelled = []

    async def hang(self, label):
        """Wait for ever, and note being cancelled."""
        self.begun.append(label)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.append(label)
            raise


PROBE = Probe()


@task
async def hangs(label):
    """Wait for ever."""
    await PROBE.hang(label)


@task
async def cleans(label):
    """Return what it was told."""
    return f"clean {label}"


@pytest.fixture(autouse=True)
def probe():
    """Return a probe that has noted nothing."""
    PROBE.__init__()
    return PROBE


async def begun(run, count=1):
    """Wait until so many tasks hang."""
    while len(PROBE.begun) < count:  # noqa: ASYNC110 - turns of the loop, no waiting
        await asyncio.sleep(0)
    return run


class TestBody:
    """What the body sees."""

    async def test_it_is_cancelled(self, runtime):
        """``CancelledError`` reaches the task and the body."""
        seen = []

        @workflow
        async def body(ctx):
            try:
                await hangs("a")
            except asyncio.CancelledError:
                seen.append("body")
                raise

        run = await begun(body.start())
        context = await run.cancel()

        assert context.is_cancelled
        assert context.has_finished
        assert seen == ["body"]
        assert PROBE.cancelled == ["a"]

    async def test_it_may_clean_up(self, runtime):
        """Tasks run while it cleans up, and are stored."""
        seen = []

        @workflow
        async def body(ctx):
            try:
                await hangs("a")
            finally:
                seen.append(await cleans("up"))

        run = await begun(body.start())
        context = await run.cancel()

        assert context.is_cancelled
        assert seen == ["clean up"]
        assert context.events[-2].value == "clean up"

    async def test_error_while_cleaning_up(self, runtime):
        """A body that raises something else fails."""

        @workflow
        async def body(ctx):
            try:
                await hangs("a")
            except asyncio.CancelledError:
                raise ValueError("broken") from None

        run = await begun(body.start())
        context = await run.cancel()

        assert context.has_failed
        assert isinstance(context.output, ValueError)

    @pytest.mark.parametrize("kind", ["parallel", "gather", "map", "group", "tasks"])
    async def test_branches_are_cancelled(self, runtime, kind):
        """However they were begun, branches end with the body."""

        @workflow
        async def body(ctx):
            if kind == "parallel":
                await parallel(hangs(1), hangs(2))
            elif kind == "gather":
                await asyncio.gather(hangs(1), hangs(2))
            elif kind == "map":
                await hangs.map([1, 2])
            elif kind == "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(hangs(1))
                    group.create_task(hangs(2))
            else:
                kept = [asyncio.create_task(hangs(at)) for at in (1, 2)]
                await asyncio.get_running_loop().create_future()
                assert kept

        run = await begun(body.start(), 2)
        context = await run.cancel()

        assert context.is_cancelled
        assert sorted(PROBE.cancelled) == [1, 2]

    async def test_time_to_cancel(self, runtime):
        """The body is cancelled within turns of the loop: no commit is waited for."""
        seen = []

        @workflow
        async def body(ctx):
            try:
                await hangs("a")
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        run = await begun(body.start())
        ending = asyncio.ensure_future(run.cancel())
        for _ in range(3):
            await asyncio.sleep(0)

        assert seen == ["cancelled"]
        assert (await ending).is_cancelled

    async def test_twice_and_afterwards(self, runtime):
        """Cancelling twice, and what has ended, is harmless."""

        @workflow
        async def body(ctx):
            await hangs("a")

        run = await begun(body.start())
        both = await asyncio.gather(run.cancel(), run.cancel())
        after = await run.cancel()

        assert [one.state for one in (*both, after)] == ["CANCELLED"] * 3

    async def test_impatience_does_not_disturb_the_clean_up(self, runtime):
        """Cancelling again while it cleans up changes nothing."""
        gate = asyncio.Event()
        done = []

        @workflow
        async def body(ctx):
            try:
                await hangs("a")
            finally:
                await gate.wait()
                done.append("clean")

        run = await begun(body.start())
        first = asyncio.ensure_future(run.cancel())
        while not PROBE.cancelled:  # noqa: ASYNC110 - turns of the loop
            await asyncio.sleep(0)
        second = asyncio.ensure_future(run.cancel())
        for _ in range(5):
            await asyncio.sleep(0)
        gate.set()

        assert (await first).is_cancelled
        assert (await second).is_cancelled
        assert done == ["clean"]

    async def test_who_awaits_may_be_cancelled(self, runtime):
        """Cancelling who waits for an execution does not cancel it."""

        @workflow
        async def body(ctx):
            await hangs("a")

        run = await begun(body.start())
        waiter = asyncio.ensure_future(_of(run))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        state = run.status
        await run.cancel()

        assert state == "RUNNING"


async def _of(run):
    return await run


class TestFailingBranches:
    """What ends when one branch fails."""

    @pytest.mark.parametrize("kind", ["parallel", "map"])
    async def test_others_are_cancelled_and_awaited(self, runtime, kind):
        """The first failure is raised after the others have ended."""
        seen = []

        @task
        async def fails_or_hangs(label):
            if label == "bad":
                while len(PROBE.begun) < 2:  # noqa: ASYNC110 - turns of the loop
                    await asyncio.sleep(0)
                raise ValueError("bad")
            await PROBE.hang(label)

        @workflow
        async def body(ctx):
            try:
                if kind == "map":
                    await fails_or_hangs.map(["a", "bad", "b"])
                else:
                    await parallel(*map(fails_or_hangs, ["a", "bad", "b"]))
            finally:
                seen.extend(PROBE.cancelled)

        context = await body.start()

        assert context.has_failed
        assert isinstance(context.output.inner_exception, ValueError)
        assert sorted(seen) == ["a", "b"]

    @pytest.mark.parametrize("kind", ["parallel", "map"])
    async def test_errors_among_the_results(self, runtime, kind):
        """Asked for, errors stand where the results would, and end nothing."""

        @task
        async def odd(value):
            if value % 2 == 0:
                raise ValueError(value)
            return value

        @workflow
        async def body(ctx):
            if kind == "map":
                found = await odd.map([1, 2, 3], return_exceptions=True)
            else:
                found = await parallel(*map(odd, [1, 2, 3]), return_exceptions=True)
            return [found[0], repr(found[1].inner_exception), found[2]]

        assert (await body.start()).output == [1, "ValueError(2)", 3]

    @pytest.mark.parametrize("kind", ["parallel", "map"])
    async def test_limit(self, runtime, kind):
        """No more than so many are under way at once."""
        now, most = 0, 0

        @task
        async def counts(value):
            nonlocal now, most
            now += 1
            most = max(most, now)
            for _ in range(5):
                await asyncio.sleep(0)
            now -= 1
            return value

        @workflow
        async def body(ctx):
            if kind == "map":
                return await counts.map(range(7), limit=2)
            return await parallel(*map(counts, range(7)), limit=2)

        assert (await body.start()).output == list(range(7))
        assert most == 2

    @pytest.mark.parametrize("limit", [0, -1, "a", 1.5, True])
    async def test_limit_that_cannot_be_meant(self, runtime, limit):
        """At least one has to run."""

        @workflow
        async def body(ctx):
            return await cleans.map([1], limit=limit)

        context = await body.start()

        assert isinstance(context.output, ValueError)

    async def test_nothing_to_do(self, runtime):
        """No items, no branches: an empty list."""

        @workflow
        async def body(ctx):
            return [await cleans.map([]), await parallel()]

        assert (await body.start()).output == [[], []]


class TestElsewhere:
    """Executions that do not run here, or not now."""

    async def test_paused(self, runtime):
        """A paused body is cancelled where it waits."""

        @workflow
        async def body(ctx):
            try:
                await pause()
            finally:
                await cleans("up")

        run = body.start()
        await run
        context = await run.cancel()

        assert context.is_cancelled
        assert context.events[-2].value == "clean up"

    async def test_paused_and_not_in_memory(self, tmp_path):
        """It is replayed to where it waits, and cancelled there."""

        @workflow
        async def body(ctx):
            before = await cleans(1)
            try:
                await pause()
            finally:
                await cleans(before)

        async with Runtime(home=tmp_path):
            run = body.start()
            await run
        async with Runtime(home=tmp_path) as runtime:
            context = await runtime.end(run.execution_id)

        assert context.is_cancelled
        assert context.events[-2].value == "clean clean 1"

    def test_without_its_definition(self, tmp_path):
        """What nobody has defined here is cancelled without cleaning up."""

        @workflow.with_options(name="known elsewhere only")
        async def body(ctx):
            await pause()

        with Runtime(home=tmp_path):
            run = body.run()
        code = (
            "from flexiflow.workflows import Runtime\n"
            f"with Runtime(home={str(tmp_path)!r}) as runtime:\n"
            f"    print(runtime.cancel({run.execution_id!r}).state)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout.strip() == "CANCELLED"

    def test_of_another_living_process(self, tmp_path):
        """Whoever is at work on it is asked to end it."""

        @workflow
        async def body(ctx):
            await hangs("a")

        made = []

        async def main():
            run = await begun(body.start())
            made.append(run.execution_id)
            return await run

        with Runtime(home=tmp_path) as owner, Runtime(home=tmp_path) as other:
            owner.journal.sync()
            set_runtime(owner)
            thread = threading.Thread(target=lambda: asyncio.run(main()))
            thread.start()
            while not made:
                time.sleep(0.001)
            context = other.cancel(made[0])
            thread.join()

        assert context.is_cancelled

    def test_unknown(self, runtime):
        """There is nothing to cancel."""
        with pytest.raises(ExecutionContextNotFoundError):
            runtime.cancel("nothing")

    async def test_replay_of_a_cancelled_body(self, tmp_path):
        """A process that died while cleaning up goes on cleaning up."""
        hold = asyncio.Event()
        calls = []

        @task
        async def first():
            calls.append("first")

        @task
        async def last():
            calls.append("last")
            await hold.wait()

        @workflow
        async def body(ctx):
            for at in range(2):
                await cleans(at)
                for _ in range(20):  # it is not cancelled here, now as then
                    await asyncio.sleep(0)
            try:
                await hangs("a")
            finally:
                await first()
                await last()

        async with Runtime(home=tmp_path):
            run = await begun(body.start())
            ending = asyncio.ensure_future(run.cancel())
            while "last" not in calls:  # noqa: ASYNC110 - the disk decides when
                await asyncio.sleep(0)
        hold.set()
        ending.cancel()
        async with Runtime(home=tmp_path):
            context = await asyncio.to_thread(body.run, execution_id=run.execution_id)

        assert context.is_cancelled
        assert calls == ["first", "last", "last"]
        assert PROBE.begun == ["a"]


class TestChildren:
    """Children end with their parents."""

    async def test_child_is_cancelled(self, runtime):
        """Both end as cancelled, the child first."""

        @workflow
        async def child(ctx):
            try:
                await hangs("a")
            finally:
                await cleans("child")

        @workflow
        async def parent(ctx):
            await call(child)

        run = await begun(parent.start())
        context = await run.cancel()
        inner = runtime.get_run(context.events[1].value["child"])

        assert context.is_cancelled
        assert inner.status == "CANCELLED"
        assert inner.context.events[-2].value == "clean child"

    async def test_child_alone(self, runtime):
        """A child that is cancelled by itself is a failure for its parent."""

        @workflow
        async def child(ctx):
            await hangs("a")

        @workflow
        async def parent(ctx):
            await call(child)

        run = await begun(parent.start())
        while not run.context.events[1:]:  # noqa: ASYNC110 - the disk decides when
            await asyncio.sleep(0)
        child_id = run.context.events[1].value["child"]
        await runtime.end(child_id)
        context = await run

        assert context.has_failed
        assert "was cancelled" in str(context.output)

    async def test_paused_child(self, runtime):
        """A child that waits is cancelled where it waits."""

        @workflow
        async def child(ctx):
            try:
                await pause()
            finally:
                await cleans("child")

        @workflow
        async def parent(ctx):
            await call(child)

        run = parent.start()
        await run
        context = await run.cancel()
        inner = runtime.get_run(context.events[1].value["child"])

        assert context.is_cancelled
        assert inner.status == "CANCELLED"


class TestSleep:
    """A sleep ends with its execution."""

    async def test_long_sleep(self, runtime):
        """Nobody waits for it."""

        @workflow
        async def body(ctx):
            await sleep(3600)

        run = body.start()
        async for event in run.events():
            if event.type == "TASK_STARTED":
                break

        assert (await run.cancel()).is_cancelled
