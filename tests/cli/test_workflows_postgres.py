"""The commands of durable workflows, on a PostgreSQL that several machines share."""

import json
import sys

import pytest

from flexiflow.workflows.config import Configuration

FLOWS = '''\
"""Workflows for the tests of the commands."""
import asyncio

from flexiflow.workflows import pause, task, workflow


@task
async def reserve(item):
    return f"one {item}"


@workflow
async def order(ctx):
    """Reserve, ask."""
    found = await reserve(ctx.input["item"])
    return found if await pause("approval") else None


@workflow
async def stuck(ctx):
    """Wait for ever."""
    await reserve("seat")
    await asyncio.Event().wait()
'''


@pytest.fixture
def shop(folder, run, postgres_url, monkeypatch):
    """Return a folder in which workflows are registered, on a database elsewhere."""
    before = set(sys.modules)
    monkeypatch.setattr(Configuration, "_current", None)
    (folder / "flows.py").write_text(FLOWS, encoding="utf-8")
    (folder / "flexiflow.toml").write_text(
        f'[flexiflow]\ndatabase_url = "{postgres_url}"\n', encoding="utf-8"
    )
    assert run("workflow", "register", "flows.py").code == 0
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


class TestShared:
    def test_a_command_goes_on_where_another_paused(self, shop, run, postgres_server):
        """Run, look, answer; nothing is stored beside, and no password is shown."""
        ran = run("workflow", "run", "order", '{"item": "tea"}', "--json")
        id_ = ran.json["execution_id"]
        looked = run("workflow", "status", id_)
        answered = run("workflow", "resume", id_, "true", "--json")
        listed = run("workflow", "status", "--json")
        diagnosed = run("diagnose")

        assert ran.json["state"] == "PAUSED"
        assert answered.json["output"] == "one tea"
        assert [row["execution_id"] for row in listed.json] == [id_]
        assert not list(shop.glob("**/flexiflow.db*"))
        for one in (ran, looked, answered, listed, diagnosed):
            assert postgres_server.password not in one.out + one.err

    def test_a_tail_hears_of_another_process(self, shop, start, run):
        """And of the cancellation that a third one asks for."""
        running = start("workflow", "run", "stuck", "--json")
        tail = start("workflow", "tail", "--follow", "--json")
        lines = (json.loads(line) for line in tail.stdout)
        first = next(line for line in lines if line["type"] == "TASK_COMPLETED")
        ended = run("workflow", "cancel", first["execution_id"], "--json")
        last = next(line for line in lines if line["type"] == "WORKFLOW_CANCELLED")
        tail.terminate()
        out, _ = running.communicate(timeout=15)
        tail.communicate(timeout=15)

        assert ended.json["state"] == "CANCELLED"
        assert last["execution_id"] == first["execution_id"]
        assert json.loads(out)["state"] == "CANCELLED"

    @pytest.mark.usefixtures("shop")
    def test_a_database_that_is_not_there_is_told(
        self, run, postgres_url, postgres_server, monkeypatch
    ):
        """In four parts, with exit code 1, and without the password."""
        name = postgres_url.rpartition("/")[2]
        monkeypatch.setenv("FLEXIFLOW_DATABASE_URL", postgres_server.url(f"{name}_no"))

        ran = run("workflow", "status")

        assert ran.code == 1
        assert f'database "{name}_no" does not exist' in ran.err
        assert "createdb" in ran.err
        assert postgres_server.password not in ran.err
