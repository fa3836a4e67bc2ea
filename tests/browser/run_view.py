"""The view of an execution on a page, read and used through its stable hooks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.browser.notebook_page import NotebookPage

__all__ = ["DEFINITIONS", "RunView", "load_in", "run_in"]

DEFINITIONS = """import asyncio
from flexiflow.workflows import pause, task, workflow

gate = asyncio.Event()

@task
async def list_files(folder):
    return [f"{folder}/{n}.pdf" for n in range(12)]

@task
async def read_page(name):
    if not name.endswith("0.pdf"):
        await gate.wait()
    return len(name)

@task.with_options(retry_max_attempts=2, retry_delay=0.1, retry_backoff=1)
async def book(total):
    if total > 1000:
        raise ValueError("the account is closed")
    return {"booked": total}

@workflow
async def import_invoices(ctx):
    files = await list_files(ctx.input)
    sizes = await read_page.map(files)
    answer = await pause("approve", "Nordlicht GmbH is new. Accept?")
    total = 5000 if answer == "too much" else sum(sizes)
    return {"answer": answer, **await book(total)}
"""
"""A workflow that maps, asks and books; ``gate`` lets the map go on."""


def load_in(folder: Path) -> str:
    """Return a cell that loads the extension with a journal of its own."""
    return f"import os; os.chdir({str(folder)!r})\n%load_ext flexiflow_jupyter"


def run_in(page: NotebookPage, cell: int, at: int = 0) -> RunView:
    """Return a view of an execution that a cell shows."""
    view = RunView(page.outputs(cell).locator('[data-flexiflow="execution"]').nth(at))
    expect(view.root).to_be_visible()
    return view


class RunView:
    """One view of an execution.

    Parameters
    ----------
    root : Locator
        The element of the view.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        """The element of the view."""

    @property
    def cancel(self) -> Locator:
        """The button that ends the run."""
        return self.root.locator("button[data-cancel]")

    @property
    def alert(self) -> Locator:
        """The box that says what went wrong."""
        return self.root.get_by_role("alert")

    @property
    def rows(self) -> Locator:
        """The steps that are in the page now."""
        return self.root.locator("[data-task][data-status]")

    def task(self, name: str) -> Locator:
        """Return the row of a task."""
        return self.root.locator(f'[data-task="{name}"]')

    def form(self, pause: str) -> Locator:
        """Return the form of a question."""
        return self.root.locator(f'form[data-pause="{pause}"]')

    def answer(self, pause: str, text: str) -> None:
        """Type an answer and press Resume."""
        self.form(pause).locator("input").fill(text)
        self.form(pause).locator("button[data-resume]").click()

    def expect_state(self, state: str) -> None:
        """Wait until the run is in a state."""
        expect(self.root).to_have_attribute("data-status", state)

    def expect_task(self, name: str, status: str) -> None:
        """Wait until a task has a status."""
        expect(self.task(name)).to_have_attribute("data-status", status)
