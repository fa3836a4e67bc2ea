"""Rules of `register`, `handle` and `update_rules`: what lives on, what is printed."""

import sqlite3
import time

import pytest

CHART = """\
name: gate
context: {coins: 0}
initial_state: locked
states:
  locked:
    on:
      coin: {to: unlocked, do: {add: {coins: 1}}}
      knock: {do: {add: {coins: 10}}}
  unlocked:
    on: {push: locked}
"""
STATES = """\
from flexiflow.state_machine import State


class Calm(State):
    async def handle_message(self, message, component):
        if message["type"] == "poke":
            return True, Angry()
        if message["type"] == "break":
            raise RuntimeError("it broke")
        return False, self


class Angry(State):
    async def handle_message(self, message, component):
        return True, Calm()
"""
CLASSES = """\
name: mood
states: {calm: "moods:Calm", angry: "moods:Angry"}
initial_state: calm
"""


@pytest.fixture
def rules(folder):
    """A file with two rules."""
    path = folder / "rules.yaml"
    path.write_text("rules:\n  - second: 2\n  - third: 3\n")
    return path


class TestQuickstart:
    def test_three_processes_walk_through_the_states(self, start):
        """State lives on between processes, and each prints the transition it made."""
        printed = []
        for arguments in (
            ("register", "--config", "config.yaml", "--start"),
            ("handle", "--config", "config.yaml", "confirm", "--content", "confirmed"),
            ("handle", "--config", "config.yaml", "complete"),
        ):
            process = start(*arguments)
            out, err = process.communicate(timeout=15)
            assert (process.returncode, err) == (0, "")
            printed += out.splitlines()

        assert printed == [
            "job: registered in InitialState",
            "job: InitialState -> AwaitingConfirmation",
            "job: AwaitingConfirmation -> ProcessingRequest",
            "job: ProcessingRequest -> InitialState",
        ]

    def test_config_from_the_environment(self, run, monkeypatch):
        """FLEXIFLOW_CONFIG stands for --config."""
        monkeypatch.setenv("FLEXIFLOW_CONFIG", "config.yaml")

        assert run("handle", "start").code == 0

    def test_no_config(self, run):
        """Without either, that is said, with the code for wrong usage."""
        ran = run("handle", "start")

        assert ran.code == 2
        assert "No config provided" in ran.err


class TestRegister:
    def test_keeps_what_is_there(self, run):
        """A component that is in the store already keeps its state."""
        run("register", "--config", "config.yaml", "--start")
        ran = run("register", "--config", "config.yaml")

        assert ran.out.startswith("job: is in the store, in AwaitingConfirmation\n")

    def test_reset_begins_anew(self, run):
        """--reset begins anew; the history stays."""
        run("register", "--config", "config.yaml", "--start")
        ran = run("register", "--config", "config.yaml", "--reset")

        assert ran.out == "job: registered in InitialState\n"
        assert len(run("history", "job", "--json").json) == 3

    def test_json(self, run):
        """--json prints JSON alone."""
        plain = run("register", "--config", "config.yaml", "--json").json
        started = run("register", "--config", "config.yaml", "--start", "--json").json

        assert plain == {"component": "job", "state": "InitialState"}
        assert started["to_state"] == "AwaitingConfirmation"


