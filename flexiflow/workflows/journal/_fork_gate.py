"""Let a process fork only while nobody uses the database."""

from __future__ import annotations

import threading
from typing import final

__all__ = ["ForkGate"]


@final
class ForkGate:
    """Lets many in at once (``with gate:``), and nobody while it is shut.

    Notes
    -----
    SQLite keeps its locks by process and file: a child that inherits an open connection
    cannot safely use the file at all, not even by a connection of its own. So the
    connections are closed while the gate is shut around a fork.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._is_shut = False

    def __enter__(self) -> None:
        """Go in; wait as long as the gate is shut."""
        with self._changed:
            while self._is_shut:
                self._changed.wait()
            self._inside += 1

    def __exit__(self, *_error: object) -> None:
        """Go out."""
        with self._changed:
            self._inside -= 1
            if self._is_shut and not self._inside:
                self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody in any more, and wait until all are out."""
        with self._changed:
            self._is_shut = True
            while self._inside:
                self._changed.wait()

    def open(self) -> None:
        """Let those in who wait."""
        with self._changed:
            self._is_shut = False
            self._changed.notify_all()
