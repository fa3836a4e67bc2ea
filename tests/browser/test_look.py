"""How the panel looks and reads: themes, widths, accessibility, no requests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import Theme

_THEMES: tuple[Theme, ...] = ("JupyterLab Light", "JupyterLab Dark")
_CLICKS = """
for message in ("coin", "coin", "push", "push"):
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
    def test_reads_well_in_both_themes(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """In light and dark axe finds nothing serious; pictures are kept to look at."""
        page = open_notebook([LOAD, TURNSTILE, _CLICKS])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 1)
        panel.expect_state("locked")
        expect(panel.rows.filter(has_text="state.changed")).not_to_have_count(0)

        found: dict[str, Any] = {}
        for theme in _THEMES:
            page.set_theme(theme)
            panel.root.scroll_into_view_if_needed()
            name = f"panel-{page.app}-{theme.rpartition(' ')[2].lower()}"
            panel.root.screenshot(path=pictures / f"{name}.png")
            page.page.screenshot(path=pictures / f"{name}-page.png")
            found[theme] = serious(page)

        assert found == {theme: [] for theme in _THEMES}
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_fits_its_width(self, open_notebook: OpenNotebook, pictures: Path) -> None:
        """Narrow or wide, every part is visible and nothing is cut off sideways."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run(0)
        page.run(1)
        panel = panel_in(page, 1)

        sizes: dict[int, list[int]] = {}
        for width in (480, 760):
            panel.root.evaluate(_SET_WIDTH, width)
            for part in ("graph", "messages", "context", "events"):
                expect(panel.root.locator(f'[data-flexiflow="{part}"]')).to_be_visible()
            panel.root.screenshot(path=pictures / f"panel-{width}.png")
            sizes[width] = panel.root.evaluate(
                "panel => [panel.scrollWidth - panel.clientWidth, panel.offsetHeight]"
            )

        assert [too_wide for too_wide, _ in sizes.values()] == [0, 0]
        assert sizes[760][1] <= 560
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_failure_reads_well(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """A failed action and a wrong definition are accessible in both themes."""
        failing = "def fail():\n    raise RuntimeError('no paper')"
        chart = TURNSTILE.replace("push: locked", "push: {to: locked, do: fail}")
        page = open_notebook(
            [LOAD, failing, chart, chart.replace("to: unl", "to: nul")]
        )
        for cell in range(4):
            page.run(cell)
        panel = panel_in(page, 2)
        panel.button("coin").click()
        panel.button("push").click()
        expect(panel.alert.first).to_contain_text("no paper")

        found = {}
        for theme in _THEMES:
            page.set_theme(theme)
            name = theme.rpartition(" ")[2].lower()
            panel.root.screenshot(path=pictures / f"failed-{name}.png")
            page.outputs(3).screenshot(path=pictures / f"box-{name}.png")
            found[theme] = serious(page)

        assert found == {theme: [] for theme in _THEMES}
