"""Moves that call functions are played without a whole step, and do the same."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.errors import ActionError
from flexiflow.statechart import Functions, action, load_chart, machine

ACTIONS = st.sampled_from(
    [
        "note",
        "tell",
        "look",
        "later",
        "fails",
        "lists",
        {"call": "told", "with": {"x": "$message.k", "y": "$context.n"}},
        {"add": {"n": 1}},
        {"add": {"n": "$message.k"}},
        {"add": {"n": 1, "m": 2.5}},
        {"set": {"r": "$result", "n": 3}},
        {"set": {"e": "$error", "q": "$rules.0"}},
        {"emit": {"event": "e", "data": "$context.n"}},
        {"send": {"type": "x", "to": "other", "n": "$context.n"}},
        {"send": {"type": "x", "delay": "$context.n"}},
        {"cancel": "i"},
        {"log": "n is $context.n"},
        {"raise": "inner"},
    ]
)
"""What a state or a transition may do."""
GUARDS = st.sampled_from(
    [
        None,
        None,
        "asks",
        "doubts",
        {"k": {"ge": 2}},
        {"context.n": {"lt": 5}},
        {"in": "s2"},
        {"call": "told", "with": {"x": 1, "y": 1}},
    ]
)
DO = st.lists(ACTIONS, max_size=3)
MESSAGES = ("a", "b", "c")


@st.composite
def charts(draw):
    """Return a chart of up to three levels, with actions everywhere."""
    names = [f"s{n}" for n in range(6)]
    level = draw(st.sampled_from(["flat", "nested", "parallel"]))

    def transitions():
        found = {}
        for message in draw(st.lists(st.sampled_from(MESSAGES), unique=True)):
            found[message] = []
            for _ in range(draw(st.integers(1, 2))):
                one = {"do": draw(DO)}
                if draw(st.booleans()):
                    one["to"] = draw(st.sampled_from(names))
                    one["reenter"] = draw(st.booleans())
                guard = draw(GUARDS)
                if guard is not None:
                    one["if"] = guard
                found[message].append(one)
        return found

    def body(**more):
        return {"on": transitions(), "entry": draw(DO), "exit": draw(DO), **more}

    if level == "flat":
        states = {name: body() for name in names}
    elif level == "nested":
        inner = body(states={"s3": body(), "s4": body(states={"s5": body()})})
        states = {"s0": body(), "s1": body(states={"s2": inner})}
    else:
        one = body(states={"s2": body(), "s3": body()})
        two = body(states={"s4": body(), "s5": body()})
        states = {"s0": body(parallel={"s1": one, "s6": two})}
    for name in ["s0", "s1"] if level == "flat" else []:
        if draw(st.integers(0, 9)) == 0:
            states[name]["error"] = "s2"
    return machine("random", states=_known(states), context={"n": 0})


def _known(states):
    """Return the states with their targets as whole paths, those that are there."""
    there = {}

    def collect(some, above):
        for name, one in some.items():
            there[name] = above + name
            collect(_inner(one), f"{above}{name}.")

    def mend(some):
        for one in some.values():
            for each in [each for many in one["on"].values() for each in many]:
                target = there.get(each.pop("to", None))
                if target is None:
                    each.pop("reenter", None)
                    each["do"] = each["do"] or "note"
                else:
                    each["to"] = target
                if "in" in (each.get("if") or {}):
                    each["if"] = {"in": min(there.values())}
            mend(_inner(one))

    collect(states, "")
    mend(states)
    return states


def _inner(one):
    return one.get("states", {}) | one.get("parallel", {})


class Log:
    """Functions that write down how they were called."""

    def __init__(self):
        self.lines = []
        self.functions = Functions(
            {
                name: getattr(self, name)
                for name in (
                    "note",
                    "tell",
                    "look",
                    "later",
                    "fails",
                    "lists",
                    "told",
                    "asks",
                    "doubts",
                )
            }
        )

    def note(self):
        """Take nothing, give nothing."""
        self.lines.append("note")

    def tell(self, message, state, component, rules):
        """Take what there is."""
        self.lines.append(("tell", dict(message), state, component.name, list(rules)))
        return 7

    def look(self, context, result=None, error=None):
        """Change the context by its own values."""
        self.lines.append(("look", dict(context), result, error))
        return {"n": context["n"] + 1, "seen": [context["n"]]}

    async def later(self, context):
        """Take a turn of the loop."""
        await asyncio.sleep(0)
        self.lines.append(("later", dict(context)))
        return {"late": True}

    def fails(self, message):
        """Fail now and then."""
        if message.get("k") == 3:
            raise ValueError("three")

    def lists(self):
        """Give what is no mapping."""
        return [1, 2]

    def told(self, x, y, state):
        """Take what with passes."""
        self.lines.append(("told", x, y, state))
        return {"x": x}

    def asks(self, context, state):
        """Answer as a guard."""
        self.lines.append(("asks", dict(context), state))
        return context["n"] % 2 == 0

    def doubts(self, message):
        """Fail as a guard now and then."""
        if message.get("k") == 3:
            raise ValueError("guard")
        return True


async def drive(chart, messages, *, wholly):
    """Return all that a machine does, its errors included."""
    log = Log()
    made = ChartMachine(chart, functions=log.functions)
    host = AsyncComponent("host", [{"r": 1}], made)
    found = []
    try:
        await made.start(host)
    except ActionError as error:
        return [str(error)]
    for message in messages:
        way = made._handle_fully if wholly else made.handle  # noqa: SLF001
        try:
            outcome = await way(dict(message), host)
        except ActionError as error:
            outcome = str(error)
        found += [outcome, made.state_name, made.context, made.last_transitions]
    # guards may be asked more than once: they have no side effects
    return found, [one for one in log.lines if one[0] != "asks"]


class TestScripts:
    @settings(max_examples=150)
    @given(
        charts(),
        st.lists(
            st.builds(
                lambda kind, k: {"type": kind, "k": k},
                st.sampled_from(MESSAGES),
                st.integers(0, 3),
            ),
            max_size=6,
        ),
    )
    def test_played_moves_do_what_whole_steps_do(self, chart, messages):
        """Calls, their order and arguments, states, data, effects and errors agree."""

        async def both():
            played = await drive(chart, messages, wholly=False)
            return played, await drive(chart, messages, wholly=True)

        played, stepped = asyncio.run(both())
        assert played == stepped

    async def test_function_is_looked_up_at_each_call(self):
        """Another function under the name is called from the next message on."""
        seen = []
        known = {"f": lambda: seen.append("old")}
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: f}}}}")
        component = AsyncComponent(
            "x", [], ChartMachine(chart, functions=Functions(known))
        )
        await component.send("m")
        known["f"] = lambda message: seen.append(message["type"])
        await component.send("m")
        known["f"] = lambda: seen.append("new")
        await component.send("m")

        assert seen == ["old", "m", "new"]

    @pytest.mark.parametrize("way", ["marked", "module", "dotted", "lookup"])
    async def test_each_way_to_a_function_is_late(self, way, monkeypatch):
        """Wherever a function is found, another one there is called next."""
        seen = []
        home = ModuleType("late_functions")
        monkeypatch.setitem(sys.modules, "late_functions", home)
        own = f"late_{way}"  # marks are known for the whole process
        name = f"late_functions:{own}" if way == "dotted" else own
        known = {}

        def put(value):
            def late_one():
                seen.append(value)

            if way == "marked":
                known["kept"] = action(name=own)(late_one)
            setattr(home, own, late_one)
            known[own] = late_one

        put(1)
        functions = Functions(
            use=["late_functions"] if way == "module" else (),
            lookup=known.get if way == "lookup" else None,
        )
        chart = load_chart(f"name: x\nstates: {{a: {{on: {{m: {{do: '{name}'}}}}}}}}")
        component = AsyncComponent("x", [], ChartMachine(chart, functions=functions))
        for value in (1, 2, 3):
            put(value)
            await component.send("m")
            await component.send("m")
        if way == "module":
            known["kept"] = action(name=own)(lambda: seen.append("marked"))
            await component.send("m")

        assert seen[:6] == [1, 1, 2, 2, 3, 3]
        assert seen[6:] == (["marked"] if way == "module" else [])

    async def test_function_that_is_gone_fails(self):
        """A name that means nothing any more is an error with what, why and fix."""
        known = {"f": lambda: None}
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: f}}}}")
        component = AsyncComponent(
            "x", [], ChartMachine(chart, functions=Functions(known))
        )
        await component.send("m")
        del known["f"]

        with pytest.raises(ActionError, match="no function f"):
            await component.send("m")

    @pytest.mark.parametrize(
        "rest", ["", ", {to: b, if: {n: 1}}", ", {to: t, if: no}", ", {to: t}"]
    )
    async def test_guard_is_asked_once(self, rest):
        """Whatever comes after it, and whether or not anything is done."""
        asked = []
        functions = Functions(
            {
                "no": lambda: asked.append("no"),
                "f": lambda: None,
            }
        )
        chart = load_chart(
            f"name: x\nstates: {{a: {{on: {{m: [{{do: f, if: no}}{rest}]}}}}, b: , "
            "t: {after: {1h: a}}}"
        )
        component = AsyncComponent("x", [], ChartMachine(chart, functions=functions))
        await component.send("m")
        await component.idle()
        component.close()

        assert asked == ["no"] * (2 if "if: no" in rest else 1)

    async def test_two_sets_of_functions_share_a_chart(self):
        """Each component calls its own."""
        seen = []
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: f}}}}")
        both = [
            AsyncComponent(
                "x",
                [],
                ChartMachine(
                    chart, functions=Functions({"f": lambda n=n: seen.append(n)})
                ),
            )
            for n in (1, 2)
        ]
        for _ in range(2):
            for one in both:
                await one.send("m")

        assert seen == [1, 2, 1, 2]

    async def test_view_of_the_context_stays_as_it_was(self):
        """What a function was shown does not change under it."""
        views = []

        def look(context):
            views.append(context)
            return {"n": context["n"] + 1}

        chart = load_chart(
            "name: x\ncontext: {n: 0}\n"
            "states: {a: {on: {m: {do: [look, {add: {n: 10}}, look, look]}}}}"
        )
        component = AsyncComponent(
            "x", [], ChartMachine(chart, functions=Functions({"look": look}))
        )
        await component.send("m")

        assert [one["n"] for one in views] == [0, 11, 12]
        assert component.context == {"n": 13}
        with pytest.raises(TypeError, match="read-only"):
            views[0]["n"] = 5

    async def test_what_is_awaited_may_be_given_up(self):
        """Cancelled in the middle of a move, nothing has changed."""
        begun = asyncio.Event()

        async def waits():
            begun.set()
            await asyncio.Event().wait()

        chart = load_chart(
            "name: x\ncontext: {n: 0}\n"
            "states: {a: {on: {m: {to: b, do: [{add: {n: 1}}, waits]}}}, b: }"
        )
        component = AsyncComponent(
            "x", [], ChartMachine(chart, functions=Functions({"waits": waits}))
        )
        task = asyncio.ensure_future(component.send("m"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (component.state, component.context) == ("a", {"n": 0})

    @pytest.mark.parametrize("is_async", [False, True])
    async def test_generator_is_refused(self, is_async):
        """Calling one would do nothing: it says so, at load and at use."""

        def plain():
            yield 1

        async def waiting():
            yield 1

        known = Functions({"f": waiting if is_async else plain})
        chart = load_chart("name: x\nstates: {a: {on: {m: {do: f}}}}")
        component = AsyncComponent("x", [], ChartMachine(chart, functions=known))
        (problem,) = known.check(chart)

        with pytest.raises(ActionError, match="generator function"):
            await component.send("m")
        assert "generator function" in problem.what
        assert "yield" in problem.fix
