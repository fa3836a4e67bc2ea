"""What applications add to components: retries, snapshots in files and databases.

The names are loaded when they are first used, so that a program pays for what it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .persist_json import (
        ComponentSnapshot,
        load_snapshot,
        restore_component,
        save_component,
        take_snapshot,
    )
    from .persist_sqlite import (
        list_snapshots as list_snapshots_sqlite,
    )
    from .persist_sqlite import (
        load_latest_snapshot as load_latest_snapshot_sqlite,
    )
    from .persist_sqlite import (
        prune_snapshots as prune_snapshots_sqlite,
    )
    from .persist_sqlite import (
        save_snapshot as save_snapshot_sqlite,
    )
    from .retry import RetryConfig, retry_async
    from .store import SnapshotStore

__all__ = [
    "ComponentSnapshot",
    "RetryConfig",
    "SnapshotStore",
    "list_snapshots_sqlite",
    "load_latest_snapshot_sqlite",
    "load_snapshot",
    "prune_snapshots_sqlite",
    "restore_component",
    "retry_async",
    "save_component",
    "save_snapshot_sqlite",
    "take_snapshot",
]

_HOME_OF: Final = {
    "ComponentSnapshot": ("persist_json", "ComponentSnapshot"),
    "RetryConfig": ("retry", "RetryConfig"),
    "SnapshotStore": ("store", "SnapshotStore"),
    "list_snapshots_sqlite": ("persist_sqlite", "list_snapshots"),
    "load_latest_snapshot_sqlite": ("persist_sqlite", "load_latest_snapshot"),
    "load_snapshot": ("persist_json", "load_snapshot"),
    "prune_snapshots_sqlite": ("persist_sqlite", "prune_snapshots"),
    "restore_component": ("persist_json", "restore_component"),
    "retry_async": ("retry", "retry_async"),
    "save_component": ("persist_json", "save_component"),
    "save_snapshot_sqlite": ("persist_sqlite", "save_snapshot"),
    "take_snapshot": ("persist_json", "take_snapshot"),
}
"""The module below this one, and the name there, of each lazy name."""


def __getattr__(name: str) -> object:
    """Load a public name from its module and keep it here (PEP 562)."""
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module, symbol = _HOME_OF[name]
    value: object = getattr(importlib.import_module(f"{__name__}.{module}"), symbol)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, beside what the module holds."""
    return sorted({*globals(), *__all__})
