"""Views follow their component through traits and messages; the comm is a fake."""

from __future__ import annotations

import asyncio
import gzip

import comm
import pytest

from flexiflow import FlexiFlowEngine, State, StateRegistry
from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ComponentError
from flexiflow.state_machine import StateMachine
from flexiflow_jupyter import bridge
from flexiflow_jupyter.protocol import TRAITS
from flexiflow_jupyter.widgets import (
    ContextView,
    EventStream,
    MessageBar,
    Panel,
    StateGraph,
    Timeline,
    bundles,
)

ORDER = """
name: order
context: {items: 0, note: ""}
states:
  cart:
    on:
      add: {do: [{add: {items: 1}}]}
      submit:
        - {to: sent, if: {context.items: {min: 1}}}
        - {to: refused, if: {force: true, by: {one_of: [Ann, Bob]}}}
      note: {do: [{set: {note: $message.text}}], if: {text: {type: string}}}
  sent: {on: {reset: cart}}
  refused: {final: true}
"""


class FakeComm(comm.base_comm.BaseComm):
    """Keep what would be published."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Note a message."""
        SENT.append((self.comm_id, msg_type, data, buffers))


SENT = []


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """What the views send, in order."""
    SENT.clear()
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    monkeypatch.setattr(bundles, "read_bundle", lambda name: name.encode())
    bundles.read_packed_bundle.cache_clear()
    monkeypatch.setattr(bridge, "_INTERVAL_S", 0.0)
    monkeypatch.setattr(bridge, "_REST", 0.0)
    return SENT


@pytest.fixture
async def engine():
    """An engine that is closed at the end."""
    async with FlexiFlowEngine() as engine:
        engine.event_bus.keep_history()
        yield engine


@pytest.fixture
async def order(engine):
    """A component with guards, context and a final state."""
    return engine.create_component(ConfigLoader.load_component_text(ORDER))


@pytest.fixture
async def panel(order):
    """A panel of the order, closed at the end."""
    panel = Panel(order)
    yield panel
    panel.close()


async def settle():
    """Let the loop do what is planned now."""
    for _ in range(6):
        await asyncio.sleep(0)


def deliver(view, content):
    """Hand a message over as the comm does."""
    data = {"method": "custom", "content": content}
    view.comm.handle_msg({"content": {"data": data}, "buffers": []})


def page(view, content):
    """Send a message as the page does."""
    deliver(view, {"v": 1, **content})


def customs(kind):
    """Return the custom messages of a kind that were sent."""
    return [
        data["content"]
        for _, _, data, _ in SENT
        if data and data.get("method") == "custom" and data["content"]["kind"] == kind
    ]


def updates():
    """Return the trait updates that were sent."""
    return [data["state"] for _, _, data, _ in SENT if data.get("method") == "update"]


def message(view, kind):
    """Return what a view says of a message."""
    return next(item for item in view.messages if item["type"] == kind)


