"""The journal in SQLite: its file, its errors, its processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from flexiflow.workflows.errors import JournalError
from flexiflow.workflows.journal import NewExecution, Record, open_journal
from flexiflow.workflows.journal._schema import connect_writer

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 15


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, and wait for it."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def append(journal, *records: Record, epoch: int = 0) -> None:
    """Append records and wait for them."""
    done: Future[None] = Future()

    def on_done(error, _seqs):
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    journal.append(records, epoch=epoch, on_done=on_done)
    done.result(WAIT_S)


def kept(place: Path, id_: str = "one") -> list[str]:
    """Return the keys of an execution's records, by a journal of its own."""
    with open_journal(place) as journal:
        execution = journal.load(id_)
    return [record.key for record in execution.records]


class TestOpen:
    """Files that are a journal, become one, or are none."""

    @pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite:///{}%20x"])
    def test_paths_and_urls(self, tmp_path, form):
        """A path, or a URL; folders above the file are made."""
        place = form.format(tmp_path / "deep" / "er" / "journal.db")

        with open_journal(place) as journal:
            assert journal.path.parent == tmp_path / "deep" / "er"
            assert journal.path.name in {"journal.db", "journal.db x"}

    def test_a_relative_url_is_relative(self, tmp_path, monkeypatch):
        """Three slashes begin a path from here."""
        monkeypatch.chdir(tmp_path)

        with open_journal("sqlite:///runs/journal.db") as journal:
            assert journal.path == tmp_path / "runs" / "journal.db"

    def test_other_databases_are_refused(self):
        """A kind that is not known is named."""
        with pytest.raises(JournalError, match="kind 'mysql'"):
            open_journal("mysql://host/name")

    @pytest.mark.parametrize(
        "address", ["host=127.0.0.1 password=s3cr3t", "dbname = x user=y"]
    )
    def test_keywords_of_an_address_name_no_file(self, tmp_path, monkeypatch, address):
        """Else the password in them would be the name of a file."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(JournalError, match="no URL") as raised:
            open_journal(address)

        assert "postgresql://" in raised.value.fix
        assert "s3cr3t" not in str(raised.value)
        assert not list(tmp_path.iterdir())

    def test_a_file_that_is_no_database(self, tmp_path):
        """Somebody's text is not overwritten."""
        place = tmp_path / "notes.txt"
        place.write_text("dear diary, " * 100)

        with pytest.raises(JournalError, match="file is not a database") as caught:
            open_journal(place)

        assert "move notes.txt out of the way" in caught.value.fix
        assert place.read_text().startswith("dear diary")

    def test_a_database_of_another_program(self, tmp_path):
        """A database with a version of its own is somebody else's."""
        place = tmp_path / "theirs.db"
        conn = sqlite3.connect(place)
        conn.execute("PRAGMA user_version=3")
        conn.execute("PRAGMA application_id=77")
        conn.close()

        with pytest.raises(JournalError, match="belongs to another program"):
            open_journal(place)

    def test_a_database_with_tables_of_ours(self, tmp_path):
        """Snapshots of components may be in the same file."""
        place = tmp_path / "flexiflow.db"
        conn = sqlite3.connect(place)
        conn.execute("CREATE TABLE flexiflow_snapshots (id INTEGER)")
        conn.close()

        with open_journal(place) as journal:
            assert journal.executions() == []

    def test_a_newer_version_is_left_alone(self, tmp_path):
        """What a newer FlexiFlow wrote is not touched."""
        place = tmp_path / "journal.db"
        open_journal(place).close()
        conn = sqlite3.connect(place)
        conn.execute("PRAGMA user_version=99")
        conn.close()

        with pytest.raises(JournalError, match="newer FlexiFlow") as caught:
            open_journal(place)

        assert "version 99" in caught.value.why

    def test_two_that_open_a_new_file_at_once(self, tmp_path):
        """The tables are made once."""
        journals = []

        def work():
            journals.append(open_journal(tmp_path / "journal.db"))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

        assert [journal.executions() for journal in journals] == [[]] * 6
        for journal in journals:
            journal.close()

    def test_a_folder_in_the_way(self, tmp_path):
        """A folder is no file, and a file no folder."""
        (tmp_path / "file").write_text("")

        for place in (tmp_path, tmp_path / "file" / "journal.db"):
            with pytest.raises(JournalError, match="cannot be opened") as caught:
                open_journal(place)
            assert "Check that you may write" in caught.value.fix

    @pytest.mark.parametrize(("durability", "level"), [("disk", 2), ("process", 1)])
    def test_durability_is_what_was_asked(self, tmp_path, durability, level):
        """FULL waits for the disk at each commit, NORMAL does not."""
        conn = connect_writer(tmp_path / "j.db", durability=durability, timeout_s=1)

        assert conn.execute("PRAGMA synchronous").fetchone() == (level,)
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        conn.close()

    def test_nothing_is_left_open(self, tmp_path):
        """A closed journal holds neither file nor lock nor thread."""
        if not Path("/proc/self/fd").exists():
            pytest.fail("counts open files in /proc")
        before = set(Path("/proc/self/fd").iterdir())
        threads = set(threading.enumerate())

        with open_journal(tmp_path / "journal.db") as journal:
            journal.create(NewExecution("one", "w", owner=journal.owner))
            journal.sync(WAIT_S)
            journal.load("one")

        assert set(Path("/proc/self/fd").iterdir()) == before
        assert list((tmp_path / "journal.db.owners").iterdir()) == []
        assert set(threading.enumerate()) <= threads


