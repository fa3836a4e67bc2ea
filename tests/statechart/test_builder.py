"""The same language in Python."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.diagnostics import ChartError
from flexiflow.statechart import (
    Functions,
    Simulation,
    load_chart,
    machine,
    on,
    read_chart,
    state,
)


class TestMachine:
    def test_python_and_yaml_give_the_same_chart(self):
        """One language, one model."""
        built = machine(
            "door",
            initial="closed",
            context={"n": 0},
            on={"reset": "closed"},
            states={
                "closed": state(on={"open": on("opened", if_={"key": 1}, do="ring")}),
                "opened": state(on={"close": "closed"}, entry={"add": {"n": 1}}),
            },
        )
        read = load_chart("""
name: door
initial_state: closed
context: {n: 0}
on: {reset: closed}
states:
  closed: {on: {open: {to: opened, if: {key: 1}, do: ring}}}
  opened: {on: {close: closed}, entry: {add: {n: 1}}}
""")

        assert built == read

    def test_problems_name_the_path(self):
        """Without a text, the place in the data is told."""
        with pytest.raises(ChartError) as caught:
            machine("door", states={"a": state(on={"m": "b"})})

        assert caught.value.context["path"] == "$.states.a.on.m"

    async def test_functions_given_are_called_when_it_runs(self):
        """By name from ``functions``, and as objects in the place of a name."""

        def ring(context):
            return {"n": context["n"] + 1}

        async def bell(context):
            return {"n": context["n"] + 10}

        for functions in ({"ring": ring}, Functions({"ring": ring})):
            chart = machine(
                "door",
                context={"n": 0},
                functions=functions,
                states={
                    "a": state(on={"go": on("b", if_=lambda message: True, do="ring")}),
                    "b": state(entry=[bell, {"call": bell}]),
                },
            )
            door = AsyncComponent("door", state_machine=ChartMachine(chart))
            await door.send("go")

            assert door.context == {"n": 21}
            assert pickle.loads(pickle.dumps(chart)) == chart  # noqa: S301 - our own

    async def test_functions_of_one_name_stay_apart(self):
        """Each place calls the object that stands there."""
        calls = []
        chart = machine(
            "door",
            states={
                "a": state(
                    on={
                        "x": on(do=lambda: calls.append("x")),
                        "y": on(do=lambda: calls.append("y")),
                    }
                )
            },
        )
        door = AsyncComponent("door", state_machine=ChartMachine(chart))
        await door.send("y")
        await door.send("x")

        assert calls == ["y", "x"]
        again = machine("door", states={"a": state(on={"x": on(do=print)})})
        door.redefine(again)
        simulation = Simulation(again, fake={"print": None})
        simulation.send("x")
        assert simulation.leaves == {"a"}

    def test_function_that_is_not_given_is_refused(self):
        """With functions, names are checked at once."""
        with pytest.raises(ChartError, match="No function rng") as caught:
            machine(
                "door",
                states={"a": state(on={"m": on(do="rng")})},
                functions={"ring": print},
            )

        assert "ring" in caught.value.fix

    def test_chart_is_a_value(self):
        """It can be hashed, copied and pickled."""
        chart = machine("door", states={"a": state(on={"m": "a"})})

        assert hash(chart) == hash(copy.deepcopy(chart))
        assert pickle.loads(pickle.dumps(chart)) == chart  # noqa: S301 - our own

    @given(
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]),
            st.fixed_dictionaries(
                {},
                optional={
                    "on": st.dictionaries(
                        st.sampled_from(["m", "n.*"]),
                        st.sampled_from([{"to": "a"}, "a", [{"do": "f"}, "a"]]),
                    ),
                    "entry": st.sampled_from(["f", {"set": {"x": [1, None]}}]),
                    "description": st.text(max_size=3),
                },
            ),
            min_size=1,
        )
    )
    def test_data_and_text_are_read_alike(self, states):
        """What is built from data equals what its YAML gives."""
        states.setdefault("a", {})
        data = {"name": "x", "states": states}
        chart, problems = read_chart(data)
        try:
            text = json.dumps(data, ensure_ascii=True)
        except ValueError:
            return
        if "\\u" not in text:
            assert chart == load_chart(text), problems
