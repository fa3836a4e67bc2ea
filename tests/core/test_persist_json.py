"""Rules of the JSON file: round trip, damage, and a file that is never half written."""

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.component import AsyncComponent
from flexiflow.engine import FlexiFlowEngine
from flexiflow.errors import PersistenceError, StateError
from flexiflow.extras import (
    ComponentSnapshot,
    load_snapshot,
    restore_component,
    save_component,
    take_snapshot,
)
from flexiflow.extras.persist_json import snapshot_from_json, snapshot_to_json
from flexiflow.state_machine import State, StateMachine, StateRegistry

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
SNAPSHOTS = st.builds(
    ComponentSnapshot,
    name=st.text(min_size=1),
    current_state=st.text(min_size=1),
    rules=st.lists(JSON, max_size=3),
    metadata=st.dictionaries(st.text(), JSON, max_size=3),
    data=st.none() | st.dictionaries(st.text(), JSON, max_size=3),
)


def component(state="InitialState", rules=()):
    """Make a component over the built-in states."""
    return AsyncComponent("job", rules, StateMachine.from_name(state))


class TestSnapshot:
    @given(SNAPSHOTS)
    def test_text_round_trip(self, snapshot):
        """What is written as JSON is read back equal, whatever it holds."""
        text = snapshot_to_json(snapshot)

        assert text.isascii()
        assert snapshot_from_json(text, "x") == snapshot

    def test_of_a_component(self):
        """A snapshot names the state as the registry does, and holds the rules."""
        taken = take_snapshot(component("ErrorHandling", [{"r": 1}]), {"v": 2})

        assert taken == ComponentSnapshot("job", "ErrorHandling", [{"r": 1}], {"v": 2})
        assert taken.data is None

    @pytest.mark.parametrize(
        "value",
        [object(), {1, 2}, b"x", float, pytest.param(10**5000, id="huge")],
    )
    def test_what_is_no_json_is_named(self, value):
        """A value that JSON cannot hold is refused with its place."""
        snapshot = ComponentSnapshot("job", "Idle", [{"ok": [1, value]}])

        with pytest.raises(PersistenceError, match=r"\$\.rules\[0\]\.ok\[1\]"):
            snapshot_to_json(snapshot)

    def test_keys_are_text(self):
        """A key that JSON cannot hold is named as well."""
        snapshot = ComponentSnapshot("job", "Idle", [{("a", 1): 2}])

        with pytest.raises(PersistenceError, match=r"\('a', 1\) \(tuple\)"):
            snapshot_to_json(snapshot)

    def test_what_contains_itself_is_refused(self):
        """A circle is an error of ours, not an endless text."""
        circle = []
        circle.append(circle)

        with pytest.raises(PersistenceError, match="no JSON data"):
            snapshot_to_json(ComponentSnapshot("job", "Idle", circle))


