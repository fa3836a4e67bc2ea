"""Kill a process that saves, at any instant: nothing acknowledged is lost or torn.

Real processes and real signals; few kills here, many under ``-m soak``.
"""

import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from flexiflow.extras import (
    SnapshotStore,
    list_snapshots_sqlite,
    load_latest_snapshot_sqlite,
    load_snapshot,
)

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="there is no such signal here"
)

COMMON = """
import sys
path, first = sys.argv[1], int(sys.argv[2])

def acknowledged(number):
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""
JSON_WRITER = (
    COMMON
    + """
from flexiflow.component import AsyncComponent
from flexiflow.extras import save_component

for number in range(first, first + 1_000_000):
    job = AsyncComponent("job", [{"number": number}] * 50)
    save_component(job, path)
    acknowledged(number)
"""
)
SQLITE_WRITER = (
    COMMON
    + """
import sqlite3
from flexiflow.extras import ComponentSnapshot, prune_snapshots_sqlite
from flexiflow.extras import save_snapshot_sqlite

conn = sqlite3.connect(path)
for number in range(first, first + 1_000_000):
    rules = [{"number": number}] * 50
    save_snapshot_sqlite(conn, ComponentSnapshot("job", f"S{number}", rules))
    acknowledged(number)
    if number % 20 == 0:
        prune_snapshots_sqlite(conn, "job", keep_last=5)
"""
)
STORE_WRITER = (
    COMMON
    + """
import asyncio
from flexiflow.extras import ComponentSnapshot, SnapshotStore

async def one(store, number):
    rules = [{"number": number}] * 50
    await store.save(ComponentSnapshot("job", f"S{number}", rules))
    acknowledged(number)

async def main():
    store = SnapshotStore(path, keep_last=7)
    for start in range(first, first + 1_000_000, 5):
        await asyncio.gather(*[one(store, start + n) for n in range(5)])

asyncio.run(main())
"""
)


def kill_at(seconds, program, *arguments):
    """Run a program, kill it so long after its first line, and return its lines."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    first = process.stdout.readline()
    assert first, "the writer ended before it saved anything"
    time.sleep(seconds)
    process.kill()
    rest, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    return [int(line) for line in (first + rest).split("\n")[:-1]]


def instants(kills):
    """Draw when to kill: seconds after the first acknowledgement."""
    draw = random.Random(20261120)  # noqa: S311 - the same instants in every run
    return [draw.random() * 0.08 for _ in range(kills)]


def kill_json(folder, kills):
    """Kill a writer of a JSON file again and again; the file stays whole."""
    path, number = folder / "s.json", 0
    for seconds in instants(kills):
        told = kill_at(seconds, JSON_WRITER, path, number)
        rules = load_snapshot(path).rules
        number = rules[0]["number"]

        assert rules == [{"number": number}] * 50
        assert number in {told[-1], told[-1] + 1}


def kill_sqlite(folder, kills):
    """Kill a writer through the functions again and again."""
    path, number = folder / "s.db", 0
    for seconds in instants(kills):
        told = kill_at(seconds, SQLITE_WRITER, path, number)
        conn = sqlite3.connect(path)
        latest = load_latest_snapshot_sqlite(conn, "job")
        listed = list_snapshots_sqlite(conn, "job", limit=1000)
        sound = conn.execute("PRAGMA integrity_check").fetchone()
        conn.close()
        number = latest.rules[0]["number"]

        assert sound == ("ok",)
        assert latest.rules == [{"number": number}] * 50
        assert number in {told[-1], told[-1] + 1}
        assert "invalid" not in {row["current_state"] for row in listed}


def kill_store(folder, kills):
    """Kill a store that commits for several callers again and again."""
    path, number = folder / "s.db", 0
    for seconds in instants(kills):
        told = kill_at(seconds, STORE_WRITER, path, number)
        with SnapshotStore(path) as store:
            latest = store.load_latest("job")
            kept = [row["current_state"] for row in store.history("job")]
        number = latest.rules[0]["number"]

        assert latest.rules == [{"number": number}] * 50
        assert max(told) <= number <= max(told) + 5
        assert kept == [f"S{number - back}" for back in range(len(kept))]
        assert len(kept) <= 7
        number += 1


CASES = pytest.mark.parametrize("kill", [kill_json, kill_sqlite, kill_store])


class TestKill:
    @CASES
    def test_nothing_acknowledged_is_lost(self, tmp_path, kill):
        """After a kill the last acknowledged snapshot, or the next one, is there."""
        kill(tmp_path, 6)

    @CASES
    @pytest.mark.soak
    @pytest.mark.timeout(900)
    def test_nothing_is_lost_in_a_hundred_kills(self, tmp_path, kill):
        """The same, at a hundred instants."""
        kill(tmp_path, 100)


LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
"""
"""No file may grow beyond so many bytes: a write fails as on a full disk."""


class TestFullDisk:
    @pytest.mark.parametrize("program", [SQLITE_WRITER, STORE_WRITER])
    def test_what_was_acknowledged_is_there(self, tmp_path, program):
        """When nothing more can be written, that is told, and the rest is whole."""
        path = tmp_path / "s.db"
        program = program.replace("keep_last=7", "").replace("number % 20 == 0", "0")
        ran = subprocess.run(
            [sys.executable, "-c", LIMITED + program, path, "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=15,
        )
        told = [int(line) for line in ran.stdout.split()]
        with SnapshotStore(path) as store:
            kept = {row["current_state"] for row in store.history("job", limit=10**6)}

        assert "PersistenceError: Snapshots cannot be written" in ran.stderr
        assert told
        assert {f"S{number}" for number in told} <= kept

    def test_file_is_the_old_one(self, tmp_path):
        """A file that cannot be replaced stays as it was, with no other beside it."""
        path = tmp_path / "s.json"
        program = JSON_WRITER.replace("* 50", "* (50 if number < 3 else 20_000)")
        ran = subprocess.run(
            [sys.executable, "-c", LIMITED + program, path, "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=15,
        )

        assert "File too large" in ran.stderr
        assert load_snapshot(path).rules == [{"number": 2}] * 50
        assert [item.name for item in tmp_path.iterdir()] == ["s.json"]
