"""The timeline of a view: steps that are asked for, and what is done with them."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import comm
import pytest

from flexiflow import FlexiFlowEngine, State, StateMachine
from flexiflow.clock import ManualClock
from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.logger import get_logger
from flexiflow_jupyter import bridge
from flexiflow_jupyter.timeline import StepOutput, StepReader
from flexiflow_jupyter.widgets import (
    EventStream,
    Panel,
    Timeline,
    bundles,
    component_view,
)

DESK = """
name: desk
context: {guests: 0, last: nobody}
states:
  open:
    on:
      guest:
        do:
          - greet
          - set: {last: $message.name}
          - add: {guests: 1}
      ticket: {to: closed, do: explode}
      close: closed
  closed:
    entry: {emit: desk.closed}
    on: {open: {to: open, if: {context.guests: {min: 1}}}}
    after: {10s: open}
"""


class FakeComm(comm.base_comm.BaseComm):
    """Keeps what would be published."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Note a message."""
        SENT.append(data)


SENT = []


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """Give what the views send, in order."""
    SENT.clear()
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    monkeypatch.setattr(bundles, "read_bundle", lambda name: name.encode())
    monkeypatch.setattr(bridge, "_INTERVAL_S", 0.0)
    monkeypatch.setattr(bridge, "_REST", 0.0)
    return SENT


def greet(message):
    """Print, as user code does."""
    print("good morning", message.get("name", ""))  # noqa: T201 - it is noted


def explode():
    """Raise, as user code does."""
    raise RuntimeError("no paper in the printer")


@pytest.fixture
async def engine():
    """Give an engine that says little."""
    quiet = get_logger("quiet", logging.CRITICAL)
    async with FlexiFlowEngine(quiet, clock=ManualClock()) as engine:
        engine.event_bus.keep_history()
        yield engine


@pytest.fixture
async def desk(engine):
    """Give a component whose actions print and fail."""
    functions = {"greet": greet, "explode": explode}
    config = ConfigLoader.load_component_text(DESK, functions=functions)
    return engine.create_component(config)


@pytest.fixture
async def page(desk):
    """Give a panel with what is asked of it."""
    made = Page(Panel(desk))
    yield made
    made.view.close()


