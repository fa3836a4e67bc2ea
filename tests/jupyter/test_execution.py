"""The kernel's half of the execution view: facts, batches, actions, the view itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import comm
import pytest

from flexiflow.errors import FlexiFlowError
from flexiflow_jupyter import bridge
from flexiflow_jupyter.execution.facts import ExecutionFacts
from flexiflow_jupyter.execution.feed import StepFeed
from flexiflow_jupyter.execution.words import describe_execution, took_words
from flexiflow_jupyter.twin import twin
from flexiflow_jupyter.widgets import ExecutionView, bundles, execution_view, live_view

BEGIN = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Fact:
    """An event of an execution."""

    type: str
    name: str = "pack"
    key: str = ""
    value: Any = None
    second: float = 0.0
    source_id: str = "s"

    @property
    def time(self):
        """When it happened."""
        return BEGIN + timedelta(seconds=self.second)


class Context:
    """What a run has written down."""

    def __init__(self):
        self.events = []
        self.input = {"folder": "2026-11"}
        self.output = None


class FakeRun:
    """A run whose events are given by the test."""

    execution_id = "run-1"
    workflow_name = "import_invoices"

    def __init__(self):
        self.context = Context()
        self.status = "RUNNING"
        self.listeners = []
        self.calls = []
        self.answered = asyncio.Event()
        self.error = None

    def listen(self, listener):
        """Tell of each event."""
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def say(self, *facts, status=None):
        """Let something happen."""
        self.status = status or self.status
        for fact in facts:
            self.context.events.append(fact)
            for listener in list(self.listeners):
                listener(fact)

    def started(self, *names):
        """Begin steps with the keys 1, 2, ..."""
        first = len(self.context.events) + 1
        self.say(
            *(
                Fact("TASK_STARTED", name, str(first + at))
                for at, name in enumerate(names)
            )
        )

    async def cancel(self):
        """Note that it was asked to end."""
        self.calls.append(("cancel",))

    async def resume(self, data=None, *, pause=None):
        """Note an answer; it takes until the run stops again."""
        self.calls.append(("resume", data, pause))
        if self.error is not None:
            raise self.error
        await self.answered.wait()

    def __await__(self):
        """Wait for the end, which a view never does."""
        raise AssertionError

    def fork(self, *, from_step):
        """Return another run."""
        self.calls.append(("fork", from_step))
        return FakeRun()


class KernelShell:
    """A shell that has a kernel."""

    kernel = None


class FakeComm(comm.base_comm.BaseComm):
    """Keep what would be published."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Note a message."""
        SENT.append((self.comm_id, msg_type, data, buffers))


SENT: list[Any] = []


@pytest.fixture
def run():
    """A run without events."""
    return FakeRun()


@pytest.fixture
def facts(run):
    """The facts of the run."""
    return ExecutionFacts(run)


def raised(error):
    """Return an error with a traceback."""
    try:
        raise error
    except type(error):
        return error


def info_of(facts):
    """Read what is new and return the head."""
    facts.read()
    return facts.info()


def rows_of(facts):
    """Read what is new and return all rows."""
    facts.read()
    return facts.rows(facts.keys())


