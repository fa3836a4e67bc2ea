"""A machine over a chart: what messages do, and what errors leave unchanged."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ActionError, PersistenceError
from flexiflow.statechart import Emit, Functions, Log, load_chart, read_chart
from flexiflow.statechart.functions import UnresolvedFunctionError

TURNSTILE = """
name: turnstile
context: {coins: 0}
states:
  locked:
    on:
      coin: {to: unlocked, do: {add: {coins: 1}}}
  unlocked:
    on:
      push: locked
      coin: {do: {add: {coins: 1}}}
"""


class Host:
    """A component, as far as a machine knows it."""

    name = "host"

    def __init__(self, rules=()):
        self.rules = list(rules)


def machine(text, host_rules=(), **functions):
    """Return a machine over a chart's text, with functions by name."""
    known = Functions(functions)
    made = ChartMachine(load_chart(text, functions=known), functions=known)
    made_host = Host(host_rules)
    return made, made_host


async def send(pair, type, **fields):
    """Send a message as a component would."""
    made, host = pair
    message = {"type": type, **fields}
    taken = made.handle_nowait(message)
    if taken is None:
        return await made.handle(message, host)
    return taken


def bad():
    """Fail, as user code does."""
    return list(range(0))[1]


def flat(do="{}", **functions):
    """Return a machine with one state in which m does something."""
    return machine(
        f"name: x\ncontext: {{n: 1}}\nstates: {{a: {{on: {{m: {do}}}}}, b: }}",
        **functions,
    )


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


class TestStart:
    async def test_pure_entry_is_done_at_once(self):
        """What needs no component is done when the machine is made."""
        pair = machine("name: x\ncontext: {n: 0}\nstates: {a: {entry: {add: {n: 1}}}}")

        assert pair[0].is_started
        assert pair[0].context == {"n": 1}

    async def test_entry_with_functions_waits_for_start(self):
        """What needs the component is done by start."""
        seen = []
        pair = machine(
            "name: x\nstates: {a: {entry: [f, {emit: e}], on: {m: b}}, b: }",
            f=lambda component: seen.append(component.name),
        )
        before = pair[0].is_started
        outcome = await pair[0].start(pair[1])

        assert (before, pair[0].is_started) == (False, True)
        assert outcome.effects == (Emit("e"),)
        assert seen == ["host"]
        assert not (await pair[0].start(pair[1])).effects

    async def test_first_message_starts(self):
        """A machine that was not started is, with its first message."""
        pair = machine("name: x\nstates: {a: {entry: {emit: e}, on: {m: b}}, b: }")
        outcome = await send(pair, "m")

        assert outcome.effects == (Emit("e"),)
        assert pair[0].state_name == "b"

    async def test_failing_start_can_be_repeated(self):
        """An entry that fails leaves the machine at its beginning."""
        fails = [True]

        def f():
            if fails.pop():
                msg = "not yet"
                raise RuntimeError(msg)
            fails.append(False)

        fails.insert(0, False)
        pair = machine("name: x\nstates: {a: {entry: f}}", f=f)
        with pytest.raises(ActionError):
            await pair[0].start(pair[1])
        await pair[0].start(pair[1])

        assert pair[0].is_started


class TestStartWithFunctions:
    async def test_error_transition_does_not_stand_in_for_a_call(self):
        """What the first entry calls is called, though its failure would be taken."""
        called = []
        pair = machine(
            "name: x\nstates: {a: {entry: f, error: b, on: {m: c}}, b: , c: }",
            f=lambda: called.append(1),
        )
        await send(pair, "m")

        assert (pair[0].state_name, called) == ("c", [1])


class TestRedefine:
    def test_state_and_context_are_kept(self):
        """A state that still exists is kept, with the data; new keys are added."""
        made, _ = machine(TURNSTILE)
        made.handle_nowait({"type": "coin"})
        new = load_chart(TURNSTILE.replace("coins: 0", "coins: 0, total: 5"))
        found = made.redefine(new)

        assert found.kept
        assert made.state_name == "unlocked"
        assert made.context == {"coins": 1, "total": 5}
        assert made.chart is new

    def test_state_that_is_gone_starts_again(self):
        """The text says what happened."""
        made, _ = machine(TURNSTILE)
        made.handle_nowait({"type": "coin"})
        found = made.redefine(load_chart("name: order\nstates: {cart: }"))

        assert not found.kept
        assert found.text == (
            "The state unlocked is gone from the new chart. "
            "order started again in cart."
        )
        assert made.context == {}

    def test_functions_are_replaced(self):
        """A new chart brings its functions."""
        made, host = flat("{to: b, if: f}", f=lambda: False)
        text = "name: x\nstates: {a: {on: {m: {to: b, if: f}}}, b: }"
        made.redefine(load_chart(text), Functions({"f": lambda: True}))

        assert made.can({"type": "m"}, host)


class TestData:
    async def test_round_trip(self):
        """What was saved is restored, as JSON."""
        pair = machine(TURNSTILE)
        await send(pair, "coin")
        data = json.loads(json.dumps(pair[0].data()))
        other = ChartMachine.from_data(pair[0].chart, data)

        assert (other.state_name, other.context) == ("unlocked", {"coins": 1})
        assert other.data() == pair[0].data()

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 2},
            {"states": ["nowhere"]},
            {"states": []},
            {"states": ["locked", "unlocked"]},
            {"context": {"n": {1}}},
        ],
    )
    def test_data_that_do_not_fit_are_refused(self, change):
        """The machine is unchanged, and the error says why."""
        made, _ = machine(TURNSTILE)

        with pytest.raises(PersistenceError):
            made.restore({**made.data(), **change})
        assert made.state_name == "locked"

    async def test_machine_not_started_is_restored_as_such(self):
        """What was not entered is not entered by restoring."""
        pair = machine("name: x\nstates: {a: {entry: {emit: e}}}")
        other = ChartMachine.from_data(pair[0].chart, pair[0].data())

        assert not other.is_started


