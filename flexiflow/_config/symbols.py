"""Resolve the classes and packs that a config names: by import, or by reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from .._source import Finding, SourceReader
from ..errors import ConfigError, ImportError_, import_not_state_subclass
from ..imports import load_symbol
from ..pack_loader import load_pack, pack_path_error
from ..state_machine import State
from .source_packs import read_source_pack

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..statepack import StatePack

__all__ = ["ImportedSymbols", "ReadSymbols", "StateClass", "Symbols"]


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
        module = dotted.partition(":")[0].strip()
        if self._allowed is None or any(
            module == item or module.startswith(f"{item}.") for item in self._allowed
        ):
            return
        raise ConfigError(
            f"The module {module} may not be imported here",
            why="This config imports only what the host allows: "
            f"{', '.join(self._allowed) or 'nothing'}.",
            fix=f"Pass allow_imports=[{module!r}].",
            context={"module": module, "allowed": list(self._allowed)},
        )

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
            raise _not_a_state(dotted, type(value).__name__)
        return StateClass(dotted, value.__name__, cls=value)

    def pack(self, dotted: str) -> StatePack:
        """Import a pack."""
        self.check(dotted)
        return load_pack(dotted)


@final
class ReadSymbols:
    """Read the source of what is named: what ``explain`` does.

    Notes
    -----
    What reading cannot tell (see :mod:`flexiflow._source`) is imported after all, so
    that the answer is the loader's.
    """

    def __init__(self, allow_imports: Collection[str] | None = None) -> None:
        self.reader = SourceReader()
        self._imported = ImportedSymbols(allow_imports)

    def state(self, dotted: str) -> StateClass:
        """Find a State class.

        Raises
        ------
        ImportError_
            If importing it would fail, or if it is no State class.
        """
        self._imported.check(dotted)
        found = self.reader.find(dotted)
        if found is None:
            return self._imported.state(dotted)
        is_state = self.reader.is_subclass(found, State)
        if is_state is None:
            return self._imported.state(dotted)
        if not is_state:
            raise _not_a_state(dotted, _kind(found))
        if found.is_live:
            return StateClass(dotted, found.live.__name__, cls=found.live)
        name = getattr(found.node, "name", dotted.partition(":")[2].strip())
        return StateClass(dotted, name, found=found)

    def pack(self, dotted: str) -> StatePack:
        """Find a pack; one that cannot be read is imported and asked.

        Raises
        ------
        ImportError_
            If importing it would fail.
        ConfigError
            If it is no pack.
        """
        self._imported.check(dotted)
        try:
            found = self.reader.find(dotted)
        except ImportError_ as error:
            if error.what.startswith("Invalid dotted path"):
                raise pack_path_error(dotted) from error
            raise
        pack = read_source_pack(found, self.reader) if found else None
        return pack or self._imported.pack(dotted)


def _not_a_state(dotted: str, got: str) -> ImportError_:
    """Return the error for a symbol that is no State class."""
    return import_not_state_subclass(dotted, got)


def _kind(found: Finding) -> str:
    """Return what a symbol is, in the words of an import."""
    if found.is_live:
        return type(found.live).__name__
    kinds = {"ClassDef": "type", "FunctionDef": "function"}
    return kinds.get(type(found.node).__name__, "value")
