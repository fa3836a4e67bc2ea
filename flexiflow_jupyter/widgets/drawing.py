"""Write DOT for the neutral graph: leaves are nodes, states around others clusters.

Graphviz knows no edges of clusters: such an edge is tied to a node within and ends at
the border (``lhead``, ``ltail``); between a cluster and what stands in it, it is tied
to an invisible point; where it comes back to the cluster itself, the page draws it in
the room that is kept above.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, final

import graphviz

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flexiflow.graph import FlowEdge, FlowGraph, FlowNode

__all__ = ["Drawing"]

_GRAPH: Final = {
    "rankdir": "LR",
    "nodesep": "0.35",
    "ranksep": "0.55",
    "bgcolor": "transparent",
}
_NODE: Final = {
    "shape": "box",
    "style": "rounded",
    "fontname": "Helvetica,Arial",
    "fontsize": "13",
    "height": "0.5",
    "width": "1.1",
    "margin": "0.25,0.1",
}
_EDGE: Final = {"fontname": "Helvetica,Arial", "fontsize": "12"}
_BOX: Final = {
    "labeljust": "l",
    "fontname": "Helvetica,Arial",
    "fontsize": "14",
    "margin": "14",
}
_REGION: Final = {**_BOX, "margin": "12"}
_DOT: Final = {"shape": "point", "width": "0.14", "height": "0.14"}
_ANCHOR: Final = {"shape": "point", "style": "invis", "width": "0.02", "height": "0.02"}
_HISTORY: Final = {"shape": "circle", "fixedsize": "true", "width": "0.4"}

_LONGEST_LABEL: Final = 60
"""Characters of a name that are drawn; the whole stands in the title."""

_LONGEST_RUN: Final = 26
"""Characters of what a state runs."""

_CROWD: Final = 40
"""With more states than this only names are drawn, and few of them."""


@final
class Drawing:
    """The DOT of one graph.

    Parameters
    ----------
    flow : FlowGraph
        The graph.
    ids : Mapping
        Names of nodes by path, in document order.
    edges : Mapping
        The edges that are drawn, by name.

    Notes
    -----
    A state that has timers or services has a second line: a live page shows there what
    runs, so that the room is there before it does.
    """

    def __init__(
        self, flow: FlowGraph, ids: Mapping[str, str], edges: Mapping[str, FlowEdge]
    ) -> None:
        self._ids = ids
        self._runs = {} if len(flow.nodes) > _CROWD else _running_in(flow)
        self._edges = edges
        self._places = {path: place for place, path in enumerate(ids)}
        self._nodes = {node.path: node for node in flow.nodes}
        self._children: dict[str | None, list[FlowNode]] = {}
        for node in flow.nodes:
            parent = node.parent if node.parent in ids else None
            self._children.setdefault(parent, []).append(node)
        self._anchored = {
            path
            for edge in edges.values()
            for path in self._outer(edge)
            if edge.source != edge.target
        }
        self._loops = Counter(
            edge.source for edge in edges.values() if edge.source == edge.target
        )

    def dot(self) -> str:
        """Return the whole as Graphviz source."""
        has_boxes = any(self._is_box(path) for path in self._ids)
        attributes = {**_GRAPH, "compound": "true"} if has_boxes else _GRAPH
        dot = graphviz.Digraph(graph_attr=attributes, node_attr=_NODE, edge_attr=_EDGE)
        for node in self._children.get(None, []):
            self._draw_state(dot, node)
        for name, edge in self._edges.items():
            self._draw_edge(dot, name, edge)
        return str(dot.source)

    def _is_box(self, path: str) -> bool:
        """Return whether states stand in a state."""
        return path in self._children

    def _outer(self, edge: FlowEdge) -> list[str]:
        """Return the end of an edge in which its other end stands."""
        source, target = edge.source, edge.target
        return [
            end
            for end, other in ((source, target), (target, source))
            if self._is_around(end, other)
        ]

    def _is_around(self, outer: str, inner: str) -> bool:
        """Return whether a state stands in another one, at any depth."""
        parent = self._nodes[inner].parent
        while parent is not None and parent in self._nodes:
            if parent == outer:
                return True
            parent = self._nodes[parent].parent
        return False

    def _draw_state(self, dot: graphviz.Digraph, node: FlowNode) -> None:
        """Add a state, and the dot that leads to it when it is the first."""
        name = self._ids[node.path]
        is_box = self._is_box(node.path)
        if node.initial:
            start = f"i{name[1:]}"
            dot.node(start, "", id=start, **_DOT)
            if not is_box:
                dot.edge(start, name, id=f"{start}e")
        if not is_box:
            label = graphviz.escape(_cut(node.label))
            if node.kind == "history":
                label = "H*" if node.deep else "H"
            elif node.path in self._runs:
                label += f"\\n{graphviz.escape(self._runs[node.path])}"
            dot.node(name, label, id=name, **_shape(node))
            return
        self._draw_box(dot, node)
        if node.initial:
            inner = self._tie(node.path, is_late=False)
            dot.edge(start, inner, id=f"{start}e", lhead=f"cluster_{name}")

    def _draw_box(self, dot: graphviz.Digraph, node: FlowNode) -> None:
        """Add a cluster, in another one that keeps room for what comes back to it."""
        loops = self._loops[node.path]
        if not loops:
            self._draw_cluster(dot, node)
            return
        name = f"cluster_room_{self._ids[node.path]}"
        with dot.subgraph(name=name) as room:
            room.attr(label="\\n".join("m" * loops), fontsize="28", margin="6")
            self._draw_cluster(room, node)

    def _draw_cluster(self, dot: graphviz.Digraph, node: FlowNode) -> None:
        """Add a state with the states in it."""
        name = self._ids[node.path]
        parent = self._nodes.get(node.parent or "")
        is_region = parent is not None and parent.kind == "parallel"
        with dot.subgraph(name=f"cluster_{name}") as box:
            look = _REGION if is_region else _BOX
            # Graphviz stumbles over an empty line in the label of a cluster.
            label = " ".join(_cut(node.label).split())
            box.attr(label=graphviz.escape(label), **look)
            if node.path in self._anchored:
                box.node(f"a{name[1:]}", "", **_ANCHOR)
            for child in self._memories_of(parent, node) if is_region else ():
                self._draw_state(box, child)
            for child in self._inside(node):
                if node.kind == "parallel" and not self._is_box(child.path):
                    self._draw_lone_region(box, child)
                else:
                    self._draw_state(box, child)

    def _draw_lone_region(self, dot: graphviz.Digraph, node: FlowNode) -> None:
        """Add a region without states in it, apart from the others as they are."""
        with dot.subgraph(name=f"cluster_room_{self._ids[node.path]}") as room:
            room.attr(label="", margin=_REGION["margin"])
            self._draw_state(room, node)

    def _inside(self, node: FlowNode) -> list[FlowNode]:
        """Return the states to draw in a box, in the order of Graphviz.

        With ``rankdir=LR`` it puts what comes first below: regions come backwards.
        """
        children = self._children[node.path]
        if node.kind != "parallel":
            return children
        return [child for child in reversed(children) if not self._is_lodged(child)]

    def _is_lodged(self, node: FlowNode) -> bool:
        """Return whether a history of a parallel state stands in its first region."""
        regions = self._children.get(node.parent, [])
        return node.kind == "history" and any(
            self._is_box(region.path) for region in regions
        )

    def _memories_of(self, parent: FlowNode | None, region: FlowNode) -> list[FlowNode]:
        """Return the histories of a parallel state that this region takes in.

        Between the regions they would stand in the way of the line that divides them.
        """
        siblings = self._children[parent.path] if parent is not None else []
        first = next(child for child in siblings if self._is_box(child.path))
        return [
            child for child in siblings if first is region and child.kind == "history"
        ]

    def _tie(self, path: str, *, is_late: bool) -> str:
        """Return the node to which an edge of a state is tied.

        In a box that is where it begins, or its last state: the near side for what
        comes from states before it, and for what leads to states after it.
        """
        node = self._nodes[path]
        while self._is_box(node.path):
            children = [
                child for child in self._children[node.path] if child.kind != "history"
            ] or self._children[node.path]
            begin = next((child for child in children if child.initial), children[0])
            node = children[-1] if is_late else begin
        name = self._ids[node.path]
        is_dot = node.initial and not is_late and node.path != path
        return f"i{name[1:]}" if is_dot else name

    def _draw_edge(self, dot: graphviz.Digraph, name: str, edge: FlowEdge) -> None:
        """Add a transition; the page draws those from a box to itself."""
        source, target = edge.source, edge.target
        if source == target and self._is_box(source):
            return
        is_back = self._places[target] < self._places[source]
        outer = self._outer(edge)
        ends: dict[str, str] = {}
        ties: list[str] = []
        for path, key, is_late in (
            (source, "ltail", not is_back),
            (target, "lhead", is_back),
        ):
            if path in outer:
                ties.append(f"a{self._ids[path][1:]}")
            else:
                ties.append(self._tie(path, is_late=is_late))
                if self._is_box(path):
                    ends[key] = f"cluster_{self._ids[path]}"
        if is_back and not ends and self._is_among_boxes(target):
            ends["constraint"] = "false"
        label = graphviz.escape(_cut(edge.message))
        dot.edge(*ties, id=name, label=label, **ends)

    def _is_among_boxes(self, path: str) -> bool:
        """Return whether an outermost state stands beside boxes.

        Graphviz breaks a circle at a box, if there is one on it: what leads back to
        the first state must not count, or the first state would come last.
        """
        outermost = self._children[None]
        is_outermost = self._nodes[path].parent is None
        return is_outermost and any(self._is_box(node.path) for node in outermost)


def _shape(node: FlowNode) -> dict[str, str]:
    """Return what makes a state look other than most."""
    if node.kind == "final":
        return {"peripheries": "2"}
    if node.kind == "unknown":
        return {"style": "rounded,dashed"}
    return dict(_HISTORY) if node.kind == "history" else {}


def _running_in(flow: FlowGraph) -> dict[str, str]:
    """Return what each state may run, in words: ``run read_disc, after 3m``."""
    found: dict[str, list[str]] = {}
    for node in flow.nodes:
        services = [note for note in node.notes if note.startswith("run ")]
        if services:
            found[node.path] = services
    for edge in flow.edges:
        if edge.trigger == "after" and edge.message not in found.get(edge.source, ()):
            found.setdefault(edge.source, []).append(edge.message)
    return {path: _cut(", ".join(runs), _LONGEST_RUN) for path, runs in found.items()}


def _cut(label: str, longest: int = _LONGEST_LABEL) -> str:
    """Shorten a name that no picture can hold."""
    return label if len(label) <= longest else label[: longest - 1] + "…"
