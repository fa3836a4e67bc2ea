"""The execution view in a browser: what a person sees and does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.run_view import DEFINITIONS, load_in, run_in

if TYPE_CHECKING:
    from tests.browser.conftest import OpenNotebook
    from tests.browser.notebook_page import NotebookPage, Theme

START = 'run = import_invoices.start("2026-11")\nrun'
OPEN_GATE = "gate.set()"
CRASH = "import os; os.kill(os.getpid(), 9)"

_THEMES: tuple[Theme, ...] = ("JupyterLab Light", "JupyterLab Dark")
_RESTART = (
    "async () => { await window.jupyterapp.shell.currentWidget.sessionContext"
    ".session.kernel.restart(); }"
)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Name the folder for screenshots; FLEXIFLOW_PICTURES keeps them elsewhere."""
    folder = Path(os.environ.get("FLEXIFLOW_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def begin(open_notebook: OpenNotebook, folder: Path, *cells: str) -> NotebookPage:
    """Open a notebook whose cells 0, 1, 2 load, define and start; run those."""
    page = open_notebook([load_in(folder), DEFINITIONS, START, *cells])
    for cell in range(3):
        page.run(cell)
    return page


class TestRun:
    def test_is_followed_to_a_question_and_to_its_end(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """A map is one row that counts; the answer typed is the value of the pause."""
        page = begin(open_notebook, tmp_path, OPEN_GATE)
        view = run_in(page, 2)
        view.expect_task("list_files", "completed")
        view.expect_task("read_page", "running")
        expect(view.task("read_page")).to_have_attribute("data-total", "12")
        expect(view.task("read_page")).to_have_attribute("data-done", "2")

        page.run(3)
        view.expect_state("paused")
        expect(view.task("read_page")).to_have_attribute("data-done", "12")
        view.expect_task("approve", "paused")
        expect(view.form("approve")).to_contain_text("Nordlicht GmbH is new")
        view.answer("approve", '{"approved": true}')

        view.expect_state("completed")
        expect(view.form("approve")).to_have_count(0)
        expect(view.root).to_contain_text('"answer": {"approved": true}')
        expect(view.cancel).to_be_hidden()
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    @pytest.mark.parametrize(
        ("typed", "value"),
        [
            ("false", "false"),
            ("0", "0"),
            ("", "null"),
            ("Ann said so", '"Ann said so"'),
        ],
    )
    def test_answers_are_json_or_text_or_nothing(
        self, open_notebook: OpenNotebook, tmp_path: Path, typed: str, value: str
    ) -> None:
        """Falsy answers count, and so does each digit."""
        page = begin(open_notebook, tmp_path, OPEN_GATE)
        page.run(3)
        view = run_in(page, 2)
        view.expect_state("paused")

        view.answer("approve", typed)

        view.expect_state("completed")
        expect(view.root).to_contain_text(f'"answer": {value}')

    @pytest.mark.parametrize("app", ["lab"])
    def test_can_be_cancelled(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """The tasks at work end with it."""
        page = begin(open_notebook, tmp_path)
        view = run_in(page, 2)
        view.expect_task("read_page", "running")

        view.cancel.click()

        view.expect_state("cancelled")
        view.expect_task("read_page", "cancelled")
        expect(view.cancel).to_be_hidden()
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_acts_while_a_cell_awaits_it(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """The cell gets the end of what a person answers."""
        page = begin(
            open_notebook, tmp_path, "gate.set()\ncontext = await run", "context.output"
        )
        page.start(3)
        view = run_in(page, 2)
        view.expect_state("paused")
        page.wait_idle()

        page.set_source(3, "context = await run.resume(1, pause='approve')")
        page.run(3)
        page.run(4)

        view.expect_state("completed")
        assert "'answer': 1" in page.output_text(4)


class TestFailure:
    @pytest.mark.parametrize("app", ["lab"])
    def test_says_why_and_is_forked_from_its_step(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """What was done before is kept: the fork runs the failed step alone."""
        mended = DEFINITIONS.replace("total > 1000", "total > 9000")
        mended = mended.replace("gate = asyncio.Event()", "")
        page = begin(open_notebook, tmp_path, OPEN_GATE, mended)
        page.run(3)
        view = run_in(page, 2)
        view.answer("approve", "too much")
        view.expect_state("failed")
        view.expect_task("book", "failed")
        expect(view.alert).to_contain_text("the account is closed")
        expect(view.task("book")).to_contain_text("try 3 of 3")

        page.run(4)
        view.root.get_by_role("button", name="Fork from book").click()
        view.root.get_by_role("button", name="Fork", exact=True).click()

        forked = run_in(page, 2, 1)
        forked.expect_state("completed")
        expect(forked.root).to_contain_text('"booked": 5000')
        forked.expect_task("read_page", "completed")
        view.expect_state("failed")
        assert page.record.problems == []


class TestRestart:
    @pytest.mark.parametrize("app", ["lab"])
    def test_a_paused_run_is_found_again_and_goes_on(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Its form waits for the cell that defines it, and works after that."""
        page = begin(open_notebook, tmp_path, OPEN_GATE, "%flexiflow runs")
        page.run(3)
        run_in(page, 2).expect_state("paused")

        page.page.evaluate(_RESTART)
        page.wait_idle()
        left = run_in(page, 2)
        expect(left.root).to_contain_text("The kernel was restarted")
        expect(left.form("approve").locator("button[data-resume]")).to_be_disabled()
        expect(left.form("approve")).to_contain_text("%flexiflow runs shows it")
        expect(left.cancel).to_be_disabled()
        page.run(0)
        assert "1 run waits for an answer" in page.output_text(0)
        page.run(4)
        view = run_in(page, 4)
        view.expect_state("paused")
        resume = view.form("approve").locator("button[data-resume]")
        expect(resume).to_be_disabled()
        expect(view.form("approve")).to_contain_text("Run the cell that defines it")

        page.run(1)
        expect(resume).to_be_enabled()
        view.answer("approve", "false")

        view.expect_state("completed")
        expect(view.root).to_contain_text('"answer": false')
        assert page.record.problems == []

    @pytest.mark.parametrize("app", ["lab"])
    def test_a_run_whose_kernel_died_goes_on_with_its_definition(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Until then it says what it wants."""
        page = begin(open_notebook, tmp_path, "%flexiflow runs", OPEN_GATE)
        run_in(page, 2).expect_task("read_page", "running")

        page.page.evaluate(_RESTART)
        page.wait_idle()
        page.run(0)
        assert "import_invoices" in page.output_text(0)
        page.run(3)
        view = run_in(page, 3)
        view.expect_state("needs_definition")

        page.run(1)
        page.run(4)
        view.expect_state("paused")
        expect(view.task("read_page")).to_have_attribute("data-done", "12")


class TestReload:
    @pytest.mark.parametrize("app", ["lab"])
    def test_a_page_loaded_again_gets_the_run_back(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Live, with all its steps: the form works."""
        page = begin(open_notebook, tmp_path, OPEN_GATE)
        page.run(3)
        run_in(page, 2).expect_state("paused")
        page.save()

        page.reload()

        view = run_in(page, 2)
        view.expect_state("paused")
        expect(view.task("read_page")).to_have_attribute("data-done", "12")
        view.answer("approve", "1")
        view.expect_state("completed")
        assert page.record.problems == []


class TestCrowd:
    @pytest.mark.parametrize("app", ["lab"])
    def test_ten_thousand_steps_leave_the_page_free(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """As many rows are drawn as can be seen; the rest is searched and counted."""
        many = (
            "@task\nasync def score(n):\n"
            "    if n % 2500 == 7:\n        raise ValueError('no score')\n"
            "    return n * n\n"
            "@workflow\nasync def rating(ctx):\n"
            "    for n in range(10_000):\n"
            "        try:\n            await score(n)\n"
            "        except Exception:\n            pass\n"
        )
        page = open_notebook([load_in(tmp_path), DEFINITIONS, many, "rating.start()"])
        for cell in range(3):
            page.run(cell)
        page.run(3)
        view = run_in(page, 3)
        expect(view.root).to_have_attribute("data-status", "completed", timeout=90_000)
        expect(view.root).to_contain_text("10,000 steps")

        expect(view.rows.filter(has_text="99980001")).to_be_visible()
        assert view.rows.count() < 40
        assert view.root.evaluate("e => e.querySelectorAll('*').length") < 600
        view.root.locator("input[data-filter]").fill("failed")
        expect(view.root).to_contain_text("4 of 10,000 steps")
        expect(view.rows).to_have_count(4)
        assert page.record.problems == []


class TestText:
    @pytest.mark.parametrize("app", ["lab"])
    def test_names_are_never_more_than_text(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Of workflows, tasks, questions, results and errors."""
        evil = "<img src=x onerror=alert(1)>"
        cell = (
            f"evil = {evil!r}\n"
            "@task.with_options(name=evil)\nasync def a():\n    return evil\n"
            "@workflow.with_options(name=evil)\nasync def b(ctx):\n"
            "    await a()\n    await pause(evil, evil)\n    raise ValueError(evil)\n"
            "b.start(evil)"
        )
        page = open_notebook([load_in(tmp_path), DEFINITIONS, cell])
        for number in range(3):
            page.run(number)
        view = run_in(page, 2)
        view.expect_state("paused")
        view.root.locator("button[data-resume]").click()
        view.expect_state("failed")

        expect(view.root.locator("img")).to_have_count(0)
        expect(view.alert).to_contain_text(evil)
        assert page.record.dialogs == []
        assert page.record.problems == []


class TestKeyboard:
    @pytest.mark.parametrize("app", ["lab"])
    def test_steps_are_walked_and_opened(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Arrows, Enter and Escape; the notebook itself hears none of it."""
        page = begin(open_notebook, tmp_path, OPEN_GATE)
        page.run(3)
        view = run_in(page, 2)
        view.expect_state("paused")
        view.root.locator(".ff-lane-rows").focus()
        keyboard = page.page.keyboard

        keyboard.press("ArrowDown")
        expect(view.task("list_files")).to_be_focused()
        keyboard.press("ArrowDown")
        keyboard.press("Enter")
        expect(view.root).to_contain_text("12 / 12")
        expect(view.root.get_by_role("button", name="Fork from here")).to_be_visible()
        keyboard.press("Escape")
        expect(view.root.get_by_role("button", name="Fork from here")).to_have_count(0)

        view.form("approve").locator("input").focus()
        keyboard.type("dd")
        keyboard.press("Enter")
        view.expect_state("completed")
        expect(page.cell(3)).to_be_visible()


class TestLook:
    @pytest.mark.parametrize("app", ["lab"])
    def test_reads_well_in_each_state_and_theme(
        self, open_notebook: OpenNotebook, tmp_path: Path, pictures: Path
    ) -> None:
        """Axe finds nothing serious; pictures are kept to look at."""
        page = begin(open_notebook, tmp_path, OPEN_GATE)
        view = run_in(page, 2)
        found: dict[str, list[str]] = {}

        def look(state: str) -> None:
            for theme in _THEMES:
                page.set_theme(theme)
                view.root.scroll_into_view_if_needed()
                name = f"run-{state}-{theme.rpartition(' ')[2].lower()}"
                view.root.screenshot(path=pictures / f"{name}.png")
                found[name] = serious(page)

        view.expect_task("read_page", "running")
        look("running")
        page.run(3)
        view.expect_state("paused")
        look("paused")
        view.answer("approve", "too much")
        view.expect_state("failed")
        look("failed")
        page.run(2)
        view = run_in(page, 2)
        view.expect_state("paused")
        view.answer("approve", '{"approved": true}')
        view.expect_state("completed")
        look("completed")

        assert found == {name: [] for name in found}
        assert page.record.problems == []


class TestSaved:
    @pytest.mark.parametrize("app", ["lab"])
    def test_the_file_holds_a_picture_of_the_run(
        self, open_notebook: OpenNotebook, tmp_path: Path
    ) -> None:
        """Hidden while the live view is there; it has the steps and the question."""
        page = begin(open_notebook, tmp_path, OPEN_GATE)
        page.run(3)
        view = run_in(page, 2)
        view.expect_state("paused")
        saved = page.outputs(2).locator("[data-flexiflow-static]")
        expect(saved).to_have_attribute("data-status", "paused")
        expect(saved).to_be_hidden()

        page.save()

        cell = json.loads(page.path.read_text())["cells"][2]
        html = "".join(
            "".join(output.get("data", {}).get("text/html", ""))
            for output in cell["outputs"]
        )
        assert 'data-task="read_page" data-status="completed"' in html
        assert "asks for an answer" in html
