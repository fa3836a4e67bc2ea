"""The language: what is read, and what is refused with a place and a way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.diagnostics import ChartError
from flexiflow.statechart import is_chart, load_chart, load_yaml, read_chart
from flexiflow.statechart.model import (
    Add,
    AllOf,
    AnyOf,
    Call,
    EmitEvent,
    InState,
    LogText,
    NotOf,
    Raise,
    Set,
    Test,
)

Test.__test__ = False


def problems(text):
    """Return the problems of a chart's text."""
    return read_chart(load_yaml(text, source="f"))[1]


def one(body, states="  b: {}"):
    """Return the only transition of state a on message m."""
    text = f"name: x\nstates:\n  a:\n    on:\n      m: {body}\n{states}\n"
    return load_chart(text).state("a").transitions[0]


def error(body):
    """Return the first problem of state a's transition on message m."""
    text = f"name: x\nstates:\n  a:\n    on:\n      m: {body}\n  b: {{}}\n"
    return problems(text)[0]


class TestTransitions:
    def test_text_is_a_target(self):
        """The shortest transition is the name of a state."""
        assert one("b").targets == ("b",)

    def test_without_to_it_acts_in_place(self):
        """No target: nothing is left."""
        assert one("{do: {log: x}}").targets == ()

    def test_list_is_in_order(self):
        """Several transitions keep their order and are numbered."""
        chart = load_chart("name: x\nstates: {a: {on: {m: [{to: a, if: f}, b]}}, b: }")

        assert [item.targets for item in chart.transitions] == [("a",), ("b",)]
        assert [item.index for item in chart.transitions] == [0, 1]

    def test_place_is_kept(self):
        """A transition knows where it stands."""
        assert one("b").place.line == 5

    def test_notes_are_kept(self):
        """Description, tags and meta are shown, never executed."""
        edge = one("{to: b, description: d, tags: [t], meta: {k: $x}}")

        assert (edge.description, edge.tags, edge.meta) == ("d", ("t",), {"k": "$x"})

    @pytest.mark.parametrize("body", ["", "{}", "[]", "3", "[b, 3]", "true"])
    def test_transition_that_says_nothing_is_refused(self, body):
        """A message with no transition is a mistake."""
        assert error(body).place.line == 5


class TestMessageTypes:
    """What stands below on: plain types, and the two patterns."""

    @pytest.mark.parametrize(
        ("key", "fix"),
        [
            ("a*", "Write 'a.*' or '*'."),
            ("a.*.b", "Write 'a.*' or '*'."),
            ("*.x", "Write '*'."),
            (".*", "Write '*'."),
            (".x", "Did you mean x?"),
            ("x.", "Did you mean x?"),
            ("a..b.*", "Did you mean a.b.*?"),
            ("a, b", "Give each type a line of its own."),
        ],
    )
    def test_type_that_looks_like_several_is_doubted(self, key, fix):
        """No pattern but the two stands for more than itself, which is said."""
        (found,) = problems(f"name: x\nstates:\n  a:\n    on:\n      '{key}': a\n")

        assert found.level == "warning"
        assert found.fix == fix
        assert found.place.line == 5
        assert f"'{key}'" in found.what

    @pytest.mark.parametrize("key", ["*", "a.*", "a.b.*", "a.b", "coin in", "naïve-1"])
    def test_plain_types_and_patterns_are_not(self, key):
        """What means what it says is taken without a word."""
        assert not problems(f"name: x\nstates: {{a: {{on: {{'{key}': a}}}}}}")


