"""Rules of reading a module's names without running it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flexiflow._source import SourceReader
from flexiflow.errors import FlexiFlowError, ImportError_

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an importable folder."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(folder: Path, path: str, text: str) -> None:
    """Write a module that ends the test run when it is imported after all."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\nimport os\nos._exit(9)\n", encoding="utf-8")


class TestSourceReader:
    """What can be told without running, and what cannot."""

    def test_class_is_found_without_running_the_module(self, folder: Path):
        """A definition is found; the module stays unimported."""
        write(folder, "ffs_plain.py", "class Idle: ...")

        found = SourceReader().find("ffs_plain:Idle")

        assert found is not None
        assert found.node is not None
        assert "ffs_plain" not in sys.modules

    def test_module_in_a_package_does_not_import_the_package(self, folder: Path):
        """Parents of a module are read, not imported."""
        write(folder, "ffs_pkg/__init__.py", "")
        write(folder, "ffs_pkg/deep.py", "X = 1")

        assert SourceReader().find("ffs_pkg.deep:X") is not None
        assert "ffs_pkg" not in sys.modules

    def test_missing_names_raise_what_importing_would(self, folder: Path):
        """Missing modules and symbols are certain errors with near misses."""
        write(folder, "ffs_names.py", "class Processing: ...")
        reader = SourceReader()

        with pytest.raises(ImportError_, match="Module not found"):
            reader.find("ffs_nowhere:X")
        with pytest.raises(ImportError_, match="Symbol 'Procesing'") as caught:
            reader.find("ffs_names:Procesing")
        assert "Processing" in str(caught.value.fix)

    @pytest.mark.parametrize(
        "text",
        ["def broken(:", "raise ValueError", "1/0", "import ffs_absent_dependency"],
    )
    def test_module_that_certainly_fails_is_an_error(self, folder: Path, text: str):
        """A syntax error, a bare raise and a missing import are seen in the source."""
        write(folder, "ffs_broken.py", f"X = 1\n{text}")

        with pytest.raises(ImportError_):
            SourceReader().find("ffs_broken:X")

    @pytest.mark.parametrize(
        "text",
        [
            "from os.path import *",
            "globals()['X'] = 1",
            "try:\n    X = 1\nexcept Exception:\n    pass",
            "def __getattr__(name): return 1",
        ],
    )
    def test_names_made_in_other_ways_are_left_open(self, folder: Path, text: str):
        """What reading cannot decide is answered with None, not with no."""
        write(folder, "ffs_tricky.py", text)

        assert SourceReader().find("ffs_tricky:X") is None

    def test_reexport_is_followed(self, folder: Path):
        """A name that a package re-exports leads to its definition."""
        write(folder, "ffs_re/__init__.py", "from .inner import Thing as Other")
        write(folder, "ffs_re/inner.py", "class Thing: ...")

        found = SourceReader().find("ffs_re:Other")

        assert found is not None
        assert found.module is not None
        assert found.module.name == "ffs_re.inner"

    def test_names_that_lead_in_circles_are_left_open(self, folder: Path):
        """Aliases and re-exports of each other end without an answer."""
        write(folder, "ffs_circle.py", "from ffs_other import X\na = b\nb = a")
        write(folder, "ffs_other.py", "from ffs_circle import X")

        assert SourceReader().find("ffs_circle:X") is None
        assert SourceReader().find("ffs_circle:a") is None

    @pytest.mark.parametrize(
        ("text", "answer"),
        [
            (
                "from flexiflow.errors import FlexiFlowError as E\nclass X(E): ...",
                True,
            ),
            (
                "import flexiflow.errors as e\nclass Y(e.StateError): 1\nclass X(Y): 1",
                True,
            ),
            ("class X: ...", False),
            ("class X(dict): ...", False),
            ("class X(make()): ...", None),
            ("X = 5", False),
            ("def X(): ...", False),
            ("def make(): ...\nX = make()", None),
            ("import abc\nclass X(metaclass=abc.ABCMeta): ...", None),
        ],
    )
    def test_subclass_is_told_from_the_bases(
        self, folder: Path, text: str, *, answer: bool | None
    ):
        """Bases are followed through imports; what cannot be followed is open."""
        write(folder, "ffs_bases.py", text)
        reader = SourceReader()
        found = reader.find("ffs_bases:X")

        assert found is not None
        assert reader.is_subclass(found, FlexiFlowError) is answer