# --- a small interpreter, written from the contract alone -----------------------------

NAMES = ["a", "b", "c"]
GUARDS = [
    None,
    {"n": 1},
    {"context.x": {"lt": 3}},
    {"not": {"n": 1}},
    {"any": [{"n": 1}, {"context.x": 0}]},
]
DOES = [None, {"add": {"x": 1}}, {"set": {"x": "$message.n"}}, {"emit": "e"}]


def flat_charts():
    """Return data of flat charts with pure guards and actions."""
    transition = st.fixed_dictionaries(
        {},
        optional={
            "to": st.sampled_from(NAMES),
            "if": st.sampled_from(GUARDS[1:]),
            "do": st.sampled_from(DOES[1:]),
        },
    ).filter(bool)
    on = st.dictionaries(
        st.sampled_from(["m", "n", "*"]),
        st.lists(transition, min_size=1, max_size=3),
        max_size=3,
    )
    state = st.fixed_dictionaries(
        {"on": on}, optional={"entry": st.just({"add": {"x": 1}})}
    )
    return st.fixed_dictionaries(
        {
            "name": st.just("x"),
            "context": st.just({"x": 0}),
            "initial_state": st.just("a"),
            "states": st.fixed_dictionaries(dict.fromkeys(NAMES, state)),
        }
    )


def holds(guard, message, context):
    """Return whether one of GUARDS holds."""
    if guard is None:
        return True
    if "not" in guard:
        return not holds(guard["not"], message, context)
    if "any" in guard:
        return any(holds(item, message, context) for item in guard["any"])
    if "n" in guard:
        return message.get("n") == 1
    want, x = guard["context.x"], context["x"]
    if isinstance(want, dict):
        return isinstance(x, int) and x < 3
    return x == 0


def act(do, message, context, effects):
    """Do one of DOES."""
    if do is None:
        return
    if "add" in do:
        if context["x"] is None:
            raise ValueError
        context["x"] += 1
    elif "set" in do:
        context["x"] = message.get("n")
    else:
        effects.append("e")


def reference(data, state, context, message):
    """Return the next state, context and effects; None when nobody takes it."""
    effects = []
    for kind, items in data["states"][state]["on"].items():
        if kind not in {"*", message["type"]}:
            continue
        for item in items:
            if holds(item.get("if"), message, context):
                after = dict(context)
                act(item.get("do"), message, after, effects)
                target = item.get("to")
                if target is not None:
                    act(data["states"][target].get("entry"), message, after, effects)
                return target or state, after, effects
    return None


class TestWalks:
    @given(
        flat_charts(),
        st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["m", "n", "k"])},
                optional={"n": st.integers(0, 2)},
            ),
            max_size=6,
        ),
    )
    def test_flat_walk_is_as_the_contract_says(self, data, messages):
        """Any flat chart does what a small interpreter does, on both paths."""
        chart, problems = read_chart(data)
        assert chart is not None, problems
        asyncio.run(self.walk(chart, data, messages))

    async def walk(self, chart, data, messages):
        """Send messages to both and compare all that can be seen."""
        made, host = ChartMachine(chart), Host()
        state, context = "a", {"x": 0}
        act(data["states"]["a"].get("entry"), {}, context, [])
        for message in messages:
            why = made.why_not(message, host)
            assert bool(why) is not made.can(message, host)
            try:
                expected = reference(data, state, context, message)
            except ValueError:
                with pytest.raises(ActionError):
                    await send((made, host), **message)
                assert made.can(message, host)
            else:
                outcome = await send((made, host), **message)
                taken = outcome if isinstance(outcome, bool) else outcome.proceeded
                effects = () if isinstance(outcome, bool) else outcome.effects
                assert taken is (expected is not None) is made_can(why)
                if expected is not None:
                    state, context, said = expected
                    assert [item.event for item in effects] == said
            assert (made.state_name, made.context) == (state, context)


def made_can(why):
    """Return whether there was no reason against a message."""
    return not why


class TestFrozenChart:
    @pytest.mark.parametrize(
        "change",
        [
            lambda chart: chart.context["list"].append(1),
            lambda chart: chart.context.update(n=2),
            lambda chart: chart.meta["k"].clear(),
            lambda chart: chart.state("a").entry[0].values.clear(),
            lambda chart: chart.state("a").run[0].arguments["x"].pop("y"),
            lambda chart: chart.state("z").output.append(1),
            lambda chart: chart.transitions[0].meta.update(n=2),
            lambda chart: chart.transitions[0].guard.value.append(2),
        ],
    )
    def test_nothing_in_it_can_be_changed(self, change):
        """A chart is a value, however deep one reaches into it."""
        chart = load_chart(
            "name: x\ncontext: {n: 1, list: [1]}\nmeta: {k: [1]}\nstates:\n"
            "  a:\n    entry: {set: {n: [1]}}\n    run: {do: f, with: {x: {y: 1}}}\n"
            "    on: {m: {to: z, meta: {l: 1}, if: {k: {one_of: [1]}}}}\n"
            "  z: {final: true, output: [1]}\n"
        )
        before = repr((chart.context, chart.meta, chart.root, chart.states))

        with pytest.raises(TypeError, match="read-only"):
            change(chart)
        assert repr((chart.context, chart.meta, chart.root, chart.states)) == before
