"""Whatever is wrong is said in a box, the cell fails, and nothing else changes."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.kernel

DOOR = """%%flexiflow
name: door
states:
  locked:
    on: {coin: unlocked}
  unlocked:
    on: {push: locked}
"""

WRONG = {
    "typo in a key": (DOOR.replace("    on: {coin", "    onn: {coin"), 5, "on"),
    "unknown target": (DOOR.replace("coin: unlocked", "coin: unlokced"), 5, "unlocked"),
    "wrong indentation": (DOOR.replace("  unlocked:", "   unlocked:"), 6, "Indent"),
    "a tab": (DOOR.replace("  locked:", "\tlocked:"), 4, "spaces"),
    "duplicate key": (f"{DOOR}name: gate\n", 8, "Rename"),
    "duplicate state": (f"{DOOR}  locked:\n    on: {{x: unlocked}}\n", 8, "Rename"),
    "no mapping": ("%%flexiflow\n- door\n", 2, "name"),
    "empty lines above": (
        "\n  \n" + DOOR.replace("coin: unlocked", "coin: unlokced"),
        7,
        "unlocked",
    ),
}

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "'quotes' and \"more\"",
    "🚪 emoji",
    "שלום\u202eabc",
    "</script><script>alert(1)</script>",
]


@pytest.fixture
def door(kernel):
    """A door that is unlocked, its panel in cell `a`."""
    run = kernel.run(DOOR, cell_id="a")
    kernel.run("%flexiflow send door coin")
    return run.views[0]


class TestDefinition:
    @pytest.mark.parametrize("name", WRONG)
    def test_a_wrong_text_is_shown_with_its_line(self, kernel, door, name):
        """A box with the marked line of the editor, a fix; the cell fails shortly."""
        text, line, fix = WRONG[name]

        run = kernel.run(text, cell_id="b")

        assert run.reply["status"] == "error"
        assert f'data-marked="{line}"' in run.html
        assert 'role="alert"' in run.html
        assert fix in run.bundles[0]["text/plain"]
        number = run.reply["execution_count"]
        assert len(run.reply["traceback"]) == 1
        assert f"cell [{number}]:{line}:" in run.reply["traceback"][0]
        assert kernel.value("door.state") == "'unlocked'"

    def test_what_stays_in_force_is_said(self, kernel, door):
        """The machine of before goes on, and its panel is kept under the box."""
        run = kernel.run(WRONG["unknown target"][0], cell_id="a")

        assert "The previous door stays in force, in unlocked." in run.html
        assert run.views == [door]
        assert door not in kernel.closed
        assert kernel.answer(kernel.click(door, "push"))["status"] == "ok"

    def test_a_wrong_option_is_said(self, kernel):
        """An option that does not exist has a suggestion; the panel is kept."""
        panel = kernel.run(DOOR, cell_id="a").views[0]
        run = kernel.run(DOOR.replace("flow\n", "flow --no-pannel\n", 1), cell_id="a")

        assert run.reply["status"] == "error"
        assert "Did you mean --no-panel?" in run.html
        assert run.views == [panel]

    def test_a_first_message_that_fails_leaves_the_new_panel(self, kernel):
        """The component is there; its panel is shown once, above the box."""
        kernel.run(DOOR, cell_id="a")
        failing = DOOR.replace("coin: unlocked", "coin: {to: unlocked, do: gone}")

        run = kernel.run(
            failing.replace("flow\n", "flow --start coin\n", 1), cell_id="a"
        )

        assert run.reply["status"] == "error"
        assert len(run.views) == 1
        assert 'role="alert"' in run.html

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_are_text(self, kernel, name):
        """Names with markup, quotes, emoji or direction marks are shown, not run."""
        quoted = json.dumps(name, ensure_ascii=False).replace("\u202e", "\\u202E")

        run = kernel.run(DOOR.replace("door", quoted))

        assert run.reply["status"] == "ok", run.errors
        model = kernel.models[run.views[0]]
        assert model["component"] == name
        assert "get_engine().get(" in model["notice"]["fix"]
        assert kernel.answer(kernel.click(run.views[0], "coin"))["status"] == "ok"

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_messages_do_not_break_the_picture(self, kernel, name):
        """Any message type stands in the picture as text with a generated id."""
        quoted = json.dumps(name, ensure_ascii=False).replace("\u202e", "\\u202E")
        run = kernel.run(DOOR.replace("coin:", f"{quoted}:"))

        model = kernel.models[run.views[0]]

        assert model["graph"]["edges"][0]["message"] == name
        assert re.search(r"n0 -> n1 \[id=e0", model["dot"]) or "id=e0" in model["dot"]
        assert kernel.answer(kernel.click(run.views[0], name))["status"] == "ok"

    def test_nothing_of_the_users_is_overwritten(self, kernel):
        """A variable of the user's stays; the panel says how to get the component."""
        kernel.run("door = 12")

        run = kernel.run(DOOR)

        assert kernel.value("door") == "12"
        notice = kernel.models[run.views[0]]["notice"]
        assert "door is a variable of yours already." in notice["why"]
        assert notice["why"] in run.bundles[1]["text/plain"]


