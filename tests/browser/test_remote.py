"""Executions of a server in a browser: the same view as of those that run here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.run_view import load_in, run_in
from tests.workflows.server.conftest import ORDER
from tests.workflows.server.thread_server import ServerThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.conftest import OpenNotebook

CONNECT = """from flexiflow.workflows import connect
shop = connect({url!r})
run = shop.start("order", {{"item": "cake", "count": 9}})
run"""
AGAIN = "shop.execution(run.execution_id)"
FORK = 'run.fork(from_step="price")'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServerThread]:
    """Return a server that sells things."""
    made = ServerThread(tmp_path / "home")
    made.start()
    made.upload(ORDER)
    yield made
    made.stop()


@pytest.mark.parametrize("app", ["lab"])
class TestRemoteRun:
    def test_is_followed_and_answered(
        self, open_notebook: OpenNotebook, served: ServerThread, tmp_path: Path
    ) -> None:
        """What happens there is seen here, a question is answered in the view."""
        cells = [load_in(tmp_path), CONNECT.format(url=served.url), AGAIN, FORK]
        page = open_notebook(cells)
        page.run(0)
        page.run(1)
        view = run_in(page, 1)
        view.expect_task("price", "completed")
        view.expect_state("paused")
        expect(view.form("is that right")).to_be_visible()
        served.stop()
        served.start()
        view.answer("is that right", "true")

        view.expect_state("completed")
        view.expect_task("pay", "completed")
        expect(view.root).to_contain_text("paid 63")
        page.run(2)
        run_in(page, 2).expect_state("completed")
        page.run(3)
        run_in(page, 3).expect_state("paused")
        folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
        page.page.screenshot(path=folder / "remote.png")
        assert page.record.problems == []
