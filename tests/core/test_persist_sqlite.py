"""Rules of the SQLite functions: order, migration, pruning, damage, other writers."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.errors import PersistenceError
from flexiflow.extras import (
    ComponentSnapshot,
    list_snapshots_sqlite,
    load_latest_snapshot_sqlite,
    prune_snapshots_sqlite,
    save_snapshot_sqlite,
)

FOUR_COLUMNS = """
CREATE TABLE flexiflow_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    component_name TEXT NOT NULL,
    snapshot_json TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX idx_flexiflow_snapshots_component_created
ON flexiflow_snapshots (component_name, created_at DESC);
"""
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def snapshot(state="Idle", name="job", **fields):
    """Make a snapshot in a state."""
    return ComponentSnapshot(name, state, **fields)


def insert(conn, name, text, created_at):
    """Write a row as another program does: four columns, no key."""
    conn.execute(
        "INSERT INTO flexiflow_snapshots (component_name, snapshot_json, created_at) "
        "VALUES (?, ?, ?)",
        (name, text, created_at),
    )
    conn.commit()


def insert_state(conn, state, created_at):
    """Write a valid row of `job` as another program does."""
    insert(conn, "job", f'{{"name": "job", "current_state": "{state}"}}', created_at)


@pytest.fixture
def conn():
    """A database in memory."""
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


@pytest.fixture
def old(conn):
    """A database of the original four-column layout."""
    conn.executescript(FOUR_COLUMNS)
    return conn


class TestSave:
    def test_round_trip(self, conn):
        """What is saved comes back equal, chart data included."""
        saved = ComponentSnapshot(
            "job", "a.b,c", [{"r": "ü"}], {"v": [1, None]}, {"version": 1, "leaves": []}
        )

        row_id = save_snapshot_sqlite(conn, saved)

        assert row_id == 1
        assert load_latest_snapshot_sqlite(conn, "job") == saved

    def test_is_committed(self, tmp_path):
        """A saved snapshot is seen by another connection at once."""
        path = tmp_path / "s.db"
        writer, reader = sqlite3.connect(path), sqlite3.connect(path)

        save_snapshot_sqlite(writer, snapshot("Busy"))
        seen = load_latest_snapshot_sqlite(reader, "job")
        writer.close()
        reader.close()

        assert seen == snapshot("Busy")

    @pytest.mark.parametrize("level", [None, "DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
    def test_every_isolation_level(self, level):
        """The functions leave no transaction open, whatever the connection's mode."""
        conn = sqlite3.connect(":memory:", isolation_level=level)

        save_snapshot_sqlite(conn, snapshot())
        prune_snapshots_sqlite(conn, "job", keep_last=0)
        open_after = conn.in_transaction
        conn.close()

        assert not open_after

    def test_commits_the_callers_transaction(self, conn):
        """A transaction under way is committed with the snapshot, as in 1.0."""
        conn.execute("CREATE TABLE mine (x)")
        conn.execute("INSERT INTO mine VALUES (1)")
        assert conn.in_transaction

        save_snapshot_sqlite(conn, snapshot())

        assert not conn.in_transaction

    def test_keeps_how_it_came_to_this(self, conn):
        """The row holds the state before, the message type and the correlation id."""
        save_snapshot_sqlite(
            conn,
            snapshot("Busy"),
            from_state="Idle",
            message_type="start",
            correlation_id="c-1",
        )

        (row,) = list_snapshots_sqlite(conn, "job")
        assert row["from_state"] == "Idle"
        assert row["message_type"] == "start"
        assert row["correlation_id"] == "c-1"

    def test_row_factory_of_the_caller_does_not_matter(self, conn):
        """A connection that returns dicts works, and keeps its factory."""
        conn.row_factory = lambda cursor, row: {"row": row}

        save_snapshot_sqlite(conn, snapshot("Busy"))

        assert load_latest_snapshot_sqlite(conn, "job") == snapshot("Busy")
        assert list_snapshots_sqlite(conn, "job")[0]["current_state"] == "Busy"
        assert conn.execute("SELECT 1").fetchone() == {"row": (1,)}

    def test_what_is_no_json_is_named(self, conn):
        """A value that JSON cannot hold is refused, with its place."""
        with pytest.raises(PersistenceError, match=r"\$\.rules\[0\]\.when"):
            save_snapshot_sqlite(conn, snapshot(rules=[{"when": {1, 2}}]))

        assert list_snapshots_sqlite(conn, "job") == []

    @pytest.mark.parametrize("name", ["x'; DROP TABLE", "a\x00b", "🦎", '%_"`[]'])
    def test_hostile_names_are_plain_text(self, conn, name):
        """Names with metacharacters are stored and found as they are."""
        save_snapshot_sqlite(conn, snapshot(name=name))
        save_snapshot_sqlite(conn, snapshot())

        assert load_latest_snapshot_sqlite(conn, name).name == name
        assert len(list_snapshots_sqlite(conn, name)) == 1

    def test_half_a_surrogate_is_an_error_of_ours(self, conn):
        """A name that no encoding can hold ends in one clear error."""
        with pytest.raises(PersistenceError, match="surrogate"):
            save_snapshot_sqlite(conn, snapshot(name="\ud800"))
        with pytest.raises(PersistenceError, match="surrogate"):
            load_latest_snapshot_sqlite(conn, "\ud800")

    def test_locked_database_is_explained(self, tmp_path):
        """A database that another process writes says so, with what to do."""
        path = tmp_path / "s.db"
        holder, writer = sqlite3.connect(path), sqlite3.connect(path, timeout=0)
        save_snapshot_sqlite(holder, snapshot())
        holder.execute("BEGIN EXCLUSIVE")

        with pytest.raises(PersistenceError, match="locked") as caught:
            save_snapshot_sqlite(writer, snapshot())
        holder.close()
        writer.close()

        assert "Another process" in caught.value.fix
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)

    def test_file_that_is_no_database_is_explained(self, tmp_path):
        """Any file given as a database ends in a clear error."""
        path = tmp_path / "s.db"
        path.write_bytes(b"not a database, but long enough to look like one" * 20)
        conn = sqlite3.connect(path)

        with pytest.raises(PersistenceError, match="not a database"):
            save_snapshot_sqlite(conn, snapshot())
        with pytest.raises(PersistenceError, match="not a database"):
            load_latest_snapshot_sqlite(conn, "job")
        conn.close()