class TestTargets:
    TREE = """
name: x
states:
  top: {}
  a:
    states:
      top: {}
      b:
        states:
          c: {on: {m: TARGET}}
          d: {}
      e: {states: {f: {}}}
"""

    def resolve(self, target):
        """Return the path that a target in a.b.c means."""
        chart = load_chart(self.TREE.replace("TARGET", target))
        return chart.state("a.b.c").transitions[0].targets[0]

    @pytest.mark.parametrize(
        ("target", "path"),
        [
            ("d", "a.b.d"),
            ("c", "a.b.c"),
            ("e", "a.e"),
            ("e.f", "a.e.f"),
            ("top", "a.top"),
            ("a", "a"),
            ("a.b.d", "a.b.d"),
        ],
    )
    def test_name_is_looked_up_outwards(self, target, path):
        """Siblings first, then the siblings of each ancestor, then from the top."""
        assert self.resolve(target) == path

    def test_leading_dot_means_a_child(self):
        """A state names its own children with a dot."""
        chart = load_chart("name: x\nstates: {a: {on: {m: .b}, states: {b: }}}")

        assert chart.transitions[0].targets == ("a.b",)

    def test_ambiguous_path_is_refused(self):
        """A path that means two states is no path."""
        text = """
name: x
states:
  a:
    states:
      a: {states: {c: }}
      b: {on: {m: a.c}}
      c:
"""
        problem = problems(text)[0]

        assert "more than one state" in problem.what
        assert "a.a.c" in problem.why

    def test_unknown_target_is_worded_for_people(self):
        """The fact, what there is, and what was probably meant."""
        text = (
            "name: turnstile\nstates:\n  locked: {on: {coin: unlokced}}\n  unlocked: "
        )
        problem = problems(text)[0]

        assert problem.what == (
            "The transition on coin leads to a state that does not exist."
        )
        assert problem.why == (
            "No state unlokced in turnstile. States: unlocked, locked."
        )
        assert problem.fix == "Did you mean unlocked?"
        assert (problem.place.line, problem.place.column) == (3, 23)

    def test_state_elsewhere_is_offered_by_its_path(self):
        """A name that stands deeper is offered as a path."""
        text = "name: x\nstates: {a: {on: {m: c}}, b: {states: {c: }}}"

        assert problems(text)[0].fix == "Did you mean b.c?"


class TestGuards:
    @pytest.mark.parametrize(
        ("body", "guard"),
        [
            ("{to: b, if: f}", Call("f")),
            ("{to: b, if: pkg.mod:f}", Call("pkg.mod:f")),
            ("{to: b, if: {call: f, with: {x: 1}}}", Call("f", {"x": 1})),
            ("{to: b, if: {n: 1}}", Test("message", ("n",), "eq", 1)),
            ("{to: b, if: {n: null}}", Test("message", ("n",), "eq", None)),
            ("{to: b, if: {message.in: 1}}", Test("message", ("in",), "eq", 1)),
            ("{to: b, if: {o.n: 1}}", Test("message", ("o", "n"), "eq", 1)),
            ("{to: b, if: {context.n: {lt: 3}}}", Test("context", ("n",), "lt", 3)),
            ("{to: b, if: {rules.0.k: x}}", Test("rules", ("0", "k"), "eq", "x")),
            ("{to: b, if: {n: {min: 1}}}", Test("message", ("n",), "min", 1)),
            ("{to: b, if: {in: b}}", InState("b")),
            ("{to: b, if: {not: f}}", NotOf(Call("f"))),
            ("{to: b, if: {all: [f, g]}}", AllOf((Call("f"), Call("g")))),
            ("{to: b, if: {any: [f]}}", AnyOf((Call("f"),))),
            (
                "{to: b, if: {n: {ge: 1, lt: 3}, call: f}}",
                AllOf(
                    (
                        Test("message", ("n",), "ge", 1),
                        Test("message", ("n",), "lt", 3),
                        Call("f"),
                    )
                ),
            ),
        ],
    )
    def test_guard_is_read(self, body, guard):
        """Patterns, combinations and names become values."""
        assert one(body).guard == guard

    @pytest.mark.parametrize(
        ("body", "fix"),
        [
            ("{to: b, if: {n: {mn: 1}}}", "Did you mean min?"),
            ("{to: b, if: {n: [1, 2]}}", "one_of"),
            ("{to: b, if: {n: {}}}", "eq"),
            ("{to: b, if: {}}", "Remove the guard"),
            ("{to: b, if: items > 3}", "mapping"),
            ("{to: b, if: __import__('os')}", "mapping"),
            ("{to: b, if: _private}", "mapping"),
            ("{to: b, if: {n: {min: x}}}", "whole number"),
            ("{to: b, if: {n: {type: strng}}}", "Did you mean string?"),
            ("{to: b, if: {with: {x: 1}}}", "call"),
            ("{to: b, if: {n: $contxt.x}}", "Did you mean $context.x?"),
        ],
    )
    def test_wrong_guard_is_refused(self, body, fix):
        """No text is evaluated, and each mistake has a way out."""
        assert fix in error(body).fix


