"""Rules of `engine.persist` and `engine.restore`: what is safe when, what returns."""

import asyncio
import sqlite3

import pytest

from flexiflow.component import AsyncComponent
from flexiflow.config_loader import ConfigLoader
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import PersistenceError, StateError
from flexiflow.extras import SnapshotStore
from flexiflow.logger import correlation_id
from flexiflow.state_machine import State, StateMachine, StateRegistry

CONFIG = {"name": "job", "rules": [{"r": 1}], "initial_state": "InitialState"}

GATE = {
    "name": "gate",
    "context": {"coins": 0},
    "initial_state": "locked",
    "states": {
        "locked": {
            "on": {
                "coin": {"to": "unlocked", "do": {"add": {"coins": 1}}},
                "knock": {"do": {"add": {"coins": 2}}},
            }
        },
        "unlocked": {"on": {"push": "locked"}},
    },
}


@pytest.fixture
async def store(tmp_path):
    """An empty store in a file."""
    async with SnapshotStore(tmp_path / "s.db") as opened:
        yield opened


@pytest.fixture
async def engine():
    """An engine."""
    async with FlexiFlowEngine() as made:
        yield made


class Ping(State):
    """Send the component two more messages while handling one."""

    async def handle_message(self, message, component):
        """Queue them, and move."""
        if message["type"] == "ping":
            await component.send("one")
            await component.send("two")
        return True, Pong()


class Pong(State):
    """Go to and fro."""

    async def handle_message(self, message, component):
        """Move back."""
        return True, Ping()


