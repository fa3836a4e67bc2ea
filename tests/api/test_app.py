"""Rules of the HTTP API: what each path answers, the one shape of errors, the guard."""

import asyncio
import json
import subprocess
import sys

import httpx
import pytest

from flexiflow.api import create_app
from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import MissingExtraError
from flexiflow.logger import correlation_id
from flexiflow.state_machine import State, StateMachine, StateRegistry

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
SHAPE = {"code", "what", "why", "fix", "context"}


class Fragile(State):
    """Break at any message."""

    async def handle_message(self, message, component):
        """Raise."""
        raise RuntimeError("secret detail")


@pytest.fixture
async def engine():
    """An engine with a chart and a component over the built-in states."""
    async with FlexiFlowEngine() as made:
        made.create_component(GATE)
        made.create_component({"name": "job", "rules": [{"r": 1}]})
        yield made


@pytest.fixture
async def client(engine):
    """A client of the engine's application."""
    async with client_of(create_app(engine)) as made:
        yield made


def client_of(app, **options):
    """Make a client that talks to an application in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://here", **options)


def frames(text):
    """Return the events of a stream: id, name and data of each."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(
            line.split(": ", 1) for line in block.split("\n") if line and line[0] != ":"
        )
        if lines:
            found.append((lines.get("id"), lines["event"], json.loads(lines["data"])))
    return found


class TestHealth:
    async def test_is_up(self, client):
        """The server tells that it is up."""
        answer = await client.get("/health")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


class TestComponents:
    async def test_list(self, client):
        """All components are listed with state, data and what they accept."""
        gate, job = (await client.get("/components")).json()

        assert gate["name"] == "gate"
        assert gate["state"] == "locked"
        assert gate["states"] == ["locked"]
        assert gate["context"] == {"last": None}
        assert gate["accepted"] == ["note"]
        assert job["rules"] == [{"r": 1}]
        assert job["context"] is None

    async def test_one(self, client):
        """A component is found under its name."""
        answer = await client.get("/components/job")

        assert answer.json()["state"] == "InitialState"

    async def test_unknown(self, client):
        """An unknown name is 404, with near misses, on every path below it."""
        for path in ("", "/history", "/graph"):
            answer = await client.get(f"/components/gaet{path}")
            assert answer.status_code == 404
            assert set(answer.json()) == SHAPE
            assert answer.json()["code"] == "flexiflow.component.not_found"
            assert answer.json()["context"]["components"][0] == "gate"
        answer = await client.post("/components/x/message", json={"type": "a"})
        assert answer.status_code == 404

    @pytest.mark.parametrize("name", ["a b", "ü", "a%2Fb", "..", "<img>", "a'b"])
    async def test_hostile_names(self, client, name):
        """Any name is looked up as it is."""
        answer = await client.get(f"/components/{name}")

        assert answer.status_code == 404

    async def test_any_context_can_be_shown(self, client):
        """What a message wrote into the context is shown, whatever it is."""
        text = '{"type": "note", "text": "\\ud800 \\u0000 <script>"}'
        sent = await client.post(
            "/components/gate/message",
            content=text,
            headers={"Content-Type": "application/json"},
        )
        shown = await client.get("/components/gate")

        assert sent.status_code == 200
        assert shown.json()["context"] == {"last": "\ud800 \x00 <script>"}


