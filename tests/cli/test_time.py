"""Rules of time between two calls: timers, delayed messages and services of a chart."""

import json
import sqlite3

import pytest

OVEN = """\
name: oven
context: {rounds: 0}
states:
  off: {on: {begin: working}}
  working:
    states:
      heat: {after: {10s: bake}}
      bake: {entry: {add: {rounds: 1}}, after: {20s: cool}}
      cool: {on: {again: heat}}
    after: {10m: overdue}
    on: {stop: off}
  overdue: {on: {reset: off}}
"""
REMINDER = """\
name: reminder
states:
  idle:
    on:
      ask: {do: {send: {type: ring, delay: 1h, id: bell}}}
      quiet: {do: {cancel: bell}}
      ring: ringing
  ringing: {}
"""
SERVICE = """\
name: clerk
context: {answer: null}
states:
  idle: {on: {go: work}}
  work:
    run: {do: "clerks:look_up"}
    done: {to: told, do: {set: {answer: $result}}}
  told: {}
"""
CLERKS = """\
import asyncio


async def look_up():
    await asyncio.sleep(0)
    return 42
"""


@pytest.fixture
def change(folder):
    """Change the data of the latest snapshot in the store."""

    def apply(edit):
        with sqlite3.connect(folder / ".flexiflow" / "components.db") as conn:
            row, text = conn.execute(
                "SELECT id, snapshot_json FROM flexiflow_snapshots "
                "ORDER BY at_us DESC, id DESC LIMIT 1"
            ).fetchone()
            snapshot = json.loads(text)
            edit(snapshot["data"])
            conn.execute(
                "UPDATE flexiflow_snapshots SET snapshot_json = ? WHERE id = ?",
                (json.dumps(snapshot), row),
            )
        conn.close()

    return apply


@pytest.fixture
def later(change):
    """Let time go by: set back the instant of the latest snapshot."""
    return lambda seconds: change(lambda data: data.update(at=data["at"] - seconds))


@pytest.fixture
def oven(folder, run):
    """An oven that was switched on, kept in the store."""
    (folder / "oven.yaml").write_text(OVEN)
    assert run("handle", "--config", "oven.yaml", "begin").code == 0


@pytest.fixture
def reminder(folder, run):
    """A reminder that was asked to ring in an hour."""
    (folder / "reminder.yaml").write_text(REMINDER)
    assert run("handle", "--config", "reminder.yaml", "ask").code == 0


@pytest.mark.usefixtures("oven")
class TestTimersBetweenCalls:
    def test_what_fell_due_is_fired_first_and_in_order(self, run, later):
        """The message meets the state to which timers have led meanwhile."""
        later(45)
        ran = run("handle", "--config", "oven.yaml", "again")

        assert ran.out.splitlines() == [
            "oven: working.heat -> working.bake",
            "oven: working.bake -> working.cool",
            "oven: working.cool -> working.heat",
        ]

    def test_a_timer_counts_from_when_the_one_before_was_due(self, run, later):
        """Thirty seconds are ten and twenty, however seldom one calls."""
        later(29)
        first = run("handle", "--config", "oven.yaml", "nothing", "--json")
        later(2)
        second = run("handle", "--config", "oven.yaml", "nothing", "--json")

        assert first.json["state"] == "working.bake"
        assert second.json["state"] == "working.cool"

    def test_timers_of_parents_go_on_through_many_calls(self, run, later):
        """A call does not begin the ten minutes anew."""
        for _ in range(3):
            later(180)
            run("handle", "--config", "oven.yaml", "nothing")
        later(61)
        ran = run("handle", "--config", "oven.yaml", "reset")

        assert ran.out.splitlines() == [
            "oven: working.cool -> overdue",
            "oven: overdue -> off",
        ]

    def test_a_call_that_changes_nothing_leaves_no_row(self, run):
        """What is left of a timer is no change."""
        before = run("history", "--config", "oven.yaml", "--json").json
        run("handle", "--config", "oven.yaml", "nothing")
        after = run("history", "--config", "oven.yaml", "--json").json

        assert after == before

    def test_other_commands_fire_them_too(self, folder, run, later):
        """Rules that come now are not those under which a timer fell due."""
        (folder / "rules.yaml").write_text("rules: [{limit: 1}]")
        later(15)
        run("update_rules", "--config", "oven.yaml", "rules.yaml")
        later(16)
        ran = run("register", "--config", "oven.yaml", "--json")

        assert ran.json["state"] == "working.cool"
        types = [
            row["message_type"]
            for row in run("history", "--config", "oven.yaml", "--json").json
        ]
        assert types == ["after", "(rules updated)", "after", "begin"]

    def test_a_clock_that_was_set_back_fires_nothing(self, run, later):
        """The time left counts from now then."""
        later(-3600)
        ran = run("handle", "--config", "oven.yaml", "nothing", "--json")

        assert ran.json["state"] == "working.heat"
        later(11)
        ran = run("handle", "--config", "oven.yaml", "nothing", "--json")
        assert ran.json["state"] == "working.heat"

    @pytest.mark.parametrize(
        "damage",
        [
            {"timers": {"after.working.heat.10s": "soon"}},
            {"timers": [1]},
            {"timers": 5},
            {"sends": [{"left": 1}]},
            {"sends": 5},
            {"sends": [{"message": {"type": "x"}, "left": float("nan")}]},
        ],
    )
    def test_a_damaged_snapshot_is_told(self, run, change, damage):
        """What is pending is checked like the rest."""
        change(lambda data: data.update(damage))
        ran = run("handle", "--config", "oven.yaml", "stop")

        assert ran.code in {0, 1}
        assert "Traceback" not in ran.err
        assert "defect" not in ran.err
        ran = run("register", "--config", "oven.yaml")
        assert ran.code in {0, 1}
        assert "defect" not in ran.err


