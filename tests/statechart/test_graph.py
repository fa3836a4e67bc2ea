"""A chart as a graph: nodes and edges as they are drawn."""

from __future__ import annotations

from flexiflow.graph import FlowEdge, FlowNode
from flexiflow.statechart import chart_graph, load_chart


class TestChartGraph:
    def test_flat_chart_is_drawn_in_document_order(self):
        """Each state is a node, each transition an edge."""
        graph = chart_graph(
            load_chart(
                "name: t\nstates:\n  a: {description: A, on: {m: {to: b, if: {n: 1}}}}"
                "\n  b: {on: {n: {do: {log: x}}}, }\n"
            )
        )

        assert graph.name == "t"
        assert graph.nodes == (
            FlowNode("a", "a", initial=True, description="A"),
            FlowNode("b", "b"),
        )
        assert graph.edges == (
            FlowEdge("a", "b", "m", "n is 1"),
            FlowEdge("b", "b", "n", internal=True, index=1, actions=("log",)),
        )

    def test_top_level_transition_leads_from_each_state(self):
        """A transition of the whole is drawn where it can be taken."""
        graph = chart_graph(
            load_chart("name: t\non: {r: a}\nstates: {a: , b: , c: {final: true}}")
        )

        assert [(edge.source, edge.target) for edge in graph.edges] == [
            ("a", "a"),
            ("b", "a"),
        ]

    def test_nested_states_name_their_parents(self):
        """Boxes in boxes, with what is entered first."""
        graph = chart_graph(load_chart("name: t\nstates: {a: {states: {b: , c: }}}"))
        nodes = {node.path: node for node in graph.nodes}

        assert nodes["a.b"].parent == "a"
        assert (nodes["a.b"].initial, nodes["a.c"].initial) == (True, False)
