"""Ask packs what they provide, and find what does not fit together among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from .diagnostics import Diagnostic
from .errors import ConfigError, nearest, one_line
from .statepack import StateSpec, TransitionSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .statepack import StatePack

__all__ = [
    "PackInfo",
    "collect_provided_keys",
    "find_collisions",
    "find_loose_ends",
    "read_pack",
]


@final
@dataclass
class PackInfo:
    """What a pack says about itself, checked and copied."""

    name: str
    """The pack's own name."""
    provided_keys: list[str] = field(default_factory=list)
    """The names of its states, sorted."""
    transitions: list[TransitionSpec] = field(default_factory=list)
    """The transitions that it declares, in its order."""
    depends_on: list[str] = field(default_factory=list)
    """The names it expects others to provide, sorted."""


def collect_provided_keys(packs: Iterable[StatePack]) -> dict[str, str]:
    """Map each provided state name to the name of the first pack that provides it."""
    providers: dict[str, str] = {}
    for pack in packs:
        for key in pack.provides():
            providers.setdefault(key, pack.name)
    return providers


def find_collisions(
    packs: Iterable[StatePack], builtins: Collection[str] = ()
) -> list[ConfigError]:
    """Find names that two packs provide, and names that are those of builtins.

    Returns
    -------
    list of ConfigError
        One for each name, in the order of the packs; empty when all fit.
    """
    providers: dict[str, list[str]] = {}
    for pack in packs:
        for key in pack.provides():
            providers.setdefault(key, []).append(pack.name)
    doubled = [
        ConfigError(
            f"Duplicate state key: '{key}'",
            why=f"More than one pack provides it: {', '.join(names)}.",
            fix="Rename the state in one of the packs.",
            context={"key": key, "providers": names},
        )
        for key, names in providers.items()
        if len(names) > 1
    ]
    shadowing = [
        ConfigError(
            f"State key '{key}' shadows builtin",
            why=f"'{key}' is a state of FlexiFlow's own; {', '.join(names)} "
            "provides another one of that name.",
            fix=f"Rename '{key}' in the pack.",
            context={"key": key, "providers": names, "builtin": True},
        )
        for key, names in providers.items()
        if key in builtins
    ]
    return doubled + shadowing


def find_loose_ends(
    packs: Sequence[PackInfo], known: Collection[str]
) -> list[Diagnostic]:
    """Find what packs count on and nobody provides.

    Parameters
    ----------
    packs : sequence of PackInfo
        All packs of a config.
    known : collection of str
        Every state name there is: of the packs and of the builtins.

    Returns
    -------
    list of Diagnostic
        Warnings: unmet ``depends_on`` first, then transitions with an unknown end.
    """
    found = [
        Diagnostic(
            "warning",
            f"Pack '{pack.name}' depends on a state that nobody provides: '{key}'",
            why=f"No pack and no builtin has a state '{key}'.",
            fix=_use_one_of(key, known),
            context={"pack": pack.name, "depends_on": key},
            code="flexiflow.pack.depends_on",
        )
        for pack in packs
        for key in pack.depends_on
        if key not in known
    ]
    ends = [
        (pack, spec, key)
        for pack in packs
        for spec in pack.transitions
        for key in dict.fromkeys((spec.from_state, spec.to_state))
    ]
    return found + [
        _unknown_end(pack, spec, key, known)
        for pack, spec, key in ends
        if key not in known
    ]


def _unknown_end(
    pack: PackInfo, spec: TransitionSpec, key: str, known: Collection[str]
) -> Diagnostic:
    """Return the warning for a transition whose end is a state that does not exist."""
    way = "leads to" if key == spec.to_state else "starts in"
    return Diagnostic(
        "warning",
        f"The transition on '{spec.on_message}' {way} an unknown state: '{key}'",
        why=f"Pack '{pack.name}' declares {spec.from_state} -> {spec.to_state}; "
        f"there is no state '{key}'.",
        fix=_use_one_of(key, known),
        context={"pack": pack.name, "message": spec.on_message, "state": key},
        code="flexiflow.pack.unknown_state",
    )


def _use_one_of(name: str, known: Collection[str]) -> str:
    """Return the advice that lists what there is, near misses first."""
    return f"Use one of: {', '.join(nearest(name, sorted(known)))}"


def read_pack(pack: StatePack) -> PackInfo:
    """Ask a pack its four questions and check the answers.

    Raises
    ------
    ConfigError
        If a question raises, or if an answer has another form than the protocol's.
    """
    # Any: the answers are a user's, and their types are what is to be checked
    name: Any
    provides: Any
    transitions: list[Any]
    try:
        name = pack.name
        provides = pack.provides()
        transitions = list(pack.transitions())
        depends_on = sorted(pack.depends_on())
    except Exception as error:
        raise _bad_answer(pack, f"It raised {type(error).__name__}: {error}") from error
    if not isinstance(name, str) or not name:
        raise _bad_answer(pack, f"'name' is {one_line(name)}, not a text.")
    if not isinstance(provides, dict):
        raise _bad_answer(pack, "'provides()' returns no dict.")
    for key, spec in provides.items():
        if not isinstance(key, str) or not isinstance(spec, StateSpec):
            raise _bad_answer(
                pack,
                f"'provides()' has {one_line(key)}: {one_line(spec)}; "
                "names map to StateSpec.",
            )
    if not all(isinstance(spec, TransitionSpec) for spec in transitions):
        raise _bad_answer(pack, "'transitions()' returns more than TransitionSpec.")
    return PackInfo(name, sorted(provides), transitions, depends_on)


def _bad_answer(pack: StatePack, why: str) -> ConfigError:
    """Return the error for a pack that does not keep to the protocol."""
    kind = type(pack).__name__
    return ConfigError(
        f"Pack '{kind}' does not answer as a StatePack does",
        why=why,
        fix="See flexiflow.statepack.StatePack for what each method returns.",
        context={"pack_class": kind},
    )