class TestHandle:
    def test_ignored_message_says_what_is_accepted(self, run):
        """A message that does nothing is told with the state and the alternatives."""
        run("handle", "--config", "config.yaml", "start")
        ran = run("handle", "--config", "config.yaml", "complete")

        assert ran.code == 0
        assert "'complete' is ignored in AwaitingConfirmation" in ran.out
        assert "confirm and cancel" in ran.out

    def test_json(self, run):
        """--json tells all that became of the message."""
        ran = run("handle", "--config", "config.yaml", "start", "--json")

        told = ran.json
        assert told["status"] == "handled"
        assert told["from_state"] == "InitialState"
        assert told["transitions"] == [
            {"from": "InitialState", "to": "AwaitingConfirmation"}
        ]
        assert told["message"] == {"type": "start"}
        assert told["correlation_id"]

    def test_fields(self, run):
        """Fields are JSON where they can be read as such, else text."""
        ran = run(
            "handle", "--config", "config.yaml", "x", "--json",
            "--field", "n=3", "who=Ann", "--field", 'deep={"a": [1]}', "eq=a=b",
        )  # fmt: skip

        assert ran.json["message"] == {
            "type": "x",
            "n": 3,
            "who": "Ann",
            "deep": {"a": [1]},
            "eq": "a=b",
        }

    def test_bad_field(self, run):
        """A field without a value is wrong usage."""
        ran = run("handle", "--config", "config.yaml", "x", "--field", "n")

        assert ran.code == 2
        assert "KEY=VALUE" in ran.err

    def test_chart_keeps_its_context(self, run, folder):
        """A chart's data live on, also when only they have changed."""
        (folder / "gate.yaml").write_text(CHART)
        run("handle", "--config", "gate.yaml", "coin")
        run("handle", "--config", "gate.yaml", "push")
        knocked = run("handle", "--config", "gate.yaml", "knock")
        ran = run("handle", "--config", "gate.yaml", "coin")

        assert knocked.out == "gate: 'knock' was handled in locked\n"
        assert ran.out == "gate: locked -> unlocked\n"
        conn = sqlite3.connect(folder / ".flexiflow" / "components.db")
        (text,) = conn.execute(
            "SELECT snapshot_json FROM flexiflow_snapshots ORDER BY id DESC LIMIT 1"
        ).fetchone()
        conn.close()
        assert '"coins": 12' in text

    def test_classes_beside_the_config(self, run, folder):
        """`module:Class` is found beside the config, wherever one stands."""
        place = folder / "elsewhere"
        place.mkdir()
        (place / "moods.py").write_text(STATES)
        (place / "mood.yaml").write_text(CLASSES)

        ran = run("handle", "--config", place / "mood.yaml", "poke")

        assert ran.out == "mood: calm -> angry\n"

    def test_source_of_a_class_tells_what_it_takes(self, run, folder):
        """A message that a class ignores is answered with those that it compares."""
        (folder / "moods.py").write_text(STATES)
        (folder / "mood.yaml").write_text(CLASSES)
        ran = run("handle", "--config", "mood.yaml", "sing")

        assert ran.code == 0
        assert "'sing' is ignored in calm" in ran.out
        assert "as the source tells: poke" in ran.out

    def test_code_that_raises(self, run, folder):
        """A state that raises ends in one clear error, the state as it was."""
        (folder / "moods.py").write_text(STATES)
        (folder / "mood.yaml").write_text(CLASSES)

        ran = run("handle", "--config", "mood.yaml", "break")

        assert ran.code == 1
        assert ran.err.startswith("'mood' failed at 'break': RuntimeError: it broke\n")
        assert "Traceback" not in ran.err
        assert run("handle", "--config", "mood.yaml", "poke").code == 0

    def test_state_that_is_gone(self, run, folder):
        """When the config has lost the saved state, the way on is named."""
        (folder / "gate.yaml").write_text(CHART)
        run("handle", "--config", "gate.yaml", "coin")
        changed = CHART.replace("unlocked", "open")
        (folder / "gate.yaml").write_text(changed)

        ran = run("handle", "--config", "gate.yaml", "push")

        assert ran.code == 1
        assert "unlocked" in ran.err
        assert "register --reset" in ran.err

    @pytest.mark.parametrize(
        "content",
        ["", "[", "name: [", "name: job\nstates: 3", "\x00", "- 1", "{" * 999],
    )
    def test_broken_config(self, run, folder, content):
        """A config that cannot be used ends in one clear error."""
        (folder / "bad.yaml").write_text(content)

        ran = run("handle", "--config", "bad.yaml", "start")

        assert ran.code == 1
        assert ran.err
        assert "Traceback" not in ran.err

    def test_error_as_json(self, run):
        """With --json an error has its four parts and the code."""
        ran = run("handle", "--config", "none.yaml", "start", "--json")

        assert ran.code == 1
        assert ran.out == ""
        assert '"what": "Config file not found: none.yaml"' in ran.err
        assert '"code": "flexiflow.config.file"' in ran.err

    def test_terminal_escapes_are_shown_not_obeyed(self, run, folder):
        """Control characters in names and messages reach no terminal."""
        ran = run("handle", "--config", "config.yaml", "\x1b[31mred\n\x07")

        assert "\x1b" not in ran.out
        assert "\\x1b[31mred" in ran.out


class TestCorrelation:
    def test_one_story(self, run):
        """The id that is given is in the log, in the result and in the history."""
        ran = run(
            "handle", "--config", "config.yaml", "start", "--verbose", "--json",
            "--correlation-id", "story-7",
        )  # fmt: skip
        rows = run("history", "job", "--correlation-id", "story-7", "--json").json

        assert ran.json["correlation_id"] == "story-7"
        assert "cid=story-7 - job transitioned to AwaitingConfirmation" in ran.err
        assert [row["message_type"] for row in rows] == ["start"]


