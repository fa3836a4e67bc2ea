"""A worker: it registers at a server, takes executions from Dask, and runs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ...errors import FlexiFlowError, missing_extra
from ..errors import WorkflowError
from ..journal import open_journal
from ..runtime import Runtime
from ._fit import SLOTS
from ._machine import (
    cpu_count,
    gpu_count,
    is_loopback,
    machine_id,
    memory_size,
    packages,
)
from ._performer import Performer
from ._proof import PROOF_FILE
from ._task import PLUGIN
from ._worker_codes import Codes
from ._worker_line import Line, RefusedError, UnreachableError, is_unknown
from .certificates import WorkerKey

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WorkerOptions", "WorkerProcess"]

_log: Final = logging.getLogger("flexiflow.workflows.server")

_SETTINGS: Final = {
    "logging": {"distributed": "error"},
    "distributed.worker.http.routes": ["distributed.http.health"],
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": "10s",
}
"""Dask's settings in a worker's process."""
_BEAT_S: Final = 3.0
"""Seconds between two words to the server."""
_LOOK_S: Final = 0.1
"""Seconds between two looks at Dask's worker."""
_RESTS_S: Final = (0.2, 0.5, 1.0)
"""Seconds before the first, second, ... try to register again; the last for good."""
_NAME_TRIES: Final = 6
"""How often a name may be taken at the first registration: by what was killed."""
_JOIN_S: Final = 15
_SERVER_ERRORS: Final = 500
_LAST_WORDS_S: Final = 1.0
_NAME_TAKEN: Final = "flexiflow.workflow.name_taken"


