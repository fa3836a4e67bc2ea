"""Rules of `history`, `explain`, `visualize`, `diagnose` and `completion`."""

import shutil
import subprocess

import pytest


class TestHistory:
    def test_table(self, run):
        """A line for each step, the newest first, below the heads."""
        run("register", "--config", "config.yaml", "--start")
        heads, newest, oldest = run("history", "job").out.splitlines()

        assert heads.split() == [
            "id", "time", "(UTC)", "from", "to", "message", "correlation", "id",
        ]  # fmt: skip
        assert "InitialState  AwaitingConfirmation  start" in newest
        assert "(registered)" in oldest

    def test_limit(self, run):
        """--limit bounds the rows; less than one is wrong usage."""
        run("register", "--config", "config.yaml", "--start")

        assert len(run("history", "job", "--limit", 1, "--json").json) == 1
        assert run("history", "job", "--limit", 0).code == 2

    def test_unknown_component(self, run):
        """A component that the store does not hold is told, with what it holds."""
        before = run("history", "job")
        run("register", "--config", "config.yaml")
        after = run("history", "jobs")

        assert (before.code, after.code) == (1, 1)
        assert "It holds nothing." in before.err
        assert "It holds job." in after.err

    def test_unknown_story(self, run):
        """A story of which nothing was saved is told so; the table has its heads."""
        run("register", "--config", "config.yaml")
        shown = run("history", "job", "--correlation-id", "nowhere")

        assert shown.code == 0
        assert shown.err == "No snapshot of job belongs to nowhere.\n"
        assert len(shown.out.splitlines()) == 1
        asked = run("history", "job", "--correlation-id", "nowhere", "--json")
        assert asked.json == []


class TestExplain:
    def test_valid(self, run):
        """A good config is explained, with 0."""
        ran = run("explain", "config.yaml")

        assert ran.code == 0
        assert "name: job" in ran.out

    def test_invalid(self, run, folder):
        """A bad one is explained too, with 1 and all its problems."""
        (folder / "bad.yaml").write_text("nam: job\nstates: {a: {on: {x: b}}}\n")
        ran = run("explain", "--config", "bad.yaml", "--json")

        assert ran.code == 1
        assert not ran.json["is_valid"]
        assert len(ran.json["errors"]) >= 2
        assert ran.json["errors"][0]["place"]["line"] == 1

    def test_packs_are_told_whole(self, run, folder):
        """A program learns of a pack what people see."""
        (folder / "doors_pack.py").write_text(
            "from flexiflow.state_machine import State\n"
            "from flexiflow.statepack import StateSpec, TransitionSpec\n\n\n"
            "class Open(State):\n"
            "    async def handle_message(self, message, component):\n"
            "        return False, self\n\n\n"
            "class Pack:\n"
            "    name = 'doors'\n\n"
            "    def provides(self):\n"
            "        return {'Open': StateSpec(Open)}\n\n"
            "    def transitions(self):\n"
            "        return [TransitionSpec('Open', 'shut', 'Open', guard='ready')]\n\n"
            "    def depends_on(self):\n"
            "        return {'walls'}\n"
        )
        (folder / "config.yaml").write_text(
            "name: a\npacks: ['doors_pack:Pack']\ninitial_state: Open\n"
        )
        told = run("explain", "config.yaml", "--json").json

        (pack,) = told["packs"]
        assert pack["name"] == "doors"
        assert pack["provided_keys"] == ["Open"]
        assert pack["transitions"][0]["on_message"] == "shut"
        assert pack["depends_on"] == ["walls"]
        assert told["initial_state_resolution"] == ["packs", "builtin"]
        assert len(told["issues"]) == len(told["errors"]) + len(told["warnings"]) > 0


