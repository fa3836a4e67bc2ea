"""The view of an engine on a page, read and used through its stable hooks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.notebook_page import NotebookPage

__all__ = ["BROKEN", "ORDER", "PAYMENTS", "SHOW", "EnginePage", "engine_in"]

ORDER = """%%flexiflow --no-panel
name: order
states:
  cart:
    on:
      pay: {to: charging, do: [{send: {type: charge, to: payments, amount: 3}}]}
      lose: {do: [{send: {type: refund, to: ghost}}]}
  charging:
    on:
      charged: {to: paid, do: [{emit: {event: order.paid, data: {n: 1}}}]}
      lose: {do: [{send: {type: refund, to: ghost}}]}
  paid: {on: {again: cart}}
"""
PAYMENTS = """%%flexiflow --no-panel
name: payments
states:
  idle:
    on: {charge: {do: [ask_bank, {send: {type: charged, to: order}}]}}
"""
BROKEN = """def ask_bank():
    raise RuntimeError("the bank <b>sleeps</b>")"""
SHOW = """from flexiflow_jupyter import get_engine
get_engine()"""


def engine_in(page: NotebookPage, cell: int) -> EnginePage:
    """Return the view of an engine that a cell shows."""
    root = page.outputs(cell).locator('[data-flexiflow="engine"]')
    expect(root).to_be_visible()
    return EnginePage(root)


class EnginePage:
    """One view of an engine.

    Parameters
    ----------
    root : Locator
        The element of the view.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        """The element of the view."""

    @property
    def rows(self) -> Locator:
        """The rows of the diagram that are in the page now."""
        return self.root.locator('[role="row"][data-seq]')

    @property
    def messages(self) -> Locator:
        """The rows of messages."""
        return self.root.locator('[data-kind="message"]')

    @property
    def letters(self) -> Locator:
        """The dead letters."""
        return self.root.locator("[data-dead-letter]")

    @property
    def scroller(self) -> Locator:
        """What is scrolled, and takes the arrow keys."""
        return self.root.get_by_role("table", name="Messages and events")

    def component(self, name: str) -> Locator:
        """Return the head of a life line."""
        return self.root.locator(f'[data-component="{name}"]')

    def tool(self, name: str) -> Locator:
        """Return a button of the head."""
        return self.root.get_by_role("button", name=name, exact=True)

    def counts(self) -> tuple[int, int]:
        """Return how many rows are kept, and how many were left out."""
        hook = self.root.locator("[data-dropped]")
        return (
            int(hook.get_attribute("data-rows") or "0"),
            int(hook.get_attribute("data-dropped") or "0"),
        )
