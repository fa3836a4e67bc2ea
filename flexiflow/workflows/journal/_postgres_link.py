"""Reach a PostgreSQL server: its URL, its connections, and what is wrong with them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Final, Literal, final

import psycopg
from psycopg import conninfo

from ..errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Link",
    "Patience",
    "abandon",
    "database_error",
    "is_passing",
    "is_starting",
]

_DEFAULTS: Final = {
    "application_name": "flexiflow",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "target_session_attrs": "read-write",  # of several hosts, the primary
    "tcp_user_timeout": "30000",
}
"""What holds where the URL says nothing."""

_SETTINGS: Final = (
    # A host that has gone without a word must not keep its locks for hours.
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)

_PASSING: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "25006",  # read_only_sql_transaction: the primary is a standby now
        "55P03",  # lock_not_available
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P05",  # idle_session_timeout
        "53300",  # too_many_connections
    }
)
"""The codes of errors after which the same may be tried again."""

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 1.0
_HURRY_S: Final = 2.0
"""Seconds for which a journal that is closed still waits for its server."""

_STARTING: Final = ("starting up", "shutting down", "recovery mode", "not yet accept")
"""What a server says that will soon take connections."""


@final
class Link:
    """Knows a database, and opens connections to it.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database?option=value``, as libpq takes
        it. What it leaves out is taken from libpq's own variables and files
        (``PGPASSWORD``, ``~/.pgpass``).
    durability : {"disk", "process"}
        Whether a commit waits for the server's disk.

    Raises
    ------
    JournalError
        If the URL cannot be read.
    """

    def __init__(
        self, url: str, *, durability: Literal["disk", "process"] = "disk"
    ) -> None:
        # What libpq says of a URL may quote a part of its password: it is not chained.
        try:
            self._facts = _read(url)
        except (psycopg.Error, ValueError):
            raise JournalError(
                "The URL of the database cannot be read",
                why="It is no URL of PostgreSQL. It is not shown, since it may hold a "
                "password.",
                fix="Write postgresql://user:password@host:5432/database, with special "
                "characters of the password as %XX (@ is %40, / is %2F).",
            ) from None
        self._durability = durability
        self.shown: Final = _shown(self._facts)
        """The database without the password, for people."""

    def __repr__(self) -> str:
        """Return the database without the password."""
        return f"<Link {self.shown}>"

    def url_for(self, user: str, password: str) -> str:
        """Return the URL of the same database for another user."""
        return _url({**self._facts, "user": user, "password": password})

    def connect(self) -> psycopg.Connection:
        """Open a connection that commits each statement unless told otherwise.

        Raises
        ------
        psycopg.OperationalError
            If the server cannot be reached, or refuses.
        """
        facts = _DEFAULTS | self._facts
        facts["options"] = f"{_SETTINGS} {facts.get('options', '')}".strip()
        conn = psycopg.connect(conninfo.make_conninfo("", **facts), autocommit=True)
        try:
            conn.execute(_DURABILITY[self._durability])
            conn.execute(_STAY)
            conn.prepare_threshold = 2
        except BaseException:
            conn.close()
            raise
        return conn


_DURABILITY: Final = {
    # Stronger promises of the server (remote_apply) are left as they are.
    "disk": "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'",
    "process": "SET synchronous_commit = off",
}

_STAY: Final = (
    "SELECT set_config(name, '0', false) FROM pg_settings "
    "WHERE name = 'idle_session_timeout' AND setting <> '0'"
)
"""A session that listens is silent for long; its lock must not end with a timeout."""


def _url(facts: Mapping[str, str]) -> str:
    """Return a URL of PostgreSQL with every part escaped."""
    rest = {key: value for key, value in facts.items() if key not in _BEFORE_OPTIONS}
    host, port = facts.get("host", "localhost"), facts.get("port", "")
    if "," in host or "/" in host:  # several hosts, or a folder of sockets
        rest |= {"host": host} | ({"port": port} if port else {})
        place = ""
    else:
        place = f"[{host}]" if ":" in host else _quoted(host)
        place += f":{port}" if port else ""
    user, password = _quoted(facts["user"]), _quoted(facts["password"])
    asked = "&".join(f"{key}={_quoted(value)}" for key, value in sorted(rest.items()))
    database = _quoted(facts.get("dbname", facts["user"]))
    url = f"postgresql://{user}:{password}@{place}/{database}"
    return f"{url}?{asked}" if asked else url


def _read(url: str) -> dict[str, str]:
    """Return the parts of a URL.

    Raises
    ------
    ValueError
        If they are cut wrongly: a ``/`` in a password ends it, and what is behind it
        would be taken for the database.
    """
    facts = {key: str(part) for key, part in conninfo.conninfo_to_dict(url).items()}
    ports = facts.get("port", "").split(",")
    name = facts.get("dbname", "")
    if not all(not port or port.isdecimal() for port in ports) or {"@", "/"} & {*name}:
        raise ValueError
    return facts


_BEFORE_OPTIONS: Final = ("user", "password", "host", "port", "dbname")
_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)


def _quoted(text: str) -> str:
    """Return text as a part of a URL (RFC 3986, section 2.1)."""
    return "".join(
        chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode()
    )


def _shown(facts: Mapping[str, str]) -> str:
    """Return a URL without its password and options."""
    user = facts.get("user", "")
    host = facts.get("host") or facts.get("hostaddr") or "localhost"
    port = facts.get("port", "5432")
    start = f"{user}@" if user else ""
    return f"postgresql://{start}{host}:{port}/{facts.get('dbname', user)}"


def abandon(conn: psycopg.Connection) -> None:
    """Let go of a connection that belongs to the process that forked this one.

    It is not closed, for its parent goes on talking over it; but the child must not
    hold the line open, or the server would take a dead parent for alive.
    """
    with contextlib.suppress(psycopg.Error, OSError):
        os.close(conn.fileno())
    _INHERITED.append(conn)


_INHERITED: Final[list[psycopg.Connection]] = []
"""What was abandoned: collected as garbage, each would be warned of."""


@final
class Patience:
    """Waits longer and longer between tries, and comes to an end.

    Parameters
    ----------
    timeout_s : float
        Seconds until it ends.
    hurry : threading.Event, optional
        Ends it within two seconds once set; so does the end of the program.
    """

    def __init__(self, timeout_s: float, hurry: threading.Event | None = None) -> None:
        self._ends = time.monotonic() + timeout_s
        self._hurry = threading.Event() if hurry is None else hurry
        self._pause_s = _FIRST_PAUSE_S

    def wait(self) -> bool:
        """Wait a little; return whether another try is worth it."""
        now = time.monotonic()
        # When the program ends, its main thread has ended before what is queued.
        if self._hurry.is_set() or not threading.main_thread().is_alive():
            self._ends = min(self._ends, now + _HURRY_S)
            self._hurry = threading.Event()
        left = self._ends - now
        if left <= 0:
            return False
        self._hurry.wait(min(self._pause_s, left))
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return True


def is_passing(error: psycopg.Error, conn: psycopg.Connection | None = None) -> bool:
    """Return whether the same may succeed on another connection, or a little later."""
    if error.sqlstate in _PASSING:
        return True
    if conn is not None:
        return conn.closed
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def is_starting(error: psycopg.Error) -> bool:
    """Return whether a server that refuses will soon take connections."""
    return any(words in str(error) for words in _STARTING)


def database_error(error: Exception, done: str, shown: str) -> JournalError:
    """Return the error for a journal that cannot be ``opened``, ``read``, ``written``.

    Parameters
    ----------
    error : Exception
        What PostgreSQL, its driver or Python reported.
    done : str
        The participle of what was tried.
    shown : str
        The database, without a password.
    """
    text = str(error).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    reporter = "PostgreSQL" if isinstance(error, psycopg.Error) else "Python"
    code = getattr(error, "sqlstate", None)
    return JournalError(
        f"The journal cannot be {done}: {said}",
        why=f"{reporter} reported {type(error).__name__}{f' ({code})' if code else ''}"
        f" for {shown}.",
        fix=_fix(error, text),
        context={"database": shown},
    )


_FIXES: Final = (
    (
        ("password authentication", "no password supplied", "role", "28P01", "28000"),
        (
            "Check user and password in database_url (FLEXIFLOW_DATABASE_URL), or in "
            "~/.pgpass; special characters of a password are written as %XX."
        ),
    ),
    (
        ("no pg_hba.conf entry",),
        (
            "Let the server take this user from this address: its pg_hba.conf, then "
            "pg_ctl reload."
        ),
    ),
    (
        ("permission denied", "42501", "must be"),
        (
            "Let the owner of the database open the journal once, which makes its "
            "tables, and give this role its rights: journal.grant_worker(role)."
        ),
    ),
    (
        ("too many clients", "connection slots", "53300"),
        (
            "Raise max_connections of the server, or run fewer processes; each takes "
            "three to seven connections."
        ),
    ),
    (("No space left", "53100"), "Make room on the disk of the server, then go on."),
    (
        ("read-only", "25006"),
        (
            "Name the primary server: this one is a standby, or the database is set to "
            "default_transaction_read_only."
        ),
    ),
    (
        ("surrogates not allowed",),
        "Use names and ids that are text: one holds half a surrogate pair.",
    ),
    (
        ("cannot adapt", "mixed", "expected str", "must be real number"),
        "Write records made of text, as the codec makes it.",
    ),
    (
        ("Connection refused", "could not translate", "Name or service", "timeout"),
        (
            "Start the server, or name the right host and port: database_url "
            "(FLEXIFLOW_DATABASE_URL)."
        ),
    ),
)
"""What to do, by a word in what was said or its code; the first that fits counts."""


def _fix(error: Exception, text: str) -> str:
    """Return what to do about an error of the database."""
    if 'database "' in text and "does not exist" in text:
        return "Make the database (createdb NAME), or name another in database_url."
    code = getattr(error, "sqlstate", None)
    for words, fix in _FIXES:
        if code in words or any(word in text for word in words):
            return fix
    return "Look at the log of the server, mend the cause, then go on."
