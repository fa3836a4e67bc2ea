"""Let AI assistants list, run, answer and end workflows: a server of MCP tools.

It speaks the Model Context Protocol over standard input and output, streamable HTTP, or
server-sent events, by the protocol's own SDK (the extra ``mcp``). The tools work on a
FlexiFlow server, or on the local store.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import ipaddress
import logging
from typing import TYPE_CHECKING, Any, Final, Literal

from .._http.guard import Guard
from ..errors import ConfigError, FlexiFlowError
from ._mcp_backends import LocalBackend
from .config import Configuration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server.mcpserver import MCPServer

    from ._mcp_backends import Backend

__all__ = ["Transport", "main", "make_mcp_server"]

Transport = Literal["stdio", "streamable-http", "sse"]
"""How the server talks with its client."""

_log: Final = logging.getLogger("flexiflow.workflows.mcp")

_INSTRUCTIONS: Final = """\
Durable workflows. list_workflows tells what can be run; execute_workflow_sync waits for
the end or for a question, execute_workflow_async returns at once. An execution in the
state PAUSED waits for an answer, which resume_workflow_sync or _async gives.
Each answer has success; when that is false, error says what, why and what to do.
"""
_LARGEST: Final = 10_000_000
"""Bytes of the largest request over HTTP."""

# Any in this module: JSON data, inputs and answers of the user's.
_Data = dict[str, Any]


def make_mcp_server(backend: Backend, *, name: str = "flexiflow") -> MCPServer:
    """Return the server with its nine tools; it is not started.

    Parameters
    ----------
    backend : Backend
        What the tools work on; closed by whoever made it.
    name : str, default "flexiflow"
        The name under which the server shows itself.

    Raises
    ------
    ConfigError
        If the package ``mcp`` is not installed.
    """
    server: MCPServer = _sdk("mcp.server.mcpserver").MCPServer(
        name, instructions=_INSTRUCTIONS, log_level="WARNING"
    )
    for tool in _tools(backend):
        server.add_tool(_answered(tool), structured_output=True)
    return server


def _tools(backend: Backend) -> list[Callable[..., Awaitable[_Data]]]:
    """Return the tools; their names, parameters and docstrings are what clients see."""

    async def list_workflows() -> _Data:
        """List the workflows that can be run, each with its version and description."""
        return {"workflows": await backend.workflows()}

    async def get_workflow_details(workflow_name: str) -> _Data:
        """Look at one workflow: its versions, what it is for, its source if known."""
        return {"workflow": await backend.workflow(workflow_name)}

    async def upload_workflow(file_content: str) -> _Data:
        """Register the workflows of a Python file, given as its whole text."""
        return {"workflows": await backend.upload(file_content)}

    async def execute_workflow_sync(
        workflow_name: str,
        input_data: Any = None,
        detailed: bool = False,  # noqa: FBT001, FBT002 - clients pass it by name
    ) -> _Data:
        """Run a workflow; wait until it has ended, or waits for an answer (PAUSED)."""
        return await backend.run(
            workflow_name, input_data, wait=True, detailed=detailed
        )

    async def execute_workflow_async(
        workflow_name: str,
        input_data: Any = None,
        detailed: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> _Data:
        """Begin a workflow and return at once, with its execution_id."""
        return await backend.run(
            workflow_name, input_data, wait=False, detailed=detailed
        )

    async def get_execution_status(
        workflow_name: str,
        execution_id: str,
        detailed: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> _Data:
        """Tell the state of an execution and its output; its events if detailed."""
        return await backend.status(workflow_name, execution_id, detailed=detailed)

    async def cancel_execution(
        workflow_name: str,
        execution_id: str,
        mode: Literal["async", "sync"] = "async",
    ) -> _Data:
        """End an execution; with mode sync wait until it has ended."""
        return await backend.cancel(workflow_name, execution_id, wait=mode == "sync")

    async def resume_workflow_sync(
        workflow_name: str, execution_id: str, input_data: Any = None
    ) -> _Data:
        """Answer an execution that is PAUSED; wait for its end or its next question."""
        return await backend.resume(workflow_name, execution_id, input_data, wait=True)

    async def resume_workflow_async(
        workflow_name: str, execution_id: str, input_data: Any = None
    ) -> _Data:
        """Answer an execution that is PAUSED, and return at once."""
        return await backend.resume(workflow_name, execution_id, input_data, wait=False)

    return [
        list_workflows,
        get_workflow_details,
        upload_workflow,
        execute_workflow_sync,
        execute_workflow_async,
        get_execution_status,
        cancel_execution,
        resume_workflow_sync,
        resume_workflow_async,
    ]


def _answered(tool: Callable[..., Awaitable[_Data]]) -> Callable[..., Awaitable[_Data]]:
    """Return a tool that says whether it succeeded, and if not, why."""

    @functools.wraps(tool)
    async def answer(*args: Any, **named: Any) -> _Data:
        try:
            return {"success": True, **await tool(*args, **named)}
        except FlexiFlowError as error:
            parts = (error.what, error.why, error.fix)
            said = " ".join(f"{part.rstrip('.')}." for part in parts if part)
            return {"success": False, "error": said, "code": error.code}
        except Exception as error:  # noqa: BLE001 - a border: the client hears of it
            _log.exception("The tool %s failed", tool.__name__)
            said = f"{type(error).__name__}: {error}"
            return {"success": False, "error": said, "code": "flexiflow.defect"}

    return answer


def main(
    *,
    transport: Transport | None = None,
    host: str | None = None,
    port: int | None = None,
    path: str = "/mcp",
    server_url: str | None = None,
    token: str | None = None,
    ca_file: str | None = None,
) -> int:
    """Serve the tools until the client leaves, or the process is asked to end.

    Parameters
    ----------
    transport : {"stdio", "streamable-http", "sse"}, optional
        How to talk; the setting ``mcp.transport`` when left out.
    host, port : str and int, optional
        Where to listen, over HTTP; the settings ``mcp.host`` and ``mcp.port``.
    path : str, default "/mcp"
        The path of the endpoint, over HTTP.
    server_url : str, optional
        The FlexiFlow server to work on; the local store when left out.
    token : str, optional
        The token that this server wants.
    ca_file : str, optional
        The certificates to trust, where they are that server's own.

    Returns
    -------
    int
        0.

    Raises
    ------
    ConfigError
        If a package is missing, or the address needs tokens and there are none.
    """
    settings = Configuration.get().settings
    chosen = transport or settings.mcp.transport
    backend = _backend(server_url, token, ca_file)
    server = make_mcp_server(backend, name=settings.mcp.name)
    with contextlib.suppress(KeyboardInterrupt):
        if chosen == "stdio":
            asyncio.run(_until_closed(server.run_stdio_async, backend))
        else:
            serve = _http_server(
                server,
                chosen,
                host=host or settings.mcp.host,
                port=settings.mcp.port if port is None else port,
                path=path,
            )
            asyncio.run(_until_closed(serve, backend))
    return 0


async def _until_closed(
    serve: Callable[[], Awaitable[object]], backend: Backend
) -> None:
    """Serve, then let go of what the tools worked on."""
    try:
        await serve()
    finally:
        await backend.close()


def _backend(server_url: str | None, token: str | None, ca_file: str | None) -> Backend:
    """Return what the tools work on."""
    if server_url is None:
        return LocalBackend(Configuration.get().settings.home)
    late = importlib.import_module("flexiflow.workflows._mcp_remote")
    remote: Backend = late.RemoteBackend(server_url, token, ca_file=ca_file)
    return remote


def _http_server(
    server: MCPServer, transport: Transport, *, host: str, port: int, path: str
) -> Callable[[], Awaitable[object]]:
    """Return what serves the tools over HTTP at an address."""
    uvicorn = _sdk("uvicorn")
    if transport == "sse":
        app = server.sse_app(sse_path=path, host=host)
    else:
        app = server.streamable_http_app(streamable_http_path=path, host=host)
    # late: the server's package needs FastAPI
    gate = None
    if not _is_loopback(host):
        tokens = importlib.import_module("flexiflow.workflows.server.tokens")
        gate = tokens.load_tokens(Configuration.get().settings.home)
        if gate is None:
            raise ConfigError(
                f"The tools cannot be offered at {host} yet.",
                why="Other machines can reach that address, and no tokens have been "
                "made.",
                fix="The server makes and shows them when it first listens there: "
                f"flexiflow start server --host {host}. Or use --host localhost.",
            )
    guarded = Guard(app, gate=gate, allowed_hosts=None, largest_body=_LARGEST)
    config = uvicorn.Config(guarded, host=host, port=port, log_level="warning")
    listening = config.bind_socket()
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    _log.info("MCP tools at http://%s:%s%s (%s)", shown, port, path, transport)

    async def serve() -> None:
        await uvicorn.Server(config).serve(sockets=[listening])

    return serve


def _is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _sdk(module: str) -> Any:
    """Import a module of the extra ``mcp``."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            "The MCP server cannot be started.",
            why=f"{error}.",
            fix='Install its packages: pip install "flexiflow[mcp]"',
        ) from error
