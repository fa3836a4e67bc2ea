"""Talk to a server over HTTP: try again where that is safe, tell errors as ours."""

from __future__ import annotations

import asyncio
import importlib
import json
import ssl
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from ..errors import FlexiFlowError, missing_extra, one_line
from . import errors as known
from .errors import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    import httpx

    from ..settings import WorkerSettings

__all__ = ["ServerLink", "SseEvent"]

_KINDS: Final[tuple[type[FlexiFlowError], ...]] = (
    known.CodecError,
    known.ExecutionContextNotFoundError,
    known.ExecutionOwnedError,
    known.ExecutionStateError,
    known.IdempotencyError,
    known.JournalError,
    known.SecretError,
    known.SecretNotFoundError,
    known.UploadError,
    known.WorkflowNotFoundError,
)
_BY_CODE: Final = {kind.code: kind for kind in _KINDS}
_PASSING: Final = frozenset({502, 503, 504})
"""Answers that another try may turn into better ones."""
_SILENT_S: Final = 60.0
"""Seconds without a sign of life after which a stream is taken for broken."""
_LONGEST_WAIT_S: Final = 10.0
_UNKNOWN: Final = 401
"""The status of a token that nobody knows; 403 says by itself what lacks."""
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"
_START_FIX: Final = "See that it runs and can be reached: flexiflow start server"
_TRUST_FIX: Final = (
    "If its certificate is its own, trust it: ca_file=..., or the option --ca-file, "
    "with a copy of certificates/ca.pem in the home of the server."
)


class SseEvent(NamedTuple):
    """One event of a stream."""

    id: str
    """Its number; empty for none."""
    name: str
    """What it is called."""
    data: Any
    """What goes with it. Any: JSON data."""


