"""How looking back looks and reads: themes, widths, a well, a long track."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.panel_view import LOAD, TURNSTILE, panel_in
from tests.browser.timeline_view import TimelineView

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import Theme

pytestmark = pytest.mark.parametrize("app", ["lab"])

_THEMES: tuple[Theme, ...] = ("JupyterLab Light", "JupyterLab Dark")
_ROUND = """
for message in ("coin", "coin", "push", "coin", "push"):
    await turnstile.send(message)
"""
_SET_WIDTH = """
(panel, width) => {
  panel.parentElement.style.width = `${width}px`;
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Name the folder for screenshots; FLEXIFLOW_PICTURES keeps them elsewhere."""
    folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class TestLook:
    def test_the_past_reads_well_at_any_width(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """An earlier step with a sandbox and the pace open, wide, narrow and dark."""
        page = open_notebook([LOAD, TURNSTILE, _ROUND], height=1800)
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 1)
        timeline = TimelineView(panel.root)
        timeline.expect_steps(5)
        timeline.look_at(3)
        timeline.action("what-if").click()
        timeline.sandbox.locator('[data-try="coin"]').click()
        expect(timeline.sandbox.locator(".ff-chip-sand")).to_have_text("unlocked")
        timeline.action("record").click()
        expect(timeline.action("record")).to_have_text("Stop")
        timeline.action("more").click()

        found: dict[str, Any] = {}
        too_wide = []
        for theme in _THEMES:
            page.set_theme(theme)
            for width in (760, 480):
                panel.root.evaluate(_SET_WIDTH, width)
                name = f"past-{width}-{theme.rpartition(' ')[2].lower()}"
                panel.root.screenshot(path=pictures / f"{name}.png")
                found[name] = serious(page)
                too_wide.append(
                    panel.root.evaluate("el => el.scrollWidth - el.clientWidth")
                )

        assert found == {name: [] for name in found}
        assert too_wide == [0, 0, 0, 0]
        assert page.record.problems == []

    def test_pressing_step_back_leaves_the_button_where_it_is(
        self, open_notebook: OpenNotebook
    ) -> None:
        """The strip pushes nothing from under the pointer: the notebook scrolls."""
        page = open_notebook([LOAD, TURNSTILE, _ROUND, *["1 + 1"] * 30], height=700)
        for cell in range(3):
            page.run(cell)
        timeline = TimelineView(panel_in(page, 1).root)
        timeline.expect_steps(5)
        back = timeline.action("back")
        back.scroll_into_view_if_needed()
        before = back.bounding_box()

        back.click()

        expect(timeline.strip).to_be_visible()
        after = back.bounding_box()
        assert before is not None
        assert after is not None
        assert abs(after["y"] - before["y"]) < 2
