"""Remember which file defines a workflow, so that other processes can run it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ..errors import nearest
from ._source_file import digest_of_file, load_workflows
from .errors import WorkflowError, WorkflowNotFoundError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from .decorators import Workflow

__all__ = ["FileRegistry", "Registered"]

_FILE: Final = "workflows.db"
_WAIT_S: Final = 10.0
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS workflows(
    name TEXT, version INTEGER, path TEXT NOT NULL, digest TEXT NOT NULL,
    description TEXT NOT NULL, registered REAL NOT NULL, PRIMARY KEY (name, version)
)
"""


@final
@dataclass(frozen=True, slots=True)
class Registered:
    """A workflow of a file, as it was when the file was registered."""

    name: str
    """The name of the workflow."""
    version: int
    """From 1; one more for each other content of the file."""
    path: Path
    """The file, an absolute path."""
    digest: str
    """The SHA-256 of the file's content."""
    description: str
    """The first line of the workflow's docstring."""
    registered: float
    """Seconds since 1970 UTC."""


@final
class FileRegistry:
    """The workflows of a home folder that files define.

    Parameters
    ----------
    home : str or path
        The home folder; nothing is made in it before something is registered.

    Notes
    -----
    The files stay where they are, and are what counts: a file that has changed is
    loaded as it is now, and gets a new version. Several processes may use it at once.
    """

    def __init__(self, home: str | os.PathLike[str]) -> None:
        self._path = Path(home) / _FILE

    def register(self, file: str | os.PathLike[str]) -> list[Registered]:
        """Load a file, and remember what it defines.

        Returns
        -------
        list of Registered
            The workflows of the file, in the order in which it defines them.

        Raises
        ------
        WorkflowError
            If the file cannot be loaded, or defines no workflow.
        """
        path = Path(file).resolve()
        digest = digest_of_file(path)
        found = load_workflows(path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._out_of_reach(error) from error
        with self._open(write=True) as db:
            return [_added(db, item, path, digest) for item in found.values()]

    def all(self) -> list[Registered]:
        """Return the newest version of each workflow, by name."""
        if not self._path.exists():
            return []
        with self._open(write=False) as db:
            rows = db.execute(
                "SELECT name, max(version), path, digest, description, registered "
                "FROM workflows GROUP BY name ORDER BY name"
            )
            return [_row(row) for row in rows]

    def versions(self, name: str) -> list[Registered]:
        """Return all versions of a workflow, the newest first.

        Raises
        ------
        WorkflowNotFoundError
            If none of that name has been registered; near misses are listed.
        """
        found = []
        if self._path.exists():
            with self._open(write=False) as db:
                rows = db.execute(
                    "SELECT name, version, path, digest, description, registered "
                    "FROM workflows WHERE name = ? ORDER BY version DESC",
                    (name,),
                )
                found = [_row(row) for row in rows]
        if not found:
            raise self._not_found(name)
        return found

    def load(self, name: str) -> Workflow[Any]:
        """Return a workflow, loaded from its file.

        Raises
        ------
        WorkflowNotFoundError
            If none of that name has been registered.
        WorkflowError
            If the file is gone or cannot be loaded, or does not define it any more.
        """
        known = self.versions(name)[0]
        found = load_workflows(known.path)
        if name not in found:
            raise WorkflowError(
                f"{known.path.name} does not define '{name}' any more",
                why=f"It defines {', '.join(found)}.",
                fix=f"Register the file that does: flexiflow workflow register FILE, "
                f"or give it back to {known.path}.",
                context={"workflow": name, "file": str(known.path)},
            )
        if digest_of_file(known.path) != known.digest:
            self.register(known.path)
        return found[name]

    @contextmanager
    def _open(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """Open the database for one transaction."""
        try:
            db = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)
            try:
                db.execute(_TABLE)
                db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                with db:
                    yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise self._out_of_reach(error) from error

    def _out_of_reach(self, error: Exception) -> WorkflowError:
        """Return the error for a list that cannot be used."""
        return WorkflowError(
            "The list of registered workflows cannot be read or written",
            why=f"{self._path}: {error}.",
            fix="Check that the folder may be written and the disk has room; a "
            "damaged file can be removed, and the workflows registered again.",
            context={"file": str(self._path)},
        )

    def _not_found(self, name: str) -> WorkflowNotFoundError:
        """Return the error for a name that nobody has registered."""
        close = nearest(name, [item.name for item in self.all()])
        return WorkflowNotFoundError(
            f"Unknown workflow: '{name}'",
            why=f"The nearest that are registered: {', '.join(close)}."
            if close
            else f"Nothing has been registered in {self._path.parent}.",
            fix="Register its file first: flexiflow workflow register FILE.py",
            context={"workflow": name, "home": str(self._path.parent)},
        )


def _added(
    db: sqlite3.Connection, item: Workflow[Any], path: Path, digest: str
) -> Registered:
    """Remember one workflow; nothing is added when nothing has changed."""
    last = db.execute(
        "SELECT name, version, path, digest, description, registered FROM workflows "
        "WHERE name = ? ORDER BY version DESC LIMIT 1",
        (item.name,),
    ).fetchone()
    if last is not None and (last[2], last[3]) == (str(path), digest):
        return _row(last)
    doc = (item.func.__doc__ or "").strip().partition("\n")[0]
    version = 1 if last is None else last[1] + 1
    row = (item.name, version, str(path), digest, doc, time.time())
    db.execute("INSERT INTO workflows VALUES (?, ?, ?, ?, ?, ?)", row)
    return _row(row)


def _row(row: tuple[Any, ...]) -> Registered:  # Any: as SQLite gives them
    name, version, path, digest, description, registered = row
    return Registered(name, version, Path(path), digest, description, registered)
