"""What lies over a graph: what runs, why not, what a new definition has changed."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.clock import ManualClock
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.statechart import load_chart
from flexiflow.visualize import flow_graph
from flexiflow_jupyter.widgets.changes import changes_between
from flexiflow_jupyter.widgets.facts import ComponentFacts
from flexiflow_jupyter.widgets.picture import draw
from flexiflow_jupyter.widgets.verdicts import CROWD

ORDER = """
name: order
context: {items: 0}
states:
  cart:
    on:
      submit: {to: sent, if: {context.items: {min: 1}, by: {type: string}}}
      add: {do: {add: {items: 1}}}
      pay:
        - {to: sent, if: {context.items: 7}}
        - {to: cart}
  sent:
    on: {reset: cart}
"""


@pytest.fixture
def clock():
    """A clock that is moved by hand."""
    return ManualClock()


@pytest.fixture
async def engine(clock):
    """An engine on that clock, closed at the end."""
    async with FlexiFlowEngine(clock=clock) as engine:
        yield engine


def add(engine, text):
    """Return a component over a chart's text."""
    return engine.create_component(ConfigLoader.load_component_text(text))


async def rest():
    """Let all that is ready happen."""
    for _ in range(20):
        await asyncio.sleep(0)


def facts_of(component):
    """Return the facts of a component, its picture read."""
    facts = ComponentFacts(component)
    facts.structure()
    return facts


def edge_id(component, message, source):
    """Return the id of the first edge of a message from a state."""
    edges = draw(flow_graph(component)).graph["edges"]
    return next(
        edge["id"]
        for edge in edges
        if (edge["message"], edge["source"]) == (message, source)
    )


class TestRunning:
    async def test_timer_says_when_it_fires(self, engine, clock):
        """What runs on is told by the same numbers, whenever it is read."""
        facts = facts_of(add(engine, "name: d\nstates: {a: {after: {3m: b}}, b: }"))
        await rest()
        (first,) = facts.state()["running"]
        clock.advance(60)
        (second,) = facts.state()["running"]

        assert (first["path"], first["kind"], first["name"]) == (
            "a",
            "timer",
            "after 3m",
        )
        assert first["total_ms"] == 180_000
        assert first["due_ms"] - first["since_ms"] == 180_000
        assert second == first

    async def test_next_look_is_when_a_timer_has_fired(self, engine, clock):
        """A timer that does nothing is not told by the bus."""
        facts = facts_of(add(engine, "name: d\nstates: {a: {after: {10s: b}}, b: }"))
        assert facts.next_look_s() is None

        await rest()
        clock.advance(4)

        assert facts.next_look_s() == pytest.approx(6.1)

    async def test_room_is_kept_for_what_runs(self):
        """A state with timers or services has a second line in its picture."""
        chart = load_chart(
            "name: d\nstates: {a: {run: load, after: {3m: b}}, b: {on: {m: a}}}",
            functions={"load": lambda: None},
        )
        dot = draw(flow_graph(chart)).dot

        assert 'n0 [label="a\\nrun load, after 3m" id=n0]' in dot
        assert "n1 [label=b id=n1]" in dot


class TestWhyNot:
    async def test_clauses_that_do_not_hold(self, engine):
        """An edge of an active state names each clause, and what there is."""
        order = add(engine, ORDER)
        status = facts_of(order).state()["edges"][edge_id(order, "submit", "cart")]

        assert not status["enabled"]
        assert status["why"]["title"] == "submit does nothing now"
        assert status["why"]["clauses"] == [
            {"text": "context.items at least 1", "actual": "context.items = 0"},
            {"text": "by is a string", "actual": "no by"},
        ]
        assert status["why"]["place"] == "cart, line 7. Change by and send again."

    async def test_edge_that_is_passed_over(self, engine):
        """Where another edge of the message is taken, that is said."""
        order = add(engine, ORDER)
        status = facts_of(order).state()["edges"][edge_id(order, "pay", "cart")]

        assert status["why"]["title"] == "pay goes another way now"
        assert status["reason"].startswith("context.items is 0;")

    async def test_others_have_no_clauses(self, engine):
        """What is enabled, and what begins elsewhere, asks no guard."""
        order = add(engine, ORDER)
        edges = facts_of(order).state()["edges"]

        assert "why" not in edges[edge_id(order, "add", "cart")]
        assert "why" not in edges[edge_id(order, "reset", "sent")]

    async def test_in_a_crowd_only_what_is_near_is_told(self, engine):
        """The page says of the others that their state is not active."""
        count = CROWD + 1
        states = "\n".join(
            f"  s{n}: {{on: {{next: s{(n + 1) % count}}}}}" for n in range(count)
        )
        ring = add(engine, f"name: ring\nstates:\n{states}\n")

        assert facts_of(ring).state()["edges"] == {
            "e0": {"enabled": True, "reason": ""}
        }


