"""Let one process at a time work on a component, and give up after a while."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..errors import ComponentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = ["component_lock"]

_POLL_S: Final = 0.01
_TELL_AFTER_S: Final = 1.0


@contextmanager
def component_lock(
    folder: Path, name: str, *, wait_s: float, tell: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock of a component for a ``with`` block.

    Parameters
    ----------
    folder : path
        Where the lock files are; made when absent.
    name : str
        The component's name, any text.
    wait_s : float
        Seconds to wait for another process.
    tell : callable
        Told once, in words, when the wait gets long.

    Raises
    ------
    ComponentError
        If another process still holds it after ``wait_s``.

    Notes
    -----
    The system lets go of the lock when the process ends, also when it is killed. The
    file stays: removing it would let two processes lock two files of one name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    descriptor = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, name, wait_s, tell)
        yield
    finally:
        os.close(descriptor)


def _acquire(
    descriptor: int, name: str, wait_s: float, tell: Callable[[str], None]
) -> None:
    """Take the lock, or raise when the time is over."""
    start = time.monotonic()
    told = False
    while not _try(descriptor):
        waited = time.monotonic() - start
        if waited >= wait_s:
            raise ComponentError(
                f"Another process is at work on '{name}'",
                why=f"It has held the component for more than {wait_s:g} s.",
                fix="End it (a `flexiflow serve` or `watch` holds its components), or "
                "wait longer: --wait SECONDS.",
                context={"component": name},
            )
        if waited >= _TELL_AFTER_S and not told:
            tell(f"waiting for another process that is at work on '{name}' ...")
            told = True
        time.sleep(_POLL_S)


def _try(descriptor: int) -> bool:
    """Take the lock if it is free."""
    try:
        if fcntl is None:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