class TestFacts:
    def test_the_head_counts_steps_by_what_became_of_them(self, run, facts):
        """The state is in lower case, instants in milliseconds."""
        run.say(Fact("WORKFLOW_STARTED", second=1))
        run.started("a", "b")
        run.say(Fact("TASK_COMPLETED", "a", "2"))

        info = info_of(facts)

        assert (info["state"], info["steps"], info["completed"]) == ("running", 2, 1)
        assert info["started"] == (BEGIN.timestamp() + 1) * 1000
        assert info["input"] == '{"folder": "2026-11"}'
        assert info["cancel"] == {"enabled": True, "reason": ""}

    def test_steps_stand_below_those_they_run_in(self, run, facts):
        """Each row names the order of the one around it."""
        run.say(
            Fact("TASK_STARTED", "both", "1"),
            Fact("TASK_STARTED", "left", "1/0"),
            Fact("TASK_STARTED", "inner", "1/0/0"),
        )

        rows = rows_of(facts)

        places = [(row["order"], row["parent"], row["depth"]) for row in rows]
        assert places == [(0, None, 0), (1, 0, 1), (2, 1, 2)]

    def test_results_read_as_answers_are_typed(self, run, facts):
        """A result is JSON on one line; odd signs are made visible."""
        run.started("a", "b")
        run.say(
            Fact("TASK_COMPLETED", "a", "1", {"approved": True}),
            Fact("TASK_COMPLETED", "b", "2", "x\u202ey"),
        )

        assert [row["text"] for row in rows_of(facts)] == [
            '{"approved": true}',
            '"x\\u202ey"',
        ]

    def test_a_step_tried_very_often_keeps_its_latest_bars(self, run, facts):
        """A row stays small."""
        run.started("a")
        for second in range(100):
            run.say(Fact("TASK_RETRY_STARTED", "a", "1", second=second))

        (row,) = rows_of(facts)

        assert len(row["spans"]) == 24
        assert row["attempts"] == 101
        assert row["spans"][-1][2] is None

    def test_questions_wait_with_what_goes_with_them(self, run, facts):
        """Text is shown as it is, other values as JSON."""
        run.say(
            Fact("TASK_PAUSED", "approve", "1", "Accept?"),
            Fact("TASK_PAUSED", "amount", "2", {"most": 5}),
            Fact("WORKFLOW_PAUSED", "approve"),
            status="PAUSED",
        )

        info = info_of(facts)

        assert info["pauses"] == [
            {"name": "approve", "key": "1", "text": "Accept?"},
            {"name": "amount", "key": "2", "text": '{"most": 5}'},
        ]
        assert info["resume"]["enabled"]

    def test_the_question_of_a_child_is_that_of_the_run(self, run):
        """What goes with it is read once, from the child, or from its child."""
        asked = []

        def prompt_of(child, pause):
            asked.append((child, pause))
            return grandchild if child == "run-1.2" else "Accept?"

        grandchild = {"child": "run-1.2.3", "pause": "1"}
        facts = ExecutionFacts(run, prompt_of=prompt_of)
        value = {"child": "run-1.2", "pause": "3"}
        run.say(Fact("TASK_PAUSED", "approve", "2", value), status="PAUSED")

        assert info_of(facts)["pauses"][0]["text"] == "Accept?"
        assert info_of(facts)["pauses"][0]["text"] == "Accept?"
        assert asked == [("run-1.2", "3"), ("run-1.2.3", "1")]

    def test_a_workflow_that_is_not_defined_yet_wants_its_cell(self, run):
        """The form waits for that, and says so."""
        defined = False
        facts = ExecutionFacts(run, lambda: defined)
        run.say(Fact("TASK_PAUSED", "approve", "1"), status="PAUSED")

        info, notice = info_of(facts), facts.notice()

        assert not info["resume"]["enabled"]
        assert "Run the cell" in info["resume"]["reason"]
        assert notice["level"] == "warning"
        assert "@workflow" in notice["fix"]

        defined = True
        assert facts.info()["resume"]["enabled"]
        assert facts.notice() is None

    def test_what_has_ended_cannot_be_cancelled(self, run, facts):
        """The reason is said."""
        run.say(Fact("WORKFLOW_COMPLETED", value=7), status="COMPLETED")

        info = info_of(facts)

        assert info["cancel"] == {
            "enabled": False,
            "reason": "It has ended: completed.",
        }
        assert info["result"] == "7"
        assert info["ended"] is not None

    def test_a_failure_names_its_step_and_the_way_on(self, run, facts):
        """Of a step and those within it the outer one is named."""
        error = ValueError("no paper")
        run.say(
            Fact("TASK_STARTED", "print", "1"),
            Fact("TASK_STARTED", "inner", "1/0"),
            Fact("TASK_FAILED", "inner", "1/0", error),
            Fact("TASK_FAILED", "print", "1", error),
            Fact("WORKFLOW_FAILED", value=error),
            status="FAILED",
        )
        facts.read()

        notice = facts.notice()

        assert notice["what"] == "print: ValueError: no paper"
        assert "fork from print" in notice["fix"]
        assert notice["level"] == "error"

    def test_only_what_the_journal_holds_is_shown(self, run, facts):
        """The error at hand may hold what was kept out of it."""
        stored = ValueError("token ***")
        run.say(Fact("WORKFLOW_FAILED", value=stored), status="FAILED")
        run.context.output = raised(ValueError("token hunter2"))
        facts.read()

        assert "hunter2" not in str(facts.notice())
        assert facts.notice()["what"] == "ValueError: token ***"

    def test_where_it_failed_is_told_in_detail(self, run, facts):
        """By the frames of the user's own code."""
        run.context.output = raised(ValueError("no paper"))
        run.say(Fact("WORKFLOW_FAILED", value=ValueError("no paper")), status="FAILED")
        facts.read()

        assert "in raised" in facts.notice()["detail"]

    def test_an_error_of_ours_keeps_its_own_words(self, run, facts):
        """What, why and fix are the error's."""
        error = FlexiFlowError("It broke.", why="Rust.", fix="Oil it.")
        run.say(Fact("WORKFLOW_FAILED", value=error), status="FAILED")
        facts.read()

        notice = facts.notice()

        assert (notice["what"], notice["why"], notice["fix"]) == (
            "It broke.",
            "Rust.",
            "Oil it.",
        )