class TestTraits:
    async def test_all_traits_of_the_protocol_are_synced(self, panel):
        """Each trait of the list is sent when the view opens, but for an engine's."""
        opened = next(data for _, kind, data, _ in SENT if "_esm" in data["state"])

        assert set(TRAITS) - {"engine", "letters"} <= set(opened["state"])

    async def test_a_panel_begins_with_the_component_as_it_is(self, panel):
        """States, messages and context stand in the first message to the page."""
        assert panel.active == ["cart"]
        assert [item["type"] for item in panel.messages] == [
            "add",
            "submit",
            "note",
            "reset",
        ]
        assert panel.context[0] == {
            "key": "items",
            "value": "0",
            "previous": None,
            "changed": False,
        }
        assert panel.notice is None

    async def test_reasons_are_those_of_the_machine(self, order, panel):
        """A button that does nothing says why, in the machine's words."""
        submit = message(panel, "submit")

        assert not submit["enabled"]
        assert submit["reason"] == str(order.why_not("submit"))
        assert "items is 0" in submit["reason"]
        assert message(panel, "reset")["reason"].startswith("Not in cart.")

    async def test_fields_are_those_that_guards_look_at(self, panel):
        """The page can offer an editor for each."""
        fields = {field["name"]: field for field in message(panel, "submit")["fields"]}

        assert fields["by"]["kind"] == "choice"
        assert fields["by"]["choices"] == ["Ann", "Bob"]
        assert fields["force"]["kind"] == "boolean"
        assert message(panel, "add")["fields"] == []

    async def test_edges_say_which_of_them_is_taken(self, order, panel):
        """Of several transitions on one message only the one taken is enabled."""
        await order.send("add")
        await settle()

        states = {
            (edge["source"], edge["message"], edge["target"]): panel.edges[edge["id"]]
            for edge in panel.graph["edges"]
        }

        assert states["cart", "submit", "sent"]["enabled"]
        assert not states["cart", "submit", "refused"]["enabled"]
        assert states["cart", "submit", "refused"]["reason"]
        assert not states["sent", "reset", "cart"]["enabled"]

    async def test_a_step_is_sent_at_once_and_whole(self, order, panel):
        """State, edge, context and announcement change in one update."""
        await order.send("add")
        await settle()
        SENT.clear()
        await order.send("submit")
        await settle()

        assert len(updates()) == 1
        (update,) = updates()
        assert update["active"] == ["sent"]
        assert update["last"] == {"edge": "e1", "step": 2}
        assert update["steps"] == 2
        assert update["announce"] == "order is now in sent"
        assert "dot" not in update

    async def test_a_changed_value_keeps_the_old_one(self, order, panel):
        """The context shows what the last step changed."""
        await order.send("add")
        await settle()

        assert panel.context[0] == {
            "key": "items",
            "value": "1",
            "previous": "0",
            "changed": True,
        }
        assert not panel.context[1]["changed"]

    async def test_many_steps_are_one_update(self, order, panel, monkeypatch):
        """Within an interval the page is told once, and at once."""
        await settle()
        SENT.clear()
        monkeypatch.setattr(bridge, "_INTERVAL_S", 60.0)
        await order.send("add")
        await settle()
        assert len(updates()) == 1
        for _ in range(500):
            await order.send("add")
            await asyncio.sleep(0)

        assert len(updates()) == 1

    async def test_a_long_value_is_cut(self, order, panel):
        """No value is longer than 200 characters on the page."""
        await order.send("note", text="x" * 5_000)
        await settle()

        assert len(panel.context[1]["value"]) == 200

    async def test_a_component_that_is_closed_is_said(self, engine, panel):
        """Controls are told why they do nothing any more."""
        engine.unregister("order")
        panel.refresh()
        await settle()

        assert "closed" in panel.closed


class TestStates:
    async def test_state_classes_are_shown_as_far_as_known(self, engine):
        """The picture of the built-in machine is inferred; buttons follow it."""
        component = AsyncComponent("plain")
        engine.register(component)
        panel = Panel(component)
        await component.send("start")
        await settle()

        assert panel.active == ["AwaitingConfirmation"]
        assert message(panel, "cancel")["enabled"]
        assert not message(panel, "start")["enabled"]
        confirm = message(panel, "confirm")
        assert "confirmed" in confirm["reason"]
        assert [field["name"] for field in confirm["fields"]] == ["content"]
        assert panel.last["step"] == 1
        panel.close()

    async def test_a_class_that_tells_nothing_has_an_empty_picture(self, engine):
        """A state whose source cannot be read is shown alone."""

        class Odd(State):
            async def handle_message(self, message, component):
                return len(message) > 1, self

        registry = StateRegistry()
        registry.register("Odd", Odd)
        component = AsyncComponent("odd", [], StateMachine.from_name("Odd", registry))
        engine.register(component)
        panel = Panel(component)
        page(panel, {"kind": "send", "id": "1", "type": "x", "fields": {"a": 1}})
        await settle()

        assert panel.active == ["Odd"]
        assert customs("reply")[-1]["status"] == "ok"
        panel.close()

    async def test_a_component_without_an_engine_cannot_be_shown(self):
        """Nobody would hear what happens to it; the error says what to do."""
        with pytest.raises(ComponentError, match="get_engine"):
            Panel(AsyncComponent("alone"))

    @pytest.mark.parametrize("view", [Panel, StateGraph, EventStream])
    async def test_what_is_no_component_cannot_be_shown(self, view):
        """Its name, say: the error tells how to get at the component."""
        with pytest.raises(ComponentError, match="'door' is no component") as caught:
            view("door")
        assert "get_engine().get" in caught.value.fix

    @pytest.mark.parametrize("view", [Panel, StateGraph, MessageBar])
    async def test_an_engine_is_no_component(self, engine, view):
        """It has a bus as components have; the error says what it is."""
        with pytest.raises(ComponentError, match="is no component"):
            view(engine)


