"""Steps are read off the events of an execution, one event at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.workflows.progress import Progress, error_text_of, steps_of

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Fact:
    """An event as the journal has it."""

    type: str
    name: str
    key: str = ""
    value: Any = None
    time: datetime = BEGIN
    source_id: str = "s"


def at(seconds, kind, name="pack", key="1", *, value=None):
    """Make an event some seconds after the beginning."""
    return Fact(kind, name, key, value, BEGIN + timedelta(seconds=seconds))


def seconds(moment):
    """Return an instant as seconds since the beginning."""
    return None if moment is None else (moment - BEGIN).total_seconds()


def spans(step):
    """Return the spans of a step as plain values."""
    return [
        (span.kind, seconds(span.started), seconds(span.ended)) for span in step.spans
    ]


def one(*events):
    """Return the only step of some events."""
    (step,) = steps_of(events)
    return step


class TestSteps:
    def test_a_finished_step_has_its_result_and_its_time(self):
        """Start and end are those of its events."""
        step = one(at(1, "TASK_STARTED"), at(3, "TASK_COMPLETED", value=[1, 2]))

        assert (step.key, step.name, step.status) == ("1", "pack", "completed")
        assert (seconds(step.started), seconds(step.ended)) == (1, 3)
        assert step.result_text == "[1, 2]"
        assert spans(step) == [("work", 1, 3)]

    def test_a_result_of_none_is_a_result(self):
        """It is told from no result yet."""
        step = one(at(1, "TASK_STARTED"), at(3, "TASK_COMPLETED"))

        assert step.result_text == "None"
        assert one(at(1, "TASK_STARTED")).result_text == ""

    def test_a_step_that_waits_for_a_machine_says_why(self):
        """From its beginning, until a machine takes it."""
        events = [
            at(1, "TASK_STARTED"),
            at(2, "TASK_WAITING", value="No worker fits."),
            at(5, "TASK_WAITING", value=""),
            at(6, "TASK_COMPLETED"),
        ]
        waits, done = one(*events[:2]), one(*events)

        assert (waits.status, waits.reason) == ("waiting", "No worker fits.")
        assert spans(waits) == [("wait", 1, None)]
        assert (done.status, done.reason) == ("completed", "")
        assert spans(done) == [("wait", 1, 5), ("work", 5, 6)]

    def test_a_map_that_waits_midway_keeps_its_work(self):
        """Its items are counted on."""
        step = one(
            at(1, "TASK_STARTED", value={"total": 2, "executor": "dask"}),
            at(2, "TASK_STARTED", key="1/0"),
            at(3, "TASK_COMPLETED", key="1/0"),
            at(4, "TASK_WAITING", value="No worker is there."),
        )

        assert (step.status, step.done, step.executor) == ("waiting", 1, "dask")
        assert spans(step) == [("work", 1, 4), ("wait", 4, None)]

    def test_a_failed_step_says_its_error(self):
        """The attempt that failed is told from one that went well."""
        step = one(
            at(1, "TASK_STARTED"), at(2, "TASK_FAILED", value=ValueError("no paper"))
        )

        assert step.status == "failed"
        assert step.error_text == "ValueError: no paper"
        assert spans(step) == [("failed", 1, 2)]

    def test_steps_stand_in_the_order_of_their_beginning(self):
        """Whichever ends first."""
        events = [
            at(1, "TASK_STARTED", "a", "1"),
            at(1, "TASK_STARTED", "b", "2"),
            at(2, "TASK_COMPLETED", "b", "2"),
        ]

        assert [step.name for step in steps_of(events)] == ["a", "b"]

    def test_a_step_within_another_names_it(self):
        """The path of a branch begins with that of its step."""
        first, second = steps_of(
            [
                at(1, "TASK_STARTED", "both", "4"),
                at(1, "TASK_STARTED", "left", "4/0"),
            ]
        )

        assert (first.parent_key, second.parent_key) == (None, "4")

    def test_a_longer_number_is_no_branch(self):
        """The step 11 does not run within the step 1."""
        _, second = steps_of(
            [at(1, "TASK_STARTED", "a", "1"), at(1, "TASK_STARTED", "b", "11")]
        )

        assert second.parent_key is None

    def test_without_a_path_the_id_of_the_call_tells_steps_apart(self):
        """Events of other sources need no key."""
        first = Fact("TASK_STARTED", "a", source_id="x")
        second = Fact("TASK_STARTED", "a", source_id="y")

        assert [step.key for step in steps_of([first, second])] == ["x", "y"]

    def test_a_call_of_another_workflow_names_its_run(self):
        """So that it can be looked at as well."""
        step = one(at(1, "TASK_STARTED", value={"child": "run-1.2"}))

        assert step.child_id == "run-1.2"
        assert one(at(1, "TASK_STARTED")).child_id == ""


class TestRetries:
    def test_each_attempt_and_each_wait_has_its_span(self):
        """A retry that is due later leaves a wait before it."""
        due = (BEGIN + timedelta(seconds=4)).timestamp()
        step = one(
            at(1, "TASK_STARTED", value={"retry_max_attempts": 3}),
            at(2, "TASK_RETRY_STARTED", value={"attempt": 2, "due": due}),
            at(5, "TASK_RETRY_COMPLETED"),
            at(5, "TASK_COMPLETED", value=7),
        )

        assert spans(step) == [("failed", 1, 2), ("wait", 2, 4), ("work", 4, 5)]
        assert (step.attempts, step.most_attempts) == (2, 4)
        assert step.status == "completed"

    def test_a_retry_begun_after_its_wait_leaves_one_too(self):
        """The time since the failure was spent waiting."""
        step = one(
            at(1, "TASK_STARTED"),
            at(2, "TASK_RETRY_STARTED"),
            at(3, "TASK_RETRY_FAILED", value=OSError("gone")),
            at(6, "TASK_RETRY_STARTED"),
        )

        assert spans(step)[1:] == [("failed", 2, 3), ("wait", 3, 6), ("work", 6, None)]
        assert step.status == "retrying"
        assert step.attempts == 3

    def test_a_sleep_is_a_wait(self):
        """Until it is over, or ended before its time."""
        due = (BEGIN + timedelta(seconds=9)).timestamp()
        begun = at(1, "TASK_STARTED", "sleep", value={"due": due})

        assert spans(one(begun)) == [("wait", 1, 9)]
        over = at(9, "TASK_COMPLETED", "sleep")
        assert spans(one(begun, over)) == [("wait", 1, 9)]
        assert spans(one(begun, at(3, "TASK_CANCELLED", "sleep"))) == [("wait", 1, 3)]

    def test_a_retry_that_was_cancelled_in_its_wait_never_came(self):
        """What was due later leaves no trace."""
        due = (BEGIN + timedelta(seconds=9)).timestamp()
        step = one(
            at(1, "TASK_STARTED"),
            at(2, "TASK_RETRY_STARTED", value={"due": due}),
            at(4, "TASK_CANCELLED"),
        )

        assert spans(step) == [("failed", 1, 2), ("wait", 2, 4)]

    def test_a_fallback_takes_over(self):
        """What failed stays to be seen; the result is the fallback's."""
        step = one(
            at(1, "TASK_STARTED"),
            at(2, "TASK_FALLBACK_STARTED"),
            at(3, "TASK_FALLBACK_COMPLETED", value=0),
            at(3, "TASK_COMPLETED", value=0),
        )

        assert spans(step) == [("failed", 1, 2), ("work", 2, 3)]
        assert (step.status, step.result_text) == ("completed", "0")

    def test_a_rollback_ends_in_failure(self):
        """The step has failed, though the rollback went well."""
        step = one(
            at(1, "TASK_STARTED"),
            at(2, "TASK_ROLLBACK_STARTED"),
            at(3, "TASK_ROLLBACK_COMPLETED"),
            at(3, "TASK_FAILED", value={"type": "shop:Refused", "text": "no"}),
        )

        assert step.status == "failed"
        assert step.error_text == "Refused: no"
        assert spans(step) == [("failed", 1, 2), ("work", 2, 3)]

    def test_an_attempt_cut_short_by_a_crash_is_lost(self):
        """A second start without an end means that the process died in between."""
        step = one(
            at(1, "TASK_STARTED"),
            at(9, "TASK_STARTED"),
            at(10, "TASK_COMPLETED"),
        )

        assert spans(step) == [("lost", 1, 1), ("work", 9, 10)]
        assert step.attempts == 2