class TestVisualize:
    @pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
    def test_formats(self, run, form):
        """Each format is printed."""
        ran = run("visualize", "config.yaml", "--format", form)

        assert ran.code == 0
        assert "AwaitingConfirmation" in ran.out

    def test_output(self, run, folder):
        """--output writes a file."""
        ran = run("visualize", "config.yaml", "--output", "g.txt", "--json")

        assert ran.json == {"format": "text", "file": "g.txt"}
        assert "InitialState" in (folder / "g.txt").read_text(encoding="utf-8")

    def test_unknown_format(self, run):
        """Another format is wrong usage that lists the good ones."""
        ran = run("visualize", "config.yaml", "--format", "gif")

        assert ran.code == 2
        assert "mermaid" in ran.err

    def test_broken_config(self, run, folder):
        """What can be drawn is drawn, and the errors are pointed to."""
        (folder / "config.yaml").write_text("name: a\ninitial_state: Gone\n")
        ran = run("visualize", "config.yaml")

        assert "Gone" in ran.out
        assert "flexiflow explain config.yaml" in ran.err


class TestSchema:
    def test_is_printed(self, run):
        """The schema is printed as JSON, whether or not it is asked for as such."""
        plain, asked = run("schema"), run("schema", "--json")

        assert plain.json == asked.json
        assert "states" in plain.json["properties"]


class TestDiagnose:
    def test_sound(self, run):
        """All is well: 0, with the versions, the store and the config."""
        run("register", "--config", "config.yaml")
        ran = run("diagnose", "--config", "config.yaml", "--json")

        assert ran.code == 0
        assert ran.json["store"]["components"] == {"job": "InitialState"}
        assert ran.json["config"]["is_valid"]
        assert ran.json["problems"] == []
        assert "No problems found." in run("diagnose").out

    def test_problems(self, run, folder, monkeypatch):
        """What does not work is told, with 1; secrets are not."""
        monkeypatch.setenv("FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN", "t0ken")
        (folder / "bad.yaml").write_text("nam: job\n")
        sound = run("diagnose", "--json")
        ran = run("diagnose", "--config", "bad.yaml", "--json")

        assert sound.json["settings"]["workers"]["bootstrap_token"] == "(set)"  # noqa: S105
        assert ran.code == 1
        assert "t0ken" not in sound.out + ran.out
        assert ran.json["problems"]

    def test_wrong_settings(self, run, folder):
        """Settings that cannot be read are a problem like others."""
        (folder / "flexiflow.toml").write_text("[flexiflow]\ndebg = true\n")
        ran = run("diagnose")

        assert ran.code == 1
        assert "debug" in ran.out


class TestCompletion:
    def test_bash_completes(self, run):
        """Bash completes commands, their actions and their options."""
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("there is no bash here")
        script = run("completion", "bash").out
        ask = (
            "COMP_WORDS=(flexiflow {0}); COMP_CWORD={1}; _flexiflow; "
            "echo ${{COMPREPLY[@]}}"
        )
        asked = "\n".join(
            ask.format(*words)
            for words in (
                ("reg", 1),
                ("handle --con", 2),
                ("workflow re", 2),
                ("secrets get --y", 3),
            )
        )
        ran = subprocess.run(
            [bash, "-c", script + "\n" + asked],
            capture_output=True,
            text=True,
            check=True,
        )

        assert ran.stdout.splitlines() == [
            "register",
            "--content --config",
            "register resume",
            "--yes",
        ]

    @pytest.mark.parametrize(
        ("shell", "line"),
        [
            ("zsh", "bashcompinit"),
            ("fish", "-a register"),
            ("fish", "-l content"),
            ("fish", "'__fish_seen_subcommand_from workflow' -a resume"),
        ],
    )
    def test_other_shells(self, run, shell, line):
        """The scripts of the other shells name commands and options."""
        assert line in run("completion", shell).out


CHART = """\
name: door
states:
  closed: {on: {open: opened}}
  opened: {on: {close: closed}}
scenarios:
  - {name: A visit, send: [open, close], expect: closed}
"""
WRONG = "  - {name: A lie, send: [open], expect: closed}\n"


