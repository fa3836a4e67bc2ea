"""The magics about one component: history, explain, reset, undo."""

from __future__ import annotations

import pytest

from flexiflow_jupyter.event_rows import story_of
from tests.jupyter.test_magics import run

DOOR = """%%flexiflow --no-panel
name: door
context: {opened: 0}
states:
  locked: {on: {coin: {to: unlocked, if: {amount: {min: 2}}}, kick: {do: fail}}}
  unlocked: {entry: {add: {opened: 1}}, on: {push: locked}, after: {30s: locked}}
  dusty:
"""


@pytest.fixture
async def loaded(shell):
    """A shell with the extension, a door and a function that fails."""
    shell.run_line_magic("load_ext", "flexiflow_jupyter")
    await run(shell, "def fail():\n    raise ValueError('ouch')")
    await run(shell, DOOR)
    return shell


class TestHistory:
    async def test_messages_are_listed_with_what_they_did(self, loaded):
        """Each has its fields, its states and how it ended."""
        await run(loaded, "%flexiflow send door push")
        await run(loaded, "%flexiflow send door coin amount=2")
        await run(loaded, "%flexiflow send door push")
        await run(loaded, "%flexiflow send door kick")
        result = await run(loaded, "steps = %flexiflow history door\nsteps")

        told = [
            (row["message"], row["from"], row["to"], row["status"].split(":")[0])
            for row in result.result
            if row["message"].split()[0] in {"push", "coin", "kick"}
        ]
        assert told == [
            ("push", "locked", "locked", "ignored"),
            ('coin {"amount": 2}', "locked", "unlocked", "handled"),
            ("push", "unlocked", "locked", "handled"),
            ("kick", "locked", "locked", "failed"),
        ]
        assert "kick failed" in result.result[-1]["status"]

    async def test_each_message_has_its_story(self, loaded):
        """Two cells are two stories, under the names that the panel shows."""
        await run(loaded, "%flexiflow send door coin")
        await run(loaded, "%flexiflow send door push")
        result = await run(loaded, "%flexiflow history door")

        stories = [row["story"] for row in result.result]
        bus = loaded.user_ns["door"].event_bus
        told = {story_of(event) for event in bus.history.after(0)}
        assert len(set(stories)) == len(stories)
        assert set(stories) <= told

    async def test_other_components_are_left_out(self, loaded):
        """A history is that of one component."""
        await run(loaded, "%%flexiflow --no-panel\nname: bell\nstates: {a: }")
        await run(loaded, "%flexiflow send bell ring")
        result = await run(loaded, "%flexiflow history door")

        assert all(row["message"] != "ring" for row in result.result)


class TestExplain:
    async def test_each_message_is_explained(self, loaded):
        """What does nothing says why, with the clause and the value."""
        result = await run(loaded, "%flexiflow explain door")
        found = {row["message"]: (row["now"], row["why"]) for row in result.result}

        assert found["kick"] == ("✓", "does something now")
        assert found["push"][0] == "✗"
        assert "unlocked" in found["push"][1]
        assert "amount" in found["coin"][1]

    async def test_remarks_about_the_definition_have_their_line(self, loaded):
        """An unreachable state is named."""
        result = await run(loaded, "%flexiflow explain door")
        remarks = [row for row in result.result if row["message"] == "definition"]

        assert remarks[0]["why"].startswith("line 7: State 'dusty' cannot be reached.")


class TestUndo:
    async def test_the_last_step_is_taken_back(self, loaded):
        """State and data are those before it; what stays done is named."""
        await run(
            loaded,
            "%%flexiflow --no-panel\nname: bell\ncontext: {n: 0}\n"
            "states: {a: {on: {ring: {do: [{add: {n: 1}}, {emit: rung}]}}}}",
        )
        await run(loaded, "%flexiflow send bell ring")
        await run(loaded, "%flexiflow send bell ring")

        result = await run(loaded, "undone = %flexiflow undo bell\nundone")

        assert loaded.user_ns["bell"].context == {"n": 1}
        assert "rung" in result.result[0]["not undone"]

    async def test_there_is_nothing_before_the_first_step(self, loaded):
        """It says so."""
        await run(loaded, "%%flexiflow --no-panel\nname: bell\nstates: {a: }")

        result = await run(loaded, "%flexiflow undo bell")

        assert "bell" in result.error_in_exec.what


class TestReset:
    async def test_a_component_begins_again(self, loaded):
        """State and data are those of the definition; timers of before are gone."""
        await run(loaded, "%flexiflow send door coin amount=2")
        assert loaded.user_ns["door"].context == {"opened": 1}

        result = await run(loaded, "%flexiflow reset door")

        door = loaded.user_ns["door"]
        assert (door.state, door.context) == ("locked", {"opened": 0})
        assert not door.under_way()
        assert result.result[0] == {"from": "unlocked", "to": "locked"}

    async def test_classes_cannot_be_reset(self, loaded, capsys):
        """Nothing says how they began; the way out is named."""
        await run(
            loaded,
            "from flexiflow.component import AsyncComponent\n"
            "from flexiflow_jupyter import get_engine\n"
            "get_engine().register(AsyncComponent('old'))",
        )
        result = await run(loaded, "%flexiflow reset old")

        assert "create_component" in str(result.error_in_exec.fix)


class TestWords:
    async def test_a_component_of_another_engine_is_named(self, loaded):
        """The option that reaches it is the way out."""
        await run(
            loaded,
            "%%flexiflow --no-panel --engine second\nname: bell\nstates: {a: }",
        )

        result = await run(loaded, "%flexiflow history bell")

        assert "--engine second" in result.error_in_exec.fix

    async def test_a_semicolon_ends_the_line(self, loaded):
        """As in a line of Python it is no part of what is said."""
        result = await run(loaded, "x = %flexiflow send door push;\nx")

        assert result.result.text.startswith("door: push does nothing now")
