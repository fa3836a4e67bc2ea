"""``start``: the server of workflows, its workers, and the MCP server."""

from __future__ import annotations

import asyncio
import importlib
import re
import secrets
import signal
import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError, missing_extra
from ..logger import get_logger
from ..workflows.config import Configuration
from ._output import plain
from ._store_options import add_format
from .serve import listening_socket, quiet_server

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from ..settings import Settings

__all__ = ["add_arguments"]

_LAST_PORT: Final = 65_535
_TOKEN_FILE: Final = "bootstrap_token"  # noqa: S105 - the name of a file
_SLOTS: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add what can be started, and the options of each."""
    kinds = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def kind(
        name: str, run: Callable[[argparse.Namespace], int], about: str
    ) -> argparse.ArgumentParser:
        one = kinds.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        add_format(one)
        one.add_argument(
            "--home", metavar="FOLDER",
            help="the folder of what is kept; default: FLEXIFLOW_HOME, else .flexiflow",
        )  # fmt: skip
        one.add_argument(
            "-v", "--verbose", action="store_true", help="log more to standard error"
        )
        one.set_defaults(run=run)
        return one

    _add_server(kind("server", _server, "serve workflows over HTTP"))
    _add_worker(kind("worker", _worker, "run the executions of a server"))
    _add_mcp(kind("mcp", _mcp, "let AI assistants use workflows"))


# --- server ---------------------------------------------------------------------------


def _add_server(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--host", metavar="HOST",
        help="the address to listen on; default: the setting server_host, localhost. "
        "Any address that other machines can reach turns TLS and tokens on",
    )  # fmt: skip
    add(
        "--port", type=int, metavar="PORT",
        help="the port, 0 for a free one; default: the setting server_port, 8000",
    )  # fmt: skip
    add(
        "--tls", action="store_true", help="speak https, and TLS to workers, here too"
    )  # fmt: skip
    add(
        "--name", action="append", default=[], metavar="NAME",
        help="another name or address of this server, for its certificate",
    )  # fmt: skip
    add(
        "--scheduler", default="", metavar="ADDRESS",
        help="use the Dask scheduler there, rather than start one",
    )  # fmt: skip
    add(
        "--scheduler-port", type=int, default=0, metavar="PORT",
        help="the port of the scheduler that is started (default: a free one)",
    )  # fmt: skip
    add(
        "--database-url", metavar="URL",
        help="the journal: postgresql://... for workers of several machines; "
        "default: the setting database_url, else SQLite in the home",
    )  # fmt: skip


def _server(options: argparse.Namespace) -> int:
    """Serve workflows until the process is asked to end."""
    with _settings(options, database_url=options.database_url) as settings:
        return _server_with(options, settings)


def _server_with(options: argparse.Namespace, settings: Settings) -> int:
    """Serve workflows with some settings."""
    host = options.host or settings.server_host
    port = settings.server_port if options.port is None else options.port
    for given in (port, options.scheduler_port):
        if not 0 <= given <= _LAST_PORT:
            options.parser.error(f"a port is 0 to {_LAST_PORT}, not {given}")
    _part("uvicorn", "server", "The server")  # before anything is opened
    assembly = _part("flexiflow.workflows.server.assembly", "server", "The server")
    made = assembly.ServerOptions(
        settings,
        host=host,
        names=tuple(options.name),
        scheduler=options.scheduler,
        scheduler_port=options.scheduler_port,
        tls=options.tls,
    )
    with (
        listening_socket(host, port) as listening,
        assembly.Assembly(made) as parts,
        suppress(KeyboardInterrupt),
    ):
        _tell_server(options, parts, made, listening)
        asyncio.run(_serve(parts, listening, verbose=options.verbose))
    return 0


async def _serve(parts: Any, listening: socket.socket, *, verbose: bool) -> None:
    """Serve until asked to end. Any: the parts of a server."""
    stop = _stop_events()[0]
    files = {}
    if parts.authority is not None:
        files = {
            "certificate": parts.authority.server_file,
            "key": parts.authority.key_file,
        }
    server = quiet_server(parts.app, verbose=verbose, **files)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait([running, ended], return_when=asyncio.FIRST_COMPLETED)
    parts.server.news.end()
    server.should_exit = True
    ended.cancel()
    await running


def _tell_server(
    options: argparse.Namespace, parts: Any, made: Any, listening: socket.socket
) -> None:
    """Print where the server is, and where its tokens are."""
    host, port = listening.getsockname()[:2]
    if host in _EVERYWHERE:
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if made.is_encrypted else "http"
    url = f"{scheme}://{shown}:{port}"
    say, home = options.output.say, parts.home.absolute()
    facts: dict[str, Any] = {"url": url, "home": str(home)}
    say(f"serving workflows on {url} (see {url}/docs; Ctrl-C ends)")
    for role, token in parts.new_tokens.items():
        say(f"the {role} token, shown this once: {token}", "yellow")
        facts[f"{role}_token"] = token
    if made.is_encrypted:
        facts["ca"] = str(parts.authority.ca_file)
        say(f"its certificate is signed by {plain(parts.authority.ca_file)}")
    has_file = parts.token_file.exists()  # else the token stands in the settings
    facts["bootstrap_token_file"] = (
        str(parts.token_file.absolute()) if has_file else None
    )
    if parts.is_first_use and has_file:
        say(f"workers begin with the token in {plain(parts.token_file)}")
    say(f"start a worker: flexiflow start worker --server-url {url}")
    options.output.line(facts)


# --- worker ---------------------------------------------------------------------------


def _add_worker(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="its name (default: one of its own)")
    add(
        "--server-url", metavar="URL",
        help="the server; default: the setting workers.server_url, else the one that "
        "server_host and server_port name",
    )  # fmt: skip
    add(
        "--token-file", metavar="FILE",
        help="the bootstrap token; default: the setting workers.bootstrap_token, else "
        "the file bootstrap_token in the home",
    )  # fmt: skip
    add(
        "--ca-file", metavar="FILE",
        help="a copy of certificates/ca.pem in the home of the server, for https",
    )  # fmt: skip
    add(
        "--slots", type=int, default=_SLOTS, metavar="N",
        help="how many executions it takes at once (default: %(default)s)",
    )  # fmt: skip
    add("--cpu", type=float, metavar="N", help="its cores (default: all)")
    add("--memory", metavar="SIZE", help="its memory, as 8Gi (default: all)")
    add("--gpu", type=int, metavar="N", help="its GPUs (default: all)")
    add(
        "--drain", type=float, default=20.0, metavar="SECONDS",
        help="how long executions may still take when it is asked to end; the rest "
        "goes on elsewhere (default: %(default)g)",
    )  # fmt: skip


def _worker(options: argparse.Namespace) -> int:
    """Run executions until the process is asked to end."""
    with _settings(options) as settings:
        return _worker_with(options, settings)


def _worker_with(options: argparse.Namespace, settings: Settings) -> int:
    """Run executions with some settings."""
    package = "flexiflow.workflows.server"
    worker, line, fit = (
        _part(f"{package}.{name}", "server", "A worker")
        for name in ("worker", "_worker_line", "_fit")
    )
    url = options.server_url or settings.workers.server_url or _url_of(settings)
    home = settings.home
    ca = Path(options.ca_file) if options.ca_file else home / "certificates" / "ca.pem"
    if not ca.exists():
        if options.ca_file:
            raise FileNotFoundError(2, "No such file", options.ca_file)
        ca = None  # type: ignore[assignment] # the system's
    name, own = _own_facts(options, fit)
    made = worker.WorkerOptions(
        name, line.Line(url, _bootstrap(options, settings), ca),
        home / "workers" / name, **own,
    )  # fmt: skip

    def on_joined(facts: dict[str, Any]) -> None:
        options.output.say(f"worker {plain(name)} works for {url} (Ctrl-C ends)")
        options.output.line({"server": url, **facts})

    async def run() -> None:
        stop, hurry = _stop_events()
        await worker.WorkerProcess(made, on_joined).run(stop, hurry)

    asyncio.run(run())
    return 0


def _own_facts(options: argparse.Namespace, fit: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of a worker and what was said of it; any: a module."""
    name = options.name or f"{socket.gethostname()}-{secrets.token_hex(3)}"
    if not _NAME.fullmatch(name):
        options.parser.error(
            f"{plain(name)!r} is no name of a worker: 1 to 64 of letters, digits, "
            "'_', '.' and '-', a letter or digit first"
        )
    for given in ("slots", "cpu", "drain"):
        value = getattr(options, given)
        if value is not None and value <= 0:
            options.parser.error(f"--{given} wants more than 0, not {value:g}")
    own: dict[str, Any] = {"slots": options.slots, "drain_s": options.drain}
    if options.cpu is not None:
        own["cpu"] = options.cpu
    if options.memory is not None:
        own["memory"] = fit.memory_bytes(options.memory)
    if options.gpu is not None:
        own["gpu"] = options.gpu
    return name, own


