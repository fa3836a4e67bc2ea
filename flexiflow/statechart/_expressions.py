"""Evaluate the expressions of SCXML documents: a whitelist, and bounds.

Nothing is ever handed to Python's ``eval``. An expression is parsed and walked; what
is not listed here (calls, comprehensions, lambdas, names with two underscores, ...) is
refused when the document runs, as the recommendation asks (``error.execution``).
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from ._scxml_elements import ELEMENT_METHODS, is_element

__all__ = [
    "MOST_ITEMS",
    "ExpressionError",
    "Names",
    "assign_at",
    "compile_expression",
    "compile_location",
    "compile_script",
    "weight",
]

_LONGEST: Final = 2_000
_MOST_NODES: Final = 300
_MOST_DEPTH: Final = 50
_MOST_BITS: Final = 4_096
MOST_ITEMS: Final = 100_000
"""Characters of a text, and values within data."""
_NO_FILE: Final = "<expression>"
_MOST_LEVELS: Final = 90
_NESTED: Final = (Mapping, list, tuple)

# Any in this module: values of the document's data.


class ExpressionError(ValueError):
    """An expression is refused, or cannot be evaluated; the text says why."""


class Names(Protocol):
    """Where names are looked up."""

    def get_name(self, name: str) -> Any:
        """Return the value of a name; ``KeyError`` when there is none."""

    def set_name(self, name: str, value: Any) -> None:
        """Give a name another value; ``KeyError`` when it may not have one."""

    def define(self, name: str, value: Any) -> None:
        """Give a name a value, new or not; ``KeyError`` when it may not have one."""

    def is_in(self, state: str) -> bool:
        """Return whether a state is active."""


Expression = Callable[[Names], Any]
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "undefined": None}
_TOKEN: Final = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|===|!==|!=|&&|\|\||!"""
    r"""|\btypeof\s+(?!\()[\w.]+|\binstanceof\b""",
    re.DOTALL,
)
"""Texts, and what ECMAScript writes otherwise than Python."""
_PYTHON: Final = {
    "===": "==",
    "!==": "!=",
    "&&": " and ",
    "||": " or ",
    "!": "~",
    "instanceof": " is ",
}
_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "Array": (list, tuple),
    "Boolean": bool,
    "Number": (int, float),
    "Object": (Mapping, list, tuple),
    "String": str,
}
"""What ``instanceof`` asks for."""
_COMPARISONS: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_ARITHMETIC: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_UNARY: Final[Mapping[type, Callable[[Any], Any]]] = {
    ast.Not: operator.not_,
    ast.Invert: operator.not_,  # ECMAScript's !, which binds as tightly
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_ALLOWED: Final = (
    "only In, len, hasattr, typeof, get, includes and a few functions of texts and of "
    "elements may be called"
)
_TEXT_METHODS: Final = frozenset({"startswith", "endswith", "lower", "upper", "strip"})


def compile_expression(text: str) -> Expression:
    """Return an expression as a function of the names; never raises itself.

    Parameters
    ----------
    text : str
        The expression as the document has it.

    Returns
    -------
    callable
        Raises ``ExpressionError`` when the expression is refused or fails.
    """
    try:
        tree = _parse(text, "eval")
    except ExpressionError as error:
        return _refusing(str(error))
    body = tree.body
    return lambda names: _guarded(body, names)


def compile_location(text: str) -> Callable[[Names], tuple[str, list[Any]]]:
    """Return a location as a function that gives a name and the keys behind it.

    Parameters
    ----------
    text : str
        A name, with fields and positions behind it: ``order.items[0].price``.

    Returns
    -------
    callable
        Raises ``ExpressionError`` when it is no location.
    """
    try:
        node = _parse(text, "eval").body
    except ExpressionError as error:
        return _refusing(str(error))

    def find(names: Names) -> tuple[str, list[Any]]:
        keys: list[Any] = []
        here = node
        while not isinstance(here, ast.Name):
            if isinstance(here, ast.Attribute):
                keys.insert(0, here.attr)
            elif isinstance(here, ast.Subscript):
                keys.insert(0, _guarded(here.slice, names))
            else:
                raise ExpressionError(f"{text[:60]!r} is no location")
            here = here.value
        return here.id, keys

    return find


def weight(value: Any, depth: int = 0) -> int:
    """Return how many values data hold, those shared counted each time.

    Raises
    ------
    ExpressionError
        If they are too many, or nested too deep.
    """
    if depth > _MOST_LEVELS:
        raise ExpressionError("the data are nested too deep")
    items: Iterable[Any] = ()
    if isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    total = 1
    for item in items:
        total += weight(item, depth + 1) if isinstance(item, _NESTED) else 1
        if total > MOST_ITEMS:
            raise ExpressionError("the data are too many")
    return total


def assign_at(value: Any, keys: Sequence[Any], new: Any) -> Any:
    """Return plain data with another value behind some keys, which must exist.

    Raises
    ------
    ExpressionError
        If the keys lead nowhere.
    """
    if not keys:
        return new
    key, *rest = keys
    if (
        isinstance(value, Mapping)
        and isinstance(key, str)
        and (key in value or not rest)
    ):
        return {**value, key: assign_at(value.get(key), rest, new)}
    if isinstance(value, list | tuple) and type(key) is int and 0 <= key < len(value):
        found = list(value)
        found[key] = assign_at(found[key], rest, new)
        return found
    raise ExpressionError(f"there is no {str(key)[:60]}")


def compile_script(text: str) -> Expression:
    """Return a script, a list of assignments to names, as a function of the names."""
    try:
        tree = _parse(text, "exec")
        for line in tree.body:
            _check_line(line)
    except ExpressionError as error:
        return _refusing(str(error))
    return lambda names: _run_script(tree.body, names)


def _check_line(line: ast.stmt) -> None:
    if not isinstance(line, ast.Assign | ast.AugAssign | ast.Expr | ast.Pass):
        raise ExpressionError(f"a script holds assignments, not {_kind(line)}")


def _refusing(why: str) -> Expression:
    def refuse(_names: Names) -> Any:
        raise ExpressionError(why)

    return refuse


def _as_python(found: re.Match[str]) -> str:
    """Return a word of ECMAScript as the parser takes it."""
    word = found[0]
    if word.startswith("typeof"):
        return f"typeof({word.removeprefix('typeof').strip()})"
    return _PYTHON.get(word, word)


def _parse(text: str, mode: str) -> Any:
    """Return the syntax tree of a text within bounds."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise ExpressionError(f"the expression is longer than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(_TOKEN.sub(_as_python, text), _NO_FILE, mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{text[:60]!r} cannot be read: {error}") from None
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise ExpressionError(f"the expression has more than {_MOST_NODES} parts")
    return tree


def _kind(node: ast.AST) -> str:
    return type(node).__name__


def _guarded(node: ast.AST, names: Names) -> Any:
    """Evaluate, turning whatever goes wrong into an ``ExpressionError``."""
    try:
        return _value(node, names, 0)
    except ExpressionError:
        raise
    except Exception as error:
        raise ExpressionError(f"{type(error).__name__}: {error}") from error


def _run_script(lines: list[ast.stmt], names: Names) -> None:
    for line in lines:
        if isinstance(line, ast.Expr):
            _guarded(line.value, names)
            continue
        if isinstance(line, ast.Pass):
            continue
        if isinstance(line, ast.AugAssign):
            targets, value = [line.target], ast.BinOp(line.target, line.op, line.value)
        elif isinstance(line, ast.Assign):
            targets, value = line.targets, line.value  # type: ignore[assignment]
        result = _guarded(value, names)
        for target in targets:
            if not isinstance(target, ast.Name):
                raise ExpressionError("a script assigns to plain names alone")
            try:
                names.define(target.id, result)
            except KeyError as error:
                raise ExpressionError(f"{target.id} cannot be assigned") from error


def _value(node: Any, names: Names, depth: int) -> Any:
    """Return the value of a syntax node."""
    if depth > _MOST_DEPTH:
        raise ExpressionError("the expression is nested too deep")
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise ExpressionError(f"{_kind(node)} is not allowed in an expression")
    return handler(node, names, depth + 1)


def _constant(node: ast.Constant, _names: Names, _depth: int) -> Any:
    value = node.value
    if value is not None and not isinstance(value, str | int | float):
        raise ExpressionError(f"{value!r:.60} is not allowed in an expression")
    return _bounded(value)


def _name(node: ast.Name, names: Names, _depth: int) -> Any:
    if node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if node.id.startswith("__"):
        raise ExpressionError(f"{node.id} is not allowed in an expression")
    try:
        return names.get_name(node.id)
    except KeyError:
        raise ExpressionError(f"{node.id} is not defined") from None


def _compare(node: ast.Compare, names: Names, depth: int) -> Any:
    left = _value(node.left, names, depth)
    for kind, item in zip(node.ops, node.comparators, strict=True):
        if isinstance(kind, ast.Is) and getattr(item, "id", None) in _KINDS:
            if not isinstance(left, _KINDS[item.id]):  # type: ignore[attr-defined]
                return False
            continue
        right = _value(item, names, depth)
        if not _COMPARISONS[type(kind)](left, right):
            return False
        left = right
    return True


def _bool(node: ast.BoolOp, names: Names, depth: int) -> Any:
    wants = isinstance(node.op, ast.Or)
    value: Any = None
    for item in node.values:
        value = _value(item, names, depth)
        if bool(value) is wants:
            return value
    return value


def _arithmetic(node: ast.BinOp, names: Names, depth: int) -> Any:
    kind = _ARITHMETIC.get(type(node.op))
    if kind is None:
        raise ExpressionError(f"{_kind(node.op)} is not allowed in an expression")
    left, right = _value(node.left, names, depth), _value(node.right, names, depth)
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if not numbers and not isinstance(node.op, ast.Add):
        raise ExpressionError(f"{_kind(node.op)} wants numbers")
    return _bounded(kind(left, right))


def _bounded(value: Any) -> Any:
    """Return a value that has not grown too large."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ExpressionError("the number is too large")
    if isinstance(value, str | list | tuple) and len(value) > MOST_ITEMS:
        raise ExpressionError("the value is too long")
    return value


def _unary(node: ast.UnaryOp, names: Names, depth: int) -> Any:
    kind = _UNARY.get(type(node.op))
    if kind is None:
        raise ExpressionError(f"{_kind(node.op)} is not allowed in an expression")
    return kind(_value(node.operand, names, depth))


def _attribute(node: ast.Attribute, names: Names, depth: int) -> Any:
    """Return a field: dots are look-ups of plain keys, never of attributes."""
    owner = _value(node.value, names, depth)
    if isinstance(owner, Mapping) and node.attr in owner:
        return owner[node.attr]
    if isinstance(owner, str | list | tuple) and node.attr == "length":
        return len(owner)
    raise ExpressionError(f"there is no {node.attr}")


def _index(node: ast.Subscript, names: Names, depth: int) -> Any:
    owner = _value(node.value, names, depth)
    if not isinstance(owner, Mapping | list | tuple | str):
        raise ExpressionError(f"a {type(owner).__name__} has no items")
    key: Any = _value(node.slice, names, depth)
    found: Any = owner[key]
    return found


def _call(node: ast.Call, names: Names, depth: int) -> Any:
    """Return what one of a few harmless functions gives."""
    if node.keywords:
        raise ExpressionError("named arguments are not allowed in an expression")
    given = [_value(item, names, depth) for item in node.args]
    function = node.func
    if isinstance(function, ast.Name):
        return _function(function.id, given, names)
    if isinstance(function, ast.Attribute):
        return _method(_value(function.value, names, depth), function.attr, given)
    raise ExpressionError(_ALLOWED)


def _function(name: str, given: list[Any], names: Names) -> Any:
    """Return what a function gives."""
    if name == "In" and len(given) == 1:
        return names.is_in(str(given[0]))
    if name == "hasattr" and len(given) == 2:  # noqa: PLR2004 - its two
        return isinstance(given[0], Mapping) and given[1] in given[0]
    if name == "len" and len(given) == 1:
        return len(given[0])
    if name == "typeof" and len(given) == 1:
        return _type_of(given[0])
    raise ExpressionError(_ALLOWED)


def _type_of(value: Any) -> str:
    """Return the type of a value, as ECMAScript names it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object"


def _method(owner: Any, name: str, given: list[Any]) -> Any:
    """Return what a method of plain data gives."""
    if is_element(owner) and name in ELEMENT_METHODS:
        return ELEMENT_METHODS[name](owner, *given)
    if isinstance(owner, Mapping) and name == "get":
        return owner.get(*given)
    if isinstance(owner, str) and name in _TEXT_METHODS:
        return getattr(str, name)(owner, *given)
    if isinstance(owner, str | list | tuple) and name == "includes":
        return given[0] in owner
    raise ExpressionError(_ALLOWED)


def _if(node: ast.IfExp, names: Names, depth: int) -> Any:
    chosen = node.body if _value(node.test, names, depth) else node.orelse
    return _value(chosen, names, depth)


def _dict(node: ast.Dict, names: Names, depth: int) -> Any:
    return {
        _value(key, names, depth): _value(value, names, depth)
        for key, value in zip(node.keys, node.values, strict=True)
    }


_HANDLERS: Final[Mapping[type, Callable[[Any, Names, int], Any]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Compare: _compare,
    ast.BoolOp: _bool,
    ast.BinOp: _arithmetic,
    ast.UnaryOp: _unary,
    ast.Attribute: _attribute,
    ast.Subscript: _index,
    ast.Call: _call,
    ast.IfExp: _if,
    ast.Dict: _dict,
    ast.List: lambda node, names, depth: [_value(x, names, depth) for x in node.elts],
    ast.Tuple: lambda node, names, depth: [_value(x, names, depth) for x in node.elts],
}
