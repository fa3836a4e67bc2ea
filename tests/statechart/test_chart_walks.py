"""Random flat charts do what a plain table says."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ActionError
from flexiflow.statechart import read_chart
from tests.statechart.hosted import Host, send

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


def made_can(why):
    """Return whether there was no reason against a message."""
    return not why


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
