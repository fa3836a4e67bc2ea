"""The card of an exercise: traits out, one message in; and the whole in a kernel."""

from __future__ import annotations

import asyncio

import comm
import pytest

from flexiflow.statechart import load_chart
from flexiflow_jupyter import exercise
from flexiflow_jupyter.widgets import ExerciseCard, bundles

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


@pytest.fixture
def notebook(shell):
    """A shell with the extension; its variables are those of the notebook."""
    shell.run_line_magic("load_ext", "flexiflow_jupyter")
    yield shell
    shell.run_line_magic("unload_ext", "flexiflow_jupyter")


SENT = []


class FakeComm(comm.base_comm.BaseComm):
    """Keep what would be published."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Note a message."""
        SENT.append((msg_type, data))


@pytest.fixture
def fake_comm(monkeypatch):
    """Let widgets talk to nobody."""
    SENT.clear()
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    monkeypatch.setattr(bundles, "read_bundle", lambda name: name.encode())


def click_check(card):
    """Press the button, as the page does."""
    data = {"method": "custom", "content": {"v": 1, "kind": "check"}}
    card.comm.handle_msg({"content": {"data": data}, "buffers": []})


@pytest.mark.usefixtures("fake_comm")
class TestCard:
    """The widget: traits out, one message in."""

    async def test_traits_tell_what_was_found(self):
        """Title, task, findings, and how it stands."""
        shown = exercise(
            "A door",
            "Let it `open`.",
            machine=load_chart(DOOR),
            scenarios=[
                {"name": "a", "expect": "closed"},
                {"name": "b", "expect": "opened"},
            ],
        )

        card = ExerciseCard(shown)

        assert (card.title, card.text) == ("A door", "Let it `open`.")
        assert (card.state, card.summary) == ("open", "Not yet: 1 of 2 pass.")
        assert [item["passed"] for item in card.items] == [True, False]
        card.close()

    async def test_cell_that_was_run_checks_again(self, notebook):
        """What a cell changed shows on the card, without a click."""
        shown = exercise(
            "A door", machine="door", scenarios=[{"name": "a", "expect": "closed"}]
        )
        card = ExerciseCard(shown)
        before = card.state

        notebook.push({"door": load_chart(DOOR)})
        notebook.events.trigger("post_run_cell", None)

        assert (before, card.state) == ("waiting", "passed")
        card.close()

    async def test_button_checks_an_answer_again(self):
        """The student's own code runs when asked for, on the notebook's loop."""
        runs = []

        async def checks(answer):
            runs.append(answer)
            await asyncio.sleep(0)
            return {"often": len(runs) > 1 or "Once more."}

        card = ExerciseCard(await exercise("x", answer=1, checks=checks))
        before = card.state
        click_check(card)
        for _ in range(6):
            await asyncio.sleep(0)

        assert (before, card.state, runs) == ("open", "passed", [1, 1])
        assert card.checks == 1
        card.close()

    async def test_answer_is_checked_by_itself_when_nobody_awaited_it(self):
        """A card without findings checks once; the same answer not again."""
        runs = []
        card = ExerciseCard(
            exercise("x", answer=1, checks=lambda a: runs.append(a) or {"x": True})
        )
        for _ in range(6):
            await asyncio.sleep(0)
        card.refresh()
        for _ in range(6):
            await asyncio.sleep(0)

        assert (card.state, runs) == ("passed", [1])
        card.close()

    async def test_closed_card_hears_nothing(self):
        """Closing ends comm and listener, and may be done twice."""
        shown = exercise(
            "A door", machine=load_chart(DOOR), scenarios=[{"expect": "x"}]
        )
        card = ExerciseCard(shown)
        card.close()
        card.close()
        SENT.clear()

        shown.check_nowait()
        card.refresh()

        assert SENT == []

    async def test_foreign_messages_are_left_alone(self):
        """Whatever else the page sends does nothing."""
        card = ExerciseCard(
            exercise("x", answer=1, checks=lambda _: pytest.fail("was checked"))
        )
        data = {"method": "custom", "content": {"kind": "send"}}
        card.comm.handle_msg({"content": {"data": data}, "buffers": []})

        assert card.checks == 0
        card.close()


@pytest.mark.kernel
class TestInAKernel:
    """The whole way: a cell, a card, a click."""

    def test_card_follows_the_students_cell(self, kernel):
        """Not yet; then the machine is defined again, and it is solved."""
        kernel.run("%%flexiflow --no-panel\n" + DOOR.replace("    entry: creak\n", ""))
        run = kernel.run(
            "exercise('A door', machine='door', scenarios=[{'name': 'rings', "
            "'send': ['ring'], 'expect': 'rung'}])"
        )
        card = run.views[0]
        kernel.model_with(card, state="open")

        kernel.run(
            "%%flexiflow --no-panel\nname: door\nstates:\n"
            "  closed: {on: {ring: rung}}\n  rung: {}"
        )

        model = kernel.model_with(card, state="passed")
        assert model["items"] == [{"name": "rings", "passed": True, "hint": ""}]
        assert run.bundles[1]["text/plain"].startswith("Exercise: A door")
        assert model["twin"] in run.bundles[1]["text/html"]

    def test_static_display_shows_the_saved_picture_alone(self, kernel):
        """For tutorials and CI: no widget, the text is there."""
        kernel.run("import os\nos.environ['FLEXIFLOW_DISPLAY'] = 'static'")
        try:
            run = kernel.run("exercise('x', machine='no', scenarios=[{'expect': 'a'}])")
        finally:
            kernel.run("del os.environ['FLEXIFLOW_DISPLAY']")

        assert run.views == []
        assert run.bundles[0]["text/plain"].startswith("Exercise: x")

    def test_saved_picture_follows_as_well(self, kernel):
        """What a reader without a kernel sees is what came of it last."""
        code = "exercise('A door', machine='door', scenarios=[{'expect': 'shut'}])"
        shown = kernel.run(code)
        solved = kernel.run("%%flexiflow --no-panel\nname: door\nstates: {shut: {}}")

        pictures = solved.of("update_display_data")
        assert "There is no machine door yet." in shown.bundles[1]["text/plain"]
        assert "Well done: it passes." in pictures[-1]["data"]["text/plain"]

    def test_answer_that_is_defined_again_is_checked_again(self, kernel):
        """A function of the student's, without a click."""
        kernel.run("def double(n):\n    return n")
        card = kernel.run(
            "await exercise('Twice', answer='double',"
            " checks=lambda double: {'four': double(2) == 4})"
        ).views[0]
        kernel.model_with(card, state="open")

        kernel.run("def double(n):\n    return 2 * n")

        kernel.model_with(card, state="passed", checks=1)

    def test_card_of_a_cell_that_is_run_again_is_closed(self, kernel):
        """One card a cell."""
        code = "exercise('A door', machine='door', scenarios=[{'expect': 'closed'}])"
        first = kernel.run(code, cell_id="e").views[0]
        second = kernel.run(code, cell_id="e").views[0]

        assert first in kernel.closed
        assert second in kernel.models
