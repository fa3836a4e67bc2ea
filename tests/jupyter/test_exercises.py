"""Exercises check machines and answers, and hint in plain words."""

from __future__ import annotations

import asyncio
import sys

import pytest

from flexiflow.config_loader import ConfigLoader
from flexiflow.statechart import load_chart
from flexiflow_jupyter import exercise, seal_scenarios
from flexiflow_jupyter.exercises.sheets import (
    ExerciseError,
    read_hidden_scenarios,
)

DOOR = """name: door
context: {opened: 0}
states:
  closed:
    on:
      open: {to: opened, if: {key: {min: 3}}, do: {add: {opened: 1}}}
  opened:
    entry: creak
    after: {30s: closed}
    on: {close: {to: closed, do: {emit: door.closed}}}
"""


def told(*scenarios, door=DOOR):
    """Return the hints for a door, joined; empty when all scenarios pass."""
    found = exercise("A door", machine=load_chart(door), scenarios=scenarios)
    return "\n".join(item.hint for item in found.findings)


class TestExercise:
    def test_solved_machine_passes(self):
        """Each scenario has a finding, and the exercise is true."""
        done = exercise(
            "A door",
            "Let it open.",
            machine=load_chart(DOOR),
            scenarios=[{"send": [{"type": "open", "key": 3}], "expect": "opened"}],
        )

        assert (done.passed, bool(done), len(done.findings)) == (True, True, 1)
        assert str(done).endswith("Well done: it passes.")

    def test_text_form_tells_task_marks_and_the_first_hint_alone(self):
        """What cannot be drawn is printed, one hint at a time."""
        lines = repr(
            exercise(
                "A door",
                "Let it\nopen.\n\nSlowly.",
                machine=load_chart(DOOR),
                scenarios=[
                    {"name": "stays", "expect": "closed"},
                    {"name": "opens", "send": ["open"], "expect": "opened"},
                    {"name": "rings", "send": ["ring"], "expect": "rung"},
                ],
            )
        ).splitlines()

        assert lines[:9] == [
            "Exercise: A door",
            "",
            "Let it open.",
            "",
            "Slowly.",
            "",
            "  ✓ stays",
            "  ✗ opens",
            "      Tried: open",
        ]
        assert lines[9].startswith("      It ends in closed, not in opened.")
        assert lines[10].endswith("the guard wants at least 3 (line 6).")
        assert lines[11:] == ["  ✗ rings", "", "Not yet: 1 of 3 pass."]

    def test_machine_may_come_in_each_form(self, engine_door):
        """A component, a config and a chart are checked alike."""
        config = ConfigLoader.load_component_text(DOOR, functions={"creak": print})
        scenarios = [{"send": [{"type": "open", "key": 4}], "expect": "opened"}]
        found = [
            exercise("A door", machine=machine, scenarios=scenarios).passed
            for machine in (engine_door, config, config.chart)
        ]

        assert found == [True, True, True]

    def test_nothing_of_the_student_is_touched(self, engine_door):
        """The scenarios run in a sandbox: the component stays where it is."""
        exercise(
            "A door",
            machine=engine_door,
            scenarios=[{"send": [{"type": "open", "key": 4}], "expect": "opened"}],
        )

        assert (engine_door.state, engine_door.context) == ("closed", {"opened": 0})

    def test_nothing_to_check_by_is_an_error(self):
        """Neither scenarios nor checks: the author hears of it."""
        with pytest.raises(ExerciseError, match="nothing to check by"):
            exercise("A door", "Open it.", machine="door")

    def test_unknown_name_lists_the_nearest(self):
        """A title alone names an exercise of the course."""
        with pytest.raises(ExerciseError, match="coffee-refund"):
            exercise("coffee-refnd")


