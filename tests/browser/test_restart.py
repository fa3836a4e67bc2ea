"""What a page shows of a kernel that was restarted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

_RESTART = (
    "async () => { await window.jupyterapp.shell.currentWidget.sessionContext"
    ".session.kernel.restart(); }"
)


class TestRestart:
    def test_a_panel_says_that_nobody_hears_it(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Its last state stays in sight; its controls are off until the cell is run."""
        page = open_notebook([LOAD, TURNSTILE])
        for cell in range(2):
            page.run(cell)
        panel = panel_in(page, 1)
        expect(panel.button("coin")).to_be_enabled()

        page.page.evaluate(_RESTART)
        page.wait_idle()

        expect(panel.root).to_contain_text("The kernel was restarted")
        expect(panel.button("coin")).to_be_disabled()
        expect(panel.free_form).to_be_disabled()
        panel.expect_state("locked")

        for cell in range(2):
            page.run(cell)
        again = panel_in(page, 1)
        again.button("coin").click()
        again.expect_state("unlocked")
        assert page.record.problems == []
