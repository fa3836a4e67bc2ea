"""Make data of where a component stood after a step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ._pending import delayed
from .chart_machine import DATA_VERSION
from .statechart._frozen import thaw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._running import Held
    from .statechart.compile import Move

__all__ = ["Row", "data_of", "data_size", "state_of"]

# Any: state objects of any machine, the user's messages, and JSON data of a chart.

Row = tuple[
    int,
    Any,
    "Mapping[str, Any]",
    "Mapping[str, Any] | None",
    "Mapping[str, tuple[str, ...]]",
    "Move | tuple[int, ...]",
    "Held | str | None",
    float,
    int,
    "int | str",
]
"""What is kept of a step: its number, the state object after it, the message, the
context, what histories remember, the transitions, what waits (the name of the state for
a ``State`` class), the time, the bus's last event, and the story."""


def data_size(rows: Sequence[Row]) -> int:
    """Return about how many bytes steps take that they do not share with each other.

    Lists are not looked into: a step that changes one shares what stands in it with
    the step before.
    """
    known: set[int] = set()
    return sum(_size(data, known) for row in rows for data in (row[2], row[3]) if data)


def _size(value: object, known: set[int]) -> int:
    """Return the size of a value that was not met before, with the dicts in it."""
    if id(value) in known:
        return 0
    known.add(id(value))
    size = sys.getsizeof(value)
    if isinstance(value, dict):
        size += sum(_size(item, known) for item in value.values())
    return size


def state_of(row: Row) -> str:
    """Return the name of the state after a step."""
    here, held = row[1], row[6]
    name: str = held if isinstance(held, str) else here.name
    return name


def data_of(row: Row) -> dict[str, Any]:
    """Return where a component stood after a step, as ``snapshot`` of it gave then.

    Services are left out: they cannot be gone on with, and begin anew.
    """
    here, context, history, held = row[1], row[3], row[4], row[6]
    if context is None or isinstance(held, str):
        return {"version": DATA_VERSION, "states": [state_of(row)]}
    return {
        **({} if held is None else _waiting(held, row[7])),
        "version": DATA_VERSION,
        "chart": here.program.chart.name,
        "states": list(here.leaves),
        "context": thaw(dict(context)),
        "history": {path: list(kept) for path, kept in history.items()},
        "started": not here.is_waiting,
    }


def _waiting(held: Held, at: float) -> dict[str, Any]:
    """Return what still had to come, as JSON data; see ``pending``."""
    now = held.now
    timers = {name: max(0.0, due - now) for name, due, _ in held.timers}
    stories = {name: story for name, _, story in held.timers if story}
    sends = [
        delayed(effect, max(0.0, due - now), story) for effect, due, story in held.sends
    ]
    over = held.names_over()
    return {
        **({"timers": timers} if timers else {}),
        **({"sends": sends} if sends else {}),
        **({"stories": stories} if stories else {}),
        **({"at": at} if timers or sends else {}),
        **({"over": over} if over else {}),
    }