OLD = """
name: door
states:
  open: {on: {close: shut, kick: broken}}
  shut: {on: {open: open, lock: {to: locked, if: {key: true}}}}
  locked: {on: {unlock: shut}}
  broken:
"""
NEW = """
name: door
states:
  open: {on: {close: shut}}
  shut: {on: {open: open, lock: locked}}
  locked: {entry: {emit: door.locked}, on: {unlock: shut, alarm: alarmed}}
  alarmed:
"""


class TestChanges:
    def changes(self, old=OLD, new=NEW):
        """Return what differs between two texts."""
        return changes_between(
            load_chart(old), load_chart(new), number=1, text="It goes on.", kept=True
        )

    def test_states_are_marked(self):
        """New, gone and changed states are told apart."""
        assert self.changes()["states"] == {
            "locked": "changed",
            "alarmed": "added",
            "broken": "removed",
        }

    def test_edges_are_marked(self):
        """One that differs in its condition only is changed, not added and removed."""
        found = self.changes()
        known = {edge["id"]: edge["message"] for edge in found["graph"]["edges"]}

        assert {known[name]: mark for name, mark in found["edges"].items()} == {
            "lock": "changed",
            "alarm": "added",
            "kick": "removed",
        }

    def test_what_both_have_keeps_its_ids(self):
        """Facts about the new chart fit the picture of both."""
        found = self.changes()
        alone = draw(flow_graph(load_chart(NEW))).graph

        assert found["graph"]["nodes"][: len(alone["nodes"])] == alone["nodes"]
        assert found["graph"]["edges"][: len(alone["edges"])] == alone["edges"]

    def test_nothing_differs(self):
        """The same chart written otherwise gives nothing to show."""
        assert self.changes(OLD, OLD + "description: Words do not count.\n") is None

    async def test_view_that_sees_it(self, engine):
        """A component that is redefined from outside shows it too, once."""
        door = add(engine, OLD)
        facts = facts_of(door)
        door.redefine(load_chart(NEW))
        seen = facts.structure()

        assert seen["changes"]["text"] == "door is in open."
        assert seen["changes"]["states"]["alarmed"] == "added"
        assert facts.structure() == {}

    async def test_news_grow_old(self, engine, monkeypatch):
        """A page that is loaded again much later is not told of it."""
        door = add(engine, OLD)
        facts = facts_of(door)
        door.redefine(load_chart(NEW))
        facts.structure()
        soon = facts.state()
        monkeypatch.setattr("time.monotonic", lambda: float("inf"))

        assert "changes" not in soon
        assert facts.state()["changes"] == {}
        assert "changes" not in facts.state()

    async def test_view_that_is_made_after_it(self, engine):
        """A new view is told what was run before, and what became of the state."""
        door = add(engine, OLD)
        await door.send("kick")
        before = door.chart
        outcome = door.redefine(load_chart(NEW))
        facts = ComponentFacts(door)
        facts.expect(before, outcome)
        seen = facts.structure()["changes"]

        assert (seen["kept"], seen["text"]) == (False, outcome.text)
        assert "broken" in seen["text"]

    def test_a_box_that_is_gone_is_drawn_with_what_was_in_it(self):
        """Removed states stand where they stood."""
        found = self.changes(
            "name: p\nstates: {a: {states: {x: , y: }}, b: }", "name: p\nstates: {b: }"
        )

        assert found["states"] == {"a": "removed", "a.x": "removed", "a.y": "removed"}
        assert "subgraph cluster_n1" in found["dot"]
