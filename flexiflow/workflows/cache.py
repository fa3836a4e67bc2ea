"""Keep results of tasks by what was computed from what: code and arguments."""

from __future__ import annotations

import inspect
import json
import logging
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ..extras._atomic import replace_file
from ._fingerprint import fingerprint
from .codec import decode, digest, encode
from .config import Configuration
from .errors import CodecError, StorageError
from .storage import FileStorage

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

__all__ = ["Hit", "ResultCache"]

_KEY_BYTES: Final = 20
_log: Final = logging.getLogger("flexiflow.workflows")


@final
@dataclass(frozen=True, slots=True)
class Hit:
    """A result that was found; it may be None, zero or empty."""

    value: Any  # Any: the result of a task
    """What the task returned."""


@final
class ResultCache:
    """Results in files of a folder, shared by executions and processes.

    Parameters
    ----------
    folder : str or path, optional
        Where the files are; made with the first result. ``cache_path`` of the
        settings, else ``cache`` in the home folder, when left out.

    Notes
    -----
    A file is replaced whole, so that writers may meet, and holds a checksum: what is
    damaged is left alone with a warning, and computed again. Nothing is ever dropped;
    remove the folder, or call :meth:`clear`, to begin anew. Methods block for the disk
    and may be called from any thread.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = None if folder is None else Path(folder)

    @property
    def folder(self) -> Path:
        """Where the files are."""
        if self._folder is not None:
            return self._folder
        settings = Configuration.get().settings
        return settings.cache_path or settings.home / "cache"

    @property
    def _storage(self) -> FileStorage:
        """Where arrays and tables within results are."""
        return FileStorage(self.folder / "values")

    @staticmethod
    def key(
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> str:
        """Return under which key the result of a call is kept.

        Parameters
        ----------
        function : callable
            Its module, its name and its code count, its defaults, the object that it is
            a method of, and what it uses that cannot change under it: constants,
            and the code of functions and classes that are not installed. What may
            change from call to call (lists, dicts, what it assigns itself) does not,
            nor what it imports or looks up within.
        args, kwargs : tuple, mapping
            What it is called with; ``f(1)``, ``f(x=1)`` and a call that gives a default
            are one call.

        Raises
        ------
        CodecError
            If an argument, or the object of a method, cannot be told from another,
            since it cannot be encoded.
        """
        parts = [fingerprint(function), _arguments(function, args, kwargs)]
        text = json.dumps(parts).encode()
        return blake2b(text, digest_size=_KEY_BYTES).hexdigest()

    def get(self, key: str) -> Hit | None:
        """Return the result of a key, or None when there is none that can be used."""
        path = self._path(key)
        try:
            head, _, text = path.read_text(encoding="utf-8").partition("\n")
            if head != _checksum(text):
                return self._unusable(path, "its checksum is wrong")
            return Hit(decode(text, fetch=self._storage.fetch_value))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, CodecError, StorageError) as error:
            return self._unusable(path, f"{type(error).__name__}: {error}")

    def put(self, key: str, value: Any) -> None:  # Any: the result of a task
        """Keep a result, in the place of an earlier one.

        Raises
        ------
        CodecError
            If it cannot be encoded.

        Notes
        -----
        A disk that takes nothing is warned of, and no reason for a task to fail.
        """
        path = self._path(key)
        try:
            text = encode(value, keep=self._storage.keep_value)
            replace_file(path, f"{_checksum(text)}\n{text}".encode())
        except (OSError, StorageError) as error:
            _log.warning("A result cannot be cached in %s: %s", path.parent, error)

    def clear(self) -> int:
        """Remove all results; return how many there were."""
        paths = list(self.folder.glob("??/*.json"))
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def _path(self, key: str) -> Path:
        """Return the file of a key."""
        return self.folder / key[:2] / f"{key}.json"

    @staticmethod
    def _unusable(path: Path, why: str) -> None:
        """Warn of a result that cannot be used; it is computed again."""
        what = why.partition("\n")[0]
        _log.warning("A cached result is left alone, %s: %s", path, what)


def _checksum(text: str) -> str:
    """Return the first line of a file: its form, and the checksum of the rest."""
    return f"1 {sha256(text.encode()).hexdigest()}"


def _arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    """Return the digest of a call's arguments, however they were given."""
    try:
        # what a decorator takes is its own affair: it may tell calls apart
        signature = inspect.signature(function, follow_wrapped=False)
        given = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):  # no signature, or none that fits
        return digest([list(args), dict(kwargs)], strict=True)
    values = {}
    for name, parameter in signature.parameters.items():
        default = parameter.default
        value = given.get(name, default)
        if value is parameter.empty:
            continue
        is_default = value is default and not _has_digest(value)
        values[name] = {"$default": name} if is_default else value
    return digest(values, strict=True)


def _has_digest(value: object) -> bool:
    """Return whether a value can be told from others by its digest."""
    try:
        digest(value, strict=True)
    except CodecError:
        return False
    return True
