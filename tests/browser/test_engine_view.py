"""The view of an engine in a real application: who says what to whom, and what died."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.engine_page import BROKEN, ORDER, PAYMENTS, SHOW, engine_in
from tests.browser.panel_view import LOAD

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.engine_page import EnginePage
    from tests.browser.notebook_page import NotebookPage

TRY = """try:
    await order.send("pay")
except Exception as error:
    print(type(error).__name__)"""
MENDED = """def ask_bank():
    print("asked")"""
FLOOD = """import asyncio, time
async def flood(seconds, rate=10_000):
    begun, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - begun) < seconds:
        while sent < now * rate / 2:
            await order.send("nothing")
            sent += 1
        await asyncio.sleep(0.01)
await flood(3)"""
_SET_WIDTH = """
(frame, width) => {
  frame.parentElement.style.width = `${width}px`;
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
"""


def _opened(open_notebook: OpenNotebook, *more: str) -> tuple[NotebookPage, EnginePage]:
    """Return a page with a broken function, two components, and their engine's view."""
    page = open_notebook([LOAD, BROKEN, ORDER, PAYMENTS, SHOW, *more])
    for cell in range(5):
        page.run(cell)
    return page, engine_in(page, 4)


class TestDiagram:
    def test_shows_who_says_what_to_whom(self, open_notebook: OpenNotebook) -> None:
        """Components with their states, messages with their ways, live."""
        page, engine = _opened(open_notebook, MENDED, TRY)
        expect(engine.component("order")).to_contain_text("cart")
        page.run(5)
        page.run(6)

        expect(engine.component("order")).to_contain_text("paid")
        expect(engine.messages).to_have_count(3)
        expect(engine.messages.nth(0)).to_contain_text("outside to order: pay")
        expect(engine.messages.nth(1)).to_contain_text(
            'order to payments: charge {"amount": 3}'
        )
        expect(engine.messages.nth(2)).to_contain_text("payments to order: charged")
        expect(engine.root.locator('[data-kind="state"]').last).to_contain_text(
            "charging → paid"
        )
        expect(engine.root.locator('[data-kind="event"]')).to_contain_text("order.paid")
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_one_story_at_a_time(self, open_notebook: OpenNotebook) -> None:
        """A click on an ID leaves only that message's story, in diagram and list."""
        page, engine = _opened(open_notebook, TRY, 'await order.send("lose")')
        page.run(5)
        page.run(6)
        expect(engine.letters).to_have_count(3)
        engine.messages.first.locator(".ff-story").click()

        expect(engine.messages).to_have_count(2)
        expect(engine.letters).to_have_count(1)
        expect(engine.letters.first).to_contain_text("charge")
        engine.root.get_by_role("button", name="show all").click()
        expect(engine.letters).to_have_count(3)
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_copies_itself_as_mermaid(self, open_notebook: OpenNotebook) -> None:
        """The same picture, as text that other tools draw."""
        page, engine = _opened(open_notebook, MENDED, TRY)
        page.run(5)
        page.run(6)
        expect(engine.messages).to_have_count(3)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        engine.tool("Copy as Mermaid").click()
        expect(engine.root.get_by_role("status")).to_have_text("Copied as Mermaid text")
        text: str = page.page.evaluate("() => navigator.clipboard.readText()")

        lines = [line.strip() for line in text.splitlines()]
        assert lines[:4] == [
            "sequenceDiagram",
            "actor outside",
            "participant c0 as order",
            "participant c1 as payments",
        ]
        assert 'c0->>c1: charge {"amount": 3}' in lines
        assert lines.count("activate c1") == lines.count("deactivate c1") == 1

    @pytest.mark.parametrize("app", ["lab"])
    def test_keyboard_alone_is_enough(self, open_notebook: OpenNotebook) -> None:
        """Rows, their details, a story, the choice of components, and a retry."""
        page, engine = _opened(open_notebook, TRY, MENDED)
        page.run(5)
        page.run(6)
        expect(engine.letters).to_have_count(1)
        keys = page.page.keyboard
        engine.scroller.focus()
        keys.press("End")
        keys.press("ArrowUp")
        keys.press("Home")
        expect(engine.rows.first).to_be_focused()
        keys.press("End")
        keys.press("Enter")
        detail = engine.root.get_by_role("group", name="The row chosen")
        expect(detail).to_contain_text("RuntimeError: the bank <b>sleeps</b>")
        detail.get_by_role("button", name="Only story").focus()
        keys.press("Enter")
        expect(engine.messages).to_have_count(2)
        keys.press("Escape")
        expect(detail).to_be_hidden()
        keys.press("Escape")
        expect(engine.root.get_by_role("button", name="show all")).to_be_hidden()

        engine.tool("Choose components").focus()
        keys.press("Enter")
        keys.press("Tab")
        for _ in range(4):
            if engine.root.get_by_label("payments", exact=True).evaluate(
                "box => box === document.activeElement"
            ):
                break
            keys.press("Tab")
        keys.press("Space")
        expect(engine.component("payments")).to_have_count(0)
        keys.press("Space")
        expect(engine.component("payments")).to_have_count(1)
        keys.press("Escape")
        expect(engine.tool("Choose components")).to_be_focused()

        engine.letters.locator("button[data-retry]").focus()
        keys.press("Enter")
        expect(engine.letters).to_have_count(0)
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_a_flood_is_left_out_and_counted(self, open_notebook: OpenNotebook) -> None:
        """At 10,000 events a second the page holds no more nodes."""
        page, engine = _opened(open_notebook, FLOOD, 'await order.send("pay") and None')
        expect(engine.rows).not_to_have_count(0)
        page.run(5)
        expect(engine.rows.filter(has_text="nothing").first).to_be_visible()
        page.run(6)
        expect(engine.messages.filter(has_text="charge")).to_have_count(1)
        kept, dropped = engine.counts()

        assert kept == 1_000
        assert dropped > 10_000
        assert engine.root.evaluate("e => e.querySelectorAll('*').length") < 1_500
        assert page.record.problems == []


class TestDeadLetters:
    def test_retry_succeeds_once_the_function_is_mended(
        self, open_notebook: OpenNotebook
    ) -> None:
        """What failed says why, fails again, and is gone when it went well."""
        page, engine = _opened(open_notebook, TRY, MENDED)
        page.run(5)
        expect(engine.letters).to_have_count(1)
        expect(engine.letters).to_contain_text("RuntimeError: the bank <b>sleeps</b>")
        expect(engine.root.locator('[data-status="failed"]').first).to_be_visible()
        engine.letters.locator("button[data-retry]").click()
        expect(engine.root.locator('[data-dead-letter="2"]')).to_be_visible()
        expect(engine.letters).to_have_count(1)
        page.run(6)
        engine.letters.locator("button[data-retry]").click()

        expect(engine.letters).to_have_count(0)
        expect(engine.component("order")).to_contain_text("paid")
        expect(engine.root.get_by_role("status")).to_contain_text("Sent again: charge")
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_a_message_to_nobody_waits_for_its_component(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Retry says what is missing, and works once it is there."""
        ghost = (
            "%%flexiflow --no-panel\nname: ghost\nstates: {here: {on: {refund: done}},"
            " done: {}}"
        )
        page, engine = _opened(open_notebook, 'await order.send("lose")', ghost)
        page.run(5)
        lost = engine.letters.filter(has_text="refund")
        retry = lost.locator("button[data-retry]")
        expect(retry).to_be_disabled()
        expect(retry).to_have_attribute(
            "title", "There is no component ghost now. Define it, then retry."
        )
        expect(engine.component("ghost")).to_contain_text("not here")
        page.run(6)
        expect(retry).to_be_enabled()
        retry.click()

        expect(lost).to_have_count(0)
        expect(engine.component("ghost")).to_contain_text("done")


class TestLook:
    @pytest.mark.parametrize("app", ["lab"])
    def test_reads_well_in_both_themes_and_narrow(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Axe finds nothing serious; pictures are kept to look at."""
        folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
        page, engine = _opened(open_notebook, TRY, 'await order.send("lose")')
        expect(engine.root).to_contain_text("registered")
        page.run(5)
        page.run(6)
        expect(engine.letters).to_have_count(3)
        found = {}
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            page.set_theme(theme)
            for width in (760, 480):
                engine.root.evaluate(_SET_WIDTH, width)
                name = f"engine-{theme.rpartition(' ')[2].lower()}-{width}.png"
                engine.root.screenshot(path=folder / name)
                found[name] = serious(page)
                wide = engine.root.evaluate("e => e.scrollWidth - e.clientWidth")
                assert wide == 0

        assert set(map(tuple, found.values())) == {()}
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_an_empty_engine_says_how_to_begin(
        self, open_notebook: OpenNotebook
    ) -> None:
        """No component, no picture: a sentence that leads on."""
        page = open_notebook([LOAD, SHOW])
        page.run(0)
        page.run(1)

        expect(engine_in(page, 1).root).to_contain_text("No component yet.")
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_a_saved_picture_stays(self, open_notebook: OpenNotebook) -> None:
        """Hidden beside the live view; there when the page has no kernel."""
        page, engine = _opened(open_notebook)
        twin = page.outputs(4).locator("[data-flexiflow-static]")

        expect(twin).to_have_count(1)
        expect(twin).to_be_hidden()
        assert "order" in (twin.text_content() or "")
        expect(engine.root).to_be_visible()
