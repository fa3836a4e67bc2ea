"""Tell which processes live: each owner holds a lock that ends with its process."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["OwnerLock", "is_held"]

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.")


@final
class OwnerLock:
    """Owns the lock file of this process; let go by :meth:`release` or at its end.

    Parameters
    ----------
    folder : path
        Where the lock files of all owners are; made when absent.

    Raises
    ------
    OSError
        If the file cannot be made.

    Notes
    -----
    The name is never used again, so that a file without a lock means a dead process.
    The system gives the lock up when the process ends, ``kill -9`` included; a forked
    child calls :meth:`forget`, or it would keep its parent alive.
    """

    def __init__(self, folder: Path) -> None:
        host = "".join(c for c in socket.gethostname().lower() if c in _PLAIN)
        self.name = f"{host[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = _path(folder, self.name)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        _take(self._descriptor, shared=False)

    def release(self) -> None:
        """Let go of the lock and remove the file."""
        os.close(self._descriptor)
        with suppress(OSError):
            self._path.unlink()

    def forget(self) -> None:
        """Close the file without a word to the process that forked this one."""
        os.close(self._descriptor)


def is_held(folder: Path, owner: str) -> bool:
    """Return whether the process of an owner lives; remove what a dead one left.

    Raises
    ------
    OSError
        If the lock file is there but cannot be asked.
    """
    if not owner or "/" in owner or os.sep in owner:
        return False
    path = _path(folder, owner)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        held = not _take(descriptor, shared=True)
    finally:
        os.close(descriptor)
    if not held:
        with suppress(OSError):
            path.unlink()
    return held


def _path(folder: Path, owner: str) -> Path:
    """Return the lock file of an owner."""
    return folder / f"{owner}.lock"


def _take(descriptor: int, *, shared: bool) -> bool:
    """Take a lock if it is free; those who only ask share it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