@final
@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker is, and how it ends."""

    name: str
    """Its name."""
    line: Line
    """To the server."""
    home: Path
    """Where it keeps code, certificates and what Dask needs."""
    slots: int = 32
    """How many executions it takes at once."""
    cpu: float = field(default_factory=cpu_count)
    """Its cores."""
    memory: int = field(default_factory=memory_size)
    """Its memory in bytes."""
    gpu: int = field(default_factory=gpu_count)
    """Its GPUs."""
    drain_s: float = 20.0
    """Seconds that executions may still take when it is asked to end."""


@final
class WorkerProcess:
    """A worker of one process; owns its runtime and Dask's worker while it runs.

    Parameters
    ----------
    options : WorkerOptions
        What it is.
    on_joined : callable
        Called with facts about the server each time it has joined.
    """

    def __init__(
        self,
        options: WorkerOptions,
        on_joined: Callable[[dict[str, Any]], object],  # Any: JSON data
    ) -> None:
        self._options = options
        self._on_joined = on_joined
        self._instance = secrets.token_hex(8)
        self._line = options.line
        self._codes = Codes(self._line, options.home / "code")
        self._key: WorkerKey | None = None
        self._place: dict[str, str] = {}
        self._runtime: Runtime | None = None
        self._performer: Performer | None = None
        self._welcome: dict[str, Any] = {}
        self._is_unknown = asyncio.Event()
        self._old: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Work until asked to stop.

        Parameters
        ----------
        stop : asyncio.Event
            Set: take nothing more, let what runs end, hand back what takes too long.
        hurry : asyncio.Event
            Set: hand back at once.

        Raises
        ------
        WorkflowError
            If the server refuses the first registration, or the journal cannot be
            reached from here.
        """
        _set_up_dask()
        self._loop = asyncio.get_running_loop()
        if not await self._register_first(stop):
            return
        beat = asyncio.create_task(self._beat())
        try:
            while not stop.is_set():
                await self._work(stop, hurry)
        finally:
            beat.cancel()
            self._close()
            with contextlib.suppress(FlexiFlowError):
                await asyncio.to_thread(self._line.goodbye)

    # --- the server -------------------------------------------------------------------

    async def _register_first(self, stop: asyncio.Event) -> bool:
        """Register; False when asked to stop before the server answered."""
        taken = tries = 0
        while not stop.is_set():
            try:
                await self._register()
            except UnreachableError as error:
                if tries == 0:
                    _log.warning("%s\nTrying on.", error)
            except RefusedError as error:
                taken += error.told_code == _NAME_TAKEN
                if error.status < _SERVER_ERRORS and not 0 < taken < _NAME_TRIES:
                    raise
                _log.warning("%s; trying on", error.what)
            else:
                return True
            await _either(stop, _RESTS_S[min(tries, len(_RESTS_S) - 1)])
            tries += 1
        return False

    async def _register(self) -> None:
        """Register once, and have what is needed to work."""
        report = self._report()
        welcome = await asyncio.to_thread(self._line.register, report)
        self._is_unknown.clear()
        if welcome["journal"] != self._place:
            await asyncio.to_thread(self._open, welcome["journal"])
        self._welcome = welcome

    async def _register_again(self, stop: asyncio.Event) -> None:
        """Register until it succeeds: servers begin anew."""
        tries, told = 0, ""
        while not stop.is_set():
            try:
                await self._register()
                return
            except FlexiFlowError as error:
                if error.what != told:  # each reason once, however long it takes
                    _log.warning("%s; trying on. %s", error.what, error.why)
                told = error.what
            await _either(stop, _RESTS_S[min(tries, len(_RESTS_S) - 1)])
            tries += 1

    def _report(self) -> dict[str, Any]:
        """Return what the server is told."""
        options = self._options
        if self._key is None:
            with contextlib.suppress(FlexiFlowError):  # it is asked for if need be
                self._key = WorkerKey(options.home / "certificates")
        return {
            "name": options.name,
            "instance": self._instance,
            "machine": machine_id(),
            "python": platform.python_version(),
            "platform": platform.platform(terse=True),
            "cpu": options.cpu,
            "memory": options.memory,
            "gpu": options.gpu,
            "slots": options.slots,
            "packages": packages(),
            "certificate_request": None
            if self._key is None
            else self._key.request(options.name),
        }

    async def _beat(self) -> None:
        """Stay known to the server; hear when it knows nothing any more."""
        is_told = False
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await asyncio.to_thread(self._line.renew)
                is_told = False
            except UnreachableError as error:
                if not is_told:
                    _log.warning("%s; working on", error.what)
                is_told = True
            except FlexiFlowError as error:
                if is_unknown(error):
                    self._is_unknown.set()
                else:
                    _log.warning("%s", error.what)

    # --- the runtime ------------------------------------------------------------------

    def _open(self, place: dict[str, str]) -> None:
        """Open the journal that the server has named."""
        if place["kind"] == "sqlite":
            _check_disk(place)
            home, at = Path(place["home"]), place["path"]
        else:
            home, at = self._options.home, place["url"]
        before, loop = self._runtime, self._loop
        # Bodies that wait are held by nobody: whoever is free goes on with them.
        runtime = Runtime(open_journal(at), home=home, max_parked=0)
        self._performer = Performer(
            runtime,
            self._codes,
            self._line,
            lambda: loop and loop.call_soon_threadsafe(self._is_unknown.set),
        )
        self._runtime, self._place = runtime, place
        if before is not None:
            _end(before)

    def _close(self) -> None:
        """Let go of what still runs: others go on with it."""
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            _end(runtime)

    # --- Dask -------------------------------------------------------------------------

    async def _work(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Be a worker of the scheduler until it is gone, or this one has to end."""
        worker = await self._join()
        if worker is None:
            if not stop.is_set():
                await _either(stop, _RESTS_S[1])
                await self._register_again(stop)
            return
        joined = self._welcome
        self._on_joined({"name": self._options.name, "scheduler": joined["scheduler"]})
        while not stop.is_set() and _is_up(worker):
            if self._is_unknown.is_set():
                await self._register_again(stop)
                if self._welcome["scheduler"] != joined["scheduler"]:
                    break
            await _either(stop, _LOOK_S)
        if stop.is_set():
            await self._drain(worker, hurry)
        self._leave(worker)
        if stop.is_set():
            await asyncio.wait(self._old, timeout=2)
        elif self._welcome is joined:
            _log.warning("the line to the scheduler broke; registering again")
            await self._register_again(stop)

    async def _join(self) -> Any:
        """Return a worker of the scheduler, or None; Any: of an optional package."""
        from distributed import Security, Worker  # noqa: PLC0415 - see _set_up_dask

        options, welcome = self._options, self._welcome
        address = str(welcome["scheduler"])
        scheme, _, place = address.partition("://")
        security = None
        if welcome.get("certificate") and scheme == "tls":
            if self._key is None:
                raise missing_extra("server", "cryptography", "TLS")
            files = self._key.dask(welcome["certificate"], welcome["authority"])
            security = Security(require_encryption=True, **files)
        is_local = is_loopback(place.rpartition(":")[0])
        worker = Worker(
            address,
            name=options.name,
            nthreads=options.slots + max(1, int(options.cpu)),
            resources={
                SLOTS: options.slots,
                "CPU": options.cpu,
                "MEMORY": options.memory,
                "GPU": options.gpu,
            },
            plugins=(_plugin(self._performer),),
            memory_limit=0,
            protocol=scheme,
            host="127.0.0.1" if is_local else None,
            dashboard=False,
            dashboard_address="127.0.0.1:0",
            security=security,
            local_directory=str(options.home / "dask"),
            death_timeout=_JOIN_S,
        )
        try:
            await worker
        except Exception as error:  # noqa: BLE001 - whatever Dask makes of it
            _log.warning("the scheduler at %s cannot be joined: %s", address, error)
            self._leave(worker)
            return None
        return worker

    async def _drain(self, worker: Any, hurry: asyncio.Event) -> None:
        """Let what runs come to its end; hand back the rest. Any: Dask's worker."""
        from distributed import Status  # noqa: PLC0415 - see _set_up_dask

        performer = self._performer
        if performer is None or not _is_up(worker):
            return
        performer.leave()
        worker.status = Status.paused
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._options.drain_s
        while performer.at_work and loop.time() < ends and not hurry.is_set():
            await _either(hurry, _LOOK_S)
        if performer.at_work:
            _log.warning("handing back %d executions", len(performer.at_work))
        await asyncio.to_thread(self._close)
        # Dask tells the scheduler of what was handed back
        await asyncio.sleep(_LAST_WORDS_S if performer.at_work else _LOOK_S)

    def _leave(self, worker: Any) -> None:
        """Close Dask's worker; its threads may still run. Any: Dask's worker."""

        async def close() -> None:
            with contextlib.suppress(Exception):  # it may be broken in any way
                await worker.close(timeout=1, executor_wait=False)

        task = asyncio.create_task(close())
        self._old.add(task)
        task.add_done_callback(self._old.discard)


def _set_up_dask() -> None:
    """Import Dask with our settings, which count from the import on.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import dask  # noqa: PLC0415 - an extra, and half a second

        dask.config.set(_SETTINGS)
        import distributed  # noqa: F401, PLC0415 - as above
    except ImportError as error:
        raise missing_extra("dask", "distributed", "A worker") from error


def _plugin(performer: Performer | None) -> Any:  # Any: of an optional package
    """Return what keeps the performer at Dask's worker, where tasks find it."""
    from distributed import WorkerPlugin  # noqa: PLC0415 - see _set_up_dask

    class Plugin(WorkerPlugin):
        name = PLUGIN

    plugin: Any = Plugin()
    plugin.performer = performer
    return plugin


def _is_up(worker: Any) -> bool:  # Any: of an optional package
    """Return whether Dask's worker has a scheduler."""
    name: str = worker.status.name
    return name in {"running", "paused", "init", "starting"}


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or for some seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _end(runtime: Runtime) -> None:
    """Close a runtime and its journal; what runs in it stops."""
    journal = runtime.journal
    runtime.close()
    journal.close()


def _check_disk(place: dict[str, str]) -> None:
    """Refuse a journal in a file of another machine.

    Raises
    ------
    WorkflowError
        If this machine does not have the folder of the server.
    """
    try:
        found = (Path(place["home"]) / PROOF_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        found = str(error)
    if found != place["proof"]:
        raise WorkflowError(
            "The journal of the server cannot be reached from here",
            why=f"It is the SQLite file {place['path']} of the server's machine, and "
            "this worker does not see that folder, or another one of that name.",
            fix="Start the worker where the server is, with the right to write there; "
            "or give the server a PostgreSQL journal: "
            "FLEXIFLOW_DATABASE_URL=postgresql://...",
        )
