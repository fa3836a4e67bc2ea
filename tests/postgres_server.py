"""A PostgreSQL of the tests' own: on loopback, not as root, gone when they end.

``postgres_url`` gives each test a database of its own on one server, which is
``postgres_server``, for fixtures that live longer than a test and for more databases.
``private_postgres`` is one that a test may stop, kill and start again as it likes.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "PostgresServer",
    "a_postgres",
    "postgres_server",
    "postgres_url",
    "private_postgres",
]

WAIT_S: Final = 60

_KEEPER: Final = (
    '"$@" >>"$LOG" 2>&1 & server=$!; echo $server; exec 1>&-;'
    " cat >/dev/null; kill -INT $server 2>/dev/null; wait $server"
)
"""Ends the server with its own input: whoever holds that may be killed at any time."""

_END_OTHERS: Final = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
"""
_DROP_ALL: Final = """
SET client_min_messages = warning;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace
        WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
    CREATE SCHEMA public;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
END
$$;
"""
"""Quicker than to drop the database, for which the server writes all that it has."""


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest there is, or None."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = sorted(debian, key=lambda path: int(path.parts[-3]))
    if newest:
        return newest[-1].parent
    found = shutil.which("postgres")
    return None if found is None else Path(found).resolve().parent


def _other_user() -> str | None:
    """Return as whom the server runs: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@final
class PostgresServer:
    """A cluster in a folder, and the process that serves it.

    Parameters
    ----------
    folder : path
        An empty folder; the user of the server must be able to reach it.
    programs : path
        The folder of PostgreSQL's programs.

    Notes
    -----
    Passwords are asked for, and commits reach the disk: as in earnest.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.port = _free_port()
        self.password = f"pw-{secrets.token_hex(8)}"
        """Of the superuser ``tester``; a test may look for it where it must not be."""
        self.pid = 0
        """The process of the server; 0 while it is stopped."""
        self._folder = folder
        self.programs = programs
        """The folder of PostgreSQL's programs."""
        self._user = _other_user()
        self._keeper: subprocess.Popen[str] | None = None
        self._empty: list[str] = []
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._make()

    @property
    def log(self) -> str:
        """What the server has said."""
        return (self._folder / "log").read_text(errors="replace")

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, password included."""
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/{database}"

    def make_database(self) -> str:
        """Return the URL of an empty database."""
        if self._empty:
            return self._empty.pop()
        name = f"test_{secrets.token_hex(6)}"
        self.do(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Empty a database, whoever still uses it; the next one may be the same."""
        self.do(_END_OTHERS + _DROP_ALL, url)
        self._empty.append(url)

    def end_sessions(self, url: str) -> None:
        """End all that goes on in a database, as an administrator may at any time."""
        self.do(_END_OTHERS, url)

    def do(self, sql: str, url: str = "") -> None:
        """Run a statement as the superuser, with PostgreSQL's own client."""
        subprocess.run(
            [self.programs / "psql", "-qXc", sql, url or self.url()],
            check=True,
            capture_output=True,
            timeout=WAIT_S,
        )

    def start(self) -> None:
        """Start the server; return when it takes connections."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "recovery_init_sync_method": "syncfs",  # else seconds after each crash
        }
        words = [word for pair in options.items() for word in ("-c", "=".join(pair))]
        self._keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", self.programs / "postgres", *words],
            **self._way(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests
        )
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())
        self._keeper.stdout.close()
        self._wait_until_ready()

    def stop(self, how: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT in good order, SIGQUIT at once, as in a crash."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        os.kill(self.pid, how)
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(WAIT_S)
        self.pid = 0

    def crash(self) -> None:
        """End the server without a chance to tidy up, and start it again."""
        self.stop(signal.SIGQUIT)
        self.start()

    def _way(self) -> dict[str, object]:
        """Return as whom, where and with what the programs run."""
        way: dict[str, object] = {
            "cwd": self._folder,
            "env": {
                "PATH": os.environ.get("PATH", os.defpath),
                "LC_ALL": "C.UTF-8",
                "LOG": str(self._folder / "log"),
                "PGDATA": str(self._folder / "data"),
            },
        }
        if self._user is not None:
            way |= {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid}
            way["extra_groups"] = []
        return way

    def _make(self) -> None:
        """Make the cluster."""
        secret = self._folder / "password"
        secret.write_text(self.password)
        if self._user is not None:
            shutil.chown(secret, self._user)
        subprocess.run(
            [
                *(self.programs / "initdb", "--no-sync", "--username=tester"),
                *("--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8"),
            ],
            **self._way(),
            check=True,
            capture_output=True,
            timeout=WAIT_S,
        )

    def _wait_until_ready(self) -> None:
        """Return when the server answers."""
        ends = time.monotonic() + WAIT_S
        asked = [self.programs / "pg_isready", "-qh127.0.0.1", f"-p{self.port}"]
        while subprocess.run(asked, check=False, timeout=WAIT_S).returncode:
            assert self._keeper is not None
            if self._keeper.poll() is not None or time.monotonic() > ends:
                pytest.fail(f"PostgreSQL does not start:\n{self.log}")
            time.sleep(0.05)


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def a_postgres() -> Iterator[PostgresServer]:
    """Serve a new cluster until the end of the block; skip where there is none."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: sudo apt-get install postgresql")
    # Below pytest's own folders no other user can go.
    folder = Path(tempfile.mkdtemp(prefix="flexiflow-postgres-"))
    server = None
    try:
        server = PostgresServer(folder, programs)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop(signal.SIGQUIT)  # at once: nobody needs it any more
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Return a server that all tests share; none of them may stop it."""
    with a_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server) -> Iterator[str]:
    """Return the URL of an empty database of the test's own."""
    url = postgres_server.make_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def private_postgres() -> Iterator[PostgresServer]:
    """Return a server of the test's own, to be stopped and started at will."""
    with a_postgres() as server:
        yield server