class TestTrouble:
    """A database that cannot be written."""

    def test_locked_by_another_process(self, tmp_path):
        """It is told after a while; once it is free, a new claim goes on."""
        place = tmp_path / "journal.db"
        with open_journal(place, timeout_s=0.05) as journal:
            journal.create(NewExecution("one", "w", owner=journal.owner))
            journal.sync(WAIT_S)
            other = sqlite3.connect(place, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(JournalError, match="database is locked") as caught:
                append(journal, Record("one", "K", "0"))
            assert "end its transaction" in caught.value.fix
            other.close()

            with pytest.raises(JournalError, match="earlier records were lost"):
                append(journal, Record("one", "K", "1"))
            epoch = journal.claim("one", expected_epoch=0)
            append(journal, Record("one", "K", "2"), epoch=epoch)

        assert kept(place) == ["2"]

    def test_damaged_while_open(self, tmp_path):
        """Reading tells of it as well."""
        place = tmp_path / "journal.db"
        with open_journal(place) as journal:
            conn = sqlite3.connect(place)
            conn.execute("DROP TABLE flexiflow_records")
            conn.close()

            with pytest.raises(JournalError, match="cannot be read: no such table"):
                journal.executions()

    def test_a_full_disk(self, tmp_path):
        """Acknowledged records stay, others are refused; with room it goes on."""
        program = """
import resource, signal, sys
from concurrent.futures import Future
from flexiflow.workflows.errors import JournalError
from flexiflow.workflows.journal import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = open_journal(sys.argv[1])
journal.create(NewExecution("one", "w", owner=journal.owner))
journal.sync()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
def append(key, epoch):
    done = Future()
    journal.append([Record("one", "K", key, value='"' + "x" * 10_000 + '"')],
                   epoch=epoch, on_done=lambda error, _: done.set_result(error))
    return done.result()
acknowledged = 0
while (error := append(str(acknowledged), 0)) is None:
    acknowledged += 1
assert isinstance(error, JournalError), error
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
epoch = journal.claim("one", expected_epoch=0)
assert append("after", epoch) is None
print(acknowledged, error.what, error.fix, sep="|")
"""
        place = tmp_path / "journal.db"

        told = run(program, place)

        acknowledged, what, fix = told.stdout.strip().split("|")
        assert "full" in what or "disk I/O" in what
        assert "Make room on the disk" in fix
        assert kept(place) == [*map(str, range(int(acknowledged))), "after"]

    @pytest.mark.parametrize("what", ["folder", "file"])
    def test_a_place_that_may_only_be_read(self, what):
        """It is told with the place and what to check."""
        program = """
import os, sys
from flexiflow.workflows.errors import JournalError
from flexiflow.workflows.journal import *
SqliteJournal  # all is imported: another user may not read this Python
if os.geteuid() == 0:
    os.setuid(65534)
try:
    journal = open_journal(sys.argv[1])
    journal.owner
    journal.create(NewExecution("one", "w"), on_done=lambda error, _: print(error))
    journal.sync()
except JournalError as error:
    print(error)
"""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "sub" / "journal.db"
            place.parent.mkdir()
            if what == "file":
                open_journal(place).close()
                place.chmod(0o444)
            Path(folder).chmod(0o755)
            place.parent.chmod(0o555)

            told = run(program, place)

            place.parent.chmod(0o755)
        assert "Check that you may write" in told.stdout, told
        assert str(place) in told.stdout


class TestProcesses:
    """Forks, kills and neighbours."""

    def test_a_forked_child_is_an_owner_of_its_own(self, tmp_path):
        """Parent and child go on with the same object; neither loses a record."""
        program = """
import os, sys, threading
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
name = journal.owner
def work(id_):
    journal.create(NewExecution(id_, "w", owner=journal.owner))
    for number in range(30):
        journal.append([Record(id_, "K", str(number))], epoch=0)
        journal.load(id_)
    journal.sync()
threads = [threading.Thread(target=work, args=(f"thread{n}",)) for n in range(3)]
for thread in threads: thread.start()
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        opened = {os.path.realpath(f"/proc/self/fd/{fd}") for fd in range(3, 64)}
        assert not any("journal.db" in place for place in opened), opened
        assert journal.is_alive(name) and journal.owner != name
        work(f"child{child}")
        journal.close()
        os._exit(0)
    children.append(pid)
work("parent")
for thread in threads: thread.join()
codes = [os.waitpid(pid, 0)[1] for pid in children]
assert codes == [0, 0, 0], codes
assert journal.owner == name and journal.is_alive(name)
journal.close()
print("done")
"""
        place = tmp_path / "journal.db"

        told = run(program, place)

        assert told.stdout == "done\n", told.stderr
        for id_ in ("parent", *(f"{k}{n}" for k in ("child", "thread") for n in "012")):
            assert kept(place, id_) == [str(number) for number in range(30)]

    def test_a_child_does_not_keep_its_parent_alive(self, tmp_path):
        """The lock ends with the owner, though a forked child lives on."""
        program = """
import os, signal, sys
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
print(journal.owner, flush=True)
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, b"here")
    sys.stdin.read()
    os._exit(0)
os.read(reading, 4)
os.kill(os.getpid(), signal.SIGKILL)
"""
        place = tmp_path / "journal.db"
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, place],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process, open_journal(place) as journal:
            owner = process.stdout.readline().strip()
            process.wait(WAIT_S)

            assert owner
            assert not journal.is_alive(owner)
            assert not list((tmp_path / "journal.db.owners").iterdir())

    def test_processes_beside_each_other(self, tmp_path):
        """Each keeps its records and their order."""
        program = """
import sys
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
id_ = sys.argv[2]
journal.create(NewExecution(id_, "w", owner=journal.owner))
for number in range(40):
    journal.append([Record(id_, "K", str(number))], epoch=0)
    if number % 4 == 0:
        journal.sync()
journal.close()
"""
        place = tmp_path / "journal.db"
        open_journal(place).close()
        processes = [
            subprocess.Popen([sys.executable, "-c", program, place, id_], cwd=ROOT)
            for id_ in "abc"
        ]
        codes = [process.wait(WAIT_S) for process in processes]

        assert codes == [0, 0, 0]
        for id_ in "abc":
            assert kept(place, id_) == [str(number) for number in range(40)]

    def test_what_is_queued_at_the_end_of_a_program_is_written(self, tmp_path):
        """A journal that nobody closed writes before the program ends."""
        program = """
import sys
from flexiflow.workflows.journal import *
journal = open_journal(sys.argv[1])
journal.create(NewExecution("one", "w"), [Record("one", "K", "0")])
journal.append([Record("one", "K", "1")], epoch=0, urgent=False)
"""
        run(program, tmp_path / "journal.db")

        assert kept(tmp_path / "journal.db") == ["0", "1"]
