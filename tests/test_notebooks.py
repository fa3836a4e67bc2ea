"""The notebooks of the course run from top to bottom, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from flexiflow_jupyter.exercises.sheets import sheet_names
from tests.notebook_solutions import SOLUTIONS

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.timeout(180),
    # Jupyter's own warnings are not ours to mend.
    pytest.mark.filterwarnings("ignore"),
]


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the error outputs of a notebook, each as one line."""
    return [
        f"cell {number}: {output.ename}: {output.evalue}"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]


def verdicts(cell: nbformat.NotebookNode) -> list[str]:
    """Return the last line of each exercise that a cell shows."""
    shown = [
        output.get("data", {}).get("text/plain", "")
        for output in cell.get("outputs", [])
    ]
    return [text.splitlines()[-1] for text in shown if text.startswith("Exercise: ")]


def execute(notebook: nbformat.NotebookNode, folder: Path) -> dict[str, bool]:
    """Run all cells in a fresh kernel, also those after one that fails.

    Returns whether each exercise was solved when its cell had run, by the cell's id.
    """
    solved = {}

    def note(cell: nbformat.NotebookNode, **_: object) -> None:
        for verdict in verdicts(cell):
            solved[cell.id] = verdict.startswith("Well done")

    NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        allow_errors=True,
        on_cell_executed=note,
    ).execute()
    return solved


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Keep what Jupyter writes apart from what it finds on this machine."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebooks:
    """Each notebook in ``notebooks/``."""

    def test_runs_to_its_end_and_its_exercises_can_be_solved(self, path, tmp_path):
        """Every cell succeeds in a fresh kernel with no page attached.

        No exercise is solved at first: the student has not begun. Then one who knows
        the answers runs the cells again; a card above a machine has seen it already.
        """
        notebook = nbformat.read(path, as_version=4)
        solutions = SOLUTIONS.get(path.stem, {})
        tasks = {cell.id: cell for cell in notebook.cells if cell.id in solutions}
        checks = [cell for cell in notebook.cells if cell.id.startswith("check-")]
        for name, source in solutions.items():
            tasks[name] = nbformat.v4.new_code_cell(source.rstrip("\n"))
        notebook.cells += tasks.values()
        for cell in checks:
            again = nbformat.v4.new_code_cell(cell.source, id=f"again-{cell.id}")
            notebook.cells.append(again)

        found = execute(notebook, tmp_path)

        assert errors(notebook) == []
        assert sorted(name for name in found if found[name]) == sorted(
            f"again-{cell.id}" for cell in checks
        )
        assert len(found) == 2 * len(solutions)
        followed = [cell for cell in checks if "await" not in cell.source]
        last = [verdict for cell in followed for verdict in verdicts(cell)]
        assert [line for line in last if not line.startswith("Well done")] == []

    def test_is_committed_without_errors(self, path):
        """A reader on the web never meets an error that was left behind."""
        assert errors(nbformat.read(path, as_version=4)) == []

    def test_is_committed_with_its_exercises_open(self, path):
        """A reader on the web sees each task, and that it is not solved yet."""
        cells = nbformat.read(path, as_version=4).cells
        checks = [cell for cell in cells if cell.id.startswith("check-")]
        said = [verdict for cell in checks for verdict in verdicts(cell)]

        assert [line for line in said if not line.startswith("Not yet")] == []
        assert len(said) == len(checks)

    def test_is_valid(self, path):
        """The file is well formed, each cell with an id of its own."""
        nbformat.validate(nbformat.read(path, as_version=4))


class TestCourse:
    """The notebooks together."""

    def test_begins_with_the_quickstart(self):
        """It is what ``make lab`` opens."""
        assert [path.stem for path in NOTEBOOKS][:1] == ["01_quickstart"]

    def test_each_exercise_stands_in_a_lesson(self):
        """No sheet is left over, and none is asked for twice."""
        asked = [
            name
            for path in NOTEBOOKS
            for cell in nbformat.read(path, as_version=4).cells
            for name in re.findall(r'exercise\("([a-z-]+)"\)', cell.source)
        ]

        assert sorted(asked) == sheet_names()

    def test_links_lead_somewhere(self):
        """A lesson names other lessons, and files of the examples."""
        broken = [
            f"{path.stem}: {target}"
            for path in NOTEBOOKS
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "markdown"
            for target in re.findall(r"\]\(([^)#:]+)\)", cell.source)
            if not (path.parent / target).exists()
        ]

        assert broken == []