class TestActions:
    @pytest.mark.parametrize(
        ("body", "actions"),
        [
            ("{do: f}", (Call("f"),)),
            (
                "{do: {call: f, with: {x: $message.y}}}",
                (Call("f", {"x": "$message.y"}),),
            ),
            ("{do: {set: {x: 1}}}", (Set({"x": 1}),)),
            ("{do: {add: {x: $message.n}}}", (Add({"x": "$message.n"}),)),
            ("{do: {emit: e}}", (EmitEvent("e"),)),
            ("{do: {emit: {event: e, data: [1]}}}", (EmitEvent("e", [1]),)),
            ("{do: {log: hello}}", (LogText("hello"),)),
            ("{do: {raise: m2}}", (Raise({"type": "m2"}),)),
            ("{do: [f, {log: x}]}", (Call("f"), LogText("x"))),
        ],
    )
    def test_action_is_read(self, body, actions):
        """Functions and the few built-in kinds become values."""
        assert one(body).actions == actions

    @pytest.mark.parametrize(
        ("body", "fix"),
        [
            ("{do: {set: {x: 1}, emit: e}}", "[{set: ...}, {emit: ...}]"),
            ("{do: {ad: {x: 1}}}", "Did you mean add?"),
            ("{do: {add: {x: one}}}", "a number or a reference"),
            ("{do: {add: {x: true}}}", "a number or a reference"),
            ("{do: {emit: {data: 1}}}", "event"),
            ("{do: {raise: {typ: x}}}", "Did you mean type instead of typ?"),
            ("{do: {raise: {type: x, delay: 2s}}}", "send"),
            ("{do: {set: {x: $mesage.y}}}", "Did you mean $message.y?"),
            ("{do: {set: {x: $price}}}", "$$price"),
            ("{do: {set: {x: .nan}}}", "finite"),
            ("{do: {with: {x: 1}}}", "Name one"),
            ("{do: print('x')}", "mapping"),
        ],
    )
    def test_wrong_action_is_refused(self, body, fix):
        """Each mistake has a way out."""
        assert fix in error(body).fix


class TestStates:
    def test_kinds_are_told_apart(self):
        """What a state holds says what it is."""
        chart = load_chart("""
name: x
states:
  a:
  b: {final: true}
  c: {states: {d: , h: {history: deep}}}
  e: {parallel: {f: , g: }}
""")

        assert [node.kind for node in chart] == [
            "atomic",
            "final",
            "compound",
            "atomic",
            "history",
            "parallel",
            "atomic",
            "atomic",
        ]

    def test_initial_is_the_first_by_default(self):
        """Document order decides where nothing is said."""
        chart = load_chart("name: x\nstates: {a: {states: {c: , d: }}, b: }")

        assert chart.initial == ("a.c",)

    def test_initial_may_be_named(self):
        """initial_state at the top, initial below."""
        text = (
            "name: x\ninitial_state: b\n"
            "states: {a: , b: {initial: d, states: {c: , d: }}}"
        )

        assert load_chart(text).initial == ("b.d",)

    @pytest.mark.parametrize("name", ["a", "Ä b", "_x", "état-1", "名前", "a-b c"])
    def test_names_of_any_script_are_taken(self, name):
        """Letters of any script, digits, _, - and spaces."""
        assert name in load_chart(f"name: x\nstates:\n  {name}: {{}}")

    @pytest.mark.parametrize(
        "name",
        ["<img onerror=x>", "1a", "a.b", "a:b", "a,b", "'a\"b'", "😀", "\u202ea", "''"],
    )
    def test_hostile_names_are_refused(self, name):
        """What is no name is shown as data, with the rule."""
        found = problems(f"name: x\nstates:\n  {name}: {{}}")

        assert any("cannot be the name of a state" in item.what for item in found)

    def test_names_are_normalised(self):
        """Two spellings of one text are one name, in targets too."""
        chart = load_chart("name: x\nstates: {a: {on: {m: e\u0301}}, \u00e9: }")

        assert chart.transitions[0].targets == ("\u00e9",)

    def test_two_spellings_are_one_state(self):
        """The same name twice is refused, however it is spelt."""
        found = problems("name: x\nstates: {e\u0301: , \u00e9: }")

        assert "declared twice" in found[0].what

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("a: {final: true, on: {m: a}}", "is final and has on"),
            ("a: {states: {b: }, parallel: {c: }}", "both states and parallel"),
            ("a: {initial: b}", "initial stands without states"),
            ("a: {output: 1}", "output stands without final"),
            ("a: {initial: x, states: {b: }}", "does not exist"),
            ("a: {states: {}}", "states must be a mapping"),
            ("a: text", "must be a mapping"),
            ("a: {history: deep}", "top level"),
            ("a: {entry: 3}", "An action must be"),
            ("a: {on: }", "on must be a mapping"),
            ("a: {on: {3: a}}", "not a text"),
            ("a: {tags: x}", "tags must be"),
            ("a: {final: maybe}", "final must be"),
        ],
    )
    def test_contradictions_are_refused(self, text, what):
        """What cannot be meant is said."""
        assert any(
            what in item.what for item in problems(f"name: x\nstates:\n  {text}")
        )

    def test_key_below_an_empty_one_is_probably_indented_wrong(self):
        """A message beside on belongs below it."""
        text = "name: x\nstates:\n  a:\n    on:\n    coin: b\n  b:\n"
        fixes = [item.fix for item in problems(text)]

        assert any("indent coin" in fix for fix in fixes)


