"""Recognise what an expression reads from a message, and put tests into words."""

from __future__ import annotations

import ast

__all__ = ["FieldNames", "field_read", "negated", "texts_in", "type_of"]


class FieldNames(ast.NodeTransformer):
    """Write ``message.get("content")`` as ``content``."""

    def __init__(self, message: str) -> None:
        self._message = message

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace an expression that reads a field of the message."""
        if isinstance(node, ast.expr):
            field = field_read(node, self._message)
            if field is not None and field.isidentifier():
                return ast.Name(field)
        visited: ast.AST = super().visit(node)
        return visited


def field_read(value: ast.expr, message: str) -> str | None:
    """Return the name of the field of the message that an expression reads."""
    if isinstance(value, ast.Subscript):
        owner, key = value.value, value.slice
    elif (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "get"
        and value.args
    ):
        owner, key = value.func.value, value.args[0]
    elif isinstance(value, ast.Attribute) and value.attr == "type":
        owner, key = value.value, ast.Constant("type")
    else:
        return None
    if not isinstance(owner, ast.Name) or owner.id != message:
        return None
    return (
        key.value
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
        else None
    )


def type_of(message: str) -> ast.expr:
    """Return the expression ``message["type"]``."""
    return ast.Subscript(ast.Name(message), ast.Constant("type"))


def texts_in(value: ast.expr) -> tuple[str, ...]:
    """Return the strings of a literal string or of a literal collection of them."""
    items = value.elts if isinstance(value, (ast.Tuple, ast.List, ast.Set)) else [value]
    return tuple(
        item.value
        for item in items
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    )


def negated(words: str) -> str:
    """Return the opposite of a test in words."""
    return words.removeprefix("not ") if words.startswith("not ") else f"not {words}"
