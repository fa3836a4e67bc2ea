"""Say what went wrong, why, how to mend it, and where: the one error tree.

::

    FlexiFlowError
    ├── ConfigError             a config or a chart that cannot be used
    ├── StateError              a state that does not exist or cannot be entered
    ├── PersistenceError        (also ValueError) a snapshot that cannot be read
    ├── ImportError_            a ``module:Symbol`` that cannot be imported
    ├── MissingExtraError       (also RuntimeError) an optional part is not installed
    └── ComponentError          a component that cannot do what was asked
        ├── ComponentNotFoundError  (also KeyError) no component of that name
        ├── EngineClosedError       (also RuntimeError) the engine has been closed
        ├── ActionError             a user's guard or action raised (``__cause__``)
        └── UntilTimeout            (also TimeoutError) a state was not seen in time

The errors of durable workflows stand below :class:`FlexiFlowError` too, in
``flexiflow.workflows.errors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._wording import ErrorContext, nearest, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ActionError",
    "ComponentError",
    "ComponentNotFoundError",
    "ConfigError",
    "EngineClosedError",
    "ErrorContext",
    "FlexiFlowError",
    "ImportError_",
    "MissingExtraError",
    "PersistenceError",
    "StateError",
    "UntilTimeout",
    "component_not_found",
    "config_missing_field",
    "config_wrong_type",
    "import_invalid_format",
    "import_module_not_found",
    "import_not_state_subclass",
    "import_symbol_not_found",
    "missing_extra",
    "nearest",
    "one_line",
    "persistence_invalid_json",
    "persistence_missing_field",
    "state_not_found",
]


class FlexiFlowError(Exception):
    """Tell what happened, why, how to mend it, and in which place.

    Parameters
    ----------
    what : str
        The fact, one sentence; enough on its own in a log line.
    why : str, optional
        The cause, with the offending value.
    fix : str, optional
        An action that works as typed.
    context : mapping of str to object, optional
        The place and the values: file, line, column, component, message type, ...
        Copied; never put a secret here.

    Notes
    -----
    ``str(error)`` is one block: what, why, fix, context, in this order. Errors pickle.
    """

    code: ClassVar[str] = "flexiflow.error"
    """A stable name for programs; the same in Python, the CLI and the HTTP API."""

    what: str
    """The fact, one sentence."""
    why: str | None
    """The cause, or None."""
    fix: str | None
    """What to do, or None."""
    context: ErrorContext
    """Names and values that place the error."""

    def __init__(
        self,
        what: str,
        *,
        why: str | None = None,
        fix: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.what = what
        self.why = why
        self.fix = fix
        self.context = ErrorContext(context or {})
        super().__init__(what)

    def __str__(self) -> str:
        """Return the four parts as one block of text."""
        parts = [self.what]
        if self.why:
            parts.append(f"Why: {self.why}")
        if self.fix:
            parts.append(f"Fix: {self.fix}")
        if self.context:
            parts.append(f"Context:\n{self.context.format()}")
        return "\n".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the parts, not the text that was made of them."""
        return _rebuild, (type(self), self.__dict__.copy())


def _rebuild(cls: type[FlexiFlowError], parts: dict[str, Any]) -> FlexiFlowError:
    """Make an error of a class from its attributes, past the class's constructor."""
    error = cls.__new__(cls, parts["what"])
    error.__dict__.update(parts)
    error.args = (parts["what"],)
    return error


class ConfigError(FlexiFlowError):
    """A config or a chart cannot be used as it stands."""

    code = "flexiflow.config"


class StateError(FlexiFlowError):
    """A state does not exist, or cannot be entered."""

    code = "flexiflow.state"


class PersistenceError(FlexiFlowError, ValueError):
    """A snapshot cannot be read or written."""

    code = "flexiflow.persistence"


class ImportError_(FlexiFlowError):  # noqa: N801, N818 - a published 1.0 name
    """A ``module:Symbol`` cannot be imported."""

    code = "flexiflow.import"


class MissingExtraError(FlexiFlowError, RuntimeError):
    """An optional part of FlexiFlow was used that is not installed."""

    code = "flexiflow.missing_extra"


class ComponentError(FlexiFlowError):
    """A component cannot do what was asked of it."""

    code = "flexiflow.component"


class ComponentNotFoundError(ComponentError, KeyError):
    """The engine has no component of that name."""

    code = "flexiflow.component.not_found"

    __str__ = FlexiFlowError.__str__


class EngineClosedError(ComponentError, RuntimeError):
    """The engine, or the component's place in it, has been closed."""

    code = "flexiflow.engine.closed"


class ActionError(ComponentError):
    """A user's guard or action raised; its own error is the ``__cause__``."""

    code = "flexiflow.action"


class UntilTimeout(ComponentError, TimeoutError):  # noqa: N818 - reads as asyncio's own
    """``until`` did not see what it waited for in time."""

    code = "flexiflow.until_timeout"

    why_not: str = ""
    """Why the machine did not get there, as far as that can be told."""


