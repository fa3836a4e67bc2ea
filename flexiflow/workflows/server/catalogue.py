"""Keep the code of workflows that were uploaded, all versions of it."""

from __future__ import annotations

import importlib
import json
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import nearest
from ..context import ResourceRequest
from ..errors import JournalError, WorkflowNotFoundError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from .uploads import Upload

__all__ = ["Catalogue", "CatalogueEntry"]

_FILE: Final = "catalogue.db"
_WAIT_S: Final = 30
_COLUMNS: Final = (
    "name, version, file_name, code, sha256, description, requests, workflows, created"
)
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS flexiflow_workflows (
    name TEXT NOT NULL, version INTEGER NOT NULL, file_name TEXT NOT NULL,
    code TEXT NOT NULL, sha256 TEXT NOT NULL, description TEXT NOT NULL,
    requests TEXT NOT NULL, workflows TEXT NOT NULL, created DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, version)
)
"""
_ADD: Final = f"""
INSERT INTO flexiflow_workflows ({_COLUMNS})
SELECT ?, coalesce(max(version), 0) + 1, ?, ?, ?, ?, ?, ?, ?
FROM flexiflow_workflows WHERE name = ?
"""  # noqa: S608 - made of our own text alone
_SELECT: Final = f"SELECT {_COLUMNS} FROM flexiflow_workflows w"  # noqa: S608 - as above
_NEWEST: Final = """
WHERE version = (SELECT max(version) FROM flexiflow_workflows WHERE name = w.name)
"""


@final
@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One version of a workflow."""

    name: str
    """The name of the workflow."""
    version: int
    """From 1; one more with each upload."""
    file_name: str
    """The name of the file, of harmless characters; it ends with ``.py``."""
    code: str
    """What is in the file."""
    sha256: str
    """The digest of the file's bytes."""
    description: str
    """The first line of the workflow's docstring."""
    requests: ResourceRequest | None
    """What it needs of a worker."""
    workflows: tuple[str, ...]
    """The names of all workflows of the file."""
    created: float
    """When it was uploaded, seconds since 1970 UTC."""


