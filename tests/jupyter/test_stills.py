"""Charts, sandboxes and saved states as the last line of a cell."""

from __future__ import annotations

import pytest

from flexiflow.extras import ComponentSnapshot
from flexiflow.statechart import Simulation
from flexiflow_jupyter.stills import chart_bundle, simulation_bundle, snapshot_bundle
from tests.jupyter.test_extension import DOOR


@pytest.fixture
def door(shell):
    """The component of a shell with the extension."""
    shell.extension_manager.load_extension("flexiflow_jupyter")
    shell.run_cell(DOOR)
    return shell.user_ns["door"]


class TestChart:
    def test_it_is_a_picture_and_text(self, door):
        """The picture names its states; the text says what leads where."""
        bundle = chart_bundle(door.chart)

        assert 'data-state="locked"' in bundle["image/svg+xml"]
        assert "coin → unlocked" in bundle["text/plain"]

    def test_the_formatter_is_asked(self, shell, door):
        """A chart at the end of a cell is shown so."""
        data, _ = shell.display_formatter.format(door.chart)

        assert 'data-flexiflow="chart"' in data["text/html"]


class TestSimulation:
    def test_it_shows_where_it_stands(self, shell, door):
        """The active state is lit; the steps are told."""
        sandbox = Simulation(door.chart)
        sandbox.send("coin")

        bundle = simulation_bundle(sandbox)
        data, _ = shell.display_formatter.format(sandbox)

        assert "A sandbox in unlocked" in bundle["text/plain"]
        assert "coin" in bundle["text/plain"]
        assert 'aria-current="true"' in data["text/html"]


class TestSnapshot:
    def test_it_lights_the_saved_state(self, door):
        """The chart is that of the living component of the name."""
        bundle = snapshot_bundle(ComponentSnapshot("door", "unlocked"))

        assert "door as saved in unlocked" in bundle["text/plain"]
        assert 'aria-current="true"' in bundle["text/html"]

    def test_without_its_component_it_is_text(self, door):
        """Nothing is drawn that is not known; names are nothing but text."""
        bundle = snapshot_bundle(
            ComponentSnapshot("<b>", "<i>", data={"context": {"a": 1}})
        )

        assert "image/svg+xml" not in bundle
        assert "<i>" not in bundle["text/html"]
        assert 'Context: {"a": 1}' in bundle["text/plain"]

    def test_what_a_component_gives_is_shown_by_its_chart(self, shell, door):
        """The saved state is lit, with its data and what was pending."""
        saved = {**door.snapshot(), "states": ["unlocked"], "timers": [{"due": 3}]}

        data, _ = shell.display_formatter.format(saved)

        assert 'data-state="unlocked" aria-current="true"' in data["text/html"]
        assert "A snapshot in unlocked" in data["text/html"]
        assert "timers: [{&quot;due&quot;: 3}]" in data["text/html"]
        assert data["text/plain"].startswith("{'version'")

    @pytest.mark.parametrize(
        "change",
        [{"chart": "other"}, {"states": ["gone"]}, {"states": 3}, {"context": None}],
    )
    def test_other_data_is_left_alone(self, shell, door, change):
        """A dictionary is a dictionary, whatever keys it has."""
        data, _ = shell.display_formatter.format({**door.snapshot(), **change})
        plain, _ = shell.display_formatter.format({"a": 1})

        assert list(data) == ["text/plain"]
        assert plain == {"text/plain": "{'a': 1}"}


class TestWhyNot:
    def test_it_is_a_sentence(self, shell, door):
        """It is told as a button tells it."""
        data, _ = shell.display_formatter.format(door.why_not("push"))

        assert data["text/plain"] == str(door.why_not("push"))
