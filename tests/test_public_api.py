"""The names that FlexiFlow gives away, and what it costs to import them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

import flexiflow

ROOT = Path(__file__).resolve().parent.parent

PUBLISHED_IN_1_0 = {
    "AsyncComponent",
    "ComponentConfig",
    "ConfigError",
    "ConfigExplanation",
    "ConfigLoader",
    "DEFAULT_REGISTRY",
    "Diagnostic",
    "FlexiFlowEngine",
    "FlexiFlowError",
    "ImportError_",
    "PersistenceError",
    "State",
    "StateError",
    "StateMachine",
    "StatePack",
    "StateRegistry",
    "StateSpec",
    "TransitionSpec",
    "explain",
    "visualize",
}

NOT_ON_IMPORT = {
    "IPython",
    "anywidget",
    "argparse",
    "fastapi",
    "flexiflow_jupyter",
    "graphviz",
    "hypothesis",
    "ipywidgets",
    "sqlite3",
    "tomllib",
    "traitlets",
    "watchfiles",
    "yaml",
}
"""Modules that ``import flexiflow`` must leave alone."""


def public_modules() -> list[str]:
    """Return the dotted names of the modules that users import."""
    names = []
    for package in ("flexiflow", "flexiflow_jupyter"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "frontend" in parts or parts[-1] == "__main__":
                continue
            if parts[-1] == "__init__":
                parts = parts[:-1]
            if not any(part.startswith("_") for part in parts):
                names.append(".".join(parts))
    return names


def defined_names(name: str) -> set[str]:
    """Return the public names that a module defines or, as a package, re-exports."""
    path = ROOT.joinpath(*name.split("."))
    is_package = path.is_dir()
    source = path / "__init__.py" if is_package else path.with_suffix(".py")
    names: set[str] = set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found):
                names.add(found)
            case ast.ClassDef(name=found):
                names.add(found)
            case ast.Assign(targets=targets):
                names |= {item.id for item in targets if isinstance(item, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=found)):
                names.add(found)
            case ast.ImportFrom(level=level) if is_package and level > 0:
                names |= {alias.asname or alias.name for alias in node.names}
            case _:
                pass
    return {found for found in names if not found.startswith("_")}


def reading_order(name: str) -> tuple[int, list[str | int]]:
    """Return the sort key of ``__all__``: constants, classes, functions."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    parts = re.split(r"(\d+)", name)
    return kind, [int(part) if part.isdigit() else part for part in parts]


class TestModules:
    """Each public module says exactly what it gives away."""

    @pytest.mark.parametrize("name", public_modules())
    def test_all_is_exact(self, name):
        """``__all__`` names what the module defines, and no more."""
        module = importlib.import_module(name)
        defined = {
            item
            for item in defined_names(name)
            if not isinstance(getattr(module, item), TypeVar | ParamSpec)
        }

        assert defined - set(module.__all__) == set()
        assert [item for item in module.__all__ if not hasattr(module, item)] == []

    @pytest.mark.parametrize("name", public_modules())
    def test_all_is_sorted(self, name):
        """``__all__`` lists constants, classes and functions, each by name."""
        exported = list(importlib.import_module(name).__all__)

        assert exported == sorted(set(exported), key=reading_order)

    @pytest.mark.parametrize("name", public_modules())
    def test_module_and_its_names_have_docstrings(self, name):
        """Each public module, class and function says what it is for."""
        module = importlib.import_module(name)
        exported = {item: getattr(module, item) for item in module.__all__}
        silent = [
            item
            for item, value in exported.items()
            if (inspect.isclass(value) or inspect.isroutine(value))
            and not value.__doc__
        ]

        assert module.__doc__
        assert silent == []


class TestFacade:
    """``from flexiflow import ...``."""

    def test_exports_all_of_1_0(self):
        """Programs written for 1.0 find each name where it was."""
        assert set(flexiflow.__all__) >= PUBLISHED_IN_1_0

    def test_explain_and_visualize_are_functions(self):
        """The functions win over the modules of the same name, in any order."""
        code = (
            "import flexiflow, flexiflow.explain, flexiflow.visualize\n"
            "from flexiflow import explain, visualize\n"
            "assert callable(explain) and callable(visualize)\n"
            "assert callable(flexiflow.explain) and callable(flexiflow.visualize)\n"
        )

        subprocess.run([sys.executable, "-c", code], check=True)

    def test_lists_its_lazy_names(self):
        """``dir(flexiflow)`` shows what has not been loaded yet."""
        assert set(flexiflow.__all__) <= set(dir(flexiflow))

    def test_unknown_name_is_an_attribute_error(self):
        """A name that does not exist fails as in any module."""
        with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
            _ = flexiflow.Nothing

    def test_names_are_those_of_their_homes(self):
        """A lazy name is the object of its own module, not a copy."""
        from_home = importlib.import_module("flexiflow.errors").FlexiFlowError

        assert flexiflow.FlexiFlowError is from_home

    def test_type_checkers_see_the_same_names(self):
        """What is imported for types and what is loaded late are the same names."""
        tree = ast.parse((ROOT / "flexiflow/__init__.py").read_text(encoding="utf-8"))
        typed = {
            (alias.asname or alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level == 1
            for alias in node.names
        }

        assert typed == set(flexiflow.__all__)


class TestImportCost:
    """Importing must be cheap and quiet."""

    def test_import_leaves_heavy_modules_alone(self):
        """No YAML, no database, no notebook before somebody needs them."""
        code = "import sys, flexiflow; print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert NOT_ON_IMPORT & set(done.stdout.split()) == set()

    def test_import_starts_no_thread(self):
        """A library that was only imported does nothing."""
        code = "import threading, flexiflow; print(threading.active_count())"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout.strip() == "1"


class TestPackaging:
    """What stands beside the modules."""

    @pytest.mark.parametrize("package", ["flexiflow", "flexiflow_jupyter"])
    def test_packages_are_typed(self, package):
        """Type checkers find the mark that the hints are meant for them."""
        assert (ROOT / package / "py.typed").is_file()

    def test_notices_hold_the_licenses_of_what_is_shipped(self):
        """The wheel carries Graphviz as WebAssembly, so it carries its licenses."""
        notices = (ROOT / "flexiflow_jupyter/THIRD_PARTY_NOTICES").read_text()

        assert "Apache License" in notices
        assert "Eclipse Public License - v 2.0" in notices
        assert "@hpcc-js/wasm-graphviz" in notices

    def test_version_is_a_version(self):
        """The version stands in one place and reads as one."""
        assert re.fullmatch(
            r"\d+\.\d+\.\d+([.]?(dev|a|b|rc)\d+)?", flexiflow.__version__
        )
