"""Keep the snapshots of an application: one store, many writers, one commit for all."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, final

from ..errors import PersistenceError
from ._group_commit import GroupCommit
from ._ledger import Ledger, SnapshotRow, Trim
from ._snapshot_table import database_error, prepare, read
from .persist_json import ComponentSnapshot, snapshot_to_json
from .persist_sqlite import list_snapshots, load_latest_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["SnapshotStore"]

T = TypeVar("T")


@final
class SnapshotStore:
    """A database of snapshots that many tasks, threads and processes may write.

    Parameters
    ----------
    path : str or path
        The database; it and the folders above it are made when absent. A database of
        the published 1.0 is migrated in place. ``":memory:"`` keeps it in memory.
    keep_last : int, optional
        How many snapshots of each component stay; older ones are dropped as new ones
        are saved. All stay when left out.
    durable : bool, default True
        Whether a saved snapshot survives a power cut (``synchronous=FULL``). False
        survives the end of the process only, and is faster.
    timeout_s : float, default 30.0
        Seconds to wait for another process that writes.

    Raises
    ------
    PersistenceError
        If the file cannot be opened, or is no database.

    Notes
    -----
    It owns two connections (one to write, in a thread of its own; one to read) and is
    closed by :meth:`close`, ``async with`` or ``with``. Snapshots saved while a commit
    is under way share the next one: the cost of the disk is divided among the callers,
    and each hears of its snapshot only after it is safe.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_last: int | None = None,
        durable: bool = True,
        timeout_s: float = 30.0,
    ) -> None:
        if keep_last is not None and keep_last < 1:
            message = f"keep_last must be at least 1, not {keep_last}"
            raise ValueError(message)
        self._path = os.fspath(path)
        self._keep_last = keep_last
        self._durable = durable
        self._timeout_s = timeout_s
        self._reading = threading.Lock()
        self._writer = self._connect()
        in_memory = self._path == ":memory:"
        self._reader = self._writer if in_memory else self._connect()
        self._ledger = Ledger(self._writer)
        self._commits = GroupCommit(
            self._transaction, failure=self._failure, finish=self._close_connections
        )

    @property
    def path(self) -> str:
        """The database file, as it was given."""
        return self._path

    @property
    def keep_last(self) -> int | None:
        """How many snapshots of a component stay when a call does not say."""
        return self._keep_last

    # --- writing ----------------------------------------------------------------------

    async def save(
        self,
        snapshot: ComponentSnapshot,
        *,
        from_state: str | None = None,
        message_type: str | None = None,
        correlation_id: str | None = None,
        keep_last: int | None = None,
    ) -> int:
        """Save a snapshot; return when it is committed.

        Parameters
        ----------
        snapshot : ComponentSnapshot
            What to keep; written as it is at the call.
        from_state, message_type, correlation_id : str, optional
            How the component came to this state; :meth:`history` shows them.
        keep_last : int, optional
            How many snapshots of this component stay; the store's when left out.

        Returns
        -------
        int
            The id of its row.

        Raises
        ------
        PersistenceError
            If it is no JSON data, or the database cannot be written; nothing of it is
            kept then.

        Notes
        -----
        Snapshots of one component are kept in the order of the calls. A caller that is
        cancelled does not take its snapshot back.
        """
        way = (from_state, message_type, correlation_id)
        saved: int = await self._commits.submit(self._row(snapshot, way, keep_last))
        return saved

    def save_soon(
        self,
        snapshot: ComponentSnapshot,
        *,
        from_state: str | None = None,
        message_type: str | None = None,
        correlation_id: str | None = None,
        keep_last: int | None = None,
    ) -> asyncio.Future[int]:
        """Queue a snapshot as :meth:`save` does, and return what to await.

        The future holds the id of the row once it is committed. An error of the data is
        raised at once, one of the database comes with the future. Needs a running loop.
        """
        way = (from_state, message_type, correlation_id)
        return self._commits.submit(self._row(snapshot, way, keep_last))

    def save_from_thread(
        self,
        snapshot: ComponentSnapshot,
        *,
        from_state: str | None = None,
        message_type: str | None = None,
        correlation_id: str | None = None,
        keep_last: int | None = None,
    ) -> int:
        """Save a snapshot from a thread without an event loop; block until committed.

        The same as :meth:`save` otherwise; calls from several threads share commits.
        """
        way = (from_state, message_type, correlation_id)
        row = self._row(snapshot, way, keep_last)
        saved: int = self._commits.submit_from_thread(row).result()
        return saved

    async def prune(self, name: str, *, keep_last: int = 10) -> int:
        """Delete all but the newest snapshots of a component; return how many went.

        Raises
        ------
        PersistenceError
            If the database cannot be written.
        ValueError
            If ``keep_last`` is negative.
        """
        if keep_last < 0:
            message = f"keep_last must be at least 0, not {keep_last}"
            raise ValueError(message)

        if self._commits.is_closed:
            raise self._closed()
        gone: int = await self._commits.submit(Trim(name, keep_last))
        return gone

    # --- reading ----------------------------------------------------------------------

    def load_latest(self, name: str) -> ComponentSnapshot | None:
        """Return the latest snapshot of a component, or None when there is none.

        Raises
        ------
        PersistenceError
            If the row holds no snapshot, or the database cannot be read.
        """
        return self._read(lambda conn: load_latest_snapshot(conn, name))

    def history(
        self, name: str, *, limit: int = 50, correlation_id: str | None = None
    ) -> list[dict[str, Any]]:
        """List the snapshots of a component, the newest first.

        Parameters
        ----------
        name : str
            The component.
        limit : int, default 50
            How many at most; at least 0.
        correlation_id : str, optional
            Only those of one story.

        Returns
        -------
        list of dict
            ``id``, ``created_at``, ``current_state``, ``from_state``, ``message_type``
            and ``correlation_id``; see :func:`.persist_sqlite.list_snapshots`.
        """
        return self._read(
            lambda conn: list_snapshots(
                conn, name, limit=limit, correlation_id=correlation_id
            )
        )

    def names(self) -> list[str]:
        """Return the names of the components that have snapshots, sorted."""
        sql = "SELECT DISTINCT component_name FROM flexiflow_snapshots ORDER BY 1"
        return self._read(lambda conn: [row[0] for row in read(conn, sql, ())])

    # --- closing ----------------------------------------------------------------------

    async def close(self) -> None:
        """Commit what is queued and close the connections; twice is harmless."""
        thread = self._begin_close()
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def close_from_thread(self) -> None:
        """Close as :meth:`close` does, without an event loop; blocks until done."""
        thread = self._begin_close()
        if thread is not None:
            thread.join()

    async def __aenter__(self) -> Self:
        """Return the store."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.close()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store, blocking."""
        self.close_from_thread()

    # --- inside -----------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        """Open a connection and set it up, once."""
        if self._path != ":memory:":
            with suppress(OSError):  # opening the database tells why
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        conn: sqlite3.Connection | None = None
        try:
            conn = sqlite3.connect(
                self._path,
                timeout=self._timeout_s,
                isolation_level=None,
                check_same_thread=False,
            )
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'NORMAL'}")
            prepare(conn)
        except (sqlite3.Error, PersistenceError) as error:
            if conn is not None:
                conn.close()
            raise self._failure(error) from error
        return conn

    def _row(
        self,
        snapshot: ComponentSnapshot,
        way: tuple[str | None, str | None, str | None],
        keep_last: int | None,
    ) -> SnapshotRow:
        """Write a snapshot down as the row that it will be."""
        if self._commits.is_closed:
            raise self._closed()
        name = snapshot.name
        if not f"{name}{way[0]}{way[1]}{way[2]}".isascii():
            _check_name(name)
            way = _storable(way[0]), _storable(way[1]), _storable(way[2])
        return SnapshotRow(
            name,
            snapshot_to_json(snapshot),
            time.time_ns() // 1000,
            *way,
            self._keep_last if keep_last is None else keep_last,
        )

    def _closed(self) -> PersistenceError:
        """Return the error for work that is asked of a closed store."""
        return PersistenceError(
            f"The snapshot store has been closed: {self._path}",
            why="close() was called, or its `with` block has ended.",
            fix="Open a new one: SnapshotStore(path).",
            context={"database": self._path},
        )

    def _transaction(self, jobs: list[SnapshotRow | Trim]) -> list[int]:
        """Do the jobs of a batch in one transaction."""
        conn = self._writer
        with self._reading if self._reader is conn else nullcontext():
            conn.execute("BEGIN IMMEDIATE")
            try:
                results = self._ledger.perform(jobs)
                conn.execute("COMMIT")
            except BaseException:
                self._ledger.forget()
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise
        return results

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._commits.is_closed:
            raise self._closed()
        with self._reading:
            return query(self._reader)

    def _failure(self, error: Exception) -> PersistenceError:
        """Return the error that a caller gets for one of the database."""
        if isinstance(error, PersistenceError):
            ours = PersistenceError(
                error.what, why=error.why, fix=error.fix, context=error.context
            )
            ours.context.setdefault("database", self._path)
        else:
            ours = database_error(error, "written", self._path)
        ours.__cause__ = error
        return ours

    def _begin_close(self) -> threading.Thread | None:
        if self._commits.is_closed:
            return None
        thread = self._commits.close()
        if thread is None:
            self._close_connections()
        return thread

    def _close_connections(self) -> None:
        with self._reading:
            self._reader.close()
            self._writer.close()


def _check_name(name: str) -> None:
    """Refuse a name that no database can hold, before it spoils a shared commit."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise database_error(error, "written") from error


def _storable(text: str | None) -> str | None:
    """Return text with half surrogate pairs escaped: a message may hold anything."""
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
