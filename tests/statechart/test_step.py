"""Nested and parallel states, history, eventless moves and ends."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import ActionError
from flexiflow.statechart import Functions, load_chart, read_chart
from flexiflow.statechart.compile import compile_chart


class Host:
    """A component, as far as a machine knows it."""

    name = "host"
    rules = ()


class Player:
    """A machine whose actions note what they do."""

    def __init__(self, text):
        self.seen = []
        functions = Functions({"note": self.note})
        self.machine = ChartMachine(
            load_chart(text, functions=functions), functions=functions
        )

    def note(self, what):
        """Note what an action did."""
        self.seen.append(what)

    def send(self, *types, **fields):
        """Send messages, and return the states then."""
        for kind in types:
            message = {"type": kind, **fields}
            if self.machine.handle_nowait(message) is None:
                asyncio.run(self.machine.handle(message, Host()))
        return self.machine.state_name

    def noted(self):
        """Return what was noted since the last time."""
        seen, self.seen[:] = list(self.seen), []
        return seen


def notes(*names):
    """Return entry and exit of a state that note its name."""
    (name,) = names
    return (
        f"entry: {{call: note, with: {{what: +{name}}}}}, "
        f"exit: {{call: note, with: {{what: -{name}}}}}"
    )


NESTED = f"""
name: x
states:
  a:
    {notes("a").replace(", exit", chr(10) + "    exit")}
    on: {{out: c, self: a, inner: .a2, fresh: {{to: .a2, reenter: true}}}}
    states:
      a1: {{{notes("a1")}, on: {{go: a2, out: b}}}}
      a2: {{{notes("a2")}}}
  b: {{{notes("b")}, on: {{back: a, deep: a.a2}}}}
  c:
"""


class TestNested:
    def test_first_children_are_entered(self):
        """A compound state starts in its initial state, outermost first."""
        player = Player(NESTED)
        player.send("nothing")

        assert player.machine.state_name == "a.a1"
        assert player.noted() == ["+a", "+a1"]

    def test_inner_transitions_go_before_outer_ones(self):
        """a1 takes out before a does."""
        player = Player(NESTED)

        assert player.send("out") == "b"

    def test_outer_transition_is_taken_when_no_inner_one_is(self):
        """What a child does not name, its parent may."""
        player = Player(NESTED)

        assert player.send("go", "out") == "c"

    def test_exit_is_innermost_first(self):
        """Children are left before their parents."""
        player = Player(NESTED)
        player.send("nothing")
        player.noted()
        player.send("out")

        assert player.noted() == ["-a1", "-a", "+b"]

    def test_sibling_move_stays_inside(self):
        """A move between siblings leaves the parent alone."""
        player = Player(NESTED)
        player.send("nothing")
        player.noted()
        player.send("go")

        assert player.noted() == ["-a1", "+a2"]

    def test_target_may_be_deep(self):
        """A path enters the parents on the way."""
        player = Player(NESTED)
        player.send("out")
        player.noted()

        assert player.send("deep") == "a.a2"
        assert player.noted() == ["-b", "+a", "+a2"]

    @pytest.mark.parametrize(
        ("message", "seen"),
        [
            ("self", ["-a1", "-a", "+a", "+a1"]),
            ("inner", ["-a1", "+a2"]),
            ("fresh", ["-a1", "-a", "+a", "+a2"]),
        ],
    )
    def test_own_descendants_are_reached_from_inside(self, message, seen):
        """To a descendant stays inside unless reenter; to itself leaves."""
        player = Player(NESTED)
        player.send("nothing")
        player.noted()
        player.send(message)

        assert player.noted() == seen

    def test_plain_nested_moves_need_no_user_code(self):
        """A nested move without functions is a look-up, as a flat one is."""
        player = Player("name: x\nstates: {a: {on: {m: b}, states: {c: }}, b: }")

        assert player.machine.handle_nowait({"type": "m"}) is True
        assert player.machine.state_name == "b"


HISTORY = """
name: x
states:
  a:
    on: {out: b}
    states:
      h: {history: KIND}
      c: {on: {go: d}}
      d: {initial: e, states: {e: {on: {go: f}}, f: }}
  b: {on: {back: a.h, fresh: a}}
