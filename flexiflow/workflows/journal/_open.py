"""Open the journal that a path or a URL names."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote, urlsplit

from ..errors import JournalError

if TYPE_CHECKING:
    from .protocol import Journal

__all__ = ["open_journal"]

_SQLITE: Final = "sqlite"


def open_journal(
    place: str | os.PathLike[str],
    *,
    durability: Literal["disk", "process"] = "disk",
    timeout_s: float = 30.0,
) -> Journal:
    """Open the journal at a place; make it when there is none.

    Parameters
    ----------
    place : str or path
        A file, or a URL such as ``sqlite:///folder/flexiflow.db`` (relative) or
        ``sqlite:////var/lib/flexiflow.db`` (absolute).
    durability : {"disk", "process"}, default "disk"
        What a written record survives: a power cut, or the end of the process only.
    timeout_s : float, default 30.0
        Seconds to wait for another process that writes.

    Returns
    -------
    Journal
        To be closed by its ``close()``.

    Raises
    ------
    JournalError
        If the URL names a kind of database that is not known, or the database cannot
        be opened.
    """
    sqlite = importlib.import_module(f"{__package__}.sqlite")
    journal: Journal = sqlite.SqliteJournal(
        _file_of(os.fspath(place)), durability=durability, timeout_s=timeout_s
    )
    return journal


def _file_of(place: str) -> str:
    """Return the file that a path or URL names."""
    scheme, mark, _ = place.partition("://")
    if not mark:
        return place
    if scheme != _SQLITE:
        raise JournalError(
            f"No journal is kept in a database of the kind '{scheme}'",
            why="The journal is a SQLite file.",
            fix="Give a path, or a URL like sqlite:///flexiflow.db",
            context={"scheme": scheme},
        )
    parts = urlsplit(place)
    return unquote(parts.netloc + parts.path[0 if parts.netloc else 1 :])
