"""The program of a server process for tests: a home folder and a port."""

import asyncio
import contextlib
import sys
from pathlib import Path

import uvicorn

from flexiflow.workflows.server import create_server_app
from tests.workflows.server.conftest import serving


async def serve(home, port):
    """Serve until the process ends."""
    with serving(home) as server:
        app = create_server_app(server, allowed_hosts={"localhost", "127.0.0.1"})
        config = uvicorn.Config(
            app, port=port, log_level="warning", timeout_graceful_shutdown=1
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
