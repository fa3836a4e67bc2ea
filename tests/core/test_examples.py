"""The examples run, and show what they say they show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flexiflow.config_loader import ConfigLoader
from flexiflow.explain import explain

if TYPE_CHECKING:
    import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_app(database: Path) -> list[str]:
    """Run the embedded application; return the lines that it prints."""
    root = str(EXAMPLES.parent)
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "app.py", str(database)],
        cwd=EXAMPLES / "embedded_app",
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


class TestConfigs:
    """Each config is valid, and does not use what it does not need."""

    def test_plain_config(self):
        """The first config loads without a warning."""
        exp = explain(EXAMPLES / "config.yaml")

        assert exp.is_valid
        assert exp.warnings == []
        assert exp.rules_count == 2

    def test_rules(self):
        """The second file holds rules alone."""
        assert len(ConfigLoader.load_rules(EXAMPLES / "new_rules.yaml")) == 2

    def test_embedded_config(self, monkeypatch: pytest.MonkeyPatch):
        """The pack of the application is complete."""
        monkeypatch.syspath_prepend(EXAMPLES / "embedded_app")

        exp = explain(EXAMPLES / "embedded_app" / "config.yaml")

        assert (exp.is_valid, exp.warnings) == (True, [])
        assert exp.pack_order == ["jobs"]


class TestEmbeddedApp:
    """An application that saves, restores and observes."""

    def test_second_run_goes_on(self, tmp_path: Path):
        """State changes are shown and saved; a new process begins where one ended."""
        first, second = run_app(tmp_path / "s.db"), run_app(tmp_path / "s.db")

        assert first[0] == "job_processor begins in Idle"
        assert "  job_processor: Processing -> Failed" in first
        assert "job_processor is in Complete; one more complete: ignored" in first
        assert first[-3].endswith("Complete (demo-job)")
        assert second[0] == "job_processor begins in Complete"
