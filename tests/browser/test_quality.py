"""What holds for every view: accessible, by keyboard, in crowds, tabs and restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.engine_page import BROKEN, ORDER, PAYMENTS, SHOW, engine_in
from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage

pytestmark = pytest.mark.parametrize("app", ["lab"])

_PARTS = """from IPython.display import display
from flexiflow_jupyter import (
    ContextView, EngineView, EventStream, MessageBar, StateGraph, Timeline, get_engine)
for view in (
    StateGraph(turnstile), MessageBar(turnstile), ContextView(turnstile),
    EventStream(get_engine()), Timeline(turnstile), EngineView(get_engine()),
):
    display(view)"""
_RUN = """import os, tempfile
os.chdir(tempfile.mkdtemp())
from flexiflow.workflows import pause, task, workflow

@task
async def count(number):
    return number

@workflow
async def order_goods(ctx):
    await count.map([1, 2, 3])
    await pause("approve", "Buy it?")

run = order_goods.start({})
run"""
_STEPS = """for message in ("coin", "push", "push", "coin"):
    await turnstile.send(message)"""
_KINDS = {
    "panel",
    "graph",
    "messages",
    "context",
    "events",
    "timeline",
    "engine",
    "execution",
}
_WALK = """
() => {
  const at = document.activeElement;
  const style = at ? getComputedStyle(at) : null;
  const roots = [];
  for (let e = at; e; e = e.parentElement) {
    const kind = e.getAttribute("data-flexiflow");
    if (kind) roots.push(kind);
  }
  return {
    roots,
    // The edge of a graph is marked by its line and its pill.
    ring: at?.hasAttribute("data-edge") || style?.outlineStyle !== "none",
    what: at ? at.outerHTML.slice(0, 120) : "",
  };
}
"""
_TEN = """from flexiflow.config_loader import ConfigLoader
from flexiflow_jupyter import get_engine, panel
from IPython.display import display
many = []
for number in range(10):
    many.append(get_engine().create_component({
        "name": f"door {number}",
        "states": {
            "closed": {"on": {"open": "opened"}}, "opened": {"on": {"close": "closed"}}
        },
    }))
    display(panel(many[-1]))"""
_FLOOD = """import asyncio, time
begun, sent = time.perf_counter(), 0
while (now := time.perf_counter() - begun) < {seconds}:
    while sent < now * 5_000:
        await turnstile.send("push")
        sent += 1
    await asyncio.sleep(0.01)
