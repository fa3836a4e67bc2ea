"""What a machine would do: can, accepted, why not, and with which fields."""

from __future__ import annotations

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.statechart import Functions, chart_fields, load_chart

TURNSTILE = """name: turnstile
context: {coins: 0}
states:
  locked:
    on:
      coin: unlocked
      pay: {to: unlocked, if: {items: {min: 1}}}
      check:
        - {to: unlocked, if: {code: {one_of: [1, 2]}}}
        - {to: ended, if: rich}
  unlocked:
    on: {push: locked, open: wide}
  wide:
    on: {close: locked}
  ended: {final: true}
"""


class Host:
    """A component, as far as a machine knows it."""

    name = "turnstile"
    rules = ()


@pytest.fixture
def made():
    """Return a machine that stands in locked."""
    functions = Functions({"rich": lambda: False})
    return ChartMachine(load_chart(TURNSTILE, functions=functions), functions=functions)


def why(made, type, **fields):
    """Return why a message does nothing, as text."""
    return str(made.why_not({"type": type, **fields}, Host()))


class TestAccepted:
    def test_lists_what_works_bare_in_document_order(self, made):
        """Guards are evaluated with a message that has a type alone."""
        assert made.accepted(Host()) == ("coin",)

        made.handle_nowait({"type": "coin"})

        assert made.accepted(Host()) == ("push", "open")

    def test_guard_that_raises_is_not_accepted(self):
        """A question never raises."""
        functions = Functions({"bad": lambda: 1 / 0})
        chart = load_chart("name: x\nstates: {a: {on: {m: {to: a, if: bad}}}}")
        made = ChartMachine(chart, functions=functions)

        assert made.accepted(Host()) == ()
        assert not made.can({"type": "m"}, Host())
        assert "ZeroDivisionError in the guard bad" in why(made, "m")

    def test_guard_that_raises_hides_what_comes_after_it(self):
        """The message would fail, so there is a reason though the next would do."""
        functions = Functions({"bad": lambda: 1 / 0})
        chart = load_chart(
            "name: x\n"
            "states: {a: {on: {m: [{if: {k: 1}, to: a}, {to: a, if: bad}, a]}}}"
        )
        made = ChartMachine(chart, functions=functions)

        assert not made.can({"type": "m"}, Host())
        assert "ZeroDivisionError in the guard bad" in why(made, "m")
        assert why(made, "m", k=1) == ""

    def test_asking_changes_nothing(self, made):
        """Questions leave state and context as they are."""
        before = made.data()
        made.can({"type": "coin"}, Host())
        made.why_not({"type": "coin"}, Host())

        assert made.data() == before


