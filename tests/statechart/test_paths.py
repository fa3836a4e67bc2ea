"""The way to each state and transition, and what a trace has covered."""

from __future__ import annotations

import dataclasses

import pytest

from flexiflow.statechart import Functions, Simulation, load_chart
from flexiflow.statechart._paths import coverage, paths

ORDER = """
name: order
context: {tries: 0}
states:
  cart: {on: {submit: {to: charging, if: {items: {min: 1}}}}}
  charging:
    entry: {add: {tries: 1}}
    run: charge_card
    done: shipping
    error: [{to: backoff, if: {context.tries: {lt: 3}}}, failed]
    on: {cancel: cancelled}
  backoff: {after: {2s: charging}}
  shipping: {on: {shipped: delivered}, after: {48h: failed}}
  delivered: {final: true}
  cancelled: {final: true}
  failed: {final: true}
  island: {on: {swim: cart}}
"""


class TestPaths:
    def test_every_reachable_state_and_transition_has_a_way(self):
        """Timers and services are included; what cannot be reached is left out."""
        chart = load_chart(ORDER)
        found = paths(chart)
        states = [item.state for item in found if item.state]
        edges = [item.transition for item in found if item.state is None]

        assert states == [node.path for node in chart if node.path != "island"]
        assert edges == [edge.index for edge in chart.transitions][:-1]

    @pytest.mark.parametrize(
        ("to", "way"),
        [
            ("cart", "(at the start)"),
            ("charging", 'submit {"items": 1}'),
            ("shipping", 'submit {"items": 1} -> done in charging'),
            ("backoff", 'submit {"items": 1} -> error in charging'),
            ("cancelled", 'submit {"items": 1} -> cancel'),
        ],
    )
    def test_way_is_the_shortest(self, to, way):
        """Fields are made from the guards."""
        (path,) = paths(load_chart(ORDER), to=to)

        assert str(path) == way

    @pytest.mark.parametrize(
        ("to", "way"),
        [
            ("backoff", "(at the start)"),
            ("charging", "after in backoff"),
            ("shipping", "after in backoff -> done in charging"),
        ],
    )
    def test_ways_may_begin_where_a_machine_stands(self, to, way):
        """The timers and services of the states in which it is may end."""
        chart = load_chart(ORDER)
        simulation = Simulation(chart)
        simulation.send("submit", items=1)
        simulation.fail("charging", ValueError("no"))
        (path,) = paths(chart, to=to, start=simulation.snapshot)

        assert str(path) == way

    def test_a_counter_is_counted_up(self):
        """Three failures lead to the last way out."""
        steps = next(
            item.steps for item in paths(load_chart(ORDER)) if item.transition == 3
        )

        assert [one["type"] for one in steps].count("error") == 3

    def test_ways_can_be_walked(self):
        """Sending the messages of a way leads there."""
        text = """
name: x
states:
  a: {on: {m: {to: b, if: {k: {one_of: [2, 3]}, o.n: x}}}}
  b: {parallel: {c: {states: {d: {on: {n: e}}, e: }}, f: {on: {leave: a}}}}
"""
        chart = load_chart(text)
        for path in paths(chart):
            made = Simulation(chart)
            for one in path.steps:
                made.send(one)
            if path.state:
                assert made.snapshot.configuration.program.by_path[path.state] in (
                    made.snapshot.configuration.active
                )
            else:
                assert made.trace[-1].taken[-1] == path.transition

    def test_services_end_as_guards_want(self):
        """Results and errors are made from what is tested of them."""
        chart = load_chart(
            "name: x\nstates:\n  a:\n    run: f\n"
            "    done: [{to: b, if: {$result.ok: true, $result.n: {gt: 3}}}, c]\n"
            "    error: [{to: d, if: {$error.type: TimeoutError}}, e]\n"
            "  b:\n  c:\n  d:\n  e:\n"
        )
        found = {one.state: one.steps for one in paths(chart) if one.state}

        assert set(found) == {"a", "b", "c", "d", "e"}
        assert found["b"] == (
            {"type": "done", "state": "a", "result": {"ok": True, "n": 4}},
        )

    def test_endless_charts_end(self):
        """A counter without end does not keep the search busy for ever."""
        chart = load_chart(
            "name: x\ncontext: {n: 0}\n"
            "states: {a: {on: {m: {do: {add: {n: 1}}}}}, never: }"
        )

        assert paths(chart, to="never") == ()


class TestCoverage:
    def test_counts_what_was_visited(self):
        """States and transitions, with how often."""
        chart = load_chart(ORDER)
        made = Simulation(chart, fake={"charge_card": 1})
        made.send("submit", items=1)
        made.send("shipped")
        found = coverage(chart, made.trace)

        assert found.transitions[0] == 1
        assert found.missing_states == ("backoff", "cancelled", "failed", "island")
        assert str(found) == "4 of 8 states, 3 of 9 transitions"
        assert found.ratio == pytest.approx(1 / 3)

    def test_counts_what_was_passed(self):
        """A state that is left in the same step was visited too."""
        chart = load_chart(
            "name: x\nstates: {a: {on: {m: p}}, "
            "p: {states: {b: {on: {m: c}}, c: {final: true}}, done: d}, d: }"
        )
        made = Simulation(chart)
        made.send("m")
        made.send("m")
        found = coverage(chart, made.trace)

        assert found.missing_states == ()
        assert found.states == {"a": 1, "p": 2, "p.b": 1, "p.c": 1, "d": 1}

    def test_guards_of_the_chart_are_asked(self):
        """A way that a guard forbids is none, also when the chart brings the guard."""
        chart = load_chart(
            "name: x\nstates: {a: {on: {m: {to: b, if: never}}}, b: }",
            functions=Functions({"never": lambda: False}),
        )
        brought = dataclasses.replace(
            chart, functions=Functions({"never": lambda: False})
        )

        assert [one.state for one in paths(brought)] == ["a"]
