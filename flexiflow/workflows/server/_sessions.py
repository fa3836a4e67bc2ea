"""The sessions of workers, and the token by which they begin."""

from __future__ import annotations

import hmac
import os
import secrets
import threading
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from ...errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Session", "Sessions", "bootstrap_file", "bootstrap_token", "is_same_token"]

LIFE_S: Final = 3600.0
"""Seconds that a session lasts when nobody renews it."""
_GRACE_S: Final = 60.0
"""Seconds that a token goes on counting after another one took its place."""
_FILE: Final = "bootstrap_token"


def bootstrap_file(home: str | os.PathLike[str]) -> Path:
    """Return the file of a home folder that holds the bootstrap token."""
    return Path(home) / _FILE


def bootstrap_token(home: str | os.PathLike[str]) -> str:
    """Return the token of a home folder; made on first use, readable by its owner.

    Raises
    ------
    ConfigError
        If the file is empty.
    """
    path = bootstrap_file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{_FILE}.{secrets.token_hex(4)}")
    try:
        if not path.exists():
            with open(beside, "x", encoding="utf-8", opener=_private) as file:
                file.write(secrets.token_urlsafe(32) + "\n")
            os.link(beside, path)  # of two that begin at once, one wins
    except FileExistsError:
        pass
    finally:
        beside.unlink(missing_ok=True)
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise ConfigError(
            "The file of the bootstrap token is empty",
            why=f"{path} holds nothing but white space.",
            fix="Remove it, and a new one is made.",
        )
    return token


def is_same_token(given: str, right: str) -> bool:
    """Compare tokens in a time that tells nothing."""
    return hmac.compare_digest(_hash(given), _hash(right))


def _private(path: str, flags: int) -> int:
    """Open a file that its owner alone may read."""
    return os.open(path, flags, 0o600)


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


@final
@dataclass(slots=True)
class Session:
    """A worker that has registered."""

    name: str
    """The name of the worker."""
    instance: str
    """Drawn by its process."""
    ends: float
    """When it ends, by the clock of :class:`Sessions`."""
    is_replaced: bool = False
    """Whether another token took the place of this one."""


@final
class Sessions:
    """Gives tokens to workers; kept as their hashes, in memory, for any thread.

    Parameters
    ----------
    clock : callable, optional
        Gives seconds that only grow.

    Notes
    -----
    A server that begins anew knows none: its workers hear so, and register again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, instance: str) -> str:
        """Return the token of a new session; those before of that name end."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._drop(lambda session: session.name == name)
            self._known[_hash(token)] = Session(name, instance, self._clock() + LIFE_S)
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a token, or None."""
        with self._lock:
            session = self._known.get(_hash(token))
            if session is None or session.ends < self._clock():
                return None
            return session

    def renew(self, token: str) -> str | None:
        """Return the token to use from now on; None when there is no such session.

        It is another one when half of the life of the first is over, which goes on
        counting for a minute.
        """
        session = self.find(token)
        if session is None:
            return None
        now = self._clock()
        with self._lock:
            self._drop(lambda other: other.ends < now)
            if session.is_replaced or session.ends - now > LIFE_S / 2:
                return token
            new = secrets.token_urlsafe(32)
            self._known[_hash(new)] = Session(
                session.name, session.instance, now + LIFE_S
            )
            session.ends = now + _GRACE_S
            session.is_replaced = True
            return new

    def end(self, token: str) -> None:
        """Forget the session of a token."""
        with self._lock:
            self._known.pop(_hash(token), None)

    def _drop(self, is_over: Callable[[Session], bool]) -> None:
        """Forget sessions."""
        over = [key for key, session in self._known.items() if is_over(session)]
        for key in over:
            del self._known[key]