class TestMaps:
    def events(self, total=3):
        """Begin a task over some items."""
        yield at(1, "TASK_STARTED", "page", "2", value={"total": total})
        for number in range(total):
            yield at(1, "TASK_STARTED", "page", f"2/{number}")

    def test_many_items_are_one_step(self):
        """It counts those that went well."""
        step = one(*self.events(), at(2, "TASK_COMPLETED", "page", "2/1"))

        assert (step.done, step.total) == (1, 3)

    def test_items_tried_again_are_counted(self):
        """And do not make the step itself one that is tried again."""
        step = one(*self.events(), at(2, "TASK_RETRY_STARTED", "page", "2/1"))

        assert (step.retried, step.status, step.attempts) == (1, "running", 1)

    def test_what_runs_within_an_item_is_not_counted(self):
        """Only the items are."""
        step = one(
            *self.events(),
            at(2, "TASK_STARTED", "inner", "2/1/0"),
            at(2, "TASK_COMPLETED", "inner", "2/1/0"),
        )

        assert step.done == 0

    def test_no_items_are_done_at_once(self):
        """Nothing of nothing."""
        step = one(
            at(1, "TASK_STARTED", "page", "2", value={"total": 0}),
            at(1, "TASK_COMPLETED", "page", "2", value=[]),
        )

        assert (step.done, step.total, step.status) == (0, 0, "completed")

    def test_a_result_that_looks_like_facts_is_only_a_result(self):
        """Named facts are those of a beginning."""
        step = one(at(1, "TASK_STARTED"), at(2, "TASK_COMPLETED", value={"total": 5}))

        assert step.total is None


