"""The view of an engine follows it and sends dead letters again; the comm is a fake."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from xml.etree import ElementTree as ET

import pytest

from flexiflow import FlexiFlowEngine
from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ActionError, ComponentError, ComponentNotFoundError
from flexiflow_jupyter.engine_view.rows import error_words, story_words
from flexiflow_jupyter.widgets import EngineView
from tests.jupyter.test_views import customs, page, sent, settle  # noqa: F401 - fixture

ORDER = """
name: order
states:
  cart:
    on:
      pay: {to: charging, do: [{send: {type: charge, to: payments, amount: 3}}]}
      lose: {do: [{send: {type: charge, to: ghost}}]}
  charging:
    on: {charged: {to: paid, do: [{emit: {event: order.paid, data: {n: 1}}}]}}
  paid: {on: {again: cart}}
"""
PAYMENTS = """
name: payments
states:
  idle:
    on: {charge: {do: [bank, {send: {type: charged, to: order}}]}}
"""


class Bank:
    """A function that fails until it is mended."""

    def __init__(self):
        self.is_mended = True

    def __call__(self):
        """Answer, or not."""
        if not self.is_mended:
            msg = "no answer"
            raise ValueError(msg)


@pytest.fixture
def bank():
    """The function that the payments call."""
    return Bank()


@pytest.fixture
async def engine(bank):
    """An engine with two components that send each other messages."""
    async with FlexiFlowEngine() as engine:
        engine.event_bus.keep_history()
        for text in (ORDER, PAYMENTS):
            config = ConfigLoader.load_component_text(text, functions={"bank": bank})
            engine.create_component(config)
        yield engine


@pytest.fixture
async def view(engine):
    """A view of the engine, closed at the end."""
    view = EngineView(engine)
    yield view
    view.close()


async def failed(engine, bank):
    """Let a charge fail, and return its letter."""
    bank.is_mended = False
    with suppress(ActionError):
        await engine.get("payments").send("charge")
    return engine.event_bus.dead_letters.latest()[0]


def rows(kind=None):
    """Return the rows that were sent to the page, without their times."""
    return [
        (row[2], row[3], row[4], row[5], row[7])
        for batch in customs("flow")
        for row in batch["rows"]
        if kind is None or row[2] == kind
    ]


async def wanted(view):
    """Ask for the rows as the page does, and let them be sent."""
    page(view, {"kind": "need", "what": "flow"})
    await settle()


async def drawn(view):
    """Draw what comes as the page does, until nothing waits."""
    for _ in range(4):
        for batch in customs("flow"):
            page(view, {"kind": "ack", "batch": batch["batch"]})
        await settle()


class TestTraits:
    async def test_components_come_with_their_states(self, engine, view):
        """Each component has its name and its active leaf states, live."""
        await engine.get("order").send("pay")
        await settle()

        assert view.engine["parts"] == [
            {"name": "order", "active": ["paid"], "pending": 0},
            {"name": "payments", "active": ["idle"], "pending": 0},
        ]
        assert view.engine["name"] == "engine"

    async def test_dead_letters_come_newest_first(self, engine, view, bank):
        """A letter has what was sent, for whom, and what was raised."""
        await failed(engine, bank)
        with suppress(ComponentNotFoundError):
            await engine.handle_message("ghost", "boo", amount=3)
        await settle()

        ghost, charge = view.letters["rows"]
        assert (ghost["target"], ghost["text"]) == ("ghost", 'boo {"amount": 3}')
        assert (
            ghost["retry"] == "There is no component ghost now. Define it, then retry."
        )
        assert (charge["target"], charge["error"]) == (
            "payments",
            "ValueError: no answer",
        )
        assert charge["retry"] == ""
        assert (view.letters["held"], view.letters["ever"]) == (2, 2)

    async def test_no_engine_is_refused_in_words(self):
        """Whatever else is given, the error says what is wanted."""
        with pytest.raises(ComponentError, match="is no engine"):
            EngineView("order")


class TestFlow:
    async def test_messages_say_from_whom_to_whom(self, engine, view):
        """What was sent, by whom, with what came of it, in order."""
        await wanted(view)
        await engine.get("order").send("pay")
        await drawn(view)

        assert rows("message") == [
            ("message", "", ["order"], "pay", ""),
            ("message", "order", ["payments"], 'charge {"amount": 3}', ""),
            ("message", "payments", ["order"], "charged", ""),
        ]
        assert [row[-1] for row in rows("end")] == ["handled"] * 3
        assert ("state", "", ["order"], "cart → charging", "") in rows("state")

    async def test_an_event_names_who_hears_it(self, engine, view):
        """A published event goes from its component to those that subscribed."""

        async def hear(_data): ...

        await engine.event_bus.subscribe("order.paid", "payments", hear)
        await wanted(view)
        await engine.get("order").send("pay")
        await drawn(view)

        assert rows("event") == [
            ("event", "order", ["payments"], 'order.paid {"n": 1}', "")
        ]

    async def test_a_failure_is_told_in_the_users_words(self, engine, view, bank):
        """What the function raised, not the error that wraps it."""
        await wanted(view)
        await failed(engine, bank)
        await settle()

        assert rows("failed") == [
            ("failed", "", ["payments"], "charge", "ValueError: no answer")
        ]

    async def test_a_message_to_nobody_stands_in_its_place(self, engine, view):
        """After the message whose step sent it, and told once."""
        with suppress(ComponentNotFoundError):
            await engine.get("order").send("lose")
        await wanted(view)

        kinds = [row[0] for row in rows()]
        assert kinds == ["state", "state", "message", "dead", "failed", "end"]
        assert rows("dead") == [
            ("dead", "order", ["ghost"], "charge", "Unknown component: 'ghost'")
        ]

    async def test_the_page_sets_the_pace(self, engine, view):
        """Two batches on the way are enough; what waits comes after an answer."""
        await wanted(view)
        for _ in range(400):
            await engine.get("order").send("nothing")
        await settle()
        before = len(customs("flow"))
        page(view, {"kind": "ack", "batch": 1})
        await settle()

        assert before == 2
        assert len(customs("flow")) == 3

    async def test_what_is_left_out_is_counted(self, engine, view):
        """A page that is far behind gets the newest rows, and how many there were."""
        await wanted(view)
        for _ in range(1_000):
            await engine.get("order").send("nothing")
        page(view, {"kind": "need", "what": "flow"})
        await settle()
        for batch in range(1, 30):
            page(view, {"kind": "ack", "batch": batch})
            await settle()

        last = customs("flow")[-1]
        sent_rows = [row for batch in customs("flow")[2:] for row in batch["rows"]]
        assert last["rows"][-1][0] == engine.event_bus.history.last_seq
        assert last["published"] == 2 + 2 * 1_000
        assert last["messages"] == 1_000
        assert len(sent_rows) <= 1_000

    async def test_a_hidden_page_gets_nothing(self, engine, view):
        """Rows wait while nobody looks; the newest come when somebody does."""
        await wanted(view)
        page(view, {"kind": "view", "id": "a", "visible": False})
        await settle()
        before = len(customs("flow"))
        await engine.get("order").send("pay")
        await settle()
        hidden = len(customs("flow"))
        page(view, {"kind": "view", "id": "a", "visible": True})
        await settle()

        assert hidden == before
        assert len(customs("flow")) > before

    @pytest.mark.parametrize(
        ("cid", "short"),
        [(None, ""), ("mine", "mine"), ("0123456789ab-00000f", "00000f")],
    )
    def test_stories_are_short(self, cid, short):
        """Whole where they are short, else the end; a retry keeps its number."""
        assert story_words(cid) == short
        if cid:
            assert story_words(f"{cid}~2") == f"{short}~2"

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("ValueError('gone')", "ValueError: gone"),
            ("KeyError('a',)", "KeyError: a"),
            ("CancelledError()", "CancelledError"),
            ("<Odd thing (1)>", "<Odd thing (1)>"),
        ],
    )
    def test_errors_are_written_as_people_do(self, written, words):
        """The payload holds the repr; the picture has a colon."""
        assert error_words(written) == words


class TestLetters:
    async def test_a_retry_that_goes_well_takes_the_letter_away(
        self, engine, view, bank
    ):
        """The same message is sent again, in a story named after the old one."""
        letter = await failed(engine, bank)
        bank.is_mended = True
        await wanted(view)
        page(view, {"kind": "send", "id": "a", "type": "retry:1", "fields": {}})
        await settle()
        await settle()

        assert [reply["status"] for reply in customs("reply")] == ["pending", "ok"]
        assert view.letters["rows"] == []
        assert view.letters["ever"] == 1
        again = [
            event
            for event in engine.event_bus.history.after(letter.seq)
            if event.name == "component.message.handled"
        ][-1]
        assert again.correlation_id is not None
        assert view.announce.startswith("Sent again: charge")

    async def test_a_retry_is_named_after_what_it_repeats(self, engine, view, bank):
        """Each try counts on from the one before it."""
        letter = await failed(engine, bank)
        for number in (1, 2):
            kind = f"retry:{number}"
            page(view, {"kind": "send", "id": kind, "type": kind, "fields": {}})
            await settle()
            await settle()

        (last,) = engine.event_bus.dead_letters.latest()
        assert last.correlation_id == f"{letter.correlation_id}~2"
        assert last.number == 3
        assert customs("reply")[-1]["status"] == "failed"
        assert view.announce.startswith("charge failed again: ")

    async def test_a_retry_without_its_component_does_nothing(self, engine, view):
        """The reply says what has to be there first; the letter stays."""
        with suppress(ComponentNotFoundError):
            await engine.handle_message("ghost", "boo")
        page(view, {"kind": "send", "id": "a", "type": "retry:1", "fields": {}})
        await settle()

        (reply,) = customs("reply")
        assert reply["status"] == "ignored"
        assert "Define it, then retry" in reply["text"]
        assert len(engine.event_bus.dead_letters) == 1

    async def test_the_same_click_counts_once(self, engine, view, bank):
        """A send that comes twice, as after a reload, is done once."""
        await failed(engine, bank)
        bank.is_mended = True
        for _ in range(2):
            page(view, {"kind": "send", "id": "a", "type": "retry:1", "fields": {}})
        await settle()
        await settle()

        assert [reply["status"] for reply in customs("reply")] == ["pending", "ok"]

    async def test_a_letter_that_is_gone_is_said_so(self, engine, view, bank):
        """Another view was quicker."""
        await failed(engine, bank)
        engine.event_bus.dead_letters.clear()
        page(view, {"kind": "send", "id": "a", "type": "retry:1", "fields": {}})
        await settle()

        assert customs("reply")[-1]["text"] == "It is no dead letter any more."

    @pytest.mark.parametrize("what", ["drop:1", "drop"])
    async def test_letters_are_dropped(self, engine, view, bank, what):
        """One, or all: nobody wants to send them again."""
        await failed(engine, bank)
        page(view, {"kind": "send", "id": "a", "type": what, "fields": {}})
        await settle()

        assert len(engine.event_bus.dead_letters) == 0
        assert view.letters["rows"] == []


class TestLife:
    async def test_nothing_stays_when_it_is_closed(self, engine):
        """Neither a listener on the history nor one on the letters."""
        before = engine.event_bus.history.listeners
        view = EngineView(engine)
        await settle()
        armed = engine.event_bus.history.listeners
        view.close()
        view.close()
        await engine.get("order").send("pay")
        await asyncio.sleep(0)

        assert armed == before + 1
        assert engine.event_bus.history.listeners == before
        assert engine.event_bus.dead_letters.listeners == 0

    async def test_a_closed_engine_is_said_to_be(self, engine, view):
        """The last picture stays; nothing can be sent again to what takes nothing."""
        open_before = view.closed
        await engine.close()
        view.refresh()
        await settle()

        assert open_before == ""
        assert view.closed.startswith("The engine has been closed")

    async def test_the_saved_picture_shows_what_the_view_shows(
        self, engine, view, bank
    ):
        """Components, lines and letters, as text alone; names are data."""
        await engine.get("order").send("pay")
        await failed(engine, bank)
        with suppress(ComponentNotFoundError):
            await engine.handle_message("<b>", "<script>alert(1)</script>")
        bundle = view._draw_twin("abc")  # noqa: SLF001 - what the twin asks for

        picture = ET.fromstring(bundle["image/svg+xml"])  # noqa: S314 - our own
        named = [
            one.get("data-component") for one in picture if one.get("data-component")
        ]
        assert named == ["order", "payments"]
        assert 'data-flexiflow-static="abc"' in bundle["text/html"]
        assert "<script>" not in bundle["text/html"]
        assert "Dead letters 2" in bundle["text/html"]
        assert "order → payments: charge" in bundle["text/plain"]

    async def test_an_empty_engine_is_drawn(self):
        """Without components there is a sentence, not an error."""
        async with FlexiFlowEngine() as engine:
            view = EngineView(engine)
            bundle = view._draw_twin("abc")  # noqa: SLF001 - what the twin asks for
            view.close()

        assert "No message yet." in bundle["image/svg+xml"]
        assert bundle["text/plain"] == "Engine engine: 0 components"

    async def test_what_is_no_component_of_ours_is_shown(self, engine, view):
        """Whatever was registered has a name; a state is not required."""

        class Lamp:
            name = "lamp"

        engine.register(Lamp())
        await settle()

        assert view.engine["parts"][-1] == {"name": "lamp", "active": [], "pending": 0}
