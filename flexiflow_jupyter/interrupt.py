"""Let the stop button end a cell that waits for something to happen."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from typing import final

__all__ = ["Waker"]

_NONE = -1
"""What ``signal.set_wakeup_fd`` returns and takes for no file."""


@final
class Waker:
    """Wakes the event loop of the main thread at each signal.

    Notes
    -----
    ipykernel answers an interrupt by cancelling the task of the cell. A loop in which
    nothing else happens does not see that before its next event, since Python goes on
    waiting after a signal handler that does not raise. The file that Python writes to
    at each signal (``signal.set_wakeup_fd``) is such an event.
    """

    def __init__(self) -> None:
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def install(self) -> None:
        """Begin, when a loop runs in the main thread and nobody else does the same."""
        if self._ends or threading.current_thread() is not threading.main_thread():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a terminal: its loop runs during a cell only
            return
        reader, writer = socket.socketpair()
        reader.settimeout(0)
        writer.settimeout(0)
        taken = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        if taken != _NONE:
            signal.set_wakeup_fd(taken)
            reader.close()
            writer.close()
            return
        loop.add_reader(reader, _drain, reader)
        self._ends, self._loop = (reader, writer), loop

    def remove(self) -> None:
        """End; idempotent. A file that somebody else has set meanwhile stays."""
        if self._ends is None or self._loop is None:
            return
        reader, writer = self._ends
        present = signal.set_wakeup_fd(_NONE)
        if present != writer.fileno():
            signal.set_wakeup_fd(present)
        if not self._loop.is_closed():
            self._loop.remove_reader(reader)
        reader.close()
        writer.close()
        self._ends = self._loop = None


def _drain(reader: socket.socket) -> None:
    """Take out the numbers of the signals; being woken was all that was wanted."""
    with contextlib.suppress(BlockingIOError):
        reader.recv(4096)