class TestSave:
    def test_round_trip(self, tmp_path):
        """A component that is saved can be loaded, with what was added."""
        path = tmp_path / "deep" / "er" / "s.json"
        save_component(component("AwaitingConfirmation", [{"r": "ü"}]), path, {"v": 1})

        assert load_snapshot(path) == ComponentSnapshot(
            "job", "AwaitingConfirmation", [{"r": "ü"}], {"v": 1}
        )
        assert load_snapshot(str(path)).metadata == {"v": 1}

    def test_readable_by_the_published_release(self, tmp_path):
        """The file is an object with the four published keys."""
        path = tmp_path / "s.json"
        save_component(component(), path)

        assert json.loads(path.read_text()) == {
            "name": "job",
            "current_state": "InitialState",
            "rules": [],
            "metadata": {},
        }

    def test_refused_value_leaves_the_old_file(self, tmp_path):
        """When a component cannot be written, what was saved before stays."""
        path = tmp_path / "s.json"
        save_component(component(), path)

        with pytest.raises(PersistenceError):
            save_component(component(rules=[object()]), path)

        assert load_snapshot(path).current_state == "InitialState"
        assert [item.name for item in tmp_path.iterdir()] == ["s.json"]

    def test_full_disk_leaves_the_old_file(self, tmp_path, monkeypatch):
        """An error while writing leaves the old file, and no other beside it."""
        path = tmp_path / "s.json"
        save_component(component(), path)

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("flexiflow.extras._atomic.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            save_component(component("ErrorHandling"), path)

        assert load_snapshot(path).current_state == "InitialState"
        assert [item.name for item in tmp_path.iterdir()] == ["s.json"]

    def test_file_and_folder_are_forced_to_the_disk(self, tmp_path, monkeypatch):
        """The content is on the disk before the rename, the rename before the end."""
        steps = []
        fsync, replace = os.fsync, type(tmp_path).replace

        def note_sync(descriptor):
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            steps.append("sync folder" if is_folder else "sync file")
            fsync(descriptor)

        def note_rename(path, target):
            steps.append("rename")
            return replace(path, target)

        monkeypatch.setattr("flexiflow.extras._atomic.os.fsync", note_sync)
        monkeypatch.setattr(type(tmp_path), "replace", note_rename)
        save_component(component(), tmp_path / "s.json")

        assert steps == ["sync file", "rename", "sync folder"]

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes or links")
    def test_keeps_mode_and_link(self, tmp_path):
        """A private file stays private, and a link stays a link to the new content."""
        path, link = tmp_path / "s.json", tmp_path / "link.json"
        save_component(component(), path)
        path.chmod(0o600)
        link.symlink_to(path)

        save_component(component("ErrorHandling"), link)

        assert link.is_symlink()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_snapshot(path).current_state == "ErrorHandling"


class TestLoad:
    def test_missing_file(self, tmp_path):
        """A file that does not exist is Python's own error."""
        with pytest.raises(FileNotFoundError, match="State file not found"):
            load_snapshot(tmp_path / "none.json")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"", "Invalid JSON"),
            (b'{"name": "job", "current_st', "Invalid JSON"),
            (b"\xff\xfe\x00", "Invalid JSON"),
            (b"[" * 100_000, "Invalid JSON"),
            (b'{"name": ' + b"9" * 5000 + b"}", "Invalid JSON"),
            (b"[]", "must contain a JSON object"),
            (b'{"current_state": "Idle"}', "missing required field: 'name'"),
            (b'{"name": "", "current_state": "Idle"}', "field: 'name'"),
            (b'{"name": "job"}', "missing required field: 'current_state'"),
            (b'{"name": "job", "current_state": 3}', "field: 'current_state'"),
            (b'{"name": "j", "current_state": "I", "rules": {}}', "'rules' field"),
            (b'{"name": "j", "current_state": "I", "metadata": []}', "'metadata'"),
            (b'{"name": "j", "current_state": "I", "data": 1}', "'data' field"),
        ],
    )
    def test_damaged_file(self, tmp_path, text, message):
        """Whatever stands in the file ends in one clear error with the path."""
        path = tmp_path / "s.json"
        path.write_bytes(text)

        with pytest.raises(PersistenceError, match=message) as caught:
            load_snapshot(path)

        assert isinstance(caught.value, ValueError)
        assert caught.value.context["path"] == str(path)

    def test_folder_instead_of_a_file(self, tmp_path):
        """A path that cannot be read is a clear error."""
        with pytest.raises(PersistenceError, match="Cannot read"):
            load_snapshot(tmp_path)


class TestRestore:
    async def test_comes_back_and_works(self):
        """A restored component is registered, in its state, and goes on from there."""
        engine = FlexiFlowEngine()
        snapshot = ComponentSnapshot("job", "ProcessingRequest", [{"r": 1}])

        restored = restore_component(snapshot, engine)
        result = await engine.handle_message("job", "complete")
        restored.rules.append({"r": 2})

        assert engine.get("job") is restored
        assert result.to_state == "InitialState"
        assert snapshot.rules == [{"r": 1}]

    async def test_own_registry(self):
        """The state is looked up in the registry that is given."""

        class Mine(State):
            """Do nothing."""

        registry = StateRegistry()
        registry.register("Special", Mine)
        snapshot = ComponentSnapshot("job", "Special")

        restored = restore_component(snapshot, FlexiFlowEngine(), registry)

        assert restored.state == "Special"
        with pytest.raises(StateError, match="Unknown state: 'Special'"):
            restore_component(snapshot, FlexiFlowEngine())

    async def test_chart_needs_its_config(self):
        """A chart's snapshot alone cannot come back, and says what is missing."""
        snapshot = ComponentSnapshot("door", "closed", data={"version": 1})

        with pytest.raises(PersistenceError, match="without its config"):
            restore_component(snapshot, FlexiFlowEngine())
