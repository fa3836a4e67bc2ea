"""A machine over a chart: what messages do, and what errors leave unchanged."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ActionError
from flexiflow.statechart import Emit, Functions, Log, load_chart
from flexiflow.statechart.functions import UnresolvedFunctionError
from tests.statechart.hosted import TURNSTILE, Host, bad, flat, machine, send


class TestMessages:
    def test_message_moves(self):
        """A message that a state names leads to its target."""
        pair = machine(TURNSTILE)

        assert pair[0].handle_nowait({"type": "coin"}) is True
        assert pair[0].state_name == "unlocked"
        assert pair[0].context == {"coins": 1}
        assert pair[0].last_transitions == (0,)

    def test_message_that_nobody_takes_is_ignored(self):
        """Nothing is changed, and nothing needs the full path."""
        made, _ = machine(TURNSTILE)

        assert made.handle_nowait({"type": "push"}) is False
        assert made.handle_nowait({"type": "nothing"}) is False
        assert made.state_name == "locked"

    @pytest.mark.parametrize("message", [{}, {"type": None}, {"type": []}, {"type": 1}])
    async def test_message_without_a_type_is_ignored(self, message):
        """What is no message does nothing."""
        made, host = machine(TURNSTILE)
        taken = made.handle_nowait(message)
        if taken is None:
            taken = (await made.handle(message, host)).proceeded

        assert taken is False

    async def test_acting_in_place_leaves_no_state(self):
        """Without a target something is done, and nothing is left."""
        pair = machine(TURNSTILE)
        await send(pair, "coin")
        outcome = await send(pair, "coin")

        assert (outcome.proceeded, outcome.changed) == (True, False)
        assert pair[0].context == {"coins": 2}

    async def test_own_name_reenters(self):
        """A transition to the state itself leaves and enters it."""
        text = "name: x\nstates: {a: {entry: {log: in}, exit: {log: out}, on: {m: a}}}"
        pair = machine(text)
        await pair[0].start(pair[1])
        outcome = await send(pair, "m")

        assert outcome.changed
        assert outcome.effects == (Log("out"), Log("in"))

    async def test_first_enabled_transition_wins(self):
        """A list is tried in order."""
        pair = flat("[{to: a, if: {n: 1}}, {to: b, if: {n: 2}}]")

        assert await send(pair, "m", n=3) is False
        assert await send(pair, "m", n=2) is True
        assert pair[0].state_name == "b"

    async def test_order_of_exit_transition_entry(self):
        """What is left acts first, then the transition, then what is entered."""
        seen = []
        pair = machine(
            """
name: x
states:
  a: {exit: out, on: {m: {to: b, do: go}}}
  b: {entry: come}
""",
            out=lambda state: seen.append(f"out {state}"),
            go=lambda state: seen.append(f"go {state}"),
            come=lambda state: seen.append(f"come {state}"),
        )
        await send(pair, "m")

        assert seen == ["out a", "go a", "come b"]

    async def test_patterns_take_types_in_document_order(self):
        """``door.*`` covers door and what begins with door., ``*`` all."""
        text = "name: x\nstates: {a: {on: {door.*: b, '*': c}}, b: , c: }"
        for kind, state in [("door", "b"), ("door.x.y", "b"), ("doors", "c")]:
            pair = machine(text)
            await send(pair, kind)

            assert pair[0].state_name == state

    async def test_star_before_a_name_takes_it(self):
        """Document order decides, not how much a pattern says."""
        pair = machine("name: x\nstates: {a: {on: {'*': b, m: c}}, b: , c: }")
        await send(pair, "m")

        assert pair[0].state_name == "b"

    async def test_top_level_on_holds_everywhere(self):
        """A message of the top level is taken in every state, after the state's own."""
        text = "name: x\non: {reset: a, m: c}\nstates: {a: {on: {m: b}}, b: , c: }"
        pair = machine(text)
        await send(pair, "m")
        first = pair[0].state_name
        await send(pair, "m")
        second = pair[0].state_name
        await send(pair, "reset")

        assert (first, second, pair[0].state_name) == ("b", "c", "a")

    async def test_rules_are_seen_by_guards_and_functions(self):
        """Rules are the component's, as they are now."""
        seen = []
        pair = machine(
            "name: x\nstates: {a: {on: {m: {if: {rules.0.k: 1}, do: f}}}}",
            [{"k": 1}],
            f=lambda rules: seen.append(rules[0]["k"]),
        )
        await send(pair, "m")
        pair[1].rules[0]["k"] = 2
        outcome = await send(pair, "m")

        assert seen == [1]
        assert not outcome.proceeded

    async def test_final_state_takes_nothing(self):
        """The end is the end."""
        pair = machine("name: x\nstates: {a: {on: {m: b}}, b: {final: true}}")
        await send(pair, "m")

        assert pair[0].is_finished
        assert await send(pair, "m") is False

    async def test_raised_message_is_handled_in_the_same_step(self):
        """Raise goes before all messages from outside, and is one step with it."""
        pair = machine(
            "name: x\nstates: {a: {on: {m: {to: b, do: {raise: {type: n, k: 1}}}}}, "
            "b: {on: {n: {to: c, if: {k: 1}}}}, c: }"
        )
        outcome = await send(pair, "m")

        assert outcome.changed
        assert pair[0].state_name == "c"
        assert pair[0].last_transitions == (0, 1)

    async def test_machine_that_never_rests_is_stopped(self):
        """A chart that goes on by itself for ever is an error, not a hang."""
        pair = machine("name: x\nstates: {a: {on: {m: {do: {raise: m}}}}}")

        with pytest.raises(ActionError, match="does not come to rest"):
            await send(pair, "m")


