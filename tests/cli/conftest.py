"""What the tests of the command line share: a folder with a config, and the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flexiflow.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent

CONFIG = """\
name: job
rules:
  - first: 1
initial_state: InitialState
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory of its own with a config, and no variables of ours."""
    for name in list(os.environ):
        if name.startswith("FLEXIFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


class Ran:
    """What a command printed, and its exit code."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        """What was printed, read as JSON."""
        return json.loads(self.out)


@pytest.fixture
def run(folder, capsys):
    """Run a command here, in this process."""

    def call(*arguments):
        capsys.readouterr()
        try:
            code = main([str(item) for item in arguments])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def start(folder):
    """Start a command in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}

    def call(*arguments, **variables):
        return subprocess.Popen(
            [sys.executable, "-m", "flexiflow.cli", *map(str, arguments)],
            cwd=folder,
            env={**environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call
