"""Be known to the other processes of a PostgreSQL journal, and hear from them."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, final

import psycopg

from ._postgres_link import Link, Patience, abandon, is_passing
from ._postgres_schema import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocol import OnWritten

__all__ = ["Presence"]

_logger = logging.getLogger("flexiflow")

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.")
_APART_S: Final = 0.02
"""Seconds between two announcements of one process, at least."""
_STEPS_APART_S: Final = 0.1
"""The same where executions went on without a change of their state."""
_CHECK_S: Final = 15.0
"""Seconds after which a silent connection is asked whether it is still there."""
_RETRY_S: Final = 0.2
"""Seconds between two tries to have the lock again."""

_STARTED: Final = (
    b"SELECT floor(extract(epoch FROM flexiflow.ready_since()) * 1000)::bigint"
)
_TAKE: Final = b"SELECT pg_try_advisory_lock(flexiflow.lock_key('owner', %s))"
_LET_GO: Final = b"SELECT pg_advisory_unlock(flexiflow.lock_key('owner', %s))"


@final
class Presence:
    """Owns a connection that holds the lock of this process, and listens.

    Parameters
    ----------
    link : Link
        Where the database is.
    timeout_s : float
        Seconds to wait for the server, at first.

    Raises
    ------
    psycopg.Error
        If the server cannot be reached.

    Notes
    -----
    The lock ends with the session, so that a dead process, or a host that is out of
    reach, holds none. A thread keeps the connection: lost, it is opened again for as
    long as it takes. The name is never used again. It ends with the time at which the
    server had started, by which the database tells owners that lost their locks with
    the server from those that died.
    """

    def __init__(self, link: Link, timeout_s: float) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._listeners: list[OnWritten] = []
        self._untold: set[str] | None = None
        self._closing = threading.Event()
        self._has_lock = False
        self._told_at = 0.0
        self._wake, self._bell = socket.socketpair()
        self._bell.settimeout(0)
        self._conn: psycopg.Connection | None = None
        patience = Patience(timeout_s)
        while self._conn is None:
            try:
                self._conn = link.connect()
                row = self._conn.execute(_STARTED).fetchone()
            except psycopg.Error as error:
                if self._conn is not None:
                    self._conn.close()
                    self._conn = None
                if not is_passing(error) or not patience.wait():
                    self._close_sockets()
                    raise
        host = "".join(c for c in socket.gethostname().lower() if c in _PLAIN)
        started = 0 if row is None else row[0]
        self.name: Final = (
            f"{host[:40]}-{os.getpid()}-{secrets.token_hex(4)}.{started:013d}"
        )
        self._begin(self._conn)
        self._thread = threading.Thread(
            target=self._run, name="flexiflow-journal-presence", daemon=True
        )
        self._thread.start()

    def listen(self, callback: OnWritten) -> Callable[[], None]:
        """Call a function, in the thread, when something was written."""
        with self._lock:
            self._listeners.append(callback)

        def stop() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._listeners.remove(callback)

        return stop

    def announce(self, states: frozenset[str]) -> None:
        """Tell all processes that something was written; returns at once."""
        with self._lock:
            is_new = self._untold is None
            is_news = bool(states) and not self._untold
            self._untold = (self._untold or set()) | states
        if is_new or is_news:
            self._ring()

    def close(self) -> None:
        """Say what is still to be said, and let go of the lock."""
        self._closing.set()
        self._ring()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def forget(self) -> None:
        """Let go of what belongs to the process that forked this one."""
        if self._conn is not None:
            abandon(self._conn)
        self._close_sockets()

    # --- the thread -------------------------------------------------------------------

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake anyway
            self._bell.send(b".")

    def _close_sockets(self) -> None:
        self._wake.close()
        self._bell.close()

    def _run(self) -> None:
        """Keep the connection until closed."""
        try:
            while True:
                try:
                    self._serve()
                except psycopg.Error as error:
                    _logger.debug("the journal's presence was lost: %s", error)
                if self._conn is not None:
                    self._conn.close()
                    self._conn = None
                if self._closing.is_set():
                    return
                self._reconnect()
                if self._conn is not None:
                    self._hear(None)
        finally:
            self._close_sockets()

    def _serve(self) -> None:
        """Listen and tell until closed; raise when the connection is lost."""
        conn = self._conn
        if conn is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            selector.register(conn.fileno(), selectors.EVENT_READ)
            while not self._closing.is_set():
                ready = selector.select(self._pause_s())
                if not ready and self._untold is None:
                    conn.execute(b"SELECT 1")
                if any(key.fileobj is self._wake for key, _ in ready):
                    self._wake.recv(4096)
                if not self._has_lock:
                    self._begin(conn)
                self._tell(conn)
                for heard in conn.notifies(timeout=0):
                    self._hear(frozenset(filter(None, heard.payload.split(","))))
            self._told_at = 0.0
            self._tell(conn)
            # The session ends a moment after its connection: nobody has to wait for it.
            conn.execute(_LET_GO, [self.name])

    def _pause_s(self) -> float:
        """Return how long there is nothing to do, if nobody rings."""
        if self._untold is not None:
            return max(0.0, self._due_at() - time.monotonic())
        return _CHECK_S if self._has_lock else _RETRY_S

    def _due_at(self) -> float:
        """Return when to tell what was written."""
        return self._told_at + (_APART_S if self._untold else _STEPS_APART_S)

    def _begin(self, conn: psycopg.Connection) -> None:
        """Listen, and take the lock, unless a session that broke still holds it."""
        conn.execute(f"LISTEN {CHANNEL}".encode())
        row = conn.execute(_TAKE, [self.name]).fetchone()
        self._has_lock = row is not None and row[0] is True

    def _reconnect(self) -> None:
        """Open another connection, for as long as it takes."""
        pause_s = 0.02
        self._has_lock = False
        while not self._closing.is_set():
            try:
                conn = self._link.connect()
                try:
                    self._begin(conn)
                except BaseException:
                    conn.close()
                    raise
                self._conn = conn
            except psycopg.Error:
                self._closing.wait(pause_s)
                pause_s = min(pause_s * 2, 1.0)
            else:
                return

    def _tell(self, conn: psycopg.Connection) -> None:
        """Tell what was written since the last time, not too often."""
        if self._untold is None or time.monotonic() < self._due_at():
            return
        with self._lock:
            states, self._untold = self._untold, None
        self._told_at = time.monotonic()
        payload = ",".join(sorted(states or ()))[:_LONGEST]
        # Without a word to the disk: a notification holds a lock of all databases.
        conn.execute(b"SELECT pg_notify(%s, %s)", [CHANNEL, payload])

    def _hear(self, states: frozenset[str] | None) -> None:
        """Tell those who listen."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(states)
            except Exception:
                _logger.exception("a listener of the journal failed")


_LONGEST: Final = 7000
"""PostgreSQL takes less than 8000 bytes as the text of a notification."""