class TestScenarios:
    def test_explain_runs_them(self, run, folder):
        """--run tells of each scenario; one that fails makes it 1."""
        (folder / "door.yaml").write_text(CHART)
        good = run("explain", "door.yaml", "--run")
        (folder / "door.yaml").write_text(CHART + WRONG)
        bad = run("explain", "door.yaml", "--run")
        plain = run("explain", "door.yaml")

        assert (good.code, bad.code, plain.code) == (0, 1, 0)
        assert "Scenarios:\n  ✓ A visit\n  1 of 1 scenario as expected" in good.out
        assert (
            "  ✗ A lie (door.yaml:7:41)\n"
            "      It ends in opened, not in closed.\n"
            "      expected: closed\n"
            "      actual:   opened\n"
            "  1 of 2 scenarios as expected\n"
        ) in bad.out
        assert "Scenarios:" not in plain.out

    def test_guards_are_found_beside_the_config(self, run, folder):
        """The config's folder is importable, as for handling."""
        (folder / "door_guards.py").write_text(
            "def is_open(message):\n    return message['n'] > 1\n"
        )
        (folder / "door.yaml").write_text(
            "name: door\nuse: door_guards\n"
            "states: {a: {on: {m: {to: b, if: is_open}}}, b: {final: true}}\n"
            "scenarios:\n  - {send: [{type: m, n: 1}], expect: a}\n"
            "  - {send: [{type: m, n: 2}], expect: b}\n"
        )

        assert run("test", "door.yaml").code == 0

    def test_several_files(self, run, folder):
        """All scenarios of all files; -k chooses by name."""
        (folder / "door.yaml").write_text(CHART)
        (folder / "gate.yaml").write_text(CHART.replace("door", "gate") + WRONG)
        ran = run("test", "door.yaml", "gate.yaml")
        chosen = run("test", "door.yaml", "gate.yaml", "-k", "visit")

        assert (ran.code, chosen.code) == (1, 0)
        assert ran.out.splitlines()[-1] == "2 of 3 scenarios as expected"
        assert chosen.out.splitlines()[-1] == "2 of 2 scenarios as expected"

    def test_as_json(self, run, folder):
        """What became of each, with its place."""
        (folder / "door.yaml").write_text(CHART + WRONG)
        good, bad = run("test", "--config", "door.yaml", "--json").json

        assert (good["file"], good["name"], good["passed"]) == (
            "door.yaml",
            "A visit",
            True,
        )
        assert (bad["step"], bad["expected"], bad["actual"]) == (
            "expect",
            "closed",
            "opened",
        )
        assert bad["place"]["line"] == 7
        listed = run("explain", "door.yaml", "--run", "--json").json["scenarios"]
        assert [one["passed"] for one in listed] == [True, False]

    @pytest.mark.parametrize(
        ("part", "said"),
        [
            ("fake: {rung: 1}, expect: a", "rung is faked"),
            ("send: [opne], expect: a", "Nobody takes opne"),
            ("send: [open], expect: [b, c]", "does not exist: 'c'"),
        ],
    )
    def test_what_means_nothing_to_the_chart_is_told(self, run, folder, part, said):
        """A scenario that passes may test something else than it says."""
        (folder / "door.yaml").write_text(
            "name: door\nstates: {a: {on: {open: b}}, b: {final: true}}\n"
            f"scenarios:\n  - {{{part}}}\n"
        )
        out = run("test", "door.yaml").out

        assert "⚠ [WARNING]" in out
        assert said in out
        assert "door.yaml:4:" in out

    def test_nothing_to_run(self, run, folder):
        """A config without scenarios, or with errors, is no success."""
        (folder / "bad.yaml").write_text("nam: job\nstates: {a: {on: {x: b}}}\n")
        none, bad = run("test", "config.yaml"), run("test", "bad.yaml")

        assert (none.code, bad.code) == (1, 1)
        assert "0 of 0 scenarios as expected" in none.out
        assert "✗ [ERROR]" in bad.out