@final
class ServerLink:
    """The way to one server, for one event loop.

    Parameters
    ----------
    url : str
        Where it is.
    token : str, optional
        What it wants to see.
    settings : WorkerSettings
        How long to wait, and how often to try.
    ca_file : str, optional
        The certificates to trust, where they are the server's own.

    Raises
    ------
    MissingExtraError
        If httpx is not installed; also a ``RuntimeError``.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        settings: WorkerSettings,
        *,
        ca_file: str | None = None,
    ) -> None:
        self._httpx = _httpx()
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise ServerError(
                f"{one_line(url)} is no address of a server",
                why="It begins with neither http:// nor https://.",
                fix="Give an address such as http://localhost:8000",
            )
        self._settings = settings
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._ca_file = ca_file
        self._client: httpx.AsyncClient | None = None

    def _open(self) -> httpx.AsyncClient:
        """Return the client; it belongs to the loop in which it is made."""
        if self._client is None:
            verify: Any = True  # Any: as the library has it
            if self._ca_file is not None:
                verify = ssl.create_default_context(cafile=self._ca_file)
            self._client = self._httpx.AsyncClient(
                base_url=self.url,
                headers=self._headers,
                timeout=self._settings.default_timeout,
                verify=verify,
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def ask(
        self, method: str, path: str, *, is_safe: bool = False, **options: Any
    ) -> Any:
        """Send a request, and return the JSON of the answer.

        Parameters
        ----------
        method, path : str
            What is asked for; a ``GET`` is safe.
        is_safe : bool, default False
            Whether it does no harm to be sent twice. What is not is sent again only if
            it cannot have arrived.
        **options : object
            As of ``httpx``. Any: passed on.

        Raises
        ------
        FlexiFlowError
            As the server tells it; a :class:`ServerError` when it cannot be reached or
            does not allow it.
        """
        is_safe = is_safe or method == "GET"
        wait = self._settings.retry_delay
        for left in range(self._settings.retry_attempts - 1, -1, -1):
            try:
                answer = await self._open().request(method, path, **options)
                if answer.is_success:
                    return answer.json()
                error = self._refusal(answer.status_code, answer.content)
                is_hopeless = answer.status_code not in _PASSING or not is_safe
            except self._httpx.TransportError as failure:
                error = self._unreachable(failure)
                arrived = not isinstance(
                    failure, (self._httpx.ConnectError, self._httpx.ConnectTimeout)
                )
                is_hopeless = arrived and not is_safe
            except ValueError as failure:
                raise self._no_server(failure) from failure
            if not left or is_hopeless:
                raise error
            await asyncio.sleep(wait)
            wait *= self._settings.retry_backoff
        raise AssertionError  # there is at least one attempt

    async def events(
        self, path: str, params: dict[str, Any], after: int | None
    ) -> AsyncGenerator[SseEvent]:
        """Give the events of a stream, over as many connections as it takes.

        Reconnection never ends: a server that is away may come back.

        Raises
        ------
        FlexiFlowError
            If the server refuses.
        """
        wait = 0.0
        while True:
            try:
                async with (
                    self._stream(path, params, after) as lines,
                    aclosing(_events(lines)) as events,
                ):
                    async for event in events:
                        wait = 0.0
                        if event.id.isdigit():
                            after = int(event.id)
                        yield event
                return
            except self._httpx.TransportError:
                await asyncio.sleep(wait)
                wait = min(max(0.05, 2 * wait), _LONGEST_WAIT_S)
            except ServerError as error:
                if error.context.get("status") not in _PASSING:
                    raise
                wait = min(max(0.5, 2 * wait), _LONGEST_WAIT_S)
                await asyncio.sleep(wait)

    @asynccontextmanager
    async def _stream(
        self, path: str, params: dict[str, Any], after: int | None
    ) -> AsyncIterator[AsyncGenerator[str]]:
        """Open a stream, for a ``with`` block."""
        timeout = self._httpx.Timeout(self._settings.default_timeout, read=_SILENT_S)
        head = {"Accept": "text/event-stream"}
        if after is not None:
            head["Last-Event-ID"] = str(after)
        async with self._open().stream(
            "GET", path, params=params, headers=head, timeout=timeout
        ) as answer:
            if not answer.is_success:
                raise self._refusal(answer.status_code, await answer.aread())
            lines: Any = answer.aiter_lines()  # Any: it is a generator, typed as less
            yield lines

    def _refusal(self, status: int, content: bytes) -> FlexiFlowError:
        """Return the error that an answer tells of."""
        try:
            data: Any = json.loads(content)  # Any: JSON of the server
            what, code = str(data["what"]), str(data["code"])
        except (ValueError, LookupError, TypeError):
            return self._no_server(ValueError(f"it answers {status}"))
        why, fix, context = data.get("why"), data.get("fix"), data.get("context") or {}
        if status == _UNKNOWN:
            fix = "Give a token of the server: token=..., or the option --token-file."
        kind = _BY_CODE.get(code)
        if kind is not None and status not in _PASSING:
            return kind(what, why=why, fix=fix, context=context)
        context = {**context, "server": self.url, "status": status}
        return ServerError(what, why=why, fix=fix, context=context)

    def _unreachable(self, failure: Exception) -> ServerError:
        text = str(failure) or type(failure).__name__
        return ServerError(
            f"The server at {self.url} does not answer",
            why=f"{text}.",
            fix=_TRUST_FIX if _UNTRUSTED in text else _START_FIX,
            context={"server": self.url},
        )

    def _no_server(self, failure: Exception) -> ServerError:
        return ServerError(
            f"What answers at {self.url} is no server of FlexiFlow",
            why=f"{one_line(failure)}.",
            fix="Check the address and the port.",
            context={"server": self.url},
        )


def _httpx() -> Any:  # Any: the module of an optional extra
    """Return httpx; it takes 0.1 s to load, so that it is loaded when it is needed."""
    try:
        return importlib.import_module("httpx")
    except ImportError as error:
        raise missing_extra("client", "httpx", "Talking to a server") from error


async def _events(lines: AsyncGenerator[str]) -> AsyncGenerator[SseEvent]:
    """Put the lines of a stream together to events; comments are left out."""
    fields: dict[str, str] = {}
    async with aclosing(lines):
        async for line in lines:
            name, mark, value = line.partition(":")
            if not line:
                if "data" in fields:
                    data = json.loads(fields["data"])
                    yield SseEvent(fields.get("id", ""), fields.get("event", ""), data)
                fields = {}
            elif name and mark:
                fields[name] = value.removeprefix(" ")
