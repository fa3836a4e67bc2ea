"""Workflows on PostgreSQL: several machines, one journal."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from flexiflow.workflows import Runtime, pause, set_runtime, task, workflow
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.errors import StorageError
from flexiflow.workflows.journal import PostgresJournal, SqliteJournal
from flexiflow.workflows.storage import FileStorage
from tests.workflows.journal_calls import WAIT_S, wait_for

ROOT = Path(__file__).resolve().parents[2]

CALLS: list[str] = []


@task
async def load(rows):
    """Return a table of numbers."""
    CALLS.append("load")
    return np.arange(rows)


@task
async def total(table):
    """Return the sum of a table."""
    CALLS.append("total")
    return int(table.sum())


@workflow
async def report(ctx):
    """Load, ask, sum up."""
    table = await load(ctx.input)
    factor = await pause("factor")
    return await total(table) * factor


@workflow
async def forever(ctx):
    """Wait until it is cancelled."""
    await asyncio.get_running_loop().create_future()


@pytest.fixture
def machine(postgres_url, tmp_path):
    """Return a function that makes a runtime with a home of its own."""
    made = []

    def make(name: str, **options) -> Runtime:
        runtime = Runtime(home=tmp_path / name, database_url=postgres_url, **options)
        made.append(runtime)
        return runtime

    CALLS.clear()
    yield make
    set_runtime(None)
    for runtime in made:
        runtime.close()


class TestMachines:
    """Two homes that share a database."""

    def test_another_machine_goes_on(self, machine):
        """What paused on one is answered on another, arrays and all."""
        one, two = machine("one"), machine("two")
        set_runtime(one)
        context = report.run(5)
        set_runtime(two)

        context = report.resume(context.execution_id, 3)

        assert (str(context.state), context.output) == ("COMPLETED", 30)
        assert CALLS == ["load", "total"]
        assert isinstance(one.journal, PostgresJournal)
        assert list(one.home.glob("**/*.npy")) == []

    def test_a_value_that_is_nowhere_is_told(self, machine):
        """The error names the file that was looked for last."""
        runtime = machine("one")
        reference = {"kind": "ndarray", "sha256": "0" * 64, "size": 3}

        with pytest.raises(StorageError, match="is gone"):
            runtime.values.value_of(f'{{"$type":"kept","value":{_json(reference)}}}')

    def test_files_that_a_task_keeps_are_found(self, machine, tmp_path):
        """A folder that all machines see serves ``output_storage``."""
        files = FileStorage(tmp_path / "share")

        @task.with_options(output_storage=files)
        async def words():
            return ["many"] * 1000

        @workflow
        async def keeps(ctx):
            found = await words()
            await pause("wait")
            return len(found)

        set_runtime(machine("one"))
        context = keeps.run(None)
        set_runtime(machine("two"))

        assert keeps.resume(context.execution_id, None).output == 1000
        assert len(list((tmp_path / "share").glob("*/*.json"))) == 1

    def test_a_cancellation_is_heard_at_once(self, machine, monkeypatch):
        """Nobody has to poll: the other machine is told."""
        monkeypatch.setattr("flexiflow.workflows._requests._CHECK_S", 3600)
        one, two = machine("one"), machine("two")
        set_runtime(one)
        running = threading.Event()
        found = []

        async def run() -> None:
            handle = forever.start(None)
            handle.listen(lambda _: running.set())
            found.append(handle.execution_id)
            found.append(await handle)

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        assert running.wait(WAIT_S)

        context = two.cancel(found[0])

        thread.join(WAIT_S)
        assert str(context.state) == "CANCELLED"
        assert str(found[1].state) == "CANCELLED"

    @pytest.mark.timeout(120)
    def test_a_server_that_crashes_stops_nothing(self, private_postgres, tmp_path):
        """The execution waits for it, and goes on with the step that it was at."""
        done = []

        @task
        async def count(number):
            done.append(number)
            return number

        @workflow
        async def counts(ctx):
            return [await count(number) for number in range(ctx.input)]

        runtime = Runtime(home=tmp_path, database_url=private_postgres.url())
        with runtime:
            ended = []
            assert runtime.journal.executions() == []
            thread = threading.Thread(target=lambda: ended.append(counts.run(300)))
            thread.start()
            for crash in range(1, 4):
                wait_for(lambda least=50 * crash: len(done) > least)
                private_postgres.crash()
            thread.join(WAIT_S)

            assert ended[0].output == done == list(range(300))
            stored = runtime.journal.load(ended[0].execution_id)
            ends = [r.key for r in stored.records if r.kind == "TASK_COMPLETED"]
            assert len(ends) == len(set(ends)) == 300


def _json(reference: dict) -> str:
    return str(reference).replace("'", '"')


class TestTakeover:
    """A machine dies."""

    PROGRAM = """
import asyncio, sys
from flexiflow.workflows import Runtime, task, workflow

@task
async def first():
    return 1

@task
async def hang():
    print("hanging", flush=True)
    await asyncio.get_running_loop().create_future()

@workflow
async def orphan(ctx):
    await first()
    await hang()

with Runtime(home=sys.argv[1], database_url=sys.argv[2]):
    orphan.run(None)
"""

    def test_another_takes_over_within_a_second(self, machine, tmp_path, postgres_url):
        """The lock ends with the process; nothing has to time out."""
        dead = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM, tmp_path / "dead", postgres_url],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        runtime = machine("alive")
        with dead:
            assert dead.stdout.readline() == "hanging\n"
            (row,) = runtime.journal.executions()
            assert runtime.journal.is_alive(row.owner)
            assert runtime.recover() == []
            os.kill(dead.pid, signal.SIGKILL)
        died = time.monotonic()

        @task
        async def first():
            CALLS.append("first")

        @task
        async def hang():
            CALLS.append("hang")

        @workflow
        async def orphan(ctx):
            await first()
            await hang()
            return time.monotonic()

        set_runtime(runtime)
        while not (found := runtime.recover()):
            assert time.monotonic() < died + WAIT_S
        context = orphan.run(execution_id=found[0].execution_id)

        assert CALLS == ["hang"]
        assert context.output - died < 1.0


class TestSettings:
    """Where the journal is."""

    def test_the_setting_names_it(self, postgres_url, tmp_path, monkeypatch):
        """By variable, by file and by override; an argument goes before them."""
        monkeypatch.chdir(tmp_path)
        configuration = Configuration.get()
        kinds = []

        def kind(**options) -> None:
            with Runtime(**options) as runtime:
                kinds.append(type(runtime.journal))

        monkeypatch.setenv("FLEXIFLOW_DATABASE_URL", postgres_url)
        configuration.reload()
        kind()
        monkeypatch.delenv("FLEXIFLOW_DATABASE_URL")
        Path("flexiflow.toml").write_text(
            f'[flexiflow]\ndatabase_url = "{postgres_url}"'
        )
        configuration.reload()
        kind()
        kind(home=tmp_path / "own")
        Path("flexiflow.toml").unlink()
        Path("pyproject.toml").write_text(
            f'[tool.flexiflow]\ndatabase_url = "{postgres_url}"'
        )
        configuration.reload()
        kind()
        Path("pyproject.toml").unlink()
        configuration.reload()
        with configuration.override(database_url=postgres_url):
            kind()
        kind(database_url=postgres_url)
        kind()
        configuration.reset()

        pg, file = PostgresJournal, SqliteJournal
        assert kinds == [pg, pg, file, pg, pg, pg, file]
