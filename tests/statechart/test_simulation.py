"""The sandbox and the scenarios that run in it."""

from __future__ import annotations

import pytest

from flexiflow.errors import ActionError, ConfigError, FlexiFlowError, StateError
from flexiflow.statechart import Functions, load_chart
from flexiflow.statechart.ports import Emit
from flexiflow.statechart.scenarios import run_scenarios
from flexiflow.statechart.simulation import Simulation

ORDER = """
name: order
context: {order_id: null, attempts: 0, receipt: null}
initial_state: cart
states:
  cart:
    on:
      submit: {to: charging, if: {items: {min: 1}}, do: {set: {order_id: $message.id}}}
  charging:
    entry: {add: {attempts: 1}}
    run: {do: charge_card, with: {order: $context.order_id}, timeout: 10s}
    done: {to: shipping, do: {set: {receipt: $result}}}
    error:
      - {to: backoff, if: {context.attempts: {lt: 3}}}
      - {to: failed}
    on: {cancel: cancelled}
  backoff:
    after: {2s: charging}
  shipping:
    on: {shipped: delivered}
    after: {48h: {to: failed, do: [{emit: order.late}, notify_support]}}
  delivered: {final: true}
  cancelled: {final: true}
  failed: {final: true}
SCENARIOS
"""


def order(scenarios=""):
    """Return the order chart, with scenarios."""
    return load_chart(ORDER.replace("SCENARIOS", scenarios))


