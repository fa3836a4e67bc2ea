"""Check the functions that a chart names by reading their modules, not running them."""

from __future__ import annotations

import ast
import inspect
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..diagnostics import Diagnostic
from ..errors import FlexiFlowError
from ..imports import is_allowed, load_symbol
from ..statechart._fakes import faked_everywhere
from ..statechart._function_uses import components_named
from ..statechart.functions import Functions, functions_used

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .._source import Finding, SourceReader
    from ..statechart.functions import Lookup
    from ..statechart.model import Chart

__all__ = ["check_by_reading"]

_MARK = "__flexiflow__"
"""Where a decorator notes what a function is for."""

_MARKS = frozenset({"guard", "action", "service"})
"""The decorators that leave such a note."""

_TRANSPARENT = frozenset({"cache", "lru_cache", "override", "retry_async"})
"""Decorators that keep a function's parameters."""

# Any below: functions and values of the user's.


def check_by_reading(
    chart: Chart,
    reader: SourceReader,
    *,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    lookup: Lookup | None = None,
    allow_imports: Collection[str] | None = None,
) -> list[Diagnostic]:
    """Return what :meth:`Functions.check` would, without importing what can be read.

    Parameters
    ----------
    chart : Chart
        Whose functions are checked.
    reader : SourceReader
        Reads the modules.
    functions, lookup, allow_imports
        As for :class:`~flexiflow.statechart.functions.Functions`.

    Notes
    -----
    Each function that is only known from source is stood for by one with the same
    parameters, so that the checks are the loader's own.
    """
    base = Functions(functions, lookup=lookup, allow_imports=allow_imports)
    known: dict[str, Any] = dict(functions or {})
    problems: list[Diagnostic] = []
    allowed = [module for module in chart.use if is_allowed(module, allow_imports)]
    wanted = {use.name for use in functions_used(chart)}
    components = {run.name for run in components_named(chart)}
    for module in allowed:
        try:
            _add_module(known, module, reader, base=base, wanted=(wanted, components))
        except FlexiFlowError as error:
            problems.append(_diagnostic(error, is_late=base.is_late))
    for use in functions_used(chart):
        module, colon, _ = use.name.partition(":")
        if colon and use.name not in known and is_allowed(module, allow_imports):
            try:
                known[use.name] = _stand_in(reader.find(use.name), use.name)
            except FlexiFlowError:
                continue  # the check below meets the same error, with its place
    for name in components:
        module, colon, _ = name.partition(":")
        if colon and name not in known and is_allowed(module, allow_imports):
            with suppress(FlexiFlowError):  # as above
                known[name] = _anything if reader.find(name) is not None else None
    finder = Functions(
        known,
        lookup=lookup,
        use=[module for module in chart.use if module not in allowed],
        allow_imports=allow_imports,
    )
    found = finder.check(_without_use(chart))
    bare = {use.name for use in functions_used(chart) if ":" not in use.name}
    if bare and bare <= faked_everywhere(chart):
        problems.clear()
    if problems:  # one missing module explains all bare names that are missing
        found = [item for item in found if item.context.get("function") not in bare]
    return problems + found


def _without_use(chart: Chart) -> Chart:
    """Return the chart with no modules to search: they have been read."""
    return type(chart)(
        chart.name,
        chart.root,
        chart.states,
        context=chart.context,
        scenarios=chart.scenarios,
        source=chart.source,
    )


def _add_module(
    known: dict[str, Any],
    module: str,
    reader: SourceReader,
    *,
    base: Functions,
    wanted: tuple[Collection[str], Collection[str]],
) -> None:
    """Add a module's functions to those that are known and go before them.

    ``wanted`` are the functions and the components that the chart names.
    """
    live = sys.modules.get(module)
    names = reader.module_names(module, module)
    if names is None or live is not None:
        source = live or sys.modules.get(module) or __import__(module, fromlist=["*"])
        names = [
            name
            for name in dir(source)
            if callable(getattr(source, name, None)) or name in wanted[1]
        ]
    for name in names:
        if name.startswith("_") or name in known or base.find(name) is not None:
            continue
        dotted = f"{module}:{name}"
        # names that the chart does not use are near misses of those that it does
        is_wanted = name in wanted[0]
        known[name] = _stand_in(reader.find(dotted), dotted) if is_wanted else _anything


