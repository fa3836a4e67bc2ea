"""The key of the secrets: from the settings, or from a file made on first use."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import stat
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ._fernet import KEY_BYTES, new_key
from .errors import SecretError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "key_of_file", "key_of_text"]

KEY_FILE: Final = "secrets.key"
"""The file in the home folder that holds the key."""
_COST: Final = 2**14
"""scrypt's N, with r=8 and p=1: 16 MiB and about 50 ms (RFC 7914, section 2)."""


def key_of_text(text: str, salt: bytes) -> bytes:
    """Return the key that ``security.encryption_key`` stands for.

    Parameters
    ----------
    text : str
        A Fernet key (32 bytes as URL-safe base64), used as it is, or any text.
    salt : bytes
        Of the store, so that one text gives each store another key.
    """
    return _decoded(text.encode()) or _derived(text, salt)


@lru_cache(maxsize=4)
def _derived(text: str, salt: bytes) -> bytes:
    """Return the key derived from a passphrase; slow by intent."""
    return hashlib.scrypt(
        text.encode("utf-8", "surrogatepass"),
        salt=salt, n=_COST, r=8, p=1, maxmem=2**26, dklen=KEY_BYTES,
    )  # fmt: skip


def _decoded(text: bytes) -> bytes | None:
    """Return the key of 32 bytes that a text writes out, or None."""
    try:
        key = base64.urlsafe_b64decode(text.strip())
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def key_of_file(folder: Path, *, make: bool) -> bytes | None:
    """Return the key in a folder, made when there is none.

    Parameters
    ----------
    folder : path
        The home folder; made when absent, with a ``.gitignore``, for a key must not
        find its way into a repository.
    make : bool
        Whether to make a key; without, the answer may be None.

    Raises
    ------
    SecretError
        If others may read the file, or it holds no key.
    """
    path = folder / KEY_FILE
    if make and not path.exists():
        _make(path)
    try:
        found = os.stat(path)  # noqa: PTH116 - a link is followed
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
        raise SecretError(
            "The key of the secrets can be read by others",
            why=f"{path} has the mode {stat.S_IMODE(found.st_mode):04o}.",
            fix=f"chmod 600 {path}\nIf others had a look, change the secrets as well.",
            context={"file": str(path)},
        )
    key = _decoded(text)
    if key is None:
        raise SecretError(
            "The key of the secrets is damaged",
            why=f"{path} does not hold 32 bytes as base64.",
            fix="Restore it from a backup. Without it the secrets cannot be read: "
            f"remove it and {path.with_name('secrets.db')}, and save them again.",
            context={"file": str(path)},
        )
    return key


def _make(path: Path) -> None:
    """Make the key's file, whole or not at all; the first of several makers wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        ignored = path.with_name(".gitignore")
        with ignored.open("x", encoding="utf-8") as file:
            file.write("# what FlexiFlow keeps, keys among it\n*\n")
    temporary = path.with_name(f".{KEY_FILE}.{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(temporary, flags, 0o600)
        try:
            os.write(descriptor, new_key() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
