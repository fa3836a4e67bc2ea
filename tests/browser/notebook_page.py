"""A notebook open in JupyterLab or Notebook 7, driven cell by cell.

The page is driven through ``window.jupyterapp``, the application's own command
registry, and read through the DOM: what is asserted is what a person sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import nbformat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from playwright.sync_api import (
        BrowserContext,
        ConsoleMessage,
        Error,
        Locator,
        Page,
        Request,
    )

    from tests.browser.jupyter_server import JupyterServer

__all__ = ["Metrics", "NotebookPage", "Record", "Theme", "write_notebook"]

Theme = Literal["JupyterLab Light", "JupyterLab Dark"]

_HOST_NOISE = re.compile(
    r"reading '(?:schema'\).*/static/notebook/notebook_core"
    r"|last_modified'\).*/static/notebook/)",
    re.DOTALL,
)
"""Errors of the host application itself, seen in a notebook without FlexiFlow.

Notebook 7.6 loads the settings of a plug-in that it has not registered; Notebook 7.2
asks for the last checkpoint of a notebook that has none.
"""

_PROBE = """
(() => {
  const probe = { tasks: [], hidden: false };
  window.__probe = probe;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      probe.tasks.push([entry.startTime, entry.duration]);
    }
  }).observe({ type: "longtask", buffered: true });
  Object.defineProperty(Document.prototype, "visibilityState", {
    configurable: true, get: () => (probe.hidden ? "hidden" : "visible"),
  });
  Object.defineProperty(Document.prototype, "hidden", {
    configurable: true, get: () => probe.hidden,
  });
})();
"""

_READY = """
() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const session = panel?.sessionContext?.session;
  if (!panel?.context?.isReady || !panel.sessionContext.isReady) return false;
  if (!panel.content?.model || session?.kernel?.status !== "idle") return false;
  panel.content.widgets.forEach((cell, i) => {
    cell.node.setAttribute("data-test-cell", String(i));
  });
  return panel.content.widgets.length > 0;
}
"""

_RUN = """
async ([index, wait]) => {
  const { shell, commands } = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  await notebook.scrollToItem(index);
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  const done = commands.execute("notebook:run-cell");
  if (wait) await done;
}
"""

_IDLE = """
() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const busy = panel.content.widgets.some(
    (cell) => cell.node.querySelector(".jp-InputPrompt")?.textContent.includes("*"));
  return !busy && panel.sessionContext.session?.kernel?.status === "idle";
}
"""


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells for this Python's kernel."""
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[
            nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
                source, id=f"cell-{number}"
            )
            for number, source in enumerate(cells)
        ],
        metadata={
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        },
    )
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the page holds at one moment, after a collection of garbage."""

    nodes: int
    """DOM nodes, attached or kept alive by scripts."""
    listeners: int
    """Event listeners."""
    heap_bytes: int
    """JavaScript heap in use."""


@dataclass(slots=True)
class Record:
    """What went wrong or left the machine, gathered since the page was opened."""

    console: list[str] = field(default_factory=list)
    """Console messages of level error, with where they came from."""
    page_errors: list[str] = field(default_factory=list)
    """Exceptions nobody caught."""
    external: list[str] = field(default_factory=list)
    """Addresses asked for that are not the server's."""
    dialogs: list[str] = field(default_factory=list)
    """Texts of alerts and other dialogs of the browser."""

    @property
    def problems(self) -> list[str]:
        """Everything above in one list; empty for a clean page."""
        return [*self.console, *self.page_errors, *self.external, *self.dialogs]