class TestPauses:
    def test_a_question_waits_until_it_is_answered(self):
        """Its name and what goes with it are kept."""
        progress = Progress(
            [
                at(1, "TASK_PAUSED", "approve", "3", value={"sum": 5}),
                at(1, "WORKFLOW_PAUSED", "approve"),
            ]
        )

        assert progress.state == "PAUSED"
        (pause,) = progress.pauses
        assert (pause.key, pause.name, pause.value) == ("3", "approve", {"sum": 5})
        assert progress.steps()[0].status == "paused"

    def test_an_answer_that_is_the_result_leaves_no_work(self):
        """The wait is all there was."""
        step = one(
            at(1, "TASK_PAUSED", "approve", "3"),
            at(5, "TASK_RESUMED", "approve", "3"),
            at(5, "TASK_COMPLETED", "approve", "3", value=1),
        )

        assert spans(step) == [("pause", 1, 5)]

    def test_an_answered_question_is_asked_no_more(self):
        """The step goes on, and the time of the wait is told from work."""
        progress = Progress(
            [
                at(1, "TASK_PAUSED", "approve", "3"),
                at(5, "WORKFLOW_RESUMING"),
                at(5, "WORKFLOW_RESUMED"),
                at(5, "TASK_RESUMED", "approve", "3"),
                at(6, "TASK_COMPLETED", "approve", "3", value=False),
            ]
        )

        (step,) = progress.steps()
        assert progress.pauses == ()
        assert progress.state == "RUNNING"
        assert spans(step) == [("pause", 1, 5), ("work", 5, 6)]
        assert step.result_text == "False"


