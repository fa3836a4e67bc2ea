"""Make the snapshot of a machine that stands in given states."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import PersistenceError, StateError, nearest
from ._frozen import freeze
from .compile import compile_chart
from .model import leaves_of
from .snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .compile import Program
    from .model import Chart

__all__ = ["is_named", "snapshot_at", "snapshot_of"]


def is_named(path: str, name: str) -> bool:
    """Return whether a name or path means the state of a path."""
    return name in {path, path.rpartition(".")[2]}


def snapshot_at(
    chart: Chart,
    states: Iterable[str],
    *,
    context: Mapping[str, Any],  # Any: JSON data of the user's
    history: Mapping[str, Iterable[str]],
) -> Snapshot:
    """Return the snapshot of a machine that stands in given states.

    Parameters
    ----------
    chart : Chart
        The chart.
    states : iterable of str
        Names or paths; of a state with children its initial ones are active.
    context : mapping
        Data that replace those of the chart's context, key by key.
    history : mapping
        What history states remember: names or paths by their names or paths.

    Raises
    ------
    StateError
        If there are no such states, or if they are not active together.
    """
    program = compile_chart(chart)
    names = list(states)
    leaves = [
        leaf for name in names for leaf in leaves_of(chart, _path_of(chart, name))
    ]
    configuration = program.at(leaves)
    if configuration is None:
        raise StateError(
            f"{', '.join(names)} are not active together.",
            why="One state of each region is active, and no other.",
            fix="Name the leaf state of each region.",
            context={"chart": chart.name},
        )
    kept = {
        _path_of(chart, name): tuple(_path_of(chart, one) for one in remembered)
        for name, remembered in history.items()
    }
    data = {**program.context, **freeze(dict(context), "context")}
    return Snapshot(configuration, data, kept)


def snapshot_of(program: Program, saved: Mapping[str, Any]) -> Snapshot | None:
    """Return the snapshot that a component's data tell; Any: JSON data.

    Parameters
    ----------
    program : Program
        The chart.
    saved : mapping
        What ``snapshot()`` of a component gave.

    Returns
    -------
    Snapshot or None
        None when it had not started.

    Raises
    ------
    PersistenceError
        If the chart has no such states.
    """
    leaves = [str(path) for path in saved.get("states") or ()]
    configuration = program.at(leaves)
    if configuration is None:
        raise PersistenceError(
            f"The snapshot is not one of {program.chart.name}.",
            why=f"{', '.join(leaves) or 'No state'} cannot be active in this chart.",
            fix="Take the snapshot of a component of the same chart.",
            context={"chart": program.chart.name},
        )
    if not saved.get("started", True):
        return None
    history = {
        path: tuple(kept)
        for path, kept in (saved.get("history") or {}).items()
        if path in program.by_path and all(one in program.by_path for one in kept)
    }
    context = freeze(dict(saved.get("context") or {}), "context")
    return Snapshot(configuration, context, history)


def _path_of(chart: Chart, name: str) -> str:
    """Return the path of the state that a name or a path means."""
    if name in chart:
        return name
    found = [node.path for node in chart if is_named(node.path, name)]
    if len(found) == 1:
        return found[0]
    paths = found or nearest(name, [node.path for node in chart])
    raise StateError(
        f"{json.dumps(name, ensure_ascii=False)} names "
        f"{'more than one state' if found else 'no state'} of {chart.name}.",
        why=f"{'It may be' if found else 'States'}: {', '.join(paths)}.",
        fix="Write the path of the state, from the top.",
        context={"chart": chart.name},
    )