class TestHints:
    """What a student reads when a scenario does not pass."""

    def test_ignored_step_is_named_with_its_reason(self):
        """Which step, in which state, and what the guard has seen."""
        hint = told({"send": [{"type": "open", "key": 2}], "expect": "opened"})

        assert hint.splitlines() == [
            'Tried: open {"key": 2}',
            (
                "It ends in closed, not in opened. open did nothing in closed: "
                "key is 2; the guard wants at least 3 (line 6)."
            ),
        ]

    def test_step_has_its_number_among_several(self):
        """Time that passes counts as a step."""
        hint = told(
            {
                "send": [{"type": "open", "key": 3}],
                "advance": "30s",
                "then": ["close"],
                "expect": "opened",
            }
        )

        assert 'Tried: open {"key": 3} → (30 s pass) → close' in hint
        assert "Step 3, close, did nothing. Not in closed." in hint

    def test_missing_state_is_said_first(self):
        """A name that the machine does not have."""
        assert "The machine has no state ajar." in told({"expect": "ajar"})

    def test_value_of_the_context(self):
        """The state is right, the data is not."""
        hint = told(
            {
                "send": [{"type": "open", "key": 3}],
                "expect": "opened",
                "context": {"opened": 2},
            }
        )

        assert hint.splitlines()[1] == "opened is 1, not 2."

    def test_author_has_the_last_word(self):
        """A hint of the author's stands below the machine's answer."""
        hint = told({"send": ["open"], "expect": "opened", "hint": "Look at the key."})

        assert hint.splitlines()[-1] == "Look at the key."

    def test_message_that_should_do_nothing(self):
        """What ends in the right state may still have acted."""
        knock = "closed:\n    on:\n      knock: {do: creak}"
        door = DOOR.replace("closed:\n    on:", knock)
        scenario = {"send": ["knock"], "ignores": "knock", "expect": "closed"}

        assert told(scenario) == ""
        assert "knock did something in closed" in told(scenario, door=door)

    def test_calls_and_events_in_their_order(self):
        """Functions that are asked for, and what goes to the bus."""
        scenario = {
            "send": [{"type": "open", "key": 3}, "close"],
            "expect": "closed",
            "calls": ["creak"],
            "emits": ["door.closed"],
        }

        assert told(scenario) == ""
        assert "It calls nothing, not creak." in told(
            scenario, door=DOOR.replace("    entry: creak\n", "")
        )
        assert "It emits nothing, not door.closed." in told(
            scenario,
            door=DOOR.replace("{to: closed, do: {emit: door.closed}}", "closed"),
        )

    def test_error_in_the_machine_is_a_finding(self):
        """A guard that is missing does not end the check."""
        door = DOOR.replace("if: {key: {min: 3}}", "if: has_key")

        assert "has_key" in told({"send": ["open"], "expect": "opened"}, door=door)

    def test_guard_that_ends_the_program_is_a_finding(self, capsys):
        """Whatever a student's guard does, the check goes on, and is silent."""

        def has_key():
            sys.stdout.write("looking")
            raise SystemExit(3)

        door = DOOR.replace("if: {key: {min: 3}}", "if: has_key")
        found = exercise(
            "A door",
            machine=ConfigLoader.load_component_text(
                door, functions={"creak": print, "has_key": has_key}
            ),
            scenarios=[{"send": ["open"], "expect": "opened"}, {"expect": "closed"}],
        )

        assert [item.passed for item in found.findings] == [False, True]
        assert "SystemExit" in found.findings[0].hint
        assert capsys.readouterr().out == ""

    def test_scenario_may_begin_and_look_anywhere(self):
        """What a chart's scenario may hold, a hidden one may hold."""
        scenario = {
            "given": "opened",
            "send": ["close", {"expect": "opened"}, {"advance": "2m"}],
            "expect": "closed",
        }

        hint = told(scenario)

        assert hint.splitlines()[0] == (
            "Tried: From opened: close → (look) → (2 min pass)"
        )
        assert "it is in closed, not in opened" in hint


class TestHiddenScenarios:
    """Where scenarios come from."""

    def test_sealed_ones_are_the_same(self):
        """Sealing hides names and messages, and loses nothing."""
        plain = [{"name": "Größe", "send": ["open"], "expect": "closed", "hint": "x"}]
        sealed = seal_scenarios(plain)

        assert "open" not in sealed
        assert "closed" not in sealed
        assert read_hidden_scenarios(sealed) == read_hidden_scenarios(plain)

    def test_yaml_is_a_list_as_well(self):
        """A text in the cell, indented as the code around it."""
        text = """
            - {send: [open], expect: closed}
        """

        assert read_hidden_scenarios(text)[0].scenario.expect == ("closed",)
        assert read_hidden_scenarios(seal_scenarios(text)) == read_hidden_scenarios(
            text
        )

    @pytest.mark.parametrize(
        "given",
        [
            "coffee-refnd",
            "name: x",
            "flexiflow-exercise-1:nonsense!",
            [{"sent": ["open"], "expect": "closed"}],
            [{"send": ["open"]}],
            ["open"],
        ],
    )
    def test_what_is_no_list_of_scenarios_is_refused(self, given):
        """The author hears what is wrong, with a way out."""
        with pytest.raises(ExerciseError) as caught:
            read_hidden_scenarios(given)

        assert caught.value.why
        assert caught.value.fix

    def test_damaged_seal_is_refused(self):
        """A text that was cut off does not become fewer scenarios."""
        sealed = seal_scenarios([{"send": ["open"], "expect": "closed"}])

        with pytest.raises(ExerciseError, match="cannot be opened"):
            read_hidden_scenarios(sealed[:-8])


