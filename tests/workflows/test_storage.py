"""Large values in files: found again as they were, or an error says why not."""

import json
import os
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.workflows import Runtime, pause, task, workflow
from flexiflow.workflows.codec import decode, encode
from flexiflow.workflows.config import Configuration
from flexiflow.workflows.errors import CodecError, StorageError
from flexiflow.workflows.storage import FileStorage


@pytest.fixture
def storage(tmp_path):
    """A storage in a folder that does not exist yet."""
    return FileStorage(tmp_path / "storage")


def files(storage):
    """Return the files of a storage."""
    return sorted(path for path in storage.folder.rglob("*") if path.is_file())


class TestText:
    @given(st.text())
    def test_is_found_again(self, tmp_path_factory, value):
        """Whatever the result is, its text comes back."""
        storage = FileStorage(tmp_path_factory.getbasetemp() / "storage")
        text = encode([value])

        assert storage.fetch(storage.keep(text)) == text

    def test_reference_is_short_and_is_json(self, storage):
        """The journal stays small."""
        reference = storage.keep(encode("x" * 100_000))

        assert len(reference) < 200
        assert json.loads(reference)["value"]["size"] == 100_002
        assert storage.is_reference(reference)

    def test_other_text_is_given_back(self, storage):
        """A result from before the option was set is still read."""
        for text in ('"text"', '{"$type":"kept"}', '{"kind":"text"}'):
            assert storage.fetch(text) == text
            assert not storage.is_reference(text)

    def test_equal_values_share_a_file(self, storage):
        """A retry or a replay adds nothing."""
        assert storage.keep('"x"') == storage.keep('"x"')
        assert storage.keep('"x"') != storage.keep('"y"')
        assert len(files(storage)) == 2

    def test_keeping_again_mends_a_damaged_file(self, storage):
        """A file is shared only if it holds what its name says."""
        reference = storage.keep('"good"')
        files(storage)[0].write_text('"evil"')

        assert storage.keep('"good"') == reference
        assert storage.fetch(reference) == '"good"'

    @pytest.mark.parametrize("damage", [b'"evil"', b"", b'"good" '])
    def test_damaged_file_is_an_error(self, storage, damage):
        """Nothing else is ever given back."""
        reference = storage.keep('"good"')
        files(storage)[0].write_bytes(damage)

        with pytest.raises(StorageError, match="is damaged"):
            storage.fetch(reference)

    def test_missing_file_is_an_error_with_its_path(self, storage):
        """So that it can be put back."""
        reference = storage.keep('"good"')
        files(storage)[0].unlink()

        with pytest.raises(StorageError, match="is gone") as caught:
            storage.fetch(reference)
        assert str(storage.folder) in str(caught.value)

    @pytest.mark.parametrize(
        "value",
        [
            {"kind": "text", "sha256": "../../etc/passwd"},
            {"kind": "text", "sha256": "a" * 63 + "/"},
            {"kind": "text", "sha256": None},
        ],
    )
    def test_reference_cannot_lead_elsewhere(self, storage, value):
        """A path is made of a digest only."""
        text = json.dumps({"$type": "kept", "value": value}, separators=(",", ":"))

        with pytest.raises(StorageError, match="should refer"):
            storage.fetch(text)

    def test_full_disk_is_an_error_of_the_step(self, tmp_path):
        """Before the reference counts."""
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(StorageError, match="cannot be kept"):
            FileStorage(tmp_path / "file").keep('"x"')

    def test_half_written_files_are_never_seen(self, storage, monkeypatch):
        """A crash before the end of writing leaves no file of that name."""

        def crash(_):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", crash)
        with pytest.raises(KeyboardInterrupt):
            storage.keep('"x"')
        assert files(storage) == []

    def test_folder_is_that_of_the_settings(self, tmp_path, monkeypatch):
        """The home folder's own, unless another one is set."""
        monkeypatch.setattr(Configuration, "_current", None)
        Configuration.get().override(home=tmp_path)
        assert FileStorage().folder == tmp_path / "storage"

        Configuration.get().override(local_storage_path=tmp_path / "elsewhere")
        assert FileStorage().folder == tmp_path / "elsewhere"


