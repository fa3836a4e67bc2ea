"""Child components as services of a state."""

from __future__ import annotations

import sys

import pytest

from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.explain import explain
from flexiflow.extras import SnapshotStore
from flexiflow.statechart import Functions, load_chart, machine, state
from tests.statechart.served import (
    FUNCTIONS,
    KETTLE,
    add,
    rest,
)


class TestChildComponent:
    async def test_it_lives_with_its_state(self, engine):
        """It is there when the message returns, and gone when the state is left."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        child = engine.get("kettle.pump")
        await kettle.send("stop")

        assert child.state == "Waiting"
        assert list(engine.components) == ["kettle"]

    async def test_with_goes_before_its_context(self, engine):
        """What with passes replaces fields of the child's context."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")

        assert engine.get("kettle.pump").context == {"litres": 3, "poured": 0}

    async def test_its_end_is_done_with_its_output(self, engine):
        """The final state's output is the result."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        pump = engine.get("kettle.pump")
        for kind in ("on", "drop", "drop", "full"):
            await pump.send(kind)
        await rest()

        assert kettle.state == "Full"
        assert kettle.context["got"] == {"poured": 2, "of": 3}
        assert list(engine.components) == ["kettle"]

    async def test_parent_sends_by_its_name(self, engine):
        """A send of the parent's chart finds the child by the name it was given."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        await kettle.send("push")
        await rest()

        assert engine.get("kettle.pump").state == "Pouring"

    async def test_entry_may_send_to_it(self, engine):
        """It is there before the messages of the entry are sent."""
        kettle = add(
            engine,
            KETTLE.replace(
                "    run:", "    entry: {send: {type: 'on', to: pump}}\n    run:"
            ),
        )
        await kettle.send("fill")
        await rest()

        assert engine.get("kettle.pump").state == "Pouring"

    async def test_it_sends_to_its_parent(self, engine):
        """``parent`` is the component that runs it."""
        text = KETTLE.replace(
            "full: Done", "full: {do: {send: {to: parent, type: stop}}}"
        )
        kettle = add(engine, text)
        await kettle.send("fill")
        pump = engine.get("kettle.pump")
        await pump.send("on")
        await pump.send("full")
        await rest()

        assert kettle.state == "Idle"

    async def test_failing_of_its_own_is_error(self, engine):
        """A failure that no caller hears of ends it: the error is the parent's."""
        kettle = add(
            engine, KETTLE.replace("full: Done", "after: x") if False else KETTLE
        )
        await kettle.send("fill")
        await kettle.send("push")
        await rest()
        engine.get("kettle.pump").post({"type": "burst"})
        await rest()

        assert kettle.state == "Broken"
        assert "leak" in kettle.context["got"]
        assert list(engine.components) == ["kettle"]

    async def test_failing_of_a_message_is_its_senders(self, engine):
        """Who awaits a message gets its error; the child goes on."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        with pytest.raises(Exception, match="leak"):
            await engine.get("kettle.pump").send("break")
        await rest()

        assert kettle.state == "Filling"

    async def test_child_that_was_closed_has_failed(self, engine):
        """A child that somebody unregisters does not leave its parent waiting."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        engine.unregister("kettle.pump")
        await rest()

        assert kettle.state == "Broken"

    async def test_timeout_is_by_the_clock(self, engine):
        """A child that takes too long has failed."""
        kettle = add(
            engine, KETTLE.replace("      with:", "      timeout: 5s\n      with:")
        )
        await kettle.send("fill")
        await rest()
        engine.test_clock.advance(6)
        await rest()

        assert kettle.state == "Broken"
        assert list(engine.components) == ["kettle"]

    async def test_retry_makes_another(self, engine):
        """A further try is a new child."""
        text = KETTLE.replace(
            "      with:", "      retry: {max_attempts: 2, base_delay: 1}\n      with:"
        )
        kettle = add(engine, text)
        await kettle.send("fill")
        first = engine.get("kettle.pump")
        first.post({"type": "break"})
        await rest()
        between = engine.get("kettle.pump")
        engine.test_clock.advance(1)
        await rest()
        second = engine.get("kettle.pump")

        assert between is None
        assert second is not None
        assert second is not first
        assert kettle.state == "Filling"

    async def test_closing_the_parent_closes_it(self, engine):
        """No child is left over."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        engine.unregister("kettle")
        await rest()

        assert engine.components == {}

    async def test_same_name_twice(self, engine):
        """Two regions may run the same chart; the engine tells them apart."""
        region = "{run: {component: {name: p, states: {a: {on: {m: b}}, b: }}}}"
        both = add(engine, f"name: both\nparallel:\n  one: {region}\n  two: {region}")
        await both.send("x")
        await rest()

        assert list(engine.components) == ["both", "both.p", "both.p-2"]

    async def test_it_runs_without_an_engine(self):
        """A component alone runs its child, and reaches it."""
        chart = load_chart(KETTLE, functions=FUNCTIONS)
        kettle = AsyncComponent("kettle", [], ChartMachine(chart, functions=FUNCTIONS))
        await kettle.send("fill")
        await kettle.send("push")
        await rest()
        pump = kettle.neighbour("pump")
        await pump.send("full")
        await rest()

        assert kettle.state == "Full"

    async def test_child_of_a_child(self, engine):
        """Components may stand as deep as they are nested."""
        text = (
            "name: a\nstates: {s: {run: {component: {name: b, states: {s: {run: "
            "{component: {name: c, states: {s: {on: {m: e}}, e: {final: true, output: 1"
            "}}}}, done: e}, e: {final: true, output: 2}}}}, "
            "done: {to: t, do: {set: {got: $result}}}}, t: }"
        )
        top = add(engine, text)
        await top.send("x")
        await rest()
        names = list(engine.components)
        await engine.handle_message("a.b.c", "m")
        await rest()

        assert names == ["a", "a.b", "a.b.c"]
        assert (top.state, top.context) == ("t", {"got": 2})

    async def test_chart_within_itself_ends(self, engine, tmp_path):
        """A chart that runs itself is refused, not followed for ever."""
        path = tmp_path / "loop.yaml"
        path.write_text(
            "name: l\nstates: {s: {run: {component: loop.yaml}, error: t}, t: }"
        )
        engine.create_component(path)
        await rest()
        for _ in range(30):
            await rest()

        assert len(engine.components) < 20
        assert any(one.state == "t" for one in engine.components.values())


class TestDefinition:
    async def test_path_is_relative_to_the_file(self, engine, tmp_path):
        """A config names the configs beside it."""
        (tmp_path / "pump.yaml").write_text("name: pump\nstates: {a: {}}")
        (tmp_path / "kettle.yaml").write_text(
            "name: kettle\nstates: {s: {run: {component: pump.yaml}}}"
        )
        engine.create_component(tmp_path / "kettle.yaml")
        await rest()

        assert "kettle.pump" in engine.components

    async def test_missing_file_is_a_load_error(self, tmp_path):
        """The place of the name is told."""
        path = tmp_path / "kettle.yaml"
        path.write_text("name: kettle\nstates: {s: {run: {component: pump.yaml}}}")

        with pytest.raises(Exception, match=r"pump\.yaml.*\n.*no such file"):
            ConfigLoader.load_component_config(path)

    @pytest.mark.parametrize("name", ["pump_parts:pump", "pump"])
    def test_explain_finds_it_without_importing(self, tmp_path, monkeypatch, name):
        """Reading is enough to see that a module has what is named."""
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "pump_parts.py").write_text("pump = print('imported') or {}")
        path = tmp_path / "kettle.yaml"
        path.write_text(
            "name: k\nuse: pump_parts\nstates:\n"
            f"  s: {{run: {{component: '{name}'}}, done: t}}\n  t: {{final: true}}\n"
        )
        found = explain(path)

        assert (found.errors, found.warnings) == ([], [])
        assert "pump_parts" not in sys.modules

    def test_component_within_one_in_place_is_checked(self, tmp_path):
        """However deep a name stands, it is looked up when the file is read."""
        path = tmp_path / "kettle.yaml"
        path.write_text(
            "name: k\nstates: {s: {run: {component: {name: i, states: {t: {run: "
            "{component: gone.yaml}}}}}}}"
        )
        (problem,) = explain(path).errors

        assert problem.what == "No component gone.yaml."

    async def test_untrusted_text_reads_no_file(self):
        """Text from elsewhere may describe components, not name files."""
        text = "name: kettle\nstates: {s: {run: {component: /etc/x.yaml}}}"

        with pytest.raises(Exception, match="may not be read"):
            ConfigLoader.load_component_text(text, allow_imports=[])

    async def test_name_is_found_among_the_functions(self, engine):
        """A chart may be handed in where functions are."""
        pump = machine(
            "pump", states={"a": state(on={"m": "b"}), "b": state(final=True)}
        )
        known = Functions({"pump_chart": pump})
        text = "name: k\nstates: {s: {run: {component: pump_chart}, done: t}, t: }"
        kettle = add(engine, text, known)
        await rest()
        await engine.handle_message("k.pump", "m")
        await rest()

        assert kettle.state == "t"

    async def test_builder_takes_a_chart(self, engine):
        """In Python a chart stands for itself."""
        pump = machine("pump", states={"a": state(final=True, output=7)})
        kettle = engine.create_component(
            machine(
                "k",
                states={
                    "s": state(
                        run={"component": pump},
                        done={"to": "t", "do": {"set": {"n": "$result"}}},
                    ),
                    "t": state(),
                },
            )
        )
        await rest()

        assert (kettle.state, kettle.context) == ("t", {"n": 7})

    async def test_registered_component_is_a_definition(self, engine):
        """The chart of a component of the engine can be run once more."""
        add(engine, "name: pump\nstates: {a: {on: {m: b}}, b: }")
        add(engine, "name: k\nstates: {s: {run: {component: pump}}}")
        await rest()
        await engine.handle_message("k.pump", "m")

        assert [one.state for one in engine.components.values()] == ["a", "s", "b"]

    async def test_unknown_name_is_the_states_error(self, engine):
        """What cannot be made fails as a service does."""
        text = "name: k\nstates: {s: {run: {component: nobody}, error: t}, t: }"
        kettle = add(engine, text, None)
        await rest()

        assert kettle.state == "t"


class TestSnapshot:
    async def test_child_goes_on_where_it_stood(self):
        """Data of the parent hold the child; a restored one has it back."""
        first = FlexiFlowEngine()
        kettle = add(first, KETTLE)
        await kettle.send("fill")
        pump = first.get("kettle.pump")
        await pump.send("on")
        await pump.send("drop")
        data = kettle.state_machine.data()
        await first.close()
        second = FlexiFlowEngine()
        again = ChartMachine.from_data(kettle.chart, data, functions=FUNCTIONS)
        second.register(AsyncComponent("kettle", [], again))
        await rest()
        found = second.get("kettle.pump")
        stood = (found.state, found.context["poured"])
        await found.send("full")
        await rest()

        assert stood == ("Pouring", 1)
        assert second.get("kettle").context["got"] == {"poured": 1, "of": 3}
        await second.close()

    async def test_message_of_the_child_saves_the_parent(self, tmp_path):
        """One snapshot holds the whole; a child has no rows of its own."""
        chart = load_chart(KETTLE, functions=FUNCTIONS)
        store = SnapshotStore(tmp_path / "s.db")
        async with FlexiFlowEngine() as engine:
            engine.persist(store)
            made = AsyncComponent(
                "kettle", [], ChartMachine(chart, functions=FUNCTIONS)
            )
            engine.register(made)
            await made.send("fill")
            await engine.handle_message("kettle.pump", "on")
        snapshot = store.load_latest("kettle")
        child = store.load_latest("kettle.pump")
        await store.close()

        service = snapshot.data["services"]["Filling"]
        assert service["child"]["states"] == ["Pouring"]
        assert child is None

    async def test_row_tells_of_the_parent(self, tmp_path):
        """A row that a child's message leads to is one of the parent, in its state."""
        chart = load_chart(KETTLE, functions=FUNCTIONS)
        store = SnapshotStore(tmp_path / "s.db")
        async with FlexiFlowEngine() as engine:
            engine.persist(store)
            made = AsyncComponent(
                "kettle", [], ChartMachine(chart, functions=FUNCTIONS)
            )
            engine.register(made)
            await made.send("fill")
            result = await engine.handle_message("kettle.pump", "on")
        (row, *_) = store.history("kettle")
        await store.close()

        assert (row["from_state"], row["current_state"]) == ("Filling", "Filling")
        assert row["message_type"] == "on"
        assert row["correlation_id"] == result.correlation_id

    async def test_redefinition_keeps_what_is_the_same(self, engine):
        """A child goes on when what runs is unchanged, and is made anew otherwise."""
        kettle = add(engine, KETTLE)
        await kettle.send("fill")
        first = engine.get("kettle.pump")
        kettle.redefine(load_chart(KETTLE.replace("  Broken:", "  Broken:\n  More:")))
        await rest()
        kept = engine.get("kettle.pump")
        kettle.redefine(
            load_chart(KETTLE.replace("Burst: {", "Leaky:\n          Burst: {"))
        )
        await rest()
        second = engine.get("kettle.pump")

        assert kept is first
        assert second is not first
        assert "Leaky" in second.chart