class TestActions:
    @pytest.mark.parametrize(
        ("do", "context"),
        [
            ("{set: {n: 2}}", {"n": 2}),
            ("{set: {k: $message.x}}", {"n": 1, "k": 5}),
            ("{set: {k: {deep: [$context.n]}}}", {"n": 1, "k": {"deep": [1]}}),
            ("{set: {k: $$x}}", {"n": 1, "k": "$x"}),
            ("{set: {k: $message.none}}", {"n": 1, "k": None}),
            ("{add: {n: 2}}", {"n": 3}),
            ("{add: {n: -0.5}}", {"n": 0.5}),
            ("{add: {n: $message.x}}", {"n": 6}),
            ("{add: {k: 1}}", {"n": 1, "k": 1}),
            ("[{set: {n: 5}}, {add: {n: 1}}]", {"n": 6}),
        ],
    )
    async def test_context_is_changed(self, do, context):
        """Set gives values, add adds; references are plain look-ups."""
        pair = flat(f"{{do: {do}}}")
        await send(pair, "m", x=5)

        assert pair[0].context == context

    @pytest.mark.parametrize("to", ["", "to: b, "])
    @pytest.mark.parametrize(
        ("do", "text"),
        [
            ("{add: {n: $message.x}}", 'What is added to n is "five"'),
            ("{add: {n: $message.none}}", "What is added to n is null"),
            ("{set: {n: $message.bad}}", "n is a set, which is not JSON"),
        ],
    )
    async def test_impossible_change_is_an_error(self, to, do, text):
        """Nothing is changed, on the fast path neither."""
        pair = flat(f"{{{to}do: {do}}}")

        with pytest.raises(ActionError) as caught:
            await send(pair, "m", x="five", bad={1, 2})
        assert text in caught.value.why
        assert (pair[0].state_name, pair[0].context) == ("a", {"n": 1})

    async def test_effects_leave_in_order(self):
        """Emit and log are given out after the step, references filled in."""
        do = "[{emit: {event: e, data: {x: $message.x}}}, {log: 'n is $context.n'}]"
        outcome = await send(flat(f"{{do: {do}}}"), "m", x=[1])

        assert outcome.effects == (Emit("e", {"x": [1]}), Log("n is 1"))

    async def test_returned_mapping_updates_the_context(self):
        """A function changes the context by what it returns."""
        pair = flat("{do: f}", f=lambda: {"n": 2, "new": [1]})
        await send(pair, "m")

        assert pair[0].context == {"n": 2, "new": [1]}

    async def test_async_action_is_awaited(self):
        """Actions may take their time."""

        async def slow():
            await asyncio.sleep(0)
            return {"n": 9}

        pair = flat("{do: slow}", slow=slow)
        await send(pair, "m")

        assert pair[0].context["n"] == 9

    async def test_result_is_seen_by_the_next_action(self):
        """$result is what the last function returned."""
        pair = flat("{do: [f, {set: {n: $result}}]}", f=lambda: 7)
        await send(pair, "m")

        assert pair[0].context == {"n": 7}

    async def test_arguments_are_passed(self):
        """With gives values, references filled in."""
        pair = flat(
            "{do: {call: f, with: {x: $message.y, z: 1}}}",
            f=lambda x, z, context: {"n": x + z + context["n"]},
        )
        await send(pair, "m", y=10)

        assert pair[0].context == {"n": 12}

    @pytest.mark.parametrize(
        "change",
        [
            lambda context: context.update(n=2),
            lambda context: context.__setitem__("n", 2),
            lambda context: context["deep"].append(1),
            lambda context: context["map"].pop("k"),
        ],
    )
    async def test_context_is_read_only_for_functions(self, change):
        """Changing it in place is an error that says what to do."""

        def change_it(context):
            return change(context)

        pair = machine(
            "name: x\ncontext: {n: 1, deep: [], map: {k: 1}}\n"
            "states: {a: {on: {m: {do: f}}}}",
            f=change_it,
        )

        with pytest.raises(ActionError) as caught:
            await send(pair, "m")
        assert caught.value.fix == "Let f return a mapping with the new values."

    async def test_context_of_each_machine_is_its_own(self):
        """Two machines over one chart share nothing that changes."""
        chart = load_chart(TURNSTILE)
        one, other = ChartMachine(chart), ChartMachine(chart)
        one.handle_nowait({"type": "coin"})
        one.context["coins"] = 99

        assert (one.context, other.context) == ({"coins": 1}, {"coins": 0})

    async def test_returned_data_are_copied(self):
        """What a function keeps in hand does not change the machine later."""
        kept = {"list": []}
        pair = flat("{do: f}", f=lambda: kept)
        await send(pair, "m")
        kept["list"].append(1)

        assert pair[0].context["list"] == []

    @pytest.mark.parametrize(
        "value", [{"n": {1}}, {1: 2}, {"n": float("nan")}, {"n": object()}]
    )
    async def test_returned_mapping_must_be_json(self, value):
        """The context stays JSON."""
        pair = flat("{do: f}", f=lambda: value)

        with pytest.raises(ActionError):
            await send(pair, "m")
        assert pair[0].context == {"n": 1}


