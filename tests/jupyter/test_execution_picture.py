"""An execution is drawn without a kernel: lanes, marks, words."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow_jupyter.execution.changes import RunChanges
from flexiflow_jupyter.execution.facts import ExecutionFacts
from flexiflow_jupyter.execution.picture import execution_bundle, execution_svg
from flexiflow_jupyter.execution.timeline import busy_stretches, round_length, time_map
from tests.jupyter.test_execution import Fact, FakeRun

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def run():
    """A run that has counted and now asks."""
    run = FakeRun()
    run.say(
        Fact("WORKFLOW_STARTED"),
        Fact("TASK_STARTED", "count", "1"),
        Fact("TASK_COMPLETED", "count", "1", 84, second=3),
        Fact("TASK_PAUSED", "approve", "2", "Accept?", second=3),
        status="PAUSED",
    )
    return run


def bundle_of(run):
    """Return the bundle of a run."""
    facts = ExecutionFacts(run)
    facts.read()
    return execution_bundle(facts, "twin-1")


def lanes(svg):
    """Return the steps of a picture with their statuses."""
    root = ET.fromstring(svg)  # noqa: S314 - our own picture
    groups = root.iter(f"{SVG}g")
    return [(group.get("data-task"), group.get("data-status")) for group in groups]


class TestPicture:
    def test_each_step_has_a_lane(self, run):
        """With the hooks of the live view."""
        svg = bundle_of(run)["image/svg+xml"]

        assert lanes(svg) == [("count", "completed"), ("approve", "paused")]

    def test_html_says_what_the_page_says(self, run):
        """State, questions, and whose twin it is; no controls."""
        html = bundle_of(run)["text/html"]

        assert 'data-flexiflow-static="twin-1"' in html
        assert 'data-status="paused"' in html
        assert "asks for an answer. Accept?" in html
        assert "<button" not in html
        assert "<script" not in html

    def test_names_are_text(self):
        """However they look; the picture stays well formed."""
        run = FakeRun()
        name = "<img src=x onerror=alert(1)>\u202e\x07"
        run.say(Fact("WORKFLOW_STARTED"), Fact("TASK_STARTED", name, "1"))

        bundle = bundle_of(run)

        assert "<img" not in bundle["text/html"]
        assert lanes(bundle["image/svg+xml"])[0][0].startswith("<img")
        assert "\u202e" not in "".join(bundle.values())

    def test_a_failure_is_said(self):
        """With the way on."""
        run = FakeRun()
        error = OSError("gone")
        run.say(
            Fact("WORKFLOW_STARTED"),
            Fact("TASK_STARTED", "fetch", "1"),
            Fact("TASK_FAILED", "fetch", "1", error, second=2),
            Fact("WORKFLOW_FAILED", value=error, second=2),
            status="FAILED",
        )

        assert "fetch: OSError: gone" in bundle_of(run)["text/html"]

    def test_only_the_latest_of_many_steps_are_drawn(self):
        """The others are counted."""
        run = FakeRun()
        run.say(Fact("WORKFLOW_STARTED"))
        run.started(*["a"] * 1_000)

        bundle = bundle_of(run)

        assert len(lanes(bundle["image/svg+xml"])) == 30
        assert "The last 30 of 1,000 steps" in bundle["text/html"]

    def test_before_the_first_step_it_says_so(self):
        """The picture is whole."""
        facts = ExecutionFacts(FakeRun())

        assert "No step yet" in execution_svg(facts)


class TestTimeMap:
    @given(st.floats(min_value=0, max_value=1e13))
    def test_a_length_has_five_to_seven_round_marks(self, ms):
        """And some room on the right."""
        length, step = round_length(ms)

        assert 5 <= round(length / step) <= 7
        assert length >= ms * 1.05

    @given(
        st.lists(st.floats(min_value=0, max_value=1e9), max_size=12).map(sorted),
        st.floats(min_value=0, max_value=1e9),
    )
    def test_time_never_goes_back(self, edges, end):
        """Whatever is folded."""
        busy = list(zip(edges[::2], edges[1::2], strict=False))
        times = time_map(0, end, busy)

        places = [times.position(end * part / 50) for part in range(-2, 60)]
        assert places == sorted(places)
        assert all(0 <= place <= 1 for place in places)
        assert times.segments[-1].right == 1.0

    def test_a_wait_that_squeezes_the_rest_is_folded(self):
        """Its length is written where it stands."""
        times = time_map(0, 7_220_000, [(0, 20_000), (7_200_000, 7_220_000)])

        texts = [mark.text for mark in times.marks()]
        assert texts == ["0s", "10s", "1 h 59 min", "+10s", "+20s"]

    def test_waits_that_are_shown_count_for_the_next_one(self):
        """A wait is long in comparison with all that is seen, not with work alone."""
        busy = [(0, 4_000), (13_000, 14_000), (45_000, 46_000)]

        assert len(time_map(0, 46_000, busy).segments) == 3
        assert len(time_map(0, 40_000, [*busy[:2], (39_000, 40_000)]).segments) == 1

    def test_a_short_wait_is_left_alone(self):
        """Below ten seconds nothing is folded."""
        assert len(time_map(0, 12_000, [(0, 4_000)]).segments) == 1

    @pytest.mark.parametrize(
        ("end", "last"),
        [(420, "400ms"), (42_000, "40s"), (80_000, "1m15s"), (1_500_000, "25m")],
    )
    def test_marks_are_in_one_unit(self, end, last):
        """That of their distance."""
        texts = [mark.text for mark in time_map(0, end, [(0, end)]).marks()]

        assert last in texts

    def test_waiting_for_a_person_is_no_work(self, run):
        """Nor is a step that only waits for those within it."""
        facts = ExecutionFacts(run)
        facts.read()
        rows = facts.rows(facts.keys())
        start = rows[0]["spans"][0][1]

        assert busy_stretches(rows, start + 1e9) == [(start, start + 3_000)]


class TestChanges:
    def test_a_listener_hears_once_until_it_is_armed(self, run):
        """As one on the history of a bus."""
        heard = []
        listener = RunChanges(run).listen(lambda: heard.append(1))
        run.say(Fact("TASK_STARTED", "a", "9"))
        assert heard == []

        listener.arm()
        run.say(Fact("TASK_STARTED", "b", "10"), Fact("TASK_STARTED", "c", "11"))
        assert heard == [1]

        listener.arm()
        listener.close()
        run.say(Fact("TASK_STARTED", "d", "12"))
        assert heard == [1]
