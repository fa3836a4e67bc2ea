"""The commands of workflows and secrets against a server: the same words as here."""

import json
import re
import signal
import time

import pytest

from flexiflow.cli._execution_words import _WORDS
from flexiflow.workflows import ExecutionEventType, connect
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.server.tokens import Tokens
from tests.workflows.server.conftest import ORDER
from tests.workflows.server.thread_server import ServerThread, free_port

CAKES = '{"item": "cake", "count": 9}'
TEA = '{"item": "tea"}'
ADMIN, USER = "the-admin", "the-user"


@pytest.fixture
def served(tmp_path_factory):
    """Return a server that sells things."""
    made = ServerThread(tmp_path_factory.mktemp("served") / "home")
    made.start()
    with connect(made.url) as client:
        client.register(code=ORDER, file_name="shop.py")
    yield made
    made.stop()


@pytest.fixture
def there(run, served, monkeypatch):
    """Run a command against the server."""
    monkeypatch.setattr(Configuration, "_current", None)

    def call(*arguments):
        return run(*arguments, "--server-url", served.url)

    return call


@pytest.fixture
def here(run, folder, monkeypatch):
    """Run a command on the local store, in which the same is registered."""
    monkeypatch.setattr(Configuration, "_current", None)
    (folder / "shop.py").write_text(ORDER)
    assert run("workflow", "register", "shop.py").code == 0
    return run


def id_of(ran):
    """Return the id of the execution that a command told of."""
    return ran.json["execution_id"]


def general(text):
    """Return text without what differs from run to run: ids and times."""
    text = re.sub(r"\b[0-9a-f]{11}-[0-9a-f]{12}\b|key-[0-9a-f]{32}", "ID", text)
    text = re.sub(r"\d\d\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME", text)
    text = re.sub(r"\d\d:\d\d:\d\d\.\d\d\d", "TIME", text)
    text = re.sub(r"[\d.e-]+ m?s\b", "SPAN", text)
    return [
        re.sub(r" +", " ", line).strip()
        for line in text.splitlines()
        if "worker" not in line and "is taken over" not in line
    ]


class TestSameWords:
    @pytest.mark.parametrize(
        "words",
        [
            ["run", "order", TEA],
            ["run", "order", TEA, "--mode", "stream"],
            ["run", "order", CAKES],
            ["run", "order", '{"item": "gold"}'],
            ["run", "echo", "plain text"],
            ["run", "echo"],
        ],
    )
    @pytest.mark.parametrize("form", [[], ["--json"]])
    def test_of_runs(self, here, there, words, form):
        """Running says the same, whether it happens here or there."""
        local = here("workflow", *words, *form)
        remote = there("workflow", *words, *form)

        assert remote.code == local.code
        if not form:
            assert general(remote.out) == general(local.out)
            assert general(remote.err) == general(local.err)
        elif "stream" not in words:
            assert remote.json.keys() == local.json.keys()
            assert remote.json["output"] == local.json["output"]

    def test_of_looks(self, here, there):
        """Status, lists and events are told in the same words."""
        found = []
        for run in (here, there):
            which = id_of(run("workflow", "run", "order", CAKES, "--json"))
            status = run("workflow", "status", which)
            detailed = run("workflow", "status", "order", which, "--detailed")
            answered = run("workflow", "resume", which, "true")
            tail = run("workflow", "tail", which)
            listed = run("workflow", "status")
            again = run("workflow", "resume", which, "true")
            found.append([status, detailed, answered, tail, listed, again])

        for local, remote in zip(*found, strict=True):
            assert remote.code == local.code
            assert general(remote.out) == general(local.out)

    def test_of_what_is_unknown(self, here, there):
        """Errors are those of the local store, with its exit codes."""
        for words in (
            ["run", "ordre"],
            ["status", "none"],
            ["show", "nobody"],
            ["cancel", "none"],
            ["fork", "none", "--from", "pay"],
            ["register", "none.py"],
        ):
            local, remote = here("workflow", *words), there("workflow", *words)
            assert (remote.code, local.code) == (1, 1)
            what = [ran.err.splitlines()[0] for ran in (local, remote)]
            assert what[0].replace('"', "'") == what[1].replace('"', "'")


