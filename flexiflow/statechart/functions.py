"""Look functions up by name, and fill their parameters by name."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    Protocol,
    final,
)

from ..diagnostics import Diagnostic
from ..errors import ActionError, ConfigError, FlexiFlowError, nearest
from ..imports import load_module, load_symbol
from ._marks import MARK, MARKED, FunctionKind, action, guard, service
from ._reading import close_to
from .model import AllOf, AnyOf, Call, NotOf

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from types import ModuleType

    from ..diagnostics import Place
    from .model import Chart, Guard

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
    "service",
]

PARAMETERS: Final = (
    "context",
    "message",
    "component",
    "state",
    "rules",
    "result",
    "error",
)
"""The names by which parameters are filled."""
_MOST_LISTED = 5

# Any in this module: functions of the user's, their arguments and results.


class UnresolvedFunctionError(ActionError):
    """A function that a chart names does not exist, or cannot be called."""

    code = "flexiflow.action.unresolved"


class Lookup(Protocol):
    """Finds a function by name when it is needed; None when there is none."""

    def __call__(self, name: str, /) -> Any:
        """Return what has that name now, or None."""


class Fillable(Protocol):
    """What parameters are filled from."""

    def argument(self, name: str) -> Any:
        """Return what fills a parameter of one of the names in PARAMETERS."""


# --- what a chart names ---------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class FunctionUse:
    """A place where a chart names a function."""

    name: str
    """The name as written."""
    kind: FunctionKind
    """What it is used as."""
    arguments: tuple[str, ...]
    """The parameters that ``with`` fills."""
    place: Place | None
    """Where the name stands."""


def functions_used(chart: Chart) -> tuple[FunctionUse, ...]:
    """Return every place where a chart names a function, in document order."""
    return tuple(_uses(chart))


def _uses(chart: Chart) -> Iterator[FunctionUse]:
    for node in (chart.root, *chart.states):
        for call in (*node.entry, *node.exit, *node.initial_actions):
            if isinstance(call, Call):
                yield FunctionUse(
                    call.function, "action", tuple(call.arguments), call.place
                )
        for run in node.run:
            if run.kind == "function":
                yield FunctionUse(run.name, "service", tuple(run.arguments), run.place)
        for edge in node.transitions:
            yield from _guard_uses(edge.guard)
            for call in edge.actions:
                if isinstance(call, Call):
                    yield FunctionUse(
                        call.function, "action", tuple(call.arguments), call.place
                    )


def _guard_uses(guard: Guard | None) -> Iterator[FunctionUse]:
    if isinstance(guard, Call):
        yield FunctionUse(guard.function, "guard", tuple(guard.arguments), guard.place)
    elif isinstance(guard, AllOf | AnyOf):
        for item in guard.guards:
            yield from _guard_uses(item)
    elif isinstance(guard, NotOf):
        yield from _guard_uses(guard.guard)


# --- finding and calling --------------------------------------------------------------


@final
class _Binding:
    """How the parameters of one function are filled."""

    __slots__ = ("accepts", "any_name", "filled", "function", "lacking", "positional")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.filled: list[str] = []
        self.positional: list[str] = []
        self.lacking: list[str] = []
        self.accepts: set[str] = set()
        self.any_name = False
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            self.any_name = True
            return
        for parameter in parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                self.any_name = True
            elif parameter.kind is not parameter.VAR_POSITIONAL:
                name = parameter.name
                self.accepts.add(name)
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    self.positional.append(name)
                if name in PARAMETERS:
                    self.filled.append(name)
                elif parameter.default is parameter.empty:
                    self.lacking.append(name)

    def call(self, scope: Fillable, arguments: Mapping[str, Any]) -> Any:
        """Call the function; what ``with`` passes goes before what is filled."""
        named = {
            name: scope.argument(name) for name in self.filled if name not in arguments
        }
        named.update(arguments)
        if not self.positional:
            return self.function(**named)
        first = [named.pop(name) for name in self.positional if name in named]
        return self.function(*first, **named)

    def problem(
        self, name: str, passed: Collection[str]
    ) -> tuple[str, str, str] | None:
        """Return what, why and fix when the function cannot be called like this."""
        for parameter in self.lacking:
            if parameter not in passed:
                near = close_to(parameter, PARAMETERS)
                return (
                    f"Nothing fills the parameter {parameter} of {name}.",
                    f"Parameters are filled by name: {', '.join(PARAMETERS)}.",
                    f"Did you mean {near}?"
                    if near
                    else f"Pass it: {{call: {name}, with: {{{parameter}: ...}}}}, "
                    "or give it a default.",
                )
        extra = [] if self.any_name else [x for x in passed if x not in self.accepts]
        if extra:
            near = close_to(extra[0], self.accepts)
            return (
                f"{name} has no parameter {extra[0]}.",
                f"Its parameters: {', '.join(sorted(self.accepts)) or 'none'}.",
                f"Did you mean {near}?" if near else f"Remove {extra[0]} from with.",
            )
        return None


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
        self._bindings: dict[str, _Binding] = {}

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
        if ":" in name:
            if name in self._functions:
                return self._functions[name]
            self._check_allowed(name.partition(":")[0])
            return load_symbol(name)
        found = self._functions.get(name)
        if found is None and self._lookup is not None:
            found = self._lookup(name)
        if found is None:
            found = MARKED.get(name)
        if found is None:
            for module in self._use:
                found = getattr(self._module(module), name, None)
                if found is not None:
                    break
        return found

    def _module(self, name: str) -> ModuleType:
        known = self._modules.get(name)
        if known is None:
            self._check_allowed(name)
            known = self._modules[name] = load_module(name, name)
        return known

    def _check_allowed(self, module: str) -> None:
        if self._allowed is None or any(
            module == item or module.startswith(f"{item}.") for item in self._allowed
        ):
            return
        raise ConfigError(
            f"The module {module} may not be imported here.",
            why="Text that comes from elsewhere than a file on disk imports only what "
            f"the host allows: {', '.join(self._allowed) or 'nothing'}.",
            fix=f"Pass allow_imports=[{module!r}], or functions={{...}}.",
            context={"module": module, "allowed": list(self._allowed)},
        )

    def resolve(self, name: str) -> Callable[..., Any]:
        """Return the function that a name means now.

        Raises
        ------
        UnresolvedFunctionError
            If there is none, or if what has the name cannot be called; the near
            misses are listed.
        """
        return self._bind(name).function

    def _bind(self, name: str) -> _Binding:
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
        binding = self._bindings[name] = _Binding(found)
        return binding

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
        binding = self._bind(name)
        if binding.lacking or arguments:
            problem = binding.problem(name, arguments)
            if problem is not None:
                what, why, fix = problem
                raise UnresolvedFunctionError(
                    what, why=why, fix=fix, context={"function": name}
                )
        return binding.call(scope, arguments)

    # --- checking ---------------------------------------------------------------------

    def check(self, chart: Chart) -> list[Diagnostic]:
        """Return a problem for each function of a chart that cannot be called.

        Notes
        -----
        Imports the modules that the chart uses. Problems are warnings when there is a
        ``lookup``, which may know the name later.
        """
        found: list[Diagnostic] = []
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
        for use in functions_used(chart):
            problem = finder._check_use(use, level)
            explained = lacks_modules and ":" not in use.name
            if problem is not None and not explained:
                found.append(problem)
        return found

    def _check_use(
        self, use: FunctionUse, level: Literal["error", "warning"]
    ) -> Diagnostic | None:
        try:
            binding = self._bind(use.name)
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