class TestOrder:
    def test_nothing_saved(self, conn):
        """An unknown component has no snapshot."""
        assert load_latest_snapshot_sqlite(conn, "job") is None
        assert list_snapshots_sqlite(conn, "job") == []

    def test_latest_is_by_time_not_by_row(self, conn):
        """A snapshot written later for an earlier instant is not the latest."""
        save_snapshot_sqlite(conn, snapshot("Late"), created_at=NOON)
        save_snapshot_sqlite(
            conn, snapshot("Early"), created_at=NOON - timedelta(days=1)
        )

        assert load_latest_snapshot_sqlite(conn, "job").current_state == "Late"

    def test_same_instant_is_ordered_by_id(self, conn):
        """Of two snapshots of one instant the later row is the latest."""
        for state in ("A", "B", "C"):
            save_snapshot_sqlite(conn, snapshot(state), created_at=NOON)

        states = [row["current_state"] for row in list_snapshots_sqlite(conn, "job")]
        assert states == ["C", "B", "A"]

    def test_offsets_from_utc_are_understood(self, conn):
        """14:30 at +03:00 is before noon UTC, although its text sorts after."""
        east = timezone(timedelta(hours=3))
        save_snapshot_sqlite(conn, snapshot("Noon"), created_at=NOON)
        save_snapshot_sqlite(
            conn,
            snapshot("East"),
            created_at=NOON.replace(tzinfo=east, hour=14, minute=30),
        )

        assert load_latest_snapshot_sqlite(conn, "job").current_state == "Noon"
        assert list_snapshots_sqlite(conn, "job")[1]["created_at"] == (
            "2026-05-01T11:30:00+00:00"
        )

    def test_naive_times_are_utc(self, conn):
        """A time without a zone is taken to be in UTC."""
        save_snapshot_sqlite(conn, snapshot(), created_at=NOON.replace(tzinfo=None))

        (row,) = list_snapshots_sqlite(conn, "job")
        assert row["created_at"] == "2026-05-01T12:00:00+00:00"

    def test_limit(self, conn):
        """A list is cut after `limit` rows; 0 is none, and less is refused."""
        for state in "ABC":
            save_snapshot_sqlite(conn, snapshot(state))

        assert len(list_snapshots_sqlite(conn, "job", limit=2)) == 2
        assert list_snapshots_sqlite(conn, "job", limit=0) == []
        with pytest.raises(ValueError, match="limit"):
            list_snapshots_sqlite(conn, "job", limit=-1)

    @given(
        st.lists(
            st.tuples(
                st.integers(-2 * 10**15, 4 * 10**15),
                st.integers(-14 * 60, 14 * 60),
            ),
            min_size=1,
            max_size=12,
        )
    )
    def test_any_mixture_is_ordered_by_instant(self, moments):
        """Whatever the zones, the list is by instant, then by id, newest first."""
        conn = sqlite3.connect(":memory:")
        aware = [
            (NOON + timedelta(microseconds=distance)).astimezone(
                timezone(timedelta(minutes=offset))
            )
            for distance, offset in moments
        ]
        for moment in aware:
            save_snapshot_sqlite(conn, snapshot(), created_at=moment)

        listed = [row["id"] for row in list_snapshots_sqlite(conn, "job", limit=99)]
        conn.close()

        expected = sorted(enumerate(aware, 1), key=lambda pair: (pair[1], pair[0]))
        assert listed == [row_id for row_id, _ in reversed(expected)]


