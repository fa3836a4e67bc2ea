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