await turnstile.send("coin") and None"""


def _everything(open_notebook: OpenNotebook) -> NotebookPage:
    """Return a page with one view of each kind, all drawn."""
    page = open_notebook([LOAD, TURNSTILE, _STEPS, _PARTS, _RUN], height=4000)
    for cell in range(5):
        page.run(cell)
    panel_in(page, 1).expect_state("unlocked")
    parts = page.outputs(3)
    expect(parts.locator('[data-flexiflow="graph"] [data-state]').first).to_be_visible()
    expect(parts.locator('[data-kind="message"]').first).to_be_visible()
    execution = page.outputs(4).locator('[data-flexiflow="execution"]')
    expect(execution.locator("form[data-pause]")).to_be_visible()
    return page


class TestEveryView:
    def test_axe_finds_nothing_serious(self, open_notebook: OpenNotebook) -> None:
        """Roles, names, contrasts, focus: in every view, in both themes."""
        page = _everything(open_notebook)
        shown = page.page.locator("[data-flexiflow]").evaluate_all(
            "all => all.map((each) => each.getAttribute('data-flexiflow'))"
        )
        found = {}
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            page.set_theme(theme)
            found[theme] = serious(page)

        assert set(shown) >= _KINDS
        assert found == {"JupyterLab Light": [], "JupyterLab Dark": []}
        assert page.record.problems == []

    def test_the_tab_key_reaches_every_view(self, open_notebook: OpenNotebook) -> None:
        """Each has something that takes the focus, and shows that it has it."""
        page = _everything(open_notebook)
        page.outputs(1).locator("[data-flexiflow] button").first.focus()
        seen: dict[str, int] = {}
        unmarked: list[str] = []
        for _ in range(160):
            step: dict[str, Any] = page.page.evaluate(_WALK)
            for kind in step["roots"]:
                seen[kind] = seen.get(kind, 0) + 1
            if step["roots"] and not step["ring"]:
                unmarked.append(step["what"])
            if seen.keys() >= _KINDS:
                break
            page.page.keyboard.press("Tab")

        assert set(seen) >= _KINDS - {"context"}  # it holds nothing to operate
        assert unmarked == []
        assert page.record.problems == []


class TestCrowds:
    def test_ten_panels_are_all_alive(self, open_notebook: OpenNotebook) -> None:
        """Each follows its own component, and only that one."""
        page = open_notebook([LOAD, _TEN], height=6000)
        page.run(0)
        page.run(1)
        first, last = panel_in(page, 1, "door 0"), panel_in(page, 1, "door 9")
        expect(page.outputs(1).locator('[data-flexiflow="panel"]')).to_have_count(10)
        last.button("open").click()
        last.expect_state("opened")
        first.expect_state("closed")
        first.button("open").click()

        first.expect_state("opened")
        panel_in(page, 1, "door 5").expect_state("closed")
        assert page.record.problems == []

    @pytest.mark.timeout(240)
    @pytest.mark.parametrize(
        "seconds", [4, pytest.param(60, marks=pytest.mark.soak, id="a minute")]
    )
    def test_a_hidden_tab_under_load_catches_up(
        self, open_notebook: OpenNotebook, seconds: int
    ) -> None:
        """It draws nothing meanwhile; then it has the newest, and counts the rest."""
        page = open_notebook(
            [LOAD, TURNSTILE, SHOW, _FLOOD.format(seconds=seconds)], height=2600
        )
        for cell in range(3):
            page.run(cell)
        panel, engine = panel_in(page, 1), engine_in(page, 2)
        expect(engine.rows).not_to_have_count(0)
        page.set_hidden(hidden=True)
        before = page.metrics()
        page.run(3)
        hidden = page.metrics()
        drawn = engine.messages.count()
        page.set_hidden(hidden=False)

        panel.expect_state("unlocked")
        coin = engine.messages.filter(has_text="coin")
        expect(coin).to_have_count(1)
        expect(panel.rows.filter(has_text="locked → unlocked")).to_be_visible()
        kept, dropped = panel.counts()
        assert drawn == 0
        assert kept + dropped >= seconds * 5_000
        assert engine.counts()[1] >= seconds * 5_000
        assert hidden.nodes - before.nodes < 1_500
        assert page.record.problems == []


class TestPages:
    def test_two_tabs_on_one_notebook(self, open_notebook: OpenNotebook) -> None:
        """Both are live: what is clicked in one lights up in the other."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run(0)
        page.run(1)
        here = panel_in(page, 1)
        page.save()
        other = page.open_again()
        there = panel_in(other, 1)
        there.expect_state("locked")
        there.button("coin").click()
        here.expect_state("unlocked")
        there.expect_state("unlocked")
        here.button("push").click()

        there.expect_state("locked")
        here.expect_state("locked")
        expect(there.rows.filter(has_text="unlocked → locked")).to_be_visible()
        assert page.record.problems == []
        assert other.record.problems == []

    def test_an_engine_on_a_page_loaded_again(
        self, open_notebook: OpenNotebook
    ) -> None:
        """What went to and fro is there again, and goes on."""
        page = open_notebook(
            [LOAD, BROKEN, ORDER, PAYMENTS, SHOW, 'await order.send("lose")']
        )
        for cell in range(6):
            page.run(cell)
        expect(engine_in(page, 4).letters).to_have_count(2)
        page.save()
        page.reload()
        engine = engine_in(page, 4)
        expect(engine.messages).to_have_count(1)
        expect(engine.letters).to_have_count(2)
        engine.letters.filter(has_text="lose").locator("button[data-retry]").click()

        expect(engine.messages).to_have_count(2)
        assert page.record.problems == []

    def test_an_engine_whose_kernel_was_restarted(
        self, open_notebook: OpenNotebook
    ) -> None:
        """It keeps its last picture, says so, and offers nothing."""
        page = open_notebook(
            [LOAD, BROKEN, ORDER, PAYMENTS, SHOW, 'await order.send("lose")']
        )
        for cell in range(6):
            page.run(cell)
        engine = engine_in(page, 4)
        expect(engine.letters).to_have_count(2)
        page.restart_kernel()

        expect(engine.root).to_contain_text("The kernel was restarted")
        for button in engine.letters.locator("button[data-retry]").all():
            expect(button).to_be_disabled()
        expect(engine.messages).to_have_count(1)
        for cell in range(5):
            page.run(cell)
        expect(engine_in(page, 4).letters).to_have_count(0)
        assert page.record.problems == []
