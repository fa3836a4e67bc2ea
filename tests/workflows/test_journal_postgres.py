"""What the journal in PostgreSQL does beyond the contract of all journals."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import psycopg
import pytest

from flexiflow.workflows.errors import JournalError, StaleEpochError
from flexiflow.workflows.journal import (
    ListeningJournal,
    NewExecution,
    PostgresJournal,
    Record,
    open_journal,
)
from tests.workflows.journal_calls import WAIT_S, append, create, keys, other_port


@pytest.fixture
def journal(postgres_url):
    """Return an open journal."""
    with open_journal(postgres_url) as journal:
        yield journal


class TestOpening:
    """A database becomes a journal."""

    def test_many_may_open_a_new_database_at_once(self, postgres_url):
        """The tables are made once; whoever comes meanwhile waits."""
        opened, failed = [], []

        def open_one() -> None:
            try:
                opened.append(open_journal(postgres_url))
            except Exception as error:  # noqa: BLE001 - shown below
                failed.append(error)

        threads = [threading.Thread(target=open_one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)

        for one in opened:
            one.close()
        assert (len(opened), failed) == (8, [])

    def test_a_newer_version_is_refused(self, journal, postgres_url):
        """An old program leaves a new database alone."""
        with psycopg.connect(postgres_url) as conn:
            conn.execute("INSERT INTO flexiflow.versions (version) VALUES (99)")

        with pytest.raises(JournalError, match="newer FlexiFlow") as caught:
            open_journal(postgres_url)

        assert "pip install --upgrade flexiflow" in caught.value.fix

    def test_both_schemes_are_known(self, postgres_url):
        """``postgres://`` is the same as ``postgresql://``."""
        with open_journal(postgres_url.replace("postgresql:", "postgres:")) as journal:
            assert isinstance(journal, PostgresJournal)
            assert isinstance(journal, ListeningJournal)


class TestErrors:
    """What is wrong is said, the password never."""

    @pytest.mark.parametrize(
        ("change", "what", "fix"),
        [
            (lambda url, pw: url.replace(pw, "wr0ng-secret"), "password", "Check user"),
            (lambda url, _: f"{url}_gone", "does not exist", "createdb"),
            (lambda url, _: other_port(url, 1), "onnection", "Start the server"),
            (lambda url, _: url.replace("tester", "nobody_here"), "auth", "Check user"),
        ],
    )
    def test_a_server_that_cannot_be_used(  # noqa: PLR0917 - three are parameters
        self, postgres_url, postgres_server, change, what, fix
    ):
        """It is told at once, with what to do."""
        url = change(postgres_url, postgres_server.password)

        with pytest.raises(JournalError, match=what) as caught:
            open_journal(url)

        told = str(caught.value) + repr(caught.value.__cause__)
        assert fix in caught.value.fix
        assert "wr0ng" not in told
        assert postgres_server.password not in told

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://me:pa/ss-word@host/db",
            "postgresql://me:12/pass-word@host/db",
            "postgresql://me:pass-word@host:port/db",
            "postgresql://me:pass-word@host/db?nonsense=1",
            "postgresql://me:pass-word%zz@host/db",
        ],
    )
    def test_a_url_that_cannot_be_read_is_not_shown(self, url):
        """Any part of it may be the password."""
        with pytest.raises(JournalError, match="cannot be read") as caught:
            open_journal(url)

        assert "word" not in str(caught.value).replace("password", "")
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_a_journal_shows_no_password(self, journal, postgres_server):
        """Neither in its repr nor in its errors."""
        shown = repr(journal)
        with pytest.raises(JournalError) as caught:
            append(journal, Record("nobody", "TASK_STARTED"))

        assert shown.startswith("PostgresJournal('postgresql://tester@127.0.0.1:")
        assert postgres_server.password not in shown + str(caught.value)

    def test_the_missing_extra_is_named(self, tmp_path):
        """Without the driver it is said what to install."""
        (tmp_path / "psycopg.py").write_text(
            "raise ImportError('no pq', name='psycopg')"
        )
        program = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
            "from flexiflow.workflows.journal import open_journal\n"
            "open_journal('postgresql://h/d')"
        )

        done = subprocess.run(
            [sys.executable, "-c", program], check=False, capture_output=True, text=True
        )

        assert "A journal in PostgreSQL needs" in done.stderr
        assert "pip install 'flexiflow[postgres]'" in done.stderr

    def test_settings_of_a_url_reach_the_server(self, postgres_url):
        """Options of the URL hold beside those of the journal."""
        asked = quote("-c lock_timeout=1234")
        url = f"{postgres_url}?application_name=mine&options={asked}"
        with open_journal(url) as journal:
            found = journal._read(  # noqa: SLF001 - what the connection has
                lambda conn: conn.execute(
                    "SELECT current_setting('lock_timeout'), application_name, "
                    "current_setting('tcp_keepalives_idle') "
                    "FROM pg_stat_activity WHERE pid = pg_backend_pid()"
                ).fetchone()
            )

        assert found == ("1234ms", "mine", "10")


