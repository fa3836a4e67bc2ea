"""The event stream: every event is shown or counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.parametrize("app", ["lab"])

_SENDS = """
for _ in range({count}):
    await turnstile.send("coin")
"""
_BURST = """
from flexiflow_jupyter import get_engine
bus = get_engine().event_bus
for n in range(10_000):
    await bus.publish("reading.taken", {"component": "turnstile", "number": n})
"""
_SEVERAL_UPDATES = """
import asyncio
await asyncio.sleep(0.2)
"""
_PUBLISHED = """
print(get_engine().event_bus.history.last_seq)
"""


class TestEventStream:
    def test_rows_tell_what_happened(self, open_notebook: OpenNotebook) -> None:
        """Each row has its number, its event's name and its data, in order."""
        page = open_notebook([LOAD, TURNSTILE, _SENDS.format(count=1)])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 1)

        row = panel.rows.filter(has_text="state.changed")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("unlocked")
        numbers = panel.rows.evaluate_all(
            "rows => rows.map(row => Number(row.dataset.seq)).sort((a, b) => a - b)"
        )

        assert len(set(numbers)) == len(numbers)
        assert page.record.problems == []

    def test_filter_leaves_what_matches(self, open_notebook: OpenNotebook) -> None:
        """What is typed into the filter stays; taking it away brings all back."""
        page = open_notebook([LOAD, TURNSTILE, _SENDS.format(count=2)])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 1)
        expect(panel.rows.filter(has_text="state.changed")).to_have_count(1)

        panel.filter.fill("state.changed")
        expect(panel.rows).to_have_count(1)
        panel.filter.fill("no such event")
        expect(panel.rows).to_have_count(0)
        panel.filter.fill("")

        expect(panel.rows).not_to_have_count(0)
        assert page.record.problems == []

    def test_burst_is_shown_or_counted(self, open_notebook: OpenNotebook) -> None:
        """After 10,000 events in a cell the last is on screen and none is uncounted."""
        page = open_notebook([LOAD, TURNSTILE, _BURST, _PUBLISHED])
        page.run(0)
        page.run(1)
        panel = panel_in(page, 1)
        before = panel.count_nodes()

        page.run(2)
        expect(panel.rows.filter(has_text=re.compile(r"9999\D*$"))).to_be_visible()
        page.run(3)
        published = int(page.output_text(3))
        expect(panel.root.locator("[data-dropped]")).to_be_attached()
        kept, dropped = panel.counts()

        assert published >= 10_000
        assert kept + dropped == published
        assert panel.count_nodes() < before + 600
        assert page.record.problems == []

    def test_hidden_tab_catches_up(self, open_notebook: OpenNotebook) -> None:
        """A tab in the background is sent no rows; brought back, it has the newest."""
        page = open_notebook([LOAD, TURNSTILE, _BURST, _SEVERAL_UPDATES])
        page.run(0)
        page.run(1)
        panel = panel_in(page, 1)
        page.set_hidden(hidden=True)
        received = page.meter_bytes()

        page.run(2)
        page.run(3)
        while_hidden = received()
        page.set_hidden(hidden=False)

        expect(panel.rows.filter(has_text=re.compile(r"9999\D*$"))).to_be_visible()
        # what the kernel says of its cells, and the saved pictures, come all the same
        assert while_hidden < 100_000
        assert received() - while_hidden > 100_000
        assert page.record.problems == []