def calls(act):
    """Count the calls of functions that something takes."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


class Page:
    """What a page says to a view, and hears."""

    def __init__(self, view):
        self.view = view
        self._ids = 0

    async def settle(self):
        """Let the loop do what is planned."""
        for _ in range(12):
            await asyncio.sleep(0)

    def say(self, **content):
        """Send a message as the page does."""
        data = {"method": "custom", "content": {"v": 1, **content}}
        self.view.comm.handle_msg({"content": {"data": data}, "buffers": []})

    def heard(self, kind):
        """Return the custom messages of a kind that came."""
        contents = [data["content"] for data in SENT if data.get("method") == "custom"]
        return [content for content in contents if content["kind"] == kind]

    async def step(self, number):
        """Ask for a step and return the answer."""
        self.say(kind="need", what="step", at=number)
        await self.settle()
        return self.heard("step")[-1]

    async def do(self, what, **more):
        """Have something done, and return the last reply."""
        self._ids += 1
        name = f"d{self._ids}"
        self.say(kind="do", id=name, what=what, **more)
        await self.settle()
        replies = [one for one in self.heard("reply") if one["id"] == name]
        assert replies[0]["status"] == "pending"
        return replies[-1]


class TestTrait:
    """How many steps there are, and what can be done."""

    async def test_it_begins_with_the_first_step(self, page):
        """One step, nothing to undo, nothing recorded, no pause."""
        assert page.view.timeline == {
            "first": 0,
            "last": 0,
            "failed": [],
            "labels": ["start"],
            "recording": None,
            "pace": {"mode": "go", "waiting": 0, "delay_s": 0.0},
            "fork_of": "",
            "undo": {"enabled": False, "reason": "desk is at its first step."},
        }
        assert page.view.sandbox == {}

    async def test_it_follows_the_steps(self, desk, page):
        """Labels are the messages; failures stand after their step."""
        await desk.send("guest", name="Ann")
        with pytest.raises(Exception, match="explode"):
            await desk.send("ticket")
        await desk.send("close")
        desk.clock.advance(10)
        await desk.idle()
        await page.settle()

        seen = page.view.timeline
        assert (seen["first"], seen["last"]) == (0, 3)
        assert seen["labels"] == [
            "start",
            'guest {"name": "Ann"}',
            "close",
            "after 10s",
        ]
        assert seen["failed"] == [1]
        assert seen["undo"] == {"enabled": True, "reason": ""}

    async def test_many_steps_have_no_labels(self, desk, page):
        """The page asks for those that it shows."""
        for _ in range(40):
            await desk.send("guest", name="Ann")
        await page.settle()

        assert page.view.timeline["last"] == 40
        assert page.view.timeline["labels"] == []

    async def test_a_stream_of_events_has_none(self, desk):
        """It is no view of a component's steps."""
        stream = EventStream(desk)

        assert stream.timeline == {}
        stream.close()

    async def test_each_view_of_a_component_has_one(self, desk, page):
        """They show the same steps."""
        await desk.send("close")
        timeline = Timeline(desk)

        assert timeline.timeline["last"] == 1
        timeline.close()

    async def test_classes_have_one_too(self, engine):
        """With the names of their states."""

        class Off(State):
            async def handle_message(self, message, component):
                return True, On()

        class On(State):
            async def handle_message(self, message, component):
                return True, Off()

        lamp = AsyncComponent("lamp", state_machine=StateMachine(Off()))
        engine.register(lamp)
        page = Page(Panel(lamp))
        await lamp.send("switch")
        await page.settle()
        answer = await page.step(1)

        assert page.view.timeline["last"] == 1
        assert (answer["active"], answer["cause"]) == (["On"], "switch in Off")
        assert answer["context"] == []
        reply = await page.do("what-if", at=0)
        assert reply["status"] == "failed"
        assert "classes" in reply["error"]["why"]
        page.view.close()


class TestLookingBack:
    """One step, as it was."""

    async def test_a_step_tells_all(self, desk, page):
        """State, edge, cause, story, context with what it changed, and time."""
        result = await desk.send("guest", name="Ann")
        await desk.send("guest", name="Bob")
        answer = await page.step(1)

        assert answer["kind"] == "step"
        assert answer["at"] == 1
        assert answer["active"] == ["open"]
        assert answer["parents"] == []
        assert answer["edge"] == page.view.graph["edges"][0]["id"]
        assert answer["time_ms"] == 1_700_000_000_000
        assert answer["message"] == 'guest {"name": "Ann"}'
        assert answer["cause"] == 'guest {"name": "Ann"} in open'
        assert answer["state"] == "open"
        assert answer["story"] == result.correlation_id[-6:]
        assert answer["context"] == [
            {"key": "guests", "value": "1", "previous": "0", "changed": True},
            {
                "key": "last",
                "value": '"Ann"',
                "previous": '"nobody"',
                "changed": True,
            },
        ]
        assert answer["context_more"] == 0
        assert answer["failed"] == ""

    async def test_the_first_step_compares_with_nothing(self, page):
        """Nothing is marked there."""
        answer = await page.step(0)

        assert answer["edge"] is None
        assert answer["cause"] == "the timeline begins here"
        assert not any(entry["changed"] for entry in answer["context"])

    async def test_events_can_be_cut_there(self, desk, page):
        """The number is that of the step's last event."""
        history = desk.event_bus.history
        await desk.send("close")
        seq = history.last_seq
        await desk.send("open")

        assert (await page.step(1))["seq"] == seq

    async def test_what_failed_after_it_is_told(self, desk, page):
        """In words, with the message."""
        await desk.send("guest")
        with pytest.raises(Exception, match="explode"):
            await desk.send("ticket")
        answer = await page.step(1)

        told = "ticket failed: RuntimeError: no paper in the printer"
        assert answer["failed"] == told

    @pytest.mark.parametrize(("asked", "given"), [(-3, 0), (99, 2)])
    async def test_the_nearest_step_answers(self, desk, page, asked, given):
        """A number that is not held is no reason for silence."""
        await desk.send("close")
        await desk.undo()
        await desk.send("close")
        await desk.send("guest")
        desk.clock.advance(10)
        await desk.idle()

        assert (await page.step(asked))["at"] == given

    async def test_ten_thousand_steps_cost_an_answer_as_little_as_ten(self, desk, page):
        """What is done for one does not depend on how many there are."""
        reader = StepReader(desk, edge_of=lambda step: None, recording=lambda: None)
        for _ in range(60):
            await desk.send("guest", name="Ann")
        reader.answer(30)  # what is done once is not counted
        few = calls(lambda: reader.answer(30)), calls(reader.info)
        for _ in range(9_940):
            await desk.send("guest", name="Ann")
        many = calls(lambda: reader.answer(5_000)), calls(reader.info)

        assert page.view.timeline["last"] < 10_000 == desk.steps.last
        assert all(now <= before for now, before in zip(many, few, strict=True))

    async def test_the_picture_beside_it_stays_true(self, desk, page):
        """A saved picture shows the machine, not what somebody looks at."""
        await desk.send("close")
        before = self._picture(page)
        await page.step(0)
        await page.do("what-if", at=0)

        assert self._picture(page) == before

    def _picture(self, page):
        """Return the picture that is saved now."""
        return page.view._draw_twin("t")["text/html"]  # noqa: SLF001 - as the twin does


