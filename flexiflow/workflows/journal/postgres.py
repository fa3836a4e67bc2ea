"""The journal in PostgreSQL: many machines, one history."""

from __future__ import annotations

import os
import secrets
import threading
import weakref
from typing import TYPE_CHECKING, Final, Literal, final

import psycopg

from . import _postgres_queries
from ._postgres_grants import grant_worker
from ._postgres_link import Link, Patience, abandon, database_error, is_passing
from ._postgres_presence import Presence
from ._postgres_writer import PostgresWriter
from ._queries import Asked
from ._queued import QueuedJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ._jobs import Answer, Job
    from .protocol import Execution, ExecutionRow, OnWritten, Record

    T = TypeVar("T")

__all__ = ["PostgresJournal"]

_IDLE_READERS: Final = 4
"""How many connections for reading are kept for the next call."""

_READING_S: Final = 10.0
"""Seconds for which a call that reads waits for a server that has gone, at most."""

_READING_ERRORS: Final = (psycopg.Error, UnicodeEncodeError, TypeError)
"""What the database says, or Python of what is no text."""


@final
class PostgresJournal(QueuedJournal):
    """A journal in a database that processes of many machines use.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database?option=value``, with all that
        libpq knows (``sslmode``, several hosts); what it leaves out is taken from
        libpq's variables and files (``PGPASSWORD``, ``~/.pgpass``).
    durability : {"disk", "process"}, default "disk"
        What a written record survives: a crash of the server, or the end of this
        process only, which is faster (``synchronous_commit``).
    timeout_s : float, default 300.0
        Seconds to wait for a server that has gone, before what is queued fails. Calls
        that read wait 10 of them at most.

    Raises
    ------
    JournalError
        If the server cannot be reached or refuses, or the tables were made by a newer
        FlexiFlow.

    Notes
    -----
    Everything is in the schema ``flexiflow``, made when it is not there. The journal
    owns a connection to write, in a thread of its own that commits for all who have
    queued meanwhile; up to four to read; and, once it was asked for its name as an
    owner or to listen, one that holds the lock of this process and listens, in a second
    thread. :meth:`close` or ``with`` lets go of all of them. Only the newest epoch of
    an execution can write, which the database itself sees to under a lock of the
    execution, whatever host it comes from.

    A server that goes away and comes back is waited for: what was queued is written
    once, and the lock is taken again. Session locks need a connection of one's own: a
    pooler such as PgBouncer has to be in session mode.
    """

    def __init__(
        self,
        url: str,
        *,
        durability: Literal["disk", "process"] = "disk",
        timeout_s: float = 300.0,
    ) -> None:
        self._link = Link(url, durability=durability)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._readers: list[psycopg.Connection] = []
        self._presence: Presence | None = None
        self._listening = threading.Lock()
        self._writer = PostgresWriter(self._link, timeout_s, self._on_written)
        super().__init__(self._link.shown)
        _JOURNALS.add(self)

    def __repr__(self) -> str:
        """Name the class and the database, without the password."""
        return f"PostgresJournal({self._link.shown!r})"

    @property
    def owner(self) -> str:
        """The name of this process as an owner; alive as long as the journal is.

        Raises
        ------
        JournalError
            If the server cannot be reached.
        """
        return self._present().name

    def listen(self, callback: OnWritten) -> Callable[[], None]:
        """Call a function, in a thread of the journal, when something was written.

        Parameters
        ----------
        callback : callable
            Gets the states that executions came to, by whatever process; an empty set
            where none did; None when news may have been missed. Many commits make one
            call: for each process that writes, changes of states are told 20 ms apart
            at least, other records 100 ms.

        Returns
        -------
        callable
            Ends it.

        Raises
        ------
        JournalError
            If the server cannot be reached.
        """
        return self._present().listen(callback)

    def grant_worker(self, role: str, *, password: str | None = None) -> str:
        """Make a login role that may do what a worker does, and nothing else.

        It may read executions and records and add to them by the journal's functions,
        which let only the newest epoch write. It can change or remove nothing, and make
        no tables. A role that is there gets these rights and the new password.

        Parameters
        ----------
        role : str
            Its name.
        password : str, optional
            Made by lot when left out. The server gets its SCRAM verifier alone.

        Returns
        -------
        str
            The URL of this database for that role, password included.

        Raises
        ------
        JournalError
            If this journal's own role may not make roles.
        """
        given = secrets.token_urlsafe(24) if password is None else password
        self._read(lambda conn: grant_worker(conn, role, given), done="shared")
        return self._link.url_for(role, given)

    def keep_content(self, kind: str, digest: str, content: bytes) -> None:
        """Keep bytes under their SHA-256, unless they are there; block.

        Raises
        ------
        JournalError
            If the database cannot be written.
        """
        self._read(
            lambda conn: _postgres_queries.keep_content(conn, kind, digest, content),
            done="written",
        )

    def content(self, kind: str, digest: str) -> bytes | None:
        """Return the bytes of a SHA-256, or None; block.

        Raises
        ------
        JournalError
            If the database cannot be read.
        """
        return self._read(lambda conn: _postgres_queries.content(conn, kind, digest))

    # --- reading ----------------------------------------------------------------------

    def load(self, execution_id: str) -> Execution | None:
        """Return an execution with all its records, or None; block.

        Raises
        ------
        JournalError
            If the database cannot be read.
        """
        return self._read(lambda conn: _postgres_queries.load(conn, execution_id))

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
        asked = Asked(workflow, states, parent, before, limit)
        return self._read(lambda conn: _postgres_queries.executions(conn, asked))

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
            lambda conn: _postgres_queries.records_after(conn, seq, execution_id, limit)
        )

    def is_alive(self, owner: str) -> bool:
        """Whether the process of that owner name still runs with its journal open.

        For five seconds after a start of the server, owners from before count as
        alive: they are coming back.

        Raises
        ------
        JournalError
            If the database cannot be asked.
        """
        presence = self._presence
        if presence is not None and presence.name == owner:
            return True
        return self._read(lambda conn: _postgres_queries.is_alive(conn, owner))

    def _read(
        self, query: Callable[[psycopg.Connection], T], *, done: str = "read"
    ) -> T:
        """Run a query over a connection that nobody else uses meanwhile."""
        self._check_open()
        patience = Patience(min(self._timeout_s, _READING_S))
        while True:
            conn: psycopg.Connection | None = None
            try:
                with self._lock:
                    conn = self._readers.pop() if self._readers else None
                if conn is None:
                    conn = self._link.connect()
                found = query(conn)
            except BaseException as error:
                may_pass = isinstance(error, psycopg.Error) and is_passing(error, conn)
                if conn is not None:
                    conn.close()
                if may_pass and patience.wait():
                    continue
                if not isinstance(error, _READING_ERRORS):
                    raise
                raise database_error(error, done, self._link.shown) from error
            self._put_back(conn)
            return found

    def _put_back(self, conn: psycopg.Connection) -> None:
        """Keep a connection for the next who reads."""
        with self._lock:
            kept = not self._closed and len(self._readers) < _IDLE_READERS
            if kept:
                self._readers.append(conn)
        if not kept:
            conn.close()

    # --- opening and closing ----------------------------------------------------------

    def close(self) -> None:
        """Write what is queued, then let go of everything; twice is harmless.

        A server that has gone is waited for two seconds.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        _JOURNALS.discard(self)
        self._writer.hurry()
        thread = self._commits.close()
        if thread is not None:
            thread.join()
        self._writer.close()
        with self._listening:
            presence, self._presence = self._presence, None
        if presence is not None:
            presence.close()
        with self._lock:
            readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()

    def _present(self) -> Presence:
        """Return what makes this process known, begun when first asked for."""
        with self._listening:
            self._check_open()
            if self._presence is None:
                try:
                    self._presence = Presence(self._link, _READING_S)
                except psycopg.Error as error:
                    shown = self._link.shown
                    raise database_error(error, "owned", shown) from error
            return self._presence

    def _on_written(self, states: frozenset[str]) -> bool:
        """Let all processes know, if this one is present; in the writer's thread."""
        presence = self._presence
        if presence is None:
            return False
        presence.announce(states)
        return True

    def _write(self, jobs: list[Job]) -> list[Answer]:
        """Write one batch."""
        return self._writer.write(jobs)

    def _failure(self, error: Exception) -> Exception:
        """Return the error for a batch that failed as a whole."""
        return database_error(error, "written", self._link.shown)

    def _finish(self) -> None:
        """Close the connection, in the writer's thread."""
        self._writer.close()

    def _after_fork_in_child(self) -> None:
        """Begin anew: threads, connections, what was queued and the owner stay."""
        self._lock = threading.Lock()
        self._listening = threading.Lock()
        self._commits.forget()
        self._commits = self._group_commit()
        self._writer.forget()
        readers, self._readers = self._readers, []
        for reader in readers:
            abandon(reader)
        if self._presence is not None:
            self._presence.forget()
            self._presence = None


_JOURNALS: Final[weakref.WeakSet[PostgresJournal]] = weakref.WeakSet()
"""The open journals of this process, for the moment after a fork."""


def _after_fork_in_child() -> None:
    """Let each open journal begin anew."""
    for journal in list(_JOURNALS):
        journal._after_fork_in_child()  # noqa: SLF001 - the same module


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