def _stand_in(found: Finding | None, dotted: str) -> Any:
    """Return something that is checked as the found definition would be."""
    if found is None:
        return load_symbol(dotted)
    if found.is_live:
        return found.live
    node = found.node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        stand_in = _function(node)
    elif isinstance(node, ast.ClassDef):
        stand_in = _constructor(node)
    elif isinstance(node, ast.Import):
        return sys
    else:
        return _value(getattr(node, "value", None), dotted)
    return load_symbol(dotted) if stand_in is None else stand_in


def _value(value: object, dotted: str) -> Any:
    """Return something that is checked as an assigned value would be."""
    if isinstance(value, ast.Lambda):
        return _signed(lambda: None, value.args)
    if isinstance(value, ast.expr):
        try:
            return ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError):
            pass  # not a literal: running tells
    return load_symbol(dotted)


def _anything(**_named: Any) -> None:
    """Stand for a function of which the name alone matters."""


def _constructor(node: ast.ClassDef) -> Callable[..., Any] | None:
    """Return what is called as a plain class would be; None when it is not plain."""
    if node.bases or node.keywords or node.decorator_list:
        return None
    own = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    if "__new__" in own:
        return None
    no_arguments = ast.arguments([], [], None, [], [], None, [])
    if "__init__" not in own:
        return _signed(lambda: None, no_arguments)
    return _signed(lambda: None, own["__init__"].args, skip=1)


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Callable[..., Any] | None:
    """Return a function with the parameters and the mark of a definition.

    Returns
    -------
    callable or None
        None when a decorator may have made something else of it.
    """
    marks = []
    for decorator in node.decorator_list:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = named.attr if isinstance(named, ast.Attribute) else None
        marks.append(name or getattr(named, "id", ""))
    if not set(marks) <= _MARKS | _TRANSPARENT:
        return None
    if isinstance(node, ast.AsyncFunctionDef):

        async def stand_in() -> None:
            pass

    else:

        def stand_in() -> None:  # type: ignore[misc]
            pass

    kinds = [mark for mark in marks if mark in _MARKS]
    if kinds:
        setattr(stand_in, _MARK, kinds[0])
    return _signed(stand_in, node.args)


def _signed(
    function: Callable[..., Any], args: ast.arguments, *, skip: int = 0
) -> Callable[..., Any]:
    """Give a function the signature that stands in a definition."""
    kinds = inspect.Parameter
    plain = [
        *((arg.arg, kinds.POSITIONAL_ONLY) for arg in args.posonlyargs),
        *((arg.arg, kinds.POSITIONAL_OR_KEYWORD) for arg in args.args),
    ]
    required = len(plain) - len(args.defaults)
    positional = [
        inspect.Parameter(name, kind, default=None if at >= required else kinds.empty)
        for at, (name, kind) in enumerate(plain)
    ]
    found = positional[skip:]
    if args.vararg:
        found.append(inspect.Parameter(args.vararg.arg, kinds.VAR_POSITIONAL))
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        empty = kinds.empty if default is None else None
        found.append(inspect.Parameter(arg.arg, kinds.KEYWORD_ONLY, default=empty))
    if args.kwarg:
        found.append(inspect.Parameter(args.kwarg.arg, kinds.VAR_KEYWORD))
    function.__signature__ = inspect.Signature(found)  # type: ignore[attr-defined]
    return function


def _diagnostic(error: FlexiFlowError, *, is_late: bool) -> Diagnostic:
    """Return an error of a module as the check of functions reports it."""
    return Diagnostic(
        "warning" if is_late else "error",
        error.what,
        error.why,
        error.fix,
        dict(error.context),
        None,
        "flexiflow.chart.function",
    )
