"""Decide what a token allows: everything, all but code and secrets, or nothing."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, final

from ...errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["Role", "Tokens", "load_tokens", "make_tokens"]

Role = Literal["admin", "user"]
"""What a token is good for: uploads and secrets as well, or the rest alone."""

_FILE: Final = "tokens.json"
_ROLES: Final[tuple[Role, ...]] = ("admin", "user")


@final
class Tokens:
    """A gate for two tokens.

    Parameters
    ----------
    hashes : mapping of role to str
        The SHA-256 of each token, in hex.
    own : collection of str
        Paths, with all below them, that look at tokens of their own.
    """

    def __init__(self, hashes: Mapping[Role, str], own: Collection[str] = ()) -> None:
        self._hashes = {role: hashes.get(role, "") for role in _ROLES}
        self._own = tuple(own)

    @classmethod
    def of(cls, *, admin: str, user: str, own: Collection[str] = ()) -> Tokens:
        """Return the gate for these tokens; they are kept as their hashes only."""
        return cls({"admin": _hash(admin), "user": _hash(user)}, own)

    def with_own(self, own: Collection[str]) -> Tokens:
        """Return the same gate, with paths that look at tokens of their own."""
        return Tokens(self._hashes, own)

    def role(self, token: str | None) -> Role | None:
        """Return what a token is good for; None for nothing."""
        given = _hash(token or "")
        # all are compared, so that the time tells nothing
        right = [
            role
            for role in _ROLES
            if hmac.compare_digest(self._hashes[role], given) and token
        ]
        return right[0] if right else None

    def status(self, method: str, path: str, token: str | None) -> int:
        """Return 200 to let a request through, 401 or 403 to refuse it."""
        if any(path == own or path.startswith(f"{own}/") for own in self._own):
            return 200
        role = self.role(token)
        if role is None:
            return 401
        return 403 if role == "user" and _is_for_admin(method, path) else 200


def make_tokens(home: str | os.PathLike[str]) -> dict[Role, str]:
    """Make new tokens for the server of a home folder; those before count no more.

    Returns
    -------
    dict
        The tokens by role. They are kept as their hashes only, so that this is the one
        moment to write them down.
    """
    made: dict[Role, str] = {role: secrets.token_urlsafe(32) for role in _ROLES}
    path = Path(home) / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        json.dump({role: _hash(token) for role, token in made.items()}, file)
    beside.replace(path)
    return made


def load_tokens(home: str | os.PathLike[str]) -> Tokens | None:
    """Return the gate of a home folder; None when no tokens have been made.

    Raises
    ------
    ConfigError
        If the file is damaged.
    """
    path = Path(home) / _FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Tokens({role: str(found[role]) for role in _ROLES})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(
            "The file of the server's tokens cannot be read",
            why=f"{type(error).__name__}: {error}.",
            fix="Remove it and make new tokens.",
            context={"file": str(path)},
        ) from error


def _is_for_admin(method: str, path: str) -> bool:
    """Return whether a request brings code, or has to do with secrets."""
    path = path.rstrip("/")
    if path == "/admin" or path.startswith("/admin/"):
        return True
    return path == "/workflows" and method not in {"GET", "HEAD"}


def _hash(token: str) -> str:
    """Return a hash of a fixed length, so that comparing tells nothing."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
