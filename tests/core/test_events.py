"""Events and the ring in which the latest are kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flexiflow.events import Event, History
from flexiflow.logger import correlation_id


class TestEvent:
    def test_tells_what_when_of_whom_and_on_whose_behalf(self):
        """Time is an aware UTC instant; the id is that of the moment."""
        before = datetime.now(UTC)
        with correlation_id("abc"):
            event = Event(1, "x", {"k": 1}, component="c")

        assert (event.seq, event.name, event.data) == (1, "x", {"k": 1})
        assert (event.component, event.correlation_id) == ("c", "abc")
        assert before <= event.time <= datetime.now(UTC)
        assert event.time.tzinfo is UTC
        assert Event(2, "y").correlation_id is None


class TestHistory:
    def test_keeps_the_latest_and_counts_the_rest(self):
        """Numbers go on without gaps; dropped are those no longer held."""
        history = History(3)
        assert (history.first_seq, history.last_seq, history.dropped) == (1, 0, 0)
        for number in range(5):
            history.append("x", number)

        assert [event.data for event in history.after(0)] == [2, 3, 4]
        assert [event.seq for event in history.after(4)] == [5]
        assert history.after(5) == history.after(99) == []
        assert (history.first_seq, history.last_seq, history.dropped) == (3, 5, 2)
        assert len(history) == history.size == 3

    def test_grows_and_clears(self):
        """Growing keeps what there is; cleared events count as dropped."""
        history = History(1)
        history.append("x", 1)
        history.grow(2)
        history.grow(1)
        history.append("x", 2)
        assert [event.data for event in history.after(0)] == [1, 2]
        history.clear()

        assert history.after(0) == []
        assert (history.dropped, history.last_seq) == (2, 2)

    @pytest.mark.parametrize("size", [0, -5])
    def test_holds_at_least_one(self, size):
        """A ring for nothing is refused."""
        with pytest.raises(ValueError, match="at least 1"):
            History(size)

    def test_listener_rings_once_when_armed(self):
        """Armed anew it rings anew; closed it never does."""
        history = History(3)
        rung = []
        listener = history.listen(lambda: rung.append(history.last_seq))
        history.append("x", None)
        listener.arm()
        history.append("x", None)
        history.append("x", None)
        listener.arm(2)
        history.append("x", None)
        history.append("x", None)
        listener.arm()
        listener.close()
        listener.close()
        listener.arm()
        history.append("x", None)

        assert rung == [2, 5]

    def test_listener_that_fails_is_logged(self, caplog):
        """The publisher does not notice."""
        history = History(3)
        listener = history.listen(lambda: 1 / 0)
        listener.arm()
        history.append("x", None)

        assert history.last_seq == 1
        assert "listener" in caplog.text
