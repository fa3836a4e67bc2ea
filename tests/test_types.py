"""The types that users see: right uses pass, wrong uses are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USES = sorted((ROOT / "tests" / "type_checks").glob("*.py"))


@pytest.mark.timeout(120)
class TestTypes:
    def test_uses_are_taken_and_refused_as_marked(self, tmp_path):
        """Each marked line is refused with its code, and no other line is."""
        command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores"]
        command += ["--cache-dir", str(tmp_path), *map(str, USES)]

        run = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, check=False
        )

        assert run.returncode == 0, run.stdout
        assert USES
