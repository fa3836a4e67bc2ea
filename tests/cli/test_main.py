"""Rules of the command line itself: usage, exit codes, help, what is loaded."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

import flexiflow
from flexiflow.cli import _main, build_parser


class TestUsage:
    def test_version(self, run):
        """--version prints the version."""
        ran = run("--version")

        assert (ran.code, ran.out) == (0, f"flexiflow {flexiflow.__version__}\n")

    def test_unknown_command(self, run):
        """A misspelt command is wrong usage, with what was probably meant."""
        ran = run("regster")

        assert ran.code == 2
        assert "Did you mean 'register'?" in ran.err

    def test_nothing_typed(self, run):
        """Without a command the usage is shown."""
        assert run().code == 2

    @pytest.mark.parametrize("command", [None, *_main.COMMANDS])
    def test_help(self, run, command):
        """Every command explains itself, and takes --json."""
        ran = run(*([command] if command else []), "--help")

        assert ran.code == 0
        assert ran.out.startswith("usage: flexiflow")
        assert command is None or "--json" in ran.out

    def test_options_before_the_command(self, run):
        """--debug may stand before the command."""
        assert run("--debug", "completion", "bash").code == 0


class TestExit:
    def test_defect(self, run, monkeypatch):
        """What nobody expected ends with 70, and without a trace."""
        monkeypatch.setattr("flexiflow.cli.completion._bash", {}.__getitem__)
        ran = run("completion", "bash")

        assert ran.code == 70
        assert "defect" in ran.err
        assert "Traceback" not in ran.err

    def test_debug_shows_the_trace(self, run, monkeypatch):
        """--debug lets the error through."""
        monkeypatch.setattr("flexiflow.cli.completion._bash", {}.__getitem__)

        with pytest.raises(TypeError):
            run("completion", "bash", "--debug")

    def test_interrupted(self, run, monkeypatch):
        """Ctrl-C ends quietly, with the code of the signal."""

        def interrupt():
            raise KeyboardInterrupt

        monkeypatch.setattr("flexiflow.cli.completion._bash", interrupt)

        assert run("completion", "bash").code == 130

    def test_reader_that_has_enough(self, start):
        """A pipe that is closed early is no error."""
        process = start("completion", "fish")
        process.stdout.close()
        err = process.stderr.read()
        process.wait(15)
        process.stderr.close()

        assert (process.returncode, err) == (0, "")


class TestStart:
    def test_only_what_is_needed_is_loaded(self, folder, start):
        """`handle` loads no web framework, no notebook, no diagram."""
        program = (
            "import sys, json\n"
            "from flexiflow.cli import main\n"
            "main(['handle', '--config', 'config.yaml', 'start', '--json'])\n"
            "print('--')\n"
            "print(json.dumps(sorted(sys.modules)))\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        loaded = set(json.loads(ran.stdout.split("--\n")[-1]))

        assert not loaded & {
            "fastapi", "uvicorn", "watchfiles", "IPython", "flexiflow_jupyter",
            "flexiflow.api", "flexiflow.cli.completion", "pydantic",
        }  # fmt: skip

    def test_module_and_script(self, folder):
        """`python -m flexiflow` and the installed script are the same command."""
        ran = subprocess.run(
            [sys.executable, "-m", "flexiflow", "--version"],
            capture_output=True,
            text=True,
            check=True,
        )

        assert ran.stdout == f"flexiflow {flexiflow.__version__}\n"

    def test_parser_of_all_commands(self):
        """The whole parser knows every command."""
        text = build_parser().format_help()

        assert all(name in text for name in _main.COMMANDS)


def test_entry_point():
    """Where the distribution is installed, its script is this command."""
    try:
        scripts = importlib.metadata.distribution("flexiflow").entry_points
    except importlib.metadata.PackageNotFoundError:
        return
    ours = scripts.select(group="console_scripts", name="flexiflow")
    assert [one.value for one in ours] == ["flexiflow.cli:main"]