def _bootstrap(options: argparse.Namespace, settings: Settings) -> str:
    """Return the bootstrap token."""
    if options.token_file is None and settings.workers.bootstrap_token:
        return settings.workers.bootstrap_token
    path = Path(options.token_file or settings.home / _TOKEN_FILE)
    token = ""
    if options.token_file is not None or path.exists():
        token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise ConfigError(
            "The worker has no bootstrap token",
            why=f"{path} is not there or empty, and FLEXIFLOW_WORKERS__BOOTSTRAP_TOKEN "
            "is not set.",
            fix="Copy the file bootstrap_token of the server's home, and add "
            "--token-file FILE",
        )
    return token


def _url_of(settings: Settings) -> str:
    """Return the URL of a server that is started with these settings."""
    host = settings.server_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server_port}"


# --- mcp ------------------------------------------------------------------------------


def _add_mcp(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--transport", choices=("stdio", "streamable-http", "sse"),
        help="how it talks; default: the setting mcp.transport, stdio",
    )  # fmt: skip
    add("--host", metavar="HOST", help="the address; default: the setting mcp.host")
    add(
        "--port", type=int, metavar="PORT",
        help="the port; default: the setting mcp.port, 8080",
    )  # fmt: skip
    add("--path", default="/mcp", metavar="PATH", help="default: %(default)s")
    add(
        "--server-url", metavar="URL",
        help="the server of workflows; default: the setting mcp.server_url, else "
        "workers.server_url, else the local store",
    )  # fmt: skip
    add(
        "--token-file", metavar="FILE", help="the token that the server wants, if any"
    )  # fmt: skip
    add(
        "--ca-file", metavar="FILE",
        help="a copy of certificates/ca.pem in the home of the server, for https",
    )  # fmt: skip


