"""Servers and workers as processes of their own, which tests may kill."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["Processes", "until"]

ROOT = Path(__file__).resolve().parents[3]
START_S = 60.0


def until(
    look: Callable[[], Any], seconds: float = START_S, every: float = 0.05
) -> Any:
    """Look until there is something to see; fail when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"nothing came within {seconds} s: {found!r}")
        time.sleep(every)


class Processes:
    """A server and its workers over one home folder; all are ended with the block."""

    def __init__(
        self, folder: Path, *, database_url: str | None = None, tls: bool = False
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.url = ""
        self.tls = tls
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._port = 0
        self._database_url = database_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            for name in sorted(path.name for path in self.folder.glob("*.err")):
                said = self.errors_of(name.removesuffix(".err"))
                sys.stdout.write(f"--- {name}\n{said[-3000:]}")
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()

    # --- processes --------------------------------------------------------------------

    def start_server(self, *options: str) -> None:
        """Start the server, and wait until it answers; again on the same port."""
        typed = ["server", "--port", str(self._port), *options]
        if self._database_url is not None:
            typed += ["--database-url", self._database_url]
        if self.tls:
            typed.append("--tls")
        told = self._start("server", typed)
        self.url = told["url"]
        self._port = int(self.url.rpartition(":")[2])
        until(self._answers)

    def start_server_everywhere(self) -> dict[str, Any]:
        """Start the server on all addresses; return what it says of itself."""
        everywhere = "0.0.0.0"  # noqa: S104 - what is to be shown
        told = self._start("server", ["server", "--port", "0", "--host", everywhere])
        self._port = int(told["url"].rpartition(":")[2])
        self.url = f"https://127.0.0.1:{self._port}"
        return told

    def start_worker(
        self, name: str, *options: str, wait: bool = True, key: str | None = None
    ) -> None:
        """Start a worker, and wait until the server can give it something."""
        typed = ["worker", name, "--server-url", self.url, *options]
        self._start(key or name, typed, wait=wait)
        if wait:
            until(lambda: name in self.connected())

    def kill(self, name: str, number: int = signal.SIGKILL) -> float:
        """Kill a process; return when, in seconds since 1970."""
        process = self.running.pop(name)
        process.send_signal(number)
        killed = time.time()
        process.wait(START_S)
        return killed

    def kill_scheduler(self) -> None:
        """Kill the scheduler, which is a child of the server."""
        server = psutil.Process(self.running["server"].pid)
        children = server.children(recursive=True)
        (found,) = [c for c in children if "_scheduler_main" in " ".join(c.cmdline())]
        found.kill()

    def errors_of(self, name: str) -> str:
        """Return what a process has written to its standard error."""
        return (self.folder / f"{name}.err").read_text(encoding="utf-8")

    def _start(
        self, name: str, typed: list[str], *, wait: bool = True
    ) -> dict[str, Any]:
        out = self.folder / f"{name}.out"
        errors = self.folder / f"{name}.err"
        environ = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("FLEXIFLOW", "COV_"))
        }
        environ |= {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
        with out.open("wb") as told, errors.open("ab") as said:
            self.running[name] = process = subprocess.Popen(
                [sys.executable, "-m", "flexiflow", "start", *typed, "--json", "-v",
                 "--home", str(self.home)],
                stdout=told, stderr=said, cwd=self.folder, env=environ,
            )  # fmt: skip

        def first_line() -> str:
            assert process.poll() is None, self.errors_of(name)
            text = out.read_text(encoding="utf-8")
            return text if text.endswith("\n") else ""

        if not wait:
            return {}
        found: dict[str, Any] = json.loads(until(first_line).splitlines()[0])
        return found

    # --- HTTP -------------------------------------------------------------------------

    def client(self) -> httpx.Client:
        """Return a client of the server, to be closed."""
        verify: Any = True
        if self.tls:
            ca = self.home / "certificates" / "ca.pem"
            verify = ssl.create_default_context(cafile=ca)
        return httpx.Client(base_url=self.url, timeout=30, verify=verify)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Return the data that the server answers, which is no error."""
        with self.client() as client:
            answer = client.request(method, path, **options)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def upload(self, code: str, name: str = "flow.py") -> None:
        """Upload a file."""
        self.ask("POST", "/workflows", files={"file": (name, code.encode())})

    def start(self, workflow: str, data: object = None) -> str:
        """Start an execution; return its id."""
        found: str = self.ask("POST", f"/workflows/{workflow}/run/async", json=data)[
            "execution_id"
        ]
        return found

    def run(self, workflow: str, data: object = None) -> dict[str, Any]:
        """Run an execution until it stops."""
        found: dict[str, Any] = self.ask(
            "POST", f"/workflows/{workflow}/run/sync", json=data
        )
        return found

    def status(self, workflow: str, execution_id: str) -> dict[str, Any]:
        """Return how far an execution has come."""
        path = f"/workflows/{workflow}/status/{execution_id}"
        found: dict[str, Any] = self.ask("GET", path)
        return found

    def state_is(self, workflow: str, execution_id: str, *states: str) -> bool:
        """Return whether an execution is in one of some states."""
        return self.status(workflow, execution_id)["state"] in states

    def wait(self, workflow: str, ids: list[str]) -> None:
        """Wait until some executions are completed."""
        for one in ids:
            until(lambda which=one: self.state_is(workflow, which, "COMPLETED"))

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return the workers by name."""
        return {found["name"]: found for found in self.ask("GET", "/workers")}

    def connected(self) -> set[str]:
        """Return the names of the workers that can be given something."""
        return {name for name, found in self.workers().items() if found["connected"]}

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/health").status_code == 200
        except httpx.HTTPError:
            return False
