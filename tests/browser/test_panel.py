"""The panel in a notebook: what it shows, and what its controls do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage
    from tests.browser.panel_view import PanelView

_FAILING = """
def explode(message):
    raise RuntimeError("no paper in the printer")
"""
_TICKETS = """%%flexiflow
name: tickets
context: {printed: 0}
states:
  ready:
    on:
      print: {to: printed, do: explode}
      skip: skipped
  printed:
    final: true
  skipped:
    on: {back: ready}
"""

_TILL = """%%flexiflow
name: till
context: {last: null}
states:
  open:
    on:
      pay: {do: note}
      close: shut
  shut: {}
"""

only_lab = pytest.mark.parametrize("app", ["lab"])
"""For rules that do not depend on the application."""


def _shown(open_notebook: OpenNotebook, *more: str) -> tuple[NotebookPage, PanelView]:
    """Open a notebook, run the turnstile's definition, return it with its panel."""
    page = open_notebook([LOAD, TURNSTILE, *more])
    page.run(0)
    page.run(1)
    return page, panel_in(page, 1)


class TestPanel:
    """What is seen after the defining cell has run."""

    def test_shows_each_part_with_its_hooks(self, open_notebook: OpenNotebook) -> None:
        """Graph, messages, context and events stand in the panel without a click."""
        page, panel = _shown(open_notebook)

        for part in ("graph", "messages", "context", "timeline", "events"):
            expect(panel.root.locator(f'[data-flexiflow="{part}"]')).to_be_visible()
        panel.expect_state("locked")
        expect(panel.root.locator("[data-edge]")).to_have_count(3)
        expect(panel.edge("coin", "locked")).to_have_role("button")
        expect(panel.button("coin")).to_be_enabled()
        assert "coins" in panel.context_text()
        assert page.record.problems == []

    def test_button_moves_the_light(self, open_notebook: OpenNotebook) -> None:
        """A click sends the message; graph, context, events and announcement follow."""
        page, panel = _shown(open_notebook, "print(turnstile.state)")

        panel.button("coin").click()
        panel.expect_state("unlocked")
        page.run(2)

        assert page.output_text(2).strip() == "unlocked"
        assert re.search(r"coins\s+0?\s*1", panel.context_text())
        expect(panel.rows.filter(has_text="state.changed")).not_to_have_count(0)
        expect(panel.root.page.get_by_role("status").first).to_be_attached()
        expect(
            page.outputs(1).get_by_role("status").filter(has_text="unlocked")
        ).not_to_have_count(0)
        expect(panel.button("push")).to_be_enabled()
        for name in ("locked", "unlocked"):
            words = panel.root.locator('[data-flexiflow="graph"] text')
            expect(words.filter(has_text=re.compile(f"^{name}$"))).to_have_count(1)
        assert page.record.problems == []

    @only_lab
    def test_edge_sends_its_message(self, open_notebook: OpenNotebook) -> None:
        """A click on an edge that can be taken takes it."""
        _, panel = _shown(open_notebook)

        panel.edge("coin", "locked").locator("text").click()

        panel.expect_state("unlocked")

    def test_works_by_keyboard_alone(self, open_notebook: OpenNotebook) -> None:
        """Tab reaches buttons, edges and fields; Enter and Space act; keys stay."""
        page, panel = _shown(open_notebook)
        keys = page.page.keyboard

        panel.button("coin").focus()
        keys.press("Space")
        panel.expect_state("unlocked")
        panel.edge("push", "unlocked").focus()
        keys.press("Enter")
        panel.expect_state("locked")
        panel.free_form.focus()
        keys.type("coin")
        keys.press("Enter")
        panel.expect_state("unlocked")
        panel.button("push").focus()
        for letter in "dabxm":
            keys.press(letter)

        cells = page.page.locator(".jp-CodeCell")
        expect(cells).to_have_count(2)
        panel.expect_state("unlocked")

    @only_lab
    def test_tab_walks_through_the_panel(self, open_notebook: OpenNotebook) -> None:
        """From the first control on, Tab comes by edge, button, input and filter."""
        page, panel = _shown(open_notebook)
        panel.root.locator("button, [tabindex='0']").first.focus()

        seen: set[str] = set()
        for _ in range(40):
            seen.add(
                page.page.evaluate(
                    "() => { const e = document.activeElement; return"
                    " e.dataset.edge ? 'edge' : e.dataset.send ? 'send' :"
                    " e.closest('[data-free-form]') ? 'free' :"
                    " 'filter' in e.dataset ? 'filter' : ''; }"
                )
            )
            page.page.keyboard.press("Tab")

        assert {"edge", "send", "free", "filter"} <= seen

    @only_lab
    def test_disabled_button_says_why(self, open_notebook: OpenNotebook) -> None:
        """What cannot be sent now is disabled, with the reason in words."""
        _, panel = _shown(open_notebook)

        expect(panel.button("push")).to_be_disabled()
        reason = panel.button("push").get_attribute("title") or ""
        edge = panel.edge("push", "unlocked")

        assert "locked" in reason
        assert "coin" in reason
        expect(edge).to_have_attribute("aria-disabled", "true")
        assert edge.get_attribute("title")

    def test_acts_while_a_cell_awaits(self, open_notebook: OpenNotebook) -> None:
        """A click is handled while a cell waits for the state that it leads to."""
        waiting = (
            "await turnstile.until('unlocked', timeout=30)\nprint('came', 'through')"
        )
        page, panel = _shown(open_notebook, waiting)

        page.start(2)
        page.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext"
            ".session.kernel.status === 'busy'"
        )
        panel.button("coin").click()
        panel.expect_state("unlocked")

        expect(page.outputs(2)).to_contain_text("came through")
        page.wait_idle()
        assert page.record.problems == []


