"""Bad input in a notebook: a box that helps, never a bare traceback, nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import OpenNotebook

pytestmark = pytest.mark.parametrize("app", ["lab"])

_HOSTILE = "<img src=x onerror=alert(1)>"

_DEFINITIONS = {
    "typo in a key": (
        "%%flexiflow\nname: gate\nstates:\n  shut:\n    onn: {open: up}\n  up: {}\n",
        5,
        ["onn", "on"],
    ),
    "unknown target": (
        "%%flexiflow\nname: gate\nstates:\n  shut:\n    on: {open: wdie}\n  wide: {}\n",
        5,
        ["wdie", "wide"],
    ),
    "wrong indentation": (
        "%%flexiflow\nname: gate\nstates:\n  shut:\n    on: {open: wide}\n wide: {}\n",
        6,
        ["ndent"],
    ),
    "duplicate key": (
        "%%flexiflow\nname: gate\nname: door\nstates:\n  shut: {}\n",
        3,
        ["name", "twice"],
    ),
    "duplicate state": (
        "%%flexiflow\nname: gate\nstates:\n  shut: {}\n  wide: {}\n  shut: {}\n",
        6,
        ["shut"],
    ),
    "hostile name": (
        f"%%flexiflow\nname: gate\nstates:\n  '{_HOSTILE}': {{}}\n",
        4,
        [_HOSTILE],
    ),
}
_MACHINE = """%%flexiflow
name: press
context: {note: plain}
states:
  idle:
    on:
      judged: {to: done, if: judge}
      made: {to: done, do: make}
      lost: {to: done, do: nowhere}
      good: done
  done:
    on: {again: idle}
"""
_FUNCTIONS = """
from flexiflow import guard, action
@guard
def judge(message):
    raise ValueError("the scale is broken <img src=x onerror=alert(2)>")
@action
def make(message):
    raise KeyError("\\"quotes\\" & \\u202e rtl \\U0001f600")
"""
_HOSTILE_TEXTS = f"""%%flexiflow
name: "شيء 1"
description: "{_HOSTILE}"
context: {{"key": "{_HOSTILE}", "emoji": "😀", "rtl": "עברית"}}
states:
  "קבל":
    description: "{_HOSTILE} \\" ' ` &lt;"
    on:
      "go": {{to: "zwei-drei", description: "{_HOSTILE}", do: {{log: "{_HOSTILE}"}}}}
  "zwei-drei":
    on: {{back: "קבל"}}
"""
_HOSTILE_SENDS = f"""
from flexiflow_jupyter import get_engine
c = get_engine().get('شيء 1')
await c.send('go', content='{_HOSTILE}')
await get_engine().event_bus.publish('{_HOSTILE}', {{
    'component': c.name, 'text': '</script><script>alert(3)</script>'}})
"""
_BROKEN = TURNSTILE.replace("push: locked", "push: lokced")


def _marked_line(box: Locator) -> int:
    return int(box.locator("[data-marked]").first.get_attribute("data-marked") or "0")


class TestBadDefinition:
    """A definition that cannot be used."""

    def test_draws_a_box_that_marks_the_line(self, open_notebook: OpenNotebook) -> None:
        """What, why and fix are told, and the line that the editor shows is marked."""
        page = open_notebook(
            [LOAD, *(source for source, _, _ in _DEFINITIONS.values())]
        )
        page.run(0)
        lines, missing = {}, {}

        for cell, (case, (_, _, words)) in enumerate(_DEFINITIONS.items(), 1):
            page.run(cell)
            box = page.outputs(cell).get_by_role("alert")
            expect(box).to_be_visible()
            told = box.inner_text()
            lines[case] = _marked_line(box)
            missing[case] = [w for w in (*words, "What", "Fix") if w not in told]
            assert "Traceback" not in page.output_text(cell)

        assert lines == {case: line for case, (_, line, _) in _DEFINITIONS.items()}
        assert missing == {case: [] for case in _DEFINITIONS}
        assert page.record.problems == []

    def test_stops_run_all(self, open_notebook: OpenNotebook) -> None:
        """Cells below a wrong definition are not run: they would use the old one."""
        broken = _DEFINITIONS["unknown target"][0]
        page = open_notebook([LOAD, broken, "print('ran on')"])

        page.run_all()

        expect(page.outputs(1).get_by_role("alert")).to_be_visible()
        assert page.output_text(2).strip() == ""

    def test_leaves_the_old_machine_in_force(self, open_notebook: OpenNotebook) -> None:
        """The machine defined before goes on, in its state and its other views."""
        page = open_notebook([LOAD, TURNSTILE, "turnstile", _BROKEN])
        for cell in range(4):
            page.run(cell)
        panel = panel_in(page, 2)

        expect(page.outputs(3).get_by_role("alert")).to_contain_text("turnstile")
        panel.button("coin").click()

        panel.expect_state("unlocked")
        assert page.record.problems == []


class TestBadFunction:
    """Functions that are missing or raise, while the machine runs."""

    def test_missing_function_warns_and_fails_clearly(
        self, open_notebook: OpenNotebook
    ) -> None:
        """The panel is there with a warning; the message that needs it says why."""
        page = open_notebook([LOAD, _FUNCTIONS, _MACHINE])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 2, "press")
        expect(page.outputs(2)).to_contain_text("nowhere")

        panel.button("lost").click()

        expect(panel.alert.first).to_contain_text("nowhere")
        panel.expect_state("idle")
        assert page.record.problems == []

    def test_raising_function_is_told(self, open_notebook: OpenNotebook) -> None:
        """A guard or an action that raises leaves the state, and others still work."""
        page = open_notebook([LOAD, _FUNCTIONS, _MACHINE])
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 2, "press")

        for message, text in (("judged", "the scale is broken"), ("made", "quotes")):
            panel.send_text(message)
            expect(panel.alert.first).to_contain_text(text)
            panel.expect_state("idle")
        panel.button("good").click()

        panel.expect_state("done")
        assert page.page.locator("img[onerror]").count() == 0
        assert page.record.problems == []


class TestHostileText:
    """Texts that would be markup, commands or tricks if they were not data."""

    def test_is_shown_as_written(self, open_notebook: OpenNotebook) -> None:
        """Names, descriptions, context, messages and events run nothing."""
        page = open_notebook(
            [
                LOAD,
                _HOSTILE_TEXTS,
                _HOSTILE_SENDS,
            ]
        )
        for cell in range(3):
            page.run(cell)
        panel = panel_in(page, 1, "شيء 1")

        panel.expect_state("zwei-drei")
        panel.send_text(f'back {{"note": "{_HOSTILE}"}}')
        panel.expect_state("קבל")
        panel.send_text(_HOSTILE)
        expect(panel.root).to_contain_text(_HOSTILE)

        assert page.page.locator("img[onerror], img[src='x']").count() == 0
        assert page.record.problems == []
