"""Rules of the command ``start``; what it starts is shown by tests of its own."""

import importlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from flexiflow.cli import start

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def mcp(monkeypatch):
    """What the MCP server was started with."""
    called = {}
    fake = SimpleNamespace(main=lambda **given: called.update(given) or 0)
    real = importlib.import_module

    def find(name, package=None):
        return fake if name == "flexiflow.workflows.mcp" else real(name, package)

    monkeypatch.setattr(importlib, "import_module", find)
    return called


class TestExtras:
    @pytest.mark.parametrize(
        ("typed", "missing", "extra"),
        [
            (["server"], "fastapi", "server"),
            (["server"], "uvicorn", "server"),
            (["mcp"], "starlette", "mcp"),
        ],
    )
    def test_what_is_not_installed_is_named(self, folder, typed, missing, extra):
        """With what to install; nothing is opened, and it is no defect."""
        program = (
            f"import sys; sys.modules[{missing!r}] = None\n"
            "from flexiflow.cli import main\n"
            f"sys.exit(main({['start', *typed, '--json']!r}))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=folder,
            env={**os.environ, "FLEXIFLOW_SERVER_PORT": "0", "PYTHONPATH": str(ROOT)},
        )

        assert (ran.returncode, ran.stdout) == (1, "")
        told = json.loads(ran.stderr)
        assert f"extra '{extra}'" in told["what"]
        assert missing in told["why"]
        assert f"flexiflow[{extra}]" in told["fix"]
        assert not (folder / ".flexiflow" / "flexiflow.db").exists()


class TestServer:
    @pytest.mark.parametrize("port", ["-1", "70000"])
    def test_port_is_a_port(self, run, port):
        """Wrong usage ends with 2, before anything is opened."""
        assert run("start", "server", f"--port={port}").code == 2

    def test_port_that_is_taken_is_told(self, run, folder):
        """With what to do about it."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ran = run("start", "server", "--host", "127.0.0.1", "--port", str(port))

        assert ran.code == 1
        assert f"Cannot listen on 127.0.0.1, port {port}" in ran.err
        assert "--port" in ran.err
        assert not (folder / ".flexiflow" / "flexiflow.db").exists()

    @pytest.mark.parametrize("is_there", [True, False])
    def test_it_names_the_file_of_the_token_if_there_is_one(self, tmp_path, is_there):
        """The token may stand in the settings, and no file is made then."""
        file = tmp_path / "bootstrap_token"
        if is_there:
            file.write_text("abc\n")
        parts = SimpleNamespace(
            home=tmp_path, new_tokens={}, is_first_use=True, token_file=file
        )
        said, told = [], {}
        output = SimpleNamespace(
            say=lambda text, *_: said.append(text), line=told.update
        )
        listening = SimpleNamespace(getsockname=lambda: ("127.0.0.1", 8000))
        start._tell_server(  # noqa: SLF001 - the rest of it serves until it is ended
            SimpleNamespace(output=output),
            parts,
            SimpleNamespace(is_encrypted=False),
            listening,
        )

        assert ("bootstrap_token" in " ".join(said)) is is_there
        assert (told["bootstrap_token_file"] is not None) is is_there


class TestWorker:
    def test_without_a_token_it_says_where_to_get_one(self, run):
        """The first thing that goes wrong for everybody."""
        ran = run("start", "worker", "--json")

        assert ran.code == 1
        assert ran.out == ""
        told = json.loads(ran.err)
        assert told["what"] == "The worker has no bootstrap token"
        assert "FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN" in told["why"]
        assert "--token-file" in told["fix"]

    def test_nothing_goes_over_the_network_in_the_clear(self, run, monkeypatch):
        """A server on another machine is asked over https alone."""
        monkeypatch.setenv("FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN", "secret-token")
        monkeypatch.setenv("FLEXIFLOW_WORKERS__SERVER_URL", "http://10.0.0.9:8000")
        ran = run("start", "worker")

        assert ran.code == 1
        assert "without encryption" in ran.err
        assert "secret-token" not in ran.err

    @pytest.mark.parametrize(
        "typed",
        [
            ["../up"],
            ["a b"],
            ["x" * 65],
            ["w1", "--slots", "0"],
            ["w1", "--cpu", "-1"],
            ["w1", "--drain", "0"],
        ],
    )
    def test_names_and_numbers_are_looked_at(self, run, typed):
        """Wrong usage ends with 2."""
        assert run("start", "worker", *typed).code == 2

    def test_authority_that_is_not_there(self, run, monkeypatch):
        """A file that was named is not left out in silence."""
        monkeypatch.setenv("FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN", "secret-token")
        ran = run("start", "worker", "--ca-file", "nowhere.pem")

        assert ran.code == 1
        assert "nowhere.pem" in ran.err


class TestMcp:
    def test_settings_count_where_nothing_is_said(self, run, mcp, monkeypatch):
        """Each option has its setting."""
        monkeypatch.setenv("FLEXIFLOW_MCP__PORT", "9001")
        monkeypatch.setenv("FLEXIFLOW_WORKERS__SERVER_URL", "http://localhost:8000")
        assert run("start", "mcp").code == 0

        assert mcp == {
            "transport": "stdio",
            "host": "localhost",
            "port": 9001,
            "path": "/mcp",
            "server_url": "http://localhost:8000",
            "token": None,
            "ca_file": None,
        }

    def test_options_count_first(self, run, mcp, folder):
        """With the token out of its file."""
        (folder / "token").write_text("abc\n")
        ran = run(
            *("start", "mcp", "--transport", "sse", "--port", "0"),
            *("--server-url", "http://localhost:1", "--token-file", "token"),
        )

        assert ran.code == 0
        assert mcp["transport"] == "sse"
        assert mcp["port"] == 0
        assert mcp["server_url"] == "http://localhost:1"
        assert mcp["token"] == "abc"  # noqa: S105 - what was written above

    def test_nothing_of_it_is_loaded_for_the_others(self, run):
        """The MCP server's package is asked for when it is started."""
        before = set(sys.modules)
        run("start", "--help")

        assert not {name for name in set(sys.modules) - before if "mcp" in name}
