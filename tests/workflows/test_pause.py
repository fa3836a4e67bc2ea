"""Waiting for answers: in this process, in another, several at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flexiflow.workflows import (
    ExecutionState,
    Runtime,
    call,
    parallel,
    pause,
    task,
    workflow,
)
from flexiflow.workflows.errors import (
    CodecError,
    ExecutionContextNotFoundError,
    ExecutionStateError,
)

ROOT = Path(__file__).resolve().parents[2]


@task
async def double(value):
    """Return the double of a value."""
    return value * 2


@workflow
async def asks(ctx):
    """Ask once."""
    before = await double(ctx.input)
    return [before, await pause("answer")]


@workflow
async def asks_twice(ctx):
    """Ask for two things at once."""
    return await parallel(pause("a"), pause("b"))


class TestAnswers:
    """What the body gets."""

    @pytest.mark.parametrize("data", [None, 0, "", False, [], {}, "yes", {"a": (1, 2)}])
    def test_each_answer_counts(self, runtime, data):
        """The data of resume is the value of pause, also when it is falsy."""
        paused = asks.run(1)
        context = asks.resume(paused.execution_id, data)

        assert context.has_succeeded
        assert context.output == [2, data]

    def test_without_data(self, runtime):
        """An answer without data is None."""
        paused = asks.run(1)

        assert asks.resume(paused.execution_id).output == [2, None]

    def test_state_while_it_waits(self, runtime):
        """A paused execution is PAUSED, has not ended and has no output."""
        paused = asks.run(1)

        assert paused.state is ExecutionState.PAUSED
        assert paused.is_paused
        assert not paused.has_finished
        assert paused.output is None

    def test_by_name(self, runtime):
        """A name chooses the pause that is answered."""
        paused = asks_twice.run()
        once = asks_twice.resume(paused.execution_id, "B", pause="b")
        state = once.state
        done = asks_twice.resume(paused.execution_id, "A")

        assert state == "PAUSED"
        assert done.output == ["A", "B"]

    def test_steps_beside_a_pause_go_on(self, runtime):
        """It is paused when nothing else is under way."""

        @workflow
        async def body(ctx):
            return await asyncio.gather(pause(), double(1), double(2))

        paused = body.run()
        types = [event.type for event in paused.events]

        assert types.count("TASK_COMPLETED") == 2
        assert types[-1] == "WORKFLOW_PAUSED"
        assert body.resume(paused.execution_id, 0).output == [0, 2, 4]

    async def test_a_pause_can_be_given_up(self, runtime):
        """A body that waits no longer goes on."""

        @workflow
        async def body(ctx):
            try:
                await asyncio.wait_for(pause(), 0.01)
            except TimeoutError:
                return await double(4)

        ended = asyncio.Event()
        run = body.start()
        run.listen(lambda event: event.type == "WORKFLOW_COMPLETED" and ended.set())
        await ended.wait()
        await run

        assert run.context.output == 8


class TestRefusals:
    """Answers that nobody waits for."""

    def test_unknown_id(self, runtime):
        """There is no such execution."""
        with pytest.raises(ExecutionContextNotFoundError, match="no execution 'no'"):
            asks.resume("no", 1)

    def test_finished(self, runtime):
        """It has ended, and says so."""
        paused = asks.run(1)
        asks.resume(paused.execution_id, 1)

        with pytest.raises(ExecutionStateError, match="COMPLETED"):
            asks.resume(paused.execution_id, 2)

    def test_another_name(self, runtime):
        """It waits for something else, and says for what."""
        paused = asks.run(1)

        with pytest.raises(ExecutionStateError, match="'answer'"):
            asks.resume(paused.execution_id, 1, pause="other")

        assert asks.resume(paused.execution_id, 3).output == [2, 3]

    def test_of_another_workflow(self, runtime):
        """The id belongs to another workflow, which is named."""
        paused = asks.run(1)

        with pytest.raises(ExecutionContextNotFoundError, match="'asks'"):
            asks_twice.resume(paused.execution_id, 1)

    def test_answer_that_cannot_be_stored(self, runtime):
        """It is refused before anything happened, and the execution waits on."""
        paused = asks.run(1)

        with pytest.raises(CodecError):
            asks.resume(paused.execution_id, object())

        assert paused.is_paused
        assert asks.resume(paused.execution_id, 3).output == [2, 3]

    async def test_two_answers_at_once(self, runtime):
        """One of two answers counts, the other is refused."""
        run = asks.start(1)
        await run
        answers = await asyncio.gather(
            run.resume("one"), run.resume("two"), return_exceptions=True
        )

        assert run.context.output == [2, "one"]
        assert isinstance(answers[1], ExecutionStateError)

    async def test_running(self, runtime):
        """One that is at work waits for no answer."""
        gate = asyncio.Event()

        @task
        async def works():
            await gate.wait()

        @workflow
        async def body(ctx):
            await works()

        run = body.start()
        with pytest.raises(ExecutionStateError):
            await run.resume(1)
        gate.set()

        assert (await run).has_succeeded


class TestElsewhere:
    """The body need not be in memory."""

    def test_another_runtime(self, tmp_path):
        """Another process's runtime goes on, from the journal alone."""
        with Runtime(home=tmp_path) as one:
            paused = asks.run(1)
        with Runtime(home=tmp_path) as other:
            context = asks.resume(paused.execution_id, 0)

        assert one is not other
        assert context.output == [2, 0]

    def test_evicted_body(self, tmp_path):
        """A body that was dropped from memory goes on all the same."""
        with Runtime(home=tmp_path, max_parked=1):
            paused = [asks.run(value) for value in range(4)]
            done = [asks.resume(one.execution_id, 0) for one in paused]

        assert [one.output for one in done] == [[value * 2, 0] for value in range(4)]

    async def test_sync_answer_for_a_body_of_the_blocked_loop(self, runtime):
        """A parked body of the loop that the caller blocks is replayed elsewhere."""
        run = asks.start(1)
        await run
        context = asks.resume(run.execution_id, "there")

        assert context.output == [2, "there"]
        assert run.status == "COMPLETED"

    def test_body_of_a_loop_that_has_ended(self, runtime):
        """``asyncio.run`` cancels what is parked on its loop; nothing is lost."""

        async def main():
            run = asks.start(1)
            return await run

        paused = asyncio.run(main())
        state = paused.state
        context = asks.resume(paused.execution_id, "later")

        assert state == "PAUSED"
        assert context.output == [2, "later"]

    def test_another_process(self, tmp_path):
        """A process that never ran it answers with falsy data."""
        (tmp_path / "flow.py").write_text(
            textwrap.dedent(
                """
                from flexiflow.workflows import Runtime, pause, task, workflow

                @task
                async def double(value):
                    return value * 2

                @workflow
                async def asks(ctx):
                    return [await double(ctx.input), await pause("answer")]
                """
            )
        )
        first = (
            "from flow import *\n"
            "with Runtime(home='home'): print(asks.run(4).execution_id)"
        )
        made = self.run(first, tmp_path, "1")
        second = (
            "from flow import *\n"
            f"with Runtime(home='home'): print(asks.resume({made!r}, 0).output)"
        )

        assert self.run(second, tmp_path, "2") == "[8, 0]"

    @staticmethod
    def run(code, folder, seed):
        """Run code in a process with a hash seed of its own; return what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


class TestChildren:
    """Pauses pass through to the caller."""

    def test_child_in_another_runtime(self, tmp_path):
        """Parent and child both go on from the journal."""

        @workflow
        async def child(ctx):
            return [await double(ctx.input), await pause("inner"), await pause("more")]

        @workflow
        async def parent(ctx):
            return [await call(child, 3), await double(5)]

        with Runtime(home=tmp_path):
            paused = parent.run()
        with Runtime(home=tmp_path):
            again = parent.resume(paused.execution_id, 0)
            state = again.state
        with Runtime(home=tmp_path):
            done = parent.resume(paused.execution_id, "", pause="more")

        assert state == "PAUSED"
        assert done.output == [[6, 0, ""], 10]

    def test_answer_to_the_child_itself(self, runtime):
        """An answer to the child is one to its parent."""

        @workflow
        async def child(ctx):
            return await pause("inner")

        @workflow
        async def parent(ctx):
            return await call(child)

        paused = parent.run()
        child_id = paused.events[1].value["child"]
        answered = child.resume(child_id, 7)

        assert answered.output == 7
        assert paused.output == 7

    def test_grandchild(self, tmp_path):
        """Any depth will do."""

        @workflow
        async def inner(ctx):
            return await pause("deep")

        @workflow
        async def middle(ctx):
            return await inner(ctx)

        @workflow
        async def outer(ctx):
            return await middle(ctx)

        with Runtime(home=tmp_path):
            paused = outer.run(1)
            name = paused.events[-1].name
        with Runtime(home=tmp_path):
            done = outer.resume(paused.execution_id, [])

        assert name == "deep"
        assert done.output == []


class TestStart:
    """Handles of executions with an id of one's own."""

    async def test_same_id_is_the_same_execution(self, runtime):
        """A cell that is run twice begins one execution."""
        one = asks.start(1, execution_id="order-1")
        await one
        other = asks.start(2, execution_id="order-1")
        await other

        assert other.status == "PAUSED"
        assert other.context.input == 1
        assert (await other.resume(5)).output == [2, 5]

    async def test_orphan_goes_on(self, tmp_path):
        """One whose process has died goes on."""
        async with Runtime(home=tmp_path):
            hold = asyncio.Event()

            @task
            async def holds():
                await hold.wait()
                return 3

            @workflow
            async def body(ctx):
                return await holds()

            body.start(execution_id="mine")
            await asyncio.sleep(0.05)
        hold.set()
        async with Runtime(home=tmp_path):
            run = body.start(execution_id="mine")
            context = await run

        assert context.output == 3


