"""Rules of the snapshot store: promises to callers, order, retention, many writers."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from flexiflow.errors import PersistenceError
from flexiflow.extras import (
    ComponentSnapshot,
    SnapshotStore,
    load_latest_snapshot_sqlite,
    save_snapshot_sqlite,
)
from flexiflow.extras import _ledger as ledger_module


def snapshot(state="Idle", name="job", **fields):
    """Make a snapshot in a state."""
    return ComponentSnapshot(name, state, **fields)


def open_files():
    """Return how many files this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.fixture
async def store(tmp_path):
    """An empty store in a file."""
    async with SnapshotStore(tmp_path / "s.db") as opened:
        yield opened


def states(store, name="job"):
    """Return the states that a component's history holds, newest first."""
    return [row["current_state"] for row in store.history(name)]


class TestSave:
    async def test_round_trip(self, store):
        """A saved snapshot is the latest, and its row tells how it came about."""
        saved = snapshot("Busy", rules=[{"r": 1}], data={"version": 1})

        row_id = await store.save(
            saved, from_state="Idle", message_type="start", correlation_id="c-1"
        )

        assert store.load_latest("job") == saved
        (row,) = store.history("job")
        assert row["id"] == row_id
        assert (row["from_state"], row["message_type"]) == ("Idle", "start")
        assert row["correlation_id"] == "c-1"
        assert store.names() == ["job"]

    async def test_is_committed_when_it_returns(self, store):
        """After the call another process sees the snapshot."""
        await store.save(snapshot("Busy"))

        other = sqlite3.connect(store.path)
        seen = load_latest_snapshot_sqlite(other, "job")
        other.close()
        assert seen == snapshot("Busy")

    async def test_many_tasks_share_commits(self, store, monkeypatch):
        """Each of many callers gets the id of its own row; the commits are few."""
        batches = []
        add = ledger_module.Ledger.perform
        monkeypatch.setattr(
            ledger_module.Ledger,
            "perform",
            lambda ledger, jobs: batches.append(len(jobs)) or add(ledger, jobs),
        )

        ids = await asyncio.gather(
            *[store.save(snapshot(f"S{n}", f"c{n}")) for n in range(200)]
        )

        assert len(set(ids)) == 200
        assert sum(batches) == 200
        assert len(batches) < 50
        for n, row_id in enumerate(ids):
            (row,) = store.history(f"c{n}")
            assert (row["id"], row["current_state"]) == (row_id, f"S{n}")

    async def test_order_is_that_of_the_calls(self, store):
        """Snapshots of one component are kept in the order in which they were saved."""
        await asyncio.gather(*[store.save(snapshot(f"S{n}")) for n in range(90)])

        assert states(store) == [f"S{n}" for n in reversed(range(40, 90))]

    async def test_clock_set_back(self, store, monkeypatch):
        """The snapshot saved last is the latest, also when the clock went back."""
        times = iter([5_000_000_000, 3_000_000_000, 4_000_000_000])
        monkeypatch.setattr("flexiflow.extras.store.time.time_ns", lambda: next(times))

        for state in "ABC":
            await store.save(snapshot(state))

        assert states(store) == ["C", "B", "A"]
        assert store.load_latest("job").current_state == "C"

    async def test_is_written_as_it_was_at_the_call(self, store):
        """What changes after the call does not reach the row."""
        rules = [1]
        pending = asyncio.ensure_future(store.save(snapshot(rules=rules)))
        await asyncio.sleep(0)
        rules.append(2)
        await pending

        assert store.load_latest("job").rules == [1]

    async def test_cancelled_caller_disturbs_nobody(self, store):
        """A caller that is cancelled leaves the others of its commit alone."""
        tasks = [
            asyncio.create_task(store.save(snapshot(f"S{n}", f"c{n}")))
            for n in range(10)
        ]
        await asyncio.sleep(0)
        tasks[4].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)

        assert isinstance(done.pop(4), asyncio.CancelledError)
        assert len(set(done)) == 9

    async def test_bad_data_fails_alone(self, store):
        """A snapshot that cannot be written fails its own caller only."""
        good, bad, name = await asyncio.gather(
            store.save(snapshot("Good")),
            store.save(snapshot(rules=[object()])),
            store.save(snapshot(name="\udc00")),
            return_exceptions=True,
        )

        assert isinstance(good, int)
        assert isinstance(bad, PersistenceError)
        assert isinstance(name, PersistenceError)

    async def test_any_message_type_is_kept(self, store):
        """A message type that is no proper text is kept in a form that can be read."""
        await store.save(snapshot(), message_type="\udc00x", correlation_id="ü")

        (row,) = store.history("job")
        assert row["message_type"] == "\\udc00x"
        assert row["correlation_id"] == "ü"

    async def test_failed_commit_reaches_every_caller(self, store):
        """Each caller of a failed commit gets its own error; later ones succeed."""
        holder = sqlite3.connect(store.path)
        holder.executescript(
            "CREATE TRIGGER full BEFORE INSERT ON flexiflow_snapshots "
            "BEGIN SELECT raise(ABORT, 'database or disk is full'); END;"
        )
        failed = await asyncio.gather(
            *[store.save(snapshot()) for _ in range(3)], return_exceptions=True
        )
        holder.executescript("DROP TRIGGER full")
        holder.close()

        assert [type(error) for error in failed] == [PersistenceError] * 3
        assert len({id(error) for error in failed}) == 3
        assert "disk is full" in str(failed[0])
        await store.save(snapshot("After"))
        assert states(store) == ["After"]


