"""The files for deployment: what they start is there, with the options they give."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from flexiflow.cli._main import build_parser

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "deployment"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
UNITS = sorted(FOLDER.glob("*.service"))


def started(unit):
    """Return the words behind the program of a unit of systemd."""
    found = re.search(r"^ExecStart=\S+/flexiflow (.*)$", unit.read_text(), re.MULTILINE)
    assert found is not None
    return shlex.split(found[1])


def commands():
    """Yield each command of the files, without the program."""
    for name in ("server", "worker"):
        yield shlex.split(COMPOSE["services"][name]["command"])[1:]
    for unit in UNITS:
        yield started(unit)
    text = (FOLDER / "README.md").read_text("utf-8")
    for line in re.findall(r"`flexiflow (start [^`]*)`", text):
        yield shlex.split(line)


class TestCommands:
    @pytest.mark.parametrize("words", list(commands()), ids=" ".join)
    def test_they_are_taken(self, words):
        """The command line knows the command and each of its options."""
        assert build_parser("start").parse_args(words).run is not None


class TestCompose:
    def test_secrets_are_what_the_worker_reads(self):
        """Each file below /run/secrets is given to the service that reads it."""
        worker = COMPOSE["services"]["worker"]
        read = set(re.findall(r"/run/secrets/(\S+)", worker["command"]))

        assert read == set(worker["secrets"]) == set(COMPOSE["secrets"])

    def test_the_home_of_the_server_is_its_own(self):
        """It holds keys; no other service sees it."""
        mounting = [
            name
            for name, service in COMPOSE["services"].items()
            if any(volume.startswith("home:") for volume in service.get("volumes", []))
        ]

        assert mounting == ["server"]
