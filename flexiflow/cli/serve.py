"""``serve``: components of the store over HTTP, until the process is asked to end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from ..api import create_app
from ..engine import FlexiFlowEngine
from ..errors import ConfigError, FlexiFlowError, missing_extra
from ..extras.store import SnapshotStore
from ..reload import ReloadReport, watch_config
from ._late_clock import LateClock
from ._output import plain
from ._session import (
    KEPT_ROWS,
    Session,
    add_config_option,
    add_store_options,
    config_path,
    load_config,
)
from .watch import end_on_signals

try:
    import uvicorn
except ImportError:  # an optional extra, asked for when it is used
    uvicorn = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..component import AsyncComponent

__all__ = ["add_arguments", "is_loopback", "listening_socket", "quiet_server"]

_PORT: Final = 8001
_LAST_PORT: Final = 65_535
_LAST_WORDS_S: Final = 2
"""Seconds that open streams get when the server ends."""


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command."""
    parser.add_argument(
        "more", nargs="*", metavar="FILE", help="configs; the same as --config FILE"
    )
    add_config_option(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=_PORT,
        help="the port; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="a file that holds the token clients must send; needed for any address "
        "that other machines can reach",
    )
    parser.add_argument(
        "--watch", action="store_true", help="apply changes of the configs"
    )
    add_store_options(parser)
    parser.set_defaults(run=_serve)


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _serve(options: argparse.Namespace) -> int:
    """Serve the components of the configs that were named."""
    if not 0 <= options.port <= _LAST_PORT:
        options.parser.error(f"--port wants 0 to {_LAST_PORT}, not {options.port}")
    if uvicorn is None:
        raise missing_extra("api", "uvicorn", "Serving")
    token = _token(options)
    if token is None and not is_loopback(options.host):
        raise ConfigError(
            f"Serving on {options.host} needs a token",
            why="Other machines can reach that address, and any message is an order.",
            fix="Write a long random text into a file and add --token-file FILE; or "
            "serve on this machine only: --host 127.0.0.1",
            context={"host": options.host},
        )
    paths = options.more or [config_path(options)]
    sessions = [Session(options, load_config(path)) for path in paths]
    with contextlib.ExitStack() as stack:
        for session in sessions:
            stack.enter_context(session.lock())
        listening = stack.enter_context(listening_socket(options.host, options.port))
        store = SnapshotStore(sessions[0].path, keep_last=KEPT_ROWS)
        stack.callback(store.close_from_thread)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_Server(sessions, paths, store).run(listening, token))
    return 0


def _token(options: argparse.Namespace) -> str | None:
    """Return the token of the file that was named."""
    if options.token_file is None:
        return None
    token = Path(options.token_file).read_text(encoding="utf-8").strip()
    if not token:
        raise ConfigError(
            "The token file is empty",
            why=f"{options.token_file} holds nothing but white space.",
            fix="Write a long random text into it.",
        )
    return token


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket on an address."""
    opened: socket.socket | None = None
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # asyncio turns Nagle's algorithm off only where the protocol is named, and an
        # answer takes 40 ms with it
        family, kind, protocol, _, address = found[0]
        opened = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen()
    except OSError as error:
        if opened is not None:
            opened.close()
        raise FlexiFlowError(
            f"Cannot listen on {host}, port {port}",
            why=f"{error}.",
            fix="Choose another --port, or end the program that has it.",
            context={"host": host, "port": port},
        ) from error
    return opened


@final
class _Server:
    """The components of some configs, and the HTTP server in front of them."""

    def __init__(
        self, sessions: list[Session], paths: list[str], store: SnapshotStore
    ) -> None:
        self._sessions = sessions
        self._paths = paths
        self._store = store
        self._output = sessions[0].output

    async def run(self, listening: socket.socket, token: str | None) -> None:
        """Serve until the process is asked to end."""
        stop = asyncio.Event()
        end_on_signals(stop)
        host, port = listening.getsockname()[:2]
        async with FlexiFlowEngine(logger=self._sessions[0].logger()) as engine:
            engine.persist(self._store, keep_last=KEPT_ROWS)
            served = [
                await self._restored(engine, session) for session in self._sessions
            ]
            own_names = {"localhost", "127.0.0.1", "::1", host}
            app = create_app(
                engine,
                token=token,
                allowed_hosts=own_names if is_loopback(host) else None,
            )
            server = quiet_server(app, verbose=self._sessions[0].options.verbose)
            async with asyncio.TaskGroup() as tasks:
                self._tell(served, host, port)
                running = tasks.create_task(server.serve(sockets=[listening]))
                for path, component in zip(self._paths, served, strict=True):
                    if self._sessions[0].options.watch:
                        watching = watch_config(
                            component, path, on_report=self._reloaded, stop=stop
                        )
                        tasks.create_task(watching)
                await asyncio.wait(
                    [running, ended := asyncio.ensure_future(stop.wait())],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                server.should_exit = True
                stop.set()
                await ended

    async def _restored(
        self, engine: FlexiFlowEngine, session: Session
    ) -> AsyncComponent:
        """Bring a component back, timers that fell due meanwhile handled."""
        clock = LateClock.since_snapshot(self._store, session.config.name)
        component = engine.restore(self._store, session.config)
        component.clock = clock
        await clock.catch_up(component)
        return component

    def _tell(self, served: list[AsyncComponent], host: str, port: int) -> None:
        """Print where the server is."""
        address = f"[{host}]" if ":" in host else host
        url = f"http://{address}:{port}"
        names = ", ".join(plain(component.name) for component in served)
        self._output.say(f"serving {names} on {url} (see {url}/docs; Ctrl-C ends)")
        self._output.line({"url": url, "components": [one.name for one in served]})

    def _reloaded(self, report: ReloadReport) -> None:
        """Print what came of a changed config."""
        if report.error is not None:
            self._output.error(report.error)
        else:
            self._output.say(plain(report.text), "green")
        self._output.line({"applied": report.applied, "text": report.text})


def quiet_server(
    app: Any, *, verbose: bool, certificate: Path | None = None, key: Path | None = None
) -> Any:
    """Return a server that leaves signals and, mostly, the terminal to us.

    ``certificate`` and ``key`` are the files for https. Any: an ASGI application, and a
    class of an optional package.
    """

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Take no signals: they end the whole, not the server alone."""
            yield

    return Server(
        uvicorn.Config(
            app,
            log_level="info" if verbose else "warning",
            timeout_graceful_shutdown=_LAST_WORDS_S,
            lifespan="off",
            ssl_certfile=certificate,
            ssl_keyfile=None if key is None else str(key),
        )
    )
