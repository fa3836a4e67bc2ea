"""The notebooks of the course run from top to bottom, without a browser."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebooks:
    """Each notebook in ``notebooks/``."""

    def test_runs_to_its_end(self, path, tmp_path, monkeypatch):
        """Every cell succeeds in a fresh kernel with no page attached."""
        monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook,
            timeout=60,
            kernel_name="python3",
            resources={"metadata": {"path": str(tmp_path)}},
            allow_errors=True,
        )

        client.execute()

        assert errors(notebook) == []

    def test_is_committed_without_errors(self, path):
        """A reader on the web never meets an error that was left behind."""
        assert errors(nbformat.read(path, as_version=4)) == []

    def test_is_valid(self, path):
        """The file is well formed, each cell with an id of its own."""
        nbformat.validate(nbformat.read(path, as_version=4))


def test_the_course_has_begun():
    """There is at least the quickstart."""
    assert [path.stem for path in NOTEBOOKS][:1] == ["01_quickstart"]