class TestOutput:
    """What is printed and logged stands at its step."""

    @pytest.fixture(autouse=True)
    def hearing(self):
        """Hear what is written."""
        output = StepOutput()
        output.install()
        yield output
        output.remove()

    async def test_prints_stand_at_their_step(self, desk, page, capsys, hearing):
        """And are printed all the same."""
        hearing.remove()
        hearing.install()  # to the streams that are there now
        await desk.send("guest", name="Ann")
        await desk.send("guest", name="Bob")
        print("outside")  # noqa: T201 - it is not
        first, second = await page.step(1), await page.step(2)

        assert first["output"] == [("stdout", "good morning Ann\n")]
        assert second["output"] == [("stdout", "good morning Bob\n")]
        assert capsys.readouterr().out.endswith("good morning Bob\noutside\n")

    async def test_log_lines_stand_there_once(self, engine):
        """Also where they are shown on stderr."""

        def shout():
            logging.getLogger("mine").warning("too %s", "loud")

        text = "name: x\nstates:\n  a: {on: {go: {do: shout}}}\n"
        config = ConfigLoader.load_component_text(text, functions={"shout": shout})
        component = engine.create_component(config)
        component.keep_steps()
        handler = logging.StreamHandler(sys.stderr)
        logging.getLogger("mine").addHandler(handler)
        try:
            await component.send("go")
        finally:
            logging.getLogger("mine").removeHandler(handler)

        parts = [(one.stream, one.text) for one in component.steps[1].output]
        assert parts == [("log", "WARNING: too loud")]

    def test_streams_are_left_as_they_were(self, hearing):
        """Nothing of it stays; twice is once."""
        hearing.install()
        hearing.remove()
        hearing.remove()

        assert "write" not in vars(sys.stdout)
        assert logging.getLogRecordFactory() is logging.LogRecord