class TestWords:
    def test_each_step_has_a_line(self, run, facts):
        """Without colours, and with what it waits for."""
        run.say(Fact("WORKFLOW_STARTED"))
        run.say(
            Fact("TASK_STARTED", "count", "1"),
            Fact("TASK_COMPLETED", "count", "1", 84),
            Fact("TASK_STARTED", "page", "2", {"total": 3}),
            Fact("TASK_PAUSED", "approve", "3", "Accept?"),
            status="PAUSED",
        )
        facts.read()

        lines = describe_execution(facts).splitlines()

        assert lines[0].startswith("import_invoices: paused")
        assert lines[1:] == [
            "  ✓ count    84",
            "  ▸ page     0 / 3",
            "  ? approve  waits for a person",
            "Asks: approve. Accept?",
        ]

    def test_many_steps_are_counted(self, run, facts):
        """The last ones are listed."""
        run.started(*["a"] * 100)
        facts.read()

        lines = describe_execution(facts).splitlines()

        assert lines[1] == "  … 70 steps before"
        assert len(lines) == 32

    @pytest.mark.parametrize(
        ("ms", "text"),
        [
            (400, "0.4 s"),
            (42_000, "42 s"),
            (68_000, "1 min 08 s"),
            (7_500_000, "2 h 5 min"),
            (3 * 86_400_000, "3 d"),
        ],
    )
    def test_durations_have_two_units(self, ms, text):
        """At most."""
        assert took_words(ms) == text


class TestFeed:
    def test_nothing_is_sent_before_the_page_asks(self, run, facts):
        """A page that is not there is not fed."""
        feed = StepFeed(facts)
        run.started("a")
        feed.read()

        assert feed.next_batch() is None

    def test_the_first_batch_begins_anew(self, run, facts):
        """All later ones only change it."""
        feed = StepFeed(facts)
        run.started("a", "b")
        feed.need()

        first = feed.next_batch()
        run.say(Fact("TASK_COMPLETED", "a", "1", 5))
        feed.read()
        second = feed.next_batch()

        assert (first["reset"], [row["name"] for row in first["rows"]]) == (
            True,
            ["a", "b"],
        )
        assert (second["reset"], [row["text"] for row in second["rows"]]) == (
            False,
            ["5"],
        )

    def test_a_page_that_is_behind_gets_the_last_look_only(self, run, facts):
        """Two batches wait for it at most; a step that changed often is sent once."""
        feed = StepFeed(facts)
        feed.need()
        assert feed.next_batch()["rows"] == []
        run.started("a")
        feed.read()
        assert feed.next_batch() is not None
        for _ in range(50):
            run.say(Fact("TASK_RETRY_STARTED", "a", "1"))
            feed.read()

        assert feed.next_batch() is None
        feed.ack(1)
        (row,) = feed.next_batch()["rows"]
        assert row["attempts"] == 51
        assert not feed.has_waiting

    def test_many_steps_come_in_batches_and_the_newest_of_too_many(self, run, facts):
        """A page is never given more than it keeps."""
        feed = StepFeed(facts)
        run.started(*["a"] * 10_700)
        feed.need()

        count, orders = 0, []
        while (batch := feed.next_batch()) is not None:
            count += 1
            feed.ack(batch["batch"])
            orders += [row["order"] for row in batch["rows"]]

        assert count == 20
        assert orders == list(range(700, 10_700))


@pytest.fixture
def sent(monkeypatch):
    """What the view sends, in order."""
    SENT.clear()
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    monkeypatch.setattr(bundles, "read_bundle", lambda name: name.encode())
    monkeypatch.setattr(bridge, "_INTERVAL_S", 0.0)
    monkeypatch.setattr(bridge, "_REST", 0.0)
    return SENT