class TestFunctions:
    FAILING = DOOR.replace(
        "on: {coin: unlocked}",
        "on: {coin: {to: unlocked, do: ring}, knock: {to: unlocked, if: ring}}",
    )

    @pytest.fixture
    def ring(self, kernel):
        """A function that raises, as guard and as action."""
        kernel.run("def ring():\n    raise ValueError('no <b>bell</b>')")
        return kernel.run(self.FAILING).views[0]

    @pytest.mark.parametrize(
        "cell", ["%flexiflow send door coin", "await door.send('coin')"]
    )
    def test_an_action_that_raises_is_a_box(self, kernel, ring, cell):
        """The error names function and cell; the state is as it was."""
        run = kernel.run(cell)

        assert run.reply["status"] == "error"
        assert "ValueError in ring" in run.html
        assert re.search(r"cell \[\d+\], line 2, in ring", run.html)
        assert "<b>bell" not in run.html
        assert len(run.reply["traceback"]) == 1
        assert kernel.value("door.state") == "'locked'"

    def test_a_guard_that_raises_is_a_box(self, kernel, ring):
        """A guard's error is no plain no; the button says it too."""
        run = kernel.run("%flexiflow send door knock")

        assert run.reply["status"] == "error"
        assert "guard ring" in run.html
        reasons = {m["type"]: m["reason"] for m in kernel.models[ring]["messages"]}
        assert "ValueError" in reasons["knock"]

    def test_a_function_that_is_missing_fails_with_a_fix(self, kernel):
        """The call fails with what, why and fix while the function is not there."""
        kernel.run(self.FAILING)

        run = kernel.run("%flexiflow send door coin")

        assert run.reply["status"] == "error"
        assert "ring" in run.html
        assert "<bdi>" in run.html
        assert kernel.value("door.state") == "'locked'"


class TestCommands:
    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("%flexiflow sned door coin", "Did you mean %flexiflow send?"),
            ("%flexiflow send dor coin", "door"),
            ("%flexiflow send door", "NAME MESSAGE"),
            ("%flexiflow send door coin amount", "amount=VALUE"),
            ("%flexiflow graph", "%flexiflow graph door"),
            ("%flexiflow list door", "Leave it out."),
            ('%flexiflow send "door', "closing"),
        ],
    )
    def test_wrong_lines_say_what_is_right(self, kernel, door, line, said):
        """Each mistake has a box with a fix that can be typed."""
        run = kernel.run(line)

        assert run.reply["status"] == "error"
        assert said in run.bundles[0]["text/plain"]
        assert len(run.reply["traceback"]) == 1

    def test_a_message_that_is_unknown_is_told(self, kernel, door):
        """An unknown message is ignored with a reason, not an error."""
        run = kernel.run("%flexiflow send door pussh")

        assert run.reply["status"] == "ok"
        assert "Did you mean push?" in run.printed

    def test_the_whole_traceback_is_there_on_demand(self, kernel):
        """%tb shows what the box left out."""
        kernel.run("%flexiflow sned")

        run = kernel.run("%tb")

        assert "commands.py" in "".join(run.errors + run.printed + str(run.messages))