class TestFork:
    """Continue from here."""

    async def test_it_goes_on_from_the_step_shown(
        self, engine, desk, page, monkeypatch
    ):
        """A component of its own, shown below; the live one stays."""
        shown = []
        monkeypatch.setattr(component_view, "display", shown.append)
        view = Panel(desk)
        page = Page(view)
        for name in ("Ann", "Bob"):
            await desk.send("guest", name=name)
        reply = await page.do("fork", at=1)

        assert reply["status"] == "ok"
        assert reply["text"].startswith("desk~2")
        (fork,) = shown
        assert fork is engine.get("desk~2")
        assert fork.context["guests"] == 1
        assert desk.context["guests"] == 2
        below = Panel(fork)
        assert below.timeline["fork_of"] == "desk"
        below.close()
        view.close()

    async def test_a_step_that_is_gone_is_refused(self, page):
        """With what to do instead."""
        reply = await page.do("fork", at=77)

        assert reply["status"] == "failed"
        assert "not held" in reply["error"]["what"]


class TestWhatIf:
    """A sandbox beside the live component."""

    async def test_it_begins_at_the_step(self, desk, page):
        """And touches nothing."""
        await desk.send("guest", name="Ann")
        await desk.send("close")
        await page.do("what-if", at=1)

        sandbox = page.view.sandbox
        assert sandbox["at"] == 1
        assert sandbox["active"] == ["open"]
        assert sandbox["trail"] == []
        assert [one["type"] for one in sandbox["messages"] if one["enabled"]] == [
            "guest",
            "ticket",
            "close",
        ]
        assert page.view.active == ["closed"]

    async def test_messages_are_tried_there(self, desk, page, capsys):
        """What would have left the component is named; nothing is called."""
        await page.do("what-if", at=0)
        await page.do("what-if-send", value='guest {"name": "Eve"}')
        await page.do("what-if-send", value="close")

        sandbox = page.view.sandbox
        assert sandbox["active"] == ["closed"]
        assert sandbox["trail"] == [
            {
                "message": 'guest {"name": "Eve"}',
                "state": "open",
                "note": "would call greet",
            },
            {
                "message": "close",
                "state": "closed",
                "note": "would emit desk.closed",
            },
        ]
        assert desk.steps.last == 0
        assert desk.context["guests"] == 0
        assert capsys.readouterr().out == ""

    async def test_the_context_shows_what_the_last_try_changed(self, page):
        """Against what was there before it."""
        await page.do("what-if", at=0)
        await page.do("what-if-send", value='guest {"name": "Eve"}')

        guests, last = page.view.sandbox["context"]
        assert guests == {
            "key": "guests",
            "value": "1",
            "previous": "0",
            "changed": True,
        }
        assert last["value"] == '"Eve"'

    async def test_why_nothing_happened_is_told(self, desk, page):
        """In the machine's words."""
        await page.do("what-if", at=0)
        await page.do("what-if-send", value="close")
        await page.do("what-if-send", value="open")

        assert "guests is 0" in page.view.sandbox["trail"][-1]["note"]

    async def test_time_goes_on_there(self, desk, page):
        """Timers fire in the sandbox alone."""
        await page.do("what-if", at=0)
        assert not page.view.sandbox["timers"]
        await page.do("what-if-send", value="close")
        assert page.view.sandbox["timers"]
        await page.do("what-if-advance", value="10s")

        assert page.view.sandbox["active"] == ["open"]
        assert page.view.sandbox["trail"][-1]["message"] == "10s later"
        assert desk.clock.monotonic() == 0.0

    @pytest.mark.parametrize(
        ("what", "value"),
        [("what-if-send", "{"), ("what-if-send", ""), ("what-if-advance", "soon")],
    )
    async def test_what_is_no_message_is_refused(self, page, what, value):
        """The sandbox stays as it was."""
        await page.do("what-if", at=0)
        reply = await page.do(what, value=value)

        assert reply["status"] == "failed"
        assert reply["error"]["fix"]
        assert page.view.sandbox["trail"] == []

    async def test_it_can_be_closed(self, page):
        """Then there is none to try in."""
        await page.do("what-if", at=0)
        await page.do("what-if-close")

        assert page.view.sandbox == {}
        reply = await page.do("what-if-send", value="close")
        assert reply["status"] == "failed"

    async def test_a_recording_does_not_hear_of_it(self, desk, page):
        """What is tried is nothing that happened."""
        await page.do("record")
        await page.do("what-if", at=0)
        await page.do("what-if-send", value="guest")
        await page.settle()

        assert page.view.timeline["recording"] == {"steps": 0}


