"""Graphs in workflows: their nodes are steps, found again whoever was first."""

import asyncio
import random

import pytest

from flexiflow.workflows import Graph, Runtime, pause, task, workflow
from flexiflow.workflows.errors import ExecutionError

calls = []


@task
async def noted(name, *inputs):
    """Write down that it ran, after a while that differs from run to run."""
    for _ in range(random.randrange(5)):  # noqa: S311 - keeps no secret
        await asyncio.sleep(0)
    calls.append(name)
    return [name, *inputs]


@task
async def fails(value):
    """Fail."""
    msg = f"no {value}"
    raise ValueError(msg)


def two_steps(name):
    """Return an action of two steps."""

    async def action(*inputs):
        first = await noted(f"{name}1", *inputs)
        return await noted(f"{name}2", len(first))

    return action


@pytest.fixture(autouse=True)
def no_calls():
    """Begin with nothing written down."""
    calls.clear()


@pytest.fixture
def home(tmp_path):
    """The home of several runtimes, one after the other."""
    return tmp_path / "home"


def diamond(middle=None):
    """Return a graph whose two sides have two steps each."""
    graph = Graph("diamond").add_node("a", two_steps("a"))
    graph.add_node("b", two_steps("b")).add_node("c", middle or two_steps("c"))
    graph.add_node("d", lambda *inputs: noted("d", *inputs))
    for source, target in ("ab", "ac", "bd", "cd"):
        graph.add_edge(source, target)
    return graph.start_with("a").end_with("d")


class TestGraphSteps:
    def test_nodes_are_steps(self, home):
        """Tasks may be nodes themselves, or be called in them."""

        @workflow
        async def plain(ctx):
            graph = Graph("one").add_node("note", noted).start_with("note")
            return await graph.end_with("note")(ctx.input)

        with Runtime(home=home, durability="process"):
            ctx = plain.run("x")

        assert ctx.output == ["x"]
        assert [event.name for event in ctx.events if event.key] == ["noted"] * 2

    @pytest.mark.parametrize("seed", range(5))
    def test_results_are_found_again(self, home, seed):
        """Each node gets its own, though the sides met in another order."""
        random.seed(seed)

        @workflow
        async def waits_at_the_end(ctx):
            found = await diamond()(ctx.input)
            return found, await pause("end")

        with Runtime(home=home, durability="process"):
            first = waits_at_the_end.run("in")
        assert first.is_paused
        ran = list(calls)
        random.seed(seed + 100)
        with Runtime(home=home, durability="process"):
            again = waits_at_the_end.resume(first.execution_id, 0)

        assert calls == ran
        assert sorted(calls) == ["a1", "a2", "b1", "b2", "c1", "c2", "d"]
        assert again.output == (["d", ["b2", 2], ["c2", 2]], 0)

    def test_node_may_wait_for_a_person(self, home):
        """The other side goes on meanwhile, and is not run again."""

        async def asks(value):
            return await pause("may it pass?")

        @workflow
        async def waits_within(ctx):
            return await diamond(asks)(ctx.input)

        with Runtime(home=home, durability="process"):
            first = waits_within.run("in")
        assert first.is_paused
        assert calls == ["a1", "a2", "b1", "b2"]
        with Runtime(home=home, durability="process"):
            again = waits_within.resume(first.execution_id, 0)

        assert again.output == ["d", ["b2", 2], 0]
        assert calls == ["a1", "a2", "b1", "b2", "d"]

    def test_on_error_edge_gets_the_error_of_the_task(self, home):
        """In a replay too."""

        @workflow
        async def cares(ctx):
            graph = Graph("care").add_node("try", fails).add_node("mend", repr)
            graph.add_edge("try", "mend", on_error=True)
            told = await graph.start_with("try").end_with("mend")(ctx.input)
            return told, await pause("end")

        with Runtime(home=home, durability="process"):
            first = cares.run("way")
        with Runtime(home=home, durability="process"):
            told, _ = cares.resume(first.execution_id).output

        assert "no way" in told
        assert told.startswith("ExecutionError")

    def test_failure_is_that_of_the_execution(self, home):
        """Without an edge for it."""

        @workflow
        async def careless(ctx):
            graph = Graph("g").add_node("try", fails)
            return await graph.start_with("try").end_with("try")(1)

        with Runtime(home=home, durability="process"):
            ctx = careless.run(None)

        assert ctx.has_failed
        assert isinstance(ctx.output, ExecutionError)
        assert "no 1" in str(ctx.output)

    def test_conditions_may_be_steps(self, home):
        """They are asked once, and found again."""

        @task
        async def is_wanted(value):
            calls.append("asked")
            return True

        @workflow
        async def chooses(ctx):
            graph = Graph("g").add_node("a", two_steps("a")).add_node("b", noted)
            graph.add_edge("a", "b", is_wanted).start_with("a").end_with("b")
            return await graph(1), await pause("end")

        with Runtime(home=home, durability="process"):
            first = chooses.run(None)
        with Runtime(home=home, durability="process"):
            chooses.resume(first.execution_id)

        assert calls.count("asked") == 1
        assert calls[:2] == ["a1", "a2"]
