"""Tab knows commands, components, messages, states, keys and functions."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter

from tests.jupyter.test_extension import DOOR

SLOT = """%%flexiflow --no-panel
name: slot
states:
  idle:
    on: {pay: {to: done, if: {amount: {min: 2}, kind: {one_of: [coin, card]}}}}
  done: {final: true}
"""


@pytest.fixture
def loaded(shell):
    """A shell with the extension, a door and a function."""
    shell.extension_manager.load_extension("flexiflow_jupyter")
    shell.run_cell(DOOR)
    shell.run_cell("def ring(): pass")
    return shell


def completed(shell, text):
    """Return what the text may become, the cursor standing at its end."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return [text[: each.start] + each.text for each in found]


class TestLine:
    @pytest.mark.parametrize(
        ("line", "whole"),
        [
            ("%flexiflow se", "%flexiflow send"),
            ("%flexiflow send do", "%flexiflow send door"),
            ("%flexiflow send door co", "%flexiflow send door coin"),
            ("%flexiflow graph d", "%flexiflow graph door"),
            ("%%flexiflow --no", "%%flexiflow --no-panel"),
            ('await door.send("', 'await door.send("coin'),
            ("door.can('co", "door.can('coin"),
            ('await door.until("unl', 'await door.until("unlocked'),
        ],
    )
    def test_a_word_is_completed(self, loaded, line, whole):
        """Commands, names, messages and options are known where they may stand."""
        assert whole in completed(loaded, line)

    @pytest.mark.parametrize(
        ("line", "wholes"),
        [
            ("x = %flexiflow send door p", ["x = %flexiflow send door push"]),
            ("%flexiflow paths door ", ["locked", "unlocked"]),
            ("%flexiflow record door ", ["pytest", "stop", "svg"]),
            ("%flexiflow export door --", ["--to"]),
            ("%flexiflow export door --to ", ["service"]),
            ("%flexiflow config ", ["blocking=", "display="]),
            ("%flexiflow config display=", ["live", "static"]),
            ("%flexiflow send slot pay ", ["amount=", "kind="]),
            ("%flexiflow send slot pay amount=3 ", ["kind="]),
            ("%flexiflow list --engine ", ["default", "spare"]),
            ("%%flexiflow --engine ", ["default", "spare"]),
            ("%flexiflow --engine spare send ", ["bell"]),
            ("%flexiflow send 'slot' p", ["pay"]),
        ],
    )
    def test_each_later_word_is_known(self, loaded, line, wholes):
        """States, fields, settings and what ends a command; nothing of Python's."""
        loaded.run_cell(SLOT)
        loaded.run_cell(
            "%%flexiflow --no-panel --engine spare\nname: bell\nstates: {a: }"
        )
        found = completed(loaded, line)
        stem = line[: len(line) - len(line.split(" ")[-1].split("=")[-1])]

        assert found == [
            each if each.startswith("x =") else stem + each for each in wholes
        ]

    def test_accepted_messages_come_first(self, loaded):
        """What does something now stands before what does not."""
        assert completed(loaded, "%flexiflow send door ") == [
            "%flexiflow send door coin",
            "%flexiflow send door push",
        ]

    def test_other_lines_are_left_alone(self, loaded):
        """Python is completed as before."""
        assert "import" in completed(loaded, "impo")


class TestBody:
    @pytest.mark.parametrize(
        ("tail", "whole"),
        [
            ("    on: {coin: unl", "    on: {coin: unlocked"),
            ("    on: {coin: {to: loc", "    on: {coin: {to: locked"),
            ("    on: {coin: {do: ri", "    on: {coin: {do: ring"),
            ("      coin: unl", "      coin: unlocked"),
            ("    ent", "    entry"),
            ("cont", "context"),
        ],
    )
    def test_a_word_of_a_definition_is_completed(self, loaded, tail, whole):
        """States, functions and keys are known where they may stand."""
        text = DOOR + tail

        assert DOOR + whole in completed(loaded, text)