class TestInitialTimers:
    def test_they_count_from_registration(self, folder, run, later):
        """The initial state is entered when the component is registered."""
        (folder / "egg.yaml").write_text(
            "name: egg\nstates: {boiling: {after: {3m: done}}, done: {}}\n"
        )
        registered = run("register", "--config", "egg.yaml")
        later(181)
        ran = run("handle", "--config", "egg.yaml", "look", "--json")

        assert registered.out == "egg: registered in boiling\n"
        assert ran.json["state"] == "done"
        assert ran.json["transitions"] == [{"from": "boiling", "to": "done"}]


@pytest.mark.usefixtures("reminder")
class TestDelayedMessagesBetweenCalls:
    def test_they_are_delivered_when_due(self, run, later):
        """An hour is over in the next call."""
        later(3599)
        early = run("handle", "--config", "reminder.yaml", "nothing", "--json")
        later(2)
        late = run("handle", "--config", "reminder.yaml", "nothing", "--json")

        assert early.json["state"] == "idle"
        assert late.json["state"] == "ringing"

    def test_a_later_call_may_cancel_them(self, run, later):
        """What is cancelled by its id does not come."""
        run("handle", "--config", "reminder.yaml", "quiet")
        run("handle", "--config", "reminder.yaml", "ask")
        run("handle", "--config", "reminder.yaml", "quiet")
        history = run("history", "--config", "reminder.yaml", "--json").json

        assert [row["message_type"] for row in history] == [
            "quiet",
            "ask",
            "quiet",
            "ask",
        ]
        assert run("handle", "--config", "reminder.yaml", "x", "--json").json[
            "state"
        ] == ("idle")


class TestServicesOfACall:
    def test_a_call_waits_for_their_end(self, folder, run):
        """A service is done before the command ends, and its result is kept."""
        (folder / "clerk.yaml").write_text(SERVICE)
        (folder / "clerks.py").write_text(CLERKS)
        ran = run("handle", "--config", "clerk.yaml", "go", "--json")

        assert ran.json["transitions"] == [
            {"from": "idle", "to": "work"},
            {"from": "work", "to": "told"},
        ]

    def test_one_that_takes_too_long_begins_again(self, folder, run):
        """The limit is told, and the next call begins the service anew."""
        (folder / "clerk2.yaml").write_text(
            SERVICE.replace("clerks:look_up", "slow_clerks:look_up")
        )
        (folder / "slow_clerks.py").write_text(
            CLERKS.replace("import asyncio", "import asyncio, pathlib").replace(
                "    await asyncio.sleep(0)",
                "    while not pathlib.Path('now').exists():\n"
                "        await asyncio.sleep(0.001)",
            )
        )
        arguments = ("--config", "clerk2.yaml", "--service-wait")
        first = run("handle", "go", *arguments, "0.01")
        (folder / "now").touch()
        second = run("handle", "nothing", *arguments, "5", "--json")

        assert first.out == "clerk: idle -> work\n"
        assert "begins again" in first.err
        assert second.json["state"] == "told"