class TestKinds:
    @pytest.mark.parametrize(
        ("view", "kind"),
        [
            (Panel, "panel"),
            (StateGraph, "graph"),
            (MessageBar, "messages"),
            (ContextView, "context"),
            (EventStream, "events"),
            (Timeline, "timeline"),
        ],
    )
    async def test_each_view_loads_its_own_module(self, order, view, kind):
        """One bundle a view."""
        shown = view(order)

        assert shown.view == kind
        assert shown.trait_values()["_esm"] == f"{kind}.js"
        assert shown.trait_values()["_css"] == "flexiflow.css"
        shown.close()

    async def test_an_engine_stream_shows_all(self, engine, order):
        """EventStream(engine) is of no component."""
        other = AsyncComponent("other")
        engine.register(other)
        stream = EventStream(engine)
        page(stream, {"kind": "need", "what": "events"})
        await order.send("add")
        await other.send("start")
        await settle()
        await settle()

        rows = [row for batch in batches() for row in batch["events"]]
        assert stream.component == ""
        assert {row[3] for row in rows} == {"order", "other"}
        stream.close()

    async def test_the_text_says_what_the_view_shows(self, order, panel):
        """Where no widget can be shown there is text."""
        text = panel._repr_mimebundle_()[0]["text/plain"]

        assert text.startswith("order: cart")
        assert "Accepted now: add" in text

    def test_a_missing_bundle_is_named(self, monkeypatch, tmp_path):
        """Without a built front end the error says how to build it."""
        monkeypatch.undo()
        monkeypatch.setattr(bundles, "_STATIC", tmp_path)
        bundles.read_bundle.cache_clear()
        with pytest.raises(bundles.BundleError) as caught:
            bundles.read_bundle("panel.js")

        assert "make lab" in caught.value.fix


def batches():
    """Return the batches of events that were sent."""
    return [*customs("snapshot"), *customs("events")]


class TestSends:
    async def test_a_click_is_answered_step_by_step(self, order, panel):
        """Pending, then ok with the transition in words."""
        page(panel, {"kind": "send", "id": "1", "type": "add", "fields": {}})
        await settle()

        assert [reply["status"] for reply in customs("reply")] == ["pending", "ok"]
        assert customs("reply")[-1]["text"] == "add · stays in cart"
        assert order.context["items"] == 1

    @pytest.mark.parametrize(
        "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]
    )
    async def test_an_action_that_asks_to_stop_fails_alone(self, engine, error):
        """Neither does the loop end with it, nor does the button wait for ever."""

        def leave():
            raise error

        text = "name: x\nstates: {a: {on: {go: {do: leave}}}}"
        functions = {"leave": leave}
        config = ConfigLoader.load_component_text(text, functions=functions)
        panel = Panel(engine.create_component(config))
        page(panel, {"kind": "send", "id": "1", "type": "go", "fields": {}})
        await settle()

        last = customs("reply")[-1]
        assert last["status"] == "failed"
        assert type(error).__name__ in last["error"]["what"]
        assert panel.notice["level"] == "error"
        panel.close()

    async def test_an_ignored_message_says_why(self, order, panel):
        """The reply carries the reason."""
        page(panel, {"kind": "send", "id": "1", "type": "submit", "fields": {}})
        await settle()

        assert customs("reply")[-1]["status"] == "ignored"
        assert "items is 0" in customs("reply")[-1]["text"]

    async def test_fields_go_along(self, order, panel):
        """What the editor holds is part of the message."""
        page(
            panel,
            {
                "kind": "send",
                "id": "1",
                "type": "submit",
                "fields": {"force": True, "by": "Ann"},
            },
        )
        await settle()

        assert order.state == "refused"

    async def test_a_problem_stays_until_the_next_step(self, order, panel):
        """A failed send is an alert; a later step, whoever sent it, takes it away."""
        page(panel, {"kind": "send", "id": "1", "text": "add {oops"})
        await settle()
        failed = panel.notice
        await settle()
        await order.send("add")
        await settle()

        assert failed["level"] == "error"
        assert failed["fix"]
        assert panel.notice is None

    async def test_a_closed_view_sends_nothing(self, order, panel):
        """A click that comes late is forgotten."""
        closed_comm = panel.comm
        panel.close()
        SENT.clear()
        content = {"v": 1, "kind": "send", "id": "1", "type": "add", "fields": {}}
        data = {"method": "custom", "content": content}
        closed_comm.handle_msg({"content": {"data": data}, "buffers": []})
        await order.send("add")
        await settle()

        assert order.context["items"] == 1
        assert SENT == []

    async def test_what_is_no_message_is_ignored(self, panel):
        """A page that speaks another version changes nothing."""
        SENT.clear()
        deliver(panel, {"v": 9, "kind": "send"})
        await settle()

        assert SENT == []