class TestValues:
    def through(self, storage, value):
        """Return a value after a way through the codec."""
        text = encode({"it": value}, keep=storage.keep_value)
        return decode(text, fetch=storage.fetch_value)["it"]

    @pytest.mark.parametrize(
        "value",
        [
            np.arange(12.0).reshape(4, -1)[:, ::-1],
            np.array([], dtype="int8"),
            np.array(["a", "ä"], dtype="U5"),
            np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
            np.array(["2026-11-20"], dtype="M8[D]"),
            np.float64([np.nan, np.inf]),
        ],
        ids=lambda value: str(value.dtype),
    )
    def test_arrays_come_back(self, storage, value):
        """With their shape and their type."""
        back = self.through(storage, value)

        assert back.dtype == value.dtype
        np.testing.assert_array_equal(back, value)

    def test_arrays_of_objects_are_refused(self, storage):
        """They could only be pickled."""
        with pytest.raises(CodecError, match="Python objects"):
            self.through(storage, np.array([{}], dtype=object))

    def test_tables_come_back(self, storage):
        """Numbers, text, times, missing values and the index."""
        table = pd.DataFrame(
            {
                "n": [1, 2],
                "x": [1.5, None],
                "text": ["a", None],
                "at": pd.to_datetime(["2026-11-20T07:00Z", None]),
                "kind": pd.Categorical(["b", "a"]),
            },
            index=pd.Index(["one", "two"], name="id"),
        )

        pd.testing.assert_frame_equal(self.through(storage, table), table)

    @pytest.mark.parametrize("name", [None, "price", "values"])
    def test_columns_come_back(self, storage, name):
        """A Series keeps its name, its index and its type."""
        column = pd.Series([1.5, None], index=["a", "b"], name=name)

        pd.testing.assert_series_equal(self.through(storage, column), column)

    def test_columns_of_another_name_are_refused(self, storage):
        """A file keeps text as names."""
        with pytest.raises(CodecError, match="as it is"):
            self.through(storage, pd.Series([1], name=3))

    @pytest.mark.parametrize(
        "value",
        [
            pd.Timestamp("2026-11-20T07:00:00.123456789"),
            pd.Timestamp("2026-10-25T00:30Z").tz_convert("Europe/Berlin").as_unit("s"),
            pd.Timestamp("2026-11-20T07:00", tz="+01:30"),
            pd.Timestamp("0001-01-01").as_unit("s"),
            pd.Timedelta(3, unit="ns"),
            pd.Timedelta(-5, unit="s").as_unit("ms"),
        ],
        ids=str,
    )
    def test_instants_and_durations_come_back(self, storage, value):
        """With their nanoseconds, their unit and their zone; no file is needed."""
        back = self.through(storage, value)

        assert (type(back), back, back.unit) == (type(value), value, value.unit)
        assert str(getattr(back, "tz", None)) == str(getattr(value, "tz", None))
        assert files(storage) == []

    @pytest.mark.parametrize("value", [pd.NaT, pd.NA], ids=str)
    def test_what_is_missing_comes_back(self, storage, value):
        """It is the one that pandas has."""
        assert self.through(storage, value) is value

    @pytest.mark.parametrize("column", [[1, "x", object()], [(1, 2), (3, 4)]])
    def test_tables_that_would_change_are_refused(self, storage, column):
        """Columns of mixed types; tuples, which would come back as arrays."""
        with pytest.raises(CodecError, match="as it is") as caught:
            self.through(storage, pd.DataFrame({"a": column}))
        assert "to_dict" in caught.value.fix

    def test_result_with_an_array_may_be_in_a_file_itself(self, storage):
        """A reference to a text in which there are references."""
        text = encode({"it": np.arange(3)}, keep=storage.keep_value)
        back = decode(storage.keep(text), fetch=storage.fetch_value)

        np.testing.assert_array_equal(back["it"], np.arange(3))

    def test_other_values_are_not_taken(self, storage):
        """The codec has its own word for them."""
        assert storage.keep_value({"a": 1}) is None
        assert storage.keep_value(object()) is None
        assert files(storage) == []


class Handle:
    """A value that JSON has no place for."""

    def __init__(self, number):
        self.number = number


class TestPickles:
    @pytest.fixture(autouse=True)
    def own_settings(self, tmp_path, monkeypatch):
        """Settings that nobody else has changed."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(Configuration, "_current", None)

    @pytest.mark.parametrize(
        "value", [Handle(5), np.array([{"a": 1}], dtype=object), {"in": Handle(5)}]
    )
    def test_are_made_only_where_that_is_asked_for(self, storage, value):
        """Then any value comes back."""
        with pytest.raises(CodecError):
            encode(value, keep=storage.keep_value)
        Configuration.get().override(serializer="pkl")
        text = encode(value, keep=storage.keep_value)

        assert type(decode(text, fetch=storage.fetch_value)) is type(value)
        assert "sha256" in text

    def test_are_read_only_where_that_is_asked_for(self, storage):
        """A database that somebody else wrote runs no code."""
        with Configuration.get().override(serializer="pkl"):
            text = encode(Handle(5), keep=storage.keep_value)

        with pytest.raises(StorageError, match="may not be read") as caught:
            decode(text, fetch=storage.fetch_value)
        assert "FLEXIFLOW_SERIALIZER=pkl" in caught.value.fix

    def test_what_cannot_be_pickled_is_a_clear_error(self, storage):
        """As for the codec."""
        Configuration.get().override(serializer="pkl")

        with pytest.raises(CodecError, match="cannot be pickled"):
            encode(threading.Lock(), keep=storage.keep_value)


class TestResults:
    def test_arrays_and_tables_are_results_and_inputs(self, tmp_path):
        """In a workflow and in its replay, by reference."""
        table = pd.DataFrame({"n": range(1000)})

        @task
        async def squared(array):
            return array**2

        @workflow
        async def science(ctx):
            return await squared(ctx.input["a"]), ctx.input["t"], await pause("look")

        with Runtime(home=tmp_path / "home", durability="process"):
            first = science.run({"a": np.arange(1000.0), "t": table})
        with Runtime(home=tmp_path / "home", durability="process"):
            array, back, answer = science.resume(first.execution_id, 0).output

        np.testing.assert_array_equal(array, np.arange(1000.0) ** 2)
        pd.testing.assert_frame_equal(back, table)
        assert answer == 0
        assert len(list((tmp_path / "home/storage").rglob("*.npy"))) == 2