class TestFreeForm:
    """Messages typed as text."""

    @only_lab
    def test_sends_types_and_fields(self, open_notebook: OpenNotebook) -> None:
        """`TYPE` and `TYPE {json}` are sent; the fields reach the function."""
        page = open_notebook(
            [
                LOAD,
                "def note(message):\n    return {'last': message.get('amount')}",
                _TILL,
            ]
        )
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 2, "till")

        panel.send_text('pay {"amount": 42}')
        expect(panel.root.locator('[data-flexiflow="context"]')).to_contain_text("42")
        panel.send_text("close")

        panel.expect_state("shut")
        assert page.record.problems == []

    @only_lab
    def test_says_what_is_wrong_with_the_text(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Broken JSON is answered beside the field; the text stays to be corrected."""
        page, panel = _shown(open_notebook)

        for text in ("coin {", '{"type": "coin"}', "coin [1]", 'coin {"a": }'):
            panel.send_text(text)
            expect(panel.alert).to_be_visible()
            expect(panel.free_form).to_have_value(text)
            panel.expect_state("locked")
        panel.send_text("coin")

        panel.expect_state("unlocked")
        expect(panel.alert).to_have_count(0)
        assert page.record.problems == []

    @only_lab
    def test_says_why_a_message_did_nothing(self, open_notebook: OpenNotebook) -> None:
        """A message that is not accepted is answered with the reason."""
        _, panel = _shown(open_notebook)

        panel.send_text("push")

        expect(panel.root).to_contain_text("push")
        expect(panel.root.locator('[data-flexiflow="messages"]')).to_contain_text(
            re.compile("unlocked")
        )
        panel.expect_state("locked")


class TestFailure:
    """An action that raises."""

    def test_is_told_and_leaves_the_state(self, open_notebook: OpenNotebook) -> None:
        """Button and alert say so, the state is as before, everything works on."""
        page = open_notebook([LOAD, _FAILING, _TICKETS, "print(tickets.state)"])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 2, "tickets")

        panel.button("print").click()
        expect(panel.button("print")).to_have_attribute("data-status", "failed")
        expect(panel.alert.first).to_contain_text("no paper in the printer")
        panel.expect_state("ready")
        page.run(3)
        panel.button("skip").click()

        panel.expect_state("skipped")
        assert page.output_text(3).strip() == "ready"
        assert page.record.problems == []

    @only_lab
    def test_corrected_function_is_used_at_once(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Running the cell of the function again is all that is needed."""
        page = open_notebook([LOAD, _FAILING, _TICKETS])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 2, "tickets")
        panel.button("print").click()
        expect(panel.button("print")).to_have_attribute("data-status", "failed")

        page.set_source(1, "def explode(message):\n    return None")
        page.run(1)
        panel.button("print").click()

        panel.expect_state("printed")


class TestViews:
    """Several views, and views that come back."""

    @only_lab
    def test_two_views_follow_one_component(self, open_notebook: OpenNotebook) -> None:
        """A component shown again is one more live view of the same machine."""
        page, first = _shown(open_notebook, "turnstile")
        page.run(2)
        second = panel_in(page, 2)

        second.button("coin").click()
        first.expect_state("unlocked")
        first.button("push").click()

        second.expect_state("locked")
        assert page.record.problems == []

    def test_reload_brings_the_panel_back(self, open_notebook: OpenNotebook) -> None:
        """A page loaded again with a living kernel has its panel, live."""
        page, panel = _shown(open_notebook)
        panel.button("coin").click()
        panel.expect_state("unlocked")
        page.save()

        page.reload()
        again = panel_in(page, 1)
        again.expect_state("unlocked")
        again.button("push").click()

        again.expect_state("locked")
        assert page.record.problems == []
