"""Resolve the classes and packs that a config names by importing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from ..errors import ImportError_, StateError, import_not_state_subclass
from ..imports import check_allowed, load_symbol
from ..pack_loader import load_pack
from ..state_machine import State

if TYPE_CHECKING:
    from collections.abc import Collection

    from .._source import Finding
    from ..statepack import StatePack

__all__ = [
    "ImportedSymbols",
    "StateClass",
    "Symbols",
    "classes_of",
    "not_a_state",
]


@final
@dataclass(frozen=True, slots=True)
class StateClass:
    """A State class that a config names."""

    dotted: str
    """The path as written; empty when it came from elsewhere."""
    name: str
    """The class's own name."""
    cls: type[Any] | None = None
    """The class, when it has been imported."""
    found: Finding | None = None
    """Its definition, when it has been read."""

    @property
    def identity(self) -> object:
        """What tells it from other classes."""
        if self.cls is not None:
            return self.cls
        if self.found is None or self.found.module is None:
            return self.dotted
        return self.found.module.name, self.name


class Symbols(Protocol):
    """How dotted paths become classes and packs."""

    def state(self, dotted: str) -> StateClass:
        """Return the State class of a path, or raise ``ImportError_``."""

    def pack(self, dotted: str) -> StatePack:
        """Return the pack of a path, or raise ``ImportError_`` or ``ConfigError``."""

    def classes_of(self, pack: StatePack) -> dict[str, StateClass]:
        """Return the classes that a pack provides, or raise ``StateError``."""


@final
class ImportedSymbols:
    """Import what is named: what the loader does.

    Parameters
    ----------
    allow_imports : collection of str, optional
        Modules that may be imported, with those below them; None allows all.
    """

    def __init__(self, allow_imports: Collection[str] | None = None) -> None:
        self._allowed = allow_imports

    def check(self, dotted: str) -> None:
        """Refuse a path whose module may not be imported.

        Raises
        ------
        ConfigError
            If the module is not among those that the host allows.
        """
        check_allowed(dotted.partition(":")[0].strip(), self._allowed)

    def state(self, dotted: str) -> StateClass:
        """Import a State class.

        Raises
        ------
        ImportError_
            If it cannot be imported or is no State class.
        ConfigError
            If it may not be imported.
        """
        self.check(dotted)
        value = load_symbol(dotted)
        if not isinstance(value, type) or not issubclass(value, State):
            raise not_a_state(dotted, type(value).__name__)
        return StateClass(dotted, value.__name__, cls=value)

    def pack(self, dotted: str) -> StatePack:
        """Import a pack."""
        self.check(dotted)
        return load_pack(dotted)

    def classes_of(self, pack: StatePack) -> dict[str, StateClass]:
        """Return the classes that a pack provides.

        Raises
        ------
        StateError
            If one of them is no State class.
        """
        return classes_of(pack)


def not_a_state(dotted: str, got: str) -> ImportError_:
    """Return the error for a symbol that is no State class."""
    return import_not_state_subclass(dotted, got)


def classes_of(pack: StatePack) -> dict[str, StateClass]:
    """Return the classes that a pack provides.

    Raises
    ------
    StateError
        If one of them is no State class.
    """
    classes: dict[str, StateClass] = {}
    for key, spec in pack.provides().items():
        cls: object = spec.state_class
        if not isinstance(cls, type) or not issubclass(cls, State):
            raise StateError(
                f"State '{key}' of pack '{pack.name}' is no State class",
                why=f"Its state_class is {cls!r}.",
                fix="Give a class that inherits from flexiflow.State.",
                context={"pack": pack.name, "key": key},
            )
        classes[key] = StateClass("", cls.__name__, cls=cls)
    return classes
