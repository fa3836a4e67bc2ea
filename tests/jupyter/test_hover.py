"""The word under the cursor is explained: keys, states, messages, functions."""

from __future__ import annotations

import pytest

from flexiflow_jupyter.definition_help import explain_word, words_at

TEXT = """name: order
context: {items: 0, paid: false}
states:
  cart:
    description: where it begins
    on:
      add: {do: [{add: {items: 1}}]}
      submit: {to: paying, if: {context.items: {min: 1}}, do: warn}
  paying:
    run: {do: pay, retry: {max_attempts: 3}}
    states:
      card: {on: {swipe: cash}}
      cash:
    after: {2s: cart}
"""


async def pay(amount: int) -> None:
    """Take the money."""


def explained(word, *, after=""):
    """Explain the first such word behind another text."""
    at = TEXT.index(word, TEXT.index(after) + len(after)) + 1
    return explain_word(TEXT, at, {"pay": pay}.get)


class TestExplainWord:
    @pytest.mark.parametrize(
        ("word", "after", "part"),
        [
            ("context", "", "data of the machine"),
            ("retry", "", "How often to try again"),
            ("max_attempts", "", "first one included"),
            ("min", "", "at least"),
            ("after", "", "Timers"),
            ("paying", "to: ", "State paying"),
            ("cart", "2s: ", "where it begins"),
            ("submit", "", "cart → paying"),
            ("swipe", "", "paying.card → cash"),
            ("pay", "run: {do: ", "async pay(amount:"),
        ],
    )
    def test_a_word_is_explained(self, word, after, part):
        """By what the language, the text or the notebook says of it."""
        assert part.lower() in explained(word, after=after).lower()

    def test_an_unknown_word_is_left_alone(self):
        """Nothing is made up."""
        assert explain_word("nonsense", 3, {}.get) is None


class TestWordsAt:
    @pytest.mark.parametrize(
        ("tail", "word"),
        [
            ("    on: {add: {to: pa", "paying"),
            ("    on: {su", "submit"),
            ("    entry: [wa", "warn"),
            ("    entry:\n      - se", "set"),
            ("    entry:\n      - wa", "warn"),
            ("    run: {ti", "timeout"),
            ("    entry: {set: {it", "items"),
            ("    entry: {set: {items: $con", "$context.items"),
            ("    on: {add: {if: {con", "context.paid"),
            ("    on: {add: {if: {context.items: {mi", "min"),
            ("    final: t", "true"),
            ("scenarios:\n  - {send: [su", "submit"),
            ("scenarios:\n  - ex", "expect"),
            ("  paying:\n    initial: ca", "card"),
        ],
    )
    def test_what_may_stand_there_is_offered(self, tail, word):
        """Keys of the place, names of the text, functions of the notebook."""
        text = TEXT + tail

        assert word in words_at(text, len(text), ["warn", "pay"])

    @pytest.mark.parametrize("text", ["", "{", "a:\n- - -", "\t:", '"', "x: [{", "]}"])
    def test_any_text_can_be_typed(self, text):
        """However broken, there is an answer."""
        for at in range(len(text) + 1):
            words_at(text, at, [])
            explain_word(text, at, {}.get)
