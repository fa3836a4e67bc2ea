"""Tell which words may stand at a place of a definition, by the language's schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.statechart import read_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Values", "describe_key", "keys_at", "values_at"]

_DEFS: Final = "#/$defs/"
_NAMED: Final = frozenset({"target", "function", "message", "expected", "internal"})
"""Parts of the schema that say what kind of name is meant."""
_FIRST_STATES: Final = frozenset({"initial_state", "initial"})

# Any in this module: a schema is JSON of any shape.
_Node = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Values:
    """What may be the value of a key."""

    kinds: frozenset[str] = frozenset()
    """Of ``target``, ``function``, ``message``: the names that fit."""
    words: tuple[str, ...] = field(default=())
    """Words of the language that fit."""


def keys_at(path: tuple[str, ...]) -> dict[str, str]:
    """Return the keys that may stand in the mapping at a path, and what they mean.

    Parameters
    ----------
    path : tuple of str
        The keys that lead there from the top; items of lists have none.

    Returns
    -------
    dict
        The description by the key, in the schema's order; "" where there is none.
    """
    found: dict[str, str] = {}
    for node in _nodes(path):
        for key, part in node.get("properties", {}).items():
            found.setdefault(key, _description(part))
    return found


def describe_key(path: tuple[str, ...], key: str) -> str:
    """Return what a key means at a path; "" when the language has none of that name."""
    return keys_at(path).get(key, "")


def values_at(path: tuple[str, ...], key: str) -> Values:
    """Return what may be the value of a key in the mapping at a path."""
    kinds: set[str] = set()
    words: dict[str, None] = {}
    if key in _FIRST_STATES:
        kinds.add("target")
    for node in _step(_nodes(path), key):
        kinds |= {name for name in node.get("_names", ()) if name in _NAMED}
        words.update(dict.fromkeys(str(word) for word in node.get("enum", ())))
        if node.get("type") == "boolean":
            words.update({"true": None, "false": None})
    if kinds & {"expected"}:
        kinds.add("target")
    if kinds & {"internal"}:
        kinds.add("message")
    return Values(frozenset(kinds & {"target", "function", "message"}), tuple(words))


@cache
def _schema() -> _Node:
    return read_schema()


def _description(part: object) -> str:
    return str(part.get("description", "")) if isinstance(part, dict) else ""


def _nodes(path: tuple[str, ...]) -> list[_Node]:
    """Return the parts of the schema that may describe what stands at a path."""
    nodes = list(_unfolded(_schema()))
    for key in path:
        nodes = list(_step(nodes, key))
    return nodes


def _step(nodes: Iterable[_Node], key: str) -> Iterator[_Node]:
    """Yield what describes the value of a key."""
    for node in nodes:
        named = node.get("properties", {})
        part = named.get(key, node.get("additionalProperties"))
        if isinstance(part, dict):
            yield from _unfolded(part)


def _unfolded(
    node: _Node, names: tuple[str, ...] = (), depth: int = 0
) -> Iterator[_Node]:
    """Yield a part of the schema and all it may stand for; lists are their items."""
    if depth > 12:  # noqa: PLR2004 - the language nests no deeper within one value
        return
    reference = node.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix(_DEFS)
        yield from _unfolded(_schema()["$defs"][name], (*names, name), depth + 1)
        return
    yield {**node, "_names": names}
    for kind in ("oneOf", "anyOf"):
        for part in node.get(kind, ()):
            yield from _unfolded(part, names, depth + 1)
    items = node.get("items")
    if isinstance(items, dict):
        yield from _unfolded(items, names, depth + 1)
