"""Hostile charts, documents and machines: refused, or harmless.

The small size runs with all tests; ``pytest -m soak --timeout 0`` goes on for ten
minutes. What must hold of each case stands in ``fuzzing``.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.errors import ConfigError, FlexiFlowError
from flexiflow.statechart import Chart, Simulation, from_scxml, from_xstate, to_xstate
from flexiflow.statechart._expressions import ExpressionError, compile_expression
from flexiflow.statechart._expressions import compile_script as compile_lines
from tests.statechart import fuzzing

SOAK_SECONDS = float(os.environ.get("FLEXIFLOW_FUZZ_SECONDS", "600"))
BOMBS = [
    (kind, at)
    for kind, bombs in (
        ("yaml", fuzzing.YAML_BOMBS),
        ("scxml", fuzzing.XML_BOMBS),
        ("xstate", fuzzing.JSON_BOMBS),
    )
    for at in range(len(bombs))
]
BY_KIND = {
    "yaml": fuzzing.YAML_BOMBS,
    "scxml": fuzzing.XML_BOMBS,
    "xstate": fuzzing.JSON_BOMBS,
}


class Nothing:
    """Names for expressions: some data, and no others."""

    def get_name(self, name):
        """Return a value."""
        return {"x": [1, {"k": "v"}], "d": {"k": [1]}, "_event": {"data": None}}[name]

    def set_name(self, name, value):
        """Refuse every name."""
        raise KeyError(name)

    define = set_name

    def is_in(self, state):
        """Return whether a state is active."""
        return False


class TestBombs:
    @pytest.mark.timeout(60)
    @pytest.mark.parametrize(("kind", "at"), BOMBS)
    def test_bomb_is_refused_or_harmless(self, kind, at):
        """What grows, sinks or fetches in careless readers does nothing here."""
        report = fuzzing.Report()
        fuzzer = fuzzing.Fuzzer(fuzzing.random.Random(1))
        fuzzer.attempt(kind, BY_KIND[kind][at], fuzzing.Report())  # loads late parts
        fuzzer.attempt(kind, BY_KIND[kind][at], report)

        assert report.crashes == []
        assert dict(report.events) == {}

    def test_document_that_invokes_itself_comes_to_an_end(self):
        """Sessions within sessions have a limit, and say so as an error event."""
        made = Simulation(from_scxml(fuzzing.FORK_BOMB), {"d": fuzzing.FORK_BOMB})

        assert made.leaves == {"a"}
        assert len(made.timeline.members) <= 100

    @pytest.mark.parametrize("read", [from_scxml, from_xstate])
    def test_fifty_megabytes_are_refused_at_once(self, read):
        """Size is looked at before anything else."""
        with pytest.raises(ConfigError, match="at most"):
            read(" " * 50_000_000)

    def test_imported_machine_imports_nothing(self):
        """A function of a module's stays unknown unless the host allows it."""
        machine = from_xstate(
            '{"states": {"a": {"on": {"go": {"target": "b", "guard": '
            '"os:getpid"}}}, "b": {}}}'
        )

        with pytest.raises(FlexiFlowError, match="os"):
            Simulation(machine).send("go")

    def test_data_that_double_come_to_an_end(self):
        """Data that share their parts are counted as if they did not."""
        text = (
            '<scxml><datamodel><data id="x">[0]</data></datamodel><state id="a">'
            "<onentry>"
            + '<assign location="x" expr="[x, x]"/>' * 60
            + "</onentry></state></scxml>"
        )

        assert len(str(Simulation(from_scxml(text)).context)) < 1_000_000

    def test_document_may_take_the_error_of_data_that_double(self):
        """The first data that are too large are an error of the document's."""
        text = (
            '<scxml><datamodel><data id="x">[0]</data></datamodel><state id="a">'
            "<onentry>"
            + '<assign location="x" expr="[x, x]"/>'
            * 60
            + '</onentry><transition event="error.execution" target="b"/></state>'
            '<state id="b"/></scxml>'
        )

        assert Simulation(from_scxml(text)).leaves == {"b"}


class TestExpressions:
    @pytest.mark.parametrize("text", fuzzing.EXPRESSIONS)
    def test_payload_is_refused_or_plain_data(self, text):
        """An expression reaches data alone; nothing is executed or imported."""
        found = fuzzing.Counter()
        fuzzing._Watch.install()  # noqa: SLF001 - the ear of the fuzzer
        for make in (compile_expression, compile_lines):
            with fuzzing.watched(found):
                try:
                    value = make(text)(Nothing())
                except ExpressionError:
                    continue
            assert isinstance(value, bool | int | float | str | list | dict | None)

        assert dict(found) == {}


_KEYS = st.sampled_from(
    (
        *(
            "id",
            "type",
            "initial",
            "states",
            "on",
            "after",
            "always",
            "onDone",
            "entry",
        ),
        *("exit", "invoke", "output", "history", "target", "description", "tags"),
        *("meta", "context", "guard", "actions", "reenter", "params", "src", "input"),
        *("onError", "flexiflow", "order", "error", "run", "scenarios", "use", "name"),
        *("a", "b", "x", "1000", "*", "__proto__", "constructor", "flexiflow.if"),
    )
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5_000),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        (
            *("a", "b", ".a", "#machine.a", "parallel", "final", "history", "deep"),
            *("os:system", "$context.x", "flexiflow.set", "flexiflow.if", "__class__"),
        )
    ),
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)
    ),
    max_leaves=25,
)
_MACHINES = st.builds(
    lambda states, rest: {**rest, "states": states},
    st.dictionaries(
        st.sampled_from(("a", "b", "__proto__")),
        st.dictionaries(_KEYS, _JSON, max_size=4),
        min_size=1,
        max_size=3,
    ),
    st.dictionaries(_KEYS, _JSON, max_size=3),
)


class TestMachines:
    @given(_MACHINES)
    @settings(max_examples=200)
    def test_any_machine_is_refused_or_a_chart(self, machine):
        """JSON of the right shape with anything in it: an error with a place."""
        try:
            chart = from_xstate(machine)
        except ConfigError as error:
            assert error.context["file"] == "<xstate>"  # noqa: PT017 - one of two ends
            return

        assert isinstance(chart, Chart)
        assert from_xstate(to_xstate(chart)) == chart

    @given(st.text(alphabet='{}[]":,ab \\u0', max_size=40) | st.binary(max_size=20))
    def test_any_text_is_refused_or_a_chart(self, text):
        """Nothing but ConfigError comes out."""
        try:
            from_xstate(text)
        except ConfigError as error:
            assert error.context["file"] == "<xstate>"  # noqa: PT017 - as above


class TestFuzz:
    @pytest.mark.timeout(180)
    def test_hostile_input_is_refused_or_harmless(self):
        """Some hundred cases: no crash, nothing forbidden, memory stays bounded."""
        report = fuzzing.fuzz(2026, cases=250)

        assert report.crashes == []
        assert dict(report.events) == {}
        assert report.refused > 20
        assert report.accepted > 20
        assert report.grown_mb < 600

    @pytest.mark.soak
    def test_ten_minutes_of_hostile_input(self, capsys):
        """The same for ten minutes; the figures are printed."""
        report = fuzzing.fuzz(11, seconds=SOAK_SECONDS)
        with capsys.disabled():
            print(f"\nfuzz: {report}")  # noqa: T201 - the figures are asked for

        assert report.crashes == []
        assert dict(report.events) == {}
        assert report.grown_mb < 600
