"""Whatever is asked of the HTTP API, the answer is a described one, never a defect."""

import asyncio
import json
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexiflow.api import create_app
from flexiflow.engine import FlexiFlowEngine

GATE = {
    "name": "gate",
    "context": {"last": None},
    "initial_state": "locked",
    "states": {
        "locked": {
            "on": {
                "coin": {"to": "unlocked", "if": {"value": {"ge": 1}}},
                "note": {"do": {"set": {"last": "$message.text"}}},
            }
        },
        "unlocked": {"on": {"push": "locked"}},
    },
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)
TYPES = st.sampled_from(["coin", "note", "push", "start"]) | st.text()
MESSAGES = st.dictionaries(
    st.sampled_from(["value", "text", "content"]) | st.text(), JSON, max_size=3
).flatmap(lambda fields: TYPES.map(lambda kind: {**fields, "type": kind}))
BODIES = st.one_of(
    MESSAGES.map(json.dumps), JSON.map(json.dumps), st.text().map(repr), st.binary()
)
NAMES = st.sampled_from(["gate", "job"]) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "format", "correlation_id"]),
    st.sampled_from(["1", "0", "mermaid", "dot", "text"]) | VALUES,
)


async def ask(requests):
    """Send requests to a fresh application and return the answers."""
    async with FlexiFlowEngine() as engine:
        engine.logger.setLevel("CRITICAL")
        engine.create_component(GATE)
        engine.create_component({"name": "job"})
        transport = httpx.ASGITransport(create_app(engine), raise_app_exceptions=True)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://here"
        ) as client:
            return [await client.request(**request) for request in requests]


def post(name, body):
    """Describe the sending of a message."""
    return {
        "method": "POST",
        "url": f"/components/{quote(name, safe='')}/message",
        "content": body,
        "headers": {"Content-Type": "application/json"},
    }


def get(name, part, query):
    """Describe a look at a component."""
    return {
        "method": "GET",
        "url": f"/components/{quote(name, safe='')}{part}",
        "params": query,
    }


class TestFuzz:
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        st.lists(st.tuples(NAMES, BODIES), min_size=1, max_size=4),
        st.tuples(NAMES, st.sampled_from(["", "/history", "/graph"]), QUERIES),
    )
    def test_answers_are_as_described(self, messages, look):
        """A message and a look give 200, or an error in the one shape."""
        requests = [post(name, body) for name, body in messages]
        answers = asyncio.run(ask([*requests, get(*look), get("gate", "", {})]))

        assert {answer.status_code for answer in answers} <= {
            200, 307, 404, 405, 409, 422,
        }  # fmt: skip
        for answer in answers:
            if answer.status_code >= 400:
                assert set(answer.json()) == {"code", "what", "why", "fix", "context"}
        assert answers[-1].status_code == 200
