"""What lies over the graph: what runs, reasons, coverage, changes; and copies of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

_ORDER = """%%flexiflow
name: order
context: {items: 0}
states:
  cart:
    on:
      add: {do: {add: {items: 1}}}
      submit: {to: charging, if: {context.items: {min: 1}}}
  charging:
    run: {do: charge_card, retry: {max_attempts: 3}}
    done: shipping
    after: {10m: cart}
    on: {cancel: cart}
  shipping: {on: {shipped: delivered}}
  delivered: {final: true}
"""
_CHARGE = "async def charge_card():\n    await __import__('asyncio').sleep(600)"
_TIMER = "%%flexiflow\nname: egg\nstates: {boiling: {after: {90s: done}}, done: }"
_CLOSED_CLIPBOARD = """() => {
  navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
  navigator.clipboard.write = () => Promise.reject(new Error("no"));
  document.execCommand = () => false;
}"""
_TIMES = "\N{MULTIPLICATION SIGN}"
_LEFT = '[data-state="boiling"] .ff-run text'


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Name the folder for screenshots; FLEXIFLOW_PICTURES keeps them elsewhere."""
    folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("app", ["lab"])
class TestRunning:
    """Timers and services of the active states."""

    def test_a_ring_drains_beside_the_time_that_is_left(
        self, open_notebook: OpenNotebook
    ) -> None:
        """The time is told in the state and in the side column, a second at a time."""
        page = open_notebook([LOAD, _TIMER])
        page.run_all()
        panel = panel_in(page, 1, "egg")
        left = panel.root.locator(_LEFT)

        expect(left).to_have_text("1:28")
        expect(left).to_have_text("1:27")
        arc = panel.root.locator('[data-state="boiling"] .ff-arc')
        assert (arc.get_attribute("stroke-dasharray") or "").startswith("36.4")
        expect(panel.root.locator('dd[data-running="after 90s"]')).to_have_text("1:25")
        assert page.record.problems == []

    def test_a_hidden_tab_draws_nothing(self, open_notebook: OpenNotebook) -> None:
        """The ring stands still while nobody looks, and is right again at once."""
        page = open_notebook([LOAD, _TIMER])
        page.run_all()
        panel = panel_in(page, 1, "egg")
        left = panel.root.locator(_LEFT)
        expect(left).to_have_text("1:28")
        page.set_hidden(hidden=True)
        shown = left.text_content()
        page.page.wait_for_timeout(2500)
        after = left.text_content()
        page.set_hidden(hidden=False)

        assert after == shown
        expect(left).to_have_text("1:25")

    def test_a_service_spins_in_its_state(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """Its name and its try are told; it is gone when the state is left."""
        page = open_notebook([LOAD, _CHARGE, _ORDER])
        page.run_all()
        panel = panel_in(page, 2, "order")
        running = panel.root.locator('[data-running="charge_card"]')
        expect(running).to_have_count(0)
        panel.button("add").click()
        panel.button("submit").click()
        panel.expect_state("charging")
        expect(running).to_have_count(2)
        expect(running.first).to_contain_text("charge_card")
        expect(running.last).to_have_text("try 1/3")
        for theme in ("Light", "Dark"):
            page.set_theme(f"JupyterLab {theme}")  # type: ignore[arg-type]
            panel.root.screenshot(path=pictures / f"running_{theme}.png")
        panel.button("cancel").click()

        expect(running).to_have_count(0)
        assert page.record.problems == []


@pytest.mark.parametrize("app", ["lab"])
class TestWhyNot:
    """Edges that cannot be taken now."""

    def test_the_clause_is_told_by_key_and_by_pointer(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """Beside the edge stands what its guard wants and what there is."""
        page = open_notebook([LOAD, _CHARGE, _ORDER])
        page.run_all()
        panel = panel_in(page, 2, "order")
        edge, tip = panel.edge("submit", "cart"), panel.root.get_by_role("tooltip")
        panel.edge("add", "cart").focus()
        page.page.keyboard.press("Tab")
        expect(edge).to_be_focused()
        expect(tip).to_contain_text("submit does nothing now")
        expect(tip).to_contain_text("context.items at least 1")
        expect(tip).to_contain_text("context.items = 0")
        expect(tip).to_contain_text("cart, line 8.")
        expect(edge).to_have_attribute("aria-disabled", "true")
        assert "context.items is 0" in (edge.get_attribute("aria-description") or "")
        panel.root.screenshot(path=pictures / "why_not.png")
        page.page.keyboard.press("Escape")
        expect(tip).to_be_hidden()
        edge.locator("text").hover()
        expect(tip).to_contain_text("context.items at least 1")
        panel.button("add").click()

        expect(edge).to_have_attribute("data-enabled", "")
        expect(edge).not_to_have_attribute("aria-disabled", "true")
        assert page.record.problems == []

    def test_arrows_lead_to_every_edge(self, open_notebook: OpenNotebook) -> None:
        """Edges far from the active state are passed by Tab, and yet reached."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run_all()
        panel = panel_in(page, 1)
        panel.edge("coin", "locked").focus()
        page.page.keyboard.press("ArrowRight")
        page.page.keyboard.press("ArrowRight")

        expect(panel.edge("push", "unlocked")).to_be_focused()
        expect(panel.root.get_by_role("tooltip")).to_have_text(
            "Not in locked. It is accepted in unlocked. Send coin first."
        )


@pytest.mark.parametrize("app", ["lab"])
class TestCoverage:
    """The coverage layer."""

    def test_it_is_switched_on_and_off(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """Visited is told from not yet, with counts, on the graph and beside it."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run_all()
        panel = panel_in(page, 1)
        tool = panel.root.locator('[data-tool="coverage"]')
        panel.button("coin").click()
        panel.expect_state("unlocked")
        expect(panel.root.locator("[data-visited]")).to_have_count(0)
        tool.focus()
        page.page.keyboard.press("Enter")
        expect(tool).to_have_attribute("aria-pressed", "true")
        visited = panel.root.locator("[data-state][data-visited]")
        expect(visited).to_have_count(2)
        expect(panel.edge("coin", "locked")).to_contain_text(f"{_TIMES}1")
        expect(panel.edge("push", "unlocked")).to_contain_text(f"{_TIMES}0")
        panel.button("push").click()
        expect(panel.edge("push", "unlocked")).to_contain_text(f"{_TIMES}1")
        expect(panel.root.locator(".ff-coverage")).to_contain_text("2 / 3")
        panel.root.locator('[data-tool="ways"]').click()
        expect(panel.root.locator(".ff-ways code")).to_have_text("coin, coin")
        panel.button("coin").click()
        expect(panel.root.locator(".ff-ways code")).to_have_text("coin")
        for theme in ("Light", "Dark"):
            page.set_theme(f"JupyterLab {theme}")  # type: ignore[arg-type]
            panel.root.screenshot(path=pictures / f"coverage_{theme}.png")
        tool.click()

        expect(panel.root.locator("[data-visited]")).to_have_count(0)
        expect(panel.edge("coin", "locked")).not_to_contain_text(_TIMES)
        assert page.record.problems == []


@pytest.mark.parametrize("app", ["lab"])
class TestCopies:
    """The graph outside of the page."""

    def test_svg_png_and_mermaid_are_copied(self, open_notebook: OpenNotebook) -> None:
        """What is copied needs no page; the status says what was done."""
        page = open_notebook([LOAD, TURNSTILE])
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.run_all()
        panel = panel_in(page, 1)
        panel.root.locator('[data-tool="copy"]').click()
        status = panel.root.locator("[data-copied]")
        copied = {}
        for kind, name in (("svg", "SVG"), ("mermaid", "Mermaid"), ("png", "PNG")):
            panel.root.locator(f'[data-copy="{kind}"]').click()
            expect(status).to_have_text(f"{name} copied")
            if kind != "png":
                copied[kind] = page.page.evaluate("navigator.clipboard.readText()")
        types = page.page.evaluate(
            "navigator.clipboard.read().then((items) => items[0].types)"
        )

        assert copied["svg"].startswith("<svg ")
        assert "unlocked" in copied["svg"]
        assert "var(" not in copied["svg"]
        assert "data-" not in copied["svg"]
        assert copied["mermaid"].startswith("flowchart LR")
        assert types == ["image/png"]
        assert page.record.problems == []

    def test_without_a_clipboard_it_is_shown(self, open_notebook: OpenNotebook) -> None:
        """What was to be copied stands there, selected; Escape takes it away."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run_all()
        panel = panel_in(page, 1)
        page.page.evaluate(_CLOSED_CLIPBOARD)
        panel.root.locator('[data-tool="copy"]').click()
        panel.root.locator('[data-copy="mermaid"]').click()
        area = panel.root.locator(".ff-shown textarea")
        expect(area).to_be_visible()
        text = area.input_value()
        panel.root.locator('[data-copy="png"]').click()
        image = panel.root.locator(".ff-shown img")
        expect(image).to_be_visible()
        width = image.evaluate(
            "(image) => image.decode().then(() => image.naturalWidth)"
        )
        page.page.keyboard.press("Escape")

        assert 'locked -->|"coin"| unlocked' in text
        assert width > 400
        expect(panel.root.locator(".ff-copy")).to_be_hidden()

    def test_files_are_saved(self, open_notebook: OpenNotebook) -> None:
        """SVG and PNG come as downloads named after the component."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run_all()
        panel = panel_in(page, 1)
        panel.root.locator('[data-tool="copy"]').click()
        names = []
        for kind in ("svg", "png"):
            with page.page.expect_download() as download:
                panel.root.locator(f'[data-copy="save-{kind}"]').click()
            names.append(download.value.suggested_filename)

        assert names == ["turnstile.svg", "turnstile.png"]


@pytest.mark.parametrize("app", ["lab"])
class TestChanges:
    """A running machine that is redefined."""

    def test_the_difference_is_drawn(
        self, open_notebook: OpenNotebook, pictures: Path
    ) -> None:
        """New, gone and changed are marked in one picture until it is put away."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run_all()
        panel_in(page, 1).button("coin").click()
        panel_in(page, 1).expect_state("unlocked")
        changed = TURNSTILE.replace("      push: locked\n", "      kick: broken\n")
        page.set_source(1, f"{changed}  broken:\n")
        page.run(1)
        panel = panel_in(page, 1)
        strip = panel.root.locator(".ff-changes")
        expect(strip).to_contain_text("1 state added")
        expect(strip).to_contain_text("turnstile goes on in unlocked.")
        expect(panel.root.locator('[data-state="broken"]')).to_have_attribute(
            "data-change", "added"
        )
        gone = panel.root.locator("[data-gone]")
        expect(gone).to_have_attribute("data-change", "removed")
        expect(gone).to_have_accessible_name("Removed: push: unlocked to locked")
        expect(panel.edge("push", "unlocked")).to_have_count(0)
        panel.expect_state("unlocked")
        for theme in ("Light", "Dark"):
            page.set_theme(f"JupyterLab {theme}")  # type: ignore[arg-type]
            panel.root.screenshot(path=pictures / f"changes_{theme}.png")
        strip.get_by_role("button").press("Enter")

        expect(strip).to_be_hidden()
        expect(panel.root.locator("[data-change]")).to_have_count(0)
        panel.expect_state("unlocked")
        assert page.record.problems == []