class TestPersist:
    async def test_each_change_is_a_row(self, engine, store):
        """A row tells the state before, the message and its correlation id."""
        engine.create_component(CONFIG)
        engine.persist(store)

        with correlation_id("story-1"):
            await engine.handle_message("job", "start")
        await engine.handle_message("job", "confirm", content="confirmed")

        newest, oldest = store.history("job")
        assert oldest["from_state"] == "InitialState"
        assert oldest["current_state"] == "AwaitingConfirmation"
        assert oldest["message_type"] == "start"
        assert oldest["correlation_id"] == "story-1"
        assert newest["current_state"] == "ProcessingRequest"

    async def test_saved_before_the_sender_hears(self, engine, store):
        """When the result is there, another connection sees the snapshot."""
        component = engine.create_component(CONFIG)
        engine.persist(store)
        other = sqlite3.connect(store.path)
        seen = []

        for _ in range(5):
            for message in ("start", "cancel"):
                await component.send(message)
                seen.append(
                    other.execute("SELECT count(*) FROM flexiflow_snapshots").fetchone()
                )
        other.close()

        assert seen == [(n,) for n in range(1, 11)]

    async def test_ignored_messages_leave_no_row(self, engine, store):
        """What changes nothing is not saved."""
        component = engine.create_component(CONFIG)
        engine.persist(store)

        await component.send("nonsense")
        await component.send("start")
        await component.send("nonsense")

        assert len(store.history("job")) == 1

    async def test_changed_rules_are_saved_with_the_next_message(self, engine, store):
        """Rules belong to the snapshot, also when the message itself does nothing."""
        component = engine.create_component(CONFIG)
        engine.persist(store)

        await component.update_rules([{"r": 2}])
        await component.send("nonsense")

        assert store.load_latest("job").rules == [{"r": 1}, {"r": 2}]

    async def test_components_of_before_and_after(self, engine, store):
        """Components registered later are saved as well."""
        engine.create_component({**CONFIG, "name": "before"})
        engine.persist(store)
        engine.create_component({**CONFIG, "name": "after"})

        await asyncio.gather(
            engine.handle_message("before", "start"),
            engine.handle_message("after", "start"),
        )

        assert store.names() == ["after", "before"]

    async def test_messages_sent_from_within(self, engine, store):
        """Messages that a handling sends to its own component are rows of their own."""
        component = AsyncComponent("job", [], StateMachine(Ping(), StateRegistry()))
        engine.register(component)
        engine.persist(store)

        await component.send("ping")

        rows = store.history("job")
        assert [row["message_type"] for row in rows] == ["two", "one", "ping"]
        assert len({row["correlation_id"] for row in rows}) == 1

    async def test_order_under_load(self, engine, store):
        """Rows are in the order in which the messages were handled."""
        component = engine.create_component(CONFIG)
        engine.persist(store, keep_last=200)

        results = await asyncio.gather(
            *[component.send(("start", "cancel")[n % 2]) for n in range(100)]
        )

        rows = store.history("job", limit=200)
        assert [row["from_state"] for row in reversed(rows)] == [
            result.from_state for result in results
        ]
        assert [row["correlation_id"] for row in reversed(rows)] == [
            result.correlation_id for result in results
        ]

    async def test_keeps_so_many(self, engine, store):
        """`keep_last` bounds the rows of each component."""
        component = engine.create_component(CONFIG)
        engine.persist(store, 3)

        for _ in range(4):
            await component.send("start")
            await component.send("cancel")

        assert len(store.history("job")) == 3

    async def test_failed_save_is_the_senders(self, engine, store):
        """A snapshot that cannot be saved is told; the next message saves it."""
        component = engine.create_component(CONFIG)
        engine.persist(store)
        component.rules.append(object())

        with pytest.raises(PersistenceError, match=r"\$\.rules\[1\]"):
            await component.send("start")
        component.rules.pop()
        await component.send("nonsense")

        assert component.state == "AwaitingConfirmation"
        assert store.load_latest("job").current_state == "AwaitingConfirmation"

    async def test_failed_commit_is_the_senders(self, engine, store):
        """A database that refuses is told too, and what was missed is made up for."""
        component = engine.create_component(CONFIG)
        engine.persist(store)
        other = sqlite3.connect(store.path)
        other.executescript(
            "CREATE TRIGGER full BEFORE INSERT ON flexiflow_snapshots "
            "BEGIN SELECT raise(ABORT, 'disk is full'); END;"
        )
        with pytest.raises(PersistenceError, match="disk is full"):
            await component.send("start")
        other.executescript("DROP TRIGGER full")
        other.close()
        await component.send("nonsense")

        assert store.load_latest("job").current_state == "AwaitingConfirmation"

    async def test_path_is_opened_and_closed(self, tmp_path):
        """A store opened by the engine is closed with it, everything saved."""
        async with FlexiFlowEngine() as engine:
            engine.create_component(CONFIG)
            store = engine.persist(tmp_path / "s.db")
            await engine.handle_message("job", "start")

        with pytest.raises(PersistenceError, match="closed"):
            store.load_latest("job")
        with SnapshotStore(tmp_path / "s.db") as again:
            assert again.load_latest("job").current_state == "AwaitingConfirmation"

    async def test_component_that_left_is_not_saved(self, engine, store):
        """A component belongs to the engine's store as long as to the engine."""
        component = engine.create_component(CONFIG)
        engine.persist(store)
        engine.unregister("job")

        async with FlexiFlowEngine() as other:
            other.register(component)
            await component.send("start")

        assert store.names() == []

    async def test_engine_that_was_closed_saves_nothing(self, tmp_path):
        """A component of a closed engine works on in another."""
        async with FlexiFlowEngine() as engine:
            component = engine.create_component(CONFIG)
            engine.persist(tmp_path / "s.db")
        async with FlexiFlowEngine() as other:
            other.register(component)
            result = await component.send("start")

        assert result.proceeded

    async def test_own_store_stays_open(self, store):
        """A store that was handed in stays the caller's."""
        async with FlexiFlowEngine() as engine:
            engine.create_component(CONFIG)
            engine.persist(store)
            await engine.handle_message("job", "start")

        assert len(store.history("job")) == 1

    async def test_again_moves_to_the_new_store(self, engine, tmp_path):
        """A second call saves to the new store from then on."""
        component = engine.create_component(CONFIG)
        first = engine.persist(tmp_path / "a.db")
        await component.send("start")
        second = engine.persist(tmp_path / "b.db")
        await component.send("cancel")

        assert len(first.history("job")) == 1
        assert len(second.history("job")) == 1