class TestMessage:
    async def test_handled(self, client):
        """A message is handled before it is answered."""
        answer = await client.post(
            "/components/gate/message", json={"type": "coin", "value": 2}
        )

        told = answer.json()
        assert answer.status_code == 200
        assert told.pop("correlation_id")
        assert told == {
            "component": "gate",
            "status": "handled",
            "proceeded": True,
            "from_state": "locked",
            "to_state": "unlocked",
        }

    async def test_ignored_is_no_error(self, client):
        """A message that does nothing is 200, and says so."""
        answer = await client.post("/components/gate/message", json={"type": "push"})

        assert answer.status_code == 200
        assert answer.json()["proceeded"] is False
        assert answer.json()["status"] == "ignored"

    @pytest.mark.parametrize(
        "body",
        [
            "", "[]", "3", "null", "not json", "{}", '{"type": 3}', '{"type": null}',
            '{"type": ["a"]}', "[" * 50_000, "\x00",
        ],
    )  # fmt: skip
    async def test_invalid_body(self, client, body):
        """What is no message is 422, in the one shape."""
        answer = await client.post(
            "/components/gate/message",
            content=body,
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == 422
        assert set(answer.json()) == SHAPE

    async def test_any_type_is_taken(self, engine, client, tmp_path):
        """A type that is no proper text is a message like others, also when saved."""
        engine.persist(tmp_path / "s.db")
        engine.get("gate").rules.append({"changed": 1})
        answer = await client.post(
            "/components/gate/message",
            content='{"type": "\\ud800"}',
            headers={"Content-Type": "application/json"},
        )
        rows = await client.get("/components/gate/history")

        assert (answer.status_code, rows.status_code) == (200, 200)
        assert rows.json()[0]["message_type"] == "\\ud800"

    async def test_too_large(self, client):
        """A message of more than a megabyte is refused, announced or not."""
        body = b'{"type": "' + b"x" * 1_000_001 + b'"}'

        async def parts():
            for start in range(0, len(body), 65_536):
                yield body[start : start + 65_536]

        for content in (body, parts()):
            answer = await client.post(
                "/components/gate/message",
                content=content,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == 413
            assert set(answer.json()) == SHAPE

    async def test_code_that_raises(self, engine, client):
        """A component whose code raises is 409; its state is as it was."""
        machine = StateMachine(Fragile(), StateRegistry())
        engine.register(AsyncComponent("fragile", [], machine))

        answer = await client.post("/components/fragile/message", json={"type": "a"})

        assert answer.status_code == 409
        assert set(answer.json()) == SHAPE
        assert answer.json()["context"]["state"] == "Fragile"

    async def test_closed_engine(self, engine, client):
        """A closed engine is 503."""
        await engine.close()
        answer = await client.post("/components/gate/message", json={"type": "push"})

        assert answer.status_code == 503
        assert set(answer.json()) == SHAPE


class TestHistory:
    async def test_of_the_store(self, engine, client, tmp_path):
        """With a store, the rows are its rows."""
        engine.persist(tmp_path / "s.db")
        with correlation_id("story-1"):
            await engine.handle_message("job", "start")
        await engine.handle_message("job", "cancel")

        rows = (await client.get("/components/job/history")).json()
        one = await client.get(
            "/components/job/history", params={"correlation_id": "story-1"}
        )

        assert [row["message_type"] for row in rows] == ["cancel", "start"]
        assert [row["current_state"] for row in one.json()] == ["AwaitingConfirmation"]

    async def test_of_the_events(self, engine, client):
        """Without one, they come from the events that are held."""
        await engine.handle_message("job", "start")
        await engine.handle_message("gate", "coin", value=1)
        await engine.handle_message("job", "cancel")

        rows = (await client.get("/components/job/history?limit=1")).json()

        assert [(row["from_state"], row["current_state"]) for row in rows] == [
            ("AwaitingConfirmation", "InitialState")
        ]

    @pytest.mark.parametrize("limit", ["0", "-1", "x", "99999"])
    async def test_bad_limit(self, client, limit):
        """A limit out of range is 422."""
        answer = await client.get(f"/components/job/history?limit={limit}")

        assert answer.status_code == 422
        assert set(answer.json()) == SHAPE


class TestGraph:
    @pytest.mark.parametrize("form", ["mermaid", "dot", "text"])
    async def test_formats(self, client, form):
        """Each format is drawn as text."""
        answer = await client.get(f"/components/gate/graph?format={form}")

        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert "unlocked" in answer.text

    async def test_unknown_format(self, client):
        """Another format is 422, the good ones listed."""
        answer = await client.get("/components/gate/graph?format=gif")

        assert answer.status_code == 422
        assert "'mermaid'" in answer.json()["why"]


class TestEvents:
    async def test_follows(self, engine, client):
        """Events are streamed as they happen, each with its number."""
        asked = asyncio.create_task(
            client.get("/events", params={"component": "job", "limit": 3})
        )
        for _ in range(20):  # until the stream waits
            await asyncio.sleep(0)
        await engine.handle_message("gate", "push")
        await engine.handle_message("job", "start")
        answer = await asked

        told = frames(answer.text)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert [name for _, name, _ in told] == [
            "component.message.received",
            "state.changed",
            "component.message.handled",
        ]
        assert {facts["component"] for _, _, facts in told} == {"job"}
        assert len({facts["correlation_id"] for _, _, facts in told}) == 1

    async def test_resumes(self, engine, client):
        """A client that comes back gets what it has missed, and nothing twice."""
        await engine.handle_message("job", "start")
        first = frames((await client.get("/events?since=0&limit=2")).text)
        await engine.handle_message("job", "cancel")
        rest = await client.get(
            "/events?limit=3", headers={"Last-Event-ID": first[-1][0]}
        )

        numbers = [int(number) for number, _, _ in first + frames(rest.text)]
        assert numbers == list(range(numbers[0], numbers[0] + 5))

    async def test_tells_what_is_gone(self, engine, client):
        """Events that are no longer held are counted."""
        history = engine.event_bus.keep_history()
        for number in range(20):
            await engine.event_bus.publish(f"e{number}")
        history.clear()
        await engine.event_bus.publish("last")
        gap, last = frames((await client.get("/events?since=5&limit=1")).text)

        assert gap[1:] == ("flexiflow.gap", {"missed": history.last_seq - 6})
        assert last[1] == "last"

    async def test_restarted_server(self, engine, client):
        """A number of before the restart begins from the start."""
        await engine.event_bus.publish("first")
        answer = await client.get(
            "/events?limit=1", headers={"Last-Event-ID": "999999"}
        )

        assert frames(answer.text)

    async def test_any_event_keeps_to_its_frame(self, engine, client):
        """Names and payloads cannot break out of their lines."""
        await engine.event_bus.publish("a\nid: 7\n\nx", {"o": object(), "n": 1e999})
        answer = await client.get(
            f"/events?since={engine.event_bus.history.last_seq - 1}&limit=1"
        )

        ((number, name, facts),) = frames(answer.text)
        assert number == str(engine.event_bus.history.last_seq)
        assert "\n" not in name
        assert facts["data"]["n"] == "inf"


class TestGuard:
    async def test_token(self, engine):
        """With a token, all but /health needs it."""
        async with client_of(create_app(engine, token="t0ken")) as client:  # noqa: S106
            answers = [
                await client.get("/components"),
                await client.get("/docs"),
                await client.get(
                    "/components", headers={"Authorization": "Bearer wrong"}
                ),
                await client.get("/components", headers={"Authorization": "t0ken"}),
            ]
            right = await client.get(
                "/components", headers={"Authorization": "Bearer t0ken"}
            )
            health = await client.get("/health")

        assert [answer.status_code for answer in answers] == [401] * 4
        assert set(answers[0].json()) == SHAPE
        assert answers[0].headers["www-authenticate"] == "Bearer"
        assert (right.status_code, health.status_code) == (200, 200)

    async def test_other_sites(self, client):
        """A request that another site made a browser send is refused."""
        message = {"type": "push"}
        foreign = await client.post(
            "/components/gate/message",
            json=message,
            headers={"Origin": "http://evil.example"},
        )
        own = await client.post(
            "/components/gate/message", json=message, headers={"Origin": "http://here"}
        )

        assert (foreign.status_code, own.status_code) == (403, 200)
        assert set(foreign.json()) == SHAPE

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("localhost:8001", 200),
            ("localhost", 200),
            ("[::1]:8001", 200),
            ("evil.example:8001", 403),
            ("", 403),
        ],
    )
    async def test_host(self, engine, host, status):
        """Where names are given, any other is refused: no rebinding of names."""
        app = create_app(engine, allowed_hosts={"localhost", "::1"})
        async with client_of(app) as client:
            answer = await client.get("/components", headers={"Host": host})

        assert answer.status_code == status


