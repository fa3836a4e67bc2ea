"""Make a config's states known beyond the config, and others' states known to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..diagnostics import Diagnostic
from ..logger import get_logger
from ..state_machine import DEFAULT_REGISTRY, StateRegistry

if TYPE_CHECKING:
    from ..state_machine import State
    from .resolve import ResolvedConfig

__all__ = ["joined", "register_states"]


def joined(registry: StateRegistry | None) -> StateRegistry:
    """Return a registry that knows the names of one, and those of the default one."""
    known = registry
    while known is not None and known is not DEFAULT_REGISTRY:
        known = known.parent
    if registry is None or known is not None:
        return registry or DEFAULT_REGISTRY
    joined = StateRegistry(DEFAULT_REGISTRY)
    for name in registry.names():
        cls = registry.get(name)
        if cls is not None:
            joined.register(name, cls)
    return joined


def register_states(resolved: ResolvedConfig) -> list[Diagnostic]:
    """Put a config's states into ``DEFAULT_REGISTRY``; the last config wins.

    Returns
    -------
    list of Diagnostic
        A warning for each name that another class had; it is logged as well.
    """
    replaced: list[Diagnostic] = []
    for key, found in resolved.classes.items():
        if found.cls is None:
            continue
        for name in dict.fromkeys((key, found.name)):
            before = DEFAULT_REGISTRY.get(name)
            if before is not None and before is not found.cls:
                replaced.append(_replaced(name, before, found.cls))
            DEFAULT_REGISTRY.register(name, found.cls)
    for item in replaced:
        get_logger().warning("%s %s", item.what, item.why)
    return replaced


def _replaced(name: str, before: type[State], now: type[State]) -> Diagnostic:
    """Return the warning for a name that means another class from now on."""
    return Diagnostic(
        "warning",
        f"The state '{name}' of DEFAULT_REGISTRY is another class now.",
        why=f"It was {_path_of(before)}; this config brings {_path_of(now)}.",
        fix="Make components with engine.create_component(config), which keeps to the "
        "config's own registry; or rename one of the states.",
        context={"state": name, "before": _path_of(before), "now": _path_of(now)},
        code="flexiflow.config.replaced",
    )


def _path_of(cls: type[State]) -> str:
    """Return ``module:Class``."""
    return f"{cls.__module__}:{cls.__qualname__}"
