"""Rules of a server that is a process of its own: sockets, restarts, who hangs up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from flexiflow.workflows.server import create_server_app, streams
from tests.workflows.server.conftest import ORDER, client_of, upload
from tests.workflows.server.thread_server import free_port, listening_socket

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
WAIT_S = 15


@contextmanager
def server_process(home, port):
    """Run a server over a home folder; give the process once it answers."""
    program = Path(__file__).with_name("serve_here.py")
    process = subprocess.Popen(
        [sys.executable, str(program), str(home), str(port)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    try:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health")
                break
            except httpx.TransportError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the port and the home of a server that sells things."""
    home, port = tmp_path_factory.mktemp("served") / "home", free_port()
    with server_process(home, port):
        answer = httpx.post(
            f"http://127.0.0.1:{port}/workflows", files={"file": ("shop.py", ORDER)}
        )
        assert answer.status_code == 200
        yield home, port


@pytest.fixture
def client(place):
    """Return a client of the process."""
    with httpx.Client(base_url=f"http://127.0.0.1:{place[1]}", timeout=WAIT_S) as made:
        yield made


class TestSockets:
    def test_large_upload_is_refused_early(self, client, place, tmp_path):
        """50 MB are refused by their length; the answer arrives, the server is well."""
        large = tmp_path / "large.py"
        large.write_bytes(b"#" * 50_000_000)
        found = subprocess.run(
            [
                *("curl", "--silent", "--show-error", "--form", f"file=@{large}"),
                *("--write-out", "%{http_code} %{size_upload}"),
                f"http://127.0.0.1:{place[1]}/workflows",
            ],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

        assert '"flexiflow.access"' in found.stdout
        assert " 413 " in f" {found.stdout.rpartition('}')[2]} "
        assert client.get("/workflows").status_code == 200

    def test_stream_arrives_as_it_happens(self, client):
        """The first event is there while the workflow still runs."""
        with client.stream("POST", "/workflows/lasting/run/stream") as answer:
            lines = answer.iter_lines()
            first = next(line for line in lines if line.startswith("event:"))
            which = answer.headers["X-Execution-Id"]
            cancelled = httpx.post(
                f"{client.base_url}/workflows/lasting/cancel/{which}?mode=sync"
            )
            rest = [line for line in lines if line.startswith("event:")]

        assert first == "event: workflow.execution.running"
        assert cancelled.json()["state"] == "CANCELLED"
        assert rest == ["event: workflow.execution.cancelled"]

    def test_connection_that_breaks_is_gone_on_with(self, client):
        """A client that comes back to a stream misses nothing."""
        with client.stream("POST", "/workflows/lasting/run/stream") as answer:
            number = next(
                line for line in answer.iter_lines() if line.startswith("id:")
            )
            which = answer.headers["X-Execution-Id"]
        client.post(f"/workflows/lasting/cancel/{which}?mode=sync")
        again = client.post(
            "/workflows/lasting/run/stream",
            headers={"Last-Event-ID": number.partition(": ")[2]},
        )

        assert again.text.count("event:") == 1
        assert "workflow.execution.cancelled" in again.text


@asynccontextmanager
async def listening(server):
    """Serve from the test's own loop; give the address."""
    port = free_port()
    config = uvicorn.Config(
        create_server_app(server), port=port, log_level="warning", lifespan="off"
    )
    serving = uvicorn.Server(config)
    task = asyncio.create_task(serving.serve([listening_socket(port)]))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        serving.should_exit = True
        await task


class TestHangingUp:
    @pytest.mark.parametrize("mode", ["stream", "sync"])
    async def test_leaves_nothing_behind(self, server, mode):
        """Who hangs up is not waited with any more; the execution goes on."""
        async with listening(server) as url:
            async with httpx.AsyncClient(base_url=url, timeout=WAIT_S) as client:
                await client.post("/workflows", files={"file": ("shop.py", ORDER)})
                path = f"/workflows/lasting/run/{mode}"
                asking = asyncio.create_task(client.post(path))
                while not server.news.waiting:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                while server.news.waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                tasks = [task.get_name() for task in asyncio.all_tasks()]
            state = server.journal.executions()[0].state

        assert "flexiflow news" not in tasks
        assert state in {"CREATED", "CLAIMED", "RUNNING"}

    async def test_server_that_ends_says_so(self, server):
        """Who waits is told that the server ends, and that the execution goes on."""
        async with client_of(server) as client:
            await upload(client)
            waiting = asyncio.create_task(client.post("/workflows/lasting/run/sync"))
            streaming = asyncio.create_task(
                client.post("/workflows/lasting/run/stream")
            )
            while server.news.waiting < 2:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
            server.news.end()
            answer, stream = await asyncio.gather(waiting, streaming)

        assert answer.status_code == 503
        assert "goes on" in answer.json()["why"]
        assert stream.status_code == 200

    async def test_silence_is_broken(self, server, monkeypatch):
        """A stream in which nothing happens gives a sign of life."""
        monkeypatch.setattr(streams, "KEEP_ALIVE_S", 0.05)
        async with client_of(server) as client:
            await upload(client)
            asking = asyncio.create_task(client.post("/workflows/lasting/run/stream"))
            await asyncio.sleep(1.2)
            which = server.journal.executions()[0].id
            await client.post(f"/workflows/lasting/cancel/{which}?mode=sync")
            answer = await asking

        assert ": still here" in answer.text


class TestRestart:
    def test_killed_server_loses_nothing(self, tmp_path):
        """What was answered for before ``kill -9`` is there after it."""
        home, port = tmp_path / "home", free_port()
        url = f"http://127.0.0.1:{port}"
        head = {"Idempotency-Key": "one"}
        with server_process(home, port) as process:
            httpx.post(f"{url}/workflows", files={"file": ("shop.py", ORDER)})
            cakes = {"item": "cake", "count": 9}
            paused = httpx.post(
                f"{url}/workflows/order/run/sync", json=cakes, headers=head
            )
            process.kill()
            process.wait()
        with server_process(home, port):
            again = httpx.post(
                f"{url}/workflows/order/run/sync", json=cakes, headers=head
            )
            which = again.json()["execution_id"]
            answer = httpx.post(f"{url}/workflows/order/resume/{which}/sync", json=True)

        assert again.json() == paused.json()
        assert answer.json()["output"] == "paid 63"
