"""The build: the front end's bundle, the wheel and the source distribution."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FRONT_END = ROOT / "flexiflow_jupyter" / "frontend"
VIEWS = ("panel", "graph", "messages", "context", "events", "exercise")

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def hook(tmp_path):
    """The build hook, at work on a copy of the front end without node_modules."""
    copy = tmp_path / "flexiflow_jupyter" / "frontend"
    shutil.copytree(
        FRONT_END, copy, ignore=shutil.ignore_patterns("node_modules", ".tests")
    )
    spec = importlib.util.spec_from_file_location("hook", copy / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hook"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["hook"]


def write_bundle(hook):
    """Write a bundle that the hook takes for its own work."""
    hook.STATIC.mkdir()
    (hook.STATIC / "panel.js").write_text("export default {}")
    manifest = {"sources": hook.source_hash(), "files": hook._bundle_hashes()}  # noqa: SLF001
    (hook.STATIC / hook.MANIFEST).write_text(json.dumps(manifest))


class TestFreshness:
    """A bundle is built when it has to be, and only then."""

    def test_missing_bundle_is_not_fresh(self, hook):
        """A new clone has to build."""
        assert not hook.is_fresh()

    def test_whole_bundle_of_these_sources_is_fresh(self, hook):
        """What was built from the present sources is used as it is."""
        write_bundle(hook)

        assert hook.is_fresh()
        assert hook.ensure_bundle() is False

    def test_changed_source_makes_it_stale(self, hook):
        """One more byte in one source asks for another build."""
        write_bundle(hook)
        with (hook.FRONT_END / "package.json").open("a") as source:
            source.write(" ")

        assert not hook.is_fresh()

    def test_new_source_makes_it_stale(self, hook):
        """A file that is new is a change as well."""
        write_bundle(hook)
        (hook.FRONT_END / "src" / "another.ts").write_text("export {}")

        assert not hook.is_fresh()

    def test_damaged_bundle_is_not_fresh(self, hook):
        """A file of the bundle that was changed by hand is built anew."""
        write_bundle(hook)
        (hook.STATIC / "panel.js").write_text("")

        assert not hook.is_fresh()


class TestNode:
    """Where Node comes from."""

    def test_fresh_bundle_asks_for_nothing(self, hook, monkeypatch):
        """With a fresh bundle a machine without Node installs as it is."""
        monkeypatch.setenv("PATH", "")
        write_bundle(hook)

        assert hook.FrontEndHook.dependencies(None) == []

    def test_missing_node_is_asked_for(self, hook, monkeypatch):
        """Without Node on PATH the build asks for it as a dependency."""
        monkeypatch.setenv("PATH", "")

        assert hook.FrontEndHook.dependencies(None) == [hook.NODE_WHEEL]

    def test_no_node_at_all_says_what_to_do(self, hook, monkeypatch):
        """Without any Node the build ends with what, why and fix."""
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(hook, "_node_of_wheel", lambda: None)

        with pytest.raises(SystemExit, match=r"What: .*no Node[\s\S]*Fix: .*pip"):
            hook.ensure_bundle()

    def test_failing_step_shows_what_it_said(self, hook, monkeypatch):
        """When npm or esbuild fails, its own words are part of the error."""
        node = hook._Node(sys.executable, (sys.executable, "-uc", "print('oh'); 1/0"))  # noqa: SLF001
        monkeypatch.setattr(hook, "_find_node", lambda: node)

        with pytest.raises(SystemExit, match=r"npm ci[\s\S]*oh[\s\S]*Zero[\s\S]*Fix:"):
            hook.ensure_bundle()


class TestLock:
    """The lock file of the front end."""

    def test_names_no_registry(self):
        """Which registry to ask is a setting of the machine, not of the project."""
        lock = (FRONT_END / "package-lock.json").read_text("utf-8")

        assert "://" not in lock

    def test_proves_what_it_installs(self):
        """Each package is known by the hash of its content."""
        lock = json.loads((FRONT_END / "package-lock.json").read_text("utf-8"))
        unproven = [
            name
            for name, entry in lock["packages"].items()
            if name and "integrity" not in entry
        ]

        assert unproven == []


def build(target: str, folder: Path) -> Path:
    """Build a distribution of the project and return its file."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in the wheel."""
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The names of the files in the sdist, below its one folder."""
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


class TestWheel:
    """What a user installs."""

    def test_holds_the_bundle(self, wheel):
        """Each view and the layout engine are there, ready for the page."""
        wanted = {f"flexiflow_jupyter/static/{view}.js" for view in VIEWS}

        assert wanted <= wheel
        assert "flexiflow_jupyter/static/graphviz.js" in wheel
        assert "flexiflow_jupyter/static/flexiflow.css" in wheel
        assert "flexiflow_jupyter/static/exercise.css" in wheel

    def test_holds_the_exercises(self, wheel):
        """A lesson that was copied elsewhere finds its hidden scenarios."""
        folder = ROOT / "flexiflow_jupyter" / "exercises" / "course"
        sheets = {path.relative_to(ROOT).as_posix() for path in folder.iterdir()}

        assert sheets
        assert sheets <= wheel

    def test_holds_the_notices(self, wheel):
        """The licenses travel with what they are about."""
        assert "flexiflow_jupyter/THIRD_PARTY_NOTICES" in wheel

    def test_holds_both_packages_typed(self, wheel):
        """Both packages come with their marks for type checkers."""
        assert {"flexiflow/py.typed", "flexiflow_jupyter/py.typed"} <= wheel

    def test_holds_nothing_else(self, wheel):
        """No source of the bundle, no test, no node_modules."""
        tops = {name.split("/")[0] for name in wheel if ".dist-info" not in name}

        data = {name for name in tops if name.endswith(".data")}
        assert tops - data == {"flexiflow", "flexiflow_jupyter"}
        assert [name for name in wheel if "/frontend/" in name] == []

    def test_installs_the_labextension(self, wheel):
        """JupyterLab and Notebook find the extension where they look for it."""
        place = "/data/share/jupyter/labextensions/flexiflow-jupyter/"
        files = {name.split(place)[1] for name in wheel if place in name}

        assert {"package.json", "install.json", "static/graphviz.js"} <= files
        assert any(name.startswith("static/remoteEntry.") for name in files)


class TestSourceDistribution:
    """What a packager builds from."""

    def test_holds_the_front_end_with_its_bundle(self, sdist):
        """It installs without Node, and can be built anew with it."""
        assert "flexiflow_jupyter/static/panel.js" in sdist
        assert "flexiflow_jupyter/static/manifest.json" in sdist
        assert "flexiflow_jupyter/frontend/package-lock.json" in sdist
        assert "flexiflow_jupyter/frontend/hatch_build.py" in sdist

    def test_holds_no_installed_packages(self, sdist):
        """node_modules is not part of the project."""
        assert [name for name in sdist if "node_modules" in name] == []