class TestAnswers:
    """Exercises whose point is no machine."""

    async def test_findings_are_what_the_checks_return(self):
        """True and an empty text are right, another text is a hint."""

        async def checks(answer):
            await asyncio.sleep(0)
            return {
                "even": answer % 2 == 0,
                "large": "" if answer > 9 else "Too small.",
            }

        found = await exercise("A number", answer=8, checks=checks)

        assert [(f.name, f.passed, f.hint) for f in found.findings] == [
            ("even", True, ""),
            ("large", False, "Too small."),
        ]
        assert found.passed is False

    async def test_error_of_the_students_code_is_told(self):
        """The cell goes on; the message names what was raised."""

        def checks(answer):
            return {"it": answer()}

        def answer():
            raise KeyError("loaves")

        found = await exercise("An answer", answer=answer, checks=checks)

        assert found.outcome.summary == "Your code raised KeyError: 'loaves'"

    @pytest.mark.parametrize(
        ("value", "is_right"),
        [
            (None, True),
            ("", True),
            (True, True),
            ([1], True),
            ("no", False),
            (0, False),
        ],
    )
    async def test_value_of_a_check(self, value, is_right):
        """A text is a hint; nothing, and all that is true, is right."""
        found = await exercise("x", answer=1, checks=lambda _: value)

        assert found.passed is is_right
        assert found.findings[0].name == "Your answer"

    async def test_checks_may_assert(self):
        """The text of an assertion is a hint."""

        def checks(answer):
            raise AssertionError("Take a larger one.")

        found = await exercise("x", answer=1, checks=checks)

        assert found.findings[0].hint == "Take a larger one."

    async def test_code_that_ends_the_program_does_not(self):
        """``sys.exit()`` in a student's code is an error like others."""

        def checks(answer):
            raise SystemExit(1)

        found = await exercise("x", answer=1, checks=checks)

        assert found.outcome.summary == "Your code raised SystemExit: 1"

    async def test_code_that_never_ends_is_given_up(self, monkeypatch):
        """A check has ten seconds; here none."""
        monkeypatch.setattr("flexiflow_jupyter.exercises.assignment._LIMIT_S", 0.0)

        async def checks(answer):
            await answer.wait()

        found = await exercise("An answer", answer=asyncio.Event(), checks=checks)

        assert "took more than" in found.outcome.summary


@pytest.fixture
def engine_door():
    """A component outside of an engine."""
    return ConfigLoader.load_component_text(
        DOOR, functions={"creak": print}
    ).make_component()


@pytest.fixture
def notebook(shell):
    """A shell with the extension; its variables are those of the notebook."""
    shell.run_line_magic("load_ext", "flexiflow_jupyter")
    yield shell
    shell.run_line_magic("unload_ext", "flexiflow_jupyter")


class TestNames:
    """A machine or an answer is looked up when it is checked."""

    def test_machine_that_is_not_there_yet(self, notebook):
        """The student is told which cell to run; running it is enough."""
        found = exercise(
            "A door", machine="door", scenarios=[{"name": "a", "expect": "closed"}]
        )
        before = found.outcome.summary
        notebook.push({"door": load_chart(DOOR)})

        assert before == "There is no machine door yet. Run the cell that defines it."
        assert found.check_nowait() is True

    def test_component_without_a_variable_is_found(self, notebook):
        """A name that is no identifier is looked up in the notebook's engine."""
        notebook.run_cell("%%flexiflow\n" + DOOR.replace("door", "cat-flap", 1))
        found = exercise("A flap", machine="cat-flap", scenarios=[{"expect": "closed"}])

        assert found.passed is True

    def test_functions_of_the_notebook_are_asked(self, notebook):
        """A guard is the one of now, also after its cell was run again."""
        door = DOOR.replace("if: {key: {min: 3}}", "if: has_key")
        notebook.run_cell("def has_key(message):\n    return False")
        notebook.run_cell("def creak():\n    raise OSError")
        notebook.run_cell("%%flexiflow\n" + door)
        found = exercise(
            "A door",
            machine="door",
            scenarios=[{"send": ["open"], "expect": "opened"}],
        )
        before = found.passed
        notebook.run_cell("def has_key(message):\n    return True")

        assert (before, found.check_nowait()) == (False, True)

    def test_check_is_repeated_only_when_it_can_differ(self, notebook):
        """The same chart without functions is not run again after each cell."""
        plain, asking = DOOR, DOOR.replace("if: {key: {min: 3}}", "if: has_key")
        scenarios = [{"name": "a", "expect": "closed"}]
        found = exercise("A door", machine="door", scenarios=scenarios)
        notebook.push({"door": load_chart(plain)})
        stale = [found.is_stale()]
        found.check_nowait()
        stale.append(found.is_stale())
        notebook.push({"door": load_chart(asking)})
        found.check_nowait()
        stale.append(found.is_stale())
        notebook.push({"door": None})
        stale.append(found.is_stale())

        assert stale == [True, False, True, True]

    def test_another_value_of_that_name_is_no_machine(self, notebook):
        """A variable that is something else is said to be."""
        notebook.push({"door": 3})
        found = exercise("A door", machine="door", scenarios=[{"expect": "closed"}])

        assert found.outcome.summary.startswith("door is no machine")

    async def test_answer_that_is_not_there_yet(self, notebook):
        """As for a machine."""
        found = await exercise("x", answer="solution", checks=lambda _: {"x": True})

        assert found.outcome.summary.startswith("There is no solution yet.")
        notebook.push({"solution": 1})
        assert found.is_stale()
        assert await found.check()
        assert not found.is_stale()
