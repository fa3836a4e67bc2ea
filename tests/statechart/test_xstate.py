"""Machines of XState v5, in JSON: what they mean here, and what they become."""

from __future__ import annotations

import json

import pytest

from flexiflow.errors import ConfigError
from flexiflow.statechart import (
    Functions,
    Simulation,
    from_xstate,
    machine,
    on,
    state,
    to_xstate,
)

LIGHT = {
    "id": "light",
    "version": "1.0.0",
    "initial": "green",
    "context": {"n": 0},
    "states": {
        "green": {"after": {"1000": "yellow"}, "tags": "go", "on": {"OUT": "#dark"}},
        "yellow": {"after": {"500": {"target": "red"}}},
        "red": {
            "initial": "walk",
            "states": {
                "walk": {"on": {"COUNT": [{"target": "wait", "guard": "isOdd"}]}},
                "wait": {"on": {"STOP": {"target": "#light.red.stop"}}},
                "stop": {"type": "final"},
                "again": {"type": "history", "history": "deep", "target": "wait"},
            },
            "onDone": {"target": "green", "actions": ["say hello", {"type": "log!"}]},
            "on": {"BACK": ".again", "SKIP": {"target": "green", "reenter": True}},
        },
        "off": {"id": "dark", "entry": "dim", "on": {"ON": "red.wait", "NOTHING": {}}},
    },
}


def run(config, *messages, **options):
    """Return a simulation of a machine after some messages."""
    made = Simulation(from_xstate(config), **options)
    for message in messages:
        made.send(message)
    return made


class TestImport:
    def test_targets_are_found_as_xstate_finds_them(self):
        """Beside, within, by id, by id and path, and by a path from beside."""
        made = run(LIGHT, "OUT", "ON")
        first = made.paths
        made.send("STOP")

        assert first == ("red.wait",)
        assert made.paths == ("green",)
        assert [call.name for call in made.calls] == ["dim", "say_hello", "log"]

    def test_times_are_milliseconds(self):
        """A timer's key counts in milliseconds."""
        made = run(LIGHT)
        made.advance(1)
        first = made.state
        made.advance(0.5)

        assert (first, made.state) == ("yellow", "red.walk")

    def test_guards_and_services_are_functions_of_their_names(self):
        """What a machine names is looked up here."""
        config = {
            "initial": "a",
            "states": {
                "a": {
                    "invoke": {
                        "src": "fetch user",
                        "input": {"id": 1},
                        "onDone": {"target": "b", "guard": "good"},
                        "onError": "c",
                    }
                },
                "b": {},
                "c": {},
            },
        }
        fakes = {"fetch_user": {"result": 5}, "good": True}

        assert run(config, fake=fakes).state == "b"
        assert run(config, fake={**fakes, "fetch_user": "error"}).state == "c"

    def test_own_target_without_reenter_stays_inside(self):
        """A state is left only where XState leaves it."""
        inner = {"initial": "x", "states": {"x": {"on": {"N": "y"}}, "y": {}}}
        config = {
            "initial": "a",
            "context": {"n": 0},
            "states": {
                "a": {
                    **inner,
                    "entry": {"type": "flexiflow.add", "params": {"n": 1}},
                    "on": {"IN": "a", "OUT": {"target": "a", "reenter": True}},
                }
            },
        }
        stays, leaves = run(config, "N", "IN"), run(config, "N", "OUT")

        assert (stays.state, stays.context["n"]) == ("a.x", 1)
        assert (leaves.state, leaves.context["n"]) == ("a.x", 2)

    def test_several_targets_enter_several_regions(self):
        """A list of targets names a state in each of some regions."""
        region = {"initial": "x", "states": {"x": {}, "y": {}}}
        config = {
            "initial": "off",
            "states": {
                "off": {"on": {"GO": {"target": ["#m.p.l.y", "p.r.y"]}}},
                "p": {"type": "parallel", "states": {"l": region, "r": region}},
            },
            "id": "m",
        }
        made = run(config, "GO")
        text = to_xstate(made.chart)

        assert made.paths == ("p.l.y", "p.r.y")
        assert from_xstate(text) == made.chart
        assert to_xstate(from_xstate(text)) == text

    def test_foreign_machine_is_stable_after_one_way(self):
        """Once here, a machine leaves and comes back without change."""
        text = to_xstate(from_xstate(LIGHT))

        assert to_xstate(from_xstate(text)) == text

    def test_host_may_give_functions(self):
        """A machine finds the functions that it was given when it was read."""
        config = {
            "states": {"a": {"on": {"X": {"target": "b", "guard": "yes"}}}, "b": {}}
        }
        chart = from_xstate(config, functions=Functions({"yes": lambda: True}))
        made = Simulation(chart)
        made.send("X")

        assert made.state == "b"


