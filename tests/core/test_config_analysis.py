"""Rules of finding states that are never entered or never left."""

from __future__ import annotations

from flexiflow._config.analysis import find_dead_ends, find_unreachable
from flexiflow.graph import FlowEdge, FlowGraph, FlowNode


def graph(nodes: list[FlowNode], *edges: tuple[str, str]) -> FlowGraph:
    """Return a graph with edges given as (source, target)."""
    return FlowGraph("g", tuple(nodes), tuple(FlowEdge(a, b, "m") for a, b in edges))


def names(found) -> list[str]:
    """Return the states that diagnostics are about."""
    return [item.context["state"] for item in found]


class TestUnreachable:
    """States that nothing leads to."""

    def test_states_without_a_way_from_the_start(self):
        """A state is reached over other reachable states only."""
        nodes = [FlowNode("a", "a", initial=True), *(FlowNode(n, n) for n in "bcd")]

        assert names(find_unreachable(graph(nodes, ("a", "b"), ("c", "d")))) == [
            "c",
            "d",
        ]

    def test_top_level_transitions_start_anywhere(self):
        """A transition of the whole chart is open from every state."""
        nodes = [FlowNode("a", "a", initial=True), FlowNode("b", "b")]

        assert find_unreachable(graph(nodes, ("", "b"))) == []

    def test_nested_states_are_entered_by_their_parents_start(self):
        """Entering a state enters its initial child; others need a transition."""
        nodes = [
            FlowNode("p", "p", "compound", initial=True),
            FlowNode("p.a", "a", parent="p", initial=True),
            FlowNode("p.b", "b", parent="p"),
        ]

        assert names(find_unreachable(graph(nodes))) == ["p.b"]

    def test_way_into_a_parent_enters_the_initial_child(self):
        """A transition to a compound state goes on to where that one starts."""
        nodes = [
            FlowNode("s", "s", initial=True),
            FlowNode("p", "p", "compound"),
            FlowNode("p.a", "a", parent="p", initial=True),
        ]

        assert find_unreachable(graph(nodes, ("s", "p"))) == []

    def test_way_into_a_child_does_not_enter_the_initial_one(self):
        """A transition past the initial child leaves that one unreachable."""
        nodes = [
            FlowNode("s", "s", initial=True),
            FlowNode("p", "p", "compound"),
            FlowNode("p.a", "a", parent="p", initial=True),
            FlowNode("p.b", "b", parent="p"),
        ]

        assert names(find_unreachable(graph(nodes, ("s", "p.b")))) == ["p.a"]

    def test_regions_are_entered_together(self):
        """A way into one region of a parallel state enters the others."""
        nodes = [
            FlowNode("s", "s", initial=True),
            FlowNode("p", "p", "parallel"),
            FlowNode("p.x", "x", parent="p"),
            FlowNode("p.y", "y", "compound", parent="p"),
            FlowNode("p.y.a", "a", parent="p.y", initial=True),
        ]

        assert find_unreachable(graph(nodes, ("s", "p.x"))) == []

    def test_only_the_outermost_unreachable_state_is_named(self):
        """What stands inside an unreachable state is not reported once more."""
        nodes = [
            FlowNode("s", "s", initial=True),
            FlowNode("p", "p", "compound"),
            FlowNode("p.a", "a", parent="p", initial=True),
        ]

        assert names(find_unreachable(graph(nodes))) == ["p"]

    def test_nothing_is_said_without_a_start(self):
        """A graph without an initial state is left alone."""
        assert find_unreachable(graph([FlowNode("a", "a")])) == []


class TestDeadEnds:
    """States that nothing leads out of."""

    def test_state_without_a_way_out(self):
        """A state is a dead end unless it is final or something leads away."""
        nodes = [FlowNode("a", "a"), FlowNode("b", "b"), FlowNode("c", "c", "final")]

        assert names(find_dead_ends(graph(nodes, ("a", "b"), ("b", "b")))) == ["b"]

    def test_transition_of_a_parent_leads_out(self):
        """What leads out of a state leads out of the states within it."""
        nodes = [
            FlowNode("p", "p", "compound"),
            FlowNode("p.a", "a", parent="p"),
            FlowNode("q", "q"),
        ]

        assert names(find_dead_ends(graph(nodes, ("p", "q"), ("", "p")))) == []
