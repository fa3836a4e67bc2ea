"""Workers, and processes with a cluster, are killed: what is done is not repeated."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flexiflow.workflows import Runtime
from flexiflow.workflows.executors import DaskExecutor
from flexiflow.workflows.journal import open_journal
from tests.workflows.killed_dask import EXPECTED, spread

pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")

ROOT = Path(__file__).resolve().parents[2]
ON_ITS_WAY_S = 3.0
"""Seconds that a message in one machine takes at most, however busy that is."""
PROGRAM = Path(__file__).with_name("killed_dask.py")


def calls_of(home: Path) -> list[list[str]]:
    """Return the calls that were made: life, key, process, time."""
    path = home / "calls"
    return (
        [line.split() for line in path.read_text().splitlines()]
        if path.exists()
        else []
    )


def ends_of(home: Path, url: str = "") -> dict[str, float]:
    """Return when the ends of steps were recorded; each step has one at most."""
    if not url and not (home / "flexiflow.db").exists():
        return {}
    with open_journal(url or home / "flexiflow.db") as journal:
        found = journal.load("run")
    records = [] if found is None else found.records
    ended = [record for record in records if record.kind == "TASK_COMPLETED"]
    assert len({record.key for record in ended}) == len(ended)
    return {f"run:{record.key}": record.time for record in ended}


def check(home: Path, kills: int, url: str = "") -> None:
    """See that no call was made after the end of its step was recorded.

    Dask repeats what a dead worker had done until it hears that the result has arrived:
    a few calls may be made once more while that is on its way.
    """
    ends = ends_of(home, url)
    late = [float(when) - ends[key] for _, key, _, when in calls_of(home)]
    late = [seconds for seconds in late if seconds > 0.001]
    assert len(late) <= 3 * kills
    assert max(late, default=0) < ON_ITS_WAY_S


# --- workers --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers, that write down their calls where a test says."""
    folder = tmp_path_factory.mktemp("dask")
    patch = pytest.MonkeyPatch()
    patch.setenv("CALLS", str(folder / "calls"))
    executor = DaskExecutor(workers=2, folder=folder)
    executor.start()
    yield executor
    executor.close(0)
    patch.undo()


def workers() -> list[int]:
    """Return the processes of the workers."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it may be dead by now
            if any("_dask_worker" in word for word in child.cmdline()):
                found.append(child.pid)
    return found


async def die_often(
    home: Path,
    cluster: DaskExecutor,
    luck: random.Random,
    *,
    kills: int,
    url: str = "",
) -> None:
    """Run the workflow while its workers are killed so often."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.environ["CALLS"])  # noqa: PTH108 - quick
    with Runtime(
        home=home,
        durability="process",
        dask=cluster.address,
        database_url=url or None,
    ):
        run = spread.start(None, execution_id="run")
        for _ in range(kills):
            await asyncio.sleep(luck.uniform(0.0, 0.4))
            alive = workers()
            if alive and not run.context.has_finished:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(luck.choice(alive), signal.SIGKILL)
        context = await run
    assert context.output == EXPECTED
    os.rename(os.environ["CALLS"], home / "calls")  # noqa: PTH104 - quick
    check(home, kills, url)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(3))
async def test_killed_workers_cost_nothing_but_time(tmp_path, cluster, seed):
    """What they were doing is done again, and nothing else."""
    luck = random.Random(seed)  # noqa: S311 - the moments of the kills

    await die_often(tmp_path, cluster, luck, kills=2)


@pytest.mark.timeout(120)
async def test_a_journal_for_many_machines_does_as_well(
    tmp_path, cluster, postgres_url
):
    """PostgreSQL holds one end of each step too."""
    luck = random.Random(3)  # noqa: S311 - the moments of the kills

    await die_often(tmp_path, cluster, luck, kills=2, url=postgres_url)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_hundreds_of_killed_workers_cost_nothing_but_time(tmp_path, cluster):
    """The same until 200 were killed."""
    luck = random.Random(99)  # noqa: S311 - the moments of the kills
    for run in range(50):
        await die_often(tmp_path / f"{run}", cluster, luck, kills=4)


# --- whole processes ------------------------------------------------------------------


def live(home: Path, number: int, *, calls: int | None) -> list | None:
    """Run the program until its end, or kill it after some calls; return its output."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, home, str(number)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    children = []
    with process:
        while calls is not None and process.poll() is None:
            if sum(call[0] == str(number) for call in calls_of(home)) >= calls:
                children = psutil.Process(process.pid).children()
                process.kill()
                break
            time.sleep(0.01)
        said, _ = process.communicate()
    _gone, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    return json.loads(said) if said else None


def die_with_the_cluster(home: Path, luck: random.Random, kills: int) -> None:
    """Kill an execution with all its workers so often; check each life."""
    for number in range(kills):
        done = ends_of(home)
        live(home, number, calls=luck.randint(1, 8))
        begun = {call[1] for call in calls_of(home) if call[0] == str(number)}
        assert begun.isdisjoint(done)
    state, output = live(home, kills, calls=None)
    assert (state, output) == ("COMPLETED", EXPECTED)
    check(home, 0)


@pytest.mark.timeout(120)
def test_killed_processes_leave_no_worker_and_lose_nothing(tmp_path):
    """Workers end with their parent; another one goes on."""
    die_with_the_cluster(tmp_path / "home", random.Random(1), 2)  # noqa: S311


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_hundreds_of_killed_processes_lose_nothing(tmp_path):
    """The same, 60 times."""
    luck = random.Random(7)  # noqa: S311 - the moments of the kills
    for run in range(15):
        die_with_the_cluster(tmp_path / f"{run}", luck, 4)
