"""Look at a State class, imported or not, as the inference needs to see it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from ..state_machine import State
from ._infer import Handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .._bindings import ModuleSource
    from .._source import Finding, SourceReader

__all__ = ["LiveState", "SourceState", "StateSource", "source_of"]

_METHOD = "handle_message"


class StateSource(Protocol):
    """A State class whose transitions can be inferred."""

    @property
    def identity(self) -> object:
        """What tells it from other classes."""

    @property
    def name(self) -> str:
        """The class's name."""

    @property
    def description(self) -> str | None:
        """The first line of the class's docstring."""

    def table(self) -> list[tuple[str, str | None, StateSource]]:
        """Return message, guard and target of a built-in state; empty for others."""

    def handler(self) -> tuple[Handler, StateSource] | None:
        """Return its ``handle_message`` and the class whose names that can see."""

    def constants(self) -> Mapping[str, ast.expr]:
        """Return what tables of the class and the module hold."""

    def find(self, expression: ast.expr) -> StateSource | None:
        """Return the State class that an expression in the handler names."""


def source_of(found: Finding, reader: SourceReader) -> StateSource | None:
    """Return the class behind a finding, or None when it is no State class."""
    if found.is_live:
        kind = found.live if isinstance(found.live, type) else type(found.live)
        return LiveState(kind) if issubclass(kind, State) else None
    if isinstance(found.node, ast.ClassDef) and found.module is not None:
        return SourceState(found.node, found.module, reader)
    if isinstance(found.node, ast.Assign) and found.module is not None:
        value = found.node.value
        if isinstance(value, ast.Call):  # IDLE = Idle()
            inner = reader.lookup(value.func, found.module)
            return source_of(inner, reader) if inner else None
    return None


@final
@dataclass(frozen=True, slots=True)
class LiveState:
    """A class that exists in this process."""

    cls: type[Any]
    """The class."""

    @property
    def identity(self) -> object:
        """The class itself."""
        return self.cls

    @property
    def name(self) -> str:
        """The class's name."""
        return self.cls.__name__

    @property
    def description(self) -> str | None:
        """The first line of its own docstring."""
        return _first_line(self.cls.__dict__.get("__doc__"))

    def table(self) -> list[tuple[str, str | None, StateSource]]:
        """Return what a built-in state does; nothing for others."""
        row = getattr(self.cls, "_row", None) or {}
        return [
            (message, _content_guard(content), LiveState(type(target)))
            for message, (content, target) in row.items()
        ]

    def handler(self) -> tuple[Handler, StateSource] | None:
        """Read the function from its file, or from the notebook's cell."""
        function = self._function()
        if function is None:
            return None
        try:
            text = textwrap.dedent(inspect.getsource(function))
            tree = ast.parse(text)
        except (OSError, TypeError, SyntaxError, ValueError):
            return None
        first = tree.body[0] if tree.body else None
        return (first, self) if isinstance(first, Handler) else None

    def constants(self) -> Mapping[str, ast.expr]:
        """Look tables up in the class and around its function."""
        return _LiveTables(self.cls, self._names())

    def find(self, expression: ast.expr) -> StateSource | None:
        """Follow a name through the function's scope."""
        value = self._value(expression)
        if isinstance(value, State):
            value = type(value)
        if isinstance(value, type) and issubclass(value, State):
            return LiveState(value)
        return None

    def _function(self) -> Callable[..., Any] | None:
        """Return the function that handles messages, decorators taken off."""
        for base in self.cls.__mro__:
            found = base.__dict__.get(_METHOD)
            if found is not None:
                unwrapped = inspect.unwrap(found) if callable(found) else None
                return None if base is State else unwrapped
        return None

    def _names(self) -> Mapping[str, object]:
        """Return the names that the function can see beyond its own."""
        function = self._function()
        cells = getattr(function, "__closure__", None) or ()
        free = getattr(getattr(function, "__code__", None), "co_freevars", ())
        seen = dict(getattr(function, "__globals__", {}))
        for name, cell in zip(free, cells, strict=False):
            try:
                seen[name] = cell.cell_contents
            except ValueError:  # not filled yet
                continue
        return seen

    def _value(self, expression: ast.expr) -> object:
        """Return what an expression stands for, running no code of the user's."""
        if isinstance(expression, ast.Constant):
            return expression.value
        if isinstance(expression, ast.Name):
            return self._names().get(expression.id)
        if _is_own_class(expression):
            return self.cls
        if isinstance(expression, ast.Attribute):
            is_self = isinstance(expression.value, ast.Name) and (
                expression.value.id == "self"
            )
            owner = self.cls if is_self else self._value(expression.value)
            if isinstance(owner, type) or inspect.ismodule(owner):
                return inspect.getattr_static(owner, expression.attr, None)
        return None


