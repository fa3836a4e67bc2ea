"""The timeline in a real kernel: output at its step, forks below, a held mailbox."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(90)]

FUNCTIONS = """
import logging

def greet(message):
    print("good morning", message.get("name"))
    logging.getLogger("desk").warning("a guest")
"""
DESK = """%%flexiflow
name: desk
context: {guests: 0}
states:
  open:
    on:
      guest: {do: [greet, {add: {guests: 1}}, {log: "noted"}]}
      close: closed
  closed:
    on: {open: open}
"""


@pytest.fixture
def desk(kernel):
    """Give the kernel and the panel of a desk."""
    kernel.run(FUNCTIONS)
    (panel,) = kernel.run(DESK, cell_id="desk").views
    return kernel, panel


def do(kernel, panel, what, **more):
    """Have something done with the timeline, and return its last reply."""
    kernel.send(panel, {"kind": "do", "id": f"do-{what}", "what": what, **more})
    return kernel.answer(f"do-{what}")


def step(kernel, panel, number):
    """Ask for a step."""
    kernel.send(panel, {"kind": "need", "what": "step", "at": number})
    for _ in kernel.looks():
        for _, custom in kernel.customs:
            if custom["kind"] == "step" and custom["at"] == number:
                return custom
    raise AssertionError(number)


def until(kernel, panel, holds):
    """Wait until the trait ``timeline`` of a panel is as wanted."""
    for _ in kernel.looks():
        found = kernel.models.get(panel, {}).get("timeline") or {}
        if found and holds(found):
            return found
    raise AssertionError(found)


class TestOutput:
    """What is printed and logged in a cell."""

    def test_it_stands_at_its_step_and_in_the_cell(self, desk):
        """Prints, the chart's own log lines, and those of logging, once each."""
        kernel, panel = desk
        run = kernel.run("await desk.send('guest', name='Ann')\nprint('mine')")
        answer = step(kernel, panel, 1)

        assert run.printed == "good morning Ann\ndesk: noted\nmine\n"
        assert "a guest" in run.errors
        assert answer["output"] == [
            ["stdout", "good morning Ann\n"],
            ["log", "WARNING: a guest"],
            ["stdout", "desk: noted\n"],
        ]

    def test_a_click_prints_under_the_cell_of_the_panel(self, desk):
        """And at its step."""
        kernel, panel = desk
        kernel.answer(kernel.click(panel, "guest", name="Bob"))

        assert step(kernel, panel, 1)["output"][0] == ["stdout", "good morning Bob\n"]

    def test_unloading_leaves_the_streams_alone(self, desk):
        """Nothing is noted any more."""
        kernel, _ = desk
        kernel.run("%unload_ext flexiflow_jupyter")
        kernel.run("await desk.send('guest')")

        assert kernel.value("desk.steps[1].output") == "()"
        kernel.run("%load_ext flexiflow_jupyter")


class TestDeeds:
    """What a page asks for."""

    def test_a_fork_is_shown_below(self, desk):
        """With a panel of its own, under the cell of the first."""
        kernel, panel = desk
        kernel.run("await desk.send('guest')\nawait desk.send('close')")
        known = set(kernel.models)
        reply = do(kernel, panel, "fork", at=1)

        assert reply["status"] == "ok"
        new = [
            one
            for name, one in kernel.models.items()
            if name not in known and one.get("component")
        ]
        assert [one["component"] for one in new] == ["desk~2"]
        assert new[0]["timeline"]["fork_of"] == "desk"
        assert kernel.value("get_engine().get('desk~2').state") == "'open'"
        assert kernel.value("desk.state") == "'closed'"

    def test_next_works_while_a_cell_waits(self, desk):
        """A cell that sends to a paused component waits; the panel goes on."""
        kernel, panel = desk
        assert do(kernel, panel, "pause")["status"] == "ok"
        cell = kernel.begin("print((await desk.send('close')).to_state)")
        until(kernel, panel, lambda found: found["pace"]["waiting"] == 1)
        assert do(kernel, panel, "next")["status"] == "ok"
        run = kernel.finish(cell)

        assert run.printed == "closed\n"
        assert do(kernel, panel, "go")["status"] == "ok"

    def test_undo_shows_in_all_panels(self, desk):
        """Also in those of other cells."""
        kernel, panel = desk
        (other,) = kernel.run("panel(desk)", cell_id="other").views
        kernel.run("await desk.send('close')")
        assert do(kernel, panel, "undo")["status"] == "ok"

        until(kernel, other, lambda found: found["last"] == 0)

    def test_running_the_cell_again_begins_the_timeline_anew(self, desk):
        """Numbers go on: none of them means two things."""
        kernel, _ = desk
        kernel.run("await desk.send('close')")
        (panel,) = kernel.run(DESK, cell_id="desk").views

        found = until(kernel, panel, lambda found: found["first"] > 0)
        assert (found["first"], found["last"]) == (2, 2)
