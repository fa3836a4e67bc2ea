"""Graphs of functions: what runs beside what, with what, and what is refused."""

import asyncio
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.errors import FlexiFlowError
from flexiflow.workflows._graph import Graph
from flexiflow.workflows.errors import GraphError


def line(*names, action=None):
    """Return a graph whose nodes follow one another."""
    graph = Graph("line")
    for name in names:
        graph.add_node(name, action or str)
    for source, target in itertools.pairwise(names):
        graph.add_edge(source, target)
    return graph.start_with(names[0]).end_with(names[-1])


def noted(log, name, result=None, gate=None):
    """Return an action that writes down that it runs, and with what."""

    async def action(*inputs):
        log.append((name, *inputs))
        if gate is not None:
            await gate.wait()
        return name if result is None else result

    return action


class TestRun:
    async def test_output_of_one_node_is_the_input_of_the_next(self):
        """A node is called with what the node before it returned."""
        graph = Graph("hello").add_node("name", str.title)
        graph.add_node("greet", lambda name: f"Hello, {name}").add_edge("name", "greet")
        graph.start_with("name").end_with("greet")

        assert await graph("joe") == "Hello, Joe"

    async def test_independent_nodes_run_side_by_side(self):
        """Two nodes that wait for each other by hand come to their ends."""
        one, other = asyncio.Event(), asyncio.Event()

        async def first(value):
            one.set()
            await other.wait()
            return value + 1

        async def second(value):
            other.set()
            await one.wait()
            return value + 2

        graph = Graph("both").add_node("a", first).add_node("b", second)
        graph.add_node("c", lambda a, b: (a, b)).add_edge("a", "c").add_edge("b", "c")

        assert await graph.start_with("a", "b").end_with("c")(0) == (1, 2)

    async def test_inputs_come_in_the_order_of_the_edges(self):
        """Who ends first does not matter, nor in which order the nodes were added."""
        gate = asyncio.Event()

        async def slow(value):
            await gate.wait()
            return "slow"

        async def fast(value):
            gate.set()
            return "fast"

        graph = Graph("order").add_node("join", lambda *inputs: inputs)
        graph.add_node("fast", fast).add_node("slow", slow)
        graph.add_edge("slow", "join").add_edge("fast", "join")

        assert await graph.start_with("fast", "slow").end_with("join")(0) == (
            "slow",
            "fast",
        )

    async def test_node_runs_once_however_many_ways_lead_to_it(self):
        """The end of a diamond waits for both sides."""
        log = []
        graph = Graph("diamond")
        for name in "abcd":
            graph.add_node(name, noted(log, name))
        for source, target in ("ab", "ac", "bd", "cd"):
            graph.add_edge(source, target)

        await graph.start_with("a").end_with("d")("in")

        assert sorted(log) == [("a", "in"), ("b", "a"), ("c", "a"), ("d", "b", "c")]

    async def test_falsy_outputs_are_handed_on(self):
        """None, zero and False are outputs like all others."""
        graph = Graph("falsy")
        for name, value in (("none", None), ("zero", 0), ("no", False)):
            graph.add_node(name, lambda _, value=value: value).start_with(name)
        graph.add_node("join", lambda *inputs: inputs).end_with("join")
        for name in ("none", "zero", "no"):
            graph.add_edge(name, "join")

        assert await graph() == (None, 0, False)

    async def test_started_node_takes_its_input_where_the_start_was_named(self):
        """The input of the graph is one more edge, in its place among the others."""
        graph = Graph("mixed").add_node("a", lambda x: x * 2)
        graph.add_node("b", lambda *inputs: inputs)
        graph.add_edge("a", "b").start_with("a", "b").end_with("b")

        assert await graph(5) == (10, 5)

    async def test_graph_may_be_run_again_and_at_the_same_time(self):
        """A run leaves nothing behind in the graph."""
        graph = line("a", "b", "c", action=lambda x: x + 1)

        assert await asyncio.gather(graph(0), graph(10), graph(20)) == [3, 13, 23]
        assert await graph(0) == 3

    async def test_graph_is_an_action_of_another_graph(self):
        """A graph is awaited like any function."""
        inner = line("a", "b", action=lambda x: x + 1)
        outer = Graph("outer").add_node("inner", inner).add_node("last", str)

        outer.add_edge("inner", "last").start_with("inner").end_with("last")

        assert await outer(1) == "3"

    async def test_long_chain_meets_no_recursion_limit(self):
        """A graph may be longer than Python's stack."""
        names = [f"n{index}" for index in range(3000)]

        assert await line(*names, action=lambda x: x + 1)(0) == 3000

    @given(st.data())
    async def test_any_graph_gives_what_its_edges_say(self, data):
        """Whatever the delays, each node gets the outputs before it, in edge order."""
        size = data.draw(st.integers(2, 8))
        pairs = [(a, b) for b in range(size) for a in range(b)]
        chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True))
        chosen = chosen + [
            (b - 1, b) for b in range(1, size) if (b - 1, b) not in chosen
        ]
        delays = random.Random(data.draw(st.integers()))  # noqa: S311 - no secret
        graph = Graph("any")
        expected = {}

        def action(index):
            async def run(*inputs):
                for _ in range(delays.randrange(4)):
                    await asyncio.sleep(0)
                return [index, *inputs]

            return run

        for index in range(size):
            graph.add_node(f"n{index}", action(index))
        for source, target in chosen:
            graph.add_edge(f"n{source}", f"n{target}")
        for index in range(size):
            before = [expected[a] for a, b in chosen if b == index]
            expected[index] = [index, *(before or ["in"])]

        result = await graph.start_with("n0").end_with(f"n{size - 1}")("in")

        assert result == expected[size - 1]


