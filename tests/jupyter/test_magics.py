"""The magics in a real IPython: in a loop as in a kernel, without as in a terminal."""

from __future__ import annotations

import pytest

from tests.jupyter.test_extension import DOOR


@pytest.fixture
def loaded(shell):
    """A shell with the extension and a door."""
    shell.run_line_magic("load_ext", "flexiflow_jupyter")
    shell.run_cell(DOOR)
    return shell


async def run(shell, cell):
    """Run a cell as a kernel does: on the loop that runs already."""
    result = await shell.run_cell_async(
        cell, store_history=True, transformed_cell=shell.transform_cell(cell)
    )
    shell.events.trigger("post_run_cell", result)
    return result


class TestInALoop:
    async def test_a_send_is_awaited_by_its_cell(self, loaded, capsys):
        """The line after the magic sees the new state."""
        result = await run(loaded, "%flexiflow send door coin\nprint(door.state)")

        assert result.success
        assert capsys.readouterr().out == "door: coin · locked → unlocked\nunlocked\n"

    async def test_a_send_can_be_assigned(self, loaded, capsys):
        """The value says how it went and shows the same text."""
        result = await run(
            loaded,
            "x = %flexiflow send door push\n"
            "(x.status, x.proceeded, x.from_state, x.to_state, repr(x))",
        )

        status, proceeded, before, after, text = result.result
        assert (status, proceeded, before, after) == (
            "ignored",
            False,
            "locked",
            "locked",
        )
        assert text == capsys.readouterr().out.splitlines()[0]

    async def test_a_value_is_not_said_twice_in_its_cell(self, loaded, capsys):
        """As the last line it is printed once; in a later cell it is shown."""
        await run(loaded, "x = %flexiflow send door coin\nx")
        once = capsys.readouterr().out
        await run(loaded, "x")
        later = capsys.readouterr().out

        assert once.count("coin") == 1
        assert later.count("coin") == 1

    async def test_what_nobody_awaits_is_done_all_the_same(self, loaded):
        """Inside def the send is under way; the next cell sees its end."""
        await run(loaded, "def go():\n    return %flexiflow send door coin")
        await run(loaded, "def go():\n    x = %flexiflow send door coin\n    return x")
        result = await run(loaded, "y = go()\nbefore = door.state\n(await y).to_state")

        assert result.result == "unlocked"
        assert loaded.user_ns["before"] == "locked"

    async def test_an_action_that_exits_ends_the_cell_alone(self, loaded):
        """The cell gets the error; left to a task it would end the kernel."""
        await run(loaded, "import sys\ndef leave(): sys.exit(3)")
        await run(loaded, "%%flexiflow\nname: x\nstates: {a: {on: {go: {do: leave}}}}")
        result = await run(loaded, "%flexiflow send x go")

        assert isinstance(result.error_in_exec, SystemExit)
        assert (await run(loaded, "x.state")).result == "a"

    async def test_an_error_that_nobody_awaits_is_shown(self, loaded, capsys):
        """A failed send inside def leaves its box."""
        await run(loaded, "def go():\n    %flexiflow send dorr coin\ngo()")
        await run(loaded, "import asyncio\nfor _ in 'abc': await asyncio.sleep(0)")

        assert "Unknown component: 'dorr'" in capsys.readouterr().out

    async def test_fields_go_along(self, loaded):
        """JSON stays JSON, `$name` is a variable, braces are not IPython's."""
        await run(loaded, "price = 12\nseen = []")
        await run(
            loaded,
            "async def look(message): seen.append(dict(message))",
        )
        await run(
            loaded,
            DOOR.replace("coin: unlocked", "coin: {to: unlocked, do: look}"),
        )
        result = await run(
            loaded,
            '%flexiflow send door coin items={"a": [1, 2]} by="A B" n=3 p=$price',
        )

        assert result.success
        assert loaded.user_ns["seen"] == [
            {"type": "coin", "items": {"a": [1, 2]}, "by": "A B", "n": 3, "p": 12}
        ]

    async def test_what_a_chart_logs_is_printed(self, loaded, capsys):
        """The line of a `log` action stands under the cell, the engine's own do not."""
        said = "coin: {to: unlocked, do: {log: paid}}"
        await run(loaded, DOOR.replace("coin: unlocked", said))
        await run(loaded, "await door.send('coin');")

        out, err = capsys.readouterr()
        assert "door: paid" in out
        assert err == ""

    async def test_each_cell_has_a_story_of_its_own(self, loaded):
        """An id that one cell sets is not seen by the next."""
        await run(loaded, "from flexiflow.logger import *\nset_correlation_id('mine')")
        first = await run(loaded, "get_correlation_id()")
        second = await run(loaded, "get_correlation_id()")

        assert first.result
        assert first.result != "mine"
        assert first.result != second.result

    async def test_a_busy_component_takes_its_definition_afterwards(self, loaded):
        """Re-running a definition while a message is handled does not disturb it."""
        await run(
            loaded,
            "import asyncio\ngate = asyncio.Event()\n"
            "async def slow(): await gate.wait()",
        )
        slow = DOOR.replace("coin: unlocked", "coin: {to: unlocked, do: slow}")
        await run(loaded, slow)
        await run(loaded, "t = asyncio.create_task(door.send('coin'))")
        await run(loaded, "await asyncio.sleep(0)")

        result = await run(
            loaded, slow.replace("push: locked", "push: locked, x: locked")
        )
        await run(loaded, "gate.set(); await t")
        accepted = await run(loaded, "door.state, door.accepted()")

        assert result.success
        assert accepted.result == ("unlocked", ("push", "x"))

    async def test_the_engine_of_what_was_not_bound_is_named(self, loaded, capsys):
        """The remark can be typed as it stands."""
        text = DOOR.replace("panel", "panel --engine b").replace("door", "9 doors")
        await run(loaded, text)

        assert 'get_engine("b").get("9 doors")' in capsys.readouterr().out

    async def test_names_of_another_engine(self, loaded):
        """--engine keeps components apart."""
        await run(loaded, DOOR.replace("panel", "panel --engine b --as other"))
        await run(loaded, "%flexiflow send --engine b door coin")
        result = await run(loaded, "door.state, other.state")

        assert result.result == ("locked", "unlocked")

    async def test_a_start_message_that_does_nothing_is_told(self, loaded, capsys):
        """Nothing is ignored in silence."""
        capsys.readouterr()
        await run(loaded, DOOR.replace("panel", "panel --start nope coin"))

        assert "nope" in capsys.readouterr().out
        assert loaded.user_ns["door"].state == "unlocked"

    async def test_a_closed_engine_is_replaced(self, loaded):
        """Running a definition again is safe after ``engine.close()`` as well."""
        await run(loaded, "from flexiflow_jupyter import get_engine")
        await run(loaded, "old = get_engine(); await old.close()")
        await run(loaded, DOOR)
        await run(loaded, "%flexiflow send door coin")
        result = await run(loaded, "old.is_closed, get_engine() is old, door.state")

        assert result.result == (True, False, "unlocked")


