"""Load state packs, and find what does not fit together among them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeGuard

from ._pack_checks import collect_provided_keys, find_collisions
from .errors import ConfigError, ImportError_, one_line
from .imports import load_module, split_dotted, symbol_missing
from .statepack import MappingPack, StatePack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = [
    "as_pack",
    "collect_provided_keys",
    "invalid_pack_entry",
    "is_pack",
    "load_pack",
    "load_packs",
    "pack_path_error",
    "states_and_packs",
]


def pack_path_error(dotted: str) -> ImportError_:
    """Return the error for a pack that is not written as ``module:Symbol``."""
    return ImportError_(
        f"Invalid pack path format: '{dotted}'",
        why="A pack is named by its module and its symbol, joined by a colon.",
        fix="Use the format 'mypackage.packs:MyPack'.",
        context={"dotted_path": dotted},
    )


def load_pack(dotted: str) -> StatePack:
    """Load the pack that a dotted path names, making an instance of a class.

    Parameters
    ----------
    dotted : str
        ``module:PackClass`` or ``module:pack_instance``.

    Returns
    -------
    StatePack
        The instance.

    Raises
    ------
    ImportError_
        If the path, the module or the symbol is wrong.
    ConfigError
        If the symbol is no pack, or its class cannot be called without arguments.
    """
    try:
        module_name, symbol = split_dotted(dotted)
    except ImportError_ as error:
        raise pack_path_error(dotted) from error
    module = load_module(module_name, dotted)
    try:
        value = getattr(module, symbol)
    except AttributeError as error:
        raise symbol_missing(module_name, symbol, dotted, dir(module)) from error
    return as_pack(value, dotted)


def as_pack(value: object, dotted: str) -> StatePack:
    """Return a value as a pack, calling it first when it is a pack's class.

    Raises
    ------
    ConfigError
        If it is no pack, or if the class cannot be called without arguments.
    """
    if isinstance(value, type) and all(hasattr(value, name) for name in _QUESTIONS):
        try:
            value = value()
        except Exception as error:
            raise ConfigError(
                f"Failed to instantiate pack: '{dotted}'",
                why=f"Calling the class raised {type(error).__name__}: {error}",
                fix="Give the pack a constructor without required arguments.",
                context={"dotted_path": dotted},
            ) from error
    if not is_pack(value):
        got = "class" if isinstance(value, type) else type(value).__name__
        raise ConfigError(
            f"Not a StatePack: '{dotted}'",
            why=f"A pack has {', '.join(_QUESTIONS)}; this is a {got} without them.",
            fix="Give the class a property 'name' and the methods 'provides', "
            "'transitions' and 'depends_on'.",
            context={"dotted_path": dotted, "got_type": type(value).__name__},
        )
    return value


def is_pack(value: object) -> TypeGuard[StatePack]:
    """Tell whether a value answers the questions of a pack; a class does not."""
    return not isinstance(value, type) and all(
        inspect.getattr_static(value, name, None) is not None for name in _QUESTIONS
    )


_QUESTIONS = ("name", "provides", "transitions", "depends_on")
"""The names that make a class a pack."""


def load_packs(
    states: Mapping[str, type[Any]] | None = None,
    packs: Sequence[StatePack | str] | None = None,
    builtins: Collection[str] | None = None,
    *,
    builtin_keys: Collection[str] | None = None,
) -> list[StatePack]:
    """Load packs from a mapping of states or from a list, and check that they fit.

    Parameters
    ----------
    states : mapping of str to type, optional
        Registry name to class; becomes one :class:`~flexiflow.statepack.MappingPack`.
    packs : sequence of StatePack or str, optional
        Packs, or the dotted paths of packs and of their classes.
    builtins : collection of str, optional
        Names that no pack may provide.
    builtin_keys : collection of str, optional
        The 1.0 name of ``builtins``; the two are joined.

    Returns
    -------
    list of StatePack
        In the order given.

    Raises
    ------
    ConfigError
        If both ``states`` and ``packs`` are given, if an entry is no pack, if two packs
        provide the same name, or if one provides the name of a builtin.
    ImportError_
        If a dotted path cannot be imported.
    """
    if states is not None and packs is not None:
        raise states_and_packs()
    loaded: list[StatePack] = []
    if states is not None:
        loaded.append(MappingPack(states))
    for entry in packs or ():
        if isinstance(entry, str):
            loaded.append(load_pack(entry))
        elif is_pack(entry):
            loaded.append(entry)
        else:
            raise invalid_pack_entry(entry)
    collisions = find_collisions(loaded, {*(builtins or ()), *(builtin_keys or ())})
    if collisions:
        raise collisions[0]
    return loaded


def states_and_packs() -> ConfigError:
    """Return the error for a config that has both ``states`` and ``packs``."""
    return ConfigError(
        "Cannot specify both 'states' and 'packs'",
        why="Both say which states there are; nothing says which of them would win.",
        fix="Keep 'states', or move those states into a pack and keep 'packs'.",
        context={"has_states": True, "has_packs": True},
    )


def invalid_pack_entry(entry: object) -> ConfigError:
    """Return the error for an entry of ``packs`` that is neither pack nor path."""
    return ConfigError(
        f"Invalid pack entry: {one_line(entry)}",
        why=f"Expected a pack or a dotted path, got {type(entry).__name__}.",
        fix="Write the path of the pack: 'mypackage.packs:MyPack'.",
        context={"item": entry, "got_type": type(entry).__name__},
    )
