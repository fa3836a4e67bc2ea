"""Rules of ``connect``: workflows of a server are used like those that are here."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import uvicorn

from flexiflow.workflows import ExecutionState, connect
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.errors import (
    CodecError,
    ExecutionContextNotFoundError,
    ExecutionError,
    ExecutionStateError,
    SecretNotFoundError,
    ServerError,
    UploadError,
    WorkflowNotFoundError,
)
from flexiflow.workflows.server.certificates import Authority
from flexiflow.workflows.server.tokens import Tokens
from tests.workflows.server.conftest import ORDER
from tests.workflows.server.thread_server import (
    ServerThread,
    free_port,
    listening_socket,
)

CAKES = {"item": "cake", "count": 9}
YES = True
ADMIN, USER = "the-admin", "the-user"


@pytest.fixture
def served(tmp_path):
    """Return a server in a thread."""
    made = ServerThread(tmp_path / "home")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(served):
    """Return a client of a server that sells things."""
    with connect(served.url) as made:
        made.register(code=ORDER, file_name="shop.py")
        yield made


class TestWorkflows:
    def test_are_registered_listed_and_described(self, client, tmp_path):
        """A file is uploaded; what it defines is there, in versions."""
        path = tmp_path / "shop.py"
        path.write_text(ORDER)
        client.register(path)
        found = client.describe("order")

        assert [item["name"] for item in client.workflows()] == [
            "echo",
            "lasting",
            "order",
        ]
        assert [item["version"] for item in found["versions"]] == [2, 1]
        assert found["file_name"] == "shop.py"

    def test_errors_are_those_of_the_server(self, client):
        """What the server says against something is raised as ours."""
        with pytest.raises(WorkflowNotFoundError, match="Unknown workflow") as raised:
            client.run("ordre")
        assert "order" in raised.value.why
        with pytest.raises(ExecutionContextNotFoundError):
            client.execution("none")
        with pytest.raises(UploadError, match="no valid Python"):
            client.register(code="def x(:")

    def test_secrets(self, client):
        """Secrets are kept by the server."""
        client.secrets.save("KEY", "value")

        assert client.secrets.all() == ["KEY"]
        assert client.secrets.get("KEY") == "value"
        assert client.secrets.remove("KEY") is True
        assert client.secrets.remove("KEY") is False
        with pytest.raises(SecretNotFoundError):
            client.secrets.get("KEY")


class TestRun:
    def test_gives_the_context(self, client):
        """Running blocks until the end, and gives what a local run gives."""
        context = client.workflow("order").run({"item": "tea"})

        assert context.has_succeeded
        assert context.output == "paid 4"
        assert context.input == {"item": "tea"}
        assert context.events[-1].type == "WORKFLOW_COMPLETED"

    async def test_works_where_a_loop_runs(self, client):
        """A cell of a notebook may block."""
        assert client.run("order", {"item": "tea"}).output == "paid 4"

    def test_values_keep_their_types(self, client):
        """What JSON does not have comes back as it was."""
        given = {"at": datetime(2026, 11, 20, tzinfo=UTC), "sum": Decimal("1.5")}

        assert client.run("echo", given).output == given

    def test_what_names_a_class_is_refused(self, client):
        """A server would have to load it."""
        with pytest.raises(CodecError, match="not taken over HTTP"):
            client.run("echo", Point(1))

    def test_failure_is_in_the_output(self, client):
        """An error of the workflow is no error of the call."""
        context = client.run("order", {"item": "gold"})

        assert context.has_failed
        assert isinstance(context.output, ExecutionError)
        assert isinstance(context.output.inner_exception, KeyError)

    def test_returns_at_a_pause_and_resumes(self, client):
        """What asks is answered by its id."""
        context = client.run("order", CAKES)
        assert context.is_paused
        context = client.resume(context.execution_id, YES)

        assert context.output == "paid 63"
        with pytest.raises(ExecutionStateError):
            client.resume(context.execution_id, YES)

    def test_status_and_lists(self, client):
        """Executions are looked at and listed."""
        which = client.run("order", {"item": "tea"}).execution_id

        assert client.status(which).output == "paid 4"
        assert client.summary(which)["state"] == "COMPLETED"
        assert client.executions(workflow="order")[0]["execution_id"] == which
        assert client.executions(states=("PAUSED",)) == []
        assert client.workflow("order").run(execution_id=which).output == "paid 4"

    def test_events_come_as_data(self, client):
        """The events of one can be gone through."""
        which = client.run("order", {"item": "tea"}).execution_id
        kinds = [event["type"] for event in client.events(which)]

        assert kinds[-1] == "WORKFLOW_COMPLETED"


@dataclass
class Point:
    """A class of the user's."""

    x: int


