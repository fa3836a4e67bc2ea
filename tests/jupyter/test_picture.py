"""Charts as DOT: what the page lays out."""

from __future__ import annotations

import re

import pytest

from flexiflow.config_loader import ConfigLoader
from flexiflow.graph import FlowEdge, FlowGraph, FlowNode
from flexiflow.visualize import flow_graph
from flexiflow_jupyter.widgets.picture import draw

PLAYER = """
name: player
initial_state: standby
states:
  standby: {on: {power: active.resume}}
  active:
    on: {power: standby}
    parallel:
      transport:
        initial: stopped
        states:
          stopped: {on: {play: playing}}
          playing: {on: {stop: stopped}, after: {3m: stopped}}
      sound:
        initial: audible
        states:
          audible: {on: {mute: muted}}
          muted: {on: {mute: audible}}
      resume: {history: deep}
"""
FLAT = (
    "digraph {\n"
    "\tgraph [bgcolor=transparent nodesep=0.35 rankdir=LR ranksep=0.55]\n"
    '\tnode [fontname="Helvetica,Arial" fontsize=13 height=0.5 margin="0.25,0.1" '
    "shape=box style=rounded width=1.1]\n"
    '\tedge [fontname="Helvetica,Arial" fontsize=12]\n'
    '\ti0 [label="" height=0.14 id=i0 shape=point width=0.14]\n'
    "\ti0 -> n0 [id=i0e]\n"
    "\tn0 [label=locked id=n0]\n"
    "\tn1 [label=unlocked id=n1 peripheries=2]\n"
    "\tn0 -> n1 [label=coin id=e0]\n"
    "\tn0 -> n0 [label=kick id=e1]\n"
    "}\n"
)


def graph_of(text):
    """Return the graph of a chart in YAML."""
    return flow_graph(ConfigLoader.load_component_text(text))


def inside(dot, cluster):
    """Return the ids of the nodes that stand in a cluster, at any depth."""
    lines = iter(dot.splitlines())
    depth, found = 0, []
    for line in lines:
        opens = line.strip().startswith("subgraph")
        if line.strip() == f"subgraph {cluster} {{" or (depth and opens):
            depth += 1
        elif depth and line.strip() == "}":
            depth -= 1
        elif depth:
            found += re.findall(r"^\s*(\w+) \[.*\bid=\1\b", line)
    return found


def line_of(dot, edge):
    """Return the line of an edge."""
    return re.search(rf"^.* -> .*\bid={edge}\b.*$", dot, re.MULTILINE)[0]


class TestFlat:
    def test_text_is_that_of_a_picture_without_boxes(self):
        """A chart without states in states gives no cluster and no attribute of one."""
        nodes = (
            FlowNode("locked", "locked", initial=True),
            FlowNode("unlocked", "unlocked", "final"),
        )
        edges = (
            FlowEdge("locked", "unlocked", "coin"),
            FlowEdge("locked", "locked", "kick", internal=True, index=1),
        )

        assert draw(FlowGraph("turnstile", nodes, edges)).dot == FLAT

    def test_edge_to_a_state_that_is_not_there_is_left_out(self):
        """An edge that leads nowhere is drawn nowhere; the others keep their ids."""
        edges = (FlowEdge("a", "gone", "go"), FlowEdge("a", "a", "stay", index=1))
        picture = draw(FlowGraph("x", (FlowNode("a", "a"),), edges))

        assert [edge["id"] for edge in picture.graph["edges"]] == ["e1"]
        assert picture.edge_of == {1: "e1"}