class TestRetention:
    async def test_keeps_so_many_of_each(self, tmp_path):
        """After any save no component has more than `keep_last` rows."""
        async with SnapshotStore(tmp_path / "s.db", keep_last=3) as store:
            for n in range(5):
                await store.save(snapshot(f"S{n}"))
                await store.save(snapshot(f"T{n}", "other"))

            assert states(store) == ["S4", "S3", "S2"]
            assert states(store, "other") == ["T4", "T3", "T2"]

    async def test_holds_within_one_commit(self, tmp_path):
        """Many snapshots in one commit leave the newest ones."""
        async with SnapshotStore(tmp_path / "s.db", keep_last=2) as store:
            await asyncio.gather(*[store.save(snapshot(f"S{n}")) for n in range(150)])

            assert states(store) == ["S149", "S148"]

    async def test_other_writers_count(self, tmp_path):
        """Rows that another connection added are dropped by the same rule."""
        async with SnapshotStore(tmp_path / "s.db", keep_last=2) as store:
            await store.save(snapshot("A"))
            other = sqlite3.connect(store.path)
            for state in "BCD":
                save_snapshot_sqlite(other, snapshot(state))
            other.close()
            await store.save(snapshot("E"))

            assert states(store) == ["E", "D"]

    async def test_a_call_may_say_otherwise(self, store):
        """`keep_last` of a call goes before that of the store."""
        for state in "ABC":
            await store.save(snapshot(state), keep_last=2)

        assert states(store) == ["C", "B"]

    async def test_prune(self, store):
        """Pruning drops the oldest at once, in the order of the calls around it."""
        results = await asyncio.gather(
            store.save(snapshot("A")),
            store.save(snapshot("B")),
            store.prune("job", keep_last=1),
            store.save(snapshot("C")),
        )

        assert results[2] == 1
        assert states(store) == ["C", "B"]
        with pytest.raises(ValueError, match="keep_last"):
            await store.prune("job", keep_last=-1)

    def test_nothing_to_keep_is_refused(self, tmp_path):
        """A store that keeps nothing would be none."""
        with pytest.raises(ValueError, match="keep_last"):
            SnapshotStore(tmp_path / "s.db", keep_last=0)


class TestHistory:
    async def test_of_one_story(self, store):
        """A correlation id picks the rows of one story."""
        for number in range(4):
            await store.save(snapshot(f"S{number}"), correlation_id=f"c{number % 2}")

        rows = store.history("job", correlation_id="c1")
        assert [row["current_state"] for row in rows] == ["S3", "S1"]


class TestThreads:
    async def test_several_loops_and_threads(self, store):
        """Tasks of several loops and plain threads save at once; nothing is lost."""

        async def burst(label):
            return await asyncio.gather(
                *[store.save(snapshot(f"{label}{n}", label)) for n in range(20)]
            )

        def loop_thread(label):
            asyncio.run(burst(label))

        def plain_thread(label):
            for n in range(20):
                store.save_from_thread(snapshot(f"{label}{n}", label))

        threads = [
            threading.Thread(target=loop_thread, args=(f"loop{n}",)) for n in range(3)
        ] + [
            threading.Thread(target=plain_thread, args=(f"plain{n}",)) for n in range(3)
        ]
        for thread in threads:
            thread.start()
        await burst("here")
        for thread in threads:
            await asyncio.to_thread(thread.join)

        assert len(store.names()) == 7
        for name in store.names():
            assert states(store, name) == [f"{name}{n}" for n in reversed(range(20))]

    async def test_loop_that_ended_is_left_alone(self, store):
        """A caller whose loop was closed meanwhile does not disturb the writer."""

        async def leave():
            pending = asyncio.ensure_future(store.save(snapshot("Left")))
            await asyncio.sleep(0)
            pending.cancel()

        thread = threading.Thread(target=lambda: asyncio.run(leave()))
        thread.start()
        await asyncio.to_thread(thread.join)
        await store.save(snapshot("After"))

        assert states(store) == ["After", "Left"]


