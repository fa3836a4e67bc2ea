"""Take the classes out of a chart's states, so that the chart's reader can read it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..statechart._yaml import Node

__all__ = ["without_classes"]


def without_classes(root: Node, found: dict[str, str]) -> Node:
    """Return a config whose states that are classes are empty states.

    Parameters
    ----------
    root : Node
        The mapping at the top of a config; it is not changed.
    found : dict of str to str
        Takes the path of each such state, and its ``module:Class``.

    Returns
    -------
    Node
        The same mapping when there is no such state. An ``initial_state`` that is the
        class of a state becomes that state's name.
    """
    changed = _without(root, "", found)
    initial = root.value.get("initial_state")
    if initial is not None and isinstance(initial.value, str):
        for path, dotted in found.items():
            if initial.value == dotted and "." not in path:
                changed = _with(changed, "initial_state", _scalar(initial, path))
                break
    return changed


def _without(node: Node, path: str, found: dict[str, str]) -> Node:
    """Return a state, or the whole, without the classes within it."""
    for key in ("states", "parallel"):
        states = node.value.get(key)
        if states is None or states.kind != "map":
            continue
        for name, child in states.value.items():
            if not isinstance(name, str):
                continue
            here = f"{path}.{name}" if path else name
            if child.kind == "map":
                new = _without(child, here, found)
            elif isinstance(child.value, str) and ":" in child.value:
                found[here] = child.value
                new = _scalar(child, None)
            else:
                continue
            if new is not child:
                states = _with(states, name, new)
                node = _with(node, key, states)
    return node


def _with(node: Node, key: str, child: Node) -> Node:
    """Return a copy of a mapping with another value for one of its keys."""
    changed = copy(node)
    changed.value = {**node.value, key: child}
    return changed


def _scalar(node: Node, value: str | None) -> Node:
    """Return a scalar at the same place with another value."""
    changed = copy(node)
    changed.value = value
    return changed
