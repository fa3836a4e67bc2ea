"""Running a cell again: it replaces what it made, and leaks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

_COUNT = """
import asyncio, gc
from ipywidgets.widgets.widget import _instances
gc.collect()
print(len(asyncio.all_tasks()), len(_instances))
"""


only_lab = pytest.mark.parametrize("app", ["lab"])


class TestRedefinition:
    @pytest.mark.parametrize("runs", [30, pytest.param(100, marks=pytest.mark.soak)])
    def test_leaks_nothing_in_many_runs(
        self, open_notebook: OpenNotebook, runs: int
    ) -> None:
        """Nodes, listeners, comms, widgets and tasks stay flat; the state is kept."""
        page = open_notebook([LOAD, TURNSTILE, _COUNT])
        page.run(0)
        page.run(1)
        panel_in(page, 1).button("coin").click()
        panel_in(page, 1).expect_state("unlocked")
        page.run(1)
        page.run(2)
        counts = page.output_text(2)
        for _ in range(3):
            page.run(1)
        panel_in(page, 1).expect_state("unlocked")
        before, comms = page.metrics(), page.open_comms()

        for _ in range(runs):
            page.run(1)
        panel_in(page, 1).expect_state("unlocked")
        after, comms_after = page.metrics(), page.open_comms()
        page.run(2)

        assert comms_after == comms
        assert page.output_text(2) == counts
        # Lab itself keeps some of either for each run of a cell that prints.
        assert after.listeners - before.listeners <= 10 * runs
        assert after.nodes - before.nodes <= 5 * runs
        assert page.record.problems == []

    @only_lab
    def test_changed_chart_keeps_a_state_that_still_exists(
        self, open_notebook: OpenNotebook
    ) -> None:
        """The machine stays in its state, in the one panel of the cell."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run(0)
        page.run(1)
        panel_in(page, 1).button("coin").click()
        panel_in(page, 1).expect_state("unlocked")

        page.set_source(1, TURNSTILE + "  broken:\n    on: {repair: locked}\n")
        page.run(1)
        panel = panel_in(page, 1)

        panel.expect_state("unlocked")
        expect(panel.root.locator('[data-state="broken"]')).to_be_visible()
        expect(page.outputs(1).locator('[data-flexiflow="panel"]')).to_have_count(1)
        assert page.record.problems == []

    @only_lab
    def test_other_views_live_on(self, open_notebook: OpenNotebook) -> None:
        """A view made by another cell shows the new chart as well."""
        page = open_notebook([LOAD, TURNSTILE, "turnstile"])
        for cell in range(3):
            page.run(cell)
        page.run(1)
        first, second = panel_in(page, 1), panel_in(page, 2)

        second.button("coin").click()

        first.expect_state("unlocked")
        second.expect_state("unlocked")
