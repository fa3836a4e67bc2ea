"""Dask's scheduler beside the server: a process of its own, or one that is there."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Final, Protocol, final

from ..errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["OtherScheduler", "SchedulerPlace", "SchedulerProcess"]

_log: Final = logging.getLogger("flexiflow.workflows.server")

_START_S: Final = 60.0
"""Seconds in which a scheduler must have told its address."""
_END_S: Final = 5.0
"""Seconds that it gets to end by itself."""
_REST_S: Final = (0.0, 0.5, 2.0, 10.0, 30.0)
"""Seconds before it is started the first, second, ... time in a row."""
_CALM_S: Final = 60.0
"""Seconds after which a start counts as the first in a row again."""


class SchedulerPlace(Protocol):
    """Where the scheduler is."""

    def address(self) -> str:
        """Return the address of a scheduler that runs; may block for some seconds.

        Raises
        ------
        WorkflowError
            If there is none for now.
        """

    def close(self) -> None:
        """End it, if it is ours."""


@final
class OtherScheduler:
    """A scheduler that others look after: that of a cluster.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.1:8786``.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def address(self) -> str:
        """Return the address that was given."""
        return self._address

    def close(self) -> None:
        """Leave it alone."""


@final
class SchedulerProcess:
    """A scheduler that is started here, and started again when it has died.

    Parameters
    ----------
    host : str, default "127.0.0.1"
        The address to listen on.
    port : int, default 0
        The port; 0 picks a free one, which is kept for the next start.
    contact : str, default ""
        The address to tell workers, where it is another one.
    tls : mapping of str to str, optional
        Files of Dask's ``Security``; nothing is encrypted without.
    clock : callable, optional
        Gives seconds that only grow.

    Notes
    -----
    It holds no secrets and no journal: it knows ids of executions and which worker has
    them. It ends with this process, ``kill -9`` included. May be used from any thread.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        contact: str = "",
        tls: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._host = host
        self._port = port
        self._contact = contact
        self._tls = dict(tls or {})
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._address = ""
        self._starts: list[float] = []
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The number of its process, or None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def address(self) -> str:
        """Return its address; start it first if it does not run.

        Raises
        ------
        WorkflowError
            If it cannot be started, or was closed.
        """
        with self._lock:
            if self._is_closed:
                raise _no_scheduler("It was closed, with the server.")
            process = self._process
            if process is not None:
                code = process.poll()
                if code is None:
                    return self._address
                _log.warning("the scheduler ended (%s); starting another one", code)
                self._drop(process)
            self._rest()
            self._start()
            return self._address

    def close(self) -> None:
        """End it; twice is harmless."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._drop(self._process)

    def _rest(self) -> None:
        """Refuse to start it again and again at once."""
        now = self._clock()
        self._starts = [start for start in self._starts if now - start < _CALM_S]
        rest = _REST_S[min(len(self._starts), len(_REST_S) - 1)]
        if self._starts and now - self._starts[-1] < rest:
            raise _no_scheduler(f"It has ended {len(self._starts)} times in a minute.")
        self._starts.append(now)

    def _start(self) -> None:
        """Start it, and wait for its address."""
        process = subprocess.Popen(  # noqa: S603 - this Python, and a module of ours
            [sys.executable, "-m", f"{__package__}._scheduler_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._process = process
        options = {
            "host": self._host,
            "port": self._port,
            "contact": self._contact,
            "tls": self._tls,
        }
        try:
            stdin, stdout = process.stdin, process.stdout
            if stdin is None or stdout is None:  # never: both are pipes
                raise _no_scheduler("It has no standard input.")
            stdin.write(json.dumps(options) + "\n")
            stdin.flush()
            told = json.loads(_line(stdout))
            self._address = told["address"]
            self._port = int(self._address.rpartition(":")[2])
        except (OSError, ValueError, KeyError) as error:
            self._drop(process)
            raise _no_scheduler(
                "Its process ended before it told its address; what it said stands "
                "above, on standard error."
            ) from error
        _log.info("the scheduler listens on %s", self._address)

    def _drop(self, process: subprocess.Popen[str]) -> None:
        """End a process, and wait for it."""
        self._process = None
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()  # by this it hears that the server ends
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _line(stream: IO[str]) -> str:
    """Return the first line of a process, "" when it takes too long."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: lines.put(stream.readline()), name="scheduler", daemon=True
    ).start()
    try:
        return lines.get(timeout=_START_S)
    except queue.Empty:
        return ""


def _no_scheduler(why: str) -> WorkflowError:
    return WorkflowError(
        "The scheduler does not run",
        why=why,
        fix="Look at what it said on standard error; workers are asked again when it "
        "is back. Or use another one: flexiflow start server --scheduler ADDRESS",
    )