class TestWhyNot:
    def test_nothing_is_said_when_it_works(self, made):
        """A message that does something has no reason against it."""
        answer = made.why_not({"type": "coin"}, Host())

        assert not answer
        assert str(answer) == ""

    def test_wrong_state_names_the_right_one_and_the_way(self, made):
        """Where it is accepted, and what leads there."""
        answer = made.why_not({"type": "push"}, Host())

        assert str(answer) == (
            "Not in locked. It is accepted in unlocked. Send coin first."
        )
        assert answer.accepted_in == ("unlocked",)
        assert answer.send_first == "coin"

    def test_longer_way_is_told_step_by_step(self, made):
        """Two messages lead to wide."""
        assert why(made, "close").endswith("Send coin, then open first.")

    def test_clause_and_value_are_named(self, made):
        """The field, its value, what is wanted, and the line."""
        answer = made.why_not({"type": "pay", "items": 0}, Host())
        candidate = answer.candidates[0]

        assert str(answer) == "items is 0; the guard wants at least 1 (line 7)."
        assert (candidate.clause, candidate.expected) == ("items", "at least 1")
        assert (candidate.actual, candidate.line) == (0, 7)
        assert (candidate.source, candidate.target) == ("locked", "unlocked")

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({}, "items is missing; the guard wants at least 1 (line 7)."),
            ({"items": None}, "items is null; the guard wants at least 1 (line 7)."),
            (
                {"items": []},
                "items has length 0; the guard wants at least 1 (line 7).",
            ),
        ],
    )
    def test_value_is_shown_as_it_is(self, made, fields, text):
        """Missing, null and empty are told apart."""
        assert why(made, "pay", **fields) == text

    def test_each_candidate_is_named(self, made):
        """Every transition on the message says what it wants."""
        assert why(made, "check", code=3) == (
            "code is 3; the guard wants one of 1, 2 (line 9). "
            "The guard rich says no (line 10)."
        )

    def test_unknown_message_is_compared_with_known_ones(self, made):
        """A typo is answered with what was meant."""
        assert why(made, "coinn") == (
            "turnstile knows no message 'coinn'. Did you mean coin?"
        )
        assert why(made, "xyzzy") == (
            "turnstile knows no message 'xyzzy'. Accepted now: coin."
        )

    def test_end_is_said(self):
        """What has ended takes nothing."""
        made = ChartMachine(
            load_chart("name: order\nstates: {a: {on: {m: b}}, b: {final: true}}")
        )
        made.handle_nowait({"type": "m"})

        assert why(made, "m") == "order has ended in b. It takes no more messages."

    def test_message_without_type_is_said(self, made):
        """A question about nothing is answered too."""
        assert "no type" in str(made.why_not({}, Host()))

    def test_hostile_message_is_shown_as_data(self, made):
        """Markup in a message's type stays text."""
        assert "'<img onerror=x>'" in why(made, "<img onerror=x>")

    @pytest.mark.parametrize(
        ("guard", "text"),
        [
            ("{not: {n: 1}}", "n is 1; the guard wants it not 1 (line 2)."),
            (
                "{any: [{n: 2}, {n: 3}]}",
                (
                    "One of these is wanted: n is 1; the guard wants 2 (line 2). "
                    "n is 1; the guard wants 3 (line 2)."
                ),
            ),
            ("{in: b}", "b is not active; the guard wants it to be (line 2)."),
            (
                "{context.k: {type: string}}",
                "context.k is 5; the guard wants a string (line 2).",
            ),
        ],
    )
    def test_combined_guards_are_worded(self, guard, text):
        """Whatever a guard is made of, its reason is a sentence."""
        made = ChartMachine(
            load_chart(
                "name: x\nstates: {a: {on: {m: {to: b, if: " + guard + "}}}, b: }\n"
                "context: {k: 5}"
            )
        )

        assert why(made, "m", n=1) == text


class TestFields:
    @pytest.mark.parametrize(
        ("guard", "kind", "hint", "more"),
        [
            ("{n: {min: 1}}", "number", "at least 1", ((), True)),
            ("{n: {lt: 5}}", "number", "less than 5", ((), True)),
            ("{n: yes please}", "text", '"yes please"', ((), True)),
            ("{n: true}", "boolean", "true", ((), True)),
            ("{n: {one_of: [1, b]}}", "choice", 'one of 1, "b"', ((1, "b"), True)),
            ("{n: {type: list}}", "json", "a list", ((), True)),
            ("{n: {exists: false}}", "json", "no value", ((), False)),
            ("{n.k: 1}", "json", "1", ((), True)),
            ("{n: $context.x}", "json", "context.x", ((), True)),
            ("{any: [{n: 1}, {n: 2}]}", "choice", "1 or 2", ((1, 2), False)),
        ],
    )
    def test_field_is_described_by_its_tests(self, guard, kind, hint, more):
        """How it is edited, what is wanted, and whether it must be there."""
        chart = load_chart(
            "name: x\nstates: {a: {on: {m: {to: a, if: " + guard + "}}}}"
        )
        (field,) = chart_fields(chart, "m", ["a"])

        assert (field.name, field.kind, field.hint) == ("n", kind, hint)
        assert (field.choices, field.required) == more

    def test_fields_that_actions_read_are_listed_too(self):
        """What do refers to is worth filling in."""
        chart = load_chart(
            "name: x\nstates: {a: {on: {m: {do: {set: {o: $message.order_id}}}}}}"
        )

        assert [field.name for field in chart_fields(chart, "m", ["a"])] == ["order_id"]

    def test_message_without_guards_has_no_fields(self):
        """Nothing to edit, nothing shown."""
        chart = load_chart(TURNSTILE)

        assert chart_fields(chart, "coin", ["locked"]) == ()
        assert chart_fields(chart, "pay", ["unlocked"]) == ()