@final
class Catalogue:
    """The uploaded workflows of a home folder, or of a PostgreSQL database.

    Parameters
    ----------
    home : str or path
        The home folder; the file ``catalogue.db`` in it is made with the first upload.
    database_url : str, optional
        A URL ``postgresql://...``: the catalogue is a table of that database then.

    Notes
    -----
    Several processes may use one at once, and any thread. Nothing is held open.
    """

    def __init__(
        self, home: str | os.PathLike[str], database_url: str | None = None
    ) -> None:
        self._path = Path(home) / _FILE
        is_remote = (database_url or "").startswith(("postgres:", "postgresql:"))
        self._url = database_url if is_remote else None

    def __repr__(self) -> str:
        """Say where it is, without a password."""
        return f"<Catalogue {'in PostgreSQL' if self._url else self._path}>"

    def add(self, upload: Upload) -> list[CatalogueEntry]:
        """Keep the workflows of a file, each as its next version.

        Raises
        ------
        JournalError
            If the database cannot be written.
        """
        names = tuple(item.name for item in upload.workflows)
        now = time.time()
        with self._open(write=True) as run:
            for item in upload.workflows:
                requests = None if item.requests is None else asdict(item.requests)
                run(
                    _ADD,
                    item.name,
                    upload.file_name,
                    upload.code,
                    upload.sha256,
                    item.description,
                    json.dumps(requests),
                    json.dumps(names),
                    now,
                    item.name,
                )
            rows = [
                run(f"{_SELECT} {_NEWEST} AND name = ?", item.name)[0]
                for item in upload.workflows
            ]
        return [_entry(row) for row in rows]

    def all(self) -> list[CatalogueEntry]:
        """Return the newest version of each workflow, by name."""
        with self._open() as run:
            return [_entry(row) for row in run(f"{_SELECT} {_NEWEST} ORDER BY name")]

    def versions(self, name: str) -> list[CatalogueEntry]:
        """Return all versions of a workflow, the newest first.

        Raises
        ------
        WorkflowNotFoundError
            If none of that name was uploaded.
        """
        with self._open() as run:
            rows = run(f"{_SELECT} WHERE name = ? ORDER BY version DESC", _clean(name))
        if not rows:
            raise self._unknown(name)
        return [_entry(row) for row in rows]

    def code(self, name: str, version: int | None = None) -> CatalogueEntry:
        """Return one version of a workflow; the newest when none is named.

        Raises
        ------
        WorkflowNotFoundError
            If there is no such workflow, or not in that version.
        """
        with self._open() as run:
            if version is None:
                rows = run(f"{_SELECT} {_NEWEST} AND name = ?", _clean(name))
            else:
                which = f"{_SELECT} WHERE version = ? AND name = ?"
                rows = run(which, min(version, _LARGEST), _clean(name))
        if not rows and version is not None:
            newest = self.code(name)
            raise WorkflowNotFoundError(
                f"The workflow {name!r} has no version {version}",
                why=f"Its newest is {newest.version}.",
                fix="Leave the version out, or name one that is there.",
                context={"workflow": name, "version": version},
            )
        if not rows:
            raise self._unknown(name)
        return _entry(rows[0])

    def _unknown(self, name: str) -> WorkflowNotFoundError:
        """Return the error for a name that nothing was uploaded under."""
        close = nearest(name, [item.name for item in self.all()])
        return WorkflowNotFoundError(
            f"Unknown workflow: {name!r}",
            why=f"The nearest on the server: {', '.join(close)}."
            if close
            else "Nothing has been uploaded yet.",
            fix="Upload its file: flexiflow workflow register FILE --server-url URL",
            context={"workflow": name, "workflows": close},
        )

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[_Run]:
        """Open the database for one transaction."""
        try:
            if self._url is not None:
                with _postgres(self._url) as run:
                    yield run
            elif write or self._path.exists():
                with _sqlite(self._path) as run:
                    yield run
            else:
                yield _nothing
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"The catalogue of workflows cannot be used: {error}",
                why=f"{type(error).__name__} at {self!r}.",
                fix="See that the database is up, and that the server may write to it.",
            ) from error


_LARGEST: Final = 2**31 - 1


class _Run:
    """Runs a statement and returns its rows."""

    # Any: as databases give them.
    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def __call__(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.replace("?", self._mark), values)
        return [] if cursor.description is None else cursor.fetchall()


class _Nothing(_Run):
    """What is asked of a database that is not there yet."""

    def __call__(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ARG002
        return []


_nothing: Final = _Nothing(None, "")


@contextmanager
def _sqlite(path: Path) -> Iterator[_Run]:
    """Open the file; commit at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        db.execute(_TABLE)
        yield _Run(db, "?")
        db.execute("COMMIT")
    finally:
        db.close()


@contextmanager
def _postgres(url: str) -> Iterator[_Run]:
    """Open the database; commit at the end."""
    psycopg: Any = importlib.import_module("psycopg")  # Any: an optional third party
    try:
        with psycopg.connect(url, connect_timeout=_WAIT_S) as db:
            # two uploads at once would take the same number
            db.execute("SELECT pg_advisory_xact_lock(hashtext('flexiflow_workflows'))")
            db.execute(_TABLE)
            yield _Run(db, "%s")
    except psycopg.Error as error:
        raise OSError(str(error).strip()) from error


def _clean(name: str) -> str:
    """Return a name as a database takes it; what it cannot take is no name."""
    return name.encode("utf-8", "replace").decode().replace("\0", "")


def _entry(row: tuple[Any, ...]) -> CatalogueEntry:  # Any: as databases give them
    name, version, file_name, code, sha256, description, requests, names, created = row
    needs = json.loads(requests)
    return CatalogueEntry(
        name=name,
        version=version,
        file_name=file_name,
        code=code,
        sha256=sha256,
        description=description,
        requests=None if needs is None else ResourceRequest(**needs),
        workflows=tuple(json.loads(names)),
        created=created,
    )
