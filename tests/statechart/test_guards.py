"""Guards: what holds, and how a clause that does not is worded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.statechart import load_chart
from flexiflow.statechart._read_guards import OPERATORS
from flexiflow.statechart._references import MISSING
from flexiflow.statechart.guards import compare, compile_guard, guard_words, is_pure

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner)
    ),
    max_leaves=5,
)


def guard_of(text):
    """Return the guard that a text describes."""
    chart = load_chart(f"name: x\nstates: {{a: {{on: {{m: {{to: a, if: {text}}}}}}}}}")
    return chart.transitions[0].guard


class TestCompare:
    @pytest.mark.parametrize(
        ("operator", "actual", "wanted", "holds"),
        [
            ("eq", 1, 1, True),
            ("eq", 1, 1.0, True),
            ("eq", True, 1, False),
            ("eq", 0, False, False),
            ("eq", [1, {"a": None}], [1, {"a": None}], True),
            ("eq", [1], [True], False),
            ("eq", MISSING, None, True),
            ("ne", MISSING, 1, True),
            ("lt", 1, 2, True),
            ("lt", "a", "b", True),
            ("lt", "a", 1, False),
            ("lt", True, 2, False),
            ("le", 2, 2, True),
            ("gt", 3, 2, True),
            ("ge", MISSING, 0, False),
            ("min", 2, 1, True),
            ("min", [1, 2], 2, True),
            ("min", "", 1, False),
            ("min", {"a": 1}, 1, True),
            ("min", None, 0, False),
            ("one_of", 2, [1, 2], True),
            ("one_of", True, [1], False),
            ("exists", None, True, True),
            ("exists", MISSING, True, False),
            ("exists", MISSING, False, True),
            ("type", 1, "number", True),
            ("type", True, "number", False),
            ("type", [], "list", True),
            ("type", {}, "object", True),
            ("type", "", "string", True),
            ("type", False, "boolean", True),
        ],
    )
    def test_value_is_compared_as_json(self, operator, actual, wanted, holds):
        """True is not 1, what has no order does not pass, missing is null."""
        assert compare(operator, actual, wanted) is holds

    @given(
        st.sampled_from([name for name in OPERATORS if name != "type"]),
        JSON | st.just(MISSING),
        JSON,
    )
    def test_comparing_never_raises(self, operator, actual, wanted):
        """Whatever a message holds, the answer is yes or no."""
        assert compare(operator, actual, wanted) in {True, False}

    @given(JSON)
    def test_a_value_equals_itself_or_is_no_number(self, value):
        """Eq and ne are opposites."""
        assert compare("eq", value, 1) is not compare("ne", value, 1)


class TestCompiled:
    @pytest.mark.parametrize(
        ("text", "message", "context", "holds"),
        [
            ("{n: x}", {"n": "x"}, {}, True),
            ("{n: x}", {}, {}, False),
            ("{n: 1}", {"n": True}, {}, False),
            ("{o.n: 1}", {"o": {"n": 1}}, {}, True),
            ("{l.1: b}", {"l": ["a", "b"]}, {}, True),
            ("{l.9: b}", {"l": ["a", "b"]}, {}, False),
            ("{message.in: 1}", {"in": 1}, {}, True),
            ("{context.n: {lt: 3}}", {}, {"n": 2}, True),
            ("{n: {lt: $context.most}}", {"n": 2}, {"most": 3}, True),
            ("{n: $$x}", {"n": "$x"}, {}, True),
            ("{n: {ge: 1, le: 2}}", {"n": 3}, {}, False),
            ("{all: []}", {}, {}, True),
            ("{any: []}", {}, {}, False),
            ("{any: [{n: 1}, {n: 2}]}", {"n": 2}, {}, True),
            ("{not: {n: 1}}", {"n": 2}, {}, True),
            ("{n: {one_of: [1, 2]}}", {"n": 2}, {}, True),
        ],
    )
    def test_pattern_holds_when_all_entries_do(self, text, message, context, holds):
        """Patterns look at message and context as data."""
        guard = guard_of(text)

        assert compile_guard(guard)(message, context, None) is holds
        assert is_pure(guard)

    @pytest.mark.parametrize(
        "text", ["f", "{rules.0.a: 1}", "{$result.x: 1}", "{in: a}"]
    )
    def test_what_needs_more_is_not_pure(self, text):
        """Functions, rules and results need the whole step."""
        assert not is_pure(guard_of(text))

    def test_dunder_names_are_plain_keys(self):
        """A look-up never reaches an attribute."""
        guard = guard_of("{message.__class__.__name__: dict}")

        assert compile_guard(guard)({}, {}, None) is False


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{items: {min: 1}}", "items at least 1"),
            ("{content: confirmed}", 'content is "confirmed"'),
            ("{context.n: {lt: 3}}", "context.n less than 3"),
            ("{n: {one_of: [1, 2]}}", "n is one of 1, 2"),
            ("{n: {exists: true}}", "n is there"),
            ("{pin: $context.pin}", "pin is context.pin"),
            ("{n: {one_of: [$context.a, 2]}}", "n is one of context.a, 2"),
            ("{pin: $$context.pin}", 'pin is "$context.pin"'),
            ("shop.orders:rich", "rich"),
            ("{not: rich}", "not (rich)"),
            ("{any: [a, b]}", "a or b"),
            ("{a: 1, any: [b, c]}", "a is 1 and (b or c)"),
        ],
    )
    def test_guard_reads_as_words(self, text, words):
        """An edge says in words what it wants."""
        assert guard_words(guard_of(text)) == words
