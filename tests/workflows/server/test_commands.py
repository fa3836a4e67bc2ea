"""What the documents show of the server is what happens."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flexiflow.workflows.server import create_server_app
from tests.workflows.server.thread_server import ServerThread

README = Path(__file__).resolve().parents[3] / "README.md"
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```python\n(# order\.py\n.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the file that the documents upload, and no server."""
    text = FILE.search(README.read_text("utf-8"))[1]
    (tmp_path / "order.py").write_text(text)
    return tmp_path


@pytest.fixture
def served(folder):
    """Return a server; ``localhost:8000`` of the commands leads to it."""
    made = ServerThread(folder / "home", allowed_hosts={"localhost", "127.0.0.1"})
    made.start()
    to = f"localhost:8000:127.0.0.1:{made.port}"
    (folder / ".curlrc").write_text(f'connect-to = "{to}"\nsilent\nshow-error\n')
    yield made
    made.stop()


def shell(folder, script, **variables):
    """Run a script as it stands."""
    return subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "CURL_HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class TestReadme:
    def test_commands_run_as_written(self, served, folder):
        """Each command of the document is answered as the text around it says."""
        script = next(
            block
            for block in SHELL.findall(README.read_text("utf-8"))
            if "curl" in block
        )
        ran = shell(folder, script)

        assert ran.returncode == 0, ran.stderr
        assert "Internal" not in ran.stdout
        assert '"what"' not in ran.stdout  # no answer is an error
        said = ran.stdout
        assert '"name": "order", "version": 1' in said
        assert '"output": "sold for 8"' in said
        assert '"state": "PAUSED"' in said
        assert '"output": "sold for 63"' in said
        assert '"type": "TASK_COMPLETED"' in said
        assert "event: workflow.execution.completed" in said
        assert '"state": "CANCELLED"' in said
        assert said.rstrip().endswith('["API_KEY"]')

    def test_python_works_as_written(self, served, folder):
        """What the document does from Python gives what it says."""
        text = README.read_text("utf-8")
        block = re.search(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
        httpx.post(
            f"{served.url}/workflows",
            files={"file": ("order.py", (folder / "order.py").read_bytes())},
        )
        code = block.replace("http://localhost:8000", served.url)
        program = "import asyncio\nasync def main():\n" + "".join(
            f"    {line}\n" for line in code.splitlines()
        )
        program += "    print(run.context.output)\n    shop.close()\n"
        ran = subprocess.run(
            [sys.executable, "-c", f"{program}asyncio.run(main())"],
            env={**os.environ, "PYTHONPATH": str(README.parent)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

        assert ran.stdout == "sold for 63\n", ran.stderr


class TestDocsPage:
    def test_every_route_is_shown_with_an_example(self, served):
        """The page has each route, what it does, its parameters, and a command."""
        page = httpx.get(f"{served.url}/docs").text
        described = create_server_app(served.server).openapi()["paths"]

        for path, methods in described.items():
            for method, operation in methods.items():
                assert f"{method.upper()} {html.escape(path)}" in page
                assert operation.get("description")
                samples = operation.get("x-codeSamples")
                assert samples or operation.get("deprecated") or path == "/health"
                for sample in samples or ():
                    assert html.escape(sample["source"]) in page

    def test_examples_run_as_written(self, served, folder):
        """Each command on the page works, in the order of the page."""
        described = create_server_app(served.server).openapi()["paths"]
        samples = [
            (path, sample["source"])
            for path, methods in described.items()
            for operation in methods.values()
            for sample in operation.get("x-codeSamples", ())
        ]
        samples.sort(key=lambda item: "--form" not in item[1])  # upload first

        def paused():
            answer = httpx.post(
                f"{served.url}/workflows/order/run/sync",
                json={"item": "cake", "count": 9},
                params={"detailed": "1"},
            )
            assert answer.json()["state"] == "PAUSED"
            return answer.json()["execution_id"]

        assert len(samples) > 15
        for path, source in samples:
            command = source.replace("curl ", "curl --fail ", 1)
            if path == "/events":
                command = f"{command} --max-time 1 || test $? = 28"
            ran = shell(folder, command, ID=paused() if "$ID" in source else "none")
            assert ran.returncode == 0, (source, ran.stderr)
            if "text/event-stream" not in source and ran.stdout.startswith("{"):
                assert json.loads(ran.stdout)
