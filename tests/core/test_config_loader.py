"""Rules of loading configs: what they give, and how they fail."""

from __future__ import annotations

import pickle
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.config_loader import ComponentConfig, ConfigLoader
from flexiflow.diagnostics import ChartError
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ConfigError, ImportError_, StateError
from flexiflow.state_machine import (
    DEFAULT_REGISTRY,
    State,
    StateMachine,
    StateRegistry,
)
from flexiflow.statepack import StateSpec

if TYPE_CHECKING:
    from pathlib import Path

STATES = """
from flexiflow.state_machine import State

class Idle(State):
    async def handle_message(self, message, component):
        return (True, Busy()) if message["type"] == "go" else (False, self)

class Busy(State):
    async def handle_message(self, message, component):
        return (True, Idle()) if message["type"] == "done" else (False, self)
"""


@pytest.fixture
def registry():
    """Put the default registry back as it was."""
    before = {name: DEFAULT_REGISTRY.get(name) for name in DEFAULT_REGISTRY.names()}
    yield DEFAULT_REGISTRY
    for name in DEFAULT_REGISTRY.names():
        DEFAULT_REGISTRY.unregister(name)
    for name, cls in before.items():
        DEFAULT_REGISTRY.register(name, cls)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return an importable folder with two modules of the same two states."""
    for name in ("ffl_one", "ffl_two"):
        (tmp_path / f"{name}.py").write_text(STATES, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("ffl_one", "ffl_two"):
        sys.modules.pop(name, None)


def write(folder: Path, text: str) -> Path:
    """Write a config."""
    path = folder / "config.yaml"
    path.write_text(textwrap.dedent(text), "utf-8")
    return path


class TestLoad:
    """What a good config gives."""

    def test_defaults(self):
        """A name is enough: no rules, the built-in machine."""
        config = ConfigLoader.load_component_config({"name": "a"})

        assert (config.name, config.rules, config.initial_state) == (
            "a",
            [],
            "InitialState",
        )
        assert config.make_machine().state_name == "InitialState"

    def test_positional_fields_are_those_of_1_0(self):
        """Programs make configs of name, rules and initial state."""
        config = ComponentConfig("a", [{"x": 1}], "ErrorHandling")

        assert config.make_component().state == "ErrorHandling"

    def test_keys_are_the_registry_names(self, folder: Path, registry):
        """A state is found and shown under its key, whatever its class is called."""
        path = write(
            folder, "name: a\nstates: {Ready: 'ffl_one:Idle'}\ninitial_state: Ready"
        )

        config = ConfigLoader.load_component_config(path)

        assert config.initial_state == "Ready"
        assert config.make_machine().state_name == "Ready"
        assert type(config.registry.create("Ready")).__name__ == "Idle"

    def test_dotted_initial_state_is_known_by_its_key(self, folder: Path, registry):
        """A class that ``states`` lists goes by that name, another by its own."""
        states = {"Ready": "ffl_one:Idle"}
        listed = {"name": "a", "states": states, "initial_state": "ffl_one:Idle"}
        other = {"name": "a", "states": states, "initial_state": "ffl_one:Busy"}

        assert ConfigLoader.load_component_config(listed).initial_state == "Ready"
        assert ConfigLoader.load_component_config(other).initial_state == "Busy"

    def test_configs_with_the_same_names_do_not_meet(self, folder: Path, registry):
        """Each config keeps to its own classes, in whatever order they are loaded."""
        first, second, again = (
            ConfigLoader.load_component_config(
                {"name": "a", "states": {"Idle": f"{m}:Idle"}, "initial_state": "Idle"}
            )
            for m in ("ffl_one", "ffl_two", "ffl_one")
        )

        modules = [
            type(c.make_machine().current_state).__module__
            for c in (first, second, again)
        ]
        assert modules == ["ffl_one", "ffl_two", "ffl_one"]

    def test_default_registry_learns_key_and_class(self, folder: Path, registry):
        """As in 1.0, names work without an engine; the last wins, with a warning."""
        data = {"name": "a", "states": {"Ready": "ffl_one:Idle"}}
        first = ConfigLoader.load_component_config(data)
        again = ConfigLoader.load_component_config(data)
        data = {"name": "a", "states": {"Ready": "ffl_two:Idle"}}
        second = ConfigLoader.load_component_config(data)

        assert (
            type(StateMachine.from_name("Idle").current_state).__module__ == "ffl_two"
        )
        assert [len(c.warnings) for c in (first, again, second)] == [0, 0, 2]
        assert "ffl_one:Idle" in str(second.warnings[0].why)

    def test_engine_leaves_the_default_registry_alone(self, folder: Path, registry):
        """A component of an engine finds its states, and nobody else does."""
        before = registry.names()
        engine = FlexiFlowEngine()

        component = engine.create_component(
            {"name": "a", "states": {"R": "ffl_one:Idle"}, "initial_state": "R"}
        )

        assert component.state == "R"
        assert registry.names() == before

    def test_engine_has_a_registry_of_its_own(self, registry):
        """States that only the engine knows may be named; builtins stay known."""

        class Own(State):
            """A state of one engine."""

        own = StateRegistry()
        own.register("Mine", Own)
        engine = FlexiFlowEngine(registry=own)
        mine = engine.create_component({"name": "a", "initial_state": "Mine"})
        plain = engine.create_component({"name": "b"})

        assert (mine.state, plain.state) == ("Mine", "InitialState")
        with pytest.raises(StateError):
            FlexiFlowEngine().create_component({"name": "a", "initial_state": "Mine"})

    def test_resolution_order_of_a_name_that_both_have(self, folder: Path, registry):
        """Who is asked first provides the initial state."""
        data = {"name": "a", "states": {"InitialState": "ffl_one:Idle"}}
        own = ConfigLoader.load_component_config(data, register=False)
        data["initial_state_resolution"] = ["builtin", "packs"]
        builtin = ConfigLoader.load_component_config(data, register=False)

        assert type(own.make_machine().current_state).__module__ == "ffl_one"
        machine = builtin.make_machine()
        assert type(machine.current_state).__module__ == "flexiflow.state_machine"
        assert machine.state_name == "InitialState"

    def test_packs_bring_states(self, folder: Path, registry):
        """A pack may be given as an object; its states go by the names it gives."""

        class Own(State):
            pass

        class Pack:
            name = "own"

            def provides(self):
                return {"Mine": StateSpec(Own)}

            def transitions(self):
                return []

            def depends_on(self):
                return set()

        config = ConfigLoader.load_component_config(
            {"name": "a", "packs": [Pack()], "initial_state": "Mine"}
        )

        assert config.packs[0].name == "own"
        assert config.make_machine().state_name == "Mine"

    async def test_inline_states_make_a_chart(self):
        """Declared states run; each component has a context of its own."""
        config = ConfigLoader.load_component_text(
            "name: a\ncontext: {n: 0}\nstates:\n"
            "  x: {on: {go: {to: y, do: {add: {n: 1}}}}}\n  y:\n"
        )
        first, second = config.make_component(), config.make_component()
        await first.send("go")

        assert isinstance(config.make_machine(), ChartMachine)
        assert (first.state, first.context) == ("y", {"n": 1})
        assert (second.state, second.context) == ("x", {"n": 0})

    def test_initial_state_of_a_chart_is_its_path(self):
        """The first state, or the named one; all leaves when they are parallel."""
        texts = [
            "name: a\nstates: {x: {states: {deep: }}, y: }",
            "name: a\ninitial_state: y\nstates: {x: , y: }",
            "name: a\nparallel: {x: , y: {states: {deep: }}}",
        ]
        configs = [ConfigLoader.load_component_text(text) for text in texts]

        assert [c.initial_state for c in configs] == ["x", "y", "x,y.deep"]
        chart = configs[2].chart
        assert chart is not None
        assert ComponentConfig.from_chart(chart).initial_state == "x,y.deep"
        assert FlexiFlowEngine().create_component(chart).state == "x,y.deep"

    def test_rules_are_not_shared(self):
        """Components of one config change their rules apart from each other."""
        config = ConfigLoader.load_component_config(
            {"name": "a", "rules": [{"x": [1]}]}
        )
        first, second = config.make_component(), config.make_component()
        first.rules[0]["x"].append(2)

        assert second.rules == config.rules == [{"x": [1]}]

    def test_functions_that_may_come_later_are_warnings(self):
        """With a look-up, a missing function is worth a warning, not an error."""
        text = "name: a\nstates: {x: {on: {go: {do: beep}}}}"

        config = ConfigLoader.load_component_text(text, lookup=lambda _name: None)

        assert "beep" in config.warnings[0].what
        with pytest.raises(ChartError, match="beep"):
            ConfigLoader.load_component_text(text)

    def test_warnings_are_in_the_config(self):
        """What is no error is kept with its place."""
        config = ConfigLoader.load_component_text("name: a\ncontext: {x: 1}")

        (warning,) = config.warnings
        assert "no effect" in warning.what
        assert warning.place.line == 2


class TestErrors:
    """One error that lists everything, with places."""

    def test_all_problems_are_listed(self):
        """Several problems come together, in the order of the text."""
        with pytest.raises(ChartError) as caught:
            ConfigLoader.load_component_text(
                "name: 5\nrules: x\nstates: {a: b}\ninitial_state: Nowhere",
                source="cell [1]",
                first_line=10,
            )

        lines = [item.place.line for item in caught.value.errors]
        assert lines == [10, 11, 12, 13]
        assert caught.value.context["file"] == "cell [1]"

    @pytest.mark.parametrize(
        ("data", "kind", "words"),
        [
            ({"states": {"A": "ffl_none:A"}}, ImportError_, "Module not found"),
            ({"states": {"A": "os:path"}}, ImportError_, "Not a State subclass"),
            ({"initial_state": "Initial"}, StateError, "Unknown state: 'Initial'"),
            ({"states": ["a"]}, ConfigError, "wrong type"),
            ({"states": {"A": "os.path"}}, ConfigError, "Invalid dotted path"),
            ({"states": {5: "os:path"}}, ConfigError, "Invalid states entry"),
            ({"packs": ["os:path"]}, ConfigError, "Not a StatePack"),
        ],
    )
    def test_kinds_of_1_0(self, data: dict, kind: type[Exception], words: str):
        """Each problem is an error of the kind that programs of 1.0 catch."""
        with pytest.raises(kind, match=words) as caught:
            ConfigLoader.load_component_config({"name": "a", **data})

        assert isinstance(caught.value, ConfigError)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301

    def test_near_misses_come_first(self):
        """An unknown name lists what there is, likeliest first."""
        with pytest.raises(StateError) as caught:
            ConfigLoader.load_component_config(
                {"name": "a", "initial_state": "ErorHandling"}
            )

        assert caught.value.context["valid_states"][0] == "ErrorHandling"

    def test_missing_file_is_both_kinds_of_error(self, tmp_path: Path):
        """Programs may catch FileNotFoundError or ConfigError."""
        with pytest.raises(FileNotFoundError):
            ConfigLoader.load_component_config(tmp_path / "none.yaml")
        with pytest.raises(ConfigError, match="not found"):
            ConfigLoader.load_rules(tmp_path / "none.yaml")

    @pytest.mark.parametrize("wrong", [None, 5, ["name"]])
    def test_what_is_neither_path_nor_mapping_is_refused(self, wrong):
        """In words, not as a TypeError of the operating system's."""
        with pytest.raises(ConfigError, match="a path or a mapping"):
            ConfigLoader.load_component_config(wrong)

    def test_folder_and_binary_are_clear_errors(self, tmp_path: Path):
        """What is no text file is said to be none."""
        (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00name")

        with pytest.raises(ConfigError, match="cannot be read"):
            ConfigLoader.load_component_config(tmp_path)
        with pytest.raises(ConfigError, match="UTF-8"):
            ConfigLoader.load_component_config(tmp_path / "x.yaml")

    def test_imports_that_are_not_allowed_are_refused(self, folder: Path):
        """Only modules that the host names are imported."""
        text = "name: a\nstates: {A: 'ffl_one:Idle'}\ninitial_state: A"

        with pytest.raises(ConfigError, match="may not be imported"):
            ConfigLoader.load_component_text(text, allow_imports=["ffl"])
        assert "ffl_one" not in sys.modules
        config = ConfigLoader.load_component_text(text, allow_imports=["ffl_one"])
        assert config.initial_state == "A"


class TestRules:
    """Reading rules alone."""

    def test_rules_of_a_file(self, tmp_path: Path):
        """The list is returned; none is an empty one."""
        assert ConfigLoader.load_rules(write(tmp_path, "rules: [{x: 1}]")) == [{"x": 1}]
        assert ConfigLoader.load_rules(write(tmp_path, "rules:")) == []
        assert ConfigLoader.load_rules(write(tmp_path, "")) == []

    @pytest.mark.parametrize(
        "text", ["rules: 5", "rules: [a]", "[1]", "rules: [", "a: a: b"]
    )
    def test_what_is_no_list_of_mappings_is_refused(self, tmp_path: Path, text: str):
        """A file of another shape is an error with its place."""
        with pytest.raises(ConfigError):
            ConfigLoader.load_rules(write(tmp_path, text))

    def test_plain_yaml(self, tmp_path: Path):
        """A mapping is returned as it is; an empty file as an empty mapping."""
        assert ConfigLoader.load_yaml(write(tmp_path, "on: off")) == {"on": "off"}
        assert ConfigLoader.load_yaml(write(tmp_path, "")) == {}
        with pytest.raises(ConfigError, match="wrong type"):
            ConfigLoader.load_yaml(write(tmp_path, "- a"))
