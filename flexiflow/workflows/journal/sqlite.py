"""The journal in a SQLite file: nothing to install, one machine, many processes."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from . import _queries
from ._fork_gate import ForkGate
from ._locks import OwnerLock, is_held
from ._queued import QueuedJournal
from ._schema import Durability, connect_reader, connect_writer, database_error
from ._writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ._jobs import Answer, Job
    from .protocol import Execution, ExecutionRow, OnDone, Record

    T = TypeVar("T")

__all__ = ["SqliteJournal"]

_IDLE_READERS: Final = 4
"""How many connections for reading are kept for the next call."""


@final
class SqliteJournal(QueuedJournal):
    """A journal in a file that many tasks, threads and processes of a machine use.

    Parameters
    ----------
    path : str or path
        The database; it and the folders above it are made when absent. The locks of
        its owners stand beside it, in a folder of the same name plus ``.owners``.
    durability : {"disk", "process"}, default "disk"
        What a written record survives: a power cut (``synchronous=FULL``), or the end
        of the process only, which is faster.
    timeout_s : float, default 30.0
        Seconds to wait for another process that writes.

    Raises
    ------
    JournalError
        If the file cannot be opened, is no journal, or was made by a newer FlexiFlow.

    Notes
    -----
    It owns a connection to write, in a thread of its own that commits for all who have
    queued meanwhile; connections to read; and, once asked for its name as an owner, a
    lock file. :meth:`close` or ``with`` lets go of all of them. A forked child may go
    on using the object: it opens its own connections and is an owner of its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "disk",
        timeout_s: float = 30.0,
    ) -> None:
        self._path = Path(path).absolute()
        self._owners = self._path.with_name(f"{self._path.name}.owners")
        self._durability: Durability = durability
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._gate = ForkGate()
        self._readers: list[sqlite3.Connection] = []
        self._own: OwnerLock | None = None
        self._writer = Writer(self._connect, self._path, self.is_alive)
        super().__init__(os.fspath(self._path))
        _JOURNALS.add(self)

    def __repr__(self) -> str:
        """Name the class and the file."""
        return f"SqliteJournal({os.fspath(self._path)!r})"

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    @property
    def owner(self) -> str:
        """The name of this process as an owner; alive as long as the journal is.

        Raises
        ------
        JournalError
            If its lock file cannot be made.
        """
        with self._lock:
            self._check_open()
            if self._own is None:
                try:
                    self._own = OwnerLock(self._owners)
                except OSError as error:
                    raise database_error(error, "owned", self._path) from error
            return self._own.name

    # --- writing ----------------------------------------------------------------------

    def append(
        self,
        records: Sequence[Record],
        *,
        epoch: int,
        on_done: OnDone | None = None,
        urgent: bool = True,
        may_block: bool = False,
    ) -> None:
        """Queue records of one execution, in order; return at once.

        With ``may_block`` they are committed in the calling thread if nobody else is
        writing and the disk has been quick of late (below 1 ms).

        Raises
        ------
        JournalClosedError
            If the journal has been closed. Other errors come to ``on_done``.
        """
        job, commits = (records, epoch), self._commits
        try:
            if not may_block or not commits.commit_here(job, on_done):
                commits.submit_to(job, on_done, urgent=urgent)
        except RuntimeError:
            self._check_open()
            raise

    # --- reading ----------------------------------------------------------------------

    def load(self, execution_id: str) -> Execution | None:
        """Return an execution with all its records, or None; block.

        Raises
        ------
        JournalError
            If the database cannot be read.
        """
        return self._read(lambda conn: _queries.load(conn, execution_id))

    def executions(
        self,
        *,
        workflow: str | None = None,
        states: Sequence[str] | None = None,
        parent: str | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[ExecutionRow]:
        """List executions, the newest first; block.

        Raises
        ------
        JournalError
            If the database cannot be read.
        """
        asked = _queries.Asked(workflow, states, parent, before, limit)
        return self._read(lambda conn: _queries.executions(conn, asked))

    def records_after(
        self, seq: int, *, execution_id: str | None = None, limit: int = 1000
    ) -> list[Record]:
        """Return the records behind a sequence number, in order; block.

        Raises
        ------
        JournalError
            If the database cannot be read.
        """
        return self._read(
            lambda conn: _queries.records_after(conn, seq, execution_id, limit)
        )

    def is_alive(self, owner: str) -> bool:
        """Whether the process of that owner name still runs with its journal open.

        Raises
        ------
        JournalError
            If its lock file cannot be asked.
        """
        own = self._own
        if own is not None and own.name == owner:
            return True
        try:
            return is_held(self._owners, owner)
        except OSError as error:
            raise database_error(error, "asked for its owners", self._path) from error

    # --- opening and closing ----------------------------------------------------------

    def close(self) -> None:
        """Write what is queued, then let go of everything; twice is harmless."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        _JOURNALS.discard(self)
        thread = self._commits.close()
        if thread is not None:
            thread.join()
        self._writer.close()
        with self._lock:
            readers, self._readers = self._readers, []
            own, self._own = self._own, None
        for reader in readers:
            reader.close()
        if own is not None:
            own.release()

    def _connect(self) -> sqlite3.Connection:
        """Open a connection to write."""
        return connect_writer(
            self._path, durability=self._durability, timeout_s=self._timeout_s
        )

    def _failure(self, error: Exception) -> Exception:
        """Return the error for a batch that failed as a whole."""
        return database_error(error, "written", self._path)

    def _finish(self) -> None:
        """Close the connection, in the writer's thread."""
        self._writer.close()

    def _write(self, jobs: list[Job]) -> list[Answer]:
        """Write one batch, but not while the process forks."""
        with self._gate:
            return self._writer.write(jobs)

    def _before_fork(self) -> None:
        """Close all connections: a child must inherit none."""
        self._gate.shut()
        self._writer.close()
        with self._lock:
            readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()

    def _after_fork_in_parent(self) -> None:
        """Go on as before; connections are opened when they are needed."""
        self._gate.open()

    def _after_fork_in_child(self) -> None:
        """Begin anew: the threads, what they had queued and the owner stay behind."""
        self._lock = threading.Lock()
        self._gate = ForkGate()
        self._commits.forget()
        self._commits = self._group_commit()
        if self._own is not None:
            self._own.forget()
            self._own = None

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query over a connection that nobody else uses meanwhile."""
        self._check_open()
        with self._gate:
            with self._lock:
                conn = self._readers.pop() if self._readers else None
            try:
                if conn is None:
                    conn = connect_reader(self._path, timeout_s=self._timeout_s)
                found = query(conn)
            except (sqlite3.DatabaseError, UnicodeEncodeError) as error:
                if conn is not None:
                    conn.close()
                raise database_error(error, "read", self._path) from error
            with self._lock:
                kept = not self._closed and len(self._readers) < _IDLE_READERS
                if kept:
                    self._readers.append(conn)
            if not kept:
                conn.close()
            return found


_JOURNALS: Final[weakref.WeakSet[SqliteJournal]] = weakref.WeakSet()
"""The open journals of this process, for the moment after a fork."""


def _for_all(act: Callable[[SqliteJournal], None]) -> Callable[[], None]:
    """Return a function that does something with each open journal."""

    def do() -> None:
        for journal in list(_JOURNALS):
            act(journal)

    return do


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_for_all(SqliteJournal._before_fork),  # noqa: SLF001 - the same module
        after_in_parent=_for_all(
            SqliteJournal._after_fork_in_parent  # noqa: SLF001 - as above
        ),
        after_in_child=_for_all(
            SqliteJournal._after_fork_in_child  # noqa: SLF001 - as above
        ),
    )
