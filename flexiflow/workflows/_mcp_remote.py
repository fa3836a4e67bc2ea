"""What the MCP tools work on when there is a server: its routes, as they are."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Final, final

from ._server_link import ServerLink
from ._stored_data import ENDED
from .config import Configuration
from .remote_run import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RemoteBackend"]

_STANDS: Final = ENDED | {"PAUSED"}
"""The states in which an execution waits for nobody but people."""
_FIRST_LOOK_S: Final = 0.02
_LAST_LOOK_S: Final = 0.5
"""Seconds between two looks at an execution: at first, and in the end."""

# Any in this module: JSON data, inputs and answers of the user's.
_Data = dict[str, Any]


@final
class RemoteBackend:
    """A FlexiFlow server.

    Parameters
    ----------
    url : str
        Where it is.
    token : str, optional
        What it wants to see; uploads need that of the administrator.
    ca_file : str, optional
        The certificates to trust, where they are the server's own.

    Notes
    -----
    What waits for an end looks again and again, so that a restart of the server, or a
    run of hours, is no failure.
    """

    def __init__(
        self, url: str, token: str | None = None, *, ca_file: str | None = None
    ) -> None:
        workers = Configuration.get().settings.workers
        self._link = ServerLink(url, token, workers, ca_file=ca_file)

    async def workflows(self) -> list[_Data]:
        """List the workflows, each in its newest version."""
        found: list[_Data] = await self._link.ask("GET", "/workflows")
        return found

    async def workflow(self, name: str) -> _Data:
        """Look at a workflow and its versions."""
        path = path_of("workflows", name)
        found: _Data = await self._link.ask("GET", path, params={"source": "true"})
        return found

    async def upload(self, content: str) -> list[_Data]:
        """Give the server a file."""
        data = content.encode("utf-8", "surrogatepass")
        files = {"file": ("workflow.py", data, "text/x-python")}
        found: list[_Data] = await self._link.ask("POST", "/workflows", files=files)
        return found

    async def run(self, name: str, input: Any, *, wait: bool, detailed: bool) -> _Data:
        """Begin an execution; asked again, it is still one."""
        found = await self._post(
            path_of("workflows", name, "run", "async"),
            input,
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        return await self._told(found, wait=wait, detailed=detailed)

    async def status(self, name: str, execution_id: str, *, detailed: bool) -> _Data:
        """Tell how far an execution has come."""
        path = path_of("workflows", name, "status", execution_id)
        params = {"detailed": "true" if detailed else "false"}
        found: _Data = await self._link.ask("GET", path, params=params)
        return found

    async def cancel(self, name: str, execution_id: str, *, wait: bool) -> _Data:
        """End an execution."""
        path = path_of("workflows", name, "cancel", execution_id)
        found: _Data = await self._link.ask("POST", path, params={"mode": "async"})
        return await self._told(found, wait=wait, detailed=False, stands=ENDED)

    async def resume(
        self, name: str, execution_id: str, data: Any, *, wait: bool
    ) -> _Data:
        """Answer an execution that waits."""
        path = path_of("workflows", name, "resume", execution_id, "async")
        found = await self._post(path, data, headers={})
        return await self._told(found, wait=wait, detailed=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _post(self, path: str, data: Any, *, headers: Mapping[str, str]) -> _Data:
        """Send JSON; it is sent twice only where that does no harm."""
        found: _Data = await self._link.ask(
            "POST", path, is_safe=bool(headers), headers={**headers}, json=data
        )
        return found

    async def _told(
        self,
        found: _Data,
        *,
        wait: bool,
        detailed: bool,
        stands: frozenset[str] = _STANDS,
    ) -> _Data:
        """Tell of an execution; when it stands still, if that is to be waited for."""
        name, execution_id = found["workflow_name"], found["execution_id"]
        if not wait and not detailed:
            return found
        pause = _FIRST_LOOK_S
        while True:
            found = await self.status(name, execution_id, detailed=detailed)
            if not wait or found["state"] in stands:
                return found
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_LOOK_S)
