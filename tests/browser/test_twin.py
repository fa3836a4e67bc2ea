"""What is left of a panel without its kernel: in the application, and as a file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage

_SEND = "await turnstile.send('coin')"
_DRAWN = """
import threading
for thread in threading.enumerate():
    if thread.name == "flexiflow-layout":
        thread.join()
"""


def _left_alone(open_notebook: OpenNotebook) -> NotebookPage:
    """Open a notebook, use its panel, save it."""
    page = open_notebook([LOAD, TURNSTILE, _DRAWN, _SEND])
    for cell in range(4):
        page.run(cell)
    panel_in(page, 1).expect_state("unlocked")
    page.save()
    return page


class TestTwin:
    def test_it_is_hidden_while_the_panel_lives(
        self, open_notebook: OpenNotebook
    ) -> None:
        """One picture is enough: the output of the other takes no room."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run(0)
        page.run(1)

        panel_in(page, 1)

        twin = page.outputs(1).locator("[data-flexiflow-static]")
        expect(twin).to_have_count(1)
        expect(twin).to_be_hidden()
        expect(page.outputs(1).locator(".jp-OutputArea-child:visible")).to_have_count(1)
        assert page.record.problems == []

    def test_it_is_what_a_new_kernel_finds(self, open_notebook: OpenNotebook) -> None:
        """Opened again with a kernel that knows nothing, the last state is shown."""
        page = _left_alone(open_notebook)
        page.execute("kernelmenu:shutdown")

        page.reload()

        twin = page.outputs(1).locator("[data-flexiflow-static]")
        expect(twin).to_be_visible()
        lit = twin.locator('[data-state="unlocked"][aria-current="true"]')
        expect(lit).to_be_visible()
        expect(page.outputs(1)).not_to_contain_text("Error displaying widget")
        expect(twin.locator("button")).to_have_count(0)


class TestExport:
    @pytest.fixture
    def app(self) -> str:
        """The file is the same whichever application saved it."""
        return "lab"

    def test_html_shows_the_last_state_offline(
        self, open_notebook: OpenNotebook, browser: Browser, tmp_path: Path
    ) -> None:
        """`jupyter nbconvert --to html` gives a page that needs nothing else."""
        page = _left_alone(open_notebook)
        source = page.path
        command = [sys.executable, "-m", "nbconvert", "--to", "html", str(source)]
        command += ["--output-dir", str(tmp_path), "--output", "saved"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        alone = browser.new_context(offline=True)

        try:
            reader: Page = alone.new_page()
            reader.goto((tmp_path / "saved.html").as_uri())

            lit = reader.locator('[data-state="unlocked"][aria-current="true"]')
            expect(lit).to_be_visible()
            expect(reader.locator("body")).not_to_contain_text("○ unlocked")
        finally:
            alone.close()