class TestSimulation:
    def test_nothing_is_called_that_is_not_faked(self):
        """An action without a fake is recorded, and marked in the trace."""
        called = []
        functions = Functions({"notify_support": lambda: called.append(1)})
        made = Simulation(order(), fake={"charge_card": "R-1"}, functions=functions)
        made.send("submit", items=1)
        made.advance("48h")

        assert made.leaves == {"failed"}
        assert called == []
        assert [(call.name, call.is_faked) for call in made.calls] == [
            ("charge_card", True),
            ("notify_support", False),
        ]
        assert made.trace[-1].effects[-1] == Emit("order.late")

    def test_service_that_is_not_faked_never_answers(self):
        """It is recorded; its time runs out by the virtual clock."""
        made = Simulation(order())
        made.send("submit", items=1)
        made.advance(9)
        before = made.state
        made.advance(1)

        assert (before, made.state) == ("charging", "backoff")
        assert made.now_s == 10

    def test_scripted_service(self):
        """Answers follow one another; the last is repeated."""
        made = Simulation(order(), fake={"charge_card": ["error", {"result": "R-2"}]})
        made.send({"type": "submit", "items": 2, "id": "A1"})
        made.advance("2s")

        assert made.paths == ("shipping",)
        assert made.context == {"order_id": "A1", "attempts": 2, "receipt": "R-2"}

    def test_callable_fake_sees_its_arguments(self):
        """A fake may compute its answer."""
        made = Simulation(order(), fake={"charge_card": lambda order: f"for {order}"})
        made.send("submit", items=1, id="A7")

        assert made.context["receipt"] == "for A7"

    def test_callable_fake_is_filled_as_the_function_it_stands_for(self):
        """Actions, guards and services take their parameters by name in fakes too."""
        chart = load_chart(
            "name: d\ncontext: {n: 0}\nstates:\n"
            "  a: {on: {m: {to: b, if: g, do: {call: f, with: {by: 2}}}}}\n"
            "  b: {run: s, done: {to: c, do: {set: {r: $result}}}}\n  c:\n"
        )
        fakes = {
            "f": lambda context, by, state: {"n": context["n"] + by, "s": state},
            "g": lambda message: message.get("k") == 1,
            "s": lambda context, message, state: [context["n"], message["k"], state],
        }
        made = Simulation(chart, fake=fakes)

        assert not made.send("m", k=0)
        made.send("m", k=1)
        assert made.paths == ("c",)
        assert made.context == {"n": 2, "s": "a", "r": [2, 1, "b"]}

    @pytest.mark.parametrize(
        "text",
        [
            "name: d\nstates: {a: {on: {m: {do: {send: m}}}}}",
            "name: d\nstates: {a: {on: {m: b}}, b: {run: s, done: b}}",
        ],
    )
    def test_chart_that_never_rests_is_told_soon(self, text):
        """What follows at once has a limit of its own, below that of all time."""
        made = Simulation(load_chart(text), fake={"s": 1})

        with pytest.raises(FlexiFlowError, match="does not come to rest") as caught:
            made.send("m")

        assert "10,000" in str(caught.value)
        assert len(made.trace) < 10_010

    def test_ignored_message_says_why(self):
        """The trace holds the reason."""
        made = Simulation(order())

        assert made.send("submit") is False
        assert "items is missing" in made.trace[-1].why_not
        assert "items is missing" in str(made.why_not("submit"))
        assert not made.can("submit")

    def test_faked_action_may_fail(self):
        """A failing action is an error of whoever sent the message."""
        chart = load_chart("name: x\nstates: {a: {on: {m: {to: a, do: f}}}}")
        made = Simulation(chart, fake={"f": {"error": "no line"}})

        with pytest.raises(ActionError, match="m failed: FakeError in f"):
            made.send("m")
        assert made.state == "a"

    def test_faked_action_changes_the_context(self):
        """A fake's mapping counts as a function's does."""
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: f}}}}")
        made = Simulation(chart, {"n": 1}, fake={"f": {"n": 2, "k": 3}})
        made.send("m")

        assert made.context == {"n": 2, "k": 3}

    def test_guards_are_called_or_faked(self):
        """Guards have no side effects: they are asked."""
        chart = load_chart("name: x\nstates: {a: {on: {m: {to: b, if: g}}}, b: }")
        real = Simulation(chart, functions=Functions({"g": lambda: True}))
        faked = Simulation(chart, fake={"g": [False, True]})

        assert real.accepted() == ("m",)
        assert not faked.send("m")
        assert faked.send("m")

    def test_asking_uses_up_no_answer(self):
        """What is asked of a sandbox does not change what it does next."""
        chart = load_chart("name: x\nstates: {a: {on: {m: {to: b, if: g}}}, b: }")
        made = Simulation(chart, fake={"g": [False, True]})
        asked = (made.can("m"), made.accepted(), bool(made.why_not("m")))
        made.send("m")

        assert asked == (False, (), True)
        assert "The guard g says no" in made.trace[-1].why_not
        assert made.can("m")

    def test_snapshot_begins_elsewhere(self):
        """What-if goes on from any snapshot, and leaves it alone."""
        made = Simulation(order(), fake={"charge_card": "R"})
        made.send("submit", items=1)
        other = Simulation(order(), snapshot=made.snapshot)
        other.send("shipped")

        assert (made.state, other.state) == ("shipping", "delivered")
        assert other.finished

    def test_service_takes_its_time(self):
        """A faked service takes as long as `after` says; messages go on meanwhile."""
        answer = {"result": "R-1", "after": "3s"}
        made = Simulation(order(), fake={"charge_card": answer})
        made.send("submit", items=1)
        made.advance(2)
        before = (made.state, made.services)
        made.advance(1)

        assert before == ("charging", ("charging",))
        assert (made.state, made.services) == ("shipping", ())

    def test_answer_comes_too_late(self):
        """A service that is slower than its timeout has failed."""
        slow = [{"result": 1, "after": "10s"}, {"never": True}, {"result": 2}]
        made = Simulation(order(), fake={"charge_card": slow})
        made.send("submit", items=1)
        made.advance(10)
        first = made.state
        made.advance(2 + 10 + 2)

        assert first == "backoff"
        assert made.context["receipt"] == 2

    def test_answer_of_a_state_that_was_left_is_dropped(self):
        """It belongs to an entry that is over."""
        answers = [{"error": "late", "after": "3s"}, {"result": 1, "after": "5s"}]
        made = Simulation(order(), fake={"charge_card": answers})
        made.send("submit", items=1)
        made.send("cancel")
        made.advance("1h")

        assert made.state == "cancelled"

    def test_faked_error_looks_like_another(self):
        """A type and a message stand for an error of the user's."""
        chart = load_chart(
            "name: x\ncontext: {e: null}\nstates: {a: {run: f, "
            "error: {to: b, do: {set: {e: $error}}}}, b: }"
        )
        error = {"type": "TimeoutError", "message": "too slow"}
        made = Simulation(chart, fake={"f": {"error": error}})

        assert made.context == {"e": error}

    def test_services_are_answered_by_hand(self):
        """What-if decides when a service ends, and how."""
        made = Simulation(order())
        made.send("submit", items=1)
        made.fail("charging", "no line")
        failed = made.state
        made.advance(2)
        made.answer("charging", "R-3")

        assert failed == "backoff"
        assert (made.state, made.context["receipt"]) == ("shipping", "R-3")
        with pytest.raises(StateError, match="No service runs in 'charging'"):
            made.answer("charging")

    def test_service_is_tried_again(self):
        """A failure by hand counts as a try, with its pause."""
        chart = load_chart(
            "name: x\nstates: {a: {run: {do: f, retry: {max_attempts: 2}}, "
            "done: b, error: c}, b: , c: }"
        )
        made = Simulation(chart)
        made.fail("a")
        before = (made.state, made.services, len(made.calls))
        made.advance(1)
        made.fail("a")

        assert before == ("a", ("a",), 1)
        assert (made.state, len(made.calls)) == ("c", 2)

    def test_snapshot_goes_on_with_what_is_left(self):
        """Timers of a snapshot run when it is said what is left of them."""
        made = Simulation(order(), fake={"charge_card": "error"})
        made.send("submit", items=1)
        still = Simulation(order(), snapshot=made.snapshot)
        anew = Simulation(order(), snapshot=made.snapshot, left={})
        name = next(iter(made.snapshot.configuration.nodes[0].timers))
        late = Simulation(order(), snapshot=made.snapshot, left={name: 0.5})
        for one in (still, anew, late):
            one.advance(1)
        states = [one.state for one in (still, anew, late)]
        anew.advance(1)

        assert states == ["backoff", "backoff", "charging"]
        assert (anew.state, anew.services) == ("charging", ("charging",))

    def test_sends_to_others_are_noted(self):
        """Nothing leaves the sandbox."""
        chart = load_chart(
            "name: x\nstates: {a: {on: {m: {do: {send: {type: n, to: y}}}}}}"
        )
        made = Simulation(chart)
        made.send("m")

        assert [(one.to, one.message) for one in made.sent] == [("y", {"type": "n"})]

    def test_milliseconds_are_exact(self):
        """565 ms have gone by after 0.565 s, to the last digit."""
        chart = load_chart("name: x\nstates: {a: {after: {565ms: b}}, b: }")
        simulation = Simulation(chart)

        simulation.advance(0.565)

        assert simulation.leaves == {"b"}

    def test_try_is_not_begun_in_a_state_that_a_timer_leaves(self):
        """A timer and the next try of a service at one instant: the timer is first."""
        chart = load_chart(
            "name: x\nstates:\n  b:\n"
            "  a: {after: {1s: a}, run: {do: f, retry: {max_attempts: 3}}, done: b}\n"
            "initial_state: a\n",
            functions={"f": lambda: None},
        )
        never, slow = {"never": True}, {"result": "text", "after": "270ms"}
        made = Simulation(chart, fake={"f": [never, "error", slow, never]})

        made.advance(2.5)

        assert made.leaves == {"b"}

    def test_duration_must_be_one(self):
        """Time goes on by a duration."""
        with pytest.raises(ConfigError, match="not a duration"):
            Simulation(order()).advance("soon")

    def test_endless_messages_are_stopped(self):
        """A chart that sends itself messages for ever is an error."""
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: {send: m}}}}}")

        with pytest.raises(FlexiFlowError, match="does not come to rest"):
            Simulation(chart).send("m")