class NotebookPage:
    """One notebook in one tab.

    Parameters
    ----------
    page : Page
        An empty tab.
    server : JupyterServer
        The application that serves the notebook.
    file : str
        The notebook's path below the folder of the server.
    """

    def __init__(self, page: Page, server: JupyterServer, file: str) -> None:
        self.page = page
        """The tab."""
        self.record = Record()
        """Errors and requests to others, from the first byte on."""
        self._server = server
        self._file = file
        self._cdp = page.context.new_cdp_session(page)
        page.set_default_timeout(20_000)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_page_error)
        page.on("request", self._on_request)
        page.on("dialog", self._on_dialog)
        page.add_init_script(_PROBE)

    @property
    def app(self) -> str:
        """``"lab"`` or ``"notebook"``."""
        return self._server.app

    @property
    def path(self) -> Path:
        """The notebook's file."""
        return self._server.notebooks / self._file

    @property
    def context(self) -> BrowserContext:
        """The browser context of this tab alone."""
        return self.page.context

    def open(self) -> None:
        """Load the notebook and wait until its kernel is idle."""
        self.page.goto(self._server.url(self._file))
        self.wait_ready()

    def open_again(self) -> NotebookPage:
        """Return the same notebook, open in another tab beside this one."""
        again = NotebookPage(self.page.context.new_page(), self._server, self._file)
        size = self.page.viewport_size
        if size is not None:
            again.page.set_viewport_size(size)
        again.open()
        return again

    def reload(self) -> None:
        """Load the page again; the kernel lives on.

        A picture that is refreshed after the last save makes the page ask whether to
        leave it: it is not asked.
        """
        self.page.evaluate(
            "() => addEventListener('beforeunload',"
            " (event) => event.stopImmediatePropagation(), { capture: true })"
        )
        self.page.reload()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the notebook is on screen with an idle kernel."""
        self.page.wait_for_function(_READY, timeout=60_000, polling=100)

    def close(self) -> None:
        """Close the tab."""
        self.page.close()

    # Cells

    def cell(self, index: int) -> Locator:
        """Return a cell, counted from zero."""
        return self.page.locator(f'[data-test-cell="{index}"]')

    def outputs(self, index: int) -> Locator:
        """Return the output area of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def output_text(self, index: int) -> str:
        """Return the text that a cell has put out, as shown."""
        return self.outputs(index).inner_text()

    def run(self, index: int) -> None:
        """Run a cell and wait until it has ended."""
        self.page.evaluate(_RUN, [index, True])

    def start(self, index: int) -> None:
        """Run a cell without waiting for its end."""
        self.page.evaluate(_RUN, [index, False])

    def run_all(self, *, timeout_s: float = 60) -> None:
        """Run every cell and wait until the kernel is idle."""
        self.execute("notebook:run-all-cells")
        self.wait_idle(timeout_s=timeout_s)

    def set_source(self, index: int, source: str) -> None:
        """Replace the text of a cell."""
        self.page.evaluate(
            "([i, text]) => window.jupyterapp.shell.currentWidget.content"
            ".widgets[i].model.sharedModel.setSource(text)",
            [index, source],
        )

    def wait_idle(self, *, timeout_s: float = 60) -> None:
        """Wait until no cell runs or waits and the kernel is idle."""
        self.page.wait_for_function(_IDLE, timeout=timeout_s * 1000, polling=50)

    def restart_kernel(self) -> None:
        """Start a new kernel in the place of the present one, and wait for it."""
        self.page.evaluate(
            "async () => { const panel = window.jupyterapp.shell.currentWidget;"
            " await panel.sessionContext.session.kernel.restart(); }"
        )
        self.wait_ready()

    def save(self) -> None:
        """Write the notebook to its file."""
        self.execute("docmanager:save")

    def execute(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        """Execute a command of the application and wait for its result.

        The arguments are JSON, as each command documents them.
        """
        self.page.evaluate(
            "async ([c, a]) => { await window.jupyterapp.commands.execute(c, a); }",
            [command, arguments or {}],
        )

    def set_theme(self, theme: Theme) -> None:
        """Switch the theme and wait until it is applied."""
        self.execute("apputils:change-theme", {"theme": theme})
        selector = f'body[data-jp-theme-name="{theme}"]'
        self.page.wait_for_selector(selector, state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    # Measures

    def metrics(self) -> Metrics:
        """Collect garbage, then count nodes, listeners and bytes."""
        for _ in range(2):
            self._cdp.send("HeapProfiler.collectGarbage")
        self._cdp.send("Performance.enable")
        answer = self._cdp.send("Performance.getMetrics")
        values = {item["name"]: item["value"] for item in answer["metrics"]}
        return Metrics(
            nodes=int(values["Nodes"]),
            listeners=int(values["JSEventListeners"]),
            heap_bytes=int(values["JSHeapUsedSize"]),
        )

    def meter_bytes(self) -> Callable[[], int]:
        """Count from now on what comes to the page; the result tells how much.

        Frames of web sockets are counted as they are before compression. Blobs do not
        leave the page, and the icon of the tab is the application's own.
        """
        received = [0]
        own: set[str] = set()

        def on_request(event: dict[str, Any]) -> None:  # as Chromium describes it
            url = event["request"]["url"]
            if url.startswith(("blob:", "data:")) or "/favicons/" in url:
                own.add(event["requestId"])

        def on_frame(event: dict[str, Any]) -> None:  # as above
            frame = event["response"]
            size = len(frame["payloadData"])
            received[0] += size if frame["opcode"] == 1 else size * 3 // 4

        def on_data(event: dict[str, Any]) -> None:  # as above
            if event["requestId"] not in own:
                received[0] += event["dataLength"]

        self._cdp.on("Network.requestWillBeSent", on_request)
        self._cdp.on("Network.webSocketFrameReceived", on_frame)
        self._cdp.on("Network.dataReceived", on_data)
        self._cdp.send("Network.enable")
        return lambda: received[0]

    def forget_long_tasks(self) -> None:
        """Start the list of long tasks anew."""
        self.page.evaluate("() => { window.__probe.tasks.length = 0; }")

    def long_tasks(self) -> list[float]:
        """Return the durations in ms of tasks over 50 ms, in order of time."""
        durations: list[float] = self.page.evaluate(
            "() => window.__probe.tasks.map((task) => task[1])"
        )
        return durations

    def set_hidden(self, *, hidden: bool) -> None:
        """Tell the page that its tab was put in the background, or brought back."""
        self.page.evaluate(
            "(hidden) => { window.__probe.hidden = hidden;"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    def open_comms(self) -> int:
        """Return how many comms the page holds to the kernel."""
        count: int = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session"
            ".kernel._comms.size"
        )
        return count

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location.get("url", "")
            self.record.console.append(f"{message.text} ({place})")

    def _on_page_error(self, error: Error) -> None:
        text = f"{error.message} {error.stack}"
        if not _HOST_NOISE.search(text):
            self.record.page_errors.append(text)

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        local = parts.scheme in {"data", "blob", "about"}
        if not local and f"http://{parts.netloc}" != self._server.origin:
            self.record.external.append(request.url)

    def _on_dialog(self, dialog: Any) -> None:  # Dialog, from Playwright's event
        self.record.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()