class TestConditions:
    @staticmethod
    def sorter(condition_low, condition_high):
        """Return a graph with two ends, each behind a condition."""
        graph = Graph("sorter").add_node("read", lambda x: x)
        graph.add_node("low", lambda x: f"low {x}")
        graph.add_node("high", lambda x: f"high {x}")
        graph.add_edge("read", "low", condition_low)
        graph.add_edge("read", "high", condition_high)
        return graph.start_with("read").end_with("low", "high")

    async def test_condition_decides_on_the_output_before_it(self):
        """Plain and async conditions are asked alike."""

        async def is_high(value):
            await asyncio.sleep(0)
            return value >= 10

        graph = self.sorter(lambda value: value < 10, condition_high=is_high)

        assert await graph(3) == "low 3"
        assert await graph(30) == "high 30"

    async def test_end_that_was_not_taken_does_not_block(self):
        """With no way to any end, the output is None."""
        graph = self.sorter(lambda _: False, condition_high=lambda _: False)

        assert await graph(3) is None

    async def test_several_ends_that_were_reached_are_a_list(self):
        """Their outputs come in the order of end_with."""
        graph = self.sorter(None, condition_high=None)

        assert await graph(3) == ["low 3", "high 3"]

    async def test_join_takes_only_the_edges_that_were_taken(self):
        """A node behind a branch runs with the outputs of the branch taken."""
        graph = Graph("join").add_node("a", lambda x: x)
        graph.add_node("b", lambda x: f"b{x}").add_node("c", lambda x: f"c{x}")
        graph.add_node("join", lambda *inputs: inputs)
        graph.add_edge("a", "b", lambda x: x > 0).add_edge("a", "c")
        graph.add_edge("b", "join").add_edge("c", "join")
        graph.start_with("a").end_with("join")

        assert await graph(1) == ("b1", "c1")
        assert await graph(-1) == ("c-1",)

    async def test_what_follows_a_branch_not_taken_does_not_run(self):
        """A chain behind an untaken edge is left out to its end."""
        log = []
        graph = Graph("dead")
        for name in "abcd":
            graph.add_node(name, noted(log, name))
        graph.add_edge("a", "b", lambda _: False).add_edge("b", "c").add_edge("a", "d")
        await graph.start_with("a").end_with("c", "d")("in")

        assert log == [("a", "in"), ("d", "a")]

    async def test_condition_is_asked_once(self):
        """Also when two nodes wait for what follows."""
        asked = []
        graph = line("a", "b", action=lambda x: x)
        graph.add_node("c", lambda x: x).add_edge("b", "c", asked.append)
        await graph("in")

        assert asked == ["in"]

    async def test_condition_that_fails_ends_the_graph(self):
        """An error in a condition is the graph's own."""
        graph = self.sorter(lambda value: value / 0, condition_high=None)

        with pytest.raises(ZeroDivisionError):
            await graph(3)