PROCESS = """
import asyncio, sys
from flexiflow.extras import ComponentSnapshot, SnapshotStore

async def main(path, label):
    async with SnapshotStore(path) as store:
        await asyncio.gather(*[
            store.save(ComponentSnapshot(label, f"{label}{n}")) for n in range(50)
        ])

asyncio.run(main(*sys.argv[1:]))
"""


class TestProcesses:
    def test_save_at_once(self, tmp_path):
        """Processes that write at once wait for each other; nothing is lost."""
        path = tmp_path / "s.db"
        running = [
            subprocess.Popen([sys.executable, "-c", PROCESS, str(path), f"p{n}"])
            for n in range(3)
        ]
        assert [process.wait(15) for process in running] == [0, 0, 0]

        with SnapshotStore(path) as store:
            for n in range(3):
                assert len(states(store, f"p{n}")) == 50

    def test_queued_snapshots_survive_a_forgotten_close(self, tmp_path):
        """What is queued when the program ends normally is committed."""
        program = textwrap.dedent(
            """
            import asyncio, sys
            from flexiflow.extras import ComponentSnapshot, SnapshotStore

            async def main():
                store = SnapshotStore(sys.argv[1])
                asyncio.ensure_future(store.save(ComponentSnapshot("job", "Busy")))
                await asyncio.sleep(0)

            asyncio.run(main())
            """
        )
        path = tmp_path / "s.db"
        subprocess.run([sys.executable, "-c", program, str(path)], check=True)

        with SnapshotStore(path) as store:
            assert states(store) == ["Busy"]


class TestOpen:
    async def test_makes_the_folders(self, tmp_path):
        """The folders above the database are made."""
        async with SnapshotStore(tmp_path / "a" / "b" / "s.db") as store:
            await store.save(snapshot())

        assert (tmp_path / "a" / "b" / "s.db").exists()

    async def test_in_memory(self):
        """`:memory:` works like a file, for as long as it is open."""
        async with SnapshotStore(":memory:") as store:
            await asyncio.gather(*[store.save(snapshot(f"S{n}")) for n in range(5)])

            assert states(store)[0] == "S4"

    def test_reads_what_the_functions_wrote(self, tmp_path):
        """A database written by the functions is a store, and the other way round."""
        conn = sqlite3.connect(tmp_path / "s.db")
        save_snapshot_sqlite(conn, snapshot("Busy"))

        with SnapshotStore(tmp_path / "s.db") as store:
            assert store.load_latest("job") == snapshot("Busy")
            store.save_from_thread(snapshot("Done"))
        assert load_latest_snapshot_sqlite(conn, "job") == snapshot("Done")
        conn.close()

    def test_what_is_no_database(self, tmp_path):
        """A file that is no database is a clear error that names it."""
        path = tmp_path / "s.db"
        path.write_text("not a database " * 100)

        with pytest.raises(PersistenceError, match="not a database") as caught:
            SnapshotStore(path)

        assert caught.value.context["database"] == str(path)

    def test_folder_instead_of_a_file(self, tmp_path):
        """A path that cannot be opened is a clear error."""
        with pytest.raises(PersistenceError, match="unable to open"):
            SnapshotStore(tmp_path)


class TestClose:
    async def test_twice_is_harmless(self, tmp_path):
        """Closing again does nothing; a store never written to closes as well."""
        used, unused = (
            SnapshotStore(tmp_path / "a.db"),
            SnapshotStore(tmp_path / "b.db"),
        )
        await used.save(snapshot())
        for store in (used, unused):
            await store.close()
            await store.close()
            store.close_from_thread()

    async def test_commits_what_is_queued(self, tmp_path):
        """Closing waits for what was asked before."""
        store = SnapshotStore(tmp_path / "s.db")
        pending = [
            asyncio.ensure_future(store.save(snapshot(f"S{n}"))) for n in range(20)
        ]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*pending)

        with SnapshotStore(tmp_path / "s.db") as again:
            assert len(states(again)) == 20

    async def test_closed_store_says_so(self, store):
        """Work asked of a closed store is refused with what to do."""
        await store.close()

        with pytest.raises(PersistenceError, match="has been closed"):
            await store.save(snapshot())
        with pytest.raises(PersistenceError, match="has been closed"):
            store.save_from_thread(snapshot())
        with pytest.raises(PersistenceError, match="has been closed"):
            await store.prune("job")
        with pytest.raises(PersistenceError, match="has been closed"):
            store.load_latest("job")

    async def test_leaves_nothing_behind(self, tmp_path):
        """A closed store leaves no thread and no open file."""
        threads = threading.active_count()
        files = open_files()
        async with SnapshotStore(tmp_path / "s.db") as store:
            await store.save(snapshot())
        await asyncio.get_running_loop().shutdown_default_executor()

        assert threading.active_count() == threads
        assert open_files() == files
