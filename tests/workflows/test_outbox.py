"""Tasks elsewhere message components: stored with the result, then delivered."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flexiflow.engine import FlexiFlowEngine
from flexiflow.workflows import ExecutionContext, Runtime, task, workflow
from flexiflow.workflows.errors import ExecutionError
from flexiflow.workflows.journal import open_journal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def engine():
    """An engine with a door and a lamp."""
    async with FlexiFlowEngine() as engine:
        engine.create_component(
            {
                "name": "door",
                "states": {
                    "Closed": {"on": {"open": "Open"}},
                    "Open": {"on": {"close": "Closed"}},
                },
            }
        )
        yield engine


def flow_of(body, name="flow"):
    """Return a workflow of a body that takes nothing."""

    async def flow(ctx: ExecutionContext):
        return await body()

    return workflow.with_options(name=name)(flow)


@pytest.fixture(params=["process", "dask"])
def elsewhere(request):
    """Make tasks for each place that is another process."""
    if request.param == "dask":
        pytest.importorskip("distributed")
    return task.with_options(executor=request.param)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One worker for all tests."""
    pytest.importorskip("distributed")
    from flexiflow.workflows.executors import (  # noqa: PLC0415 - an extra
        DaskExecutor,
    )

    executor = DaskExecutor(workers=1, folder=tmp_path_factory.mktemp("dask"))
    executor.start()
    yield executor
    executor.close(0)


@pytest.fixture
def runtime(tmp_path, cluster):
    """A runtime whose tasks go to that worker."""
    home = tmp_path / "home"
    with Runtime(home=home, durability="process", dask=cluster.address) as runtime:
        yield runtime


@pytest.mark.timeout(60)
class TestOutbox:
    async def test_component_gets_what_is_sent_to_it(self, runtime, engine, elsewhere):
        """By the component, and by its engine; the task learns that it is queued."""
        door = engine.get("door")

        @elsewhere
        async def visit():
            first = await door.send("open")
            await engine.get("door").send.close()
            return os.getpid(), first.status

        history = engine.event_bus.keep_history()
        pid, status = (await flow_of(visit).start(None)).output

        assert (pid != os.getpid(), status) == (True, "queued")
        changes = [e.data for e in history.after(0) if e.name == "state.changed"]
        assert len(changes) == 2
        assert door.state == "Closed"

    async def test_failed_attempts_send_nothing(self, runtime, engine):
        """What the last one sends is delivered, once."""
        door = engine.get("door")

        @task.with_options(
            executor="process", retry_max_attempts=1, retry_delay=0, metadata=True
        )
        async def visit(*, metadata):
            await door.send("open", number=metadata.attempt)
            if metadata.attempt == 1:
                raise ValueError(metadata.attempt)

        run = flow_of(visit).start(None)
        ctx = await run
        records = runtime.journal.load(run.execution_id).records
        sent = [r.value for r in records if r.kind == "MESSAGE_SENT"]

        assert ctx.has_succeeded
        assert door.state == "Open"
        assert len(sent) == 1
        assert '"number":2' in sent[0]

    async def test_message_is_stored_before_it_is_delivered(self, runtime, engine):
        """With the end of its step, in one piece; then that it was delivered."""
        door = engine.get("door")

        @task.with_options(executor="process")
        async def visit():
            await door.send("open")

        run = flow_of(visit).start(None)
        await run
        kinds = [r.kind for r in runtime.journal.load(run.execution_id).records]

        sent = kinds.index("MESSAGE_SENT")
        assert kinds[sent : sent + 3] == [
            "MESSAGE_SENT", "TASK_COMPLETED", "MESSAGE_DELIVERED",
        ]  # fmt: skip
        assert "MESSAGE_SENT" not in [event.type for event in run.context.events]

    async def test_error_of_the_component_reaches_the_body(self, runtime, engine):
        """As of a task that sends from here."""
        door = engine.get("door")
        door.close()

        @task.with_options(executor="process")
        async def visit():
            await door.send("open")

        ctx = await flow_of(visit).start(None)

        assert isinstance(ctx.output, ExecutionError)
        assert "closed" in str(ctx.output)

    async def test_stand_in_says_what_it_cannot(self, runtime, engine):
        """A component cannot be read from another process."""
        door = engine.get("door")

        @task.with_options(executor="process")
        async def look():
            return door.state

        ctx = await flow_of(look).start(None)

        assert "another process" in str(ctx.output)


PROGRAM = """
import asyncio, os, sys
from flexiflow.engine import FlexiFlowEngine
from flexiflow.workflows import Runtime, task, workflow

HOME, LIFE = sys.argv[1:]
engine = FlexiFlowEngine()

@task.with_options(executor="process")
async def visit():
    print("visited", flush=True)
    await engine.get("door").send("open")
    return 1

@workflow
async def flow(ctx):
    return await visit()

def end_here(self, message):
    os._exit(9)

async def main():
    door = {"name": "door", "states": {"Closed": {"on": {"open": "Open"}}, "Open": {}}}
    with Runtime(home=HOME) as runtime:
        if LIFE == "first":
            engine.create_component(door)
            type(engine.get("door")).handle_message = end_here
        else:
            asyncio.get_running_loop().call_later(
                0.5, lambda: engine.create_component(door)
            )
        context = await flow.start(None, execution_id="run")
        print(context.state, context.output, engine.get("door").state, flush=True)

asyncio.run(main())
"""


@pytest.mark.timeout(60)
def test_message_is_delivered_again_after_a_crash(tmp_path):
    """The step is not; the component is waited for."""
    said = []
    for life in ("first", "second"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, tmp_path, life],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        said.append((done.returncode, done.stdout.split()))
    with open_journal(tmp_path / "flexiflow.db") as journal:
        kinds = [record.kind for record in journal.load("run").records]

    assert said == [(9, ["visited"]), (0, ["COMPLETED", "1", "Open"])]
    assert kinds.count("MESSAGE_SENT") == kinds.count("MESSAGE_DELIVERED") == 1