class TestProgress:
    @pytest.mark.parametrize("end", ["FAILED", "CANCELLED", "COMPLETED"])
    def test_nothing_runs_on_after_the_end(self, end):
        """What was under way has been cancelled."""
        progress = Progress(
            [at(1, "TASK_STARTED"), at(4, f"WORKFLOW_{end}", value="said")]
        )

        (step,) = progress.steps()
        assert (step.status, seconds(step.ended)) == ("cancelled", 4)
        assert (progress.state, progress.outcome) == (end, "said")
        assert seconds(progress.ended) == 4

    def test_branches_of_a_failed_step_are_cancelled(self):
        """Those that have ended stay as they are, and so does what stands beside."""
        progress = Progress(
            [
                at(0, "TASK_STARTED", "other", "12"),
                at(1, "TASK_STARTED", "both", "1"),
                at(1, "TASK_STARTED", "left", "1/0"),
                at(1, "TASK_STARTED", "right", "1/1"),
                at(2, "TASK_FAILED", "left", "1/0", value=ValueError("x")),
                at(2, "TASK_FAILED", "both", "1", value=ValueError("x")),
            ]
        )

        found = {step.name: step.status for step in progress.steps()}
        assert found == {
            "other": "running",
            "both": "failed",
            "left": "failed",
            "right": "cancelled",
        }

    def test_it_tells_which_steps_have_changed(self):
        """A view draws only those."""
        progress = Progress([at(1, "TASK_STARTED", key="1")])
        assert progress.take_changed() == ("1",)
        progress.take(at(1, "TASK_STARTED", key="2"))

        assert progress.take_changed() == ("2",)
        assert progress.take_changed() == ()
        assert progress.step("2").status == "running"
        assert progress.step("9") is None

    def test_a_branch_that_was_given_up_is_cancelled(self):
        """The body itself did it, and goes on."""
        step = one(at(1, "TASK_STARTED"), at(2, "TASK_CANCELLED"))

        assert (step.status, spans(step)) == ("cancelled", [("work", 1, 2)])

    def test_results_are_worded_as_asked(self):
        """A page may want JSON where a terminal wants Python."""
        events = [at(1, "TASK_STARTED"), at(2, "TASK_COMPLETED", value=True)]
        progress = Progress(events, text=lambda value, limit: f"{value!r:>{limit}}")

        assert progress.steps()[0].result_text == "True".rjust(200)

    def test_unknown_events_change_nothing(self):
        """A later version may know more."""
        progress = Progress([at(1, "TASK_DREAMED")])

        assert progress.steps() == ()
        assert progress.state == "CREATED"

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        f"{noun}_{verb}"
                        for noun in ("TASK", "TASK_RETRY", "TASK_FALLBACK", "WORKFLOW")
                        for verb in ("STARTED", "COMPLETED", "FAILED", "PAUSED")
                    ]
                    + ["TASK_RESUMED", "WORKFLOW_CANCELLED"]
                ),
                st.sampled_from(["1", "1/0", "1/0~2", "2", "2/1", ""]),
                st.sampled_from([None, {"total": 2}, {"due": 0}, "x"]),
            ),
            max_size=30,
        )
    )
    def test_any_events_make_steps_in_order_of_time(self, drawn):
        """However odd: spans do not overlap, and no more is done than there is."""
        events = [
            at(i, kind, key=key, value=v) for i, (kind, key, v) in enumerate(drawn)
        ]

        progress = Progress(events)
        steps = progress.steps()
        counted = {name: number for name, number in progress.tally.items() if number}
        assert counted == Counter(step.status for step in steps)
        for step in steps:
            ends = [span.ended for span in step.spans[:-1]]
            assert None not in ends
            for before, after in zip(step.spans, step.spans[1:], strict=False):
                assert before.started <= before.ended <= after.started


class TestErrorText:
    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (ValueError("a\nb"), "ValueError: a b"),
            (KeyError(), "KeyError"),
            ({"type": "builtins:OSError", "text": "x"}, "OSError: x"),
            ({"type": "OSError"}, "OSError"),
            (None, ""),
            ("it broke", "'it broke'"),
        ],
    )
    def test_an_error_is_one_line(self, error, text):
        """Its type and what it says."""
        assert error_text_of(error) == text

    def test_a_long_error_is_cut(self):
        """No error fills a page."""
        assert len(error_text_of(ValueError("x" * 999))) == 200