class TestRecording:
    """Record, and stop."""

    async def test_it_becomes_a_test(self, desk, page):
        """The text goes to the page, which puts it in a cell."""
        await page.do("record")
        await desk.send("guest", name="Ann")
        await page.settle()
        assert page.view.timeline["recording"] == {"steps": 1}
        reply = await page.do("stop", value="pytest")

        assert reply["text"] == "1 step recorded."
        (made,) = page.heard("made")
        assert made["language"] == "python"
        assert made["title"] == "Test of desk"
        compile(made["text"], "made", "exec")
        assert "def test_" in made["text"]
        assert page.view.timeline["recording"] is None

    async def test_it_becomes_a_scenario(self, desk, page):
        """In YAML."""
        await page.do("record")
        await desk.send("close")
        await page.do("stop", value="scenario")

        (made,) = page.heard("made")
        assert made["language"] == "yaml"
        assert "close" in made["text"]

    async def test_stopping_nothing_is_an_error(self, page):
        """With what to do."""
        reply = await page.do("stop")

        assert reply["error"]["fix"] == "Begin one: %flexiflow record desk"

    async def test_an_unknown_form_is_an_error(self, page):
        """The recording goes on."""
        await page.do("record")
        reply = await page.do("stop", value="opera")

        assert reply["status"] == "failed"
        assert page.view.timeline["recording"] == {"steps": 0}

    @pytest.mark.timeout(90)
    async def test_a_session_of_a_thousand_messages_is_a_test(
        self, engine, page, tmp_path
    ):
        """It passes, and fails when the chart is changed."""
        text = """
name: turnstile
context: {coins: 0}
states:
  locked:
    on: {coin: {to: unlocked, do: {add: {coins: 1}}}}
  unlocked:
    on:
      coin: {do: {add: {coins: 1}}}
      push: locked
"""
        turnstile = engine.create_component(ConfigLoader.load_component_text(text))
        page = Page(Panel(turnstile))
        await page.do("record")
        for number in range(1_000):
            await turnstile.send("push" if number % 3 == 2 else "coin")
        await page.settle()
        assert page.view.timeline["recording"] == {"steps": 1_000}
        reply = await page.do("stop", value="pytest")
        assert reply["status"] == "ok", reply
        made = page.heard("made")[-1]["text"]
        page.view.close()

        changed = made.replace("push: [locked]", "push: [unlocked]")
        assert changed != made
        (tmp_path / "test_as_it_was.py").write_text(made, encoding="utf-8")
        (tmp_path / "test_changed.py").write_text(changed, encoding="utf-8")
        told = self._pytest(tmp_path)

        assert "PASSED test_as_it_was.py" in told
        assert "FAILED test_changed.py" in told

    def _pytest(self, folder):
        """Run the tests of a folder in a process of its own; return what it says."""
        command = [sys.executable, "-m", "pytest", "-q", "-rA"]
        command += ["-p", "no:cacheprovider"]
        return subprocess.run(
            command, cwd=folder, capture_output=True, check=False, text=True
        ).stdout

    async def test_one_that_ended_by_itself_is_not_lost(self, desk, page):
        """It is stopped like any other, and says why it ended."""
        await page.do("record")
        await desk.send("close")
        desk.restore({**desk.snapshot(), "states": ["open"]})
        await desk.send("close")
        await page.settle()
        assert page.view.timeline["recording"] == {"steps": 1}
        await page.do("stop")

        assert "from outside" in page.heard("made")[0]["text"]
        assert page.view.timeline["recording"] is None


