"""Rules of explaining a config: the loader's verdict, without what the loader does."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ConfigError, FlexiFlowError
from flexiflow.explain import explain
from flexiflow.state_machine import DEFAULT_REGISTRY
from flexiflow.statechart import load_chart, read_schema
from flexiflow.visualize import visualize


def _corpus():
    """Return the corpus that stands beside this file."""
    path = Path(__file__).with_name("config_corpus.py")
    spec = importlib.util.spec_from_file_location("config_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CORPUS = _corpus().CORPUS
VALIDATOR = Draft202012Validator(read_schema())
MODULES = _corpus().MODULES


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make the corpus' modules importable, and forget them afterwards."""
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("corpus_")]:
        del sys.modules[name]


def loads(config: object) -> bool:
    """Return whether the loader accepts a config."""
    try:
        ConfigLoader.load_component_config(config, register=False)
    except FlexiFlowError:
        return False
    return True


def suits_schema(data: object) -> bool:
    """Return whether the JSON Schema accepts a config's data."""
    return VALIDATOR.is_valid(data)


class TestAgreement:
    """``is_valid`` is the loader's verdict."""

    @pytest.mark.parametrize("name", CORPUS)
    def test_file(self, modules: Path, name: str):
        """On each file of the corpus both say what the corpus says."""
        text, fine = CORPUS[name]
        path = modules / "config.yaml"
        path.write_text(text, encoding="utf-8")

        explained = explain(path)
        unread = [name for name in sys.modules if name.startswith("corpus_")]
        assert (explained.is_valid, loads(path)) == (fine, fine), explained.format()
        assert explain(path).is_valid is fine, "and after the modules were imported"
        assert bool(explained.errors) is not fine
        assert all(item.what and item.fix for item in explained.errors)
        if fine and "tricky" not in text and "Computed" not in text:
            assert unread == []
        if fine:
            assert all(visualize(path, kind) for kind in ("mermaid", "dot", "text"))

    @pytest.mark.parametrize(
        "name", [n for n in CORPUS if not n.startswith(("tab", "du"))]
    )
    def test_data(self, modules: Path, name: str):
        """On the same data, without a text, both say the same again."""
        path = modules / "config.yaml"
        path.write_text(CORPUS[name][0], encoding="utf-8")
        try:
            data = ConfigLoader.load_yaml(path)
        except ConfigError:
            return

        assert explain(data).is_valid is loads(data)
        assert suits_schema(data) or not loads(data)

    @settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(data=st.data())
    def test_mutated_file(self, modules: Path, data: st.DataObject):
        """However a good or broken text is cut and spliced, both agree."""
        texts = [text for text, _ in CORPUS.values()]
        first, second = (
            data.draw(st.sampled_from(texts)),
            data.draw(st.sampled_from(texts)),
        )
        lines = first.splitlines()
        at = data.draw(st.integers(0, len(lines)))
        cut = data.draw(st.integers(0, len(second)))
        path = modules / "config.yaml"
        path.write_text("\n".join([*lines[:at], second[cut:], *lines[at:]]), "utf-8")

        assert explain(path).is_valid is loads(path), path.read_text("utf-8")

    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["name", "states", "rules", "packs", "on", "initial_state"]
                    )
                    | st.text(max_size=5)
                    | st.integers(),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=20,
        ).filter(lambda value: isinstance(value, dict))
    )
    def test_any_data(self, modules: Path, data: dict):
        """Data of any shape are judged alike, and never raise anything else."""
        config = {"name": "a", **data}

        assert explain(config).is_valid is loads(config)
        assert suits_schema(config) or not loads(config)

    @settings(max_examples=100, deadline=None)
    @given(raw=st.binary(max_size=60))
    def test_any_bytes(self, tmp_path_factory: pytest.TempPathFactory, raw: bytes):
        """A file may hold any bytes: both say that it is no config, or load it."""
        path = tmp_path_factory.getbasetemp() / "bytes.yaml"
        path.write_bytes(raw)

        assert explain(path).is_valid is loads(path)


