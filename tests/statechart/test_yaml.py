"""The YAML reader: the core schema, places, limits, and errors that help."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.diagnostics import ChartError
from flexiflow.errors import ConfigError
from flexiflow.statechart import load_yaml
from flexiflow.statechart._yaml import MOST_CHARACTERS, node_of


def first(text, **options):
    """Return the first problem of a text."""
    return load_yaml(text, source="f.yaml", **options).diagnostics[0]


class TestScalars:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("true", True),
            ("False", False),
            ("yes", "yes"),
            ("off", "off"),
            ("~", None),
            ("", None),
            ("010", 10),
            ("0o17", 15),
            ("0x1F", 31),
            ("1:30", "1:30"),
            ("1_000", "1_000"),
            ("2024-01-01", "2024-01-01"),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("-.inf", -math.inf),
            ("'1'", "1"),
            ("! 5", "5"),
            ("!!int '3'", 3),
            ("!!float 3", 3.0),
        ],
    )
    def test_scalar_follows_the_core_schema(self, text, value):
        """A scalar is what YAML 1.2's core schema says."""
        found = load_yaml(f"a: {text}").data["a"]

        assert (found, type(found)) == (value, type(value))

    def test_old_booleans_are_keys_like_others(self):
        """``on:`` and ``off:`` are texts, and no reason to warn."""
        document = load_yaml("on: 1\noff: 2\nyes: 3")

        assert document.data == {"on": 1, "off": 2, "yes": 3}
        assert document.diagnostics == ()

    def test_old_boolean_as_a_value_is_warned_of(self):
        """An unquoted yes as a value is text, which may surprise."""
        problem = first("a: yes")

        assert (problem.level, problem.place.column) == ("warning", 4)
        assert "true" in problem.fix

    def test_quoted_old_boolean_is_not_warned_of(self):
        """Quotes say that text is meant."""
        assert load_yaml("a: 'yes'").diagnostics == ()

    def test_not_a_number_is_read(self):
        """.nan is a float of YAML; the language refuses it where JSON is wanted."""
        assert math.isnan(load_yaml("a: .nan").data["a"])


class TestPlaces:
    def test_every_key_and_value_has_a_place(self):
        """Lines and columns count from 1, in characters."""
        document = load_yaml('é: {ü: "x"}\nb:\n  - 1\n  - two', source="f")

        assert str(document.place(["é", "ü"])) == "f:1:8"
        assert str(document.place(["é", "ü"], key=True)) == "f:1:5"
        assert str(document.place(["b", 1])) == "f:4:5"
        assert document.place(["b", 1]).path == "$.b[1]"

    def test_place_of_what_is_missing_is_the_nearest(self):
        """A path that does not exist gives the place around it."""
        assert str(load_yaml("a:\n  b: 1", source="f").place(["a", "x"])) == "f:2:3"

    def test_first_line_shifts_all_places(self):
        """In a notebook cell the numbers are the editor's."""
        assert first("a: 1\na: 2", first_line=2).place.line == 3
        assert first("a: [", first_line=2).place.line == 2

    def test_empty_value_stands_at_its_key(self):
        """What is not there is pointed at where it should be."""
        assert str(load_yaml("a:\n\nb: 1", source="f").place(["a"])) == "f:1:1"


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "what", "fix", "line"),
        [
            ("a:\n\tb: 1", "indented with a tab", "spaces", 2),
            ("a: b\n  c: d", "indentation of line 2", "no space, like line 1", 2),
            ("a:\n  b: 1\n c: 2", "indentation of line 3", "like line 2", 3),
            ("a: [1, 2\nb: 3", "The [ of line 1", "]", 1),
            ("a: {b: 1\nc: 2", "The { of line 1", "}", 1),
            ("a: 'x\nb: 1", "quote of line 1", "closing", 1),
            ('a: "x\\q"', "unknown escape", "single quotes", 1),
            ("a:b\nc: 1", "no space after the colon", "a: b", 1),
            ("a: b: c", "second colon", 'a: "b: c"', 1),
            ("a: @x", "cannot begin with @", '"@x"', 1),
            ("- a\nb: 1", "does not continue", "differently", 2),
            ("a: *x", "Nothing is called &x", "quotes", 1),
            ("a: &a [*a]", "Nothing is called &a", "Mark", 1),
            ("--- 1\n--- 2", "more than one YAML document", "---", 2),
            ("a: !!python/object:os.system x", "tag", "Remove", 1),
            ("a: !!timestamp 2024-01-01", "tag", "Remove", 1),
            ("[1]: 2", "A key must be text", "quotes", 1),
            ("x: \x00", "does not allow", "Remove", 1),
            ("x: \ud800", "does not allow", "Remove", 1),
            ('x: "\\0"', "cannot be used", "escape", 1),
        ],
    )
    def test_error_says_what_to_do(self, text, what, fix, line):
        """Each mistake has a fact, a way out, and its line."""
        problem = first(text)

        assert what in problem.what
        assert fix in problem.fix
        assert problem.place.line == line

    def test_duplicate_key_names_both_places(self):
        """A key that stands twice is refused, with both lines."""
        problem = first("a: 1\nb: 2\na: 3")

        assert problem.what == "The key a is declared twice."
        assert "line 1" in problem.why
        assert problem.place.line == 3

    def test_duplicate_state_is_called_a_state(self):
        """Below states, a key is a state."""
        assert "The state a" in first("states:\n  a: {}\n  a: {}").what

    def test_all_duplicates_are_found(self):
        """Reading goes on after an error that does not forbid it."""
        assert len(load_yaml("a: 1\na: 2\nb: 1\nb: 2").errors) == 2

    def test_check_raises_all_errors(self):
        """``check`` turns the errors into one exception."""
        with pytest.raises(ChartError) as caught:
            load_yaml("a: 1\na: 2").check()

        assert caught.value.context["line"] == 2


