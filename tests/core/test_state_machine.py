"""States, the registry that names them, and the machine that holds one."""

from __future__ import annotations

import asyncio

import pytest

from flexiflow.component import AsyncComponent
from flexiflow.errors import StateError
from flexiflow.state_machine import (
    DEFAULT_REGISTRY,
    InitialState,
    State,
    StateMachine,
    StateRegistry,
)


class Idle(State):
    async def handle_message(self, message, component):
        """Move on `go`."""
        if message.get("type") == "go":
            return True, Busy()
        return False, self


class Busy(State):
    async def handle_message(self, message, component):
        """Move back on `stop`."""
        if message.get("type") == "stop":
            return True, Idle()
        return False, self


class TestRegistry:
    def test_names_are_sorted_and_create_makes_new_states(self):
        """A name gives a new object of its class each time."""
        registry = StateRegistry()
        registry.register("b", Busy)
        registry.register("a", Idle)

        assert registry.names() == ["a", "b"]
        assert isinstance(registry.create("a"), Idle)
        assert registry.create("a") is not registry.create("a")
        registry.unregister("a")
        registry.unregister("a")
        assert registry.names() == ["b"]

    def test_unknown_name_lists_up_to_five_near_misses_first(self):
        """The error says how many more there are."""
        registry = StateRegistry()
        for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Locked", "Zeta"):
            registry.register(name, Idle)

        with pytest.raises(StateError) as caught:
            registry.create("Lockd")
        assert "'Lockd'" in caught.value.what
        assert caught.value.context["valid_states"][0] == "Locked"
        assert len(caught.value.context["valid_states"]) == 5
        assert "(+2 more)" in str(caught.value)

    def test_parent_is_asked_and_never_changed(self):
        """A registry with a parent finds its names, hides them, and leaves them be."""
        parent = StateRegistry()
        parent.register("idle", Idle)
        child = StateRegistry(parent)
        child.register("idle", Busy)
        child.register("busy", Busy)

        assert isinstance(child.create("idle"), Busy)
        assert isinstance(parent.create("idle"), Idle)
        assert child.names() == ["busy", "idle"]
        assert parent.names() == ["idle"]
        child.unregister("idle")
        assert isinstance(child.create("idle"), Idle)
        assert child.parent is parent

    @pytest.mark.parametrize("names", [("x", "Idle", "y"), ("Idle", "x")])
    def test_a_class_is_shown_under_its_own_name_if_it_has_it(self, names):
        """Whatever else it is called."""
        registry = StateRegistry()
        for name in names:
            registry.register(name, Idle)

        assert registry.name_of(Idle()) == "Idle"

    def test_a_class_of_other_names_is_shown_under_the_first(self):
        """And under the next once that is gone; unregistered: its class name."""
        registry = StateRegistry()
        registry.register("one", Idle)
        registry.register("two", Idle)

        assert registry.name_of(Idle()) == "one"
        registry.register("one", Busy)
        assert registry.name_of(Idle()) == "two"
        registry.unregister("two")
        assert registry.name_of(Idle()) == "Idle"


class TestMachine:
    async def test_moves_and_ignores(self):
        """handle_message says whether a transition was taken."""
        machine = StateMachine(Idle())

        assert await machine.handle_message({"type": "x"}, None) is False
        assert await machine.handle_message({"type": "go"}, None) is True
        assert isinstance(machine.current_state, Busy)
        assert machine.state_name == "Busy"
        assert machine.registry is DEFAULT_REGISTRY
        assert (machine.chart, machine.context) == (None, None)

    async def test_state_is_named_as_it_was_found(self):
        """from_name keeps the name; later states have that of their class."""
        registry = StateRegistry()
        registry.register("first", Idle)
        registry.register("second", Idle)
        registry.register("busy", Busy)
        machine = StateMachine.from_name("second", registry)
        component = AsyncComponent("c", state_machine=machine)

        assert component.states == (component.state,) == ("second",)
        result = await component.send("go")
        assert (result.from_state, result.to_state) == ("second", "busy")
        assert repr(machine) == "<StateMachine in 'busy'>"
        assert machine.is_in("busy")

    async def test_state_is_unchanged_when_it_raises(self):
        """The error comes out, and the object stays."""

        class Bad(State):
            async def handle_message(self, message, component):
                raise KeyError

        machine = StateMachine(bad := Bad())

        with pytest.raises(KeyError):
            await machine.handle_message({}, None)
        assert machine.current_state is bad

    async def test_subclass_decides_for_itself(self):
        """A machine, or a built-in state, with a method of its own is asked."""

        class Counting(StateMachine):
            count = 0

            async def handle_message(self, message, component):
                self.count += 1
                return await super().handle_message(message, component)

        class Starting(InitialState):
            async def handle_message(self, message, component):
                return message["type"] == "begin", Idle()

        component = AsyncComponent("c", state_machine=Counting(Starting()))
        await component.send("start")
        await component.send("begin")

        assert component.state_machine.count == 2
        assert component.state == "Idle"

    async def test_whatever_handles_messages_is_a_state(self):
        """A state need not inherit from State."""

        class Duck:
            async def handle_message(self, message, component):
                return True, Idle()

        component = AsyncComponent("c", state_machine=StateMachine(Duck()))

        assert component.state == "Duck"
        assert (await component.send("x")).to_state == "Idle"

    async def test_state_of_a_machine_may_be_set(self):
        """As programs written for 1.0 do when they restore one."""
        component = AsyncComponent("c")
        component.state_machine.current_state = Busy()

        assert component.state == "Busy"
        assert (await component.send("stop")).proceeded

    def test_state_without_a_method_cannot_handle(self):
        """The base class says so."""
        component = AsyncComponent("c", state_machine=StateMachine(State()))

        with pytest.raises(NotImplementedError):
            asyncio.run(component.send("x"))
