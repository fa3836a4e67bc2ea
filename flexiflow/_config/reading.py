"""Resolve the classes and packs that a config names by reading their source."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .._source import Finding, SourceReader
from ..errors import ImportError_
from ..pack_loader import pack_path_error
from ..state_machine import State
from .source_packs import SourcePack, read_source_pack
from .symbols import ImportedSymbols, StateClass, not_a_state

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..statepack import StatePack

__all__ = ["ReadSymbols"]


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
            raise not_a_state(dotted, _kind(found))
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

    def classes_of(self, pack: StatePack) -> dict[str, StateClass]:
        """Return the classes that a pack provides.

        Raises
        ------
        StateError
            If one of them is no State class.
        """
        if not isinstance(pack, SourcePack):
            return self._imported.classes_of(pack)
        return {
            key: StateClass("", found.live.__name__, cls=found.live)
            if found.is_live
            else StateClass("", getattr(found.node, "name", key), found=found)
            for key, found in pack.classes.items()
        }


def _kind(found: Finding) -> str:
    """Return what a symbol is, in the words of an import."""
    if found.is_live:
        return type(found.live).__name__
    kinds = {"ClassDef": "type", "FunctionDef": "function"}
    return kinds.get(type(found.node).__name__, "value")
