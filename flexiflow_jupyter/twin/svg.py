"""Draw a chart as SVG without a page: Graphviz lays out, this lights the states.

The layout is made once for a structure; showing another state changes attributes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final
from xml.etree import ElementTree as ET

from flexiflow.diagrams import to_image
from flexiflow.errors import FlexiFlowError

from ..boxes import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..protocol import Graph, GraphEdge, GraphNode

__all__ = ["Lit", "lay_out", "light", "to_text"]

_SVG: Final = "http://www.w3.org/2000/svg"
_INK: Final = ("var(--jp-ui-font-color0,#000)", "#000")
_LINE: Final = ("var(--jp-ui-font-color2,#757575)", "#757575")
_GROUND: Final = ("var(--jp-layout-color0,#fff)", "#fff")
_ACCENT: Final = ("var(--jp-brand-color1,#1976d2)", "#1976d2")
_NOTHING: Final = ("none", "none")
"""Colours: by the theme of the page, and where a page takes no style."""


@final
@dataclass(frozen=True, slots=True)
class Lit:
    """What is to be seen as active in a picture."""

    leaves: frozenset[str] = frozenset()
    """The paths of the active leaf states."""
    parents: frozenset[str] = frozenset()
    """The paths of the states around them."""


def lay_out(dot: str) -> ET.Element | None:
    """Lay out Graphviz source; None when there is no Graphviz, or it cannot draw it.

    Parameters
    ----------
    dot : str
        Source with ids on nodes and edges, as the page gets it.

    Returns
    -------
    Element or None
        The picture as Graphviz made it.

    Notes
    -----
    The first call in a process may take a second, where Graphviz has to be compiled;
    later ones take about a millisecond. It may be called from any thread.
    """
    try:
        text = to_image(dot, "svg")
        return ET.fromstring(text)  # noqa: S314 - Graphviz wrote it from our own source
    except (FlexiFlowError, ET.ParseError, UnicodeError):
        return None


def light(picture: ET.Element, graph: Graph, lit: Lit) -> ET.Element:
    """Return a picture with names on its states and edges, and the active ones lit.

    Parameters
    ----------
    picture : Element
        What :func:`lay_out` returned; it stays as it is.
    graph : Graph
        What each id stands for.
    lit : Lit
        What is active.

    Returns
    -------
    Element
        An ``svg`` element: states have ``data-state`` with their path, active leaves
        ``aria-current="true"``, the states around them ``data-active``; edges have
        ``data-edge``, ``data-message`` and ``data-from``. Names are text only.
    """
    nodes = {node["id"]: node for node in graph.get("nodes", [])}
    edges = {edge["id"]: edge for edge in graph.get("edges", [])}
    drawn = copy.deepcopy(picture)
    width = drawn.get("width", "").removesuffix("pt")
    if width:
        drawn.set("width", width)
        drawn.set("height", drawn.get("height", "").removesuffix("pt"))
    drawn.set("style", "max-width:100%;height:auto")
    for group in drawn.iter(f"{{{_SVG}}}g"):
        name = _take_names(group)
        if name in nodes:
            _mark_state(group, nodes[name], lit)
        elif name in edges:
            _mark_edge(group, edges[name])
        elif group.get("class") == "graph":
            _paint(group, "polygon", fill=_NOTHING, stroke=_NOTHING)
        else:
            _paint_all(group, _LINE)
    return drawn


def to_text(picture: ET.Element) -> str:
    """Return a picture as SVG text."""
    ET.register_namespace("", _SVG)
    return ET.tostring(picture, encoding="unicode")


def _take_names(group: ET.Element) -> str:
    """Return what a group stands for; its id and title go, they are not unique."""
    title = group.find(f"{{{_SVG}}}title")
    name = group.get("id", "")
    if title is not None:
        if group.get("class") == "cluster":
            name = (title.text or "").removeprefix("cluster_")
        group.remove(title)
    group.attrib.pop("id", None)
    return name


def _mark_state(group: ET.Element, node: GraphNode, lit: Lit) -> None:
    """Name a state, and show whether it is active."""
    path = safe_text(node["path"])
    group.set("data-state", path)
    is_leaf, is_parent = node["path"] in lit.leaves, node["path"] in lit.parents
    if is_leaf:
        group.set("aria-current", "true")
    if is_parent:
        group.set("data-active", "")
    _entitle(group, path, node["description"])
    line = _ACCENT if is_leaf or is_parent else _LINE
    fill = _ACCENT if is_leaf else _NOTHING if is_parent else _GROUND
    is_box = group.get("class") == "cluster"
    for kind in ("path", "polygon", "ellipse"):
        _paint(group, kind, fill=_NOTHING if is_box else fill, stroke=line)
    _paint(group, "text", fill=_GROUND if is_leaf and not is_box else _INK)
    texts = group.findall(f"{{{_SVG}}}text")
    for text in texts[:1] if is_leaf else ():
        text.set("font-weight", "bold")
    for text in texts[1:]:  # what the state runs
        text.set("font-size", "11")


def _mark_edge(group: ET.Element, edge: GraphEdge) -> None:
    """Name an edge."""
    group.set("data-edge", edge["id"])
    group.set("data-message", safe_text(edge["message"]))
    group.set("data-from", safe_text(edge["source"]))
    _entitle(group, safe_text(edge["message"]), edge["description"])
    _paint_all(group, _LINE)


def _paint_all(group: ET.Element, line: tuple[str, str]) -> None:
    """Draw lines, heads and texts of a group in the page's colours."""
    _paint(group, "path", fill=_NOTHING, stroke=line)
    for kind in ("polygon", "ellipse"):
        _paint(group, kind, fill=line, stroke=line)
    _paint(group, "text", fill=_INK)


def _paint(
    group: ET.Element,
    kind: str,
    *,
    fill: tuple[str, str],
    stroke: tuple[str, str] | None = None,
) -> None:
    """Colour the shapes of a kind that stand directly in a group, or in its links."""
    colours: Mapping[str, tuple[str, str] | None] = {"fill": fill, "stroke": stroke}
    for shape in group.findall(f"{{{_SVG}}}{kind}"):
        styles = []
        for name, colour in colours.items():
            if colour is not None:
                shape.set(name, colour[1])
                styles.append(f"{name}:{colour[0]}")
        shape.set("style", ";".join(styles))


def _entitle(group: ET.Element, name: str, description: str | None) -> None:
    """Say what a shape is when one points at it."""
    title = ET.Element(f"{{{_SVG}}}title")
    title.text = f"{name}: {safe_text(description)}" if description else name
    group.insert(0, title)
