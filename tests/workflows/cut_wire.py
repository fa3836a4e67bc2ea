"""A wire between a client and a server that can be cut at the worst moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import final

__all__ = ["Wire"]


@final
class Wire:
    """Forwards connections to a port; :meth:`cut_before_answers` cuts them.

    Parameters
    ----------
    port : int
        Where the server listens, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        """Where to connect instead."""
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._trigger = b""
        self._is_mute = False
        self.answered = threading.Event()
        """Set when an answer was swallowed: the server has done what it was asked."""
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut_before_answers(self, trigger: bytes) -> None:
        """Pass one request that holds these bytes on, swallow its answer, and cut."""
        with self._lock:
            self._trigger = trigger
        self.answered.clear()

    def close(self) -> None:
        """Cut everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        self._thread.join()
        for pair in self._pairs:
            self._cut(pair)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                pair = (client, server)
                self._pairs.append(pair)
                state = {"cut": False}
                for args in (
                    (client, server, pair, state),
                    (server, client, pair, state),
                ):
                    threading.Thread(
                        target=self._forward, args=args, daemon=True
                    ).start()

    def _forward(self, source, target, pair, state) -> None:
        is_request = source is pair[0]
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_request:
                    with self._lock:
                        if self._trigger and self._trigger in data:
                            self._trigger = b""
                            state["cut"] = True
                elif state["cut"]:
                    self.answered.set()
                    break
                target.sendall(data)
        self._cut(pair)

    @staticmethod
    def _cut(pair) -> None:
        for one in pair:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