class TestCorrelation:
    async def test_one_id_through_everything(self, engine, store, capsys):
        """One id leads from the log to the events, the row and the history."""
        engine.create_component(CONFIG)
        engine.persist(store)
        history = engine.event_bus.keep_history()

        with correlation_id("story-9"):
            result = await engine.handle_message("job", "start")
        await engine.handle_message("job", "cancel")

        log = [
            line for line in capsys.readouterr().err.splitlines() if "story-9" in line
        ]
        told = [
            event.name
            for event in history.after(0)
            if event.correlation_id == "story-9"
        ]
        conn = sqlite3.connect(store.path)
        query = "SELECT message_type FROM flexiflow_snapshots WHERE correlation_id = ?"
        rows = conn.execute(query, ("story-9",)).fetchall()
        conn.close()
        assert result.correlation_id == "story-9"
        assert [line.split(" - ", 4)[4] for line in log] == [
            "job transitioned to AwaitingConfirmation"
        ]
        assert told == [
            "component.message.received",
            "state.changed",
            "component.message.handled",
        ]
        assert rows == [("start",)]
        assert len(store.history("job", correlation_id="story-9")) == 1


class TestRestore:
    async def test_goes_on_where_it_was(self, tmp_path):
        """An application that starts again finds its component as it was."""
        path = tmp_path / "s.db"
        async with FlexiFlowEngine() as engine:
            engine.persist(path)
            component = engine.restore(path, CONFIG)
            await component.send("start")
            await component.update_rules([{"r": 2}])
            await component.send("confirm", "confirmed")

        async with FlexiFlowEngine() as engine:
            engine.persist(path)
            again = engine.restore(path, ConfigLoader.load_component_config(CONFIG))
            state, rules = again.state, list(again.rules)
            await again.send("complete")

        assert (state, rules) == ("ProcessingRequest", [{"r": 1}, {"r": 2}])
        with SnapshotStore(path) as store:
            assert store.load_latest("job").current_state == "InitialState"
            assert len(store.history("job")) == 3

    async def test_nothing_saved(self, engine, store):
        """Without a snapshot the component begins as its config says."""
        component = engine.restore(store, CONFIG)

        assert (component.state, component.rules) == ("InitialState", [{"r": 1}])
        assert engine.get("job") is component

    async def test_chart_comes_back_whole(self, tmp_path):
        """A chart comes back with its data, and goes on counting."""
        path = tmp_path / "s.db"
        async with FlexiFlowEngine() as engine:
            engine.persist(path)
            component = engine.restore(path, GATE)
            await component.send("knock")
            await component.send("coin")

        async with FlexiFlowEngine() as engine:
            again = engine.restore(path, GATE)
            assert (again.state, again.context) == ("unlocked", {"coins": 3})
            await again.send("push")
            assert again.state == "locked"
            assert again.context == {"coins": 3}

    async def test_chart_state_that_is_gone(self, engine, store):
        """A chart that has lost the saved state cannot be restored, and says so."""
        engine.persist(store)
        await engine.create_component(GATE).send("coin")
        states = {
            "locked": {"on": {"coin": "open"}},
            "open": {"on": {"push": "locked"}},
        }

        async with FlexiFlowEngine() as other:
            with pytest.raises(PersistenceError, match="unlocked"):
                other.restore(store, {**GATE, "states": states})
            assert other.get("gate") is None

    async def test_state_that_is_gone(self, engine, store):
        """A saved state that the config lacks is an error; nothing is registered."""
        engine.persist(store)
        registry = StateRegistry()
        registry.register("Gone", Pong)
        registry.register("Next", Ping)
        component = AsyncComponent("job", [], StateMachine.from_name("Gone", registry))
        engine.register(component)
        await component.send("x")
        await component.send("x")

        async with FlexiFlowEngine() as other:
            with pytest.raises(StateError, match="Gone"):
                other.restore(store, CONFIG)
            assert other.get("job") is None