"""


class TestHistory:
    @pytest.mark.parametrize(
        ("kind", "state"), [("shallow", "a.d.e"), ("deep", "a.d.f")]
    )
    def test_history_comes_back(self, kind, state):
        """Shallow remembers the child, deep the leaf."""
        player = Player(HISTORY.replace("KIND", kind))

        assert player.send("go", "go", "out", "back") == state

    def test_history_without_memory_is_the_initial(self):
        """Where nothing was left yet, the parent's initial is entered."""
        text = HISTORY.replace("KIND", "deep").replace(
            "name: x", "name: x\ninitial_state: b"
        )

        assert Player(text).send("back") == "a.c"

    def test_history_may_have_a_default(self):
        """Default names the state for the first time."""
        text = HISTORY.replace("KIND", "deep, default: d").replace(
            "name: x", "name: x\ninitial_state: b"
        )

        assert Player(text).send("back") == "a.d.e"

    def test_plain_entry_forgets_nothing(self):
        """Entering without history starts anew."""
        assert (
            Player(HISTORY.replace("KIND", "deep")).send("go", "out", "fresh") == "a.c"
        )

    def test_history_is_saved(self):
        """What is remembered survives data and restore."""
        player = Player(HISTORY.replace("KIND", "deep"))
        player.send("go", "go", "out")
        machine = ChartMachine.from_data(player.machine.chart, player.machine.data())
        asyncio.run(machine.handle({"type": "back"}, Host()))

        assert machine.state_name == "a.d.f"


PARALLEL = """
name: x
states:
  off: {on: {power: on}}
  on:
    on: {power: off}
    parallel:
      left: {states: {l1: {on: {m: l2, both: l2}}, l2: {on: {m: l1}}}}
      right:
        states:
          r1: {on: {n: r2, both: r2, cross: left.l2}}
          r2: {on: {n: r1, jump: off}}
"""


class TestParallel:
    def test_all_regions_are_entered(self):
        """A parallel state is in each of its regions at once."""
        player = Player(PARALLEL)

        assert player.send("power") == "on.left.l1,on.right.r1"
        assert player.machine.states == ("on.left.l1", "on.right.r1")
        assert player.machine.is_in("on")

    def test_each_region_moves_alone(self):
        """A message that one region takes leaves the others."""
        assert Player(PARALLEL).send("power", "n") == "on.left.l1,on.right.r2"

    def test_one_message_may_move_several_regions(self):
        """Transitions in different regions are taken together."""
        player = Player(PARALLEL)

        assert player.send("power", "both") == "on.left.l2,on.right.r2"
        assert len(player.machine.last_transitions) == 2

    def test_leaving_one_region_leaves_all(self):
        """Regions live and end together."""
        assert Player(PARALLEL).send("power", "n", "jump") == "off"

    def test_outer_transition_leaves_all(self):
        """A transition of the parallel state itself ends every region."""
        assert Player(PARALLEL).send("power", "power") == "off"

    def test_move_across_regions_restarts_the_others(self):
        """The parallel state is left and entered, as SCXML says."""
        player = Player(PARALLEL)

        assert player.send("power", "cross") == "on.left.l2,on.right.r1"

    @pytest.mark.parametrize(
        ("text", "before", "after"),
        [
            (
                (
                    "name: x\nstates: {p: {on: {m: .a.c}, "
                    "parallel: {a: {states: {b: , c: }}, d: {states: {e: , f: }}}}}"
                ),
                "p.a.b,p.d.e",
                "p.a.c,p.d.e",
            ),
            (
                (
                    "name: x\nparallel: {a: {states: {b: {on: {m: d.f}}, c: }}, "
                    "d: {states: {e: , f: }}}"
                ),
                "a.b,d.e",
                "a.b,d.f",
            ),
        ],
    )
    def test_every_region_is_entered_again(self, text, before, after):
        """A move within a parallel state, or across the top, leaves no region out."""
        player = Player(text)

        assert player.machine.state_name == before
        assert player.send("m") == after

    def test_first_region_wins_a_conflict(self):
        """Of two transitions that leave the same state the earlier one is taken."""
        player = Player("""
name: x
states:
  p:
    parallel:
      a: {states: {a1: {on: {m: one}}}}
      b: {states: {b1: {on: {m: two}}}}
  one:
  two:
""")

        assert player.send("m") == "one"

    def test_inner_transition_wins_a_conflict_with_an_outer_one(self):
        """A region's own transition goes before one of the parallel state."""
        player = Player("""
name: x
states:
  p:
    on: {m: one}
    parallel:
      a: {states: {a1: {on: {m: a2}}, a2: }}
      b: {states: {b1: }}
  one:
""")

        assert player.send("m") == "p.a.a2,p.b.b1"

    def test_guard_may_ask_for_another_region(self):
        """{in: state} looks across regions."""
        player = Player("""
name: x
parallel:
  door: {states: {shut: {on: {open: ajar}}, ajar: }}
  lamp: {states: {dark: {on: {look: {to: lit, if: {in: door.ajar}}}}, lit: }}
""")

        assert player.send("look") == "door.shut,lamp.dark"
        assert player.send("open", "look") == "door.ajar,lamp.lit"

    def test_deep_history_of_regions(self):
        """The example of the contract: resume where every region was."""
        player = Player("""
name: player
states:
  standby: {on: {power: active.resume}}
  active:
    on: {power: standby}
    parallel:
      transport: {states: {stopped: {on: {play: playing}}, playing: }}
      sound: {states: {audible: {on: {mute: muted}}, muted: }}
      resume: {history: deep}
""")

        assert player.send("power", "play", "mute", "power") == "standby"
        assert player.send("power") == "active.transport.playing,active.sound.muted"


