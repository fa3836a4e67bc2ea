"""Tasks on Dask workers, as the execution view of a notebook shows them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.run_view import load_in, run_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import Theme

pytest.importorskip("distributed")

DEFINITIONS = """import time
from flexiflow.workflows import ResourceRequest, sleep, task, workflow

@task.with_options(executor="dask")
def distance(seed):
    time.sleep(0.004)
    return seed % 97

@task.with_options(executor="dask", resources=ResourceRequest(gpu=1))
def train(rows):
    return rows

@workflow
async def survey(ctx):
    found = await distance.map(range(2000))
    await sleep(0)
    return await train(len(found))
"""
_THEMES: tuple[Theme, ...] = ("JupyterLab Light", "JupyterLab Dark")


@pytest.mark.parametrize("app", ["lab"])
def test_two_thousand_items_are_one_row_that_counts(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    """Live while they run on workers; a task that fits nowhere says why it waits."""
    pictures = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
    page = open_notebook([load_in(tmp_path), DEFINITIONS, "run = survey.start()\nrun"])
    for cell in range(3):
        page.run(cell)
    view = run_in(page, 2)
    row = view.task("distance")
    expect(row).to_have_attribute("data-total", "2000")
    seen = set()
    for _ in range(200):
        done = int(row.get_attribute("data-done") or 0)
        seen.add(done)
        if done > 600 and not (pictures / "dask-light.png").exists():
            for theme in _THEMES:
                page.set_theme(theme)
                name = f"dask-{theme.rpartition(' ')[2].lower()}.png"
                view.root.screenshot(path=pictures / name)
        if done == 2000:
            break
        page.page.wait_for_timeout(50)
    expect(row).to_have_attribute("data-done", "2000")
    view.expect_task("distance", "completed")

    view.expect_task("train", "waiting")
    waits = view.task("train")
    expect(waits).to_contain_text("waits for a machine")
    waits.click()
    expect(view.root).to_contain_text("needs 1 GPU")
    for theme in _THEMES:
        page.set_theme(theme)
        name = f"dask-waits-{theme.rpartition(' ')[2].lower()}.png"
        view.root.screenshot(path=pictures / name)
    view.cancel.click()
    view.expect_state("cancelled")

    assert len(seen) > 5
    assert page.record.problems == []
