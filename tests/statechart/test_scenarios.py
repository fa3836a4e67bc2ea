"""Scenarios: messages in, states out, and what is said when it is not so."""

from __future__ import annotations

import pytest

from flexiflow.statechart import (
    Functions,
    load_chart,
    load_yaml,
    read_chart,
    run_scenarios,
)

DOOR = """\
name: door
context: {opened: 0}
states:
  closed: {on: {open: {to: opened, if: {by: {exists: true}}}}}
  opened:
    entry: {add: {opened: 1}}
    on: {close: closed}
    after: {30s: closed}
scenarios:
"""


def run(*scenarios, text=DOOR, **options):
    """Return the results of scenarios, each a line of YAML."""
    chart = load_chart(text + "".join(f"  - {one}\n" for one in scenarios))
    return run_scenarios(chart, **options)


class TestSteps:
    def test_time_may_pass_between_messages(self):
        """A wait stands among the messages as often as needed."""
        (result,) = run(
            "{send: [{type: open, by: A}, {advance: 30s}, {type: open, by: B}, "
            "{advance: 29s}], expect: opened, context: {opened: 2}}"
        )

        assert result, str(result)

    def test_looks_on_the_way(self):
        """States and context may be expected at any step."""
        first, second = run(
            "{send: [{expect: closed}, {type: open, by: A}, "
            "{expect: opened, context: {opened: 1}}], advance: 30s, expect: closed}",
            "{send: [{type: open, by: A}, {expect: closed}], expect: closed}",
        )

        assert first, str(first)
        assert second.text == "After open (step 1) it is in opened, not in closed."
        assert second.step == "send[1].expect"
        assert (second.expected, second.actual) == ("closed", "opened")

    def test_messages_arrive_together(self):
        """What the first one sends to the machine itself comes after the second."""
        text = (
            "name: x\nstates:\n  a: {on: {go: {to: b, do: {send: next}}}}\n"
            "  b: {on: {next: c, stop: d}}\n  c: {on: {stop: d}}\n"
            "  d: {on: {next: e}}\n  e:\nscenarios:\n"
        )
        apart, together = run(
            "{send: [go, stop], expect: d}",
            "{send: [{together: [go, stop]}], expect: e}",
            text=text,
        )

        assert apart, str(apart)
        assert together, str(together)

    def test_step_that_fails_is_named(self):
        """It says which message failed, and why."""
        (result,) = run(
            "{send: [a, m], expect: a}",
            text="name: x\ncontext: {n: text}\n"
            "states: {a: {on: {m: {do: {add: {n: 1}}}}}}\nscenarios:\n",
        )

        assert result.text.startswith("m (step 2): m failed: add cannot be done.")
        assert result.step == "send[1]"

    def test_message_that_did_nothing_is_explained(self):
        """The reason of the last message that was ignored goes with the difference."""
        (result,) = run("{send: [open], expect: opened}")

        assert result.text == (
            "It ends in closed, not in opened. open did nothing: "
            "by is missing; the guard wants a value (line 4)."
        )


class TestGiven:
    def test_begins_in_a_state(self):
        """A scenario may begin anywhere; timers of that state begin anew."""
        first, second = run(
            "{given: opened, send: [close], expect: closed, context: {opened: 0}}",
            "{given: {state: opened, context: {opened: 7}}, advance: 30s, "
            "expect: closed, context: {opened: 7}}",
        )

        assert first, str(first)
        assert second, str(second)

    def test_timer_has_something_left(self):
        """What is left of a timer may be said by its name."""
        (result,) = run(
            "{given: {state: opened, timers: {'after.opened#30s': 5s}}, advance: 5s, "
            "expect: closed}"
        )

        assert result, str(result)

    def test_context_alone_is_what_it_starts_with(self):
        """Without a state it starts as always, with other data."""
        (result,) = run(
            "{given: {context: {opened: 3}}, expect: closed, context: {opened: 3}}"
        )

        assert result, str(result)

    def test_history_and_regions(self):
        """Regions are named by their leaves, history by what it remembers."""
        text = (
            "name: x\nstates:\n"
            "  off: {on: {power: on.last}}\n"
            "  on:\n"
            "    states: {low: , high: , last: {history: deep}}\n"
            "  both: {parallel: {l: {states: {a: , b: }}, r: {states: {c: , d: }}}}\n"
            "scenarios:\n"
        )
        first, second, third = run(
            "{given: {state: off, history: {on.last: high}}, send: [power], "
            "expect: high}",
            "{given: [b, d], expect: [b, d]}".replace(
                "given: [b, d]", "given: {state: [b, d]}"
            ),
            "{given: {state: [a, b]}, expect: a}",
            text=text,
        )

        assert first, str(first)
        assert second, str(second)
        assert third.text.startswith("a, b are not active together.")

    def test_unknown_state_is_told(self):
        """The scenario fails; near misses first."""
        (result,) = run("{given: opend, expect: closed}")

        assert '"opend" names no state of door. States: opened' in result.text


class TestPlaces:
    @pytest.mark.parametrize(
        ("scenario", "line", "column"),
        [
            ("{send: [{type: open, by: A}], expect: closed}", 10, 43),
            ("{send: [{expect: opened}], expect: closed}", 10, 22),
            ("{expect: closed, context: {opened: 2}}", 10, 32),
        ],
    )
    def test_difference_has_its_place(self, scenario, line, column):
        """The line and column of what was expected."""
        (result,) = run(scenario)

        assert (result.place.line, result.place.column) == (line, column)

    def test_is_told_to_people(self):
        """Name, place, expected and actual, a line for each."""
        (result,) = run("{name: A visit, send: [close], expect: opened}")

        assert result.format().splitlines() == [
            "✗ A visit (<text>:10:44)",
            "    It ends in closed, not in opened. close did nothing: "
            + result.trace[-1].why_not,
            "    expected: opened",
            "    actual:   closed",
        ]

    @pytest.mark.parametrize(
        "scenario",
        [
            "{expect: opend}",
            "{send: [{expect: opend}], expect: opened}",
            "{given: opend, expect: opened}",
        ],
    )
    def test_unknown_state_is_warned_of(self, scenario):
        """A scenario that expects no state of the chart is told when it is loaded."""
        chart, (problem,) = read_chart(load_yaml(f"{DOOR}  - {scenario}"))

        assert chart is not None
        assert problem.level == "warning"
        assert "a state that does not exist: 'opend'" in problem.what
        assert problem.fix == "Did you mean opened?"
        assert problem.place.line == 10


class TestOptions:
    def test_rules_stand_in(self):
        """Guards that test the rules see those that are handed in."""
        text = (
            "name: x\nstates: {a: {on: {m: {to: b, if: {rules.0.n: 1}}}}, b: }\n"
            "scenarios:\n"
        )
        (result,) = run("{send: [m], expect: b}", text=text, rules=[{"n": 1}])

        assert result, str(result)

    def test_guards_are_called(self):
        """Guards have no side effects: those that are not faked are asked."""
        text = "name: x\nstates: {a: {on: {m: {to: b, if: even}}}, b: }\nscenarios:\n"
        functions = Functions({"even": lambda message: message["n"] % 2 == 0})
        first, second = run(
            "{send: [{type: m, n: 2}], expect: b}",
            "{send: [{type: m, n: 2}], fake: {even: false}, expect: a}",
            text=text,
            functions=functions,
        )

        assert first, str(first)
        assert second, str(second)
