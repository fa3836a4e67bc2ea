"""A worker's line to the server: register, stay known, fetch code and secrets."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import quote, urlsplit

from ...errors import ConfigError, FlexiFlowError
from ..errors import WorkflowError
from ._machine import is_loopback

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Line", "RefusedError", "UnreachableError", "is_unknown"]

_TIMEOUT_S: Final = 10.0
_UNKNOWN: Final = 401


@final
class UnreachableError(WorkflowError):
    """The server does not answer."""

    code = "flexiflow.workflow.server_unreachable"


@final
class RefusedError(WorkflowError):
    """The server says no.

    Attributes
    ----------
    status : int
        Of its HTTP answer.
    told_code : str
        The code of the server's error.
    """

    code = "flexiflow.workflow.refused"
    status: int = 0
    told_code: str = ""


@final
class Line:
    """The HTTP client of a worker; may be used from any thread, and blocks.

    Parameters
    ----------
    url : str
        Of the server, such as ``https://server:8000``.
    token : str
        The bootstrap token.
    ca : path, optional
        The certificate by which the server is known; the system's are asked without.

    Raises
    ------
    ConfigError
        If the token would go over the network in the clear, or the URL is none.
    """

    def __init__(self, url: str, token: str, ca: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                f"{url!r} is no address of a server",
                why="It wants http:// or https://, and a host.",
                fix="Write it like --server-url https://server:8000",
            )
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ConfigError(
                f"The worker does not register at {url} without encryption",
                why="The token, the code and the secrets would go over the network in "
                "the clear.",
                fix="Use https:// (a server off loopback speaks it), and for its own "
                "certificate --ca-file with a copy of its HOME/certificates/ca.pem",
            )
        self._url = url.rstrip("/")
        self._bootstrap = token
        self._session = ""
        self._context: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._context = ssl.create_default_context(
                cafile=None if ca is None else str(ca)
            )

    # Any: JSON data, read by those who asked for it.
    def register(self, report: dict[str, Any]) -> dict[str, Any]:
        """Register; return what the server says a worker needs."""
        told = self._ask("POST", "/workers/register", report, self._bootstrap)
        self._session = str(told["session"])
        return told

    def renew(self) -> None:
        """Stay known; RefusedError with 401 when the server does not know this one."""
        told = self._ask("POST", "/workers/session", {}, self._session)
        self._session = str(told["session"])

    def goodbye(self) -> None:
        """Say that this worker ends."""
        self._ask("DELETE", "/workers/session", None, self._session)

    def code(self, name: str, version: int | None) -> dict[str, Any]:
        """Fetch a version of a workflow's file; the newest by default."""
        asked = "" if version is None else f"?version={version}"
        path = f"/workers/code/{quote(name, safe='')}{asked}"
        return self._ask("GET", path, None, self._session)

    def secrets(self, execution_id: str, names: Sequence[str]) -> dict[str, Any]:
        """Fetch those secrets of some names that there are, for an execution."""
        asked = {"execution_id": execution_id, "names": list(names)}
        told = self._ask("POST", "/workers/secrets", asked, self._session)
        found: dict[str, Any] = told["secrets"]
        return found

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, token: str
    ) -> dict[str, Any]:
        """Ask the server, and return its answer."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=_TIMEOUT_S, context=self._context
            ) as answer:
                told: dict[str, Any] = json.loads(answer.read() or b"{}")
                return told
        except urllib.error.HTTPError as error:
            raise _refused(error, self._url) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreachable(getattr(error, "reason", error)) from error

    def _unreachable(self, cause: object) -> UnreachableError:
        """Return the error for a server that does not answer."""
        more = ""
        if isinstance(cause, ssl.SSLError):
            more = (
                ". For its own certificate add --ca-file FILE, a copy of "
                "HOME/certificates/ca.pem"
            )
        elif isinstance(cause, http.client.RemoteDisconnected):
            more = ". If it speaks https, begin the URL with https://"
        return UnreachableError(
            f"The server at {self._url} does not answer",
            why=f"{type(cause).__name__}: {cause}.",
            fix="Start it: flexiflow start server; or name another one with "
            f"--server-url URL{more}",
            context={"url": self._url},
        )


def _refused(error: urllib.error.HTTPError, url: str) -> FlexiFlowError:
    """Return the server's own error."""
    with error:
        text = error.read(100_000)
    try:
        told: dict[str, Any] = json.loads(text)
        made = RefusedError(str(told["what"]), why=told.get("why"), fix=told.get("fix"))
        made.told_code = str(told.get("code", ""))
    except (ValueError, KeyError, TypeError):
        made = RefusedError(
            f"The server at {url} answered {error.code}",
            why=f"{error.reason}.",
            fix="See whether a FlexiFlow server is there.",
        )
    made.status = error.code
    return made


def is_unknown(error: FlexiFlowError) -> bool:
    """Return whether the server does not know this worker any more."""
    return isinstance(error, RefusedError) and error.status == _UNKNOWN