def _mcp(options: argparse.Namespace) -> int:
    """Serve the tools until the process is asked to end."""
    with _settings(options) as settings:
        return _mcp_with(options, settings)


def _mcp_with(options: argparse.Namespace, settings: Settings) -> int:
    """Serve the tools with some settings."""
    mcp = _part("flexiflow.workflows.mcp", "mcp", "The MCP server")
    token = None
    if options.token_file is not None:
        token = Path(options.token_file).read_text(encoding="utf-8").strip()
    code: int | None = mcp.main(
        transport=options.transport or settings.mcp.transport,
        host=options.host or settings.mcp.host,
        port=settings.mcp.port if options.port is None else options.port,
        path=options.path,
        server_url=options.server_url
        or settings.mcp.server_url
        or settings.workers.server_url,
        token=token,
        ca_file=options.ca_file,
    )
    return code or 0


# --- what they share ------------------------------------------------------------------


def _part(module: str, extra: str, part: str) -> Any:
    """Import what needs an extra; no sooner than it is asked for. Any: a module."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in {"", "flexiflow"}:
            raise
        raise missing_extra(extra, missing, part) from error


@contextmanager
def _settings(options: argparse.Namespace, **changes: Any) -> Iterator[Settings]:
    """Give the settings with what the command line says; any: by their keys."""
    configuration = Configuration.get()
    given = {key: value for key, value in changes.items() if value is not None}
    home = options.home or configuration.reload().home
    with configuration.override(home=Path(home).absolute(), **given) as settings:
        _log_to_stderr(options, settings)
        yield settings


def _log_to_stderr(options: argparse.Namespace, settings: Settings) -> None:
    """Let the server and the workers say what they do."""
    wanted = settings.log_level
    level = "INFO" if options.verbose else "WARNING" if wanted == "INFO" else wanted
    get_logger("flexiflow", level)


def _stop_events() -> tuple[asyncio.Event, asyncio.Event]:
    """Return what the first, and what the second wish to end sets."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C interrupts instead
            loop.add_signal_handler(number, on_signal)
    return stop, hurry