class TestAlways:
    def test_eventless_transition_is_taken_at_once(self):
        """Always goes on until nothing more is possible."""
        player = Player("""
name: x
context: {n: 0}
states:
  a: {on: {m: {to: b, do: {add: {n: 1}}}}}
  b: {always: [{to: a, if: {context.n: {lt: 2}}}, c]}
  c:
""")

        assert player.send("m") == "a"
        assert player.send("m") == "c"

    def test_eventless_transition_of_the_initial_state(self):
        """A machine comes to rest before its first message."""
        assert (
            Player("name: x\nstates: {a: {always: b}, b: }").machine.state_name == "b"
        )

    def test_eventless_goes_before_raised(self):
        """A raised message waits until nothing eventless is possible."""
        player = Player("""
name: x
states:
  a: {on: {m: {to: b, do: {raise: n}}}}
  b: {always: c, on: {n: wrong}}
  c: {on: {n: right}}
  wrong:
  right:
""")

        assert player.send("m") == "right"

    def test_eternal_circle_is_an_error(self):
        """Two states that chase each other are stopped; nothing has changed."""
        player = Player(
            "name: x\nstates: {s: {on: {m: a}}, a: {always: b}, b: {always: a}}"
        )

        with pytest.raises(ActionError, match="does not come to rest"):
            player.send("m")
        assert player.machine.state_name == "s"


class TestDone:
    def test_end_of_a_compound_state(self):
        """Done is taken when a final child is entered; output is the result."""
        player = Player("""
name: x
context: {got: null}
states:
  a:
    done: {to: b, do: {set: {got: $result}}}
    states: {c: {on: {m: d}}, d: {final: true, output: {k: $message.v}}}
  b:
""")

        assert player.send("m", v=5) == "b"
        assert player.machine.context == {"got": {"k": 5}}

    def test_end_of_a_parallel_state_is_that_of_all_regions(self):
        """Done waits for every region."""
        player = Player("""
name: x
states:
  p:
    done: over
    parallel:
      a: {states: {a1: {on: {m: a2}}, a2: {final: true}}}
      b: {states: {b1: {on: {n: b2}}, b2: {final: true}}}
  over:
""")

        assert player.send("m") == "p.a.a2,p.b.b1"
        assert player.send("n") == "over"

    def test_guard_of_done_sees_the_result(self):
        """The result is a field of the event, and $result."""
        player = Player("""
name: x
states:
  a:
    done: [{to: b, if: {result: 2}}, {to: c, if: {$result: 1}}]
    states: {d: {on: {m: e}}, e: {final: true, output: 1}}
  b:
  c:
""")

        assert player.send("m") == "c"

    def test_top_level_done(self):
        """The whole may begin again when it has ended."""
        player = Player("name: x\ndone: a\nstates: {a: {on: {m: b}}, b: {final: true}}")

        assert player.send("m") == "a"

    @pytest.mark.parametrize(
        "text",
        [
            "name: x\non: {n: a}\nstates: {a: {on: {m: b}}, b: {final: true}}",
            "name: x\non: {'*': a}\nstates: {a: {on: {m: b}}, b: {final: true}}",
            (
                "name: x\non: {n: a}\n"
                "states: {a: {on: {m: b}}, b: {final: true, entry: {raise: n}}}"
            ),
            (
                "name: x\non: {n: {do: {set: {k: 1}}}}\ncontext: {k: 0}\n"
                "parallel: {b: {states: {c: {on: {m: d}}, d: {final: true}}}}"
            ),
        ],
    )
    def test_machine_that_has_ended_takes_nothing(self, text):
        """The top level's own transitions end with it, for raised messages too."""
        player = Player(text)
        end = player.send("m")

        assert player.send("n") == end
        assert player.machine.is_finished
        assert not player.machine.can({"type": "n"}, None)
        assert "has ended" in str(player.machine.why_not({"type": "n"}, None))
        assert player.machine.context in ({}, {"k": 0})

    def test_final_state_within_another_is_not_the_end(self):
        """What stands around a final state still takes messages."""
        player = Player(
            "name: x\nstates: {a: {on: {m: b}, states: {c: {final: true}}}, b: }"
        )

        assert not player.machine.is_finished
        assert player.machine.can({"type": "m"}, None)
        assert player.send("m") == "b"

    def test_action_may_fail_within_a_compound_state(self):
        """Error of the compound state takes what fails within."""
        player = Player("""
name: x
context: {n: text}
states:
  a:
    error: b
    states: {c: {on: {m: {to: d, do: {add: {n: 1}}}}}, d: }
  b:
""")

        assert player.send("m") == "b"