class TestWorkflow:
    def test_register_list_and_show(self, there, folder):
        """A file is uploaded, listed and shown with its versions."""
        (folder / "shop.py").write_text(ORDER)
        registered = there("workflow", "register", "shop.py")
        listed = there("workflow", "list", "--json")
        shown = there("workflow", "show", "order")

        assert registered.out.splitlines()[0] == "order: version 2"
        assert [item["name"] for item in listed.json] == ["echo", "lasting", "order"]
        assert "version 2" in shown.out.replace("   ", " ")
        assert "It has not been run yet." in shown.out

    def test_broken_file_is_refused(self, there, folder):
        """What the server does not take is told with the place."""
        (folder / "bad.py").write_text("def x(:\n")
        ran = there("workflow", "register", "bad.py")

        assert ran.code == 1
        assert "line 1" in ran.err

    def test_async_fork_and_cancel(self, there):
        """What is only begun gives its id; it is forked and ended there."""
        begun = there("workflow", "run", "lasting", "--mode", "async", "--json")
        asked = there("workflow", "cancel", id_of(begun), "--mode", "async")
        ended = there("workflow", "tail", id_of(begun), "--follow")
        again = there("workflow", "cancel", id_of(begun), "--json")
        done = there("workflow", "run", "order", TEA, "--json")
        forked = there("workflow", "fork", id_of(done), "--from", "pay", "--json")

        assert begun.code == asked.code == 0
        assert "asked to end" in asked.out
        assert "is cancelled" in ended.out
        assert again.json["state"] == "CANCELLED"
        assert forked.json["output"] == "paid 4"
        assert id_of(forked) != id_of(done)

    def test_stream_is_lines_of_json(self, there):
        """With ``--json`` each event is a line, and the last one the whole."""
        ran = there("workflow", "run", "order", TEA, "--mode", "stream", "--json")
        lines = [json.loads(line) for line in ran.out.splitlines()]

        assert lines[-2]["type"] == "WORKFLOW_COMPLETED"
        assert lines[-1]["output"] == "paid 4"

    def test_reason_is_told(self, there, served):
        """What has not begun says why."""
        served.server.dispatcher.is_away = True
        begun = there("workflow", "run", "order", TEA, "--mode", "async", "--json")
        text = there("workflow", "status", id_of(begun))
        data = there("workflow", "status", id_of(begun), "--json")

        assert "No worker is connected." in text.out
        assert data.json["reason"] == "No worker is connected."

    def test_stream_prints_as_it_happens(self, start, served):
        """A line is there while the workflow still runs; Ctrl-C cancels it there."""
        process = start(
            *("workflow", "run", "lasting", "--mode", "stream"),
            *("--server-url", served.url),
        )
        try:
            while "pay" not in process.stdout.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=15)
        finally:
            process.kill()
            process.wait()
        row = served.server.journal.executions()[0]

        assert process.returncode == 130
        assert "cancelling" in err
        assert row.state == "CANCELLED"


class TestSecrets:
    def test_are_kept_there(self, there):
        """Secrets are set, listed, shown after a question and removed on the server."""
        new = there("secrets", "set", "KEY", "value", "--json")
        listed = there("secrets", "list", "--json")
        shown = there("secrets", "get", "KEY", "--yes")
        removed = there("secrets", "remove", "KEY")
        gone = there("secrets", "get", "KEY", "--yes")

        assert new.json == {"name": "KEY", "new": True}
        assert listed.json == ["KEY"]
        assert shown.out == "value\n"
        assert removed.code == 0
        assert gone.code == 1


class TestWords:
    def test_every_event_has_some(self):
        """Whatever happens in an execution can be told."""
        assert set(_WORDS) == {item.value for item in ExecutionEventType}


class TestWhichServer:
    def test_settings_name_it(self, run, served, monkeypatch):
        """Without an option the setting counts; a folder that is named goes first."""
        monkeypatch.setattr(Configuration, "_current", None)
        monkeypatch.setenv("FLEXIFLOW_WORKERS__SERVER_URL", served.url)
        there = run("workflow", "list", "--json")
        here = run("workflow", "list", "--json", "--home", "own")

        assert len(there.json) == 3
        assert here.json == []

    def test_both_are_wrong_usage(self, there):
        """A folder and a server exclude each other."""
        assert there("workflow", "list", "--home", "x").code == 2

    def test_nobody_answers(self, run, monkeypatch):
        """A server that is away is an error with an address."""
        monkeypatch.setattr(Configuration, "_current", None)
        monkeypatch.setenv("FLEXIFLOW_WORKERS__RETRY_ATTEMPTS", "2")
        monkeypatch.setenv("FLEXIFLOW_WORKERS__RETRY_DELAY", "0.2")
        port, begun = free_port(), time.monotonic()
        ran = run("workflow", "list", "--server-url", f"http://127.0.0.1:{port}")

        assert ran.code == 1
        assert "does not answer" in ran.err
        assert time.monotonic() - begun >= 0.2

    def test_tokens_come_from_a_file(self, run, folder, monkeypatch):
        """A token is read from a file, never from the command line."""
        monkeypatch.setattr(Configuration, "_current", None)
        served = ServerThread(folder / "home", tokens=Tokens.of(admin=ADMIN, user=USER))
        served.start()
        (folder / "token").write_text(f"{ADMIN}\n")
        try:
            where = ("--server-url", served.url)
            refused = run("workflow", "list", *where)
            taken = run("workflow", "list", *where, "--token-file", "token")
            missing = run("workflow", "list", *where, "--token-file", "none")
        finally:
            served.stop()

        assert refused.code == 1
        assert "--token-file" in refused.err
        assert taken.code == 0
        assert missing.code == 1
