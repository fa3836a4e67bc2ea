"""What axe-core finds wrong with the views on a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.notebook_page import NotebookPage

__all__ = ["serious"]

_AXE = (
    Path(__file__).parents[2]
    / "flexiflow_jupyter/frontend/node_modules/axe-core/axe.min.js"
)
_FIND_SERIOUS = """
async () => {
  const { violations } = await axe.run("[data-flexiflow]", {
    resultTypes: ["violations"],
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}
"""


def serious(page: NotebookPage) -> list[str]:
    """Return the serious and critical findings in all views of a page."""
    if not page.page.evaluate("() => 'axe' in window"):
        page.page.evaluate(_AXE.read_text())
    found: list[str] = page.page.evaluate(_FIND_SERIOUS)
    return found