# --- constructors of the errors that are raised from several places -------------------


def config_missing_field(field: str, path: str | None = None) -> ConfigError:
    """Return the error for a required config field that is absent."""
    context = ErrorContext({"config_path": path} if path else {}).add("field", field)
    return ConfigError(
        f"Config missing required field: '{field}'",
        why=f"Nothing stands under '{field}', and a component needs it.",
        fix=f"Write a line '{field}: ...' at the top level.",
        context=context,
    )


def config_wrong_type(
    field: str, expected: str, got: str, path: str | None = None
) -> ConfigError:
    """Return the error for a config field whose value has another type."""
    context = ErrorContext({"config_path": path} if path else {})
    context.add("field", field).add("expected", expected).add("got", got)
    return ConfigError(
        f"Config field '{field}' has wrong type",
        why=f"It is {got}; only {expected} can be used here.",
        fix=f"Give '{field}' a value of the type {expected}.",
        context=context,
    )


def _listed(shown: list[str], total: int) -> str:
    """Join the shown names and say how many more there are."""
    text = ", ".join(shown) or "(none)"
    return f"{text} (+{total - len(shown)} more)" if total > len(shown) else text


def state_not_found(name: str, valid_states: Iterable[str]) -> StateError:
    """Return the error for a state name that is not registered; near misses first."""
    names = list(valid_states)
    shown = nearest(name, names)
    return StateError(
        f"Unknown state: '{name}'",
        why="The registry that was asked knows no class under that name.",
        fix=f"Use one of the valid states: {_listed(shown, len(names))}\n"
        "A class of your own needs a name first: "
        "DEFAULT_REGISTRY.register(name, StateClass)",
        context={"requested_state": name, "valid_states": shown},
    )


def component_not_found(name: str, names: Iterable[str]) -> ComponentNotFoundError:
    """Return the error for a component name that the engine does not hold."""
    known = list(names)
    shown = nearest(name, known)
    return ComponentNotFoundError(
        f"Unknown component: '{name}'",
        why="No component of that name is registered with the engine.",
        fix=f"Use one of the components: {_listed(shown, len(known))}\n"
        "Or register it first: engine.register(component)",
        context={"requested_component": name, "components": shown},
    )


def persistence_invalid_json(path: str, error: str) -> PersistenceError:
    """Return the error for a snapshot file whose text is not JSON."""
    return PersistenceError(
        f"Invalid JSON in state file: {path}",
        why="Its text breaks off or is not JSON.",
        fix="Restore it from a backup, or remove it to begin anew.",
        context={"path": path, "error": error},
    )


def persistence_missing_field(path: str, field: str) -> PersistenceError:
    """Return the error for a snapshot that lacks a field."""
    return PersistenceError(
        f"State file missing required field: '{field}'",
        why=f"Its JSON has no key '{field}', without which nothing can be restored.",
        fix="The file may be damaged: restore it from a backup, add the field by "
        "hand, or delete it to start fresh.",
        context={"path": path, "field": field},
    )


def import_invalid_format(dotted_path: str) -> ImportError_:
    """Return the error for a path that is not ``module:Symbol``."""
    return ImportError_(
        f"Invalid dotted path format: '{dotted_path}'",
        why="A colon has to part the module from the name in it.",
        fix="Write it like 'shop.states:Open'.",
        context={"dotted_path": dotted_path},
    )


def import_module_not_found(module: str, dotted_path: str) -> ImportError_:
    """Return the error for a module that cannot be imported."""
    return ImportError_(
        f"Module not found: '{module}'",
        why="Python did not find it, or importing it failed.",
        fix="Compare the spelling with the file's name, install the package, "
        "or put its folder on sys.path.",
        context={"module": module, "dotted_path": dotted_path},
    )


def import_symbol_not_found(module: str, symbol: str, dotted_path: str) -> ImportError_:
    """Return the error for a module that has no such symbol."""
    return ImportError_(
        f"Symbol '{symbol}' not found in module '{module}'",
        why="The module itself is there; no such name is bound in it.",
        fix="Compare the spelling, or move the definition to the module's top level.",
        context={"module": module, "symbol": symbol, "dotted_path": dotted_path},
    )


def import_not_state_subclass(dotted_path: str, got_type: str) -> ImportError_:
    """Return the error for a symbol that is no ``State`` subclass."""
    return ImportError_(
        f"Not a State subclass: '{dotted_path}'",
        why=f"What stands there is {got_type}.",
        fix="Derive the class from flexiflow.State:\n"
        "  from flexiflow import State\n"
        "  class MyState(State): ...",
        context={"dotted_path": dotted_path, "got_type": got_type},
    )


def missing_extra(extra: str, module: str, part: str) -> MissingExtraError:
    """Return the error for a part whose extra is not installed."""
    return MissingExtraError(
        f"{part} needs the extra '{extra}'",
        why=f"The package '{module}' is not installed.",
        fix=f'Run: pip install "flexiflow[{extra}]"',
        context={"extra": extra, "module": module},
    )
