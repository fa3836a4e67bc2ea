"""Each event is told in one line, whatever its payload, and at a bounded cost."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow import events
from flexiflow.events import History
from flexiflow.logger import correlation_id
from flexiflow_jupyter.event_rows import row_of, short_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


class Rude:
    """A value that cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no")


def told(name, data, component=None):
    """Return the level and text of an event."""
    row = row_of(History().append(name, data, component))
    return row[6], row[5]


class TestRowOf:
    @pytest.mark.parametrize(
        ("name", "data", "row"),
        [
            (
                events.MESSAGE_RECEIVED,
                {"component": "a", "message": {"type": "pay", "amount": 3}},
                ("info", 'pay {"amount": 3}'),
            ),
            (
                events.STATE_CHANGED,
                {"component": "a", "from_state": "x", "to_state": "y"},
                ("info", "x → y"),
            ),
            (
                events.MESSAGE_HANDLED,
                {"message": {"type": "pay"}, "status": "ignored", "state": "x"},
                ("ignored", "pay · ignored in x"),
            ),
            (
                events.MESSAGE_FAILED,
                {"message": {"type": "pay"}, "exception": "ValueError('no')"},
                ("failed", "pay · ValueError('no')"),
            ),
            (
                events.HANDLER_FAILED,
                {"event_name": "e", "component_name": "c", "exception": "X()"},
                ("failed", "e · c · X()"),
            ),
            (
                events.MESSAGE_HANDLED,
                {
                    "message": MappingProxyType({"type": "after"}),
                    "status": "handled",
                    "state": "x",
                },
                ("info", "after · handled · x"),
            ),
            ("door.opened", {"by": "Ann"}, ("info", '{"by": "Ann"}')),
            ("door.opened", None, ("info", "")),
            (events.STATE_CHANGED, {"odd": 1}, ("info", '{"odd": 1}')),
            (events.MESSAGE_RECEIVED, "odd", ("info", '"odd"')),
        ],
    )
    def test_an_event_is_told_in_words(self, name, data, row):
        """Built-in events have words of their own, others their payload."""
        assert told(name, data) == row

    def test_a_story_is_short_and_the_same(self):
        """The end of a made id, the whole of a short one of the user's."""
        history = History()
        with correlation_id("order-42"):
            own = history.append("a", None)
        with correlation_id() as made:
            other = history.append("a", None)

        assert row_of(own)[4] == "order-42"
        assert row_of(other)[4] == made[-6:]

    @given(data=JSON)
    def test_any_payload_is_a_row(self, data):
        """A row is JSON, and its text has 500 characters at most."""
        row = row_of(History().append("x", data))

        json.dumps(row)
        assert len(row[5]) <= 500


class TestShortJson:
    @given(value=JSON)
    def test_what_fits_is_the_json(self, value):
        """A short value is written as it is."""
        whole = json.dumps(value, ensure_ascii=False)

        if len(whole) <= 100:
            assert short_json(value, 200) == whole

    @pytest.mark.parametrize(
        "value",
        [
            "x" * 10**7,
            ["x" * 100] * 10**6,
            dict.fromkeys(range(10**6), 1),
            10**5_000,
            Rude(),
            {"a": Rude()},
            {1: {2: {3: "deep"}}},
        ],
        ids=["text", "list", "dict", "number", "rude", "nested", "keys"],
    )
    def test_what_is_large_or_odd_is_cut(self, value):
        """The cost does not grow with the value, and nothing raises."""
        assert 0 < len(short_json(value, 200)) <= 200

    def test_what_refers_to_itself_comes_to_an_end(self):
        """A list within itself is cut."""
        value = []
        value.append(value)

        assert short_json(value, 200).startswith("[[[")
