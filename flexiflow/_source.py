"""Find out what a module defines by reading its source, without running it.

A module that is already imported is looked at as it is. Of any other one the source is
parsed. Where reading cannot tell (an extension module, a name made by a star import, a
decorated class), the answer is ``None`` in place of yes or no, and the caller decides
whether importing is worth it.
"""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from ._bindings import (
    ModuleSource,
    absolute_name,
    divides_by_zero,
    has_tricks,
    imported_module,
    index,
    is_harmless_decorator,
    is_literal_assignment,
    needed_modules,
    without_subscript,
)
from .errors import ImportError_
from .imports import module_missing, split_dotted, symbol_missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["Finding", "SourceReader"]


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """What a dotted path names, as far as reading tells."""

    live: Any = None
    """The object itself, of a module that is imported already; Any: it may be all."""
    is_live: bool = False
    """Whether ``live`` is meant, even if it is None."""
    node: ast.stmt | None = None
    """The statement that defines it otherwise."""
    module: ModuleSource | None = None
    """The module in which that statement stands."""


class SourceReader:
    """Read modules once and answer questions about their names.

    Notes
    -----
    Make one for each examination: sources are cached in it, and files may change.
    """

    def __init__(self) -> None:
        self._modules: dict[str, ModuleSource | ImportError_ | None] = {}

    def find(self, dotted: str) -> Finding | None:
        """Find the definition behind ``module:Symbol``.

        Parameters
        ----------
        dotted : str
            The path as the user wrote it.

        Returns
        -------
        Finding or None
            None when reading cannot tell.

        Raises
        ------
        ImportError_
            The error that importing would end in, when that is certain.
        """
        module, symbol = split_dotted(dotted)
        return self._find(module, symbol, dotted, seen=frozenset())

    def module_names(self, module: str, dotted: str) -> list[str] | None:
        """Return the top-level names of a module, or None when reading cannot tell.

        Raises
        ------
        ImportError_
            If the module certainly cannot be imported.
        """
        live = sys.modules.get(module)
        if live is not None:
            return dir(live)
        source = self._module(module, dotted)
        if source is None or source.has_star or has_tricks(source):
            return None
        return list(source.names)

    def is_subclass(self, finding: Finding, base: type[Any]) -> bool | None:
        """Tell whether a finding is a class below ``base``; None when unknown."""
        return self._is_subclass(finding, base, seen=frozenset())

    def lookup(
        self,
        expression: ast.expr,
        module: ModuleSource,
        *,
        seen: frozenset[str] = frozenset(),
    ) -> Finding | None:
        """Find what a plain name or ``module.name`` means at a module's top level."""
        if isinstance(expression, ast.Name):
            if expression.id not in module.names and hasattr(builtins, expression.id):
                return Finding(live=getattr(builtins, expression.id), is_live=True)
            return self._find_or_none(module.name, expression.id, seen)
        if isinstance(expression, ast.Attribute):
            owner = imported_module(expression.value, module)
            return self._find_or_none(owner, expression.attr, seen) if owner else None
        return None

    # --- finding ----------------------------------------------------------------------

    def _find_or_none(
        self, module: str, symbol: str, seen: frozenset[str]
    ) -> Finding | None:
        """Find a symbol; errors of another module count as not known."""
        try:
            return self._find(module, symbol, f"{module}:{symbol}", seen=seen)
        except ImportError_:
            return None

    def _find(
        self, module: str, symbol: str, dotted: str, *, seen: frozenset[str]
    ) -> Finding | None:
        """Follow a symbol through re-exports to its definition."""
        live = sys.modules.get(module)
        if live is not None:
            return self._live(live, symbol, dotted)
        source = self._module(module, dotted)
        key = f"{module}:{symbol}"
        if source is None or key in seen:
            return None
        if symbol not in source.names:
            if source.has_star or source.is_package or has_tricks(source):
                return None
            raise symbol_missing(module, symbol, dotted, list(source.names))
        node = source.names[symbol]
        if node is None:
            return None
        if isinstance(node, ast.ImportFrom):
            origin = absolute_name(node, source)
            name = next(a.name for a in node.names if (a.asname or a.name) == symbol)
            return self._find(origin, name, dotted, seen=seen | {key})
        alias = node.value if isinstance(node, ast.Assign) else None
        if isinstance(alias, (ast.Name, ast.Attribute)):
            return self.lookup(alias, source, seen=seen | {key})
        return Finding(node=node, module=source)

    def _live(self, module: object, symbol: str, dotted: str) -> Finding:
        """Take a symbol from a module that is imported already."""
        try:
            return Finding(live=getattr(module, symbol), is_live=True)
        except AttributeError as error:
            name = dotted.partition(":")[0].strip()
            raise symbol_missing(name, symbol, dotted, dir(module)) from error

    def _is_subclass(
        self, finding: Finding, base: type[Any], *, seen: frozenset[int]
    ) -> bool | None:
        """Walk the bases of a class as far as they can be read."""
        if finding.is_live:
            return isinstance(finding.live, type) and issubclass(finding.live, base)
        node, module = finding.node, finding.module
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Import)):
            return None if getattr(node, "decorator_list", None) else False
        if not isinstance(node, ast.ClassDef) or module is None or id(node) in seen:
            return False if is_literal_assignment(node) else None
        if node.keywords or not all(map(is_harmless_decorator, node.decorator_list)):
            return None
        answers = []
        for expression in node.bases:
            found = self.lookup(without_subscript(expression), module)
            answers.append(
                None
                if found is None
                else self._is_subclass(found, base, seen=seen | {id(node)})
            )
        if True in answers:
            return True
        return None if None in answers else False

    # --- modules ----------------------------------------------------------------------

    def _module(self, name: str, dotted: str) -> ModuleSource | None:
        """Return a module's source; None when it has none that can be read."""
        if name not in self._modules:
            try:
                self._modules[name] = self._read(name, dotted)
            except ImportError_ as error:
                self._modules[name] = error
        known = self._modules[name]
        if isinstance(known, ImportError_):
            raise known
        return known

    def _read(self, name: str, dotted: str) -> ModuleSource | None:
        """Locate, parse and index a module and, before it, its parents."""
        spec = self._spec(name, dotted)
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            return None
        try:
            raw = Path(spec.origin).read_bytes()
            tree = ast.parse(raw, filename=spec.origin)
        except OSError:
            return None
        except (SyntaxError, ValueError) as error:
            raise _broken(name, dotted, error) from error
        package = spec.submodule_search_locations is not None
        text = raw.decode("utf-8", errors="replace")
        source = ModuleSource(name, tree, text, is_package=package)
        index(source)
        self._refuse_certain_failure(source, dotted)
        return source

    def _spec(self, name: str, dotted: str) -> ModuleSpec | None:
        """Find a module's spec without importing its parents."""
        parent, _, _ = name.rpartition(".")
        path: Sequence[str] | None = None
        if parent:
            live = sys.modules.get(parent)
            if live is not None:
                path = list(getattr(live, "__path__", []))
            else:
                self._module(parent, dotted)
                outer = self._spec(parent, dotted)
                if outer is None or outer.submodule_search_locations is None:
                    raise module_missing(name, dotted, name)
                path = list(outer.submodule_search_locations)
        try:
            spec = _ask_finders(name, path)
        except (KeyError, ImportError):
            return None
        if spec is None:
            raise module_missing(name, dotted, name)
        return spec

    def _refuse_certain_failure(self, source: ModuleSource, dotted: str) -> None:
        """Raise what importing would raise when the top level certainly fails."""
        for node in source.tree.body:
            if isinstance(node, ast.Raise) or divides_by_zero(node):
                raise _broken(source.name, dotted, None)
            lacking = _lacking_name(node, source)
            if lacking is not None:
                raise _broken(source.name, dotted, ImportError(lacking))
            for wanted in needed_modules(node, source):
                top = wanted.partition(".")[0]
                if top in sys.modules or top == source.name.partition(".")[0]:
                    continue
                try:
                    missing = _ask_finders(top, None) is None
                except (KeyError, ImportError):
                    continue
                if missing:
                    raise module_missing(source.name, dotted, top)


def _lacking_name(node: ast.stmt, source: ModuleSource) -> str | None:
    """Return what ``from x import y`` would say of an imported ``x`` without ``y``."""
    if not isinstance(node, ast.ImportFrom):
        return None
    origin = absolute_name(node, source)
    live = sys.modules.get(origin)
    if live is None:
        return None
    for alias in node.names:
        if alias.name == "*" or hasattr(live, alias.name):
            continue
        path = getattr(live, "__path__", None)
        if path is None or _ask_finders(f"{origin}.{alias.name}", list(path)) is None:
            return f"cannot import name {alias.name!r} from {origin!r}"
    return None


def _ask_finders(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Ask the interpreter's finders in order, as an import would."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find_spec(name, path, None) if find_spec else None
        if spec is not None:
            return spec
    return None


def _broken(name: str, dotted: str, error: Exception | None) -> ImportError_:
    """Return the error for a module that is there and cannot be run."""
    return ImportError_(
        f"Module '{name}' could not be imported",
        why=f"{type(error).__name__}: {error}" if error else "Running it raises.",
        fix=f'Mend the module; python -c "import {name}" shows the whole trace.',
        context={"module": name, "dotted_path": dotted},
    )
