"""YAML for people, written by the project."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.statechart import load_yaml
from flexiflow.statechart._yaml_text import flow

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(
        ["yes", "null", "1.5", "a: b", "#x", "- a", "0x1f", "~", "2s", "1e5"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)


class TestFlow:
    @given(st.dictionaries(TEXT, JSON, max_size=4))
    def test_is_read_as_it_was_written(self, data):
        """Whatever the data: the project's own reader gives it back."""
        document = load_yaml(f"- {flow(data)}\n")

        assert document.diagnostics == ()
        assert document.data == [data]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ({"type": "pay", "n": 1}, "{type: pay, n: 1}"),
            (["a b", "a:b", ""], '[a b, "a:b", ""]'),
            ((True, None, 1.5, 2.0), "[true, null, 1.5, 2.0]"),
            ("größe", "größe"),
            ({"on": "on"}, '{on: "on"}'),
            (["2s", "1.5h", "$context.x.y", "$5"], '[2s, 1.5h, $context.x.y, "$5"]'),
            ("a\x00b", '"a\\u0000b"'),
        ],
    )
    def test_quotes_stand_where_they_are_needed(self, value, text):
        """Words are plain, all else is quoted."""
        assert flow(value) == text
