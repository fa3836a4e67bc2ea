"""Rules of ``module:Symbol`` look-ups."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flexiflow.errors import ImportError_
from flexiflow.imports import load_symbol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def make_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that writes an importable module; undone after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def make(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        made.append(name)
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)


class TestLoadSymbol:
    """What a dotted path may be, and how it fails."""

    def test_returns_the_object_the_module_holds(self):
        """A path gives the very object, of whatever kind."""
        assert load_symbol("sys:path") is sys.path

    def test_blanks_around_the_names_are_dropped(self):
        """Blanks around the colon do not matter."""
        assert load_symbol(" sys : path ") is sys.path

    @pytest.mark.parametrize(
        "path",
        ["sys.path", ":path", "sys:", "", "a b:c", "sys:path:x", "sys:a.b", "../x:y"],
    )
    def test_other_forms_are_refused(self, path: str):
        """Anything that is not two Python names around a colon is refused as such."""
        with pytest.raises(ImportError_, match="Invalid dotted path"):
            load_symbol(path)

    def test_missing_module_is_named(self):
        """A module that does not exist is named in the error."""
        with pytest.raises(ImportError_, match="Module not found"):
            load_symbol("no_such_thing.x:Y")

    def test_missing_module_lists_near_misses(
        self, make_module: Callable[[str, str], str]
    ):
        """A module beside it with nearly the same name is offered."""
        make_module("ff_states_of_doors", "X = 1\n")

        with pytest.raises(ImportError_) as caught:
            load_symbol("ff_state_of_doors:X")

        assert caught.value.context["nearest"] == ["ff_states_of_doors"]
        assert "Did you mean ff_states_of_doors?" in str(caught.value.fix)

    def test_missing_symbol_lists_near_misses_first(
        self, make_module: Callable[[str, str], str]
    ):
        """The likeliest name of the module is offered first; private ones are not."""
        make_module("ff_near", "Alpha = 1\nProcessing = 2\n_Procesing = 3\n")

        with pytest.raises(ImportError_) as caught:
            load_symbol("ff_near:Procesing")

        assert caught.value.context["nearest"] == ["Processing", "Alpha"]
        assert "Processing, Alpha" in str(caught.value.fix)

    def test_module_that_raises_keeps_its_error_as_the_cause(
        self, make_module: Callable[[str, str], str]
    ):
        """An error while the module runs is told apart from a missing module."""
        make_module("ff_boom", "raise RuntimeError('boom')\n")

        with pytest.raises(ImportError_, match="could not be imported") as caught:
            load_symbol("ff_boom:X")

        assert isinstance(caught.value.__cause__, RuntimeError)
        assert "boom" in str(caught.value.why)

    def test_module_that_exits_is_an_error_too(
        self, make_module: Callable[[str, str], str]
    ):
        """A module that calls ``sys.exit`` does not end the program."""
        make_module("ff_exit", "import sys\nsys.exit(3)\n")

        with pytest.raises(ImportError_, match="could not be imported"):
            load_symbol("ff_exit:X")

    def test_module_that_lacks_a_dependency_names_it(
        self, make_module: Callable[[str, str], str]
    ):
        """The missing dependency is named, not only the module that needs it."""
        make_module("ff_needy", "import ff_no_such_dependency\n")

        with pytest.raises(ImportError_) as caught:
            load_symbol("ff_needy:X")

        assert "ff_no_such_dependency" in str(caught.value.why)

    def test_module_written_after_a_miss_is_found(
        self, make_module: Callable[[str, str], str]
    ):
        """A miss is not remembered: the file may have been written since."""
        with pytest.raises(ImportError_):
            load_symbol("ff_late:X")
        make_module("ff_late", "X = 7\n")

        assert load_symbol("ff_late:X") == 7
