"""Boxes mark the place, say what, why and fix, and are safe whatever the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.diagnostics import ChartError, Diagnostic, Place
from flexiflow.errors import ActionError, FlexiFlowError
from flexiflow_jupyter.boxes import Excerpt, box_of_error, box_of_warnings, safe_text

TEXT = """\
name: turnstile
states:
  locked:
    on: {coin: unlokced}
  unlocked:
    on: {push: locked}
"""


def unknown_target():
    """Make the error for a misspelt target."""
    place = Place("cell [3]", 5, 16, 24)
    return ChartError(
        [
            Diagnostic(
                "error",
                "The transition on coin leads to a state that does not exist.",
                "No state unlokced in turnstile. States: locked, unlocked.",
                "Did you mean unlocked?",
                place=place,
            )
        ]
    )


class TestBox:
    def test_the_source_is_shown_with_the_line_marked(self):
        """Five lines, the editor's numbers, the word underlined."""
        box = box_of_error(unknown_target(), text=TEXT, first_line=2, footer="F.")

        assert box.text() == (
            "One problem in the definition\n"
            "  cell [3], line 5, column 16\n"
            "    3 | states:\n"
            "    4 |   locked:\n"
            "  > 5 |     on: {coin: unlokced}\n"
            "      |                ^^^^^^^^\n"
            "    6 |   unlocked:\n"
            "    7 |     on: {push: locked}\n"
            "What: The transition on coin leads to a state that does not exist.\n"
            "Why: No state unlokced in turnstile. States: locked, unlocked.\n"
            "Fix: Did you mean unlocked?\n"
            "F."
        )

    def test_the_html_says_the_same(self):
        """The page gets an alert with the marked word and the three parts."""
        html = box_of_error(unknown_target(), text=TEXT, first_line=2).html()

        assert 'role="alert"' in html
        assert 'data-marked="5"' in html
        assert re.search(r"wavy[^>]*>unlokced<", html)
        assert "Did you mean unlocked?" in html

    def test_an_action_error_keeps_its_traceback_on_demand(self):
        """The user's own error stands in the detail."""
        error = ActionError("submit failed.", why="It raised.")
        error.__cause__ = ValueError("no address")

        box = box_of_error(error)

        assert "ValueError: no address" in box.text()
        assert "<details>" in box.html()

    def test_many_problems_are_counted(self):
        """Eight are drawn, the others counted."""
        error = ChartError([Diagnostic("error", f"Problem {n}.") for n in range(11)])

        box = box_of_error(error)

        assert len(box.problems) == 8
        assert "3 more problems." in box.text()

    def test_warnings_are_no_alert(self):
        """A warning is said, not shouted."""
        box = box_of_warnings([Diagnostic("warning", "Look.")], text=None, first_line=2)

        assert 'role="note"' in box.html()
        assert "What: Look." in box.text()

    @given(
        what=st.text(max_size=40),
        source=st.text(max_size=80),
        place=st.builds(
            Place,
            st.text(max_size=8),
            st.integers(0, 9),
            st.integers(0, 90),
            st.none() | st.integers(0, 90),
        ),
    )
    def test_no_text_breaks_a_box(self, what, source, place):
        """Whatever stands in it, the HTML holds only the box's own elements."""
        box = box_of_error(
            ChartError([Diagnostic("error", what, what, what, place=place)]),
            title=what,
            text=source,
            first_line=2,
            footer=what,
        )

        html = box.html()

        tags = set(re.findall(r"<(\w+)", html))
        assert tags <= {"div", "span", "bdi", "br"}
        assert box.text()

    @pytest.mark.parametrize(
        "name", ["<img src=x onerror=alert(1)>", '"quoted"', "a\u202eb", "\x1b[31m"]
    )
    def test_hostile_names_are_text(self, name):
        """Markup is escaped; direction and control characters are made visible."""
        box = box_of_error(FlexiFlowError(f"Unknown {name}."))

        assert "<img" not in box.html()
        for sign in "\u202e\x1b":
            assert sign not in box.html()
            assert sign not in box.text()


class TestExcerpt:
    def test_a_place_outside_of_the_text_has_none(self):
        """A line that is not there is not shown."""
        assert Excerpt.around("a\n", (9, 1, None), first_line=2) is None

    def test_the_end_of_the_word_is_found_when_it_is_not_given(self):
        """Without an end column the word up to the next space is marked."""
        excerpt = Excerpt.around("key: some words", (2, 6, None), first_line=2)

        assert (excerpt.start, excerpt.end) == (5, 9)


class TestSafeText:
    def test_letters_of_any_script_and_emoji_stay(self):
        """Only what cannot be seen is written as a code point."""
        assert safe_text("Tür 門 👩\u200d🚀\n") == "Tür 門 👩\u200d🚀\n"
        assert safe_text("a\tb\u2066") == "a\\u0009b\\u2066"
