"""The quickstart notebook, as a reader runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

_QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01_quickstart.ipynb"


class TestQuickstart:
    def test_runs_to_its_end_and_shows_a_live_panel(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Run All ends without an error, and the panel's buttons act."""
        notebook = nbformat.reads(_QUICKSTART.read_text(), as_version=4)  # type: ignore[no-untyped-call]
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        page = open_notebook(sources)

        page.run_all()

        panel = page.page.locator('[data-flexiflow="panel"]').first
        expect(panel.locator('[data-state][aria-current="true"]')).to_have_count(1)
        state = panel.locator('[aria-current="true"]').get_attribute("data-state")
        panel.locator("button[data-send]:enabled").first.click()
        expect(panel.locator("[role='row'][data-seq]").first).to_be_visible()
        errors = page.page.locator('.jp-OutputArea-output[data-mime-type*="error"]')
        expect(errors).to_have_count(0)
        assert state
        assert page.record.problems == []
