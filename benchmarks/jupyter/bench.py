"""Chromium and one Jupyter application, for as long as the measures are taken."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from playwright.sync_api import sync_playwright

from tests.browser.chromium import MISSING, find_chromium, launch
from tests.browser.jupyter_server import JupyterServer
from tests.browser.notebook_page import NotebookPage, write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from tests.browser.jupyter_server import App

__all__ = ["Bench", "in_page", "own_script"]

_PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")


class Bench:
    """Opens notebooks one after the other, each with a kernel of its own.

    Parameters
    ----------
    app : {"lab", "notebook"}
        The application to measure in.
    """

    def __init__(self, app: App) -> None:
        self.external: list[str] = []
        """Addresses that any page asked another host for."""
        self.problems: list[str] = []
        """Errors that any page logged or threw."""
        self._app = app
        self._stack = ExitStack()
        self._opened = 0

    def __enter__(self) -> Self:
        """Start the browser and the server."""
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="flexiflow-bench-"))
            playwright = stack.enter_context(sync_playwright())
            executable = find_chromium(playwright)
            if executable is None:
                raise SystemExit(MISSING)
            self._browser = launch(playwright, executable)
            stack.callback(self._browser.close)
            server = JupyterServer(self._app, Path(folder) / "server")
            self._server = stack.enter_context(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop both."""
        self._stack.close()

    @contextmanager
    def notebook(self, cells: Sequence[str]) -> Iterator[NotebookPage]:
        """Open a notebook of these cells; close it and its kernel after."""
        self._opened += 1
        file = f"bench{self._opened}.ipynb"
        write_notebook(self._server.notebooks / file, cells)
        context = self._browser.new_context()
        tab = context.new_page()
        tab.set_viewport_size({"width": 1280, "height": 1400})
        page = NotebookPage(tab, self._server, file)
        tab.add_init_script(_PROBE)
        try:
            page.open()
            yield page
            self.external += page.record.external
            self.problems += page.record.problems
        finally:
            context.close()
            self._server.shut_down_kernels()


@contextmanager
def own_script(page: NotebookPage) -> Iterator[list[float]]:
    """Put the seconds that the views' scripts take meanwhile into a list.

    What they make the browser do at once (styles, layout) is counted with them; the
    notebook's own scripts are not: the modules of the views are loaded from blobs.
    """
    seconds: list[float] = []
    cdp = page.context.new_cdp_session(page.page)
    cdp.send("Profiler.enable")
    cdp.send("Profiler.setSamplingInterval", {"interval": 200})
    cdp.send("Profiler.start")
    yield seconds
    profile = cdp.send("Profiler.stop")["profile"]
    cdp.detach()
    own: set[int] = set()
    for node in profile["nodes"]:  # a node stands before its children
        if node["id"] in own or node["callFrame"]["url"].startswith("blob:"):
            own.update([node["id"], *node.get("children", ())])
    spent = zip(profile["samples"], profile["timeDeltas"], strict=True)
    seconds.append(sum(delta for node, delta in spent if node in own) / 1e6)


def in_page(page: NotebookPage, name: str, *arguments: Any) -> Any:
    """Call a measure of ``probe.js``; Any, since each has JSON of its own."""
    call = "([name, args]) => window.__bench[name](...args)"
    return page.page.evaluate(call, [name, list(arguments)])
