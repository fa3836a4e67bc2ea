"""Open the journal that a path or a URL names."""

from __future__ import annotations

import importlib
import os
import re
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote, urlsplit

from ..errors import JournalError

if TYPE_CHECKING:
    from .protocol import Journal

__all__ = ["open_journal"]

_SQLITE: Final = "sqlite"
_POSTGRES: Final = frozenset({"postgresql", "postgres"})
_KEYWORDS: Final = re.compile(r"\s*(host(addr)?|port|dbname|user|password|service)\s*=")
"""How the other form of PostgreSQL's addresses begins."""


def open_journal(
    place: str | os.PathLike[str],
    *,
    durability: Literal["disk", "process"] = "disk",
    timeout_s: float | None = None,
) -> Journal:
    """Open the journal at a place; make it when there is none.

    Parameters
    ----------
    place : str or path
        A file; a URL such as ``sqlite:///folder/flexiflow.db`` (relative) or
        ``sqlite:////var/lib/flexiflow.db`` (absolute); or, for several machines,
        ``postgresql://user:password@host:5432/database``.
    durability : {"disk", "process"}, default "disk"
        What a written record survives: a power cut, or the end of the process only.
    timeout_s : float, optional
        Seconds to wait for another process that writes to the file (30 when left out),
        or for a server that has gone (300).

    Returns
    -------
    Journal
        To be closed by its ``close()``.

    Raises
    ------
    JournalError
        If the URL names a kind of database that is not known, the extra for it is not
        installed, or the database cannot be opened.
    """
    text = os.fspath(place)
    more = {} if timeout_s is None else {"timeout_s": timeout_s}
    journal: Journal
    if text.partition("://")[0] in _POSTGRES:
        journal = _postgres().PostgresJournal(text, durability=durability, **more)
    else:
        sqlite = importlib.import_module(f"{__package__}.sqlite")
        file = _file_of(text)
        journal = sqlite.SqliteJournal(file, durability=durability, **more)
    return journal


def _postgres() -> Any:  # Any: a module, loaded late
    """Return the module of the PostgreSQL journal.

    Raises
    ------
    JournalError
        If the driver is not installed.
    """
    try:
        return importlib.import_module(f"{__package__}.postgres")
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "psycopg" and "libpq" not in str(
            error
        ):
            raise
        raise JournalError(
            "A journal in PostgreSQL needs the package 'psycopg'",
            why=f"It cannot be imported: {error}".partition("\n")[0],
            fix="Run: pip install 'flexiflow[postgres]'",
        ) from error


def _file_of(place: str) -> str:
    """Return the file that a path or URL names."""
    scheme, mark, _ = place.partition("://")
    if not mark:
        if _KEYWORDS.match(place):  # it may hold a password, which names no file then
            raise JournalError(
                "The address of the database is no URL",
                why="It is written in keywords. It is not shown, since it may hold a "
                "password.",
                fix="Write postgresql://user:password@host:5432/database",
            )
        return place
    if scheme != _SQLITE:
        raise JournalError(
            f"No journal is kept in a database of the kind '{scheme}'",
            why="The journal is a SQLite file, or a database of PostgreSQL.",
            fix="Give a path, or a URL like sqlite:///flexiflow.db or "
            "postgresql://user:password@host/database",
            context={"scheme": scheme},
        )
    parts = urlsplit(place)
    return unquote(parts.netloc + parts.path[0 if parts.netloc else 1 :])