class TestEvents:
    async def test_a_hidden_page_gets_nothing(self, order, panel):
        """A hidden tab draws nothing, and what it missed comes when it is seen."""
        page(panel, {"kind": "need", "what": "events"})
        page(panel, {"kind": "view", "id": "a", "visible": False})
        await settle()
        await settle()
        SENT.clear()
        await order.send("add")
        await settle()
        assert SENT == []

        page(panel, {"kind": "view", "id": "a", "visible": True})
        await settle()

        assert updates()
        assert batches()

    async def test_two_batches_wait_for_the_page(self, order, panel):
        """A page that acknowledges nothing is sent two batches."""
        page(panel, {"kind": "need", "what": "events"})
        await settle()
        for _ in range(6):
            await order.send("add")
            await settle()

        assert len(batches()) == 2
        page(panel, {"kind": "ack", "batch": 1})
        await settle()
        assert len(batches()) == 3

    async def test_an_ack_asks_for_nothing_by_itself(self, panel, monkeypatch):
        """With no rows waiting no update is spent: the next click is shown at once."""
        page(panel, {"kind": "need", "what": "events"})
        await settle()
        updates = []
        monkeypatch.setattr(panel, "_bring_up_to_date", lambda: updates.append(1))

        page(panel, {"kind": "ack", "batch": 1})
        await settle()

        assert updates == []

    async def test_a_backlog_is_sent_at_the_pace_of_the_page(self, order, panel):
        """While whole batches wait, an acknowledgement is answered at once."""
        page(panel, {"kind": "need", "what": "events"})
        await settle()
        for _ in range(800):
            await order.send("add")
        await settle()
        for number in range(1, 4):
            page(panel, {"kind": "ack", "batch": number})
            await settle()

        assert sum(len(batch["events"]) for batch in batches()) >= 1_500

    async def test_a_burst_that_blocks_the_loop_is_counted(self, engine, order, panel):
        """Events beyond the ring's size are dropped, and each is counted once."""
        other = AsyncComponent("other")
        engine.register(other)
        page(panel, {"kind": "need", "what": "events"})
        await settle()
        await settle()
        before = batches()[-1]["published"]
        for _ in range(9_000):
            await order.send("add")
            await other.send("nothing")
        await settle()
        page(panel, {"kind": "need", "what": "events"})
        await settle()

        batch = batches()[-1]
        assert len(batch["events"]) == 500
        assert batch["dropped"] == before + 2 * 9_000 - 5_000

    async def test_the_layout_engine_is_a_buffer(self, panel):
        """It is asked for once a page, and comes packed."""
        page(panel, {"kind": "need", "what": "graphviz"})
        await settle()

        sent = [buffers for _, _, data, buffers in SENT if "content" in data]
        assert [gzip.decompress(packed) for packed in sent[-1]] == [b"graphviz.js"]


class TestClose:
    async def test_closing_twice_is_harmless(self, engine, panel):
        """The comm, its layout's comm and the listener are gone after the first."""
        panel.close()
        panel.close()

        closed = [name for name, kind, *_ in SENT if kind == "comm_close"]
        assert len(closed) == len(set(closed)) == 2
        assert engine.event_bus.history.listeners == 0
