"""The timeline: looking back, forks, what would be, recordings, lectures, undo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in
from tests.browser.timeline_view import TimelineView

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage
    from tests.browser.panel_view import PanelView

only_lab = pytest.mark.parametrize("app", ["lab"])
"""For rules that do not depend on the application."""

_ROUND = """
for message in ("coin", "coin", "push", "coin"):
    await turnstile.send(message)
"""
"""Four steps: unlocked, unlocked, locked, unlocked."""

_MANY = """
for _ in range(5000):
    await turnstile.send("coin")
    await turnstile.send("push")
"""

_FUNCTIONS = """
def greet(message):
    print("good morning", message.get("name", ""))

def explode(message):
    raise RuntimeError("no paper in the printer")
"""
_DESK = """%%flexiflow
name: desk
context: {guests: 0}
states:
  open:
    on:
      guest: {do: [greet, {add: {guests: 1}}]}
      ticket: {to: closed, do: explode}
      close: closed
  closed:
    on: {open: open}
"""

_LAMP = """%%flexiflow
name: lamp
states:
  dark: {on: {press: lit}}
  lit:
    after: {10m: dark}
    on: {press: dark}
"""


def _shown(
    open_notebook: OpenNotebook, *more: str, chart: str = TURNSTILE, width: int = 1280
) -> tuple[NotebookPage, PanelView, TimelineView]:
    """Open a notebook, define a chart in cell 1, return its panel and timeline."""
    page = open_notebook([LOAD, chart, *more], width=width, height=1600)
    page.run(0)
    page.run(1)
    name = chart.split("name: ")[1].split("\n", maxsplit=1)[0]
    panel = panel_in(page, 1, name)
    return page, panel, TimelineView(panel.root)


def _focus(page: NotebookPage) -> str:
    """Return what has the focus: its action, or what it is called."""
    name: str = page.page.evaluate(
        "() => { const node = document.activeElement;"
        " return node.dataset.action ?? node.getAttribute('aria-label') ?? ''; }"
    )
    return name


class TestLookingBack:
    """An earlier step takes the place of the live state, and says so."""

    def test_the_panel_follows_the_handle(self, open_notebook: OpenNotebook) -> None:
        """Graph, head, context, strip and events show the step; Live ends it."""
        page, panel, timeline = _shown(open_notebook, _ROUND)
        assert timeline.numbers() == (0, 0, 0)
        page.run(2)
        timeline.expect_steps(4)
        assert timeline.numbers() == (0, 4, 4)
        expect(timeline.strip).to_be_hidden()
        expect(timeline.action("live")).to_have_attribute("aria-pressed", "true")

        timeline.action("back").click()
        timeline.expect_steps(4, 3)
        panel.expect_state("locked")
        timeline.drag_to(0.25)
        timeline.expect_steps(4, 1)

        panel.expect_state("unlocked")
        expect(timeline.strip).to_contain_text("Looking at step 1.")
        expect(timeline.strip).to_contain_text("The machine itself is in unlocked.")
        expect(timeline.strip).to_contain_text("coin")
        assert re.search(r"step 0 → 1\s+coins\s+0\s+1", panel.context_text())
        assert re.search(r"step 1 → live\s+coins\s+1 → 3", panel.context_text())
        expect(timeline.action("live")).to_have_attribute("aria-pressed", "false")
        events = panel.root.locator('[data-flexiflow="events"]')
        expect(events).to_contain_text("by step 1")
        expect(panel.rows.filter(has_text="state.changed")).to_have_count(1)
        timeline.action("live").click()

        timeline.expect_steps(4, 4)
        panel.expect_state("unlocked")
        expect(timeline.strip).to_be_hidden()
        expect(panel.rows.filter(has_text="state.changed")).to_have_count(3)
        assert page.record.problems == []

    @only_lab
    def test_works_by_keyboard_alone(self, open_notebook: OpenNotebook) -> None:
        """Tab reaches the track; arrows, Home, End and Escape move and return."""
        page, panel, timeline = _shown(open_notebook, _ROUND)
        page.run(2)
        timeline.expect_steps(4)
        keys = page.page.keyboard

        panel.free_form.focus()
        passed = []
        for _ in range(4):
            keys.press("Tab")
            passed.append(_focus(page))
        assert passed == ["Send", "back", "Step", "forward"]
        keys.press("Shift+Tab")
        keys.press("ArrowLeft")
        timeline.expect_steps(4, 3)
        panel.expect_state("locked")
        keys.press("Home")
        timeline.expect_steps(4, 0)
        value = timeline.range.get_attribute("aria-valuetext")
        assert value == "step 0 of 4: locked"
        keys.press("ArrowRight")
        timeline.expect_steps(4, 1)
        panel.expect_state("unlocked")
        keys.press("Escape")
        timeline.expect_steps(4, 4)
        keys.press("ArrowLeft")
        timeline.expect_steps(4, 3)
        timeline.root.get_by_role("button", name="Back to live").focus()
        keys.press("Enter")

        timeline.expect_steps(4, 4)
        assert _focus(page) == "Step"
        assert len(page.page.query_selector_all(".jp-Cell")) == 3
        assert page.record.problems == []

    @only_lab
    def test_the_live_machine_goes_on(self, open_notebook: OpenNotebook) -> None:
        """Steps that are made meanwhile lengthen the track and leave the view alone."""
        page, panel, timeline = _shown(open_notebook, _ROUND)
        page.run(2)
        timeline.look_at(3)

        panel.button("push").click()

        timeline.expect_steps(5, 3)
        panel.expect_state("locked")
        expect(timeline.strip).to_contain_text("The machine itself is in locked.")
        expect(panel.root.locator('[data-state="locked"]')).to_have_attribute(
            "data-live-now", ""
        )
        page.save()
        page.reload()
        panel = panel_in(page, 1)
        timeline = TimelineView(panel.root)
        timeline.expect_steps(5, 5)
        expect(timeline.strip).to_be_hidden()
        timeline.look_at(2)
        panel.expect_state("unlocked")

    @only_lab
    def test_what_was_printed_and_what_failed_stand_at_their_step(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Ignored and failed messages make no step; a failure is named by its step."""
        page, panel, timeline = _shown(open_notebook, _FUNCTIONS, chart=_DESK)
        page.run(2)
        panel.send_text('guest {"name": "Ada"}')
        timeline.expect_steps(1)
        panel.send_text("open")
        panel.send_text("ticket")
        expect(panel.alert.first).to_contain_text("no paper in the printer")
        panel.button("close").click()
        timeline.expect_steps(2)
        assert timeline.numbers() == (0, 2, 2)

        timeline.look_at(1)

        expect(panel.root.locator('[data-flexiflow="context"]')).to_contain_text(
            "good morning Ada"
        )
        expect(timeline.strip).to_contain_text("no paper in the printer")
        crosses = panel.root.locator(".ff-tl-crosses")
        assert (crosses.get_attribute("d") or "").count("l7,7") == 1
        timeline.look_at(0)
        expect(timeline.strip).not_to_contain_text("no paper")

    @only_lab
    def test_ten_thousand_steps_are_at_hand(self, open_notebook: OpenNotebook) -> None:
        """Any of them is shown right, and the page holds no node for each."""
        page, panel, timeline = _shown(open_notebook, _MANY)
        nodes = panel.count_nodes()
        page.run(2)
        timeline.expect_steps(10_000)

        for step in (1, 5_000, 9_999, 2_345, 2_346):
            timeline.look_at(step)
            panel.expect_state("unlocked" if step % 2 else "locked")
            coins = (step + 1) // 2
            context = panel.root.locator('[data-flexiflow="context"]')
            expect(context.locator('[data-key="coins"]')).to_contain_text(str(coins))

        assert panel.count_nodes() - nodes < 400
        assert page.record.problems == []

    @only_lab
    def test_a_busy_kernel_answers_late(self, open_notebook: OpenNotebook) -> None:
        """While a cell blocks the kernel the strip says so; then the step is there."""
        page, panel, timeline = _shown(
            open_notebook, _ROUND, "import time\ntime.sleep(6)"
        )
        page.run(2)
        timeline.expect_steps(4)
        page.start(3)
        expect(page.cell(3).locator(".jp-InputPrompt")).to_contain_text("*")

        timeline.action("back").click()

        expect(timeline.strip).to_contain_text("Step 3 is on its way. The kernel is")
        panel.expect_state("unlocked")
        assert timeline.numbers() == (0, 4, 4)
        expect(timeline.strip).to_contain_text("Looking at step 3.", timeout=20_000)
        panel.expect_state("locked")
        assert page.record.problems == []


