"""Rules of `serve` and `watch`: commands that run until they are asked to end."""

import json
import signal
import socket
import time

import httpx
import pytest

from flexiflow.cli import serve
from flexiflow.cli.serve import is_loopback
from flexiflow.extras import SnapshotStore

needs_signals = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="signals of POSIX"
)


def end(process):
    """Ask a process to end, and return its exit code and what it said on errors."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=15)
    return process.returncode, err


@needs_signals
class TestServe:
    @pytest.mark.timeout(60)
    def test_serves_the_store(self, start, run):
        """What is sent over HTTP is in the store, and the other way round."""
        run("register", "--config", "config.yaml", "--start")
        process = start("serve", "--config", "config.yaml", "--port", "0", "--json")
        url = json.loads(process.stdout.readline())["url"]

        before = httpx.get(f"{url}/components/job", timeout=10).json()["state"]
        message = {"type": "confirm", "content": "confirmed"}
        sent = httpx.post(f"{url}/components/job/message", json=message, timeout=10)
        rows = httpx.get(f"{url}/components/job/history", timeout=10).json()
        foreign = httpx.get(
            f"{url}/components", headers={"Host": "evil.example"}, timeout=10
        )
        held = run("handle", "--config", "config.yaml", "cancel", "--wait", "0")
        ended = end(process)

        assert before == "AwaitingConfirmation"
        assert sent.json()["to_state"] == "ProcessingRequest"
        assert [row["message_type"] for row in rows] == [
            "confirm",
            "start",
            "(registered)",
        ]
        assert foreign.status_code == 403
        assert held.code == 1
        assert ended == (0, "")
        assert run("handle", "--config", "config.yaml", "complete").out == (
            "job: ProcessingRequest -> InitialState\n"
        )

    @pytest.mark.timeout(60)
    def test_open_stream_does_not_keep_it(self, start):
        """A client that follows the events does not keep the server from ending."""
        process = start("serve", "--config", "config.yaml", "--port", "0", "--json")
        url = json.loads(process.stdout.readline())["url"]
        with httpx.stream("GET", f"{url}/events", timeout=10) as stream:
            next(stream.iter_bytes())
            code, _ = end(process)

        assert code == 0

    @pytest.mark.timeout(60)
    def test_applies_changes(self, start, folder):
        """With --watch a served component follows its config."""
        config = folder / "config.yaml"
        process = start("serve", "config.yaml", "--port", "0", "--watch", "--json")
        url = json.loads(process.stdout.readline())["url"]
        httpx.get(f"{url}/health", timeout=10)
        time.sleep(1)  # until the system watches the folder, which nothing tells
        config.write_text(config.read_text().replace("first: 1", "other: 2"))
        told = json.loads(process.stdout.readline())
        rules = httpx.get(f"{url}/components/job", timeout=10).json()["rules"]
        code, err = end(process)

        assert told["applied"]
        assert rules == [{"other": 2}]
        assert (code, err) == (0, "")

    def test_other_address_needs_a_token(self, run, folder):
        """An address that others can reach is refused without a token."""
        (folder / "empty").write_text(" \n")
        refused = run("serve", "--config", "config.yaml", "--host", "0.0.0.0")  # noqa: S104
        empty = run("serve", "config.yaml", "--token-file", "empty")

        assert (refused.code, empty.code) == (1, 1)
        assert "--token-file" in refused.err
        assert "empty" in empty.err

    def test_port_that_is_taken(self, run):
        """A port that cannot be had is a clear error, one that is none wrong usage."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = run("serve", "config.yaml", "--port", other.getsockname()[1])
        wrong = run("serve", "config.yaml", "--port", "99999")

        assert (taken.code, wrong.code) == (1, 2)
        assert "Cannot listen" in taken.err

    def test_without_the_extra(self, run, monkeypatch):
        """Without uvicorn, the extra is named."""
        monkeypatch.setattr(serve, "uvicorn", None)
        ran = run("serve", "config.yaml")

        assert ran.code == 1
        assert 'pip install "flexiflow[api]"' in ran.err

    @pytest.mark.parametrize(
        ("host", "local"),
        [
            ("127.0.0.1", True),
            ("127.1.2.3", True),
            ("localhost", True),
            ("::1", True),
            ("[::1]", True),
            ("0.0.0.0", False),  # noqa: S104
            ("::", False),
            ("192.168.1.2", False),
            ("example.org", False),
            ("localhost.evil.example", False),
        ],
    )
    def test_loopback(self, host, local):
        """Only addresses of this machine itself need no token."""
        assert is_loopback(host) is local


@needs_signals
class TestWatch:
    @pytest.mark.timeout(60)
    def test_follows_the_file(self, start, run, folder):
        """Changed rules reach the component; a broken file leaves the last good one."""
        config = folder / "config.yaml"
        good = config.read_text()
        run("register", "--config", "config.yaml", "--start")
        process = start("watch", "--config", "config.yaml", "--json")
        process.stdout.readline()
        time.sleep(1)  # until the system watches the folder, which nothing tells

        config.write_text(good.replace("first: 1", "other: 2"))
        changed = json.loads(process.stdout.readline())
        config.write_text("name: [")
        broken = json.loads(process.stdout.readline())
        code, err = end(process)
        config.write_text(good)

        assert changed["applied"]
        assert changed["rules"] == [{"other": 2}]
        assert changed["state"] == "AwaitingConfirmation"
        assert not broken["applied"]
        assert "config.yaml" in err
        assert code == 0
        rows = run("history", "job", "--json").json
        assert rows[0]["message_type"] == "(config changed)"
        assert rows[0]["current_state"] == "AwaitingConfirmation"

    @pytest.mark.timeout(60)
    def test_leaves_timers_and_services_to_the_calls(self, start, run, folder):
        """A chart's timer goes on where it was; its service is not run once more."""
        config = folder / "clerk.yaml"
        config.write_text(
            "name: clerk\n"
            "rules: [{old: 1}]\n"
            "states:\n"
            "  idle: {on: {go: work}}\n"
            '  work: {run: {do: "patient_clerks:work"}, after: {1h: idle}}\n'
        )
        (folder / "patient_clerks.py").write_text(
            "import asyncio\n\n\n"
            "async def work():\n"
            "    with open('calls.txt', 'a') as file:\n"
            "        file.write('called ')\n"
            "    await asyncio.Event().wait()\n"
        )
        run("handle", "--config", "clerk.yaml", "go", "--service-wait", "0.01")
        process = start("watch", "--config", "clerk.yaml", "--json")
        process.stdout.readline()
        time.sleep(1)  # until the system watches the folder, which nothing tells

        config.write_text(config.read_text().replace("old", "new"))
        changed = json.loads(process.stdout.readline())
        code, _ = end(process)

        assert changed["applied"]
        assert changed["state"] == "work"
        assert code == 0
        assert (folder / "calls.txt").read_text() == "called "
        with SnapshotStore(folder / ".flexiflow" / "components.db") as store:
            data = store.load_latest("clerk").data
        assert 3_000 < data["timers"]["after.work#1h"] < 3_599
        assert time.time() - data["at"] < 60
