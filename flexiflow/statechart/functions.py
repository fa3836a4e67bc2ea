"""Look functions up by name, and fill their parameters by name."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Literal, Protocol, final

from ..diagnostics import Diagnostic
from ..errors import ActionError, ConfigError, FlexiFlowError, nearest
from ..imports import check_allowed, load_module, load_symbol
from ._binding import PARAMETERS, Binding, Fillable
from ._fakes import faked_everywhere
from ._function_uses import (
    FunctionUse,
    components_named,
    functions_used,
    is_path,
    path_of,
)
from ._marks import MARK, MARKED, action, guard, service
from ._reading import close_to

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import ModuleType

    from ..diagnostics import Place
    from .model import Chart, Service

__all__ = [
    "PARAMETERS",
    "Fillable",
    "FunctionUse",
    "Functions",
    "Lookup",
    "UnresolvedFunctionError",
    "action",
    "functions_used",
    "guard",
    "is_path",
    "path_of",
    "service",
]

_MOST_LISTED = 5

# Any in this module: functions of the user's, their arguments and results.


class UnresolvedFunctionError(ActionError):
    """A function that a chart names does not exist, or cannot be called."""

    code = "flexiflow.action.unresolved"


class Lookup(Protocol):
    """Finds a function by name when it is needed; None when there is none."""

    def __call__(self, name: str, /) -> Any:
        """Return what has that name now, or None."""


@final
class Functions:
    """Finds the functions that charts name, when they are called.

    Parameters
    ----------
    functions : mapping of str to callable, optional
        Looked at first; kept, not copied, so that later changes count.
    lookup : callable, optional
        Asked next, at each call: a function of a name that gives a callable or None.
        It may have an attribute ``names``, a function that lists what it knows.
    use : collection of str, default ()
        Modules searched after functions marked by ``guard``, ``action``, ``service``.
    allow_imports : collection of str, optional
        Modules (with those below them) that may be imported; None allows all.
    """

    __slots__ = ("_allowed", "_bindings", "_functions", "_lookup", "_modules", "_use")

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        *,
        lookup: Lookup | None = None,
        use: Collection[str] = (),
        allow_imports: Collection[str] | None = None,
    ) -> None:
        self._functions = {} if functions is None else functions
        self._lookup = lookup
        self._use = tuple(use)
        self._allowed = None if allow_imports is None else tuple(allow_imports)
        self._modules: dict[str, ModuleType] = {}
        self._bindings: dict[str, Binding] = {}

    @property
    def is_late(self) -> bool:
        """Whether a name that is missing now may be there when it is called."""
        return self._lookup is not None

    def using(self, modules: Collection[str]) -> Functions:
        """Return the same functions with more modules to search."""
        if all(module in self._use for module in modules):
            return self
        return Functions(
            self._functions,
            lookup=self._lookup,
            use=tuple(dict.fromkeys((*self._use, *modules))),
            allow_imports=self._allowed,
        )

    def with_fakes(self, fakes: Mapping[str, Callable[..., Any]]) -> Functions:
        """Return the same functions with some that are looked at before all others."""
        if not fakes:
            return self
        return Functions(
            {**self._functions, **fakes},
            lookup=self._lookup,
            use=self._use,
            allow_imports=self._allowed,
        )

    def names(self) -> list[str]:
        """Return the names that are known now, the nearest source first."""
        listed = list(self._functions)
        asked = getattr(self._lookup, "names", None)
        if callable(asked):
            listed += [str(name) for name in asked()]
        listed += list(MARKED)
        for module in self._modules.values():
            listed += [
                name
                for name, value in vars(module).items()
                if callable(value) and not name.startswith("_")
            ]
        return list(dict.fromkeys(listed))

    def find(self, name: str) -> Any:
        """Return what a name means now, or None.

        Raises
        ------
        FlexiFlowError
            If a module that may hold it is not allowed, or cannot be imported.
        """
        found = self._functions.get(name)
        if found is not None:
            return found
        if ":" in name:
            return None if name in self._functions else self._imported(name)
        if self._lookup is not None:
            found = self._lookup(name)
        if found is None:
            found = MARKED.get(name)
        if found is None:
            for module in self._use:
                found = getattr(self._module(module), name, None)
                if found is not None:
                    break
        return found

    def _imported(self, name: str) -> Any:
        """Return what ``module:symbol`` means now."""
        module, _, symbol = name.partition(":")
        check_allowed(module, self._allowed)
        loaded = sys.modules.get(module)
        found = None if loaded is None else getattr(loaded, symbol, None)
        return load_symbol(name) if found is None else found

    def _module(self, name: str) -> ModuleType:
        known = self._modules.get(name)
        if known is None:
            check_allowed(name, self._allowed)
            known = self._modules[name] = load_module(name, name)
        return known

    def check_files(self, name: str) -> None:
        """Refuse to read a file for text that comes from elsewhere.

        Raises
        ------
        ConfigError
            If only some modules may be imported.
        """
        if self._allowed is not None:
            raise ConfigError(
                f"The file {name} may not be read here.",
                why="Text that comes from elsewhere than a file on disk reads none.",
                fix="Describe the component in place, or pass functions={...}.",
                context={"file": name},
            )

    def resolve(self, name: str) -> Callable[..., Any]:
        """Return the function that a name means now.

        Raises
        ------
        UnresolvedFunctionError
            If there is none, or if what has the name cannot be called; the near
            misses are listed.
        """
        return self.bind(name).function

    def bind(self, name: str) -> Binding:
        """Return the function that a name means now, with how it is called.

        Raises
        ------
        UnresolvedFunctionError
            If there is none, or if what has the name cannot be called.
        """
        try:
            found = self.find(name)
        except FlexiFlowError as error:
            raise UnresolvedFunctionError(
                error.what, why=error.why, fix=error.fix, context=error.context
            ) from error
        known = self._bindings.get(name)
        if known is not None and known.function is found:
            return known
        if not callable(found):
            raise UnresolvedFunctionError(*_missing(name, found), **self._hint(name))
        binding = self._bindings[name] = Binding(found)
        return binding

    def prepared(
        self, name: str
    ) -> tuple[Callable[..., Any], Callable[[Any], Any] | None, Callable[[str], Any]]:
        """Return a function, how it is called, and how to see that it is the same.

        Returns
        -------
        tuple
            The function; what calls it with what its parameters ask for, or None when
            it asks for nothing; and what looks the name up.

        Raises
        ------
        UnresolvedFunctionError
            If it is missing, or if its parameters cannot be filled.
        """
        binding = self._callable(name, ())
        fill = binding.play if binding.filled or binding.any_name else None
        return binding.function, fill, self._way_to(name, binding.function)

    def _way_to(self, name: str, function: object) -> Callable[[str], Any]:
        """Return the shortest way to see whether a name means what it meant.

        What is looked at before is looked at by it too; what it gives may be something
        else than a function when the name has come to mean something else.
        """
        own, marked = self._functions.get, MARKED.refs.get
        if own(name) is function:
            return own
        module, colon, symbol = name.partition(":")
        if colon:
            loaded = sys.modules.get
            return lambda name: own(name) or getattr(loaded(module), symbol, None)
        if self._lookup is not None:
            return self.find
        if MARKED.get(name) is function:
            return lambda name: own(name) or MARKED.get(name)
        first = vars(self._module(self._use[0])).get if self._use else own
        if first(name) is function:
            return lambda name: own(name) or marked(name) or first(name)
        return self.find

    def _hint(self, name: str) -> dict[str, Any]:
        names = self.names()
        near = close_to(name, names)
        listed = nearest(name, names, limit=_MOST_LISTED)
        places = [f"the modules {', '.join(self._use)}"] if self._use else []
        if self._lookup is not None:
            places.insert(0, "the notebook")
        where = ", ".join(["functions=", "marked functions", *places])
        why = f"Looked in {where}."
        if listed:
            why += f" Known: {', '.join(listed)}."
        return {
            "why": why,
            "fix": f"Did you mean {near}?" if near else f"Define {name}.",
            "context": {"function": name, "nearest": listed},
        }

    def invoke(self, name: str, scope: Fillable, arguments: Mapping[str, Any]) -> Any:
        """Call a function; an async one gives its awaitable.

        Raises
        ------
        UnresolvedFunctionError
            If it is missing, or if its parameters cannot be filled.
        """
        binding = self._callable(name, arguments)
        return binding.call(scope, arguments) if arguments else binding.fill(scope)

    def _callable(self, name: str, passed: Collection[str]) -> Binding:
        """Return a function that can be called like this."""
        binding = self.bind(name)
        if binding.lacking or passed or binding.is_generator:
            problem = binding.problem(name, passed)
            if problem is not None:
                what, why, fix = problem
                raise UnresolvedFunctionError(
                    what, why=why, fix=fix, context={"function": name}
                )
        return binding

    # --- checking ---------------------------------------------------------------------

    def check(self, chart: Chart) -> list[Diagnostic]:
        """Return a problem for each function of a chart that cannot be called.

        Notes
        -----
        Imports the modules that the chart uses. Problems are warnings when there is a
        ``lookup``, which may know the name later. A name that every scenario fakes may
        be missing.
        """
        found: list[Diagnostic] = []
        faked = faked_everywhere(chart)
        finder = self.using(chart.use)
        level: Literal["error", "warning"] = "warning" if self.is_late else "error"
        for module in finder._use:  # noqa: SLF001 - an instance of this class
            try:
                finder._module(module)  # noqa: SLF001 - as above
            except FlexiFlowError as error:
                found.append(_diagnostic(error, level, None))
        lacks_modules = bool(found)
        if lacks_modules:
            finder = Functions(
                self._functions, lookup=self._lookup, allow_imports=self._allowed
            )
        bare = {use.name for use in functions_used(chart) if ":" not in use.name}
        if bare and bare <= faked:
            found.clear()
        for use in functions_used(chart):
            if use.name in faked and not finder._is_there(use.name):
                continue
            problem = finder._check_use(use, level)
            explained = lacks_modules and ":" not in use.name
            if problem is not None and not explained:
                found.append(problem)
        for run in components_named(chart):
            found += finder._check_component(run, level)
        return found

    def _is_there(self, name: str) -> bool:
        """Return whether a name can be found now."""
        try:
            return self.find(name) is not None
        except FlexiFlowError:
            return False

    def _check_component(
        self, run: Service, level: Literal["error", "warning"]
    ) -> list[Diagnostic]:
        """Return what is wrong with the name of a child component."""
        name = run.name
        try:
            if is_path(name):
                self.check_files(name)
                if path_of(name, run.place).is_file():
                    return []
                missing = "There is no such file."
                fix = "Check the path; it is relative to the file that names it."
            else:
                if self.find(name) is not None:
                    return []
                missing = "It is neither a file nor among the functions."
                fix = f"Write {name}.yaml for a file, or describe it in place."
                level = "warning"  # a component of the engine may have the name
        except FlexiFlowError as error:
            return [_diagnostic(error, level, run.place)]
        what = f"No component {name}."
        context = {"component": name}
        code = "flexiflow.chart.component"
        return [Diagnostic(level, what, missing, fix, context, run.place, code)]

    def _check_use(
        self, use: FunctionUse, level: Literal["error", "warning"]
    ) -> Diagnostic | None:
        try:
            binding = self.bind(use.name)
        except FlexiFlowError as error:
            return _diagnostic(error, level, use.place)
        function = binding.function
        problem = binding.problem(use.name, use.arguments)
        if use.kind == "guard" and inspect.iscoroutinefunction(function):
            problem = (
                f"The guard {use.name} is async.",
                "Guards are asked often and must answer at once.",
                "Write def instead of async def.",
            )
        mark = getattr(function, MARK, None)
        if (
            mark in {"guard", "action"}
            and "guard" in {mark, use.kind}
            and mark != use.kind
        ):
            one, other = (f"a{'n' * (k == 'action')} {k}" for k in (mark, use.kind))
            problem = (
                f"{use.name} is marked as {one} and stands as {other}.",
                "A guard only answers; an action changes something.",
                f"Mark it with @{use.kind}, or name another function.",
            )
        if problem is None:
            return None
        what, why, fix = problem
        context = {"function": use.name}
        return Diagnostic(
            level, what, why, fix, context, use.place, "flexiflow.chart.function"
        )


def _missing(name: str, found: object) -> tuple[str]:
    if found is None:
        return (f"No function {name}.",)
    return (f"{name} is a {type(found).__name__}, not a function.",)


def _diagnostic(
    error: FlexiFlowError, level: Literal["error", "warning"], place: Place | None
) -> Diagnostic:
    return Diagnostic(
        level,
        error.what,
        error.why,
        error.fix,
        dict(error.context),
        place,
        "flexiflow.chart.function",
    )