class TestSeveralChildren:
    """Children that wait side by side."""

    def test_each_gets_its_own_answer(self, tmp_path):
        """Answers go to the child that asked first, or to the one that is named."""

        @workflow
        async def child(ctx):
            return [ctx.input, await pause(f"ask-{ctx.input}"), await double(ctx.input)]

        @workflow
        async def parent(ctx):
            return await parallel(call(child, 1), call(child, 2), call(child, 3))

        with Runtime(home=tmp_path):
            paused = parent.run()
            first = parent.resume(paused.execution_id, "two", pause="ask-2").state
        with Runtime(home=tmp_path):
            second = parent.resume(paused.execution_id, "one").state
        with Runtime(home=tmp_path):
            done = parent.resume(paused.execution_id, "three")

        assert [first, second] == ["PAUSED", "PAUSED"]
        assert done.output == [[1, "one", 2], [2, "two", 4], [3, "three", 6]]

    def test_in_memory(self, runtime):
        """The same without leaving the process."""

        @workflow
        async def child(ctx):
            return await pause(f"ask-{ctx.input}")

        @workflow
        async def parent(ctx):
            return await parallel(call(child, 1), call(child, 2))

        paused = parent.run()
        parent.resume(paused.execution_id, "b", pause="ask-2")
        done = parent.resume(paused.execution_id, "a")

        assert done.output == ["a", "b"]
