"""A process is killed at any moment: another goes on, and does nothing done again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from flexiflow.workflows.journal import Journal, open_journal

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("killed_workflows.py")

EXPECTED = {
    "is_later": True,
    "branches": [8, 4, 11],
    "gathered": [4, 8],
    "mapped": [10, 20, 30],
    "squares": [0, 3, 6, 9],
    "failure": "LookupError: broken",
    "review": 0,
    "below": {"first": 10, "second": 11},
    "last": 4,
}
"""What comes out however often the process is killed; the rest is drawn by lot."""

DONE = {"TASK_COMPLETED", "TASK_FAILED"}


class Life(NamedTuple):
    """What one process did before it ended or was killed."""

    began: list[str]
    """The steps whose function was called: ``EXECUTION:KEY``, one for each call."""
    output: list | None
    """The state and output of the execution, if it came to that."""


class Place(NamedTuple):
    """Where executions are kept."""

    home: Path
    """The folder of a machine."""
    url: str = ""
    """The database of several machines; empty for a file in the folder."""

    def open(self) -> Journal:
        """Open the journal."""
        return open_journal(self.url or self.home / "flexiflow.db")

    def is_made(self) -> bool:
        """Whether there is a journal."""
        return bool(self.url) or (self.home / "flexiflow.db").exists()


def live(place: Place, luck: random.Random, *, lines: int | None) -> Life:
    """Run the program until its end, or kill it after some lines."""
    environment = os.environ | {
        "PYTHONHASHSEED": str(luck.randrange(2**32)),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, PROGRAM, place.home, "run", str(luck.random()), place.url],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        said = []
        for line in process.stdout:
            said.append(line)
            if lines is not None and len(said) >= lines:
                os.kill(process.pid, signal.SIGKILL)
                lines = None
    words = [line.split(maxsplit=1) for line in said if line.endswith("\n")]
    output = [json.loads(rest) for what, rest in words if what == "output"]
    return Life(
        began=[rest.split()[0] for what, rest in words if what == "began"],
        output=output[0] if output else None,
    )


def done_steps(place: Place) -> set[str]:
    """Return the steps whose end the journal holds: ``EXECUTION:KEY``."""
    if not place.is_made():
        return set()
    with place.open() as journal:
        return {
            f"{record.execution_id}:{record.key}"
            for row in journal.executions()
            for record in journal.load(row.id).records
            if record.kind in DONE
        }


def drawn(place: Place) -> object:
    """Return the lucky number that the journal holds, or None."""
    with place.open() as journal:
        execution = journal.load("run")
    if execution is None:
        return None
    return next(
        (r.value for r in execution.records if r.name == "randint" and r.value), None
    )


def die_often(place: Place, luck: random.Random, kills: int) -> int:
    """Kill an execution so often; check each life. Return how often it was killed."""
    killed, lucky = 0, None
    while True:
        lines = luck.randint(1, 12) if killed < kills else None
        done = done_steps(place)
        life = live(place, luck, lines=lines)

        assert done.isdisjoint(life.began), "a step that was done was called again"
        if life.output is not None:
            break
        killed += 1
        found = drawn(place)
        assert lucky is None or found == lucky, "a number was drawn again"
        lucky = found
    check(life.output, lucky)
    check_records(place)
    return killed


def check(output: list, lucky: str | None) -> None:
    """Compare the output with the only one that is right."""
    state, found = output
    assert state == "COMPLETED"
    assert EXPECTED.items() <= found.items()
    assert found["once"] == found["lucky"] * 2
    assert lucky is None or json.loads(lucky) == found["lucky"]


def check_records(place: Place) -> None:
    """See that each step has one end, under an epoch that never goes back."""
    with place.open() as journal:
        for row in journal.executions():
            records = journal.load(row.id).records
            ends = [record.key for record in records if record.kind in DONE]
            assert len(ends) == len(set(ends))
            assert [r.epoch for r in records] == sorted(r.epoch for r in records)
            assert row.state == "COMPLETED"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request) -> str:
    """Return the URL of a database; empty for a file."""
    is_file = request.param == "sqlite"
    return "" if is_file else request.getfixturevalue("postgres_url")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(5))
def test_killed_executions_come_to_the_right_end(tmp_path, seed, url):
    """Branches, retries, sleeps, pauses, threads and children; 5 kills each."""
    luck = random.Random(seed)  # noqa: S311 - the moments of the kills

    assert die_often(Place(tmp_path / "home", url), luck, 5) == 5


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_hundreds_of_kills_come_to_the_right_end(tmp_path, postgres_server):
    """The same until 250 processes of each kind of journal were killed."""
    luck = random.Random(99)  # noqa: S311 - the moments of the kills
    for is_file in (True, False):
        killed = run = 0
        while killed < 250:
            run += 1
            url = "" if is_file else postgres_server.make_database()
            home = tmp_path / f"home{run}{is_file}"
            killed += die_often(Place(home, url), luck, luck.randint(3, 12))
            if url:
                postgres_server.drop_database(url)
