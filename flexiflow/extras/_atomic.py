"""Replace a file whole: a crash at any instant leaves the old or the new one."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that no reader and no crash ever meets half of it.

    Parameters
    ----------
    path : str or path
        The file; folders above it are made. A link is followed, and stays a link.
    content : bytes
        All that the file holds afterwards.

    Raises
    ------
    OSError
        If the disk is full, the folder cannot be written, and so on. The old file is
        untouched then, and no temporary one is left.

    Notes
    -----
    The bytes go to a temporary file in the same folder, are forced to the disk, and the
    file is renamed over the old one; then the folder itself is forced to the disk, so
    that the new name survives a power cut. The mode of the old file is kept. A process
    killed in between may leave ``.<name>.<token>.tmp`` behind, which nothing reads.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    token = os.urandom(6).hex()
    temporary = target.with_name(f".{target.name[:200]}.{token}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)
    try:
        try:
            _keep_mode(target, descriptor)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _force_folder(target.parent)


def _keep_mode(target: Path, descriptor: int) -> None:
    """Give the new file the permissions of the one that it replaces."""
    if not hasattr(os, "fchmod"):
        return
    with contextlib.suppress(FileNotFoundError):
        os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))


def _write_all(descriptor: int, content: bytes) -> None:
    """Write every byte; one call may take fewer than it was given."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _force_folder(folder: Path) -> None:
    """Force the folder's entries to the disk, where the system can do that."""
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