class TestErrors:
    async def test_failing_action_leaves_all_unchanged(self):
        """State and context are as before; the cause is chained."""

        def notify_support():
            msg = "no line"
            raise ValueError(msg)

        pair = machine(
            "name: x\ncontext: {n: 0}\nstates:\n"
            "  a: {on: {m: {to: b, do: [{add: {n: 1}}, {emit: e}, notify_support]}}}\n"
            "  b:\n",
            notify_support=notify_support,
        )

        with pytest.raises(ActionError) as caught:
            await send(pair, "m")
        error = caught.value
        assert error.what == "m failed: ValueError in notify_support."
        assert error.why == (
            "ValueError: no line (line 4). State and context are as before: a, n 0."
        )
        assert error.context["component"] == "host"
        assert isinstance(error.__cause__, ValueError)
        assert (pair[0].state_name, pair[0].context) == ("a", {"n": 0})

    async def test_guard_that_raises_is_an_error(self):
        """A broken guard is not false."""
        pair = flat("{to: b, if: f}", f=lambda: 1 / 0)

        with pytest.raises(ActionError, match="ZeroDivisionError in the guard f"):
            await send(pair, "m")
        assert pair[0].state_name == "a"

    async def test_guard_that_turns_out_async_is_an_error(self):
        """Something to await is no answer, and is not left behind."""

        async def later():
            return True

        def sooner():
            return later()

        pair = flat("{to: b, if: f}", f=sooner)

        with pytest.raises(ActionError, match="the guard f is async"):
            await send(pair, "m")

    async def test_function_that_is_gone_fails_clearly(self):
        """In a notebook a name may be missing at the call."""
        functions = Functions(lookup={}.get)
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: beep}}}}")
        pair = ChartMachine(chart, functions=functions), Host()

        with pytest.raises(UnresolvedFunctionError, match="m failed: no function beep"):
            await send(pair, "m")

    async def test_cancelled_step_leaves_all_unchanged(self):
        """A step given up leaves no trace."""
        begun = asyncio.Event()

        async def slow():
            begun.set()
            await asyncio.Event().wait()

        pair = flat("{to: b, do: [{set: {n: 2}}, slow]}", slow=slow)
        task = asyncio.create_task(send(pair, "m"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (pair[0].state_name, pair[0].context) == ("a", {"n": 1})

    async def test_error_transition_takes_a_failing_action(self):
        """The innermost error: around the action is taken, from where it stood."""
        pair = machine(
            """
name: x
context: {why: null, n: 0}
states:
  a:
    on: {m: {to: b, do: [{add: {n: 1}}, bad]}}
    error: {to: c, do: {set: {why: $error.message}}}
  b:
  c:
""",
            bad=bad,
        )
        outcome = await send(pair, "m")

        assert outcome.proceeded
        assert pair[0].state_name == "c"
        assert pair[0].context == {"why": "list index out of range", "n": 0}

    async def test_failing_entry_takes_the_error_of_the_state_entered(self):
        """An entry that fails is inside the state that is entered."""
        pair = machine(
            """
name: x
states:
  a: {on: {m: b}, error: a}
  b: {entry: bad, error: c}
  c:
""",
            bad=bad,
        )
        await send(pair, "m")

        assert pair[0].state_name == "c"

    async def test_error_transition_that_does_not_hold_raises(self):
        """A guard may decline; then the caller gets the error."""
        pair = machine(
            "name: x\nstates: {a: {on: {m: {to: b, do: bad}}, "
            "error: {to: b, if: {$error.type: KeyError}}}, b: }",
            bad=bad,
        )

        with pytest.raises(ActionError, match="IndexError in bad"):
            await send(pair, "m")
        assert pair[0].state_name == "a"