class TestInATerminal:
    def test_a_send_is_run_to_its_end(self, loaded, capsys):
        """Without a loop IPython's own one runs the send."""
        result = loaded.run_cell("x = %flexiflow send door coin\nx.to_state")

        assert result.result == "unlocked"
        assert "door: coin · locked → unlocked" in capsys.readouterr().out

    def test_a_send_inside_a_function_gives_the_value(self, loaded):
        """No await is possible there, and none is needed."""
        loaded.run_cell("def go():\n    x = %flexiflow send door coin\n    return x")

        assert loaded.run_cell("go().to_state").result == "unlocked"

    def test_a_component_is_shown_as_text(self, loaded, capsys):
        """States, the active one marked, and what is accepted now."""
        loaded.run_cell("door")

        said = capsys.readouterr().out
        assert "● locked  coin → unlocked" in said
        assert "Accepted now: coin" in said

    def test_engine_and_chart_are_shown_as_text(self, loaded, capsys):
        """The engine lists its components, the chart its states."""
        loaded.run_cell("from flexiflow_jupyter import get_engine")
        loaded.run_cell("get_engine()")
        loaded.run_cell("door.chart")

        said = capsys.readouterr().out
        assert "Engine default: 1 component" in said
        assert "○ locked  coin → unlocked" in said

    def test_the_result_of_a_message_is_shown(self, loaded, capsys):
        """What `await door.send(...)` hands back is said in words."""
        loaded.run_cell("await door.send('coin')")

        assert "handled: locked → unlocked" in capsys.readouterr().out

    def test_a_wrong_definition_is_told_in_text(self, loaded, capsys):
        """The box is printed instead of a traceback."""
        result = loaded.run_cell(DOOR.replace("coin: unlocked", "coin: unlokced"))

        said = capsys.readouterr().out
        assert not result.success
        assert "> 5 |     on: {coin: unlokced}" in said
        assert "The previous door stays in force, in locked." in said
        assert "Traceback" not in said

    @pytest.mark.parametrize(
        ("options", "name", "variable"),
        [("", "front-door", "front_door"), ("--as gate", "door", "gate")],
    )
    def test_variables_are_bound(self, loaded, options, name, variable):
        """Hyphens become underscores; --as wins."""
        cell = DOOR.replace("--no-panel", f"--no-panel {options}")
        loaded.run_cell(cell.replace("name: door", f"name: {name}"))

        assert loaded.user_ns[variable].name == name

    def test_what_cannot_be_bound_is_said(self, loaded, capsys):
        """Without a panel the remark is a box."""
        loaded.run_cell("keep = 1")
        loaded.run_cell(DOOR.replace("name: door", "name: keep"))

        assert loaded.user_ns["keep"] == 1
        assert "keep is a variable of yours already." in capsys.readouterr().out
