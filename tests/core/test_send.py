"""A message is sent by its type, or by its name as an attribute."""

from __future__ import annotations

import pytest

from flexiflow import machine, state
from flexiflow.chart_machine import ChartMachine
from flexiflow.component import AsyncComponent


@pytest.fixture
def door():
    """A door that knows a message whose type is no Python name."""
    chart = machine(
        "door",
        initial="closed",
        states={
            "closed": state(on={"knock-knock": "closed", "open": "opened"}),
            "opened": state(on={"close": {"to": "closed", "if": {"by": "Ann"}}}),
        },
    )
    return AsyncComponent("door", state_machine=ChartMachine(chart))


class TestSend:
    async def test_a_type_is_sent(self, door):
        """What is called gets the type and the fields."""
        assert (await door.send("open")).to_state == "opened"

    async def test_a_name_is_sent(self, door):
        """An attribute is the type; content and fields follow."""
        await door.send.open()

        assert (await door.send.close(by="Ann")).to_state == "closed"

    def test_known_names_are_listed(self, door):
        """Those that can be written so; others are no attributes."""
        assert dir(door.send) == ["close", "open"]

    async def test_an_unknown_name_is_ignored_like_an_unknown_type(self, door):
        """Whoever asks why gets the answer of the machine."""
        assert (await door.send.slam()).status == "ignored"

    def test_private_names_are_no_messages(self, door):
        """Tools that look for protocols of Python's find none."""
        assert not hasattr(door.send, "_repr_html_")
