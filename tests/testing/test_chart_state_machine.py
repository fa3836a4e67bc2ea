"""Hypothesis state machines made from charts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import flexiflow.testing
from flexiflow.errors import ActionError, MissingExtraError
from flexiflow.statechart import Functions, load_chart
from flexiflow.testing import chart_state_machine, check_chart

SHOP = """\
name: shop
context: {stock: 2}
states:
  open:
    on:
      sell: {if: {n: {min: 1}}, do: {add: {stock: -1}}}
      refill: {if: {context.stock: {lt: 1}}, do: {set: {stock: 2}}}
      close: shut
  shut: {on: {open: open}}
"""
FAST = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def never_negative(machine):
    """Hold that nothing is sold that is not there."""
    assert machine.context["stock"] >= 0


@pytest.mark.timeout(120)
class TestChecking:
    def test_failure_is_the_shortest_path(self):
        """Three sales from a stock of two, drawn from the start."""
        with pytest.raises(AssertionError) as caught:
            check_chart(load_chart(SHOP), invariants=[never_negative], settings=FAST)

        (note,) = [one for one in caught.value.__notes__ if "The way there" in one]
        assert note == (
            "The way there:\n\n"
            "open\n"
            '  │ sell {"n": 1}\n  ▼\nopen\n'
            '  │ sell {"n": 1}\n  ▼\nopen\n'
            '  │ sell {"n": 1}\n  ▼\nopen\n'
        )

    def test_chart_that_keeps_its_rule_passes(self):
        """Nothing is found where there is nothing."""
        guarded = SHOP.replace(
            "if: {n: {min: 1}}", "if: {n: {min: 1}, context.stock: {min: 1}}"
        )

        check_chart(load_chart(guarded), invariants=[never_negative], settings=FAST)

    def test_failing_action_is_found(self):
        """A step that raises is a failure, without any invariant."""
        chart = load_chart(
            "name: x\ncontext: {n: null}\n"
            "states: {a: {on: {m: b}}, b: {on: {k: {do: {add: {n: 1}}}}}}\n"
        )
        with pytest.raises(ActionError, match="add cannot be done") as caught:
            check_chart(chart, settings=FAST)

        assert "  │ m\n  ▼\nb\n  │ k\n  ✗ k failed" in "".join(caught.value.__notes__)

    def test_timers_and_services_are_driven(self):
        """Time passes, services answer and fail by themselves."""
        chart = load_chart(
            "name: x\nstates:\n  a: {after: {3s: b}}\n"
            "  b: {run: work, done: c, error: d}\n  c: {after: {1h: e}}\n  d:\n  e:\n"
        )
        for wanted in ("d", "e"):

            def never(machine, wanted=wanted):
                assert wanted not in machine.leaves

            with pytest.raises(AssertionError) as caught:
                check_chart(chart, invariants=[never], settings=FAST)
            note = "".join(caught.value.__notes__)
            assert "timer of a" in note
            assert ("failure of b" if wanted == "d" else "end of b") in note

    def test_fields_that_actions_take_are_sent(self):
        """A message brings what its transition needs."""
        chart = load_chart(
            "name: x\ncontext: {n: 0, who: null}\nstates:\n"
            "  a: {on: {pay: {do: [{add: {n: $message.sum.net}}, "
            "{set: {who: $message.by}}]}}}\n"
        )

        def never(machine):
            assert machine.context["n"] < 7

        with pytest.raises(AssertionError) as caught:
            check_chart(chart, invariants=[never], settings=FAST)
        assert '"net": 7' in "".join(caught.value.__notes__)

    def test_guards_that_are_missing_answer_at_random(self):
        """Both ways are tried; a guard that is there is asked."""
        chart = load_chart("name: x\nstates: {a: {on: {m: {to: b, if: maybe}}}, b: }")

        def never(machine):
            assert "b" not in machine.leaves

        with pytest.raises(AssertionError):
            check_chart(chart, invariants=[never], settings=FAST)
        no = Functions({"maybe": lambda: False})
        check_chart(chart, invariants=[never], settings=FAST, functions=no)

    def test_messages_of_ones_own(self):
        """A strategy says what is sent."""
        seen = set()
        chart = load_chart("name: x\nstates: {a: {on: {'*': {do: {log: x}}}}}")

        def note(machine):
            seen.update(one.message["type"] for one in machine.trace[1:])

        check_chart(
            chart,
            invariants=[note],
            settings=FAST,
            messages=st.just({"type": "only"}),
        )

        assert seen == {"only"}


class TestStateMachine:
    def test_is_collected_by_pytest(self):
        """TestCase is what Hypothesis gives any state machine."""
        made = chart_state_machine(load_chart(SHOP))

        assert made.__name__ == "ChartStateMachine_shop"
        assert hasattr(made.TestCase, "runTest")

    def test_invariants_keep_their_names(self):
        """A failure of Hypothesis names the rule that was broken."""
        made = chart_state_machine(load_chart(SHOP), invariants=[never_negative])

        assert hasattr(made, "check_0_never_negative")


class TestExtra:
    def test_hypothesis_is_imported_when_used(self):
        """Importing flexiflow.testing and its names does without."""
        code = (
            "import sys, flexiflow.testing as t\n"
            "[getattr(t, name) for name in t.__all__]\n"
            "print('hypothesis' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout.strip() == "False"

    def test_missing_hypothesis_is_named(self, monkeypatch):
        """The error says what to install."""
        monkeypatch.setitem(sys.modules, "hypothesis", None)
        monkeypatch.setitem(sys.modules, "hypothesis.stateful", None)
        chart = load_chart(SHOP)

        with pytest.raises(MissingExtraError, match=r"flexiflow\[testing\]"):
            chart_state_machine(chart)

    def test_names(self):
        """What the package gives away, and no more."""
        assert flexiflow.testing.__all__ == [
            "ManualClock",
            "RecordingBus",
            "chart_state_machine",
            "check_chart",
            "draw_path",
        ]
        with pytest.raises(AttributeError):
            _ = flexiflow.testing.Nothing