@final
class _LiveTables(dict[str, ast.expr]):
    """Dicts of a class and of its function's scope, as syntax."""

    def __init__(self, cls: type[Any], names: Mapping[str, object]) -> None:
        super().__init__()
        self._cls = cls
        self._names = names

    def __missing__(self, name: str) -> ast.expr:
        value = inspect.getattr_static(self._cls, name, self._names.get(name))
        if not isinstance(value, dict):
            raise KeyError(name)
        keys: list[ast.expr | None] = [ast.Constant(key) for key in value]
        return ast.Dict(keys, [ast.Constant(item) for item in value.values()])

    def get(self, name: str, default: Any = None) -> Any:  # Any: the dict's signature
        """Return the table of that name, or the default."""
        try:
            return self[name]
        except KeyError:
            return default


@final
@dataclass(frozen=True, slots=True)
class SourceState:
    """A class that stands in a module which has not been imported."""

    node: ast.ClassDef
    """Its definition."""
    module: ModuleSource
    """The module in which it stands."""
    reader: SourceReader
    """What follows its names."""

    @property
    def identity(self) -> object:
        """The module's name and the class's."""
        return self.module.name, self.node.name

    @property
    def name(self) -> str:
        """The class's name."""
        return self.node.name

    @property
    def description(self) -> str | None:
        """The first line of its docstring."""
        return _first_line(ast.get_docstring(self.node))

    def table(self) -> list[tuple[str, str | None, StateSource]]:
        """Return nothing: the built-in states are imported."""
        return []

    def handler(self) -> tuple[Handler, StateSource] | None:
        """Return the method's definition, of the class or of a base that is read."""
        for owner in self._bases(frozenset()):
            if isinstance(owner, LiveState):
                return owner.handler()
            for item in owner.node.body:
                if isinstance(item, Handler) and item.name == _METHOD:
                    return item, owner
        return None

    def constants(self) -> Mapping[str, ast.expr]:
        """Return what names are bound to in the class's body and in the module."""
        bound = {**self.module.names}
        bound.update({_target(item): item for item in self.node.body})
        return {
            name: item.value
            for name, item in bound.items()
            if isinstance(item, (ast.Assign, ast.AnnAssign)) and item.value is not None
        }

    def find(self, expression: ast.expr) -> StateSource | None:
        """Follow a name through the module's imports."""
        if isinstance(expression, ast.Constant):
            return None
        if _is_own_class(expression):
            return self
        found = self.reader.lookup(expression, self.module)
        return source_of(found, self.reader) if found else None

    def _bases(self, seen: frozenset[object]) -> Iterator[SourceState | LiveState]:
        """Yield the class and, depth first, those it inherits from."""
        yield self
        for expression in self.node.bases:
            found = self.reader.lookup(expression, self.module)
            base = source_of(found, self.reader) if found else None
            if isinstance(base, SourceState) and base.identity not in seen:
                yield from base._bases(seen | {self.identity})  # noqa: SLF001 - its own
            elif isinstance(base, LiveState):
                yield base


def _is_own_class(expression: ast.expr) -> bool:
    """Tell whether an expression is ``type(self)`` or ``self.__class__``."""
    return ast.unparse(expression) in {"type(self)", "self.__class__"}


def _target(node: ast.stmt) -> str:
    """Return the name that a simple assignment binds."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return getattr(node.targets[0], "id", "")
    return getattr(node.target, "id", "") if isinstance(node, ast.AnnAssign) else ""


def _first_line(text: str | None) -> str | None:
    """Return the first line of a docstring, if there is one."""
    lines = (text or "").strip().splitlines()
    return lines[0].strip() if lines else None


def _content_guard(content: str | None) -> str | None:
    """Return the guard of a built-in state in words."""
    return None if content is None else f"content == {content!r}"