class TestUndo:
    """Back by a step."""

    async def test_it_names_what_is_not_undone(self, desk, page):
        """State and context are as before."""
        await desk.send("guest", name="Ann")
        await desk.send("close")
        reply = await page.do("undo")

        assert reply["text"].endswith("Not undone: emit desk.closed.")
        assert page.view.active == ["open"]
        assert page.view.timeline["last"] == 1
        await page.do("undo")
        assert page.view.context[0]["value"] == "0"

    async def test_without_a_step_it_says_why(self, page):
        """The same reason as on the button."""
        reply = await page.do("undo")

        assert reply["error"]["why"] == "desk is at its first step."

    async def test_a_closed_component_has_none(self, desk, page):
        """The button says so."""
        await desk.send("close")
        desk.close()
        page.view.refresh()
        await page.settle()

        assert page.view.timeline["undo"] == {
            "enabled": False,
            "reason": "desk is closed.",
        }


class TestPace:
    """Lecture mode."""

    async def test_messages_wait_for_next(self, desk, page):
        """One at a time; the page sees how many wait."""
        await page.do("pause")
        page.say(kind="send", id="s1", type="close")
        page.say(kind="send", id="s2", type="open")
        await page.settle()

        assert page.view.timeline["pace"] == {
            "mode": "paused",
            "waiting": 2,
            "delay_s": 0.0,
        }
        statuses = [one["status"] for one in page.heard("reply") if one["id"] == "s1"]
        assert statuses == ["queued"]
        await page.do("next")
        assert page.view.active == ["closed"]
        assert page.view.timeline["pace"]["waiting"] == 1
        await page.do("go")
        assert page.view.timeline["pace"]["mode"] == "go"

    async def test_next_without_a_message_says_so(self, page):
        """It is no error."""
        await page.do("pause")
        reply = await page.do("next")

        assert (reply["status"], reply["text"]) == ("ok", "No message waits.")
        await page.do("go")

    async def test_next_without_a_pause_is_an_error(self, page):
        """With the way out."""
        reply = await page.do("next")

        assert "pause()" in reply["error"]["fix"]

    async def test_slow_motion_has_its_time(self, page):
        """In seconds; what is none is refused."""
        await page.do("slow", value=0.5)

        assert page.view.timeline["pace"]["mode"] == "slow"
        assert page.view.timeline["pace"]["delay_s"] == 0.5
        reply = await page.do("slow", value=-1)
        assert reply["status"] == "failed"
        assert page.view.timeline["pace"]["delay_s"] == 0.5
        await page.do("go")

    async def test_other_views_hear_of_it(self, desk, page):
        """A pause announces no event: messages that wait are looked for."""
        await page.do("pause")
        told = asyncio.Event()
        page.view.observe(lambda _change: told.set(), "timeline")
        waiting = asyncio.create_task(desk.send("close"))
        await page.settle()
        await asyncio.wait_for(told.wait(), 5.0)

        assert page.view.timeline["pace"]["waiting"] == 1
        desk.pace.go()
        await waiting


class TestProtocol:
    """Deeds are done once, and those that nobody knows are refused."""

    async def test_a_deed_that_comes_twice_is_done_once(self, desk, page):
        """The same id is the same deed."""
        await desk.send("close")
        await desk.send("guest")
        for _ in range(2):
            page.say(kind="do", id="x", what="fork")
        await page.settle()

        assert "desk~2" in desk.neighbours()
        assert "desk~3" not in desk.neighbours()

    async def test_an_unknown_deed_is_refused(self, page):
        """The page may be of another version."""
        reply = await page.do("dance")

        assert reply["status"] == "failed"
        assert "dance" in reply["error"]["what"]

    async def test_an_event_stream_does_none(self, desk):
        """It has no timeline."""
        page = Page(EventStream(desk))
        page.say(kind="do", id="x", what="pause")
        page.say(kind="need", what="step", at=0)
        await page.settle()

        assert desk.pace.mode == "go"
        assert page.heard("step") == []
        page.view.close()