class TestTop:
    def test_name_is_needed(self):
        """A component is called by something."""
        assert "no name" in problems("states: {a: }")[0].what

    def test_unknown_key_is_explained(self):
        """The nearest key is offered."""
        assert problems("name: x\nstates: {a: }\nstatez: 1")[0].fix == (
            "Did you mean states?"
        )

    def test_context_must_be_json(self):
        """The initial data are JSON."""
        found = problems("name: x\nstates: {a: }\ncontext: {n: .inf}")

        assert "finite" in found[0].fix

    def test_context_holds_no_references(self):
        """A dollar in the initial data is a dollar."""
        chart = load_chart("name: x\nstates: {a: }\ncontext: {p: $price}")

        assert chart.context == {"p": "$price"}

    @pytest.mark.parametrize("use", ["shop orders", "[a, 3]", "{a: b}", "a:b"])
    def test_use_names_modules(self, use):
        """Use is a module's dotted name, or a list of them."""
        assert problems(f"name: x\nstates: {{a: }}\nuse: {use}")

    def test_all_problems_are_found_in_order(self):
        """One reading tells all, from top to bottom."""
        text = (
            "name: x\nstates:\n  a: {on: {m: q}}\n  b: {on: {m: r}, foo: 1}\nbar: 2\n"
        )
        lines = [item.place.line for item in problems(text)]

        assert lines == [3, 4, 4, 5]

    @pytest.mark.parametrize(
        "text",
        [
            "name: x\nstates: {a: {}, b: 'pkg.mod:B'}",
        ],
    )
    def test_what_is_not_executed_is_refused_once(self, text):
        """What is declared is executed; what cannot be yet is said, not ignored."""
        found = problems(text)

        assert len(found) == 1
        assert found[0].what.endswith("is not in this version yet.")

    def test_load_chart_raises_all(self):
        """load_chart raises one error that lists every problem."""
        with pytest.raises(ChartError) as caught:
            load_chart("name: x\nstates: {a: {on: {m: q, n: r}}}")

        assert len(caught.value.diagnostics) == 2

    def test_chart_is_told_from_a_table_of_classes(self):
        """Inline or empty states make a chart."""
        assert is_chart({"states": {"a": None}})
        assert is_chart({"states": {"a": {}, "b": "m:C"}})
        assert not is_chart({"states": {"a": "m:C"}})
        assert not is_chart({"name": "x"})
        assert not is_chart([])


KEYS = st.sampled_from(
    [
        "a",
        "b",
        "on",
        "states",
        "to",
        "if",
        "do",
        "entry",
        "final",
        "parallel",
        "initial",
        "set",
        "add",
        "call",
        "with",
        "name",
        "history",
        "always",
        "done",
        "emit",
    ]
)
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats()
    | st.sampled_from(["a", "b", "a.b", ".a", "$message.x", "$x", "x y", "", "m:f"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)


class TestAnything:
    @given(DATA, DATA)
    def test_any_data_give_a_chart_or_problems(self, states, extra):
        """No data make the reader raise."""
        data = {"name": "x", "states": states}
        if isinstance(extra, dict):
            data = {**extra, **data}
        chart, found = read_chart(data)

        assert (chart is None) == any(item.level == "error" for item in found)

    @given(st.text(alphabet="ab:{}[],-> \n#$.", max_size=80))
    def test_any_text_gives_a_chart_or_problems(self, text):
        """No text makes the reader raise."""
        chart, found = read_chart(load_yaml("name: x\nstates:\n" + text))

        assert chart is not None or found
