"""A server in a thread of the tests, on a port of its own."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn

from flexiflow.workflows.server import create_server_app
from flexiflow.workflows.server.uploads import read_upload
from tests.workflows.server.conftest import serving


def free_port():
    """Return a port that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def listening_socket(port):
    """Return a socket on a port."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen()
    return made


class ServerThread:
    """A server in a thread, which can be stopped and started again."""

    def __init__(self, home, **options):
        self.home = home
        self.port = free_port()
        self.options = options
        self._stop = None

    @property
    def url(self):
        """Return where it is."""
        return f"http://127.0.0.1:{self.port}"

    def upload(self, code, name="shop.py"):
        """Put a file into its catalogue."""
        self.server.catalogue.add(read_upload(name, code.encode()))

    def start(self):
        """Start it; return when it listens."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def stop(self):
        """Stop it."""
        self._stop()
        self._thread.join(10)

    def _run(self, ready):
        asyncio.run(self._serve(ready))

    async def _serve(self, ready):
        with serving(self.home) as self.server:
            app = create_server_app(self.server, **self.options)
            config = uvicorn.Config(
                app,
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=0,
            )
            running = uvicorn.Server(config)
            self._stop = lambda: setattr(running, "should_exit", True)
            taken = listening_socket(self.port)
            ready.set()
            await running.serve([taken])
