"""Rules of charts in which some states are ``State`` classes."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import StateError
from flexiflow.explain import explain
from flexiflow.statechart import machine, state
from flexiflow.visualize import flow_graph, visualize

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
from flexiflow.state_machine import State

class Work(State):
    def __init__(self, pieces=0):
        self.pieces = pieces

    async def handle_message(self, message, component):
        kind = message["type"]
        if kind == "piece":
            return True, Work(self.pieces + 1)
        if kind == "count":
            component.counted = self.pieces
            return True, self
        if kind == "done":
            return True, component.state_machine.registry.create("idle")
        if kind == "lost":
            return True, Elsewhere()
        if kind == "wrong":
            return "done"
        if kind == "boom":
            raise ValueError("boom")
        return False, self

class Elsewhere(State):
    pass
"""

CONFIG = """
name: shop
context: {visits: 0}
states:
  idle: {entry: {add: {visits: 1}}, on: {go: work, nap: inner}}
  work: 'ffm_states:Work'
  inner: {states: {first: {on: {on: second}}, second: }}
on: {close: closed}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return the path of a config with declared states and a class."""
    (tmp_path / "ffm_states.py").write_text(textwrap.dedent(MODULE), "utf-8")
    path = tmp_path / "shop.yaml"
    path.write_text(CONFIG.replace("on: {close: closed}", ""), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    sys.modules.pop("ffm_states", None)


@pytest.fixture
def shop(config: Path):
    """Return a component of it."""
    loaded = ConfigLoader.load_component_config(config, register=False)
    return loaded.make_component()


class TestMixedMachine:
    """Declared states and classes lead to each other."""

    async def test_messages_go_where_the_state_is(self, shop):
        """A declared state hands over to a class, and the class back by name."""
        states = []
        for kind in ("go", "piece", "other", "done"):
            result = await shop.send(kind)
            states.append((shop.state, result.status))

        assert states == [
            ("work", "handled"),
            ("work", "handled"),
            ("work", "ignored"),
            ("idle", "handled"),
        ]
        assert shop.context == {"visits": 2}

    async def test_object_that_a_class_returns_is_kept(self, shop):
        """A class may keep data in its object; entering anew makes a new one."""
        for kind in ("go", "piece", "piece", "count"):
            await shop.send(kind)
        first = shop.counted
        for kind in ("done", "go", "count"):
            await shop.send(kind)

        assert (first, shop.counted) == (2, 0)

    @pytest.mark.parametrize(
        ("kind", "error"),
        [("lost", StateError), ("wrong", StateError), ("boom", ValueError)],
    )
    async def test_failing_class_changes_nothing(self, shop, kind: str, error: type):
        """A class that leads nowhere or raises leaves the state as it was."""
        await shop.send("go")
        await shop.send("piece")
        with pytest.raises(error):
            await shop.send(kind)
        await shop.send("count")

        assert (shop.state, shop.counted) == ("work", 1)

    async def test_questions_are_answered_as_far_as_they_can_be(self, shop):
        """Of a class any message may do something; its ways are not shown."""
        assert shop.accepted() == ("go", "nap")
        assert not shop.can("piece")
        await shop.send("go")

        assert shop.can("piece")
        assert not shop.why_not("piece")
        assert shop.accepted() == ()
        assert shop.chart.messages == ("go", "nap", "on")

    async def test_saved_state_is_restored(self, shop, config: Path):
        """A machine in a class is saved and restored under the state's path."""
        await shop.send("go")
        data = shop.state_machine.data()
        loaded = ConfigLoader.load_component_config(config, register=False)
        again = loaded.make_component()
        again.state_machine.restore(data)
        await again.send("done")

        assert again.state == "idle"

    async def test_redefinition_keeps_the_class(self, shop):
        """Another chart with the same class goes on in it."""
        await shop.send("go")
        text = CONFIG.replace("closed", "idle").replace("nap", "sleep")
        new = ConfigLoader.load_component_text(text)

        outcome = shop.redefine(new)
        await shop.send("close")

        assert outcome.kept
        assert (shop.state, shop.accepted()) == ("idle", ("close", "go", "sleep"))

    async def test_config_may_turn_a_declared_state_into_a_class(self, shop):
        """The state goes on, and its messages go where the new config says."""
        declared = CONFIG.replace("'ffm_states:Work'", "{on: {done: idle}}")
        declared = declared.replace("on: {close: closed}", "")
        plain = ConfigLoader.load_component_text(declared).make_component()
        mixed = ConfigLoader.load_component_text(
            CONFIG.replace("on: {close: closed}", "")
        )
        await plain.send("go")
        there = plain.redefine(mixed)
        await plain.send("piece")
        await plain.send("count")
        back = plain.redefine(ConfigLoader.load_component_text(declared))

        assert (there.kept, plain.counted, back.kept, plain.state) == (
            True,
            1,
            True,
            "work",
        )
        assert plain.context == {"visits": 1}
        assert plain.accepted() == ("done",)

    async def test_chart_alone_keeps_the_classes(self, shop):
        """A bare chart brings no classes: states of the same path keep theirs."""
        await shop.send("go")
        chart = machine(
            "shop",
            states={"idle": state(on={"go": "work"}), "work": None, "rest": None},
        )

        outcome = shop.redefine(chart)
        await shop.send("done")

        assert (outcome.kept, shop.state, shop.chart) == (True, "idle", chart)
        shop.redefine(machine("shop", states={"idle": state(on={"go": "idle"})}))
        assert shop.accepted() == ("go",)

    async def test_class_that_is_gone_starts_again(self, shop):
        """When its state is gone, the initial one is entered, and that is said."""
        await shop.send("go")

        outcome = shop.redefine(
            ConfigLoader.load_component_text("name: shop\nstates: {idle: , rest: }")
        )

        assert (outcome.kept, shop.state) == (False, "idle")
        assert "work" in outcome.text

    def test_graph_shows_both_kinds(self, shop, config: Path):
        """Ways of a class are inferred, and drawn in each form of the config."""
        edges = {
            (e.source, e.message, e.target, e.origin) for e in flow_graph(shop).edges
        }

        assert ("work", "done", "idle", "inferred") in edges
        assert ("idle", "go", "work", "declared") in edges
        assert ("work", "lost", "Elsewhere", "inferred") in edges
        assert [n.path for n in flow_graph(shop).nodes if n.kind == "unknown"] == [
            "Elsewhere"
        ]
        assert "Elsewhere" in visualize(shop, "text")
        assert flow_graph(config) == flow_graph(shop)

    def test_explanation_lists_both_kinds(self, config: Path):
        """Each state is listed once, in the order of the file."""
        exp = explain(config)

        kinds = [(s.key, s.is_inline, s.dotted_path) for s in exp.states]
        assert kinds[:2] == [("idle", True, None), ("work", False, "ffm_states:Work")]
        assert [item.context["state"] for item in exp.warnings] == [
            "work",
            "inner.second",
        ]
        assert "ffm_states" not in sys.modules


class TestActions:
    async def test_class_leads_on_after_a_move_with_a_call(self, config):
        """A move that called a function before has no say in where a class leads."""
        text = config.read_text("utf-8").replace("go: work", "go: {to: work, do: note}")
        config.write_text(text, "utf-8")
        calls = []
        loaded = ConfigLoader.load_component_config(
            config, register=False, functions={"note": lambda: calls.append(1)}
        )
        shop = loaded.make_component()
        states = []
        for kind in ("go", "done", "go", "piece", "done", "nap"):
            await shop.send(kind)
            states.append(shop.state)

        assert states == ["work", "idle", "work", "work", "idle", "inner.first"]
        assert calls == [1, 1]
