"""The magics about charts: test, record, coverage, paths."""

from __future__ import annotations

import pytest

from tests.jupyter.test_magics import run

DOOR = """%%flexiflow --no-panel
name: door
context: {opened: 0}
states:
  locked: {on: {coin: unlocked}}
  unlocked: {entry: {add: {opened: 1}}, on: {push: locked}, after: {30s: locked}}
scenarios:
  - {name: A visit, send: [coin, push], expect: locked, context: {opened: 1}}
  - {name: A lie, send: [coin], expect: locked}
"""


@pytest.fixture
def loaded(shell):
    """A shell with the extension and a door."""
    shell.run_line_magic("load_ext", "flexiflow_jupyter")
    shell.run_cell(DOOR)
    return shell


class TestTest:
    async def test_scenarios_are_run(self, loaded):
        """A row for each, with what differs and where."""
        result = await run(loaded, "%flexiflow test door")
        good, bad = result.result

        assert result.result.title == "door: 1 of 2 scenarios as expected"
        assert (good[""], good["scenario"]) == ("✓", "A visit")
        assert bad["came out"] == "It ends in unlocked, not in locked."
        assert bad["where"] == "line 9"

    async def test_functions_of_the_notebook_are_asked(self, loaded):
        """Guards are looked up where the component looks them up."""
        await run(loaded, "def never():\n    return False")
        await run(
            loaded,
            "%%flexiflow --no-panel\nname: gate\n"
            "states: {a: {on: {m: {to: b, if: never}}}, b: }\n"
            "scenarios: [{send: [m], expect: a}]",
        )
        result = await run(loaded, "%flexiflow test gate")

        assert [row[""] for row in result.result] == ["✓"]

    async def test_nothing_to_run(self, loaded):
        """It says how scenarios come about."""
        await run(loaded, "%%flexiflow --no-panel\nname: gate\nstates: {a: }")
        result = await run(loaded, "%flexiflow test gate")

        assert len(result.result) == 0
        assert "%flexiflow record gate" in repr(result.result)


class TestRecord:
    async def test_begin_and_stop(self, loaded, capsys):
        """Between the two, what happens is told as a scenario."""
        await run(loaded, "x = %flexiflow record door")
        await run(loaded, "%flexiflow send door coin")
        await run(loaded, "await door.send('push')")
        again = await run(loaded, "%flexiflow record door")
        told = await run(loaded, "x = %flexiflow record door stop\nx")

        assert "2 steps so far" in repr(again.result)
        text = repr(told.result)
        assert text.startswith('- name: "coin, push"\n')
        assert told.result.is_running is False
        assert "<pre data-flexiflow" in told.result._repr_html_()
        assert "{expect: unlocked, context: {opened: 1}}" in text

    async def test_as_a_test(self, loaded):
        """The same as a file for pytest."""
        await run(loaded, "%flexiflow record door")
        await run(loaded, "%flexiflow send door coin")
        told = await run(loaded, "%flexiflow record door pytest")

        assert "def test_coin():" in repr(told.result)

    async def test_as_a_film(self, loaded):
        """The same as a picture that plays by itself."""
        await run(loaded, "%flexiflow record door")
        await run(loaded, "%flexiflow send door coin")
        told = await run(loaded, "%flexiflow record door svg")

        shown, _ = loaded.display_formatter.format(told.result)
        assert "<svg" in shown["image/svg+xml"]
        assert "coin" in shown["image/svg+xml"]

    @pytest.mark.parametrize(
        ("line", "what"),
        [
            ("%flexiflow record door stop", "door is not recorded."),
            ("%flexiflow record door now", "'now' means nothing here."),
            ("%flexiflow record", "record needs a component."),
            ("%flexiflow record dor", "Unknown component: 'dor'"),
        ],
    )
    async def test_mistakes_are_told(self, loaded, line, what):
        """What, why and what to write."""
        result = await run(loaded, line)

        assert what in str(result.error_in_exec)


class TestCoverage:
    async def test_scenarios_and_what_was_done_by_hand(self, loaded):
        """Two columns: what scenarios visit, and what the component has visited."""
        before = await run(loaded, "%flexiflow coverage door")
        await run(loaded, "%flexiflow send door coin")
        after = await run(loaded, "%flexiflow coverage door")
        rows = {row["visited"]: row for row in after.result}

        assert before.result.title == "door: 2 of 2 states, 2 of 3 transitions"
        assert rows["locked → unlocked on coin"]["by hand"] == 1
        assert rows["locked → unlocked on coin"]["by scenarios"] == 2
        assert rows["unlocked → locked on after 30s"]["by scenarios"] == 0

    async def test_a_redefinition_begins_the_counts_anew(self, loaded):
        """The numbers are those of the transitions that there are now."""
        await run(loaded, "%flexiflow send door coin")
        changed = (
            "%%flexiflow --no-panel\nname: door\nstates: {shut: {on: {coin: shut}}}"
        )
        await run(loaded, changed)
        result = await run(loaded, "%flexiflow coverage door")
        rows = {row["visited"]: row for row in result.result}

        assert rows["shut → shut on coin"]["by hand"] == 0


class TestPaths:
    async def test_ways_to_all_and_to_one(self, loaded):
        """Timers are part of a way."""
        every = await run(loaded, "%flexiflow paths door")
        one = await run(loaded, "%flexiflow paths door unlocked")

        ways = {row["to"]: row["way"] for row in every.result}
        assert ways["unlocked → locked on after 30s"] == "coin -> after in unlocked"
        assert [dict(row) for row in one.result] == [
            {"to": "state unlocked", "way": "coin"}
        ]

    async def test_unknown_state(self, loaded):
        """Near misses first."""
        result = await run(loaded, "%flexiflow paths door unlockd")

        assert "%flexiflow paths door unlocked" in str(result.error_in_exec)


class TestClasses:
    async def test_component_without_a_chart(self, loaded):
        """It says why there is nothing to see."""
        await run(
            loaded,
            "from flexiflow.component import AsyncComponent\n"
            "from flexiflow_jupyter import get_engine\n"
            "get_engine().register(AsyncComponent('old'))",
        )
        result = await run(loaded, "%flexiflow coverage old")

        assert "old runs no chart." in str(result.error_in_exec)