class TestNested:
    """Drawing of states with states in them."""

    @pytest.fixture
    def picture(self):
        """Draw the player."""
        return draw(graph_of(PLAYER))

    @pytest.fixture
    def ids(self, picture):
        """Give the id of each state by its path."""
        return {node["path"]: node["id"] for node in picture.graph["nodes"]}

    def test_state_with_states_in_it_is_a_cluster(self, picture, ids):
        """The cluster bears the id of the state and holds what stands in it."""
        transport = inside(picture.dot, f"cluster_{ids['active.transport']}")
        sound = inside(picture.dot, f"cluster_{ids['active.sound']}")

        assert ids["active.transport.playing"] in transport
        assert ids["active.sound.muted"] in sound
        active = inside(picture.dot, f"cluster_{ids['active']}")
        assert {*transport, *sound} <= set(active)
        assert ids["standby"] not in active
        assert not re.search(rf"\b{ids['active']} \[", picture.dot)

    def test_regions_come_backwards(self, picture, ids):
        """Sideways Graphviz puts the first cluster below: document order is kept."""
        first, second = ids["active.transport"], ids["active.sound"]
        at = picture.dot.index

        assert at(f"cluster_{second} ") < at(f"cluster_{first} ")

    def test_initial_dots_stand_in_their_parents(self, picture, ids):
        """Each region has its own dot, and none leads to the region itself."""
        stopped = ids["active.transport.stopped"]
        dot = f"i{stopped[1:]}"

        assert dot in inside(picture.dot, f"cluster_{ids['active.transport']}")
        assert line_of(picture.dot, f"{dot}e").strip().startswith(f"{dot} -> {stopped}")
        assert f"i{ids['active.sound'][1:]} " not in picture.dot

    def test_history_is_a_circle_in_the_first_region(self, picture, ids):
        """It stands where no line between regions runs, and says whether it is deep."""
        resume = ids["active.resume"]
        [node] = [n for n in picture.graph["nodes"] if n["id"] == resume]

        assert resume in inside(picture.dot, f"cluster_{ids['active.transport']}")
        assert re.search(rf"\t{resume} \[.*shape=circle", picture.dot)
        assert (node["kind"], node["deep"]) == ("history", True)

    def test_edge_of_a_box_ends_at_its_border(self, picture, ids):
        """It is tied to a node within; lhead and ltail name the cluster."""
        power = line_of(picture.dot, "e1")

        assert f"-> {ids['standby']} [" in power
        assert f"ltail=cluster_{ids['active']}" in power
        assert "compound=true" in picture.dot

    def test_edge_says_what_takes_it(self, picture):
        """A timer's edge is no message of the page."""
        triggers = {e["message"]: e["trigger"] for e in picture.graph["edges"]}

        assert triggers["after 3m"] == "after"
        assert triggers["mute"] == "message"

    def test_edge_into_a_box_that_is_first_goes_to_its_beginning(self):
        """An initial box has its dot outside, with a line that ends at the border."""
        text = "name: x\nstates: {a: {initial: b, states: {b: {}}}}"
        dot = draw(graph_of(text)).dot

        assert "lhead=cluster_n0" in line_of(dot, "i0e")
        assert "i0" not in inside(dot, "cluster_n0")

    def test_edges_between_a_box_and_its_states_are_tied_to_a_point(self):
        """A cluster ends no such edge: an invisible node stands for it."""
        text = """
name: x
states:
  a:
    initial: b
    on: {down: a.c}
    states:
      b: {on: {up: a}}
      c: {}
"""
        dot = draw(graph_of(text)).dot

        assert "a0" in re.findall(r"^\t+(\w+) \[.*style=invis", dot, re.MULTILINE)
        assert re.search(r"a0 -> n2 \[.*label=down", dot)
        assert re.search(r"n1 -> a0 \[.*label=up", dot)
        assert "lhead" not in line_of(dot, "e1")

    def test_way_back_past_a_box_does_not_turn_the_order_round(self):
        """The first state stands first, though the circle leads through a box."""
        inner = {
            "a": {"on": {"next": "b"}},
            "b": {"on": {"home": "idle", "again": "a"}},
        }
        busy = {"states": inner, "on": {"stop": "end", "off": "idle"}}
        states = {
            "idle": {"on": {"go": "busy"}},
            "busy": busy,
            "end": {"on": {"back": "idle"}},
        }
        text = draw(flow_graph({"name": "m", "states": states})).dot
        flat = {**states, "busy": {"on": {"stop": "end", "off": "idle"}}}

        found = sorted(re.findall(r"label=(\w+) constraint=false", text))
        assert found == ["back", "home"]
        assert "constraint" not in draw(flow_graph({"name": "m", "states": flat})).dot

    def test_loops_of_a_box_are_the_page_s_to_draw(self):
        """They have no edge in DOT; a cluster around keeps room for each of them."""
        text = """
name: x
states:
  a:
    initial: b
    on: {again: a, note: {do: {log: noted}}}
    states: {b: {}}
"""
        picture = draw(graph_of(text))

        assert [edge["message"] for edge in picture.graph["edges"]] == ["again", "note"]
        assert "id=e0" not in picture.dot
        assert re.search(
            r"cluster_room_n0 \{\s+fontsize=28 label=\"m\\nm\"", picture.dot
        )

    def test_region_without_states_has_room_of_its_own(self):
        """It stands apart like the regions that are clusters; the id stays a node."""
        text = "name: x\nstates: {a: {parallel: {b: {states: {c: {}}}, d: {}}}}"
        dot = draw(graph_of(text)).dot

        assert inside(dot, "cluster_room_n3") == ["n3"]
        assert "n3" in inside(dot, "cluster_n0")
        assert "n3" not in inside(dot, "cluster_n1")

    def test_names_are_text_alone(self):
        """What a state is called changes its label and nothing else."""
        evil = 'x"]; } subgraph cluster_n9 { \\N \\l <b>'
        named = draw(FlowGraph("g", *_renamed(evil)))
        plain = draw(FlowGraph("g", *_renamed("plain")))
        strip = re.compile(r'label=("(?:[^"\\]|\\.)*"|\w+)')

        assert strip.sub("", named.dot) == strip.sub("", plain.dot)

    def test_same_graph_gives_the_same_text(self):
        """Nothing depends on hashes or on what was drawn before."""
        assert draw(graph_of(PLAYER)) == draw(graph_of(PLAYER))

    def test_empty_lines_in_a_name_are_taken_out(self):
        """Graphviz 16 crashes on an empty first line in the label of a cluster."""
        nodes = (
            FlowNode("a", "\n\nname", "compound"),
            FlowNode("a.b", "b", parent="a", initial=True),
        )

        assert "label=name" in draw(FlowGraph("g", nodes, ())).dot


def _renamed(name):
    """Return the parts of a graph of a box and a leaf that are called alike."""
    nodes = (
        FlowNode("a", name, "compound"),
        FlowNode("a.b", name, parent="a", initial=True),
    )
    return nodes, (FlowEdge("a.b", "a", name), FlowEdge("a", "a.b", name, index=1))
