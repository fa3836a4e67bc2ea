"""Scenarios as tests of pytest, in runs of their own."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytest_plugins = ["pytester"]

CHART = """\
name: door
states:
  closed: {on: {open: opened}}
  opened: {on: {close: closed}}
scenarios:
  - {name: A visit, send: [open, close], expect: closed}
  - {name: A lie, send: [open], expect: closed}
"""
IS_INSTALLED = any(one.name == "flexiflow" for one in entry_points(group="pytest11"))
PLUGIN = () if IS_INSTALLED else ("-p", "flexiflow.testing._pytest_plugin")


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest within a folder of its own, without the project's settings."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")

    def call(*arguments):
        return pytester.runpytest_subprocess(*PLUGIN, *arguments)

    return call


@pytest.mark.timeout(120)
class TestCollecting:
    def test_file_that_is_named_is_run(self, pytester, run):
        """Each scenario is a test; a difference is told without a trace."""
        pytester.makefile(".yaml", door=CHART)
        result = run("door.yaml", "-v")

        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            [
                "door.yaml::A visit PASSED*",
                "door.yaml::A lie FAILED*",
                "✗ A lie (*door.yaml:7:41)",
                "    It ends in opened, not in closed.",
                "    expected: closed",
                "    actual:   opened",
            ]
        )
        assert "Traceback" not in result.stdout.str()

    def test_one_scenario_is_chosen(self, pytester, run):
        """Node ids and -k work as with any test."""
        pytester.makefile(".yaml", door=CHART)

        run("door.yaml::A visit").assert_outcomes(passed=1)
        run("door.yaml", "-k", "visit").assert_outcomes(passed=1, deselected=1)

    def test_other_files_are_left_alone(self, pytester, run):
        """A project that merely has YAML files sees nothing of the plugin."""
        pytester.makefile(".yaml", door=CHART, broken="[", test_data="a: 1")
        pytester.makepyfile(test_own="def test_own():\n    pass\n")

        run().assert_outcomes(passed=1)

    def test_name_says_that_it_is_meant(self, pytester, run):
        """*.flexiflow.yaml is collected from folders."""
        pytester.makefile(".flexiflow.yaml", door=CHART)
        pytester.makefile(".flexiflow.yml", config="name: job\n")

        run().assert_outcomes(passed=1, failed=1)

    def test_setting_names_more(self, pytester, run):
        """flexiflow_files holds patterns for names and paths."""
        pytester.makeini(
            "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
            "flexiflow_files = machines/*.yaml\n"
        )
        (pytester.mkdir("machines") / "door.yaml").write_text(CHART)
        pytester.makefile(".yaml", other=CHART)

        run().assert_outcomes(passed=1, failed=1)

    def test_chart_with_errors_is_an_error(self, pytester, run):
        """It is told as explain tells it."""
        pytester.makefile(".yaml", door=CHART.replace("open: opened", "open: opend"))
        result = run("door.yaml")

        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*state that does not exist*door.yaml:3*"])

    def test_guards_of_the_folder_are_called(self, pytester, run):
        """The folder of the file is importable while it is run, and no longer."""
        folder = pytester.mkdir("machines")
        (folder / "plugin_guards.py").write_text("def never():\n    return False\n")
        (folder / "door.yaml").write_text(
            "name: door\nuse: plugin_guards\n"
            "states: {a: {on: {m: {to: b, if: never}}}, b: {final: true}}\n"
            "scenarios:\n  - {send: [m], expect: a}\n"
        )
        pytester.makepyfile(
            test_after="import sys\n\n"
            "def test_path():\n    assert not any('machines' in p for p in sys.path)\n"
        )

        run("machines/door.yaml", "test_after.py").assert_outcomes(passed=2)