class TestFailures:
    @staticmethod
    def broken(value):
        """Fail."""
        msg = f"broken by {value}"
        raise OSError(msg)

    async def test_failure_ends_the_graph_and_the_other_nodes(self):
        """The others are cancelled, and done with before the error is raised."""
        started, ended = asyncio.Event(), []

        async def slow(_):
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("slow")

        async def fail(value):
            await started.wait()
            self.broken(value)

        graph = Graph("fail").add_node("slow", slow).add_node("fail", fail)
        graph.start_with("slow", "fail").end_with("slow")

        with pytest.raises(OSError, match="broken by 1"):
            await graph(1)
        assert ended == ["slow"]

    async def test_on_error_edge_is_taken_with_the_error(self):
        """What it leads to is called with what was raised."""
        graph = Graph("care").add_node("try", self.broken).add_node("mend", repr)
        graph.add_node("go on", lambda x: x)
        graph.add_edge("try", "go on").add_edge("try", "mend", on_error=True)
        graph.start_with("try").end_with("go on", "mend")

        assert await graph(1) == "OSError('broken by 1')"

    async def test_on_error_edge_is_left_when_all_goes_well(self):
        """Success takes the other edges alone."""
        graph = Graph("care").add_node("try", str).add_node("mend", repr)
        graph.add_node("go on", lambda x: x)
        graph.add_edge("try", "go on").add_edge("try", "mend", on_error=True)
        graph.start_with("try").end_with("go on", "mend")

        assert await graph(1) == "1"

    async def test_one_target_may_stand_for_both_outcomes(self):
        """An edge for success and one for failure are two edges."""
        graph = Graph("both").add_node("try", self.broken).add_node("last", type)
        graph.add_edge("try", "last").add_edge("try", "last", on_error=True)

        assert await graph.start_with("try").end_with("last")(1) is OSError

    async def test_failure_that_no_edge_wants_is_raised(self):
        """A condition may choose among errors; what it leaves is raised."""
        graph = Graph("care").add_node("try", self.broken).add_node("mend", repr)
        graph.add_edge("try", "mend", lambda e: isinstance(e, KeyError), on_error=True)
        graph.start_with("try").end_with("mend")

        with pytest.raises(OSError, match="broken by 1"):
            await graph(1)

    async def test_first_failure_in_time_is_the_one_raised(self):
        """Not that of the node that was added first."""
        gate = asyncio.Event()

        async def late(_):
            try:
                await gate.wait()
            finally:
                raise KeyError("late")

        async def early(_):
            msg = "early"
            raise ValueError(msg)

        graph = Graph("two").add_node("late", late).add_node("early", early)

        with pytest.raises(ValueError, match="early"):
            await graph.start_with("late", "early").end_with("late")(0)

    async def test_cancelling_the_graph_cancels_its_nodes(self):
        """No node outlives the await of the graph."""
        started, ended = asyncio.Event(), []

        async def slow(_):
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("slow")

        graph = Graph("slow").add_node("a", slow).start_with("a").end_with("a")
        run = asyncio.ensure_future(graph(0))
        await started.wait()
        run.cancel()

        with pytest.raises(asyncio.CancelledError):
            await run
        assert ended == ["slow"]

    async def test_node_that_gives_up_leaves_nobody_waiting(self):
        """A node that raises CancelledError itself cancels the graph's await."""

        async def give_up(_):
            raise asyncio.CancelledError

        graph = Graph("up").add_node("a", give_up).add_node("b", str)
        graph.add_edge("a", "b").start_with("a").end_with("b")

        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(graph(0), 5)


class TestValidation:
    def test_valid_graph_is_returned(self):
        """So that validate() may stand in a chain."""
        graph = line("a", "b")

        assert graph.validate() is graph
        assert graph.nodes == ("a", "b")

    @pytest.mark.parametrize(
        ("build", "text"),
        [
            (lambda: Graph("g").add_node("a", str).end_with("a"), "node to start with"),
            (lambda: Graph("g").add_node("a", str).start_with("a"), "node to end with"),
            (lambda: line("a", "b").add_node("lost", str), "never reaches 'lost'"),
            (lambda: line("a", "b").add_edge("b", "a"), "cycle: a -> b -> a"),
            (lambda: line("a", "b").add_edge("b", "b"), "cycle: b -> b"),
        ],
    )
    async def test_refuses_what_cannot_be_run(self, build, text):
        """validate() and the run itself say the same."""
        graph = build()

        with pytest.raises(ValueError, match=text):
            graph.validate()
        with pytest.raises(GraphError, match=text):
            await graph(1)

    @pytest.mark.parametrize(
        ("build", "text"),
        [
            (lambda g: g.add_node("fetch", str), "has a node 'fetch' already"),
            (lambda g: g.add_node("x", 5), "cannot be called"),
            (lambda g: g.add_edge("fetch", "stor"), "no node 'stor'"),
            (lambda g: g.add_edge("ftch", "store"), "no node 'ftch'"),
            (lambda g: g.add_edge("fetch", "store"), "leads from 'fetch' to 'store'"),
            (lambda g: g.start_with("nothing"), "no node 'nothing'"),
            (lambda g: g.start_with("fetch"), "starts with 'fetch' already"),
            (lambda g: g.end_with("nothing"), "no node 'nothing'"),
            (lambda g: g.end_with("store"), "ends with 'store' already"),
        ],
    )
    def test_refuses_names_at_once(self, build, text):
        """A wrong name is an error where it is typed."""
        with pytest.raises(ValueError, match=text) as caught:
            build(line("fetch", "store"))
        assert isinstance(caught.value, FlexiFlowError)
        assert caught.value.fix

    def test_unknown_node_lists_the_nearest(self):
        """What was probably meant comes first."""
        with pytest.raises(ValueError, match="The nearest are: store, fetch"):
            line("fetch", "store").add_edge("fetch", "stor")

    def test_repr_tells_name_and_size(self):
        """A graph shows itself in one line."""
        assert repr(line("a", "b")) == "<Graph 'line': 2 nodes>"
