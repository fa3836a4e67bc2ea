"""The program of the scheduler's process: Dask's scheduler, and nothing of ours.

It is started by the server, which writes the options as one line of JSON to its
standard input and reads the address from its standard output. When its standard input
ends, the server has ended, and so does it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any, Final

__all__: list[str] = []

_SETTINGS: Final = {
    "logging": {"distributed": "warning"},
    # An execution that ends its processes fails by the journal, which knows which.
    "distributed.scheduler.allowed-failures": 1_000_000,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.scheduler.http.routes": ["distributed.http.health"],
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.comm.timeouts.connect": "10s",
}


_CALL_S: Final = 3
"""Seconds to try a call to a worker; Dask's own 30 hold up all that is asked together
with one that was killed."""


async def _serve(options: dict[str, Any]) -> None:  # Any: read from JSON
    """Run the scheduler until the server has ended."""
    import dask  # noqa: PLC0415 - as below

    dask.config.set(_SETTINGS)
    # the settings count when it is imported
    from distributed import Scheduler, Security  # noqa: PLC0415

    tls: dict[str, str] = options["tls"]
    security = Security(require_encryption=True, **tls) if tls else None
    scheme = "tls" if tls else "tcp"
    scheduler = Scheduler(
        host=f"{scheme}://{options['host']}",
        port=options["port"],
        contact_address=options["contact"] or None,
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        security=security,
        timeout=_CALL_S,
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Ctrl-C goes to the whole group: the server ends first, and this one with it
        loop.add_signal_handler(number, _nothing)
    loop.add_reader(sys.stdin.fileno(), _look, ended)
    async with scheduler:
        sys.stdout.write(json.dumps({"address": scheduler.address}) + "\n")
        sys.stdout.flush()
        await ended.wait()


def _nothing() -> None:
    """Leave a signal to the server."""


def _look(ended: asyncio.Event) -> None:
    """See whether the server has ended: nothing else comes from it."""
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        ended.set()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.stdin.readline())))