class TestErrors:
    async def test_unknown_path_and_method(self, client):
        """What the framework refuses has the one shape as well."""
        missing = await client.get("/nope")
        wrong = await client.delete("/components")

        assert (missing.status_code, wrong.status_code) == (404, 405)
        assert set(missing.json()) == set(wrong.json()) == SHAPE
        assert wrong.headers["allow"] == "GET"

    async def test_defect(self, client, monkeypatch, caplog):
        """An error nobody expected is 500, without internals."""
        monkeypatch.setattr("flexiflow.api.components._described", {}.__getitem__)
        answer = await client.get("/components")

        assert answer.status_code == 500
        assert set(answer.json()) == SHAPE

    async def test_description(self, client):
        """The OpenAPI description names every path."""
        paths = (await client.get("/openapi.json")).json()["paths"]

        assert set(paths) == {
            "/health",
            "/components",
            "/components/{name}",
            "/components/{name}/message",
            "/components/{name}/history",
            "/components/{name}/graph",
            "/events",
        }


class TestDocs:
    async def test_page_needs_nothing_from_elsewhere(self, client):
        """The page for people names every path and loads nothing."""
        answer = await client.get("/docs")

        assert answer.status_code == 200
        assert "POST /components/{name}/message" in answer.text
        assert "http" not in answer.text.replace("http-equiv", "")
        assert "<script" not in answer.text


class TestExtra:
    def test_import_needs_no_fastapi(self):
        """The package can be imported, and says what is missing when it is used."""
        program = (
            "import sys\n"
            "sys.modules['fastapi'] = None\n"
            "from flexiflow.api import create_app\n"
            "from flexiflow.engine import FlexiFlowEngine\n"
            "try:\n"
            "    create_app(FlexiFlowEngine())\n"
            "except RuntimeError as error:\n"
            "    print(type(error).__name__, error.fix)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )

        assert ran.stdout == (
            f'{MissingExtraError.__name__} Run: pip install "flexiflow[api]"\n'
        )
