"""Decide who may ask: the token, the host's name, no requests from other sites."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, Protocol, final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from ..errors import FlexiFlowError
from .answers import Answer, error_answer

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AccessError", "Gate", "Guard", "OneToken", "hash_of"]

LARGEST_BODY: Final = 1_000_000
"""Bytes of the largest body that is taken, unless another number is given."""


class AccessError(FlexiFlowError):
    """A request is refused for where it comes from."""

    code = "flexiflow.access"


class Gate(Protocol):
    """Who may use which path."""

    def status(self, method: str, path: str, token: str | None) -> int:
        """Return 200 to let a request through, 401 or 403 to refuse it."""


@final
class OneToken:
    """A gate for one token, which opens everything.

    Parameters
    ----------
    token : str
        The token; kept as its hash only.
    open_paths : collection of str
        Paths that need none.
    """

    def __init__(self, token: str, open_paths: Collection[str] = ()) -> None:
        self._hash = hash_of(token)
        self._open = frozenset(open_paths)

    def status(self, method: str, path: str, token: str | None) -> int:  # noqa: ARG002
        """Return 200, or 401 without the token."""
        right = hmac.compare_digest(hash_of(token or ""), self._hash)
        return 200 if right or path in self._open else 401


@final
class Guard:
    """Refuses requests before they reach a route.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    gate : Gate, optional
        Looks at what ``Authorization: Bearer`` says; all are let through without one.
    allowed_hosts : collection of str, optional
        What ``Host`` may say, without the port.
    largest_body : int
        Bytes of the largest body that is taken; what is larger is not read.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        gate: Gate | None,
        allowed_hosts: Collection[str] | None,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._app = app
        self._gate = gate
        self._hosts = None if allowed_hosts is None else frozenset(allowed_hosts)
        self._largest = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, self._limited(receive), send)

    def _refusal(self, method: str, path: str, headers: Headers) -> Answer | None:
        """Return the answer for a request that must not go on, or None."""
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return _refused(403, f"The server is not called {host!r}", _HOST_FIX)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _refused(403, f"Requests from {origin!r} are refused", _ORIGIN_FIX)
        kind, _, given = headers.get("authorization", "").partition(" ")
        token = given.strip() if kind.lower() == "bearer" else None
        status = 200 if self._gate is None else self._gate.status(method, path, token)
        if status == _UNKNOWN:
            answer = _refused(status, "The token is missing or wrong", _TOKEN_FIX)
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if status == _FORBIDDEN:
            return _refused(status, "The token is not enough for this", _ADMIN_FIX)
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._largest:
            return _refused(413, "The request is too large", self._most)
        return None

    @property
    def _most(self) -> str:
        return f"Send at most {self._largest / 1_000_000:g} MB."

    def _limited(self, receive: Receive) -> Receive:
        """Return what reads a body, and stops when it gets too large."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._largest:
                raise HTTPException(413, "The request is too large")
            return message

        return counted


_UNKNOWN: Final = 401
_FORBIDDEN: Final = 403
_HOST_FIX: Final = "Use the name or address that the server was started with."
_ORIGIN_FIX: Final = "Ask from the server's own pages, or without a browser."
_ADMIN_FIX: Final = "Send the token of the administrator."
_TOKEN_FIX: Final = "Send the header 'Authorization: Bearer TOKEN'."  # noqa: S105


def hash_of(token: str) -> bytes:
    """Return a hash of a fixed length, so that comparing tells nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _name(host: str) -> str:
    """Return a host without its port: ``[::1]:8001`` is ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] or host if ":" in host else host


def _refused(status: int, what: str, fix: str) -> Answer:
    why = "The server guards what it serves against strangers and other web sites."
    return error_answer(status, AccessError(what, why=why, fix=fix))
