"""Secrets in a database of their own: names in clear, values as tokens."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, final

from ._fernet import Cipher, TokenError, cipher_of
from ._secret_key import key_of_file, key_of_text
from .errors import SecretError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["STORE_FILE", "SecretStore"]

STORE_FILE: Final = "secrets.db"
"""The file in the home folder that holds the secrets."""
_WAIT_S: Final = 10.0
_SALT_BYTES: Final = 16
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS secrets(name TEXT PRIMARY KEY, token BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


@final
class SecretStore:
    """The secrets of a home folder.

    Parameters
    ----------
    folder : path
        The home folder; nothing is made in it before something is saved.
    key : str or None
        ``security.encryption_key``; None: the key of the folder's own file.

    Notes
    -----
    A value is encrypted together with its name: a token that somebody moves to another
    name is refused. Each call opens the database anew, so that threads and processes
    may share the store.
    """

    def __init__(self, folder: Path, key: str | None) -> None:
        self._folder = folder
        self._key = key
        self.path: Final = folder / STORE_FILE

    def save(self, name: str, value: Any) -> None:  # Any: JSON data
        """Keep a value, in the place of the one of that name."""
        data = json.dumps([name, value]).encode()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # SQLite gives the files that it puts beside the database the same mode
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with self._open(write=True) as db:
                token = self._cipher(db, make=True).encrypt(data)
                db.execute(
                    "INSERT OR REPLACE INTO secrets VALUES (?, ?)", (name, token)
                )
        except OSError as error:
            raise self._out_of_reach(error) from error

    def load(self, names: list[str]) -> dict[str, Any]:  # Any: as above
        """Return the values of those names that are there."""
        if not self.path.exists():
            return {}
        with self._open(write=False) as db:
            rows = {
                name: token
                for name in names
                for (token,) in db.execute(
                    "SELECT token FROM secrets WHERE name = ?", (name,)
                )
            }
            cipher = self._cipher(db, make=False) if rows else None
        if cipher is None:
            return {}
        return {name: self._opened(cipher, name, rows[name]) for name in rows}

    def remove(self, name: str) -> bool:
        """Forget a value; return whether there was one."""
        if not self.path.exists():
            return False
        with self._open(write=True) as db:
            done = db.execute("DELETE FROM secrets WHERE name = ?", (name,))
            return done.rowcount > 0

    def names(self) -> list[str]:
        """Return all names."""
        if not self.path.exists():
            return []
        with self._open(write=False) as db:
            return [name for (name,) in db.execute("SELECT name FROM secrets")]

    @contextmanager
    def _open(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """Open the database for one transaction."""
        try:
            db = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
            try:
                # what is removed or replaced is overwritten in the file
                db.execute("PRAGMA secure_delete = ON")
                db.executescript(_TABLES)
                db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                with db:
                    yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise self._out_of_reach(error) from error

    def _out_of_reach(self, error: Exception) -> SecretError:
        """Return the error for a store that cannot be used."""
        return SecretError(
            "The secrets cannot be read or written",
            why=f"{self.path}: {error}.",
            fix="Check that the folder may be written and the disk has room; a "
            "damaged file can be removed, the secrets are saved again then.",
            context={"file": str(self.path)},
        )

    def _cipher(self, db: sqlite3.Connection, *, make: bool) -> Cipher:
        """Return the cipher of the key."""
        if self._key is None:
            key = key_of_file(self._folder, make=make)
            if key is None:
                raise SecretError(
                    "The key of the secrets is gone",
                    why=f"{self._folder} has secrets, but no file with their key.",
                    fix="Restore secrets.key from a backup, or set "
                    "FLEXIFLOW_SECURITY__ENCRYPTION_KEY to the key they were saved "
                    "with.",
                    context={"folder": str(self._folder)},
                )
            return cipher_of(key)
        if make:
            salt = os.urandom(_SALT_BYTES)
            db.execute("INSERT OR IGNORE INTO facts VALUES ('salt', ?)", (salt,))
        found = db.execute("SELECT value FROM facts WHERE name = 'salt'").fetchone()
        return cipher_of(key_of_text(self._key, found[0] if found else b""))

    def _opened(self, cipher: Cipher, name: str, token: bytes) -> Any:  # Any: as above
        """Return the value that a token holds."""
        try:
            kept, value = json.loads(cipher.decrypt(token))
        except TokenError:
            kept, value = None, None
        if kept == name:
            return value
        where = "security.encryption_key" if self._key else "the file secrets.key"
        raise SecretError(
            f"The secret '{name}' cannot be decrypted",
            why=f"It was saved with another key than that of {where}, or changed.",
            fix="Use the key with which it was saved, or save it again: "
            f"flexiflow secrets set {name}",
            context={"secret": name, "file": str(self.path)},
        )
