"""What the extension of JupyterLab and Notebook adds to the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.panel_view import LOAD, TURNSTILE, panel_in

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage

_IS_THERE = """
() => document.documentElement.hasAttribute("data-flexiflow-cells")
"""


@pytest.fixture(autouse=True)
def installed(open_notebook: OpenNotebook) -> None:
    """Need the extension: an install puts it where the applications look for it."""
    page = open_notebook(["1"])
    if not page.page.evaluate(_IS_THERE):
        reason = "the labextension is not installed; `make bundle` installs it"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    page.close()


def _language(page: NotebookPage, cell: int) -> Locator:
    """Return the editor of a cell, which names its language."""
    return page.cell(cell).locator(".cm-content")


class TestColours:
    def test_a_definition_is_yaml(self, open_notebook: OpenNotebook) -> None:
        """The cell that begins with %%flexiflow is coloured as YAML, others not."""
        page = open_notebook([LOAD, TURNSTILE, "x = 1"])

        expect(_language(page, 1)).to_have_attribute("data-language", "yaml")
        expect(_language(page, 2)).not_to_have_attribute("data-language", "yaml")

    def test_it_follows_the_text(self, open_notebook: OpenNotebook) -> None:
        """A cell becomes a definition, and a cell of code again, while one types."""
        page = open_notebook(["x = 1"])

        page.set_source(0, TURNSTILE)
        expect(_language(page, 0)).to_have_attribute("data-language", "yaml")

        page.set_source(0, "x = 2")
        expect(_language(page, 0)).not_to_have_attribute("data-language", "yaml")


class TestEngines:
    def test_the_side_panel_lists_live_components(
        self, open_notebook: OpenNotebook
    ) -> None:
        """Components stand there with their state, which follows; a click shows one."""
        page = open_notebook([LOAD, TURNSTILE, "await turnstile.send('coin')"])
        page.execute("flexiflow:show-engines")
        engines = page.page.locator('[data-flexiflow="engines"]')
        expect(engines).to_contain_text("%load_ext flexiflow_jupyter")

        page.run(0)
        page.run(1)

        row = engines.locator('[data-component="turnstile"]')
        expect(row).to_contain_text("locked")
        page.run(2)
        expect(row).to_contain_text("unlocked")
        row.click()
        page.wait_idle()
        expect(page.page.locator('[data-flexiflow="panel"]')).to_have_count(2)
        assert page.record.problems == []

    def test_a_restarted_kernel_has_none(self, open_notebook: OpenNotebook) -> None:
        """After a restart the panel says what to run, and fills when it was run."""
        page = open_notebook([LOAD, TURNSTILE])
        page.execute("flexiflow:show-engines")
        engines = page.page.locator('[data-flexiflow="engines"]')
        page.run(0)
        page.run(1)
        expect(engines.locator("[data-component]")).to_have_count(1)

        page.restart_kernel()

        expect(engines).to_contain_text("%load_ext flexiflow_jupyter")
        page.run(0)
        page.run(1)
        expect(engines.locator("[data-component]")).to_have_count(1)


class TestCommands:
    def test_new_machine_inserts_what_it_needs(
        self, open_notebook: OpenNotebook
    ) -> None:
        """The command adds the line that loads, once, and a machine to begin with."""
        page = open_notebook(["1"])

        page.execute("flexiflow:new-machine")
        page.execute("flexiflow:new-machine")
        page.wait_ready()

        page.run_all()
        shown = page.page.locator('[data-flexiflow="panel"]')
        expect(shown).to_have_count(2)
        expect(page.page.locator(".jp-Cell")).to_have_count(4)  # one line that loads


class TestGraphviz:
    def test_it_comes_from_the_server(self, open_notebook: OpenNotebook) -> None:
        """The page asks the server for the layout program, and no kernel sends it."""
        page = open_notebook([LOAD, TURNSTILE])
        asked: list[str] = []
        page.page.on("request", lambda request: asked.append(request.url))
        page.run(0)
        page.run(1)

        panel_in(page, 1)

        assert any(
            url.endswith("/flexiflow-jupyter/static/graphviz.js") for url in asked
        )


class TestHover:
    def test_a_key_is_explained(self, open_notebook: OpenNotebook) -> None:
        """The pointer over a key of a definition shows what the language says of it."""
        page = open_notebook([LOAD, TURNSTILE])
        page.run(0)
        page.run(1)
        page.wait_idle()

        page.cell(1).get_by_text("states", exact=False).first.hover()

        shown = page.page.locator('[data-flexiflow="hover"]')
        expect(shown).to_contain_text("The states, by name")

    def test_python_is_left_alone(self, open_notebook: OpenNotebook) -> None:
        """Other cells show nothing of ours."""
        page = open_notebook([LOAD, "states = 1", TURNSTILE])
        page.run(0)
        page.run(2)
        page.wait_idle()

        page.cell(1).get_by_text("states").first.hover()
        page.cell(2).get_by_text("states", exact=False).first.hover()

        shown = page.page.locator('[data-flexiflow="hover"]')
        expect(shown).to_have_count(1)
        expect(shown).to_contain_text("The states, by name")
