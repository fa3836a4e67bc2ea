"""An MCP client, by the official SDK, uses the tools over each transport."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client

TOOLS = {
    "list_workflows",
    "get_workflow_details",
    "upload_workflow",
    "execute_workflow_sync",
    "execute_workflow_async",
    "get_execution_status",
    "cancel_execution",
    "resume_workflow_sync",
    "resume_workflow_async",
}
FILE = '''"""Greetings."""
from flexiflow.workflows import task, workflow
from flexiflow.workflows.tasks import pause, sleep


@task
async def greet(name):
    print("greeting", name)
    return f"Hello {name}"


@workflow
async def hello(ctx):
    """Say hello."""
    return await greet(ctx.input)


@workflow
async def ask(ctx):
    """Ask somebody."""
    answer = await pause("really")
    return await greet(answer)


@workflow
async def long(ctx):
    """Take long."""
    await sleep(600)
'''


def command(*more):
    """Return the command that serves the tools."""
    return [sys.executable, "-m", "flexiflow", "start", "mcp", *more]


@pytest.fixture
def environment(tmp_path):
    """The environment of the server, with a home of its own."""
    return {**os.environ, "FLEXIFLOW_HOME": str(tmp_path / "home")}


@contextlib.contextmanager
def served(environment, *words):
    """Run a command that serves, and yield the address that it says."""
    server = subprocess.Popen(
        [sys.executable, "-m", "flexiflow", "start", *words, "--verbose"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"http://[^\s/]+:\d+\S*", line):
                yield found[0]
                break
        else:
            pytest.fail("the server ended before it said where it is")
    finally:
        server.terminate()
        server.communicate(timeout=20)


@contextlib.asynccontextmanager
async def connected(environment, transport, *more):
    """Yield a client of the tools over a transport."""
    if transport == "stdio":
        program, *arguments = command("--transport", "stdio", *more)
        given = StdioServerParameters(command=program, args=arguments, env=environment)
        async with Client(given) as client:
            yield client
        return
    words = ["mcp", "--transport", transport, "--port", "0", *more]
    with served(environment, *words) as url:
        async with Client(sse_client(url) if transport == "sse" else url) as client:
            yield client


async def use(client, tool, **arguments):
    """Call a tool; return what it answered."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def state_of(client, name, execution_id, wanted):
    """Ask until an execution is in a state."""
    while True:
        found = await use(
            client,
            "get_execution_status",
            workflow_name=name,
            execution_id=execution_id,
        )
        if found["state"] == wanted:
            return found
        await asyncio.sleep(0.02)


async def use_all(client):
    """Use all nine tools, from the upload to the end."""
    listed = await client.list_tools()
    assert {tool.name for tool in listed.tools} == TOOLS

    assert await use(client, "list_workflows") == {
        "success": True,
        "workflows": [],
    }
    uploaded = await use(client, "upload_workflow", file_content=FILE)
    assert uploaded["success"], uploaded
    names = [item["name"] for item in uploaded["workflows"]]
    assert names == ["hello", "ask", "long"]
    details = await use(client, "get_workflow_details", workflow_name="hello")
    assert details["workflow"]["description"] == "Say hello."

    done = await use(
        client, "execute_workflow_sync", workflow_name="hello", input_data="Ann"
    )
    assert (done["state"], done["output"]) == ("COMPLETED", "Hello Ann")

    asked = await use(client, "execute_workflow_sync", workflow_name="ask")
    assert asked["state"] == "PAUSED"
    answered = await use(
        client,
        "resume_workflow_sync",
        workflow_name="ask",
        execution_id=asked["execution_id"],
        input_data="Bob",
    )
    assert (answered["state"], answered["output"]) == ("COMPLETED", "Hello Bob")

    begun = await use(client, "execute_workflow_async", workflow_name="ask")
    paused = await state_of(client, "ask", begun["execution_id"], "PAUSED")
    went_on = await use(
        client,
        "resume_workflow_async",
        workflow_name="ask",
        execution_id=paused["execution_id"],
        input_data="Cid",
    )
    assert went_on["success"]
    await state_of(client, "ask", paused["execution_id"], "COMPLETED")

    long = await use(client, "execute_workflow_async", workflow_name="long")
    await state_of(client, "long", long["execution_id"], "RUNNING")
    ended = await use(
        client,
        "cancel_execution",
        workflow_name="long",
        execution_id=long["execution_id"],
        mode="sync",
    )
    assert ended["state"] == "CANCELLED"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("transport", ["stdio", "streamable-http", "sse"])
class TestTransports:
    async def test_a_workflow_is_run_paused_resumed_and_cancelled(
        self, environment, transport
    ):
        """All nine tools, from the upload to the end."""
        async with connected(environment, transport) as client:
            await use_all(client)


class TestServer:
    @pytest.mark.timeout(90)
    async def test_the_tools_work_on_a_server(self, environment):
        """Uploads go to the server, a worker runs the bodies: the same answers."""
        with (
            served(environment, "server", "--port", "0") as url,
            served(environment, "worker", "--server-url", url),
        ):
            async with connected(environment, "stdio", "--server-url", url) as client:
                await use_all(client)


class TestRefusals:
    async def test_errors_are_answers(self, environment):
        """What does not exist, or is in no state for it, says so with the way out."""
        async with connected(environment, "stdio") as client:
            unknown = await use(
                client, "execute_workflow_sync", workflow_name="nothing"
            )
            broken = await use(client, "upload_workflow", file_content="def (")
            await use(client, "upload_workflow", file_content=FILE)
            lost = await use(
                client,
                "get_execution_status",
                workflow_name="hello",
                execution_id="gone",
            )
            done = await use(
                client, "execute_workflow_sync", workflow_name="hello", input_data="A"
            )
            late = await use(
                client,
                "resume_workflow_async",
                workflow_name="hello",
                execution_id=done["execution_id"],
            )
            ended = await use(
                client,
                "cancel_execution",
                workflow_name="hello",
                execution_id=done["execution_id"],
            )

        for answer, words in (
            (unknown, "Unknown workflow: 'nothing'"),
            (broken, "line 1"),
            (lost, "no execution 'gone'"),
            (late, "does not wait"),
            (ended, "has ended"),
        ):
            assert answer["success"] is False
            assert words in answer["error"]

    def test_an_open_address_needs_tokens(self, environment):
        """Other machines could reach it: it says how tokens are made."""
        told = subprocess.run(
            command("--transport", "sse", "--host", "0.0.0.0", "--port", "0"),  # noqa: S104 - refused
            env=environment,
            capture_output=True,
            text=True,
            timeout=15,
            check=False,
        )

        assert told.returncode == 1
        assert "flexiflow start server --host 0.0.0.0" in told.stderr
