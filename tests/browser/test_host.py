"""The ground under the browser tests: both applications, without FlexiFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook

_TOY = '''
import anywidget, traitlets
class Toy(anywidget.AnyWidget):
    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        button.className = "toy";
        const show = () => { button.textContent = "count " + model.get("count"); };
        button.addEventListener("click", () => {
          model.set("count", model.get("count") + 1);
          model.save_changes();
        });
        model.on("change:count", show);
        show();
        el.append(button);
      },
    };
    """
    count = traitlets.Int(0).tag(sync=True)
toy = Toy()
toy
'''


class TestHost:
    """A notebook opens, runs and is quiet before FlexiFlow is in it."""

    def test_runs_cells_and_shows_their_output(
        self, open_notebook: OpenNotebook
    ) -> None:
        """What a cell prints is on screen when `run_all` returns."""
        page = open_notebook(["x = 20 + 1", "print('answer', 2 * x)"])

        page.run_all()

        assert page.output_text(1).strip() == "answer 42"
        assert page.record.problems == []

    def test_widget_talks_to_the_kernel_in_both_themes(
        self, open_notebook: OpenNotebook
    ) -> None:
        """An anywidget answers clicks, and its kernel side has heard them."""
        page = open_notebook([_TOY, "print(toy.count)"])

        page.run(0)
        button = page.outputs(0).locator("button.toy")
        button.click()
        expect(button).to_have_text("count 1")
        page.set_theme("JupyterLab Dark")
        page.set_theme("JupyterLab Light")
        page.run(1)

        assert page.output_text(1).strip() == "1"
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_metrics_count_the_page(self, open_notebook: OpenNotebook) -> None:
        """The measures used by other tests see nodes, comms and long tasks."""
        page = open_notebook([_TOY])
        before = page.open_comms()
        page.run(0)
        page.forget_long_tasks()
        page.page.evaluate(
            "() => { setTimeout(() => { const t = performance.now();"
            " while (performance.now() - t < 120); }); }"
        )
        page.page.wait_for_function("() => window.__probe.tasks.length > 0")

        assert page.open_comms() > before
        assert page.metrics().nodes > 100
        assert max(page.long_tasks()) >= 100
