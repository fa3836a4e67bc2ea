"""Fixtures of the browser tests: servers, Chromium, notebooks in tabs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.chromium import MISSING, find_chromium, launch
from tests.browser.jupyter_server import JupyterServer
from tests.browser.notebook_page import NotebookPage, write_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Browser

    from tests.browser.jupyter_server import App

_HERE = Path(__file__).parent
_TIMEOUT_S = 120


class OpenNotebook(Protocol):
    """Open a notebook of the given code cells in a new tab."""

    def __call__(
        self, cells: Sequence[str], *, width: int = 1280, height: int = 1400
    ) -> NotebookPage:
        """Return the page, loaded, with an idle kernel."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and run them after all others.

    Playwright's synchronous interface keeps an event loop running in this thread
    until its fixture ends: no test with a loop of its own may come after it.
    """
    ours = [item for item in items if _HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.timeout(_TIMEOUT_S))
    others = [item for item in items if _HERE not in item.path.parents]
    items[:] = [*others, *ours]


def _report_missing() -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start one headless Chromium for all browser tests."""
    with sync_playwright() as playwright:
        executable = find_chromium(playwright)
        if executable is None:
            _report_missing()
        running = launch(playwright, executable)
        try:
            yield running
        finally:
            running.close()


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[App], JupyterServer]]:
    """Give each application's server, started when it is first asked for."""
    running: dict[App, JupyterServer] = {}

    def serve(app: App) -> JupyterServer:
        if app not in running:
            server = JupyterServer(app, tmp_path_factory.mktemp(app))
            running[app] = server.__enter__()
        return running[app]

    try:
        yield serve
    finally:
        for server in running.values():
            server.stop()


@pytest.fixture(params=["lab", "notebook"])
def app(request: pytest.FixtureRequest) -> App:
    """Name the application: each test that uses it runs in both."""
    name: App = request.param
    return name


@pytest.fixture
def open_notebook(
    app: App,
    browser: Browser,
    servers: Callable[[App], JupyterServer],
    request: pytest.FixtureRequest,
) -> Iterator[OpenNotebook]:
    """Open notebooks in tabs of one context; close them and their kernels after."""
    server = servers(app)
    context = browser.new_context()
    opened: list[NotebookPage] = []

    def open_one(
        cells: Sequence[str], *, width: int = 1280, height: int = 1400
    ) -> NotebookPage:
        name = "".join(c if c.isalnum() else "_" for c in request.node.name)
        file = f"{name}_{len(opened)}.ipynb"
        write_notebook(server.notebooks / file, cells)
        tab = context.new_page()
        tab.set_viewport_size({"width": width, "height": height})
        page = NotebookPage(tab, server, file)
        opened.append(page)
        page.open()
        return page

    try:
        yield open_one
    finally:
        context.close()
        server.reset()