@pytest.fixture
async def live(sent):
    """A run and a view of it."""
    run = FakeRun()
    view = ExecutionView(run)
    await settle()
    yield run, view
    view.close()


async def settle():
    """Let the loop do what is planned now."""
    for _ in range(8):
        await asyncio.sleep(0)


def page(view, content):
    """Send a message as the page does."""
    data = {"method": "custom", "content": {"v": 1, **content}}
    view.comm.handle_msg({"content": {"data": data}, "buffers": []})


def customs(kind):
    """Return the custom messages of a kind that were sent."""
    return [
        data["content"]
        for _, _, data, _ in SENT
        if data and data.get("method") == "custom" and data["content"]["kind"] == kind
    ]


class TestView:
    async def test_it_follows_the_run(self, live):
        """Head, announcement and steps come without being asked for again."""
        run, view = live
        page(view, {"kind": "need", "what": "steps"})
        await settle()
        run.started("count")
        await settle()
        run.say(Fact("WORKFLOW_COMPLETED", value=1), status="COMPLETED")
        await settle()

        assert view.execution["state"] == "completed"
        assert view.announce == "import_invoices is completed"
        rows = [row for batch in customs("steps") for row in batch["rows"]]
        assert rows[0]["name"] == "count"
        assert not view.execution["cancel"]["enabled"]

    async def test_a_thousand_events_are_a_few_updates(self, live, monkeypatch):
        """Within an interval the page is told once, and of each step once."""
        run, view = live
        page(view, {"kind": "need", "what": "steps"})
        await settle()
        monkeypatch.setattr(bridge, "_INTERVAL_S", 60.0)
        SENT.clear()
        for _ in range(1_000):
            run.started("a")
            await asyncio.sleep(0)

        assert len(customs("steps")) <= 2

    async def test_a_hidden_page_is_sent_nothing(self, live):
        """What it missed comes when it is seen again."""
        run, view = live
        page(view, {"kind": "need", "what": "steps"})
        page(view, {"kind": "view", "id": "a", "visible": False})
        await settle()
        SENT.clear()
        run.started("a")
        await settle()
        assert SENT == []

        page(view, {"kind": "view", "id": "a", "visible": True})
        await settle()
        assert customs("steps")[-1]["rows"][0]["name"] == "a"

    @pytest.mark.parametrize(
        ("text", "data"),
        [
            ("0", 0),
            ("false", False),
            ('""', ""),
            ("null", None),
            (' {"approved": true} ', {"approved": True}),
            ("Ann", "Ann"),
            ("NaN", "NaN"),
            ("{half", "{half"),
            ("[" * 100_000, "[" * 100_000),
            ("12345678901234567890", 12345678901234567890),
        ],
    )
    async def test_an_answer_reaches_the_run_as_it_is(self, live, text, data):
        """JSON when it parses, else text; falsy data counts, and so does each digit."""
        run, view = live
        fields = {"pause": "approve", "key": "1", "text": text}
        page(view, {"kind": "send", "id": "x", "type": "resume", "fields": fields})
        await settle()

        assert run.calls == [("resume", data, "1")]

    async def test_no_answer_is_none(self, live):
        """The form was left empty."""
        run, view = live
        fields = {"pause": "approve", "key": "1"}
        page(view, {"kind": "send", "id": "x", "type": "resume", "fields": fields})
        await settle()

        assert run.calls == [("resume", None, "1")]

    async def test_the_button_is_free_as_soon_as_the_answer_is_taken(self, live):
        """Not only when the run stops again: that may take hours."""
        run, view = live
        run.say(Fact("TASK_PAUSED", "approve", "1"), status="PAUSED")
        await settle()
        fields = {"pause": "approve", "key": "1", "text": "1"}
        page(view, {"kind": "send", "id": "x", "type": "resume", "fields": fields})
        await settle()
        assert [reply["status"] for reply in customs("reply")] == ["pending"]

        run.say(Fact("TASK_RESUMED", "approve", "1"), status="RUNNING")
        await settle()

        assert not run.answered.is_set()
        assert [reply["status"] for reply in customs("reply")] == ["pending", "ok"]

    async def test_an_answer_that_fails_says_why(self, live):
        """The page gets what, why and fix."""
        run, view = live
        run.error = FlexiFlowError("It waits for nothing.", why="It ended.", fix="-")
        fields = {"pause": "approve", "key": "1"}
        page(view, {"kind": "send", "id": "x", "type": "resume", "fields": fields})
        await settle()

        reply = customs("reply")[-1]
        assert (reply["status"], reply["error"]["why"]) == ("failed", "It ended.")

    async def test_an_answer_that_is_given_up_frees_the_button(self, live):
        """Nothing is left pending."""
        run, view = live
        run.error = asyncio.CancelledError()
        fields = {"pause": "approve", "key": "1"}
        page(view, {"kind": "send", "id": "x", "type": "resume", "fields": fields})
        await settle()

        assert customs("reply")[-1]["status"] == "failed"

    async def test_the_same_click_acts_once(self, live):
        """A message that comes twice has one id."""
        run, view = live
        for _ in range(2):
            page(view, {"kind": "send", "id": "x", "type": "cancel", "fields": {}})
        await settle()

        assert run.calls == [("cancel",)]
        assert customs("reply")[-1]["status"] == "ok"

    async def test_a_journal_that_is_gone_is_said_once(self, sent, monkeypatch):
        """The view looks there for what other processes do, until it fails."""
        looks = []

        def fail(_run):
            looks.append(1)
            raise FlexiFlowError("The disk is gone.")

        monkeypatch.setattr(execution_view, "reread", fail)
        monkeypatch.setattr(execution_view, "_LOOK_S", 0.0)
        view = ExecutionView(FakeRun())
        for _ in range(20):
            await asyncio.sleep(0)

        assert [error["what"] for error in customs("error")] == ["The disk is gone."]
        assert looks == [1]
        view.close()

    async def test_a_fork_is_shown_below(self, live, monkeypatch):
        """It is a run with a view of its own."""
        run, view = live
        shown = []
        monkeypatch.setattr(execution_view, "display", shown.append)
        fields = {"step": "2"}
        page(view, {"kind": "send", "id": "x", "type": "fork", "fields": fields})
        await settle()

        assert run.calls == [("fork", "2")]
        assert shown[0].run is not run
        shown[0].close()

    async def test_a_child_is_shown_below(self, sent, monkeypatch):
        """By the id that its row names."""
        shown = []
        child = FakeRun()
        monkeypatch.setattr(execution_view, "display", shown.append)
        monkeypatch.setattr(execution_view, "find_run", {"run-1.2": child}.get)
        view = ExecutionView(FakeRun())
        fields = {"execution": "run-1.2"}
        page(view, {"kind": "send", "id": "x", "type": "show", "fields": fields})
        await settle()

        assert shown[0].run is child
        for each in (view, shown[0]):
            each.close()

    async def test_what_it_does_not_know_is_refused(self, live):
        """A page of another version is told so."""
        _, view = live
        page(view, {"kind": "send", "id": "x", "type": "explode", "fields": {}})
        await settle()

        assert customs("reply")[-1]["error"]["what"] == "A run knows no explode."

    async def test_closing_leaves_the_run_alone(self, live):
        """The view lets go of it, twice if need be."""
        run, view = live
        view.close()
        view.close()
        run.started("a")
        await settle()

        assert run.listeners == []
        assert run.calls == []

    async def test_it_leaves_a_picture_that_follows(self, live, monkeypatch):
        """Two outputs: the widget, and what stays when the kernel has gone."""
        run, view = live
        shown, changed = [], []
        note = lambda into: lambda data, **_: into.append(data)  # noqa: E731
        monkeypatch.setattr(live_view, "get_ipython", KernelShell)
        monkeypatch.setattr(live_view, "display", note(shown))
        monkeypatch.setattr(twin, "display", note(shown))
        monkeypatch.setattr(twin, "update_display", note(changed))
        monkeypatch.setattr(twin, "_INTERVAL_S", 0.0)
        run.say(Fact("WORKFLOW_STARTED"))
        view._ipython_display_()
        run.say(Fact("TASK_STARTED", "count", "1"))
        for _ in range(20):
            await asyncio.sleep(0)

        widget, picture = shown
        assert "application/vnd.jupyter.widget-view+json" in widget
        assert view.twin in picture["text/html"]
        assert "count" not in picture["text/html"]
        assert 'data-task="count"' in changed[-1]["text/html"]

    async def test_without_a_page_it_is_text(self, live):
        """In the MIME bundle beside the widget."""
        run, view = live
        run.started("count")

        bundle, _ = view._repr_mimebundle_()

        assert "▸ count  running" in bundle["text/plain"]
