"""Look up what a config names: classes, packs, the initial state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, final

from .._pack_checks import PackInfo, find_collisions, find_loose_ends, read_pack
from ..errors import FlexiFlowError, StateError, nearest
from ..pack_loader import invalid_pack_entry, is_pack
from ..state_machine import (
    DEFAULT_REGISTRY,
    AwaitingConfirmation,
    ErrorHandling,
    InitialState,
    ProcessingRequest,
    State,
    StateRegistry,
)
from ..statepack import MappingPack

if TYPE_CHECKING:
    from ..statepack import StatePack
    from .parsed import ParsedConfig
    from .symbols import StateClass, Symbols

__all__ = ["BUILTINS", "ResolvedConfig", "StateResolution", "resolve_config"]

BUILTINS: Final = frozenset(
    cls.__name__
    for cls in (InitialState, AwaitingConfirmation, ProcessingRequest, ErrorHandling)
)
"""The names that FlexiFlow's own states have; no pack may provide them."""


@final
@dataclass
class StateResolution:
    """What became of one entry of ``states``."""

    key: str
    """The registry name; the dotted path of a nested state."""
    dotted_path: str | None
    """``module:Class`` as written; None for a state that is declared inline."""
    resolved: bool
    """Whether something of that name was found."""
    is_state_subclass: bool
    """Whether it is a ``State`` class; False for a state that is declared inline."""
    error: str | None = None
    """What is wrong with it."""
    is_inline: bool = False
    """Whether it is declared in the config itself."""


@final
@dataclass
class ResolvedConfig:
    """A config with everything that it names looked up."""

    parsed: ParsedConfig
    """What stands in it."""
    registry: StateRegistry = field(default=DEFAULT_REGISTRY, repr=False)
    """What knows the states that it does not bring itself."""
    classes: dict[str, StateClass] = field(default_factory=dict)
    """Registry name to class, of ``states``, packs and a dotted initial state."""
    states: list[StateResolution] = field(default_factory=list)
    """What became of each entry of ``states``, in order."""
    packs: list[StatePack] = field(default_factory=list)
    """The packs, or the one that the mapping of states makes."""
    infos: list[PackInfo] = field(default_factory=list)
    """What the packs say about themselves."""
    initial_state: str | None = None
    """The registry name of the initial state, when there is such a state."""
    initial_class: StateClass | None = None
    """Its class, when it comes from this config."""


def resolve_config(
    parsed: ParsedConfig,
    symbols: Symbols,
    registry: StateRegistry = DEFAULT_REGISTRY,
) -> ResolvedConfig:
    """Look up all that a config names.

    Parameters
    ----------
    parsed : ParsedConfig
        What stands in the config; problems are added to it.
    symbols : Symbols
        How paths become classes: by import or by reading.
    registry : StateRegistry, default DEFAULT_REGISTRY
        Knows the states that the config does not bring itself.

    Returns
    -------
    ResolvedConfig
        As complete as the problems allow. Nothing is registered.
    """
    resolved = ResolvedConfig(parsed, registry)
    _resolve_states(resolved, symbols)
    _resolve_packs(resolved, symbols)
    if parsed.chart is not None:
        resolved.initial_state = parsed.initial_state
    elif parsed.initial_state is not None:
        _resolve_initial(resolved, parsed.initial_state, symbols)
    return resolved


def _resolve_states(resolved: ResolvedConfig, symbols: Symbols) -> None:
    """Look up the classes of ``states``."""
    parsed = resolved.parsed
    for key, dotted in parsed.dotted.items():
        found, error = None, None
        try:
            found = symbols.state(dotted)
        except FlexiFlowError as problem:
            parsed.report(problem, "states", key)
            error = problem.what
        if found is not None:
            resolved.classes[key] = found
        exists = found is not None or (error or "").startswith("Not a State")
        resolved.states.append(
            StateResolution(key, dotted, exists, found is not None, error)
        )
    for key, (value, said) in parsed.invalid.items():
        shown = value if isinstance(value, str) else None
        resolved.states.append(
            StateResolution(
                key, shown, resolved=False, is_state_subclass=False, error=said
            )
        )
    if parsed.chart is not None:
        known = {state.key: state for state in resolved.states}
        resolved.states = [
            known.get(node.path) or _inline(node.path) for node in parsed.chart.states
        ]
    elif resolved.classes:
        shown_classes = {
            key: found.cls or State for key, found in resolved.classes.items()
        }
        resolved.packs = [MappingPack(shown_classes)]
        resolved.infos = [read_pack(resolved.packs[0])]


def _inline(path: str) -> StateResolution:
    """Return what became of a state that is declared in the config itself."""
    return StateResolution(
        path, None, resolved=True, is_state_subclass=False, is_inline=True
    )


def _resolve_packs(resolved: ResolvedConfig, symbols: Symbols) -> None:
    """Look up the packs, and check that they fit together."""
    parsed = resolved.parsed
    if parsed.dotted or parsed.is_chart:
        return
    for position, entry in enumerate(parsed.packs):
        try:
            pack = symbols.pack(entry) if isinstance(entry, str) else entry
            if not is_pack(pack):
                raise invalid_pack_entry(entry)
            info = read_pack(pack)
            classes = symbols.classes_of(pack)
        except FlexiFlowError as error:
            failed = type(error)(
                f"Pack loading failed: {error.what}",
                why=error.why,
                fix=error.fix,
                context=error.context,
            )
            parsed.report(failed, "packs", position)
            continue
        resolved.packs.append(pack)
        resolved.infos.append(info)
        for key, found in classes.items():
            resolved.classes.setdefault(key, found)
    for collision in find_collisions(resolved.packs, BUILTINS):
        parsed.report(collision, "packs", key=True)
    known = {*resolved.classes, *resolved.registry.names()}
    for loose in find_loose_ends(resolved.infos, known):
        parsed.problems.append(replace(loose, place=parsed.place("packs", key=True)))


def _resolve_initial(resolved: ResolvedConfig, written: str, symbols: Symbols) -> None:
    """Look up the initial state, after all states are known."""
    parsed = resolved.parsed
    has_key = parsed.document.root is not None and (
        "initial_state" in (parsed.document.root.value or {})
    )
    path = ("initial_state",) if has_key else ()
    if ":" in written:
        try:
            found = symbols.state(written)
        except FlexiFlowError as error:
            parsed.report(error, *path)
            return
        same = [
            key
            for key, known in resolved.classes.items()
            if known.identity == found.identity
        ]
        resolved.initial_state = same[0] if same else found.name
        resolved.initial_class = found
        resolved.classes.setdefault(resolved.initial_state, found)
        return
    builtin = set(resolved.registry.names())
    sources = {"packs": written in resolved.classes, "builtin": written in builtin}
    for source in parsed.resolution:
        if sources[source]:
            resolved.initial_state = written
            if source == "packs":
                resolved.initial_class = resolved.classes[written]
            return
    if not any(item.key == written and item.error for item in resolved.states):
        parsed.report(_unknown_initial(resolved, written), *path)


def _unknown_initial(resolved: ResolvedConfig, name: str) -> StateError:
    """Return the error for an initial state that nobody provides."""
    names = [*resolved.classes, *resolved.registry.names()]
    shown = nearest(name, names)
    more = len(set(names)) - len(shown)
    return StateError(
        f"Unknown state: '{name}'",
        why=f"initial_state is '{name}'; no state of the config and no builtin has "
        "that name.",
        fix=f"Use one of the valid states: {', '.join(shown)}"
        + (f" (+{more} more)" if more > 0 else ""),
        context={"requested_state": name, "valid_states": shown},
    )