class TestRefused:
    @pytest.mark.parametrize(
        ("config", "path", "words"),
        [
            ({"states": {"a": {"onn": {}}}}, "$.states.a", "Unknown key 'onn'"),
            ({"states": {"a": 5}}, "$.states.a", "no object"),
            ({"states": {"1a": {}}}, "$.states.1a", "cannot be the name"),
            ({"states": {"a": {"type": "big"}}}, "$.states.a.type", "no type"),
            ({"states": {"a": {"on": []}}}, "$.states.a.on", "must be an object"),
            (
                {"states": {"a": {"on": {"X": "b"}}}},
                "$.states.a.on.X.target",
                "does not exist",
            ),
            (
                {"states": {"a": {"on": {"X": ["a", {"target": "#z"}]}}}},
                "$.states.a.on.X[1].target",
                "does not exist",
            ),
            (
                {"states": {"a": {"after": {"LONG": "a"}}}},
                "$.states.a.after.LONG",
                "has the time",
            ),
            (
                {"states": {"a": {"invoke": [{"src": "x"}, {"src": "y"}]}}},
                "$.states.a.invoke",
                "cannot run",
            ),
            ({"initial": "z", "states": {"a": {}}}, "$.initial", "does not exist"),
            (
                {"states": {"a": {"entry": {"params": {}}}}},
                "$.states.a.entry",
                "has no name",
            ),
            ({"states": {"a": {"on": {"X": {"guard": 5}}}}}, None, "has no name"),
            ({"states": {}}, None, "no states"),
        ],
    )
    def test_error_names_the_place(self, config, path, words):
        """What a chart has no words for is refused where it stands."""
        with pytest.raises(ConfigError, match=words) as caught:
            from_xstate(config, source="m.json")

        assert caught.value.context["file"] == "m.json"
        assert path is None or caught.value.context["path"] == path

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[]", "no object"),
            ("{", "Expecting"),
            ('{"a": 1, "a": 2}', "stands twice"),
            ('{"a": NaN}', "NaN is no JSON"),
            ("[" * 200_000, "nested too deep"),
            (b"\xff", "decode"),
        ],
    )
    def test_text_that_is_no_machine_is_refused(self, text, words):
        """The reason says what is wrong with the text."""
        with pytest.raises(ConfigError) as caught:
            from_xstate(text)

        assert words in (caught.value.why or "")

    def test_names_of_prototypes_are_names(self):
        """``__proto__`` is a state like any other; nothing is polluted."""
        chart = from_xstate(
            '{"context": {"__proto__": {"x": 1}}, "states": {"__proto__": {"on": '
            '{"__proto__": "constructor"}}, "constructor": {}}}'
        )
        made = Simulation(chart)
        made.send("__proto__")

        assert made.state == "constructor"
        assert made.context == {"__proto__": {"x": 1}}
        assert from_xstate(to_xstate(chart)) == chart


class TestExport:
    def test_what_xstate_has_is_written_as_it_has_it(self):
        """States, targets, times and guards stand where XState looks for them."""
        chart = machine(
            "door",
            context={"n": 0},
            states={
                "open": state(
                    on={"shut": on("closed", if_={"context.n": {"lt": 3}}, do="bang")},
                    after={"2s": "closed"},
                    description="Wide.",
                    tags=["t"],
                ),
                "closed": state(on={"open": "open", "closed": "closed"}),
            },
        )

        assert json.loads(to_xstate(chart)) == {
            "id": "door",
            "context": {"n": 0},
            "initial": "open",
            "states": {
                "open": {
                    "description": "Wide.",
                    "tags": ["t"],
                    "on": {
                        "shut": {
                            "target": "closed",
                            "guard": {
                                "type": "flexiflow.if",
                                "params": {"context.n": {"lt": 3}},
                            },
                            "actions": "bang",
                        }
                    },
                    "after": {
                        "2000": {
                            "target": "closed",
                            "meta": {"flexiflow": {"after": "2s"}},
                        }
                    },
                },
                "closed": {
                    "on": {
                        "open": "open",
                        "closed": {"target": "closed", "reenter": True},
                    }
                },
            },
        }

    def test_data_that_json_cannot_hold_are_refused(self):
        """A number without end is said to be one."""
        chart = machine("m", context={"n": 10**5_000}, states={"a": None})

        with pytest.raises(ConfigError, match="cannot be written as JSON"):
            to_xstate(chart)
