"""Read which names a module's source binds at its top level, and to what."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ModuleSource",
    "absolute_name",
    "divides_by_zero",
    "has_tricks",
    "imported_module",
    "index",
    "is_harmless_decorator",
    "is_literal_assignment",
    "needed_modules",
    "without_subscript",
]

_LIVE_TRICKS = ("globals(", "setattr(", "exec(", "vars(", "__getattr__")
"""Text of a module that may define names in ways that reading does not see."""

_HARMLESS_DECORATORS = frozenset({"dataclass", "final", "runtime_checkable"})
"""Decorators that hand back the class they were given."""


@final
@dataclass(slots=True)
class ModuleSource:
    """The source of a module that has not been imported."""

    name: str
    """The module's dotted name."""
    tree: ast.Module
    """The parsed source."""
    text: str
    """The source itself."""
    is_package: bool = False
    """Whether it is a package's ``__init__``; submodules are attributes then."""
    names: dict[str, ast.stmt | None] = field(default_factory=dict)
    """Top-level name to its last definition; None when a branch decides."""
    has_star: bool = False
    """Whether ``from x import *`` adds names that are not listed."""


def index(source: ModuleSource) -> None:
    """Note the top-level names of a module in the order in which they are bound."""
    for node in source.tree.body:
        for name, definition in _bindings(node):
            if name == "*":
                source.has_star = True
            else:
                source.names[name] = definition


def _bindings(node: ast.stmt) -> Iterator[tuple[str, ast.stmt | None]]:
    """Yield the names that a top-level statement binds, with what defines them."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node.name, node
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, node
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _assigned(node.target, node)
    elif not _is_type_checking(node):
        yield from _bound_inside(node)


def _bound_inside(node: ast.stmt) -> Iterator[tuple[str, None]]:
    """Yield the names that a branch, a loop or a ``with`` may bind."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id, None
        elif isinstance(inner, ast.stmt) and inner is not node:
            yield from ((name, None) for name, _ in _bindings(inner))


def _assigned(
    target: ast.expr, node: ast.stmt
) -> Iterator[tuple[str, ast.stmt | None]]:
    """Yield the names of an assignment's target; parts of a tuple are not followed."""
    if isinstance(target, ast.Name):
        yield target.id, node
    else:
        for inner in ast.walk(target):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id, None


def _is_type_checking(node: ast.stmt) -> bool:
    """Tell whether a statement is ``if TYPE_CHECKING:``, which binds nothing."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def has_tricks(source: ModuleSource) -> bool:
    """Tell whether a module may have names that its statements do not show."""
    return any(trick in source.text for trick in _LIVE_TRICKS)


def absolute_name(node: ast.ImportFrom, source: ModuleSource) -> str:
    """Return the absolute name of the module that ``from x import y`` names."""
    if not node.level:
        return node.module or ""
    parts = source.name.split(".")
    keep = len(parts) - node.level + (1 if source.is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def imported_module(expression: ast.expr, source: ModuleSource) -> str | None:
    """Return the module that a name stands for after ``import``, or None."""
    words: list[str] = []
    while isinstance(expression, ast.Attribute):
        words.insert(0, expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return None
    node = source.names.get(expression.id)
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname == expression.id:
                return ".".join([alias.name, *words])
        return ".".join([expression.id, *words])
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if (alias.asname or alias.name) == expression.id:
                return ".".join([absolute_name(node, source), alias.name, *words])
    return None


def needed_modules(node: ast.stmt, source: ModuleSource) -> list[str]:
    """Return the modules that a top-level import statement cannot do without."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [absolute_name(node, source)]
    return []


def divides_by_zero(node: ast.stmt) -> bool:
    """Tell whether a statement at the top level divides by a literal zero."""
    value = getattr(node, "value", None)
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, (ast.Div, ast.FloorDiv, ast.Mod))
        and isinstance(value.right, ast.Constant)
        and value.right.value == 0
        and isinstance(value.left, ast.Constant)
        and not isinstance(value.left.value, str)
    )


def is_literal_assignment(node: ast.stmt | None) -> bool:
    """Tell whether a name is bound to a literal, which is no class."""
    literals = (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.Lambda)
    return isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(
        node.value, literals
    )


def is_harmless_decorator(decorator: ast.expr) -> bool:
    """Tell whether a decorator is known to return the class that it decorates."""
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    name = decorator.attr if isinstance(decorator, ast.Attribute) else None
    return (name or getattr(decorator, "id", "")) in _HARMLESS_DECORATORS


def without_subscript(expression: ast.expr) -> ast.expr:
    """Return ``Base`` of ``Base[T]``."""
    return expression.value if isinstance(expression, ast.Subscript) else expression
