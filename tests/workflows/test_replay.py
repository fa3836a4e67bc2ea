"""A replay comes to what the first run came to, whatever the branches' pace."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.workflows import (
    Runtime,
    _turns,
    now,
    parallel,
    patched,
    pause,
    randint,
    sleep,
    task,
    uuid4,
    workflow,
)
from flexiflow.workflows.errors import ExecutionError, NonDeterminismError
from flexiflow.workflows.journal import NewExecution

FRESH = itertools.count(1)
"""Gives a value that no other step has given."""


class Pace:
    """How many turns of the loop things take; another in each run."""

    def __init__(self):
        self.draw(0)

    def draw(self, seed):
        """Take another pace."""
        self.dice = random.Random(seed)  # noqa: S311 - repeatable

    async def wait(self):
        """Wait for some turns of the loop."""
        for _ in range(self.dice.randrange(4)):
            await asyncio.sleep(0)


PACE = Pace()


@task
async def fresh(label):
    """Return a value that only the journal can give again."""
    await PACE.wait()
    return f"{label}{next(FRESH)}"


async def perform(plan, shared):
    """Do what a plan says; the order of what happens is in ``shared``."""
    kind, rest = plan[0], plan[1:]
    if kind == "step":
        result = await fresh(rest[0])
        shared.append(result)
        return result
    if kind == "wait":
        await PACE.wait()
        return None
    if kind == "map":
        return await fresh.map([f"m{at}" for at in range(rest[0])], limit=rest[1])
    if kind == "sequence":
        return [await perform(one, shared) for one in rest]
    if kind == "gather":
        return await asyncio.gather(*(perform(one, shared) for one in rest))
    if kind == "group":
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(perform(one, shared)) for one in rest]
        return [task.result() for task in tasks]
    if kind == "parallel":
        return await parallel(*(perform(one, shared) for one in rest), limit=2)
    if kind == "race":
        # Each branch ends with a step: a race of bare waits is decided by the clock.
        raced = [("sequence", one, ("step", "end")) for one in rest]
        ended = asyncio.as_completed([perform(one, shared) for one in raced])
        return [(await one, await fresh("after")) for one in ended]
    raise AssertionError(kind)


@workflow
async def planned(ctx):
    """Do what the input says, and tell what happened in which order."""
    shared = []
    result = await perform(ctx.input, shared)
    return [result, shared, await fresh("end")]


STEPS = st.sampled_from(["a", "b"]).map(lambda label: ("step", label))
PLANS = st.recursive(
    st.one_of(
        STEPS, st.just(("wait",)), st.just(("map", 3, 2)), st.just(("map", 2, None))
    ),
    lambda plans: st.tuples(
        st.sampled_from(["sequence", "gather", "group", "parallel", "race"]),
        plans,
        plans,
        plans,
    ),
    max_leaves=8,
)


def copy_of(runtime, context, end):
    """Store an execution that died after some records of another; return its id."""
    execution = runtime.journal.load(context.execution_id)
    made = f"{execution.id}-{end}-{next(FRESH)}"
    records = [
        record._replace(execution_id=made, seq=0) for record in execution.records[:end]
    ]
    new = NewExecution(made, execution.workflow, input=execution.input)
    runtime.journal.create(new, records)
    runtime.journal.sync()
    return made


@pytest.fixture(scope="module")
def shared_runtime(tmp_path_factory):
    """Return one runtime for all examples."""
    home = tmp_path_factory.mktemp("replay")
    with Runtime(home=home, durability="process") as runtime:
        yield runtime


class TestIdentity:
    """The law: what was recorded comes back at the same place."""

    @settings(max_examples=60)
    @given(plan=PLANS, seed=st.integers(0, 2**16))
    def test_whole_replay_gives_the_same(self, shared_runtime, plan, seed):
        """With all steps known, results and their order are those of the first run."""
        PACE.draw(seed)
        first = planned.run(plan)
        assert first.has_succeeded, first.output
        died = copy_of(shared_runtime, first, len(first.events) - 1)
        PACE.draw(seed + 1)
        again = planned.run(execution_id=died)

        assert again.has_succeeded, again.output
        assert again.output == first.output

    @settings(max_examples=60)
    @given(plan=PLANS, seed=st.integers(0, 2**16), data=st.data())
    def test_what_was_done_is_not_done_again(self, shared_runtime, plan, seed, data):
        """Wherever the process died, each step that had ended keeps its result."""
        PACE.draw(seed)
        first = planned.run(plan)
        end = data.draw(st.integers(1, len(first.events) - 1))
        died = copy_of(shared_runtime, first, end)
        PACE.draw(seed + 1)
        again = planned.run(execution_id=died)
        before = ends(shared_runtime.journal.load(died).records[:end])
        after = ends(shared_runtime.journal.load(died).records)

        assert again.has_succeeded, again.output
        assert all(after[key] == values for key, values in before.items())
        assert all(len(values) == 1 for values in after.values())


def ends(records):
    """Return the results of all steps by their keys."""
    found = {}
    for record in records:
        if record.kind == "TASK_COMPLETED":
            found.setdefault(record.key, []).append(record.value)
    return found


def rerun(runtime, context, flow):
    """Run an execution again as if it had died just before its end."""
    died = copy_of(runtime, context, len(context.events) - 1)
    return flow.run(execution_id=died)


async def labelled(label):
    """Return a label with what a step gives that is not told of it."""
    await PACE.wait()
    await fresh("first")
    return label, await fresh("second")


class TestBranches:
    """Branches that differ by nothing that a step is told."""

    @pytest.mark.parametrize("seed", range(5))
    def test_as_completed_keeps_them_apart(self, runtime, seed):
        """The set that ``as_completed`` makes of its coroutines mixes nothing up."""

        @workflow
        async def body(ctx):
            branches = [labelled(label) for label in "abcdefgh"]
            return [await one for one in asyncio.as_completed(branches)]

        PACE.draw(seed)
        first = body.run()
        PACE.draw(seed + 100)

        assert rerun(runtime, first, body).output == first.output

    @pytest.mark.parametrize("seed", range(5))
    def test_wait_gives_its_sets_in_order(self, runtime, seed):
        """The sets of ``asyncio.wait`` come in the same order again."""

        @workflow
        async def body(ctx):
            tasks = [asyncio.create_task(labelled(label)) for label in "abcdefgh"]
            found = []
            while tasks:
                done, tasks = await asyncio.wait(
                    tasks, return_when=asyncio.FIRST_COMPLETED
                )
                found += [(task.result(), await fresh("later")) for task in done]
            return found

        PACE.draw(seed)
        first = body.run()
        PACE.draw(seed + 100)

        assert rerun(runtime, first, body).output == first.output

    def test_calls_come_before_the_ends_that_followed_them(self, runtime):
        """What a branch does between two steps is done before others go on."""
        turns = 60

        @task
        async def slow():
            for _ in range(turns):
                await asyncio.sleep(0)

        async def quick(shared):
            await fresh("a")
            for _ in range(20):
                await asyncio.sleep(0)
            shared.append("quick")
            await fresh("b")

        async def other(shared):
            await slow()
            shared.append("slow")

        @workflow
        async def body(ctx):
            shared = []
            await asyncio.gather(quick(shared), other(shared))
            return shared

        while (first := body.run()).output != ["quick", "slow"]:
            turns *= 2

        assert rerun(runtime, first, body).output == first.output

    def test_lock_that_is_taken_the_other_way_round(self, runtime, monkeypatch):
        """A replay that cannot go on is refused, and does not wait for ever."""
        monkeypatch.setattr(_turns, "_PATIENCE", 0.05)
        waits = [[0, 20], [20, 0]]

        @workflow
        async def body(ctx):
            lock = asyncio.Lock()

            async def one(label, turns):
                for _ in range(turns):
                    await asyncio.sleep(0)
                async with lock:
                    return [await fresh(label), await fresh(label)]

            return await asyncio.gather(*map(one, "ab", waits.pop(0)))

        again = rerun(runtime, body.run(), body)

        assert isinstance(again.output, NonDeterminismError)

    def test_set_for_as_completed_is_refused(self, runtime):
        """Where their order is lost for good, steps are refused."""

        @workflow
        async def body(ctx):
            branches = {labelled(label) for label in "ab"}
            return [await one for one in asyncio.as_completed(branches)]

        assert isinstance(body.run().output, NonDeterminismError)


class TestBuiltIns:
    """Time and chance come back as they were."""

    def test_each_call_is_its_own(self, runtime):
        """Two equal calls are two steps, and both come back."""

        @workflow
        async def body(ctx):
            return [await randint(1, 10**9), await randint(1, 10**9), await uuid4()]

        first = body.run()
        again = rerun(runtime, first, body)

        assert first.output[0] != first.output[1]
        assert again.output == first.output

    def test_time_stands_still(self, runtime):
        """``now`` is the time of the first run, and aware."""

        @workflow
        async def body(ctx):
            return await now()

        first = body.run()
        again = rerun(runtime, first, body)

        assert again.output == first.output
        assert first.output.tzinfo is not None

    def test_failures_are_raised_again(self, runtime):
        """A step that failed is not tried again by a replay."""
        calls = []

        @task
        async def fails():
            calls.append(1)
            raise LookupError("gone")

        @workflow
        async def body(ctx):
            try:
                await fails()
            except ExecutionError as error:
                return [type(error).__name__, repr(error.inner_exception)]

        first = body.run()
        again = rerun(runtime, first, body)

        assert first.output == ["ExecutionError", "LookupError('gone')"]
        assert again.output == first.output
        assert calls == [1]

    def test_finished_sleep_is_not_slept_again(self, runtime):
        """A replay does not wait."""

        @workflow
        async def body(ctx):
            await sleep(0)
            return ctx.input

        assert rerun(runtime, body.run(5), body).output == 5


class TestRefusal:
    """What a replay refuses rather than to swap results."""

    def test_another_step(self, runtime):
        """A body that calls another task than before is refused, with both names."""

        @task
        async def one():
            return 1

        @task
        async def two():
            return 2

        ways = [one, two]

        @workflow
        async def body(ctx):
            return await ways.pop(0)()

        again = rerun(runtime, body.run(), body)

        assert again.has_failed
        assert isinstance(again.output, NonDeterminismError)
        assert "'two'" in str(again.output)
        assert "'one'" in str(again.output)

    def test_other_arguments(self, runtime):
        """A step with other arguments than before is refused."""
        values = [1, 2]

        @workflow
        async def body(ctx):
            return await fresh(values.pop())

        again = rerun(runtime, body.run(), body)

        assert isinstance(again.output, NonDeterminismError)
        assert "other arguments" in again.output.what

    def test_fewer_steps(self, runtime):
        """A body that ends before a step that it called before is refused."""
        longer = [True, False]

        @workflow
        async def body(ctx):
            await fresh("a")
            if longer.pop(0):
                await fresh("b")

        again = rerun(runtime, body.run(), body)

        assert isinstance(again.output, NonDeterminismError)

    def test_refusal_cannot_be_swallowed(self, runtime):
        """A body that catches everything fails all the same."""
        values = [1, 2]

        @workflow
        async def body(ctx):
            try:
                return await fresh(values.pop())
            except Exception:  # noqa: BLE001 - that is the point
                return await fresh("b")

        again = rerun(runtime, body.run(), body)

        assert isinstance(again.output, NonDeterminismError)

    def test_right_code_goes_on_after_a_refusal(self, runtime):
        """The execution is not lost: with the right body it comes to its end."""
        values = ["a", "other", "a"]

        @workflow
        async def body(ctx):
            return await fresh(values.pop(0))

        first = body.run()
        refused = rerun(runtime, first, body)
        error = refused.output
        mended = body.run(execution_id=refused.execution_id)

        assert isinstance(error, NonDeterminismError)
        assert mended.output == first.output

    def test_step_in_a_thread(self, runtime):
        """A step called from another thread is refused: its place is not known."""

        @workflow
        async def body(ctx):
            return await asyncio.to_thread(lambda: fresh("a"))

        context = body.run()

        assert isinstance(context.output, NonDeterminismError)

    def test_step_in_a_callback(self, runtime):
        """A step called from a callback is refused likewise."""

        @workflow
        async def body(ctx):
            done = asyncio.get_running_loop().create_future()

            def late():
                try:
                    fresh("a")
                except NonDeterminismError as error:
                    done.set_result(type(error).__name__)

            asyncio.get_running_loop().call_soon(late)
            return await done

        assert body.run().output == "NonDeterminismError"


class TestPatched:
    """Wanted changes."""

    def test_old_executions_take_the_old_way(self, runtime):
        """What had gone past the place keeps to the old way; what is new does not."""
        is_new = False

        @workflow
        async def body(ctx):
            if is_new and patched("more"):
                await fresh("new")
            await fresh("old")
            return await pause()

        before = body.run()
        is_new = True
        old = body.resume(before.execution_id, 1)
        fresh_one = body.run()
        new = body.resume(fresh_one.execution_id, 2)

        assert old.output == 1
        assert "new" not in str([event.value for event in old.events])
        assert new.output == 2
        assert "new" in str([event.value for event in new.events])

    def test_answer_is_kept(self, runtime):
        """The second replay answers as the first."""

        @workflow
        async def body(ctx):
            way = patched("one")
            await fresh("a")
            return way

        first = body.run()
        died = copy_of(
            runtime, first, len(runtime.journal.load(first.execution_id).records) - 1
        )

        assert first.output is True
        assert body.run(execution_id=died).output is True


class TestFork:
    """Another execution from a step on."""

    async def test_knows_what_was_before(self, runtime):
        """Steps before the one named are known, those from it on are done anew."""

        @workflow
        async def body(ctx):
            return [await fresh("a"), await fresh("b"), await fresh("c")]

        run = body.start()
        first = await run
        fork = run.fork(from_step="2")
        forked = await fork

        assert fork.execution_id != run.execution_id
        assert forked.output[0] == first.output[0]
        assert forked.output[1] != first.output[1]
        assert forked.output[2] != first.output[2]

    async def test_names_and_places(self, runtime):
        """A step is named by its key, its task or its place."""

        @task
        async def second():
            return next(FRESH)

        @workflow
        async def body(ctx):
            return [await fresh("a"), await second()]

        run = body.start()
        first = await run
        for step in ("second", 2, "2"):
            forked = await run.fork(from_step=step)

            assert forked.output[0] == first.output[0]
            assert forked.output[1] != first.output[1]

    async def test_unknown_step(self, runtime):
        """A step that was never called is refused in words."""

        @workflow
        async def body(ctx):
            await fresh("a")

        run = body.start()
        await run

        with pytest.raises(Exception, match="no step 'nothing'"):
            run.fork(from_step="nothing")
