"""The line of a magic is read as people write it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.errors import ConfigError
from flexiflow_jupyter.arguments import (
    DefineOptions,
    read_define_options,
    read_fields,
    split_words,
    take_engine,
    unquoted,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


class TestSplitWords:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("send door open", ["send", "door", "open"]),
            ("  send   door  ", ["send", "door"]),
            ('send "my door" open', ["send", '"my door"', "open"]),
            (
                'pay items={"a": [1, 2]} by="A B"',
                ["pay", 'items={"a": [1, 2]}', 'by="A B"'],
            ),
            ("send door don't stop", ["send", "door", "don't", "stop"]),
            ("send door :-) x", ["send", "door", ":-)", "x"]),
            ("", []),
        ],
    )
    def test_quotes_and_brackets_keep_words_together(self, line, words):
        """A space in quotes or brackets does not end a word."""
        assert split_words(line) == words

    @pytest.mark.parametrize("line", ['send "door', "pay items={1", "x=[(1]"])
    def test_what_is_opened_must_be_closed(self, line):
        """A missing quote or bracket is named."""
        with pytest.raises(ConfigError, match="ends before"):
            split_words(line)

    @given(value=JSON, name=st.from_regex(r"[a-z]{1,5}", fullmatch=True))
    def test_any_json_survives(self, value, name):
        """A field given as JSON arrives as it was."""
        words = split_words(f"x {name}={json.dumps(value)} y")

        assert read_fields(words[1:2], {}) == {name: value}
        assert words[2] == "y"


class TestReadFields:
    @pytest.mark.parametrize(
        ("word", "fields"),
        [
            ("amount=3", {"amount": 3}),
            ("content=confirmed", {"content": "confirmed"}),
            ("who='A B'", {"who": "A B"}),
            ("ok=true", {"ok": True}),
            ("note=", {"note": ""}),
            ("sum=a=b", {"sum": "a=b"}),
            ("price=$price", {"price": 12}),
            ('price="$price"', {"price": "$price"}),
        ],
    )
    def test_values_are_json_when_they_parse(self, word, fields):
        """What is no JSON is text; `$name` is a variable of the user's."""
        assert read_fields([word], {"price": 12}) == fields

    @pytest.mark.parametrize("word", ["amount", "=3", "x=$missing"])
    def test_other_words_are_refused(self, word):
        """A word without a name, a value or a variable behind it is an error."""
        with pytest.raises(ConfigError):
            read_fields([word], {})


class TestReadDefineOptions:
    def test_the_line_may_be_empty(self):
        """No option: the default engine, a panel, no message."""
        assert read_define_options("") == DefineOptions()

    def test_all_options_are_read(self):
        """Options stand in any order; --start takes the words up to the next."""
        line = '--start coin "big coin" --no-panel --engine shop --as door'

        assert read_define_options(line) == DefineOptions(
            panel=False, start=("coin", "big coin"), engine="shop", variable="door"
        )

    @pytest.mark.parametrize(
        ("line", "fix"),
        [
            ("--no-pannel", "Did you mean --no-panel"),
            ("--as", "--as NAME"),
            ("--start --no-panel", "--start MESSAGE"),
            ("--presist", "Did you mean --persist?"),
            ("turnstile", "--start turnstile"),
        ],
    )
    def test_wrong_options_say_what_is_right(self, line, fix):
        """Unknown, later and incomplete options carry a fix."""
        with pytest.raises(ConfigError) as caught:
            read_define_options(line)

        assert caught.value.why
        assert fix in caught.value.fix


class TestWords:
    def test_the_engine_is_taken_out(self):
        """--engine may stand anywhere in a line."""
        assert take_engine(["send", "--engine", "shop", "a", "b"]) == (
            "shop",
            ["send", "a", "b"],
        )
        assert take_engine(["list"]) == ("default", ["list"])

    @pytest.mark.parametrize(
        ("word", "text"),
        [('"a\\"b"', 'a"b'), ("'a b'", "a b"), ("plain", "plain"), ('"', '"')],
    )
    def test_quotes_are_taken_off(self, word, text):
        """Quotes around a word are no part of it."""
        assert unquoted(word) == text