DEFINITIONS = {
    "plain": "def f(): pass",
    "positional": "def f(context, /, message): pass",
    "parameter that nothing fills": "def f(x): pass",
    "keyword that nothing fills": "def f(x=1, *, y): pass",
    "any keyword": "def f(**kw): pass",
    "any position": "def f(*a): pass",
    "async": "async def f(result): pass",
    "lambda": "f = lambda message: 1",
    "class": "class f: pass",
    "class with parameters": "class f:\n    def __init__(self, z): pass",
    "class with a base": "class g:\n    def __init__(self, z): pass\nclass f(g): pass",
    "partial": "from functools import partial\ndef g(z): pass\nf = partial(g, 1)",
    "cached": "import functools\n@functools.cache\ndef f(z): pass",
    "wrapped": "def w(g): return lambda: 1\n@w\ndef f(z): pass",
    "nothing": "f = None",
    "list": "f = [1]",
    "module": "import os as f",
    "imported": "from os.path import join as f",
    "in a branch": "if True:\n    def f(): pass",
    "other name": "def h(z): pass\nf = h",
    "static method": "class K:\n    @staticmethod\n    def s(): pass\nf = K.s",
    "instance": "class K:\n    def __call__(self): pass\nf = K()",
    "computed": "f = (lambda: 1) if 1 else 2",
}
UNDECIDABLE = {"partial", "wrapped", "class with a base", "in a branch"} | {
    "static method",
    "instance",
    "computed",
}


class TestFunctions:
    """Functions are judged from their source as the loader judges them live."""

    @pytest.mark.parametrize("use", ["f", "'M:f'", "{call: f, with: {x: 1}}"])
    @pytest.mark.parametrize("name", DEFINITIONS)
    def test_agreement(self, modules: Path, name: str, use: str):
        """As guard and as action, both say the same; reading is mostly enough."""
        (modules / "corpus_f.py").write_text(DEFINITIONS[name], "utf-8")
        use = use.replace("M", "corpus_f")
        for text in (f"entry: {use}", f"on: {{go: {{to: y, if: {use}}}}}"):
            path = modules / "c.yaml"
            path.write_text(
                f"name: a\nuse: corpus_f\nstates: {{y: {{{text}}}}}", "utf-8"
            )

            valid = explain(path).is_valid
            assert "corpus_f" not in sys.modules or name in UNDECIDABLE
            assert valid is loads(path)
            del sys.modules["corpus_f"]