class TestHandle:
    async def test_is_there_at_once(self, client):
        """Starting does not wait; the handle has its id, and can be awaited."""
        run = client.start("order", {"item": "tea"})
        which = run.execution_id
        context = await run

        assert context.output == "paid 4"
        assert client.execution(which) is run
        assert [step.name for step in run.steps()] == ["price", "pay"]
        assert repr(run) == f"<RemoteRun {which} of 'order': COMPLETED>"

    async def test_same_key_is_same_execution(self, client):
        """A cell that is run twice begins one execution."""
        runs = [
            client.start("order", {"item": "tea"}, idempotency_key="k")
            for _ in range(2)
        ]
        await asyncio.gather(*(await_(run) for run in runs))

        assert len(client.executions()) == 1

    async def test_errors_come_when_it_is_awaited(self, client):
        """What the server says against it is raised then."""
        run = client.start("nobody")

        with pytest.raises(WorkflowNotFoundError):
            await run

    async def test_follows_answers_and_ends(self, client):
        """A handle sees a pause, answers it, and sees the end."""
        run = client.start("order", CAKES)
        seen = []
        run.listen(lambda event: seen.append(event.type.value))
        assert (await run).is_paused
        context = await run.resume(YES, pause="is that right")

        assert context.output == "paid 63"
        assert run.status is ExecutionState.COMPLETED
        assert "TASK_PAUSED" in seen
        assert seen[-1] == "WORKFLOW_COMPLETED"

    async def test_sees_what_others_answer(self, client, served):
        """A handle that somebody listens to follows through a pause."""
        run = client.start("order", CAKES)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hear(event):
            if event.type == "WORKFLOW_COMPLETED":
                loop.call_soon_threadsafe(ended.set)

        run.listen(hear)
        await run
        with connect(served.url) as other:
            await asyncio.to_thread(other.resume, run.execution_id, YES)
        await ended.wait()

        assert run.context.output == "paid 63"

    async def test_wrong_answer_leaves_it_waiting(self, client):
        """An answer that is refused changes nothing."""
        run = client.start("order", CAKES)
        await run
        with pytest.raises(ExecutionStateError):
            await run.resume(1, pause="other")

        assert (await run).is_paused

    async def test_cancel(self, client):
        """Cancelling waits for the end; twice is harmless."""
        run = client.start("lasting")
        async for event in run.events():
            if event.type == "TASK_COMPLETED":
                break
        assert (await run.cancel()).is_cancelled
        assert (await run.cancel()).is_cancelled

    async def test_fork(self, client):
        """Another execution goes on from a step."""
        run = client.start("order", {"item": "tea"})
        await run
        other = run.fork(from_step="pay")
        context = await other

        assert context.output == "paid 4"
        assert other.execution_id != run.execution_id
        assert {row["execution_id"] for row in client.executions()} == {
            run.execution_id,
            other.execution_id,
        }

    async def test_handle_of_an_old_one(self, client, served):
        """What another client began is looked at, with all its events."""
        with connect(served.url) as other:
            which = (await other.start("order", CAKES)).execution_id
        run = client.execution(which)
        assert run.status == "PAUSED"
        assert run.context.input == CAKES

        assert (await run.resume(YES)).output == "paid 63"

    async def test_server_that_restarts_is_waited_for(self, client, served):
        """A stream that breaks is taken up again; nothing is lost or told twice."""
        run = client.start("order", CAKES)
        seen = []
        run.listen(lambda event: seen.append(event.id))
        await run
        await asyncio.to_thread(served.stop)
        await asyncio.to_thread(served.start)
        await run.resume(YES)

        assert run.context.output == "paid 63"
        assert len(set(seen)) == len(seen)
        assert [event.id for event in run.context.events] == sorted(seen, key=int)

    async def test_closing_tells_those_who_wait(self, served, client):
        """A client that is closed leaves nobody waiting for ever."""
        other = connect(served.url)
        run = other.start("lasting")
        waiting = asyncio.create_task(await_(run))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(other.close)

        with pytest.raises(ServerError, match="closed"):
            await waiting
        with pytest.raises(ServerError, match="closed"):
            other.start("order")


async def await_(run):
    """Await a handle."""
    return await run


