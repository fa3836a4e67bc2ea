"""Keep large values in files beside the database, by the digest of what is in them."""

from __future__ import annotations

import importlib
import io
import json
import pickle
import re
import sys
from abc import ABC, abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ..extras._atomic import replace_file
from .codec import decode
from .config import Configuration
from .errors import CodecError, StorageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

__all__ = ["FileStorage", "ValueStorage"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KINDS: Final = {
    "text": "json",
    "ndarray": "npy",
    "DataFrame": "parquet",
    "Series": "parquet",
    "pickle": "pkl",
}
"""What is kept, and how its files end."""
_COLUMN: Final = "values"
"""What the only column of a table is called that stands for a column."""


class ValueStorage(ABC):
    """Turns values into contents that are kept elsewhere, each under its SHA-256.

    Notes
    -----
    What is fetched is compared with its digest. Equal values share a content. Nothing
    is ever dropped. Methods block, and may be called from any thread.
    """

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the contents are, for people."""

    @abstractmethod
    def put(self, kind: str, digest: str, content: bytes) -> None:
        """Keep a content, unless it is there.

        Raises
        ------
        StorageError
            If it cannot be kept.
        """

    @abstractmethod
    def get(self, kind: str, digest: str) -> bytes:
        """Return a content.

        Raises
        ------
        StorageError
            If it is gone.
        """

    # --- encoded text: the results of tasks -------------------------------------------

    def keep(self, text: str) -> str:
        """Keep encoded text, and return encoded text that refers to it.

        Raises
        ------
        StorageError
            If it cannot be kept.
        """
        reference = self._keep("text", text.encode())
        return json.dumps({"$type": "kept", "value": reference}, separators=(",", ":"))

    def fetch(self, text: str) -> str:
        """Return the encoded text to which a reference leads.

        Parameters
        ----------
        text : str
            What :meth:`keep` returned; any other text is given back as it is.

        Raises
        ------
        StorageError
            If it is gone or damaged.
        """
        if not self.is_reference(text):
            return text
        return self._fetch(json.loads(text)["value"]).decode()

    @staticmethod
    def is_reference(text: str) -> bool:
        """Return whether encoded text refers to text in a file."""
        return text.startswith('{"$type":"kept","value":{"kind":"text",')

    # --- values that JSON has no place for --------------------------------------------

    def keep_value(self, value: object) -> dict[str, Any] | None:
        """Keep an array of NumPy, a table or column of pandas, or what was asked for.

        Parameters
        ----------
        value : object
            Anything.

        Returns
        -------
        dict or None
            JSON data for :meth:`fetch_value`; None for a value of another kind, unless
            the setting ``serializer`` is ``pkl``: it is pickled then.

        Raises
        ------
        CodecError
            If it is of these kinds, but would not come back as it is.
        """
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        try:
            if numpy is not None and type(value) is numpy.ndarray:
                return self._keep("ndarray", _array_bytes(numpy, value))
            if pandas is not None and type(value) is pandas.DataFrame:
                return self._keep("DataFrame", _table_bytes(pandas, value))
            if pandas is not None and type(value) is pandas.Series:
                return self._keep_column(pandas, value)
        except CodecError:
            if not _may_pickle():
                raise
        return self._keep("pickle", _pickled(value)) if _may_pickle() else None

    def fetch_value(self, reference: Mapping[str, Any]) -> Any:  # Any: as kept
        """Return the value to which a reference leads, also one of :meth:`keep`.

        Raises
        ------
        StorageError
            If it is gone or damaged.
        """
        if reference.get("kind") == "pickle" and not _may_pickle():
            raise StorageError(
                "A value was pickled, and may not be read",
                why="Reading a pickle runs what is in it; the setting serializer is "
                "'json'.",
                fix="If you trust who may write there: FLEXIFLOW_SERIALIZER=pkl",
                context={"place": self.place},
            )
        data = io.BytesIO(self._fetch(reference))
        if reference["kind"] == "pickle":
            return pickle.load(data)  # noqa: S301 - asked for, and its digest is right
        if reference["kind"] == "text":
            return decode(data.read().decode(), fetch=self.fetch_value)
        if reference["kind"] == "ndarray":
            numpy: Any = importlib.import_module("numpy")
            return numpy.load(data, allow_pickle=False)
        pandas: Any = importlib.import_module("pandas")
        table = pandas.read_parquet(data)
        if reference["kind"] == "DataFrame":
            return table
        return table[_COLUMN].rename(reference.get("name"))

    def _keep_column(self, pandas: Any, column: Any) -> dict[str, Any]:
        """Keep a column of pandas; the reference says its name."""
        data = _column_bytes(pandas, column)
        return {**self._keep("Series", data), "name": column.name}

    # --- contents ---------------------------------------------------------------------

    def _keep(self, kind: str, content: bytes) -> dict[str, Any]:
        """Keep a content; return a reference to it."""
        digest = sha256(content).hexdigest()
        self.put(kind, digest, content)
        return {"kind": kind, "sha256": digest, "size": len(content)}

    def _fetch(self, reference: Mapping[str, Any]) -> bytes:
        """Return the content to which a reference leads."""
        kind, digest = reference.get("kind"), str(reference.get("sha256"))
        # it becomes a part of a path
        if kind not in _KINDS or not _DIGEST.fullmatch(digest):
            raise StorageError(
                "What should refer to a file does not",
                why="It names no kind of value, or no SHA-256.",
                fix="The row was written by another program or damaged: restore the "
                "database from a backup.",
                context={"kind": kind, "sha256": digest},
            )
        content = self.get(str(kind), digest)
        if sha256(content).hexdigest() != digest:
            raise StorageError(
                "A value that was kept is damaged",
                why=f"The SHA-256 of the {kind} {digest[:12]} in {self.place} is not "
                "the one of its name.",
                fix="Put it back from a backup, or run the workflow again.",
                context={"sha256": digest, "size": len(content)},
            )
        return content


@final
class FileStorage(ValueStorage):
    """Values in files of a folder, each under the SHA-256 of its content.

    ``@task.with_options(output_storage=FileStorage())`` keeps the results of a task
    here; the journal then holds a reference of some hundred characters.

    Parameters
    ----------
    folder : str or path, optional
        Where the files are; made with the first value. ``local_storage_path`` of the
        settings, else ``storage`` in the home folder, when left out. Several machines
        need a folder that all of them see.

    Notes
    -----
    A file is written whole and forced to the disk before the reference to it is given
    out; what is read is compared with its digest. Equal values share a file. Nothing is
    ever dropped. Methods block for the disk and may be called from any thread.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = None if folder is None else Path(folder)

    @property
    def folder(self) -> Path:
        """Where the files are."""
        if self._folder is not None:
            return self._folder
        settings = Configuration.get().settings
        return settings.local_storage_path or settings.home / "storage"

    @property
    def place(self) -> str:
        """The folder, for people."""
        return str(self.folder)

    def put(self, kind: str, digest: str, content: bytes) -> None:
        """Write a file, unless its very content is there.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        path = self._path(kind, digest)
        try:
            there = path.stat().st_size == len(content) and path.read_bytes() == content
        except OSError:
            there = False
        try:
            if not there:
                replace_file(path, content)
        except OSError as error:
            raise StorageError(
                "A value cannot be kept in a file",
                why=f"{path}: {error.strerror or error}.",
                fix="Make room, or let the folder be written; another folder is set "
                "by FLEXIFLOW_LOCAL_STORAGE_PATH.",
                context={"file": str(path), "size": len(content)},
            ) from error

    def get(self, kind: str, digest: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        StorageError
            If it cannot be read.
        """
        path = self._path(kind, digest)
        try:
            return path.read_bytes()
        except OSError as error:
            raise StorageError(
                "A value that was kept in a file is gone",
                why=f"{path}: {error.strerror or error}.",
                fix="Put the file back from a backup, beside the database that refers "
                "to it; or run the workflow again.",
                context={"file": str(path)},
            ) from error

    def _path(self, kind: str, digest: str) -> Path:
        """Return the file of a content."""
        return self.folder / digest[:2] / f"{digest}.{_KINDS[kind]}"


def _may_pickle() -> bool:
    """Return whether the settings ask for pickles."""
    return Configuration.get().settings.serializer == "pkl"


def _pickled(value: object) -> bytes:
    """Return any value as bytes, by cloudpickle where it is installed."""
    try:
        dumps: Callable[[object], bytes] = importlib.import_module("cloudpickle").dumps
    except ImportError:
        dumps = pickle.dumps
    try:
        return dumps(value)
    except Exception as error:
        raise CodecError(
            f"A {type(value).__name__} cannot be pickled",
            why=f"{type(error).__name__}: {error}",
            fix="Return what it was made of: a path, not an open file; a URL, not a "
            "connection.",
        ) from error


# Any, below: NumPy and pandas are optional, and untyped from here.
def _array_bytes(numpy: Any, value: Any) -> bytes:
    """Return an array in NumPy's own format."""
    if value.dtype.hasobject:
        raise CodecError(
            "An array of Python objects cannot be stored",
            why=f"Its dtype is {value.dtype}; such arrays can only be pickled.",
            fix="Give it a dtype of numbers or text, or return value.tolist().",
        )
    data = io.BytesIO()
    numpy.save(data, value, allow_pickle=False)
    return data.getvalue()


def _column_bytes(pandas: Any, value: Any) -> bytes:
    """Return a column as a table of one."""
    if value.name is not None and type(value.name) is not str:
        raise CodecError(
            "A column of pandas cannot be stored as it is",
            why=f"Its name is a {type(value.name).__name__}, and not text.",
            fix="Give it a name of text, or none: value.rename(None).",
        )
    return _table_bytes(pandas, value.to_frame(_COLUMN))


def _table_bytes(pandas: Any, value: Any) -> bytes:
    """Return a table as Parquet, seen to come back as it is."""
    try:
        data: bytes = value.to_parquet()
        back = pandas.read_parquet(io.BytesIO(data))
        pandas.testing.assert_frame_equal(back, value)
        _compare_types(back, value)
    except ImportError as error:
        raise CodecError(
            "A table of pandas needs the package 'pyarrow' to be stored",
            why=f"{error}".partition("\n")[0],
            fix='Run: pip install pyarrow. Or return value.to_dict("list").',
        ) from error
    except (AssertionError, TypeError, ValueError, OSError) as error:
        raise CodecError(
            "A table of pandas cannot be stored as it is",
            why=f"{type(error).__name__}: {error}",
            fix="Give its columns text as names and one type each, or return "
            'value.to_dict("list").',
        ) from error
    return data


def _compare_types(one: Any, other: Any) -> None:
    """Refuse a table whose objects are of other types than those of another."""
    for place, kind in enumerate(other.dtypes):
        if kind.name == "object":
            pairs = zip(one.iloc[:, place], other.iloc[:, place], strict=True)
            for came, went in pairs:
                if type(came) is not type(went):
                    msg = f"a {type(went).__name__} comes back as {type(came).__name__}"
                    raise TypeError(msg)