class TestMigration:
    def test_original_layout_is_read(self, old):
        """A database of the original layout is read, and gains the new columns."""
        insert_state(old, "Busy", "2024-01-02T03:04:05.000006+00:00")

        assert load_latest_snapshot_sqlite(old, "job") == snapshot("Busy")
        save_snapshot_sqlite(old, snapshot("Done"), message_type="finish")

        listed = list_snapshots_sqlite(old, "job")
        assert [row["current_state"] for row in listed] == ["Done", "Busy"]
        assert [row["message_type"] for row in listed] == ["finish", None]
        assert [row["id"] for row in listed] == [2, 1]

    def test_old_times_with_mixed_offsets_sort_right(self, old):
        """Old rows are ordered by instant, not by the text of their time."""
        insert_state(old, "Third", "2024-01-01T12:00:00+00:00")
        insert_state(old, "First", "2024-01-01T13:30:00+05:00")
        insert_state(old, "Second", "2024-01-01 11:00:00")
        insert_state(old, "Unknown", "yesterday")

        states = [row["current_state"] for row in list_snapshots_sqlite(old, "job")]

        assert states == ["Third", "Second", "First", "Unknown"]

    def test_an_old_program_may_go_on_writing(self, conn):
        """A row written with four columns after the migration takes its place."""
        save_snapshot_sqlite(conn, snapshot("Ours"), created_at=NOON)
        insert_state(conn, "Theirs", "2026-05-01T12:00:01+00:00")

        assert load_latest_snapshot_sqlite(conn, "job").current_state == "Theirs"
        insert_state(conn, "Earlier", "2026-05-01T13:00:00+02:00")
        assert [row["current_state"] for row in list_snapshots_sqlite(conn, "job")] == [
            "Theirs",
            "Ours",
            "Earlier",
        ]
        insert_state(conn, "Latest", "2026-05-01T12:00:02Z")
        assert prune_snapshots_sqlite(conn, "job", keep_last=1) == 3
        assert load_latest_snapshot_sqlite(conn, "job").current_state == "Latest"

    def test_two_connections_migrate_at_once(self, tmp_path):
        """Connections that meet the old layout at once all get their answer."""
        path = tmp_path / "s.db"
        first = sqlite3.connect(path)
        first.executescript(FOUR_COLUMNS)
        insert_state(first, "Busy", "2024-01-02T03:04:05+00:00")
        first.close()
        seen = []

        def look():
            mine = sqlite3.connect(path)
            seen.append(load_latest_snapshot_sqlite(mine, "job"))
            mine.close()

        threads = [threading.Thread(target=look) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == [snapshot("Busy")] * 6

    def test_failed_migration_leaves_the_old_layout(self, old, monkeypatch):
        """An error half way through undoes what was done before it."""
        insert_state(old, "Busy", "2024-01-02T03:04:05+00:00")
        monkeypatch.setattr(
            "flexiflow.extras._snapshot_table._INDEX", "CREATE INDEX broken"
        )

        with pytest.raises(PersistenceError):
            load_latest_snapshot_sqlite(old, "job")

        columns = old.execute("PRAGMA table_info(flexiflow_snapshots)").fetchall()
        assert len(columns) == 4


class TestDamage:
    @pytest.mark.parametrize(
        "text", ["not json {", "[]", "3", "null", '{"name": "job"}', "[" * 100_000]
    )
    def test_corrupt_rows_are_named(self, conn, text):
        """A row that holds no snapshot fails on load and is marked in lists."""
        save_snapshot_sqlite(conn, snapshot(), created_at=NOON)
        insert(conn, "job", text, "2027-01-01T00:00:00+00:00")

        with pytest.raises(ValueError, match="Invalid JSON") as caught:
            load_latest_snapshot_sqlite(conn, "job")
        states = [row["current_state"] for row in list_snapshots_sqlite(conn, "job")]

        assert isinstance(caught.value, PersistenceError)
        assert states == ["invalid", "Idle"]


class TestPrune:
    def test_keeps_the_newest(self, conn):
        """The newest by time stay, of this component alone."""
        for day in (3, 1, 4, 2):
            save_snapshot_sqlite(
                conn, snapshot(f"S{day}"), created_at=NOON + timedelta(days=day)
            )
        save_snapshot_sqlite(conn, snapshot(name="other"))

        assert prune_snapshots_sqlite(conn, "job", keep_last=2) == 2
        states = [row["current_state"] for row in list_snapshots_sqlite(conn, "job")]
        assert states == ["S4", "S3"]
        assert len(list_snapshots_sqlite(conn, "other")) == 1

    def test_keep_is_another_spelling(self, conn):
        """`keep=` does what `keep_last=` does; the default keeps 10."""
        for _ in range(13):
            save_snapshot_sqlite(conn, snapshot(), created_at=NOON)

        assert prune_snapshots_sqlite(conn, "job") == 3
        assert prune_snapshots_sqlite(conn, "job", keep=4) == 6
        assert prune_snapshots_sqlite(conn, "job", keep=4) == 0
        assert prune_snapshots_sqlite(conn, "job", keep=0) == 4

    def test_negative_is_refused(self, conn):
        """A negative number to keep is a mistake, not "all"."""
        with pytest.raises(ValueError, match="keep_last"):
            prune_snapshots_sqlite(conn, "job", keep_last=-1)
