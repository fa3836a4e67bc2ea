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

from flexiflow.workflows.journal import open_journal

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


def live(home: Path, luck: random.Random, *, lines: int | None) -> Life:
    """Run the program until its end, or kill it after some lines."""
    environment = os.environ | {
        "PYTHONHASHSEED": str(luck.randrange(2**32)),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, PROGRAM, home, "run", str(luck.random())],
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


def done_steps(home: Path) -> set[str]:
    """Return the steps whose end the journal holds: ``EXECUTION:KEY``."""
    if not (home / "flexiflow.db").exists():
        return set()
    with open_journal(home / "flexiflow.db") as journal:
        return {
            f"{record.execution_id}:{record.key}"
            for row in journal.executions()
            for record in journal.load(row.id).records
            if record.kind in DONE
        }


def drawn(home: Path) -> object:
    """Return the lucky number that the journal holds, or None."""
    with open_journal(home / "flexiflow.db") as journal:
        execution = journal.load("run")
    if execution is None:
        return None
    return next(
        (r.value for r in execution.records if r.name == "randint" and r.value), None
    )


def die_often(home: Path, luck: random.Random, kills: int) -> int:
    """Kill an execution so often; check each life. Return how often it was killed."""
    killed, lucky = 0, None
    while True:
        lines = luck.randint(1, 12) if killed < kills else None
        done = done_steps(home)
        life = live(home, luck, lines=lines)

        assert done.isdisjoint(life.began), "a step that was done was called again"
        if life.output is not None:
            break
        killed += 1
        found = drawn(home)
        assert lucky is None or found == lucky, "a number was drawn again"
        lucky = found
    check(life.output, lucky)
    check_records(home)
    return killed


def check(output: list, lucky: str | None) -> None:
    """Compare the output with the only one that is right."""
    state, found = output
    assert state == "COMPLETED"
    assert EXPECTED.items() <= found.items()
    assert found["once"] == found["lucky"] * 2
    assert lucky is None or json.loads(lucky) == found["lucky"]


def check_records(home: Path) -> None:
    """See that each step has one end, under an epoch that never goes back."""
    with open_journal(home / "flexiflow.db") as journal:
        for row in journal.executions():
            records = journal.load(row.id).records
            ends = [record.key for record in records if record.kind in DONE]
            assert len(ends) == len(set(ends))
            assert [r.epoch for r in records] == sorted(r.epoch for r in records)
            assert row.state == "COMPLETED"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(5))
def test_killed_executions_come_to_the_right_end(tmp_path, seed):
    """Branches, retries, sleeps, pauses, threads and children; 5 kills each."""
    luck = random.Random(seed)  # noqa: S311 - the moments of the kills

    assert die_often(tmp_path / "home", luck, 5) == 5


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_hundreds_of_kills_come_to_the_right_end(tmp_path):
    """The same until 250 processes were killed."""
    luck = random.Random(99)  # noqa: S311 - the moments of the kills
    killed = run = 0
    while killed < 250:
        run += 1
        killed += die_often(tmp_path / f"home{run}", luck, luck.randint(3, 12))