class TestSessions:
    """Settings of the server that end sessions, or keep them from writing."""

    def test_a_silent_owner_lives(self, postgres_server, postgres_url):
        """Sessions that are idle for long are not ended, though the server says so."""
        name = postgres_url.rpartition("/")[2]
        postgres_server.do(f"ALTER DATABASE {name} SET idle_session_timeout = '200ms'")
        try:
            with (
                open_journal(postgres_url) as journal,
                psycopg.connect(postgres_url, autocommit=True) as conn,
            ):
                conn.execute("SET idle_session_timeout = 0")
                lost = queue.Queue()
                journal.listen(lost.put)
                conn.execute("SELECT pg_sleep(0.5)")

                assert journal.is_alive(journal.owner)
                create(journal)
                assert lost.get(timeout=WAIT_S) == {"RUNNING"}
        finally:
            postgres_server.do(f"ALTER DATABASE {name} RESET idle_session_timeout")

    def test_a_server_that_only_reads_is_told(self, postgres_server, postgres_url):
        """A standby is no place for a journal."""
        name = postgres_url.rpartition("/")[2]
        setting = "default_transaction_read_only"
        postgres_server.do(f"ALTER DATABASE {name} SET {setting} = on")
        try:
            with pytest.raises(JournalError, match="read-only") as caught:
                open_journal(postgres_url)
        finally:
            postgres_server.do(f"ALTER DATABASE {name} RESET {setting}")

        assert "primary" in caught.value.fix


class TestText:
    """Text that PostgreSQL has no place for."""

    @pytest.mark.parametrize(
        "text",
        ["a\0b", "\x1a", "\x1a0\0\x1a1", "\0", "é\0😀", "\x1e", "\x1aN", "{,}\\"],
    )
    def test_any_text_comes_back(self, journal, text):
        """In names, keys, ids and input alike."""
        id_ = f"run-{text}"
        journal.create(
            NewExecution(id_, text, input=text, parent=text, owner=journal.owner),
            [Record(id_, "TASK_STARTED", key=text, name=text, value=text, digest=text)],
        )
        journal.sync(WAIT_S)

        loaded = journal.load(id_)
        assert (loaded.workflow, loaded.input, loaded.parent) == (text, text, text)
        (record,) = loaded.records
        assert record[:7] == (id_, "TASK_STARTED", text, text, "", text, text)
        assert [row.id for row in journal.executions(workflow=text)] == [id_]
        assert journal.records_after(0, execution_id=id_) == [record]


class TestListening:
    """News from other processes."""

    def test_states_are_told(self, journal, postgres_url):
        """A request in one process is heard in another."""
        heard = queue.Queue()
        stop = journal.listen(heard.put)
        with open_journal(postgres_url) as other:
            create(other, "two", state="RUNNING")
            append(other, Record("two", "REQUEST_CANCEL", state="CANCELLING"))

            states = set()
            while "CANCELLING" not in states:
                states |= heard.get(timeout=WAIT_S)
            stop()

        assert states == {"RUNNING", "CANCELLING"}

    def test_a_process_that_owns_nothing_is_heard(self, journal, postgres_url):
        """One that only asks for something, and closes at once."""
        create(journal)
        heard = queue.Queue()
        journal.listen(heard.put)
        with open_journal(postgres_url) as other:
            other.append([Record("one", "REQUEST_CANCEL", state="CANCELLING")], epoch=0)

        while "CANCELLING" not in heard.get(timeout=WAIT_S):
            pass

    def test_nothing_is_told_after_the_end(self, journal):
        """A listener that was ended hears nothing more."""
        first, second = queue.Queue(), queue.Queue()
        stop = journal.listen(first.put)
        stop()
        journal.listen(second.put)

        create(journal)

        assert second.get(timeout=WAIT_S) == {"RUNNING"}
        assert first.empty()

    def test_a_listener_that_fails_harms_nobody(self, journal, caplog):
        """Its error is logged, and the next is called."""
        heard = queue.Queue()

        def fail(_states) -> None:
            raise ZeroDivisionError

        journal.listen(fail)
        journal.listen(heard.put)

        create(journal)

        assert heard.get(timeout=WAIT_S) == {"RUNNING"}
        assert "a listener of the journal failed" in caplog.text


