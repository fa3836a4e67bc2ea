"""The bus that remembers, and the drawing of a path."""

from __future__ import annotations

import doctest
import importlib

import pytest

from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import ActionError
from flexiflow.statechart import Simulation, load_chart
from flexiflow.testing import RecordingBus, draw_path


class TestRecordingBus:
    async def test_keeps_what_is_published(self):
        """Events of the engine and of charts, in order, with their data."""
        bus = RecordingBus()
        engine = FlexiFlowEngine(event_bus=bus)
        door = engine.create_component(
            {
                "name": "door",
                "states": {
                    "shut": {"on": {"open": {"to": "ajar", "do": {"emit": "creak"}}}},
                    "ajar": {"final": True},
                },
            }
        )
        await door.send("open")
        await engine.close()

        assert bus.names == [
            "engine.component.registered",
            "component.message.received",
            "state.changed",
            "creak",
            "component.message.handled",
        ]
        assert bus.payloads("state.changed") == [
            {"component": "door", "from_state": "shut", "to_state": "ajar"}
        ]
        assert bus.events[1].component == "door"

    async def test_is_a_bus(self):
        """Subscribers hear of events as always."""
        bus = RecordingBus(size=2)
        heard = []
        await bus.subscribe("e", "test", heard.append)
        for number in range(3):
            await bus.publish("e", number)

        assert heard == [0, 1, 2]
        assert bus.payloads("e") == [1, 2]
        bus.clear()
        assert bus.events == []


class TestDrawing:
    def test_marks_what_led_nowhere(self):
        """Ignored and failed messages, timers and services are told apart."""
        chart = load_chart(
            "name: x\ncontext: {n: null}\nstates:\n"
            "  a: {after: {1s: b}, on: {bad: {do: {add: {n: 1}}}}}\n"
            "  b: {run: work, error: c}\n  c:\n"
        )
        made = Simulation(chart)
        made.send("nothing")
        with pytest.raises(ActionError):
            made.send("bad")
        made.advance(1)
        made.fail("b")

        assert draw_path(made.trace).splitlines() == [
            "a",
            "  │ nothing",
            "  ○ ignored",
            "  │ bad",
            "  ✗ bad failed: add cannot be done.",
            "  │ timer of a",
            "  ▼",
            "b",
            "  │ failure of b",
            "  ▼",
            "c",
        ]

    def test_end_of_a_long_path(self):
        """What came before is counted."""
        made = Simulation(load_chart("name: x\nstates: {a: {on: {m: a}}}"))
        for _ in range(100):
            made.send("m")
        lines = draw_path(made.trace).splitlines()

        assert lines[:3] == ["(41 steps before)", "a", "  │ m"]

    @pytest.mark.parametrize(
        "module",
        ["flexiflow.testing._path_drawing", "flexiflow.testing.recording_bus"],
    )
    def test_examples_are_true(self, module):
        """What the docstrings show is what happens."""
        assert doctest.testmod(importlib.import_module(module)).failed == 0
