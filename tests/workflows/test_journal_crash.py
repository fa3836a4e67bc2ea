"""A process that writes a journal is killed: what it was told is there, and whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flexiflow.workflows.journal import open_journal
from tests.workflows.journal_calls import wait_for

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys, threading
from flexiflow.workflows.journal import NewExecution, Record, open_journal

journal = open_journal(sys.argv[1], durability=sys.argv[2])
said = threading.Lock()

def tell(*words):
    with said:
        sys.stdout.write(" ".join(map(str, words)) + "\\n")
        sys.stdout.flush()

def work(id_):
    waiting = threading.Semaphore(2)  # a second call is queued while one is written
    def on_done(key):
        def told(error, seqs):
            assert error is None, error
            tell(id_, key, seqs[0])
            waiting.release()
        return told
    journal.create(NewExecution(id_, "w", owner=journal.owner), on_done=on_done("-"))
    for number in range(1_000_000):
        waiting.acquire()
        half = Record(id_, "TASK_STARTED", str(number))
        whole = Record(id_, "TASK_COMPLETED", str(number), value='"' + "x" * 900 + '"')
        journal.append([half, whole], epoch=0, on_done=on_done(number))

tell("owner", journal.owner, 0)
for n in range(3):
    threading.Thread(target=work, args=(f"{sys.argv[3]}-{n}",), daemon=True).start()
threading.Event().wait()
"""


def kill_writer(
    place: Path | str, run: int, luck: random.Random, durability: str
) -> None:
    """Start a writer, kill it after some acknowledgements, and look what is there."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, place, durability, str(run)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        told = [process.stdout.readline() for _ in range(luck.randint(1, 120))]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.readlines()
    lines = [line.split() for line in told if line.endswith("\n")]
    owner = lines[0][1]

    with open_journal(place) as journal:
        wait_for(lambda: not journal.is_alive(owner))  # a server hears of it soon
        for n in range(3):
            check(journal.load(f"{run}-{n}"), lines, f"{run}-{n}")
        execution = journal.load(lines[-1][0]) if len(lines) > 1 else None
        if execution is not None:
            journal.claim(execution.id, expected_epoch=0, reason="recovered")


def check(execution, lines: list[list[str]], id_: str) -> None:
    """Compare what an execution holds with what its writer was told."""
    acknowledged = {key: int(seq) for of, key, seq in lines if of == id_}
    if "-" in acknowledged:
        assert execution is not None
    if execution is None:
        return
    records = execution.records
    started = [record for record in records if record.kind == "TASK_STARTED"]
    finished = [record for record in records if record.kind == "TASK_COMPLETED"]
    assert [record.key for record in started] == [r.key for r in finished]
    assert [record.key for record in finished] == [
        str(number) for number in range(len(finished))
    ]
    assert all(len(record.value) == 902 for record in finished)
    places = {record.key: record.seq for record in started}
    del_creation = {k: seq for k, seq in acknowledged.items() if k != "-"}
    assert del_creation.items() <= places.items()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> Path | str:
    """Return where the journal is."""
    if request.param == "sqlite":
        return tmp_path / "journal.db"
    return request.getfixturevalue("postgres_url")


@pytest.mark.parametrize("durability", ["disk", "process"])
def test_what_was_acknowledged_survives(place, durability):
    """After each kill: every acknowledged record, no half call, no gap, no owner."""
    luck = random.Random(7)  # noqa: S311 - the moments of the kills

    for run in range(4):
        kill_writer(place, run, luck, durability)


@pytest.mark.soak
def test_what_was_acknowledged_survives_many_kills(place):
    """The same at many more moments."""
    luck = random.Random(11)  # noqa: S311 - the moments of the kills

    for run in range(200):
        kill_writer(place, run, luck, "disk")
