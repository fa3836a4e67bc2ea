"""A page gets rows at its own pace, and each event is shown or counted."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.events import MESSAGE_RECEIVED, History
from flexiflow_jupyter import bridge
from flexiflow_jupyter.bridge import EventFeed, Pulse
from flexiflow_jupyter.loop import LoopHop


def publish(history, count, component="door"):
    """Append messages of a component to a history."""
    for _ in range(count):
        message = {"type": "coin"}
        data = {"component": component, "message": message}
        history.append(MESSAGE_RECEIVED, data, component)


def drained(feed):
    """Take all batches, acknowledging each, and return them."""
    feed.read()
    batches = []
    while (batch := feed.next_batch()) is not None:
        batches.append(batch)
        feed.ack(batch["batch"])
    return batches


class TestEventFeed:
    def test_nothing_is_sent_before_the_page_asks(self):
        """A page that is not there gets nothing."""
        history = History()
        feed = EventFeed(history)
        publish(history, 3)
        feed.read()

        assert feed.next_batch() is None

    def test_the_backlog_comes_as_a_snapshot(self):
        """The first batch after `need` is a snapshot, the next ones are events."""
        history = History()
        publish(history, 3)
        feed = EventFeed(history)
        feed.need(None)
        first = drained(feed)
        publish(history, 1)
        second = drained(feed)

        assert [batch["kind"] for batch in [*first, *second]] == ["snapshot", "events"]
        assert [row[0] for row in first[0]["events"]] == [1, 2, 3]
        assert second[0]["published"] == 4

    def test_an_empty_table_is_told_so(self):
        """A page that asks gets an answer though nothing has happened."""
        feed = EventFeed(History())
        feed.need(None)

        assert drained(feed)[0]["events"] == []

    def test_a_batch_holds_500_rows_and_two_are_on_their_way(self):
        """The page is not run over."""
        history = History()
        feed = EventFeed(history)
        feed.need(None)
        publish(history, 1700)
        feed.read()

        batches = [feed.next_batch() for _ in range(3)]

        assert [len(batch["events"]) for batch in batches[:2]] == [500, 500]
        assert batches[2] is None
        feed.ack(batches[0]["batch"])
        assert feed.next_batch()["published"] == 1500

    def test_a_slow_page_keeps_the_newest_5000(self):
        """What is let go is counted."""
        history = History()
        feed = EventFeed(history)
        feed.need(None)
        publish(history, 9_000)

        batches = drained(feed)

        rows = [row for batch in batches for row in batch["events"]]
        assert len(rows) == 5_000
        assert rows[-1][0] == 9_000
        assert batches[-1]["dropped"] == 4_000

    def test_what_the_ring_let_go_before_is_counted(self):
        """A stream of all events counts from the first, though it was made later."""
        history = History(100)
        publish(history, 250)
        feed = EventFeed(history)
        feed.need(None)

        (batch,) = drained(feed)

        assert (batch["published"], batch["dropped"]) == (250, 150)

    def test_other_components_are_left_out(self):
        """A component's table has its own events and those whose payload names it."""
        history = History()
        feed = EventFeed(history, "door")
        feed.need(None)
        publish(history, 2, "door")
        publish(history, 3, "gate")
        history.append("door.opened", {"by": "Ann"}, "door")
        history.append("seen", {"component": "door"}, None)

        rows = [row for batch in drained(feed) for row in batch["events"]]

        assert [row[0] for row in rows] == [1, 2, 6, 7]

    def test_a_page_that_comes_back_gets_what_it_lacks(self):
        """`since` leaves out what the table holds; unacknowledged batches are over."""
        history = History()
        feed = EventFeed(history)
        feed.need(None)
        publish(history, 3)
        feed.read()
        feed.next_batch()
        publish(history, 2)
        feed.need(3)

        batches = drained(feed)

        assert [row[0] for batch in batches for row in batch["events"]] == [4, 5]
        assert batches[-1]["published"] == 5
        assert batches[-1]["dropped"] == 0

    @given(
        steps=st.lists(
            st.tuples(
                st.sampled_from(["publish", "read", "send", "ack", "need"]),
                st.integers(1, 4_000),
            ),
            max_size=20,
        ),
        component=st.none() | st.just("door"),
    )
    def test_shown_and_dropped_are_all_that_was_published(self, steps, component):
        """Whatever the order of things, in the end nothing is uncounted."""
        history = History(10_000)
        feed = EventFeed(history, component)
        feed.need(None)
        published, shown, open_batches = 0, 0, []
        for step, count in steps:
            if step == "publish":
                publish(history, count)
                published += count
                feed.read()
            elif step == "read":
                feed.read()
            elif step == "send" and (batch := feed.next_batch()) is not None:
                shown += len(batch["events"])
                open_batches.append(batch["batch"])
            elif step == "ack" and open_batches:
                feed.ack(open_batches.pop())
            elif step == "need":
                feed.need(None)
                shown, open_batches = 0, []
        for number in open_batches:
            feed.ack(number)

        batches = drained(feed)

        shown += sum(len(batch["events"]) for batch in batches)
        if batches:
            assert batches[-1]["published"] == published
            assert shown + batches[-1]["dropped"] == published
        else:
            assert feed.published == published


class TestPulse:
    @pytest.fixture
    def calls(self):
        """When the work was done, by the loop's clock."""
        return []

    async def test_the_first_request_is_met_at_once(self, calls):
        """The leading edge waits for nothing but the loop."""
        pulse = Pulse(LoopHop(), lambda: calls.append(1))
        pulse.request()
        pulse.request()
        await asyncio.sleep(0)

        assert calls == [1]

    async def test_later_requests_are_joined(self, calls):
        """Two times follow each other closely, a third waits for two intervals."""
        done = asyncio.Event()

        def work():
            calls.append(time.monotonic())
            pulse.request()
            if len(calls) == 3:
                done.set()

        pulse = Pulse(LoopHop(), work)
        for _ in range(5):
            pulse.request()
        await done.wait()
        pulse.close()

        assert len(calls) == 3
        assert calls[2] - calls[0] >= 2 / 31

    async def test_work_that_takes_long_is_done_less_often(self, calls, monkeypatch):
        """The pause grows with the work, so that the loop stays free."""
        monkeypatch.setattr(bridge, "_INTERVAL_S", 0.0)
        done = asyncio.Event()

        def work():
            calls.append(time.monotonic())
            if len(calls) == 5:
                done.set()
            while time.monotonic() < calls[-1] + 0.01:
                pass
            pulse.request()

        pulse = Pulse(LoopHop(), work)
        pulse.request()
        await done.wait()
        pulse.close()

        assert calls[4] - calls[2] >= 0.08

    async def test_a_closed_pulse_does_nothing(self, calls):
        """Work that was planned is not done any more."""
        pulse = Pulse(LoopHop(), lambda: calls.append(1))
        pulse.request()
        pulse.close()
        pulse.request()
        await asyncio.sleep(0)

        assert calls == []