class TestGoingOn:
    """What can be done from a step."""

    def test_a_fork_has_a_panel_of_its_own(self, open_notebook: OpenNotebook) -> None:
        """NAME~2 stands below, in the state of the step; the first is untouched."""
        page, panel, timeline = _shown(
            open_notebook, _ROUND, "print(turnstile.state, turnstile.context)"
        )
        page.run(2)
        timeline.look_at(3)

        timeline.action("fork").click()

        fork = panel_in(page, 1, "turnstile~2")
        fork.expect_state("locked")
        assert "2" in fork.context_text()
        above, below = panel.root.bounding_box(), fork.root.bounding_box()
        assert above is not None
        assert below is not None
        assert above["y"] + above["height"] <= below["y"]
        fork.button("coin").click()
        fork.expect_state("unlocked")
        page.run(3)
        assert page.output_text(3).strip() == "unlocked {'coins': 3}"
        assert TimelineView(panel.root).numbers() == (0, 4, 3)
        assert page.record.problems == []

    @only_lab
    def test_a_fork_after_a_reload_gets_a_cell(
        self, open_notebook: OpenNotebook
    ) -> None:
        """No cell of the page before shows anything more: a new one shows the panel."""
        page, _, _ = _shown(open_notebook, _ROUND)
        page.run(2)
        page.save()
        page.reload()
        timeline = TimelineView(panel_in(page, 1).root)
        timeline.look_at(3)

        timeline.action("fork").click()

        made = 'panel(get_engine().get("turnstile~2"))'
        cell = page.page.locator(".jp-CodeCell").filter(has_text=made)
        expect(cell).to_have_count(1)
        page.execute("notebook:run-cell")
        fork = cell.locator('[data-flexiflow="panel"][data-component="turnstile~2"]')
        expect(fork.locator('[data-state="locked"][aria-current]')).to_be_visible()
        assert page.record.problems == []

    @only_lab
    def test_what_if_touches_nothing(self, open_notebook: OpenNotebook) -> None:
        """Messages and time go to the sandbox alone; it is used by keyboard too."""
        page, panel, timeline = _shown(open_notebook, "print(lamp.state)", chart=_LAMP)
        panel.button("press").click()
        panel.expect_state("lit")
        timeline.expect_steps(1)
        keys = page.page.keyboard

        timeline.action("what-if").focus()
        keys.press("Enter")
        expect(timeline.sandbox).to_be_visible()
        expect(timeline.sandbox).to_contain_text("starts from step 1, touches nothing")
        expect(timeline.sandbox.locator(".ff-chip-sand")).to_have_text("lit")
        timeline.sandbox.locator('[data-try="press"]').focus()
        keys.press("Enter")
        expect(timeline.sandbox.locator(".ff-chip-sand")).to_have_text("dark")
        box = timeline.sandbox.get_by_role("textbox", name="Message to try")
        box.fill("press")
        box.press("Enter")
        expect(timeline.sandbox.locator(".ff-chip-sand")).to_have_text("lit")
        timeline.sandbox.get_by_role("textbox", name=re.compile("time")).fill("10m")
        timeline.action("what-if-advance").click()
        expect(timeline.sandbox.locator(".ff-chip-sand")).to_have_text("dark")
        expect(timeline.sandbox.locator("li")).to_have_count(3)

        panel.expect_state("lit")
        timeline.expect_steps(1)
        page.run(2)
        assert page.output_text(2).strip() == "lit"
        timeline.action("what-if-close").focus()
        keys.press("Enter")
        expect(timeline.sandbox).to_be_hidden()
        assert _focus(page) == "what-if"
        assert page.record.problems == []

    @only_lab
    def test_a_recording_becomes_a_test(self, open_notebook: OpenNotebook) -> None:
        """Record, send, stop: the text stands in a new cell, or is there to copy."""
        page, panel, timeline = _shown(open_notebook)

        timeline.action("record").click()
        expect(timeline.action("record")).to_have_text("Stop")
        panel.button("coin").click()
        panel.expect_state("unlocked")
        panel.button("push").click()
        panel.expect_state("locked")
        expect(timeline.root.get_by_text("Recording, 2 steps")).to_be_visible()
        timeline.action("record").click()

        expect(timeline.action("record")).to_have_text("Record")
        if page.page.evaluate(
            "() => 'flexiflowCells' in document.documentElement.dataset"
        ):
            text = page.page.locator(".jp-Notebook .jp-CodeCell").nth(2)
        else:
            text = panel.root.locator("[data-made]")
        expect(text).to_contain_text("def test_")
        expect(text).to_contain_text("coin")

        timeline.action("record").click()
        panel.button("coin").click()
        panel.expect_state("unlocked")
        timeline.root.get_by_role("combobox", name="Write it down").select_option(
            "scenario"
        )
        timeline.action("record").click()
        scenario = panel.root.locator('[data-made="yaml"]')
        expect(scenario).to_contain_text("coin")
        panel.root.get_by_role("button", name="Copy", exact=True).last.click()
        expect(panel.root.get_by_role("button", name="Copied")).to_be_visible()
        assert page.record.problems == []

    @only_lab
    def test_a_lecture_goes_message_by_message(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Paused messages wait and are counted; Next handles one; Go on, the rest."""
        page, panel, timeline = _shown(open_notebook)
        timeline.action("more").click()
        timeline.action("pause").click()
        pace = panel.root.get_by_role("group", name="Pace")
        expect(pace).to_contain_text("paused, none waiting")

        for text in ("coin", "push", "coin"):
            panel.send_text(text)
        expect(pace).to_contain_text("paused, 3 messages waiting")
        panel.expect_state("locked")
        timeline.action("next").click()
        panel.expect_state("unlocked")
        expect(pace).to_contain_text("paused, 2 messages waiting")
        timeline.expect_steps(1)
        timeline.action("go").click()

        timeline.expect_steps(3)
        panel.expect_state("unlocked")
        pace.get_by_role("combobox").select_option("0.2")
        timeline.action("slow").click()
        expect(timeline.action("slow")).to_have_attribute("aria-pressed", "true")
        panel.send_text("push")
        panel.send_text("coin")
        timeline.expect_steps(5)
        timeline.action("go").click()
        expect(timeline.action("pause")).to_be_visible()
        assert page.record.problems == []

    @only_lab
    def test_undo_restores_the_step_before(self, open_notebook: OpenNotebook) -> None:
        """State, context and track go one step back; what cannot be undone is said."""
        page, panel, timeline = _shown(open_notebook, _ROUND)
        timeline.action("more").click()
        expect(timeline.action("undo")).to_have_attribute("aria-disabled", "true")
        page.run(2)
        timeline.expect_steps(4)

        timeline.action("undo").click()

        timeline.expect_steps(3)
        panel.expect_state("locked")
        assert re.search(r"coins\s+3?\s*2", panel.context_text())
        expect(timeline.root.locator(".ff-timeline")).to_contain_text("locked")


@only_lab
class TestAlone:
    def test_stands_in_any_layout(self, open_notebook: OpenNotebook) -> None:
        """`Timeline(c)` shows the state of a step in words, with its context."""
        page, _, _ = _shown(
            open_notebook,
            _ROUND,
            "import ipywidgets\nfrom flexiflow_jupyter import Timeline\n"
            "ipywidgets.VBox([Timeline(turnstile)])",
        )
        page.run(2)
        page.run(3)
        shown = page.outputs(3).locator('[data-flexiflow="timeline"]')
        timeline = TimelineView(shown)
        timeline.expect_steps(4)

        timeline.look_at(3)

        expect(timeline.strip).to_contain_text("Looking at step 3: locked.")
        expect(shown.locator('[data-key="coins"]')).to_be_visible()
        assert page.record.problems == []