class TestTail:
    """Records of all executions, written by many at once."""

    def test_a_number_that_is_not_there_yet_is_waited_for(
        self, journal, postgres_url, monkeypatch
    ):
        """A record that is committed late is not jumped over."""
        monkeypatch.setattr(
            "flexiflow.workflows.journal._postgres_queries._LONGEST_WAIT_S", 0.05
        )
        create(journal, "one")
        create(journal, "two")
        (seen,) = append(journal, Record("one", "TASK_STARTED", "before"))
        row = "'one', 'TASK_STARTED', 'late', '', '', NULL, '', 0, '', 0, NULL"
        with psycopg.connect(postgres_url) as slow:
            slow.execute("SELECT flexiflow.lock_executions('{one}')")
            slow.execute(
                "INSERT INTO flexiflow.records "
                f"SELECT nextval('flexiflow.records_seq'), {row}"
            )
            append(journal, Record("two", "TASK_STARTED", "early"))
            assert journal.records_after(seen) == []
            slow.commit()

        found = journal.records_after(seen)
        assert [record.key for record in found] == ["late", "early"]

    def test_numbers_that_never_came_do_not_stop_it(self, journal, postgres_url):
        """What was rolled back leaves a gap, and the tail goes on behind it."""
        create(journal)
        (seen,) = append(journal, Record("one", "TASK_STARTED", "0"))
        with psycopg.connect(postgres_url) as conn:
            for _ in range(5):
                conn.execute("SELECT nextval('flexiflow.records_seq')")
        append(journal, Record("one", "TASK_STARTED", "1"))

        assert [record.key for record in journal.records_after(seen)] == ["1"]


class TestRoles:
    """What a worker may do."""

    @pytest.fixture
    def role(self, postgres_server):
        """Return the name of a role, removed at the end."""
        name = f'work"er {time.monotonic_ns()}'
        yield name
        quoted = name.replace('"', '""')
        postgres_server.do(f'DROP ROLE IF EXISTS "{quoted}"')

    @pytest.fixture
    def url(self, journal, role, postgres_server):
        """Return the URL of a worker of the journal."""
        yield journal.grant_worker(role)
        quoted = role.replace('"', '""')
        own = journal._link._facts["dbname"]  # noqa: SLF001 - the test's database
        subprocess.run(
            [
                postgres_server.programs / "psql",
                *("-qXc", f'DROP OWNED BY "{quoted}"', postgres_server.url(own)),
            ],
            check=True,
        )

    def test_a_worker_does_its_work(self, journal, url):
        """It takes executions over, writes, reads, listens and lives."""
        create(journal, "one", state="PAUSED")
        with open_journal(url) as worker:
            assert worker.claim("one", expected_epoch=0) == 1
            append(worker, Record("one", "TASK_COMPLETED", "0"), epoch=1)
            create(worker, "two")

            worker.keep_content("ndarray", "0" * 64, b"data")

            assert journal.content("ndarray", "0" * 64) == b"data"
            assert keys(worker) == ["0"]
            assert journal.is_alive(worker.owner)
            assert [row.id for row in worker.executions()] == ["two", "one"]
            with pytest.raises(StaleEpochError):
                append(journal, Record("one", "TASK_COMPLETED", "1"))

    @pytest.mark.parametrize(
        "statement",
        [
            "DROP TABLE flexiflow.records",
            "DROP SCHEMA flexiflow CASCADE",
            "DELETE FROM flexiflow.records",
            "UPDATE flexiflow.executions SET owner = ''",
            "TRUNCATE flexiflow.records",
            "INSERT INTO flexiflow.versions (version) VALUES (2)",
            "INSERT INTO flexiflow.records SELECT * FROM flexiflow.records",
            "SELECT setval('flexiflow.records_seq', 1)",
            "CREATE TABLE flexiflow.mine (x int)",
            "CREATE TABLE public.mine (x int)",
            "CREATE SCHEMA mine",
            "CREATE ROLE another",
            "SELECT * FROM public.secrets",
            "SELECT rolpassword FROM pg_authid",
            "ALTER FUNCTION flexiflow.is_alive(text) IMMUTABLE",
        ],
    )
    def test_a_worker_may_do_nothing_else(self, url, postgres_url, statement):
        """Each is refused by the database."""
        with psycopg.connect(postgres_url) as conn:
            conn.execute("CREATE TABLE public.secrets (name text, token bytea)")

        with (
            psycopg.connect(url) as worker,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            worker.execute(statement)

    def test_a_new_password_takes_the_place_of_the_old(self, journal, url, role):
        """Granted again, the role has it; the server's log has neither."""
        again = journal.grant_worker(role, password="n3w/s@cret")  # noqa: S106 - the test's

        with open_journal(again):
            pass
        with pytest.raises(JournalError, match="password authentication"):
            open_journal(url)

    def test_a_superuser_is_left_as_it_is(self, journal):
        """It cannot be limited, and keeps its password."""
        with pytest.raises(JournalError, match="'tester' cannot be made a worker's"):
            journal.grant_worker("tester")

    def test_a_role_without_rights_is_told_so(self, postgres_url, journal, url):
        """A worker cannot make roles, nor a stranger a journal."""
        with (
            open_journal(url) as worker,
            pytest.raises(JournalError, match=r"permission denied|must be"),
        ):
            worker.grant_worker("one_more")
