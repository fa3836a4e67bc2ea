"""``history``: the snapshots of a component, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._shown import shown
from ..errors import ComponentNotFoundError, nearest
from ..extras.store import SnapshotStore
from ..settings import load_settings
from ._output import plain
from ._session import add_config_option, config_path, load_config, store_path

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

__all__ = ["add_arguments"]

_LONGEST: Final = 500
"""Characters of the names that an error lists."""


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command."""
    parser.add_argument(
        "name", nargs="?", metavar="COMPONENT", help="whose; default: the config's"
    )
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="how many (default: 20)"
    )
    parser.add_argument(
        "--correlation-id", metavar="ID", help="only what belongs to one story"
    )
    parser.add_argument(
        "--store", metavar="PATH", help="the folder, or the .db file, of the store"
    )
    add_config_option(parser)
    parser.set_defaults(run=_history)


def _history(options: argparse.Namespace) -> int:
    """Print what the component went through."""
    if options.limit < 1:
        options.parser.error("--limit wants at least 1")
    path = store_path(options, load_settings())
    name: str = options.name or load_config(config_path(options)).name
    if not path.exists():
        raise _nothing_of(name, path, [])
    with SnapshotStore(path) as store:
        rows = store.history(
            name, limit=options.limit, correlation_id=options.correlation_id
        )
        if not rows and options.correlation_id is None:
            raise _nothing_of(name, path, store.names())
    if not rows:
        story = plain(options.correlation_id)
        options.output.note(f"No snapshot of {plain(name)} belongs to {story}.")
    options.output.table(
        ("id", "time (UTC)", "from", "to", "message", "correlation id"),
        [
            (
                row["id"],
                row["created_at"][:23].replace("T", " "),
                row["from_state"],
                row["current_state"],
                row["message_type"],
                row["correlation_id"],
            )
            for row in rows
        ],
    )
    options.output.result(rows)
    return 0


def _nothing_of(name: str, path: Path, names: list[str]) -> ComponentNotFoundError:
    """Return the error for a component that the store does not hold."""
    known = shown(", ".join(nearest(name, names)) or "nothing", _LONGEST)
    return ComponentNotFoundError(
        f"The store has no history of '{name}'",
        why=f"It holds {known}.",
        fix="Register it first: flexiflow register --config FILE",
        context={"component": name, "store": str(path)},
    )