class TestScenarios:
    def test_contract_example(self):
        """Three tries, two of which fail, then the parcel."""
        (result,) = run_scenarios(
            order("""
scenarios:
  - send: [{type: submit, items: 2, id: A1}]
    fake: {charge_card: [error, error, {result: R-9}]}
    advance: 5s
    then: [shipped]
    expect: delivered
    context: {attempts: 3, receipt: R-9}
""")
        )

        assert result, str(result)
        assert result.states == ("delivered",)

    @pytest.mark.parametrize(
        ("scenario", "text"),
        [
            (
                "{send: [submit], expect: charging}",
                "not in charging. submit did nothing: items is missing",
            ),
            ("{send: [], expect: [cart, failed]}", "not in cart, failed"),
            ("{expect: cart, context: {attempts: 1}}", "attempts is 0, not 1."),
            ("{expect: cart, context: {foo: 1}}", "foo is missing, not 1."),
        ],
    )
    def test_failure_says_what_differs(self, scenario, text):
        """The first difference, in words."""
        (result,) = run_scenarios(order(f"scenarios: [{scenario}]"))

        assert not result
        assert text in str(result)

    def test_regions_are_all_expected(self):
        """A scenario names every active leaf, in any order."""
        chart = load_chart(
            "name: x\nparallel: {a: {states: {c: }}, b: {states: {d: }}}\n"
            "scenarios: [{expect: [d, a.c]}, {expect: d}]"
        )
        first, second = run_scenarios(chart)

        assert first
        assert second.text == "It is in a.c as well."

    def test_error_is_told_not_raised(self):
        """A scenario that breaks has failed."""
        chart = load_chart(
            "name: x\ncontext: {n: text}\n"
            "states: {a: {on: {m: {do: {add: {n: 1}}}}}}\n"
            "scenarios: [{send: [m], expect: a}]"
        )
        (result,) = run_scenarios(chart)

        assert "m failed: add cannot be done." in result.text