class TestLimits:
    def test_deep_nesting_is_refused_before_composing(self):
        """200,000 brackets neither crash nor take long."""
        begun = time.monotonic()
        problem = first("[" * 200_000)

        assert "nested too deep" in problem.what
        assert time.monotonic() - begun < 2

    @pytest.mark.parametrize("sign", ["{a: ", "- ", "? "])
    def test_every_kind_of_nesting_is_limited(self, sign):
        """Mappings and compact lists count as lists do."""
        assert "nested too deep" in first(sign * 5_000).what

    def test_laughing_aliases_are_refused(self):
        """Aliases of aliases are counted as if they were written out."""
        text = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )

        assert "too many values" in first(text).what

    def test_many_aliases_are_refused(self):
        """More than a thousand aliases are no config."""
        text = "a: &a 1\nb: [" + ",".join(["*a"] * 1_001) + "]"

        assert "too many aliases" in first(text).what

    def test_long_text_is_refused(self):
        """A hundred megabytes are refused by their length."""
        assert "too long" in first("#" * (MOST_CHARACTERS + 1)).what

    def test_long_number_is_refused(self):
        """A number of thousands of digits is no number here."""
        assert "too long" in first("a: " + "9" * 5_000).what

    def test_bytes_must_be_utf8(self):
        """A file in another encoding is named with the byte."""
        assert "UTF-8" in first(b"a: \xff").what

    def test_data_of_a_program_are_limited(self):
        """Data that hold themselves end in an error, not in a crash."""
        data = {}
        data["a"] = data

        with pytest.raises(ConfigError, match="nested too deep"):
            node_of(data)


class TestDocument:
    def test_empty_text_is_nothing(self):
        """No text is null."""
        assert load_yaml("").data is None
        assert load_yaml("").root is not None

    def test_byte_order_mark_is_dropped(self):
        """What an editor of Windows adds does no harm."""
        assert load_yaml("\ufeffa: 1").data == {"a": 1}

    def test_aliases_share_a_value(self):
        """An alias stands for its anchor's value."""
        assert load_yaml("a: &x [1]\nb: *x").data == {"a": [1], "b": [1]}

    def test_data_are_fresh(self):
        """Changing what was read changes nothing else."""
        document = load_yaml("a: [1]")
        document.data["a"].append(2)

        assert document.data == {"a": [1]}

    @given(st.text(alphabet=st.characters(), max_size=60))
    def test_any_text_is_read_or_explained(self, text):
        """No text makes the reader raise."""
        document = load_yaml(text)

        assert document.root is not None or document.errors

    @given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`, \n\t?~0", max_size=40))
    def test_any_signs_of_yaml_are_read_or_explained(self, text):
        """No mixture of YAML's own signs makes the reader raise."""
        document = load_yaml(text)

        assert document.root is not None or document.errors
        assert all(item.place is not None for item in document.diagnostics)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=8,
        )
    )
    def test_json_is_read_as_json(self, data):
        """JSON is YAML: what json.dumps writes is read back."""
        import json  # noqa: PLC0415 - only here

        try:
            text = json.dumps(data)
        except ValueError:
            return
        document = load_yaml(text)

        if "\\u0000" not in text and "\\ud" not in text:
            assert document.data == data
