"""Decide who may ask: the token, the host's name, no requests from other sites."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from ..errors import FlexiFlowError
from ._answers import Answer, error_answer

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_OPEN: Final = frozenset({"/health"})
"""Paths that need no token: whether the server is up is no secret."""
_LARGEST_BODY: Final = 1_000_000
"""Bytes of the largest message that is taken."""


class AccessError(FlexiFlowError):
    """A request is refused for where it comes from."""

    code = "flexiflow.access"


@final
class Guard:
    """Refuses requests before they reach a route.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    token : str, optional
        What ``Authorization: Bearer`` must say; kept as its hash only.
    allowed_hosts : collection of str, optional
        What ``Host`` may say, without the port.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None,
        allowed_hosts: Collection[str] | None,
    ) -> None:
        self._app = app
        self._hash = None if token is None else _hashed(token)
        self._hosts = None if allowed_hosts is None else frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["path"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _limited(receive), send)

    def _refusal(self, path: str, headers: Headers) -> Answer | None:
        """Return the answer for a request that must not go on, or None."""
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return _refused(403, f"The server is not called {host!r}", _HOST_FIX)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _refused(403, f"Requests from {origin!r} are refused", _ORIGIN_FIX)
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > _LARGEST_BODY:
            return _refused(413, "The request is too large", "Send at most 1 MB.")
        if self._hash is not None and path not in _OPEN:
            kind, _, given = headers.get("authorization", "").partition(" ")
            right = hmac.compare_digest(_hashed(given.strip()), self._hash)
            if kind.lower() != "bearer" or not right:
                answer = _refused(401, "The token is missing or wrong", _TOKEN_FIX)
                answer.headers["WWW-Authenticate"] = "Bearer"
                return answer
        return None


def _limited(receive: Receive) -> Receive:
    """Return what reads a body, and stops when it gets too large."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > _LARGEST_BODY:
            raise HTTPException(413, "The request is too large")
        return message

    return counted


_HOST_FIX: Final = "Use the name or address that the server was started with."
_ORIGIN_FIX: Final = "Ask from the server's own pages, or without a browser."
_TOKEN_FIX: Final = "Send the header 'Authorization: Bearer TOKEN'."  # noqa: S105


def _hashed(token: str) -> bytes:
    """Return a hash of a fixed length, so that comparing tells nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _name(host: str) -> str:
    """Return a host without its port: ``[::1]:8001`` is ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] or host if ":" in host else host


def _refused(status: int, what: str, fix: str) -> Answer:
    why = "The server guards its components against strangers and other web sites."
    return error_answer(status, AccessError(what, why=why, fix=fix))
