"""Connections break and servers end: the journal in PostgreSQL loses nothing."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from flexiflow.workflows.errors import JournalError, StaleEpochError
from flexiflow.workflows.journal import NewExecution, Record, open_journal
from tests.workflows.cut_wire import Wire
from tests.workflows.journal_calls import (
    WAIT_S,
    append,
    create,
    keys,
    other_port,
    wait_for,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def journal(postgres_url):
    """Return an open journal."""
    with open_journal(postgres_url) as journal:
        yield journal


@pytest.mark.timeout(120)
class TestLostConnections:
    """Connections break, and nothing is lost or written twice."""

    @pytest.fixture
    def wire(self, postgres_server):
        """Return a wire to the server that can be cut."""
        wire = Wire(postgres_server.port)
        yield wire
        wire.close()

    @pytest.fixture
    def wired(self, wire, postgres_url):
        """Return a journal that talks over the wire."""
        with open_journal(other_port(postgres_url, wire.port)) as journal:
            yield journal

    def test_a_commit_that_nobody_saw_is_not_done_again(self, wire, wired):
        """The answer was lost: the batch is found by its name, with its numbers."""
        create(wired)
        append(wired, Record("one", "TASK_STARTED", "0"))
        wire.cut_before_answers(b"half-way")

        seqs = append(
            wired,
            Record("one", "TASK_STARTED", "half-way"),
            Record("one", "TASK_COMPLETED", "behind"),
        )

        assert wire.answered.is_set()
        assert keys(wired) == ["0", "half-way", "behind"]
        assert [r.seq for r in wired.load("one").records][-2:] == list(seqs)
        append(wired, Record("one", "TASK_STARTED", "1"))
        assert keys(wired)[-1] == "1"

    def test_a_creation_that_nobody_saw_is_not_refused(self, wire, wired):
        """It is the own one that is there already."""
        wire.cut_before_answers(b"one-and-only")
        answers = queue.Queue()

        wired.create(
            NewExecution("one", "one-and-only", owner="x"),
            [Record("one", "WORKFLOW_STARTED", "s", state="RUNNING")],
            on_done=lambda *told: answers.put(told),
        )

        error, seqs = answers.get(timeout=WAIT_S)
        assert wire.answered.is_set()
        assert (error, len(seqs)) == (None, 1)
        assert keys(wired) == ["s"]

    def test_a_claim_that_nobody_saw_is_one(self, wire, wired):
        """Its epoch rises by one, and its records are there once."""
        create(wired, state="PAUSED")
        wire.cut_before_answers(b"COMMIT")

        epoch = wired.claim(
            "one",
            expected_epoch=0,
            records=[Record("one", "WORKFLOW_RESUMING", "claim-record")],
        )

        assert wire.answered.is_set()
        assert epoch == 1
        assert len(wired.load("one").claims) == 2
        assert keys(wired) == ["claim-record"]

    def test_connections_cut_at_any_time_lose_nothing(
        self, journal, postgres_server, postgres_url
    ):
        """Writers whose sessions are ended again and again write all, once each."""
        done = threading.Event()
        acknowledged = {f"run{n}": [] for n in range(3)}

        def work(id_: str) -> None:
            create(journal, id_)
            number = 0
            while not done.is_set():
                seqs = append(
                    journal, Record(id_, "TASK_COMPLETED", str(number), name="n")
                )
                acknowledged[id_].append((str(number), seqs[0]))
                number += 1

        threads = [threading.Thread(target=work, args=(id_,)) for id_ in acknowledged]
        for thread in threads:
            thread.start()
        for _ in range(25):
            before = sum(map(len, acknowledged.values()))
            postgres_server.end_sessions(postgres_url)
            wait_for(
                lambda seen=before: sum(map(len, acknowledged.values())) > seen + 3
            )
        done.set()
        for thread in threads:
            thread.join(WAIT_S)

        for id_, told in acknowledged.items():
            records = [record for record in journal.load(id_).records if record.key]
            assert [(record.key, record.seq) for record in records] == told
            assert len(told) > 10


@pytest.mark.timeout(120)
class TestRestart:
    """The server ends, and comes back."""

    def test_writers_survive_crashes_of_the_server(self, private_postgres):
        """All that was acknowledged is there, once, in order; writing goes on."""
        with open_journal(private_postgres.url()) as journal:
            create(journal)
            done = threading.Event()
            told = []

            def work() -> None:
                while not done.is_set():
                    record = Record("one", "TASK_COMPLETED", str(len(told)))
                    append(journal, record)
                    told.append(record.key)

            thread = threading.Thread(target=work)
            thread.start()
            for _ in range(3):
                before = len(told)
                private_postgres.crash()
                wait_for(lambda before=before: len(told) > before + 20)
            done.set()
            thread.join(WAIT_S)

            assert keys(journal) == told

    def test_an_owner_comes_back(self, private_postgres):
        """Its lock is taken again, and until then nobody takes its executions."""
        with (
            open_journal(private_postgres.url()) as owner,
            open_journal(private_postgres.url()) as other,
        ):
            create(owner)
            news = queue.Queue()
            owner.listen(news.put)

            private_postgres.crash()

            assert other.is_alive(owner.owner)
            while news.get(timeout=WAIT_S) is not None:
                pass
            with psycopg.connect(private_postgres.url()) as conn:
                row = conn.execute(
                    "SELECT pg_try_advisory_lock(flexiflow.lock_key('owner', %s))",
                    [owner.owner],
                ).fetchone()
            assert row == (False,)
            append(owner, Record("one", "TASK_STARTED", "0"))
            assert keys(other) == ["0"]

    def test_an_owner_that_stayed_away_is_stale(
        self, postgres_url, postgres_server, monkeypatch
    ):
        """Another took its execution over while it had no connection."""
        with open_journal(postgres_url) as owner, open_journal(postgres_url) as other:
            create(owner)
            connect = type(owner._link).connect  # noqa: SLF001 - cut off below
            away = threading.Event()
            away.set()

            def cut_off(link):
                if away.is_set() and link is owner._link:  # noqa: SLF001
                    raise psycopg.OperationalError("Connection refused")
                return connect(link)

            monkeypatch.setattr(type(owner._link), "connect", cut_off)  # noqa: SLF001
            postgres_server.end_sessions(postgres_url)
            wait_for(lambda: not other.is_alive(owner.owner))
            answers = queue.Queue()
            owner.append(
                [Record("one", "TASK_COMPLETED", "late")],
                epoch=0,
                on_done=lambda error, _: answers.put(error),
            )
            assert other.claim("one", expected_epoch=0, reason="recovered") == 1
            away.clear()

            assert isinstance(answers.get(timeout=WAIT_S), StaleEpochError)
            assert keys(other) == []

    def test_a_server_that_stays_away_is_given_up(self, private_postgres):
        """After the time that was given, whoever waits is told; closing is quick."""
        journal = open_journal(private_postgres.url(), timeout_s=0.3)
        create(journal)
        private_postgres.stop()

        with pytest.raises(JournalError, match="cannot be written") as caught:
            append(journal, Record("one", "TASK_STARTED", "0"))
        with pytest.raises(JournalError, match="cannot be read"):
            journal.load("one")

        private_postgres.start()
        with pytest.raises(JournalError, match="earlier records were lost"):
            append(journal, Record("one", "TASK_STARTED", "1"))
        assert "Start the server" in caught.value.fix
        journal.close()

    def test_closing_waits_for_nobody(self, private_postgres):
        """What cannot be written is told, not waited for."""
        journal = open_journal(private_postgres.url(), timeout_s=300)
        create(journal)
        private_postgres.stop()
        told = queue.Queue()
        record = Record("one", "TASK_STARTED", "0")
        journal.append([record], epoch=0, on_done=lambda error, _: told.put(error))

        journal.close()

        assert isinstance(told.get(timeout=1), JournalError)

    def test_a_program_that_ends_waits_for_nobody(self, private_postgres):
        """Its journal is open and has something queued: it ends all the same."""
        program = """