class TestUpdateRules:
    def test_adds(self, run, rules):
        """Rules are added to those of the component."""
        ran = run("update_rules", "--config", "config.yaml", rules)
        again = run("update_rules", "--config", "config.yaml", rules, "--json")

        assert ran.out == "job: 2 rules added, 3 rules in force\n"
        assert again.json["rules"] == [
            {"first": 1},
            {"second": 2},
            {"third": 3},
            {"second": 2},
            {"third": 3},
        ]

    def test_replaces(self, run, rules):
        """--replace puts them in place of the old ones; the state stays."""
        run("register", "--config", "config.yaml", "--start")
        ran = run(
            "update_rules", "--config", "config.yaml", rules, "--replace", "--json"
        )

        assert ran.json["rules"] == [{"second": 2}, {"third": 3}]
        assert run("handle", "--config", "config.yaml", "cancel").out == (
            "job: AwaitingConfirmation -> InitialState\n"
        )

    def test_bad_rules(self, run, folder):
        """A file without a list of rules changes nothing."""
        (folder / "bad.yaml").write_text("rules: 3\n")
        ran = run("update_rules", "--config", "config.yaml", "bad.yaml")

        assert ran.code == 1
        assert run("history", "job").code == 1


class TestProcesses:
    @pytest.mark.timeout(60)
    def test_eight_at_once_lose_no_rule(self, start, run, folder):
        """Eight processes that add rules at once lose none of them."""
        for number in range(8):
            (folder / f"r{number}.yaml").write_text(f"rules: [{{n: {number}}}]\n")

        running = [
            start("update_rules", "--config", "config.yaml", f"r{number}.yaml")
            for number in range(8)
        ]
        ended = [process.communicate(timeout=50) for process in running]

        assert [process.returncode for process in running] == [0] * 8, ended
        (folder / "none.yaml").write_text("rules: []\n")
        found = run("update_rules", "--config", "config.yaml", "none.yaml", "--json")
        numbers = [rule["n"] for rule in found.json["rules"] if "n" in rule]
        assert sorted(numbers) == list(range(8))
        assert len(found.json["rules"]) == 9

    @pytest.mark.timeout(60)
    def test_messages_at_once_are_all_handled(self, start, run, folder):
        """Processes that send at once are served one after the other."""
        (folder / "gate.yaml").write_text(CHART)
        running = [start("handle", "--config", "gate.yaml", "knock") for _ in range(4)]
        for process in running:
            process.communicate(timeout=50)

        rows = run("history", "gate", "--json").json
        assert len(rows) == 4

    def test_kill_loses_nothing(self, start, run):
        """A process killed at any instant leaves a store that works."""
        for delay_s in (0.05, 0.12, 0.2, 0.3):
            process = start("handle", "--config", "config.yaml", "start")
            time.sleep(delay_s)
            process.kill()
            process.communicate()
            ran = run("handle", "--config", "config.yaml", "cancel")
            assert ran.code == 0

    def test_component_held_by_another(self, run, folder):
        """A component that another process holds is told after the wait."""
        from flexiflow.cli._lock import component_lock  # noqa: PLC0415 - the holder

        locks = folder / ".flexiflow" / "components.db.locks"
        with component_lock(locks, "job", wait_s=0, tell=print):
            ran = run("handle", "--config", "config.yaml", "start", "--wait", "0")

        assert ran.code == 1
        assert "Another process is at work on 'job'" in ran.err


class TestStore:
    @pytest.mark.parametrize(
        ("named", "file"),
        [("keep", "keep/components.db"), ("own.db", "own.db"), ("a/b", "a/b")],
    )
    def test_store_option(self, run, folder, named, file):
        """--store names a folder, or a database file."""
        run("register", "--config", "config.yaml", "--store", named)

        expected = folder / (file if file.endswith(".db") else f"{file}/components.db")
        assert expected.exists()
        assert not (folder / ".flexiflow").exists()

    def test_home_variable(self, run, folder, monkeypatch):
        """FLEXIFLOW_HOME names the folder."""
        monkeypatch.setenv("FLEXIFLOW_HOME", str(folder / "home"))
        run("register", "--config", "config.yaml")

        assert (folder / "home" / "components.db").exists()

    def test_wrong_settings(self, run, monkeypatch):
        """A misspelt variable is an error, not ignored."""
        monkeypatch.setenv("FLEXIFLOW_HOMME", "x")
        ran = run("register", "--config", "config.yaml")

        assert ran.code == 1
        assert "Did you mean FLEXIFLOW_HOME?" in ran.err

    def test_store_that_cannot_be_opened(self, run, folder):
        """A store that is no database is named."""
        (folder / "own.db").write_text("text " * 300)
        ran = run("register", "--config", "config.yaml", "--store", "own.db")

        assert ran.code == 1
        assert "own.db" in ran.err