class TestReport:
    """What an explanation holds."""

    def test_each_missing_function_is_told(self, tmp_path: Path):
        """Several missing functions are several problems, each in its place."""
        path = tmp_path / "c.yaml"
        path.write_text("name: a\nstates: {x: {entry: one,\n  exit: two}}", "utf-8")

        lines = [(item.what, item.place.line) for item in explain(path).errors]

        assert lines == [("No function one.", 2), ("No function two.", 3)]
        with pytest.raises(ConfigError) as caught:
            ConfigLoader.load_component_config(path)
        assert len(caught.value.errors) == 2

    @pytest.mark.parametrize("use", ["nowhere_a", "[os, nowhere_a]"])
    def test_missing_module_is_told_where_it_is_named(self, tmp_path: Path, use: str):
        """A module that cannot be imported explains all names; it has a place."""
        path = tmp_path / "c.yaml"
        path.write_text(f"name: a\nuse: {use}\nstates: {{x: {{entry: one}}}}", "utf-8")

        (error,) = explain(path).errors

        assert (error.place.line, error.place.column) == (2, 6 + use.index("n"))
        assert "nowhere_a" in error.what

    @pytest.mark.parametrize("use", ["nope.mod", "[os, nope.mod]"])
    def test_module_of_a_missing_package_has_a_place(self, tmp_path: Path, use: str):
        """It is the package that is missing, and ``use`` that names it."""
        path = tmp_path / "c.yaml"
        path.write_text(f"name: a\nuse: {use}\nstates: {{x: {{entry: one}}}}", "utf-8")

        (error,) = explain(path).errors

        assert (error.place.line, error.place.column) == (2, 6 + use.index("n"))
        with pytest.raises(ConfigError) as caught:
            load_chart(path.read_text("utf-8"), functions={})
        assert caught.value.errors[0].place.line == 2

    def test_functions_are_told_beside_other_errors(self, tmp_path: Path):
        """One reading of the text is enough to mend all that is wrong in it."""
        path = tmp_path / "c.yaml"
        text = "name: a\nstates: {x: {on: {m: zz,\n k: {do: f},\n t: {to: x, if: g}}}}"
        path.write_text(text, "utf-8")

        lines = [item.place.line for item in explain(path).errors]

        assert lines == [2, 3, 4]
        with pytest.raises(ConfigError) as caught:
            ConfigLoader.load_component_config(path)
        assert [item.place.line for item in caught.value.errors] == lines

    def test_problems_have_places(self, modules: Path):
        """Each problem of a file says in which line and column it stands."""
        path = modules / "c.yaml"
        path.write_text("name: a\nstates:\n  x: corpus_states.Idle\n", "utf-8")

        place = explain(path).errors[0].place

        assert place is not None
        assert (place.source, place.line, place.column) == (str(path), 3, 6)
        assert place.path == "$.states.x"

    def test_states_and_packs_are_listed(self, modules: Path):
        """A mapping of states is shown as a pack, with what became of each state."""
        exp = explain(
            {"name": "a", "states": {"R": "corpus_states:Idle", "S": "corpus_states:Q"}}
        )

        assert [(s.key, s.resolved, s.is_state_subclass) for s in exp.states] == [
            ("R", True, True),
            ("S", False, False),
        ]
        assert exp.state_providers == {"R": "mapping"}
        assert exp.pack_order == ["mapping"]
        assert "corpus_states" not in sys.modules

    def test_pack_is_read_from_source(self, modules: Path):
        """A pack of literals is described without importing its module."""
        exp = explain(
            {"name": "a", "packs": ["corpus_states:Pack"], "initial_state": "WorkIdle"}
        )

        (pack,) = exp.packs
        assert (pack.name, pack.provided_keys) == ("work", ["WorkBusy", "WorkIdle"])
        assert pack.depends_on == ["ErrorHandling"]
        assert [t.guard for t in pack.transitions] == ["ready"]
        assert "corpus_states" not in sys.modules

    def test_unmet_dependency_is_a_warning(self, modules: Path):
        """A state that a pack counts on and nobody provides is named."""
        module = modules / "corpus_lone.py"
        module.write_text(
            textwrap.dedent(MODULES["corpus_states.py"]).replace(
                "ErrorHandling", "Gone"
            ),
            "utf-8",
        )

        exp = explain({"name": "a", "packs": ["corpus_lone:Pack"]})

        assert exp.is_valid
        assert any(
            "depends on" in item.what and "Gone" in item.what for item in exp.issues
        )

    def test_unreachable_states_and_dead_ends_are_warnings(self, tmp_path: Path):
        """What a chart will never do is said with its line; it loads all the same."""
        path = tmp_path / "c.yaml"
        path.write_text(
            "name: a\nstates:\n  x: {on: {go: y}}\n  y:\n  z: {on: {go: x}}\n", "utf-8"
        )

        exp = explain(path)

        assert exp.is_valid
        assert [(item.code, item.place.line) for item in exp.warnings] == [
            ("flexiflow.chart.dead_end", 4),
            ("flexiflow.chart.unreachable", 5),
        ]

    def test_machines_of_classes_are_examined_too(self, modules: Path):
        """What classes never do is said, as far as their source tells it."""
        (modules / "corpus_ends.py").write_text(
            textwrap.dedent(
                """
                from flexiflow.state_machine import State

                class First(State):
                    async def handle_message(self, message, component):
                        if message["type"] == "go":
                            return True, Last()
                        if message["type"] == "odd":
                            return True, component.state_machine.registry.create("Lst")
                        return False, self

                class Last(State):
                    async def handle_message(self, message, component):
                        return False, self

                class Alone(First):
                    pass

                class Sly(State):
                    async def handle_message(self, message, component):
                        return await component.decide(message)
                """
            ),
            "utf-8",
        )
        states = {name: f"corpus_ends:{name}" for name in ("First", "Last", "Alone")}
        config = {
            "name": "a",
            "rules": [{}],
            "states": states,
            "initial_state": "First",
        }

        found = [
            (item.code, item.context["state"]) for item in explain(config).warnings
        ]
        assert found == [
            ("flexiflow.chart.unreachable", "Alone"),
            ("flexiflow.chart.dead_end", "Last"),
            ("flexiflow.state.unknown_target", "First"),
            ("flexiflow.state.unknown_target", "Alone"),
        ]
        states["Sly"] = "corpus_ends:Sly"
        codes = {item.code for item in explain(config).warnings}
        assert "flexiflow.chart.unreachable" not in codes, "Sly may lead anywhere"

    def test_long_lists_are_cut_for_people(self):
        """Of very many problems some are told, and the others counted."""
        states = {f"s{number}": None for number in range(200)}
        exp = explain({"name": "a", "states": states})

        assert len(exp.warnings) > 200
        assert "... and" in exp.format()

    @pytest.mark.parametrize(
        "states",
        [
            "a: {on: {'*': a, q: trap}}",
            "a: {on: {q: [a, trap]}}",
            "a: {always: {to: b}, on: {q: trap}}, b: {on: {m: a}}",
        ],
    )
    def test_transition_that_is_never_taken_reaches_nothing(self, tmp_path, states):
        """What is told of the transition is told of the state behind it."""
        path = tmp_path / "c.yaml"
        path.write_text(
            f"name: a\nstates: {{{states}, trap: {{final: true}}}}", "utf-8"
        )

        told = [item.what for item in explain(path).warnings]

        assert "The transition on q is never taken." in told
        assert "State 'trap' cannot be reached." in told

    def test_shadowed_transition_and_undeclared_key_are_warnings(self):
        """A transition behind an open one, and a key that no context has."""
        exp = explain(
            {
                "name": "a",
                "states": {
                    "x": {
                        "on": {
                            "go": [{"to": "y"}, {"to": "x"}],
                            "by": {"do": [{"set": {"k": 1}}]},
                        }
                    },
                    "y": {"final": True},
                },
            }
        )

        assert [item.code for item in exp.warnings] == [
            "flexiflow.chart.shadowed",
            "flexiflow.chart.undeclared",
        ]

    def test_nothing_is_registered(self, modules: Path):
        """Neither names nor classes reach the default registry."""
        before = DEFAULT_REGISTRY.names()
        explain({"name": "a", "states": {"CorpusOnly": "corpus_states:Idle"}})

        assert DEFAULT_REGISTRY.names() == before

    @pytest.mark.parametrize("given_", ["/no/such/file.yaml", ".", "a\0b", 5, None])
    def test_what_cannot_be_read_is_an_error(self, given_: object):
        """No argument makes it raise."""
        exp = explain(given_)

        assert not exp.is_valid
        assert "(missing)" in exp.format()

    def test_format_is_safe_for_terminals(self):
        """Escapes in names are shown, not obeyed."""
        text = explain({"name": "\x1b[31m", "initial_state": "\x1b]0;x\x07"}).format()

        assert "\x1b" not in text
        assert "\\x1b" in text

    def test_format_tells_the_verdict(self, modules: Path):
        """People read what is wrong, why, and how to mend it."""
        path = modules / "c.yaml"
        path.write_text("name: a\ninitial_state: InitalState\n", "utf-8")

        text = explain(path).format()

        assert "Unknown state: 'InitalState'" in text
        assert f"Where: {path}:2:16" in text
        assert "Fix: Use one of the valid states: InitialState" in text
        assert "Invalid: 1 error" in text

    def test_functions_are_found_where_the_loader_finds_them(self):
        """Functions that are handed in, or looked up late, count as in the loader."""
        config = {"name": "a", "states": {"x": {"entry": "beep"}}}

        assert not explain(config).is_valid
        assert explain(config, functions={"beep": lambda: None}).is_valid
        late = explain(config, lookup=lambda _name: None)
        assert late.is_valid
        assert any("beep" in item.what for item in late.warnings)

    def test_imports_that_are_not_allowed_are_refused(self, modules: Path):
        """A host that allows nothing gets no import, of classes and functions alike."""
        for config in (
            {"name": "a", "states": {"x": "corpus_states:Idle"}},
            {"name": "a", "states": {"x": {"entry": "corpus_functions:note"}}},
        ):
            exp = explain(config, allow_imports=[])

            assert "may not be imported" in exp.errors[0].what

    def test_module_is_light(self):
        """Importing the module reads no YAML library."""
        code = "import sys, flexiflow.explain; print('yaml' in sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout.strip() == "False"
