"""From notebook to service: what is written runs, and its test passes."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.kernel

CELLS = """
import math
from datetime import date as day

LIMIT = 3
RATES = {"coin": 2.5}

def fee(coins):
    return math.ceil(coins * RATES["coin"])

def may_pay(context):
    return context["coins"] < LIMIT

async def take(context, message):
    return {"coins": context["coins"] + 1, "due": fee(1), "on": str(day(2026, 1, 2))}
"""
GATE = """%%flexiflow
name: my gate
context: {coins: 0, due: 0, on: ""}
states:
  closed:
    on:
      pay: {to: open, if: may_pay, do: take}
  open:
    after: {2s: closed}
scenarios:
  - name: one coin opens
    send: [pay]
    fake: {may_pay: true, take: {result: {coins: 1}}}
    expect: open
"""


@pytest.fixture
def gate(kernel, tmp_path):
    """A kernel with a component whose functions are cells' own."""
    kernel.run(f"%cd -q {tmp_path}")
    kernel.run(CELLS)
    assert kernel.run(GATE).reply["status"] == "ok"
    return kernel


def run_its_test(folder):
    """Run pytest in a folder that was exported, and return what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


class TestService:
    def test_its_own_test_passes(self, gate, tmp_path):
        """Config, functions, service and test are written, and pytest is content."""
        run = gate.run("%flexiflow export 'my gate' --to service")

        assert run.reply["status"] == "ok", run.reply
        folder = tmp_path / "my_gate"
        assert sorted(file.name for file in folder.iterdir()) == [
            "functions.py",
            "machine.yaml",
            "service.py",
            "test_machine.py",
        ]
        assert "3 passed" in run_its_test(folder)

    def test_the_folder_may_be_a_variable(self, gate, tmp_path):
        """A magic fills in nothing but $name."""
        gate.run(f"folder = {str(tmp_path / 'there')!r}")

        gate.run('%flexiflow export "my gate" --to service $folder')

        assert (tmp_path / "there" / "machine.yaml").exists()

    def test_it_fails_when_the_chart_is_changed(self, gate, tmp_path):
        """The test holds what the notebook had."""
        gate.run("%flexiflow export 'my gate' --to service")
        config = tmp_path / "my_gate/machine.yaml"
        config.write_text(config.read_text().replace("to: open, ", ""))

        assert "2 failed" in run_its_test(config.parent)

    def test_the_service_answers(self, gate, tmp_path):
        """`python service.py` serves the component, with the notebook's functions."""
        gate.run("%flexiflow export 'my gate' --to service there")
        service = subprocess.Popen(
            [sys.executable, "-u", str(tmp_path / "there/service.py"), "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            lines = iter(service.stderr.readline, "")
            port = next(m[1] for m in (re.search(r":(\d+) ", x) for x in lines) if m)
            client = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
            body = json.dumps({"type": "pay"})
            headers = {"Content-Type": "application/json"}
            client.request("POST", "/components/my%20gate/message", body, headers)
            answer = json.loads(client.getresponse().read())
            client.close()
        finally:
            service.terminate()
            service.communicate(timeout=10)
        assert answer["to_state"] == "open", answer

    def test_files_are_not_replaced_unasked(self, gate):
        """What one has changed stays; --force says that it may go."""
        gate.run("%flexiflow export 'my gate' --to service")

        again = gate.run("%flexiflow export 'my gate' --to service")
        forced = gate.run("%flexiflow export 'my gate' --to service --force")

        assert again.reply["status"] == "error"
        assert "--force" in again.reply["evalue"]
        assert forced.reply["status"] == "ok"

    def test_what_cannot_be_written_is_named(self, gate, tmp_path):
        """A function that uses a live object is refused, and nothing is written."""
        gate.run("lock = __import__('threading').Lock()")
        gate.run("def may_pay():\n    return lock.locked()")

        run = gate.run("%flexiflow export 'my gate' --to service")

        assert run.reply["status"] == "error"
        assert "may_pay" in run.reply["evalue"]
        assert "lock" in run.reply["evalue"]
        assert not (tmp_path / "my_gate").exists()

    def test_a_component_of_code_is_refused(self, kernel):
        """Only what a cell defines can be lifted out of it."""
        kernel.run(
            "from flexiflow import machine, state\n"
            "_ = get_engine().create_component(machine('lamp', states={'a': state()}))"
        )

        run = kernel.run("%flexiflow export lamp --to service")

        assert "%%flexiflow" in run.reply["evalue"]
