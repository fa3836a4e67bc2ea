"""State diagrams of Mermaid and PlantUML, and machines for other engines."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.diagrams import to_plantuml, to_state_diagram
from flexiflow.graph import FlowEdge, FlowGraph, FlowNode
from flexiflow.state_machine import StateMachine
from flexiflow.statechart import (
    from_scxml,
    from_xstate,
    load_chart,
    machine,
    read_chart,
    state,
)
from flexiflow.visualize import FORMATS, visualize
from tests.statechart.chart_makers import ChartMaker

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTILE = [
    '</script><b>"x"',
    "a: b; c",
    "%% {{x}}",
    "@enduml",
    "!include x",
    "a\nb",
    "`",
]


def example(name):
    """Return an example chart."""
    return load_chart((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))


def chart():
    """Return a chart with a little of everything."""
    return machine(
        "all",
        context={"n": 0},
        states={
            "on": state(
                parallel={
                    "left": state(
                        initial="b",
                        states={
                            "a": state(always={"to": "b", "if": {"context.n": 1}}),
                            "b": state(run={"do": "work", "timeout": "5s"}, done="c"),
                            "c": {"final": True},
                            "back": {"history": "deep"},
                        },
                    ),
                    "right": state(after={"2s": {"to": "off", "do": {"emit": "x"}}}),
                },
                done="off",
                description="Busy.",
            ),
            "off": state(
                entry={"set": {"n": 0}},
                exit="bye",
                on={"go": "on", "stay": {"do": {"add": {"n": 1}}}},
            ),
        },
    )


class TestStateDiagram:
    def test_everything_is_shown(self):
        """Nested, parallel, history, final, after, always and run have their lines."""
        assert to_state_diagram_of(chart()) == textwrap.dedent(
            """\
            stateDiagram-v2
              %% all
              state "on (Busy.)" as on {
                state "left" as on_left {
                  state "a" as on_left_a
                  state "b" as on_left_b
                  on_left_b : run work, at most 5s
                  [*] --> on_left_b
                  state "c" as on_left_c
                  on_left_c --> [*]
                  state "back (H*)" as on_left_back
                }
                --
                state "right" as on_right
              }
              [*] --> on
              state "off" as off
              off : entry / set n
              off : exit / bye
              off : stay / add to n
              on --> off : done
              on_left_a --> on_left_b : always [context.n is 1]
              on_left_b --> on_left_c : done
              on_right --> off : after 2s / emit x
              off --> on : go"""
        )

    def test_regions_at_the_top_stand_in_the_machine(self):
        """A machine of regions is one state with its parts."""
        drawn = to_state_diagram_of(machine("m", parallel={"a": {}, "b": {}}))

        assert drawn.splitlines()[2:] == [
            '  state "m" as m {',
            '    state "a" as a',
            "    --",
            '    state "b" as b',
            "  }",
        ]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_stay_text(self, name):
        """A name opens no line, no string and no comment of its own."""
        lines = to_state_diagram(graph_of(name)).splitlines()

        heads = [line for line in lines if line.startswith("  state ")]
        assert len(lines) == 8
        assert [head.count('"') for head in heads] == [2, 2]
        assert not any(sign in "".join(lines[2:]) for sign in "%{}<`\\")
        assert all(line.replace("#58;", "").count(":") <= 1 for line in lines[2:])


class TestPlantUml:
    def test_everything_is_shown(self):
        """Nested, parallel, history, final, after, always and run have their lines."""
        assert visualize(chart(), "plantuml") == textwrap.dedent(
            """\
            @startuml
            title all
            hide empty description
            state "on (Busy.)" as on {
              state "left" as on_left {
                state "a" as on_left_a
                state "b" as on_left_b
                on_left_b : run work, at most 5s
                [*] --> on_left_b
                state "c" as on_left_c
                on_left_c --> [*]
                state "back" as on_left_back <<history*>>
              }
              --
              state "right" as on_right
            }
            [*] --> on
            state "off" as off
            off : entry / set n
            off : exit / bye
            off : stay / add to n
            on --> off : done
            on_left_a --> on_left_b : always [context.n is 1]
            on_left_b --> on_left_c : done
            on_right --> off : after 2s / emit x
            off --> on : go
            @enduml"""
        )

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_stay_text(self, name):
        """A name ends no string, includes no file and formats nothing."""
        lines = to_plantuml(graph_of(name)).splitlines()

        assert len(lines) == 10
        assert lines[-1] == "@enduml"
        assert not any(sign in "".join(lines[2:-1]) for sign in "!@%{}`\\")


def to_state_diagram_of(drawable):
    """Return a state diagram by its public format."""
    return visualize(drawable, "mermaid-state")


def graph_of(name):
    """Return a small graph with a name everywhere."""
    nodes = (
        FlowNode("a", name, initial=True, notes=(name,)),
        FlowNode("b", name, description=name),
    )
    edges = (FlowEdge("a", "b", name, name, actions=(name,)),)
    return FlowGraph(name, nodes, edges)


@given(st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_every_chart_has_each_diagram(rng):
    """No chart of the language breaks a renderer, and lines stay whole."""
    made, _ = read_chart(ChartMaker(rng).chart())

    for name in ("mermaid-state", "plantuml"):
        drawn = visualize(made, name)
        opened = sum(line.endswith("{") for line in drawn.splitlines())
        assert opened == sum(line.strip() == "}" for line in drawn.splitlines())
        assert drawn == visualize(made, name)


class TestOtherEngines:
    @pytest.mark.parametrize("name", ["turnstile", "order", "player", "confirm"])
    def test_formats_hold_the_whole_chart(self, name):
        """What is drawn as SCXML or XState can be read again."""
        whole = example(name)

        assert from_scxml(visualize(whole, "scxml")) == whole
        assert from_xstate(visualize(whole, "xstate")) == whole

    def test_config_is_written_from_its_file(self):
        """A config's path gives the chart that stands in it."""
        drawn = visualize(EXAMPLES / "turnstile.yaml", "scxml")

        assert from_scxml(drawn).messages == ("coin", "push")

    def test_machine_over_state_classes_is_a_chart_without_guards(self):
        """The built-in machine leaves with its tests in words."""
        drawn = visualize(StateMachine.from_name("InitialState"), "xstate")
        moves = json.loads(drawn)["states"]["AwaitingConfirmation"]["on"]
        whole = from_xstate(drawn)

        assert whole.initial == ("InitialState",)
        assert moves["confirm"]["description"] == "when content == 'confirmed'"
        assert moves["confirm"]["target"] == "ProcessingRequest"


def test_http_offers_every_format():
    """The API draws what the library draws."""
    components = pytest.importorskip("flexiflow.api.components")

    assert get_args(components.Format) == FORMATS
