"""What the documents show is what happens."""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import flexiflow

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    """Return the documents that hold Python to be run."""
    found = [*ROOT.glob("*.md"), *(ROOT / "flexiflow").rglob("*.md")]
    return [path for path in sorted(found) if FENCE.search(path.read_text("utf-8"))]


def modules() -> list[str]:
    """Return all modules of the core whose docstrings may hold examples."""
    walked = pkgutil.walk_packages(flexiflow.__path__, "flexiflow.")
    return [found.name for found in walked if not found.name.endswith("__main__")]


async def run_blocks(path: Path, text: str) -> None:
    """Run the blocks of one document in order, in one namespace, in one loop."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in FENCE.finditer(text):
        line = text[: block.start(1)].count("\n")
        code = compile(
            "\n" * line + block[1],
            str(path),
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        # The documents are the project's own: they are run as a reader would.
        result = eval(code, namespace)  # noqa: S307
        if inspect.isawaitable(result):
            await result


class TestDocuments:
    """Markdown files at the top and in the package."""

    @pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
    def test_python_blocks_run(self, path, tmp_path, monkeypatch):
        """Each Python block runs, after those above it, in an empty folder."""
        monkeypatch.chdir(tmp_path)

        asyncio.run(run_blocks(path, path.read_text("utf-8")))

    def test_readme_begins_with_the_install_line(self):
        """The first command a reader sees installs all that the main job needs."""
        readme = (ROOT / "README.md").read_text("utf-8")
        first = re.search(r"^```\w*\n(.*)$", readme, re.MULTILINE)

        assert first is not None
        assert first[1] == 'pip install "flexiflow[jupyter]"'

    def test_links_between_documents_lead_somewhere(self):
        """A relative link in a document names a file of the project."""
        broken = [
            f"{path.name}: {target}"
            for path in ROOT.glob("*.md")
            for target in LINK.findall(path.read_text("utf-8"))
            if not (ROOT / target).exists()
        ]

        assert broken == []


class TestDocstrings:
    """Examples in docstrings."""

    @pytest.mark.parametrize("name", modules())
    def test_examples_are_true(self, name, tmp_path, monkeypatch):
        """Each example gives what it shows."""
        monkeypatch.chdir(tmp_path)

        result = doctest.testmod(
            importlib.import_module(name), optionflags=doctest.ELLIPSIS
        )

        assert result.failed == 0
