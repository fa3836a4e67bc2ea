"""Files that define workflows: loaded as their neighbours would, remembered by name."""

import sys
import threading

import pytest

from flexiflow.workflows._source_file import load_workflows
from flexiflow.workflows.errors import WorkflowError, WorkflowNotFoundError
from flexiflow.workflows.registry import FileRegistry

FLOW = """\
from flexiflow.workflows import workflow

@workflow
async def greet(ctx):
    \"\"\"Greet somebody.

    And no more.
    \"\"\"
    return f"Hello, {ctx.input}"

@workflow.with_options(name="second")
async def other(ctx):
    return __name__
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for files, whose modules are forgotten at the end."""
    before = dict(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "flows").mkdir()
    yield tmp_path / "flows"
    for name in set(sys.modules) - set(before):
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def registry(tmp_path):
    """A registry in a home that does not exist yet."""
    return FileRegistry(tmp_path / "home")


def written(folder, text=FLOW, name="greetings.py"):
    """Return a file with a text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class TestLoad:
    def test_finds_what_the_file_defines(self, folder):
        """By the names of the workflows, in their order."""
        assert list(load_workflows(written(folder))) == ["greet", "second"]

    def test_module_has_the_name_of_its_file(self, folder):
        """So that stored classes are found by an import, too."""
        path = written(folder)
        found = load_workflows(path)

        assert found["greet"].func.__module__ == "greetings"
        assert sys.modules["greetings"].__file__ == str(path)

    def test_imports_its_neighbours(self, folder):
        """As a script does."""
        written(folder, "NAME = 'from the side'\n", "beside_flows.py")
        text = "from beside_flows import NAME\n" + FLOW.replace('"second"', "NAME")

        assert "from the side" in load_workflows(written(folder, text))

    def test_file_of_a_package_imports_relatively(self, folder):
        """The package is found from its folder upwards."""
        written(folder, "", "some_pkg/__init__.py")
        written(folder, "NAME = 'relative'\n", "some_pkg/names.py")
        text = "from .names import NAME\n" + FLOW.replace('"second"', "NAME")
        found = load_workflows(written(folder, text, "some_pkg/flows.py"))

        assert found["relative"].func.__module__ == "some_pkg.flows"

    @pytest.mark.parametrize("name", ["json.py", "my-flow.py", "pytest.py"])
    def test_any_name_of_a_file_will_do(self, folder, name):
        """The module of that name, if there is one, stays what it is."""
        before = sys.modules.get(name.removesuffix(".py"))
        found = load_workflows(written(folder, name=name))

        assert list(found) == ["greet", "second"]
        assert before is None or sys.modules[name.removesuffix(".py")] is before

    def test_is_run_once_until_it_changes(self, folder):
        """Then the new text counts."""
        path = written(folder)
        first = load_workflows(path)
        assert load_workflows(path)["greet"] is first["greet"]

        written(folder, FLOW.replace("greet(", "welcome("))
        assert list(load_workflows(path)) == ["welcome", "second"]

    def test_workflows_of_others_are_not_its_own(self, folder):
        """An import defines nothing."""
        written(folder, name="origin_flows.py")
        path = written(folder, "from origin_flows import greet\n", "importer.py")

        with pytest.raises(WorkflowError, match="defines no workflow"):
            load_workflows(path)

    @pytest.mark.parametrize(
        ("text", "says", "line"),
        [
            ("def (:\n", "SyntaxError", "line=1"),
            ("x = 1\n\nraise OSError('no net')\n", "OSError: no net", "line=3"),
            ("import sys\nsys.exit(3)\n", "SystemExit: 3", "line=2"),
            ("import no_such_thing\n", "no_such_thing", "line=1"),
        ],
    )
    def test_broken_file_is_an_error_with_its_line(self, folder, text, says, line):
        """Nothing of it stays loaded."""
        path = written(folder, text, "broken_flows.py")

        with pytest.raises(WorkflowError, match="cannot be loaded") as caught:
            load_workflows(path)
        assert says in str(caught.value)
        assert line in str(caught.value)
        assert "broken_flows" not in sys.modules

    def test_missing_file_is_an_error(self, folder):
        """And so is what is no Python."""
        with pytest.raises(WorkflowError, match="cannot be read"):
            load_workflows(folder / "nothing.py")
        with pytest.raises(WorkflowError, match="no Python file"):
            load_workflows(written(folder, name="flow.txt"))


class TestFileRegistry:
    def test_remembers_name_file_and_description(self, registry, folder):
        """Whatever the path was typed like."""
        path = written(folder)
        first, second = registry.register(folder / ".." / "flows" / "greetings.py")

        assert (first.name, first.version, first.path) == ("greet", 1, path)
        assert (first.description, second.description) == ("Greet somebody.", "")
        assert registry.all() == [first, second]

    def test_another_registry_of_the_home_finds_it(self, registry, folder, tmp_path):
        """As another process does."""
        registry.register(written(folder))

        found = FileRegistry(tmp_path / "home").load("greet")

        assert found.name == "greet"

    def test_version_grows_with_the_content(self, registry, folder):
        """Registering the same again changes nothing."""
        path = written(folder)
        registry.register(path)
        registry.register(path)
        path.write_text(FLOW + "# changed\n", encoding="utf-8")
        registry.register(path)

        assert [item.version for item in registry.versions("greet")] == [2, 1]
        assert registry.all()[0].version == 2

    def test_changed_file_is_loaded_as_it_is_now(self, registry, folder):
        """And gets a version of its own."""
        path = written(folder)
        registry.register(path)
        path.write_text(FLOW.replace("Hello", "Good day"), encoding="utf-8")
        found = registry.load("greet")

        assert "Good day" in found.func.__code__.co_consts[1]
        assert registry.versions("greet")[0].version == 2

    def test_unknown_name_lists_the_nearest(self, registry, folder):
        """And says how to register a file."""
        registry.register(written(folder))

        with pytest.raises(WorkflowNotFoundError, match=r"nearest .*: greet") as caught:
            registry.load("gret")
        assert "workflow register" in caught.value.fix

    def test_asking_makes_nothing(self, registry, tmp_path):
        """A home appears with the first file, not before."""
        assert registry.all() == []
        with pytest.raises(WorkflowNotFoundError, match="Nothing has been registered"):
            registry.versions("greet")
        assert list(tmp_path.iterdir()) == []

    def test_workflow_that_left_its_file_is_an_error(self, registry, folder):
        """With what the file defines instead."""
        path = written(folder)
        registry.register(path)
        path.write_text(FLOW.replace("greet(", "welcome("), encoding="utf-8")

        with pytest.raises(WorkflowError, match="does not define 'greet' any more"):
            registry.load("greet")

    def test_nothing_of_a_broken_file_is_remembered(self, registry, folder):
        """It is loaded first."""
        with pytest.raises(WorkflowError):
            registry.register(written(folder, "1/0\n"))
        assert registry.all() == []

    def test_damaged_list_is_an_error(self, registry, tmp_path):
        """Never a trace of the database's own."""
        (tmp_path / "home").mkdir()
        (tmp_path / "home/workflows.db").write_bytes(b"not a database" * 100)

        with pytest.raises(WorkflowError, match="cannot be read or written"):
            registry.all()

    def test_home_that_cannot_be_made_is_an_error(self, folder, tmp_path):
        """In words, not the system's own."""
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(WorkflowError, match="cannot be read or written"):
            FileRegistry(tmp_path / "file" / "home").register(written(folder))

    def test_many_register_at_once(self, registry, folder):
        """None is lost."""
        paths = [
            written(folder, FLOW.replace("greet(", f"greet_{i}("), f"flows_{i}.py")
            for i in range(4)
        ]
        threads = [threading.Thread(target=registry.register, args=(p,)) for p in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        names = [item.name for item in registry.all()]
        assert names == ["greet_0", "greet_1", "greet_2", "greet_3", "second"]
