"""Read a state pack from its source, when it says the same thing at each call."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from ..state_machine import State
from ..statepack import StateSpec, TransitionSpec

if TYPE_CHECKING:
    from .._bindings import ModuleSource
    from .._source import Finding, SourceReader

__all__ = ["SourcePack", "read_source_pack"]


@final
@dataclass(frozen=True, slots=True)
class SourcePack:
    """A pack whose answers are literals in its source."""

    name: str
    """The pack's name."""
    specs: dict[str, StateSpec]
    """What it provides; the classes are stand-ins."""
    edges: list[TransitionSpec] = field(default_factory=list)
    """The transitions it declares."""
    needs: set[str] = field(default_factory=set)
    """What it depends on."""
    classes: dict[str, Finding] = field(default_factory=dict)
    """The definitions of its State classes."""

    def provides(self) -> dict[str, StateSpec]:
        """Return the states by name."""
        return dict(self.specs)

    def transitions(self) -> list[TransitionSpec]:
        """Return the transitions."""
        return list(self.edges)

    def depends_on(self) -> set[str]:
        """Return the names it counts on."""
        return set(self.needs)


class _NotLiteralError(Exception):
    """An answer of the pack is computed."""


def read_source_pack(found: Finding, reader: SourceReader) -> SourcePack | None:
    """Return the pack behind a definition, or None when it must be run to know.

    Parameters
    ----------
    found : Finding
        A class, or an assignment of an instance made without arguments.
    reader : SourceReader
        What follows the names of the module.
    """
    node, module = found.node, found.module
    if module is None:
        return None
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        if node.value.args or node.value.keywords:
            return None
        inner = reader.lookup(node.value.func, module)
        if inner is None or inner.module is None:
            return None
        node, module = inner.node, inner.module
    if not isinstance(node, ast.ClassDef) or node.decorator_list or node.keywords:
        return None
    if not all(ast.unparse(base) in _PLAIN_BASES for base in node.bases):
        return None
    try:
        return _read(node, module, reader)
    except _NotLiteralError:
        return None


_PLAIN_BASES = frozenset({"object", "StatePack", "Protocol"})
"""Bases that add no answers."""


def _read(node: ast.ClassDef, module: ModuleSource, reader: SourceReader) -> SourcePack:
    """Read the four answers of a class."""
    answers: dict[str, ast.expr] = {}
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            if item.name.startswith("__"):
                raise _NotLiteralError
            answers[item.name] = _returned(item)
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            answers[item.targets[0].id] = item.value
        elif not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):
            raise _NotLiteralError
    if not {"name", "provides", "transitions", "depends_on"} <= set(answers):
        raise _NotLiteralError
    specs: dict[str, StateSpec] = {}
    classes: dict[str, Finding] = {}
    provides = answers["provides"]
    if not isinstance(provides, ast.Dict):
        raise _NotLiteralError
    for key, value in zip(provides.keys, provides.values, strict=True):
        name = _text(key)
        specs[name], classes[name] = _spec(value, module, reader)
    return SourcePack(
        _text(answers["name"]),
        specs,
        [_transition(item) for item in _items(answers["transitions"])],
        {_text(item) for item in _items(answers["depends_on"])},
        classes,
    )


def _returned(function: ast.FunctionDef) -> ast.expr:
    """Return the only thing that a method does: what it returns."""
    ignored = (ast.Import, ast.ImportFrom)
    body = [
        item
        for item in function.body
        if not isinstance(item, ignored)
        and not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
    ]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        raise _NotLiteralError
    return body[0].value


def _spec(
    value: ast.expr, module: ModuleSource, reader: SourceReader
) -> tuple[StateSpec, Finding]:
    """Read ``StateSpec(Class, "description")``."""
    parts = _call(value, "StateSpec", ("state_class", "description"))
    found = reader.lookup(parts["state_class"], module)
    if found is None or reader.is_subclass(found, State) is not True:
        raise _NotLiteralError
    words = parts.get("description")
    description = _text(words) if words is not None else None
    return StateSpec(State, description), found


def _transition(value: ast.expr) -> TransitionSpec:
    """Read ``TransitionSpec("from", "message", "to", guard=..., ...)``."""
    names = ("from_state", "on_message", "to_state", "guard", "description")
    parts = _call(value, "TransitionSpec", names)
    texts = {
        name: _text(part)
        for name, part in parts.items()
        if not (isinstance(part, ast.Constant) and part.value is None)
    }
    if not {"from_state", "on_message", "to_state"} <= set(texts):
        raise _NotLiteralError
    return TransitionSpec(**texts)


def _call(value: ast.expr, name: str, names: tuple[str, ...]) -> dict[str, ast.expr]:
    """Return the arguments of a call of a spec, by their names."""
    if not isinstance(value, ast.Call) or len(value.args) > len(names):
        raise _NotLiteralError
    func = value.func
    called = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    if called != name:
        raise _NotLiteralError
    parts = dict(zip(names, value.args, strict=False))
    for keyword in value.keywords:
        if keyword.arg not in names:
            raise _NotLiteralError
        parts[keyword.arg] = keyword.value
    if names[0] not in parts or any(isinstance(p, ast.Starred) for p in value.args):
        raise _NotLiteralError
    return parts


def _items(value: ast.expr) -> list[ast.expr]:
    """Return the items of a literal collection; ``set()`` and its kind are empty."""
    if isinstance(value, (ast.List, ast.Set, ast.Tuple)):
        return value.elts
    if (
        isinstance(value, ast.Call)
        and getattr(value.func, "id", "") in {"set", "frozenset", "list"}
        and not value.keywords
    ):
        if not value.args:
            return []
        if len(value.args) == 1:
            return _items(value.args[0])
    raise _NotLiteralError


def _text(value: ast.expr | None) -> str:
    """Return a literal string."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    raise _NotLiteralError