class TestConnect:
    def test_address_of_the_settings(self, served, tmp_path):
        """Without an address that of the settings is taken."""
        with Configuration.get().override(workers={"server_url": served.url}):
            assert connect().url == served.url
        with pytest.raises(ServerError, match="not known where"):
            connect()
        with pytest.raises(ServerError, match="no address"):
            connect("localhost:8000")

    def test_server_that_is_not_there(self):
        """After the attempts of the settings it is told where nobody answers."""
        tries = {"retry_attempts": 2, "retry_delay": 0}
        with Configuration.get().override(workers=tries):
            client = connect(f"http://127.0.0.1:{free_port()}")
        with client, pytest.raises(ServerError, match="does not answer") as raised:
            client.workflows()

        assert "start server" in raised.value.fix

    def test_certificate_that_nobody_vouches_for(self, tmp_path):
        """It runs, and what is to be trusted is told."""
        authority = Authority(tmp_path, ["127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server_file, authority.key_file)

        def greet(listening):
            with suppress(OSError):
                context.wrap_socket(listening.accept()[0], server_side=True)

        tries = {"retry_attempts": 1}
        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=greet, args=(listening,), daemon=True)
            thread.start()
            with Configuration.get().override(workers=tries):
                client = connect(f"https://127.0.0.1:{listening.getsockname()[1]}")
            with client, pytest.raises(ServerError) as raised:
                client.workflows()
            thread.join(10)

        assert "--ca-file" in raised.value.fix
        assert "ca.pem" in raised.value.fix

    def test_something_else_that_answers(self, tmp_path):
        """What is no server of ours is told so."""

        async def app(scope, receive, send):
            head = {"type": "http.response.start", "status": 200, "headers": []}
            await send(head)
            await send({"type": "http.response.body", "body": b"<html>"})

        port, running = free_port(), None

        async def serve():
            nonlocal running
            config = uvicorn.Config(app, log_level="error", lifespan="off")
            running = uvicorn.Server(config)
            await running.serve([taken])

        taken = listening_socket(port)
        thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        thread.start()
        try:
            with (
                connect(f"http://127.0.0.1:{port}") as client,
                pytest.raises(ServerError, match="no server of FlexiFlow"),
            ):
                client.workflows()
        finally:
            running.should_exit = True
            thread.join(10)

    def test_tokens(self, tmp_path):
        """A token opens what it is for; without one the fix says what to give."""
        tokens = Tokens.of(admin=ADMIN, user=USER)
        served = ServerThread(tmp_path / "home", tokens=tokens)
        served.start()
        try:
            with connect(served.url, token=ADMIN) as admin:
                admin.register(code=ORDER)
            with connect(served.url, token=USER) as user:
                assert user.run("echo", 1).output == 1
                with pytest.raises(ServerError, match="not enough"):
                    user.secrets.all()
            with connect(served.url) as nobody:
                with pytest.raises(ServerError, match="missing or wrong") as raised:
                    nobody.workflows()
                assert "token=" in raised.value.fix
        finally:
            served.stop()


class Flaky:
    """A server that fails some times before it answers."""

    def __init__(self, failures, status=503):
        self.failures = failures
        self.status = status
        self.asked = []

    async def __call__(self, scope, receive, send):
        """Answer, or fail: with a status, or by hanging up."""
        self.asked.append(scope["method"])
        await receive()
        is_bad = len(self.asked) <= self.failures
        if is_bad and self.status == 0:
            raise ConnectionAbortedError
        status = self.status if is_bad else 200
        body = {"code": "x", "what": "not now", "execution_id": "1"}
        head = {"type": "http.response.start", "status": status, "headers": []}
        await send(head)
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@contextmanager
def flaky(app, **workers):
    """Serve an application that fails; give a client with these settings."""
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    port = free_port()
    taken = listening_socket(port)

    async def serve():
        await running.serve([taken])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    with Configuration.get().override(workers={"retry_delay": 0.01, **workers}):
        client = connect(f"http://127.0.0.1:{port}")
    with client:
        yield client
    running.should_exit = True
    thread.join(10)


class TestRetries:
    def test_what_does_no_harm_is_tried_again(self):
        """As often as the settings say, in all."""
        app = Flaky(2)
        with flaky(app, retry_attempts=3) as client:
            client.ask("GET", "/workflows")

        assert len(app.asked) == 3

    def test_then_it_is_an_error(self):
        """The last failure is told."""
        app = Flaky(9)
        with (
            flaky(app, retry_attempts=2) as client,
            pytest.raises(ServerError, match="not now"),
        ):
            client.ask("GET", "/workflows")

        assert len(app.asked) == 2

    def test_what_might_be_done_twice_is_not(self):
        """An answer is sent again only if it cannot have arrived."""
        app = Flaky(1)
        with flaky(app, retry_attempts=3) as client, pytest.raises(ServerError):
            client.ask("POST", "/workflows/order/resume/1/async")

        assert len(app.asked) == 1

    def test_key_makes_a_beginning_harmless(self):
        """An execution is begun again with the same key."""
        app = Flaky(1)
        with flaky(app, retry_attempts=3) as client:
            assert client.begin("order") == "1"

        assert len(app.asked) == 2

    def test_waits_grow(self):
        """Each wait is longer than the one before, by the factor of the settings."""
        app, begun = Flaky(3), time.monotonic()
        workers = {"retry_attempts": 4, "retry_delay": 0.05, "retry_backoff": 3}
        with flaky(app, **workers) as client:
            client.ask("GET", "/workflows")

        assert time.monotonic() - begun >= 0.05 * (1 + 3 + 9)
