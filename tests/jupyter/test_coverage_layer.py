"""What was visited of a live chart, and the ways to the rest."""

from __future__ import annotations

import gc
import weakref

import pytest

from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.state_machine import StateMachine
from flexiflow.statechart import load_chart
from flexiflow.visualize import flow_graph
from flexiflow_jupyter.coverage_layer import (
    CoverageLayer,
    CoverageLayers,
    ways_to_the_rest,
)
from flexiflow_jupyter.widgets.facts import ComponentFacts
from flexiflow_jupyter.widgets.picture import draw

PLAYER = """
name: player
states:
  off: {on: {power: on.resume}}
  on:
    on: {power: off}
    initial: stopped
    states:
      stopped: {on: {play: playing}}
      playing: {on: {stop: stopped, next: {do: {log: on}}}}
      resume: {history: shallow}
"""


@pytest.fixture
async def player():
    """A component over a nested chart."""
    async with FlexiFlowEngine() as engine:
        yield engine.create_component(ConfigLoader.load_component_text(PLAYER))


def read(layer, component):
    """Return the trait, with edges by their message and source."""
    picture = draw(flow_graph(component))
    trait = layer.read(picture.states, picture.edges_of)
    named = {
        edge["id"]: f"{edge['message']} {edge['source']}"
        for edge in picture.graph["edges"]
    }
    return {
        **trait,
        "edges": {named[name]: count for name, count in trait["edges"].items()},
    }


class TestCoverageLayer:
    async def test_visits_are_counted(self, player):
        """Each step counts its transitions, and the states in which it rests."""
        layer = CoverageLayer(player)
        for message in ("power", "play", "next", "stop", "play"):
            await player.send(message)
        layer.take()
        found = read(layer, player)

        assert found["edges"] == {
            "power off": 1,
            "power on": 0,
            "play on.stopped": 2,
            "stop on.playing": 1,
            "next on.playing": 1,
        }
        assert found["states"] == {
            "off": 1,
            "on": 5,
            "on.stopped": 2,
            "on.playing": 3,
        }
        assert found["total"] == {"edges": 5, "states": 4}
        assert found["seen"] == {"edges": 4, "states": 4}

    async def test_what_is_ignored_counts_nothing(self, player):
        """A message that does nothing makes no step."""
        layer = CoverageLayer(player)
        await player.send("play")
        layer.take()

        assert read(layer, player)["seen"] == {"edges": 0, "states": 1}

    async def test_states_that_a_step_leads_through_count(self):
        """Where a step does not rest, it was all the same."""
        chart = load_chart("name: x\nstates: {a: {on: {go: b}}, b: {always: c}, c: }")
        async with FlexiFlowEngine() as engine:
            walker = engine.create_component(chart)
            layer = CoverageLayer(walker)
            await walker.send("go")
            layer.take()

            assert read(layer, walker)["states"] == {"a": 1, "b": 1, "c": 1}

    async def test_another_definition_begins_anew(self, player):
        """Counts belong to a chart."""
        layer = CoverageLayer(player)
        await player.send("power")
        layer.take()
        player.redefine(load_chart(PLAYER.replace("next: {do", "skip: {do")))
        layer.take()

        assert read(layer, player)["seen"] == {"edges": 0, "states": 2}

    async def test_views_share_the_counts(self, player):
        """A view that is made later knows what was visited before."""
        layers = CoverageLayers()
        await player.send("power")
        layers.of(player)
        await player.send("play")
        layers.of(player).take()

        assert read(layers.of(player), player)["edges"]["play on.stopped"] == 1

    def test_counting_keeps_no_component_alive(self):
        """Counts go with their component."""
        layers = CoverageLayers()
        component = AsyncComponent(
            "x", state_machine=StateMachine.from_name("InitialState")
        )
        gone = weakref.ref(component)
        layers.of(component)
        del component
        gc.collect()

        assert gone() is None

    async def test_trait_is_told_once_it_is_wanted(self, player):
        """Nobody pays for a layer that nobody looks at."""
        facts = ComponentFacts(player, CoverageLayer(player))
        facts.structure()
        before = facts.state()
        facts.want_coverage()

        assert "coverage" not in before
        assert facts.state()["coverage"]["total"] == {"edges": 5, "states": 4}


class TestWays:
    async def test_ways_begin_here(self, player):
        """The shortest way to what was not visited, from where the machine stands."""
        layer = CoverageLayer(player)
        await player.send("power")
        layer.take()
        picture = draw(flow_graph(player))
        found = ways_to_the_rest(player.state_machine, layer, picture.edges_of)
        named = {
            edge["id"]: f"{edge['message']} {edge['source']}"
            for edge in picture.graph["edges"]
        }

        assert {named.get(key, key): way for key, way in found.items()} == {
            "on.playing": "play",
            "power on": "power",
            "play on.stopped": "play",
            "stop on.playing": "play, stop",
            "next on.playing": "play, next",
        }

    async def test_fields_and_timers_are_told(self):
        """What a guard wants is in the way; what comes by itself is in brackets."""
        chart = load_chart(
            "name: x\nstates:\n  a: {on: {go: {to: b, if: {n: {min: 2}}}}}\n"
            "  b: {after: {5s: c}}\n  c:\n"
        )
        async with FlexiFlowEngine() as engine:
            walker = engine.create_component(chart)
            layer = CoverageLayer(walker)
            edges_of = draw(flow_graph(walker)).edges_of
            found = ways_to_the_rest(walker.state_machine, layer, edges_of)

        assert found["c"] == 'go {"n": 2}, (after in b)'
