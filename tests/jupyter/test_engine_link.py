"""A page that looks at the engines of a notebook is told of what changes."""

from __future__ import annotations

import uuid

import pytest

from tests.jupyter.test_bad_input import DOOR

pytestmark = pytest.mark.kernel


def open_link(kernel, target="flexiflow.engines"):
    """Open a comm as the page does, and return its id."""
    name = uuid.uuid4().hex
    content = {"comm_id": name, "target_name": target, "data": {"v": 1}}
    message = kernel.client.session.msg("comm_open", content)
    kernel.client.shell_channel.send(message)
    return name


def told(kernel, name, wanted):
    """Wait until the page is told something of a kind, and return it."""
    for message in kernel.hear():
        content = message["content"]
        is_ours = message["msg_type"] == "comm_msg" and content["comm_id"] == name
        if is_ours and wanted(content["data"]["engines"]):
            return content["data"]["engines"]
    raise AssertionError


def states(engines):
    """Return the states of all components, by their names."""
    return {c["name"]: c["state"] for e in engines for c in e["components"]}


class TestEngineLink:
    def test_components_are_listed_with_their_states(self, kernel):
        """Name, state, what is accepted, and a line of code that shows the thing."""
        kernel.run(DOOR)

        name = open_link(kernel)

        engine, *_ = told(kernel, name, states)
        assert engine["name"] == "default"
        (door,) = engine["components"]
        assert (door["name"], door["state"], door["accepted"]) == (
            "door",
            "locked",
            "coin",
        )
        assert kernel.run(door["code"]).views

    def test_a_new_state_is_told(self, kernel):
        """The list follows the components."""
        kernel.run(DOOR)
        name = open_link(kernel)
        told(kernel, name, states)

        kernel.begin("await door.send('coin')")

        assert told(kernel, name, lambda e: states(e) == {"door": "unlocked"})

    def test_a_new_engine_is_told(self, kernel):
        """Engines that a cell makes are listed when it ends."""
        name = open_link(kernel)
        told(kernel, name, lambda _engines: True)

        kernel.begin("get_engine('second')")

        names = told(kernel, name, lambda e: len(e) > 1)
        assert "second" in [engine["name"] for engine in names]

    def test_names_are_plain_text(self, kernel):
        """What could forge text is written out."""
        kernel.run(DOOR.replace("name: door", 'name: "do\\u202eor"'))

        name = open_link(kernel)

        engine, *_ = told(kernel, name, states)
        assert "\u202e" not in str(engine["components"][0]["name"])
