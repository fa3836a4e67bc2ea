"""Exercises in the page: the task, ticks and crosses, hints, and the button."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.panel_view import LOAD

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage, Theme

_THEMES: tuple[Theme, ...] = ("JupyterLab Light", "JupyterLab Dark")
_EXERCISE = """
from flexiflow_jupyter import exercise

exercise(
    "A door",
    "Let `door` open, and <b>close</b> again.",
    machine="door",
    scenarios=[
        {"name": "It is closed", "expect": "closed"},
        {"name": "It opens", "send": ["open"], "expect": "opened"},
        {"name": "Again", "send": ["open", "close", "open"], "expect": "opened"},
    ],
)
"""
_SKELETON = """%%flexiflow --no-panel
name: door
states:
  closed:
    on: {open: closed}
"""
_SOLUTION = """%%flexiflow --no-panel
name: door
states:
  closed:
    on: {open: opened}
  opened:
    on: {close: closed}
"""
_ANSWER = """
tries = []

async def checks(answer):
    tries.append(answer)
    return {"Twice": len(tries) > 1 or "Press the button."}

await exercise("Again", "Press it.", answer="tries", checks=checks)
"""


def _card(page: NotebookPage, cell: int) -> Locator:
    return page.outputs(cell).locator('[data-flexiflow="exercise"]')


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Name the folder for screenshots; FLEXIFLOW_PICTURES keeps them elsewhere."""
    folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class TestExercise:
    def test_card_follows_the_students_cell(self, open_notebook: OpenNotebook) -> None:
        """No machine yet; not yet; solved: without a click, and said aloud."""
        page = open_notebook([LOAD, _EXERCISE, _SKELETON])
        page.run(0)
        page.run(1)
        card = _card(page, 1)
        status = card.locator('[role="status"]')
        expect(status).to_have_text(
            "There is no machine door yet. Run the cell that defines it."
        )

        page.run(2)
        expect(status).to_have_text("Not yet: 1 of 3 pass.")
        expect(card.locator('[data-passed="false"]')).to_have_count(2)
        expect(card.locator(".ff-hint:visible")).to_have_count(1)
        expect(card.locator(".ff-hint:visible")).to_contain_text(
            "The machine has no state opened."
        )
        expect(card).to_contain_text("and <b>close</b> again")

        page.set_source(2, _SOLUTION)
        page.run(2)
        expect(status).to_have_text("Well done: all pass.")
        expect(card).to_have_attribute("data-state", "passed")
        assert page.record.problems == []

    def test_keyboard_opens_hints_and_checks(self, open_notebook: OpenNotebook) -> None:
        """Tab reaches the button and the hints; Enter and Space act."""
        page = open_notebook([LOAD, _EXERCISE, _SKELETON, _ANSWER])
        for cell in range(4):
            page.run(cell)
        card = _card(page, 1)
        card.locator("button[data-check]").focus()

        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Tab")
        page.page.keyboard.press("Enter")
        expect(card.locator(".ff-hint:visible")).to_have_count(2)

        again = _card(page, 3)
        expect(again.locator('[data-passed="false"]')).to_have_count(1)
        again.locator("button[data-check]").focus()
        page.page.keyboard.press("Space")
        expect(again.locator('[data-passed="true"]')).to_have_count(1)
        assert page.record.problems == []

    def test_reads_well_in_both_themes(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """In light and dark axe finds nothing serious; pictures are kept to look at."""
        page = open_notebook([LOAD, _EXERCISE, _SKELETON])
        found = {}
        for source in (_SKELETON, _SOLUTION):
            page.set_source(2, source)
            for cell in range(3):
                page.run(cell)
            card = _card(page, 1)
            state = "passed" if source is _SOLUTION else "open"
            expect(card).to_have_attribute("data-state", state)
            for theme in _THEMES:
                page.set_theme(theme)
                shade = theme.rpartition(" ")[2].lower()
                name = f"exercise-{page.app}-{state}-{shade}"
                card.screenshot(path=pictures / f"{name}.png")
                found[name] = serious(page)

        assert {name: wrong for name, wrong in found.items() if wrong} == {}

    def test_saved_picture_is_hidden_while_the_card_is_there(
        self, open_notebook: OpenNotebook
    ) -> None:
        """One of the two is seen: the live one."""
        page = open_notebook([LOAD, _EXERCISE])
        page.run(0)
        page.run(1)

        expect(_card(page, 1)).to_be_visible()
        saved = page.outputs(1).locator("[data-flexiflow-static]")
        expect(saved).to_have_count(1)
        expect(saved).to_be_hidden()

    def test_running_the_cell_again_leaves_nothing_behind(
        self, open_notebook: OpenNotebook
    ) -> None:
        """One card, and no more comms than after the first run."""
        page = open_notebook([LOAD, _EXERCISE])
        page.run(0)
        page.run(1)
        expect(_card(page, 1)).to_have_count(1)
        before = page.open_comms()

        for _ in range(3):
            page.run(1)

        expect(_card(page, 1)).to_have_count(1)
        assert page.open_comms() == before