# --- random charts, through both paths ------------------------------------------------

MESSAGES = ["m", "n", "k"]
PATHS = ["a", "b", "c", "d", "e", "f", "a.c", "a.d", "b.c", "b.d", "a.h", "b.h"]
ACTIONS = [{"add": {"x": 1}}, {"set": {"y": "$context.x"}}, {"raise": "k"}]


def transitions():
    """Return transitions with any target, pure guards and actions."""
    whole = st.fixed_dictionaries(
        {},
        optional={
            "to": st.sampled_from(PATHS),
            "if": st.sampled_from([{"context.x": {"lt": 4}}, {"n": 1}, {"in": "a"}]),
            "do": st.sampled_from(ACTIONS),
            "reenter": st.booleans(),
        },
    )
    return st.dictionaries(
        st.sampled_from(MESSAGES),
        st.sampled_from(PATHS[:6]) | whole.filter(lambda one: set(one) & {"to", "do"}),
    )


def tree(depth=2):
    """Return states within states, some parallel, some final, some with histories."""
    leaf = st.fixed_dictionaries(
        {"on": transitions()}, optional={"entry": st.sampled_from(ACTIONS[:2])}
    ) | st.just({"final": True})
    if not depth:
        return leaf
    names = ["c", "d"] if depth == 2 else ["e", "f"]
    inner = st.fixed_dictionaries({name: tree(depth - 1) for name in names})
    around = {
        "on": transitions(),
        "exit": st.sampled_from(ACTIONS[:2]),
        "done": st.sampled_from(["a", "b"]),
        "always": st.fixed_dictionaries(
            {"to": st.sampled_from(PATHS), "if": st.just({"context.x": {"ge": 3}})}
        ),
    }
    return (
        leaf
        | st.fixed_dictionaries({"states": inner}, optional=around)
        | st.fixed_dictionaries({"parallel": inner}, optional=around)
        | st.fixed_dictionaries(
            {"states": inner.map(lambda one: {**one, "h": {"history": "deep"}})},
            optional=around,
        )
    )


def charts():
    """Return data of charts; those with targets that do not exist are tried too."""
    return st.fixed_dictionaries(
        {
            "name": st.just("x"),
            "context": st.just({"x": 0, "y": 0}),
            "states": st.fixed_dictionaries({"a": tree(), "b": tree()}),
        },
        optional={"on": transitions()},
    )


class TestBothPaths:
    @settings(max_examples=150, deadline=None)
    @given(charts(), st.lists(st.sampled_from(MESSAGES), max_size=6))
    def test_fast_moves_do_what_whole_steps_do(self, data, messages):
        """A look-up and a step come to the same states, context and transitions."""
        chart = self.usable(data)
        if chart is None:
            return
        asyncio.run(self.walk(chart, messages))

    def usable(self, data):
        """Return the chart, with transitions dropped whose targets do not exist."""
        chart, problems = read_chart(data)
        for _ in range(40):
            if chart is not None or not problems:
                break
            path = problems[0].context.get("path", "")
            if not self.drop(data, path):
                return None
            chart, problems = read_chart(data)
        return chart

    def drop(self, data, path):
        """Remove the transition, or what else is wrong, at a path."""
        steps = path.split(".")[1:]
        for length in range(len(steps), 0, -1):
            owner = data
            for step in steps[: length - 1]:
                owner = owner.get(step, {}) if isinstance(owner, dict) else {}
            last = steps[length - 1]
            if isinstance(owner, dict) and last in owner and last not in {"to", "if"}:
                del owner[last]
                return True
        return False

    async def walk(self, chart, messages):
        """Send the same messages along both paths."""
        quick, slow = ChartMachine(chart), ChartMachine(chart)
        for kind in messages:
            message = {"type": kind, "n": 1}
            wanted = await self.whole(slow, message)
            taken = quick.handle_nowait(message)
            found = taken
            if taken is None:
                found = await self.whole(quick, message)
            assert found == wanted or (found is True and wanted is True)
            assert quick.states == slow.states
            assert quick.context == slow.context
            assert compile_chart(chart).at(quick.states) is not None, (
                "not a legal state"
            )
            if wanted is True:
                assert quick.last_transitions == slow.last_transitions
            why = quick.why_not({"type": "m", "n": 1}, Host())
            assert bool(why) is not quick.can({"type": "m", "n": 1}, Host())

    async def whole(self, machine, message):
        """Handle a message by a whole step; an error counts as an answer."""
        try:
            return (await machine.handle(message, Host())).proceeded
        except ActionError as error:
            return error.what
