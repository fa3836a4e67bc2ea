"""The saved picture beside each live view, in a real kernel."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tests.jupyter.test_bad_input import DOOR

pytestmark = pytest.mark.kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
SVG = "image/svg+xml"
WAIT = """
import threading
for thread in threading.enumerate():
    if thread.name == "flexiflow-layout":
        thread.join()
"""


def lit(svg):
    """Return the paths of the states that a picture shows as active."""
    return [
        group.get("data-state")
        for group in ET.fromstring(svg).iter()  # noqa: S314 - our own picture
        if group.get("aria-current") == "true"
    ]


def updates(run):
    """Return the bundles by which a cell changed outputs that stood already."""
    return [content["data"] for content in run.of("update_display_data")]


@pytest.fixture
def static(kernel):
    """A kernel that shows saved pictures only."""
    kernel.run("import os; os.environ['FLEXIFLOW_DISPLAY'] = 'static'")
    yield kernel
    kernel.run("del os.environ['FLEXIFLOW_DISPLAY']")


class TestTwin:
    def test_it_is_an_output_of_its_own(self, kernel):
        """The widget is one output, its picture the next: HTML, and text."""
        live, twin = kernel.run(DOOR).bundles

        assert WIDGET in live
        assert WIDGET not in twin
        assert "data-flexiflow-static" in twin["text/html"]
        assert "door: locked" in twin["text/plain"]

    def test_the_page_knows_which_picture_to_hide(self, kernel):
        """The model names the twin that stands beside it."""
        run = kernel.run(DOOR)

        name = kernel.models[run.views[0]]["twin"]
        assert f'data-flexiflow-static="{name}"' in run.bundles[1]["text/html"]

    def test_it_follows_what_a_cell_does(self, kernel):
        """When a cell ends, the pictures show what it did, as messages of that cell."""
        kernel.run(DOOR)
        kernel.run(WAIT)

        run = kernel.run("await door.send('coin')")

        (picture,) = updates(run)
        assert lit(picture[SVG]) == ["unlocked"]
        assert "door: unlocked" in picture["text/plain"]

    def test_a_cell_that_changes_nothing_changes_no_output(self, kernel):
        """A notebook is not changed for nothing."""
        kernel.run(DOOR)
        kernel.run(WAIT)
        kernel.run("await door.send('coin')")

        assert updates(kernel.run("1 + 1")) == []

    def test_a_part_shows_what_it_shows(self, kernel):
        """The picture of a view of the context is the context."""
        kernel.run(DOOR)

        twin = kernel.run("ContextView(door)").bundles[1]

        assert SVG not in twin
        assert "<svg" not in twin["text/html"]

    def test_an_engine_stream_has_one(self, kernel):
        """The picture of a stream is its latest events."""
        kernel.run(DOOR)
        kernel.run("await door.send('coin')")

        twin = kernel.run("EventStream(get_engine())").bundles[1]

        assert "state.changed" in twin["text/html"]

    def test_a_closed_view_leaves_its_picture(self, kernel):
        """A view that was replaced does not change its output any more."""
        kernel.run(DOOR, cell_id="a")
        kernel.run(WAIT)
        first = kernel.run(DOOR, cell_id="a")

        run = kernel.run("await door.send('coin')")

        names = {re.search(r'static="(\w+)"', x["text/html"])[1] for x in updates(run)}
        (name,) = names
        assert name in first.bundles[1]["text/html"]


class TestStatic:
    def test_only_the_picture_is_shown(self, static):
        """Where FLEXIFLOW_DISPLAY says static, no widget is made, and all is drawn."""
        run = static.run(DOOR)

        (twin,) = run.bundles
        assert run.of("comm_open") == []
        assert lit(twin[SVG]) == ["locked"]

    def test_a_component_is_shown_so_too(self, static):
        """The last value of a cell is drawn as well."""
        static.run(DOOR)

        (twin,) = static.run("door").bundles

        assert lit(twin[SVG]) == ["locked"]

    def test_a_definition_may_ask_for_it(self, kernel):
        """`--static` shows the picture only, for that cell."""
        run = kernel.run(DOOR.replace("flow\n", "flow --static\n", 1))

        (twin,) = run.bundles
        assert "data-flexiflow-static" in twin["text/html"]
        assert WIDGET not in twin

    def test_a_word_that_is_no_way_is_refused(self, kernel):
        """Another value is an error that names the right ones."""
        kernel.run("import os; os.environ['FLEXIFLOW_DISPLAY'] = 'statik'")

        run = kernel.run(DOOR)

        kernel.run("del os.environ['FLEXIFLOW_DISPLAY']")
        assert run.reply["status"] == "error"
        assert "live and static" in run.reply["evalue"]


class TestHostileNames:
    def test_names_are_text_in_every_form(self, static):
        """A state called like a tag is written, not made."""
        text = DOOR.replace("locked", "'<script>alert(1)</script>'")

        run = static.run(text)

        for bundle in run.bundles:
            assert "<script>" not in bundle.get("text/html", "")
            assert "<script>" not in bundle.get(SVG, "")
