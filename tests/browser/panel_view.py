"""A panel on a page, read and used through its stable hooks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.notebook_page import NotebookPage

__all__ = ["LOAD", "TURNSTILE", "PanelView", "panel_in"]

LOAD = "%load_ext flexiflow_jupyter"

TURNSTILE = """%%flexiflow
name: turnstile
description: One coin, one passage.
context: {coins: 0}
states:
  locked:
    on:
      coin: {to: unlocked, do: {add: {coins: 1}}}
  unlocked:
    on:
      coin: {do: {add: {coins: 1}}}
      push: locked
"""
"""The chart of most tests."""


def panel_in(page: NotebookPage, cell: int, name: str = "turnstile") -> PanelView:
    """Return the panel that a cell shows, once its graph is drawn."""
    root = page.outputs(cell).locator(
        f'[data-flexiflow="panel"][data-component="{name}"]'
    )
    view = PanelView(root)
    expect(view.root.locator("[data-state]").first).to_be_visible()
    return view


class PanelView:
    """One panel.

    Parameters
    ----------
    root : Locator
        The element of the panel.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        """The element of the panel."""

    @property
    def active(self) -> Locator:
        """The active leaf states."""
        return self.root.locator('[data-state][aria-current="true"]')

    @property
    def alert(self) -> Locator:
        """Boxes and lines that say what went wrong."""
        return self.root.get_by_role("alert")

    @property
    def free_form(self) -> Locator:
        """The input of the free-form message."""
        return self.root.locator("[data-free-form] input")

    @property
    def rows(self) -> Locator:
        """The event rows that are in the page now."""
        return self.root.locator('[role="row"][data-seq]')

    @property
    def filter(self) -> Locator:
        """The input that filters events."""
        return self.root.locator("input[data-filter]")

    def button(self, message: str) -> Locator:
        """Return the button of a message."""
        return self.root.locator(f'button[data-send="{message}"]')

    def edge(self, message: str, source: str) -> Locator:
        """Return the edge of a message from a state."""
        return self.root.locator(
            f'[data-edge][data-message="{message}"][data-from="{source}"]'
        )

    def context_text(self) -> str:
        """Return the text of the context part."""
        return self.root.locator('[data-flexiflow="context"]').inner_text()

    def count_nodes(self) -> int:
        """Return how many elements the panel is made of now."""
        count: int = self.root.evaluate("panel => panel.querySelectorAll('*').length")
        return count

    def counts(self) -> tuple[int, int]:
        """Return how many rows are kept, and how many events were dropped."""
        hook = self.root.locator("[data-dropped]")
        return (
            int(hook.get_attribute("data-rows") or "0"),
            int(hook.get_attribute("data-dropped") or "0"),
        )

    def expect_state(self, *paths: str) -> None:
        """Wait until exactly these leaf states are lit."""
        expect(self.active).to_have_count(len(paths))
        for path in paths:
            expect(
                self.root.locator(f'[data-state="{path}"][aria-current="true"]')
            ).to_be_visible()

    def send_text(self, text: str) -> None:
        """Type a free-form message and press Enter."""
        self.free_form.fill(text)
        self.free_form.press("Enter")