import sys
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
journal.create(NewExecution("one", "w", owner=journal.owner))
journal.sync()
print("ready", flush=True)
sys.stdin.readline()
journal.append([Record("one", "TASK_STARTED")], epoch=0)
"""
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, private_postgres.url()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout.readline() == "ready\n"
            private_postgres.stop()
            process.communicate("\n", timeout=60)

        assert process.returncode == 0


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.timeout(120)
class TestForks:
    """A process becomes two."""

    def test_a_forked_child_is_an_owner_of_its_own(self, postgres_url, journal):
        """Parent and child go on with the same object; neither loses a record."""
        program = """
import os, sys, threading
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
name = journal.owner
def work(id_):
    journal.create(NewExecution(id_, "w", owner=journal.owner))
    for number in range(20):
        journal.append([Record(id_, "K", str(number))], epoch=0)
        journal.load(id_)
    journal.sync()
thread = threading.Thread(target=work, args=("thread",))
thread.start()
children = []
for child in range(2):
    pid = os.fork()
    if pid == 0:
        assert journal.is_alive(name) and journal.owner != name
        work(f"child{child}")
        journal.close()
        os._exit(0)
    children.append(pid)
work("parent")
thread.join()
codes = [os.waitpid(pid, 0)[1] for pid in children]
assert codes == [0, 0], codes
assert journal.owner == name and journal.is_alive(name)
journal.close()
print("done")
"""
        told = run(program, postgres_url)

        assert told.stdout == "done\n", told.stderr
        for id_ in ("parent", "thread", "child0", "child1"):
            assert keys(journal, id_) == [str(number) for number in range(20)]

    def test_a_child_does_not_keep_its_parent_alive(self, postgres_url, journal):
        """The lock ends with the owner, though a forked child lives on."""
        program = """
import os, signal, sys
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
print(journal.owner, flush=True)
if os.fork() == 0:
    print("here", flush=True)
    sys.stdin.read()
    os._exit(0)
signal.pause()
"""
        parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, postgres_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with parent:
            owner = parent.stdout.readline().strip()
            assert parent.stdout.readline() == "here\n"
            assert journal.is_alive(owner)
            parent.kill()
            wait_for(lambda: not journal.is_alive(owner))
            parent.stdin.close()
