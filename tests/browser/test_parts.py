"""The parts of a panel alone, and what becomes of views whose component goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.parametrize("app", ["lab"])

_PARTS = """
from IPython.display import display
from flexiflow_jupyter import (
    ContextView, EventStream, MessageBar, StateGraph, get_engine)
for view in (
    StateGraph(turnstile), MessageBar(turnstile), ContextView(turnstile),
    EventStream(get_engine()),
):
    display(view)
"""
_BESIDE = """
import ipywidgets as widgets
from flexiflow_jupyter import (
    ContextView, EventStream, MessageBar, StateGraph, Timeline)
widgets.VBox([
    widgets.HBox([
        widgets.VBox([StateGraph(turnstile), MessageBar(turnstile)]),
        widgets.VBox([ContextView(turnstile), Timeline(turnstile)]),
    ]),
    widgets.HBox([EventStream(turnstile), MessageBar(turnstile)]),
    widgets.AppLayout(left_sidebar=MessageBar(turnstile),
        center=StateGraph(turnstile), right_sidebar=ContextView(turnstile)),
    widgets.HBox([widgets.IntSlider(),
        MessageBar(turnstile)]),
])
"""
_UNREGISTER = """
from flexiflow_jupyter import get_engine
get_engine().unregister("turnstile")
"""


class TestParts:
    def test_each_works_alone(self, open_notebook: OpenNotebook) -> None:
        """Graph, messages, context and events are views of their own, all live."""
        page = open_notebook([LOAD, TURNSTILE, _PARTS], height=2000)
        for cell in range(3):
            page.run(cell)
        shown = page.outputs(2)
        graph = shown.locator('[data-flexiflow="graph"]')
        expect(graph.locator('[data-state="locked"][aria-current]')).to_be_visible()

        shown.locator('button[data-send="coin"]').click()

        expect(graph.locator('[data-state="unlocked"][aria-current]')).to_be_visible()
        expect(shown.locator('[data-flexiflow="context"]')).to_contain_text("1")
        rows = shown.locator('[data-flexiflow="events"] [role="row"][data-seq]')
        expect(rows.filter(has_text="state.changed")).to_have_count(1)
        assert page.record.problems == []

    def test_parts_share_the_width_of_a_box(self, open_notebook: OpenNotebook) -> None:
        """Beside others, in boxes within boxes, each part has room, and none is cut."""
        page = open_notebook([LOAD, TURNSTILE, _BESIDE], height=2000)
        for cell in range(3):
            page.run(cell)
        shown = page.outputs(2)
        expect(shown.locator('[data-state="locked"]')).to_have_count(2)
        views = shown.locator("[data-flexiflow].ff-frame")
        expect(views).to_have_count(10)

        widths = views.evaluate_all("all => all.map(view => view.offsetWidth)")
        cut = shown.locator(".widget-box").evaluate_all(
            "all => all.filter(box => box.scrollWidth > box.clientWidth).length"
        )
        assert min(widths[:6]) > 300
        assert min(widths) > 150
        assert cut == 0
        assert page.record.problems == []

    def test_view_of_a_component_that_went_says_so(
        self, open_notebook: OpenNotebook
    ) -> None:
        """After `unregister` the panel keeps its picture, and nothing can be sent."""
        page = open_notebook([LOAD, TURNSTILE, _UNREGISTER])
        page.run(0)
        page.run(1)
        panel = panel_in(page, 1)

        page.run(2)

        expect(panel.button("coin")).to_be_disabled()
        expect(panel.free_form).to_be_disabled()
        expect(panel.root.locator("[data-state]")).to_have_count(2)
        assert panel.button("coin").get_attribute("title")
        assert page.record.problems == []
