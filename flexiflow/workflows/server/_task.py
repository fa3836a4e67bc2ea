"""The Dask task that an execution is; known by name to scheduler and workers."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["KEY", "PLUGIN", "execution_of", "run_execution"]

KEY: Final = "execution-"
"""What the keys of these tasks begin with."""
PLUGIN: Final = "flexiflow"
"""The name of the worker's plugin that does the work."""


def run_execution(execution_id: str, workflow: str, version: int | None) -> str:
    """Run an execution on the worker on which this is called; return its state."""
    # only workers call it, and they have Dask
    from distributed import get_worker  # noqa: PLC0415

    plugin: Any = get_worker().plugins[PLUGIN]  # Any: made by the worker
    state: str = plugin.performer.perform(execution_id, workflow, version)
    return state


def execution_of(key: object) -> str | None:
    """Return the id of the execution that a key is for; None: it is another task's."""
    if not isinstance(key, str) or not key.startswith(KEY):
        return None
    return key.removeprefix(KEY).rpartition("-")[0]
