"""Kernel and page speak the same protocol."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flexiflow_jupyter
from flexiflow_jupyter import layers, protocol
from flexiflow_jupyter.engine_view import shapes
from flexiflow_jupyter.page_messages import read_page_message

SHAPES = (protocol, layers, shapes)
PAGE = Path(flexiflow_jupyter.__file__).parent / "frontend/src/protocol.ts"


def page_list(name):
    """Read an array of strings out of the page's protocol."""
    text = PAGE.read_text()
    body = re.search(rf"export const {name} = \[(.*?)\] as const", text, re.DOTALL)[1]
    return tuple(re.findall(r'"([^"]+)"', body))


def page_fields(name):
    """Read the property names of an interface of the page's protocol."""
    text = PAGE.read_text()
    body = re.search(rf"interface {name}\b[^{{]*\{{(.*?)\n\}}", text, re.DOTALL)[1]
    return set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE))


class TestProtocol:
    @pytest.mark.parametrize("name", ["TRAITS", "TO_KERNEL", "TO_PAGE"])
    def test_both_sides_list_the_same_names(self, name):
        """Traits and message kinds are equal, in the same order."""
        assert page_list(name) == getattr(protocol, name)

    @pytest.mark.parametrize(
        "name",
        [
            "ChangesInfo",
            "Clause",
            "ContextEntry",
            "CoverageInfo",
            "EdgeStatus",
            "EngineInfo",
            "EnginePart",
            "ExecutionInfo",
            "Field",
            "Graph",
            "GraphEdge",
            "GraphNode",
            "Made",
            "LetterInfo",
            "LettersInfo",
            "MessageInfo",
            "PaceInfo",
            "PauseInfo",
            "Problem",
            "QueueInfo",
            "RecordingInfo",
            "RunningInfo",
            "SandboxInfo",
            "SandboxTry",
            "StepAnswer",
            "StepRow",
            "Tally",
            "TimelineInfo",
            "WhyInfo",
        ],
    )
    def test_both_sides_give_values_the_same_fields(self, name):
        """The shape of each value is equal."""
        shape = next(getattr(home, name) for home in SHAPES if hasattr(home, name))

        assert page_fields(name) == set(shape.__annotations__)

    def test_the_version_is_one(self):
        """Both sides speak version 1."""
        assert f"export const PROTOCOL = {protocol.PROTOCOL};" in PAGE.read_text()


class TestReadPageMessage:
    @pytest.mark.parametrize(
        "content",
        [
            {"v": 1, "kind": "send", "id": "a", "type": "coin", "fields": {}},
            {"v": 1, "kind": "send", "id": "a", "text": "coin {}"},
            {"v": 1, "kind": "need", "what": "ways"},
            {"v": 1, "kind": "ack", "batch": 3},
            {"v": 1, "kind": "need", "what": "events", "since": 4},
            {"v": 1, "kind": "need", "what": "graphviz"},
            {"v": 1, "kind": "need", "what": "steps"},
            {"v": 1, "kind": "need", "what": "step", "at": 4},
            {"v": 1, "kind": "do", "id": "a", "what": "fork", "at": 4},
            {"v": 1, "kind": "do", "id": "a", "what": "slow", "value": 0.5},
            {"v": 1, "kind": "view", "id": "a", "visible": False},
        ],
    )
    def test_what_the_page_sends_is_read(self, content):
        """Each message of the protocol is handed on as it is."""
        assert read_page_message(content) == content

    @pytest.mark.parametrize(
        "content",
        [
            None,
            "send",
            {},
            {"v": 2, "kind": "ack", "batch": 3},
            {"v": 1, "kind": "shout"},
            {"v": 1, "kind": ["send"]},
            {"v": 1, "kind": "send", "type": "coin"},
            {"v": 1, "kind": "send", "id": "a", "type": 3},
            {"v": 1, "kind": "send", "id": "a", "type": "coin", "fields": []},
            {"v": 1, "kind": "ack", "batch": "3"},
            {"v": 1, "kind": "need", "what": "all"},
            {"v": 1, "kind": "need", "what": "events", "since": "x"},
            {"v": 1, "kind": "view", "id": "a", "visible": 1},
            {"v": 1, "kind": "need", "what": "step"},
            {"v": 1, "kind": "need", "what": "step", "at": "4"},
            {"v": 1, "kind": "do", "what": "fork"},
            {"v": 1, "kind": "do", "id": "a", "what": 3},
            {"v": 1, "kind": "do", "id": "a", "what": "fork", "at": "4"},
        ],
    )
    def test_anything_else_is_nothing(self, content):
        """Other versions, kinds and shapes are not read."""
        assert read_page_message(content) is None
