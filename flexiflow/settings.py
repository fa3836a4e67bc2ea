"""Read the settings: environment over ``flexiflow.toml`` over ``pyproject.toml``.

One frozen value for all parts of FlexiFlow. What is misspelt is an error that says
where it stands and what was probably meant; nothing is ignored.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, final, get_args, get_type_hints

from .errors import ConfigError, nearest, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PREFIX",
    "RESERVED",
    "LogLevel",
    "McpSettings",
    "SecuritySettings",
    "Serializer",
    "Settings",
    "Transport",
    "WorkerSettings",
    "change_settings",
    "load_settings",
]

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Serializer = Literal["json", "pkl"]
Transport = Literal["stdio", "streamable-http", "sse"]

PREFIX: Final = "FLEXIFLOW_"
"""What the names of all our environment variables begin with."""

RESERVED: Final = (
    "FLEXIFLOW_CONFIG",
    "FLEXIFLOW_DISPLAY",
    "FLEXIFLOW_LOG_FORMAT",
    "FLEXIFLOW_SCXML_SUITE",
)
"""Variables that are no settings: they are read where they are used."""


@final
@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How clients and workers reach a server: ``[flexiflow.workers]``."""

    bootstrap_token: str | None = field(default=None, repr=False)
    """The secret with which a new worker introduces itself."""
    server_url: str | None = None
    """Where the server is; None: there is none, work on the local store."""
    default_timeout: float = 300.0
    """Seconds to wait for an answer of the HTTP client; above 0."""
    retry_attempts: int = 3
    """Attempts of the HTTP client in all; at least 1."""
    retry_delay: float = 1.0
    """Seconds before the second attempt; at least 0."""
    retry_backoff: float = 2.0
    """What the wait is multiplied by after each failure; at least 1."""


@final
@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """What is kept secret, and how: ``[flexiflow.security]``."""

    encryption_key: str | None = field(default=None, repr=False)
    """The key of the secrets; None: made on first use, in a file of mode 0600."""


@final
@dataclass(frozen=True, slots=True)
class McpSettings:
    """The MCP server: ``[flexiflow.mcp]``."""

    name: str = "flexiflow"
    """The name under which it shows itself."""
    host: str = "localhost"
    """The address to listen on."""
    port: int = 8080
    """The port to listen on, 0 to 65535; 0 picks a free one."""
    server_url: str | None = None
    """The FlexiFlow server behind it; None: the local store."""
    transport: Transport = "stdio"
    """How it talks: ``stdio``, ``streamable-http`` or ``sse``."""


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """All settings: ``[flexiflow]``, or ``[tool.flexiflow]`` in pyproject.toml."""

    debug: bool = False
    """Whether to show traces, and check more."""
    log_level: LogLevel = "INFO"
    """The lowest level that is logged."""
    server_host: str = "localhost"
    """The address the workflow server listens on."""
    server_port: int = 8000
    """The port it listens on, 0 to 65535; 0 picks a free one."""
    home: Path = Path(".flexiflow")
    """The folder of what FlexiFlow keeps; relative to the working directory."""
    database_url: str | None = field(default=None, repr=False)
    """The database of the workflows; None: SQLite in ``home``."""
    dask: str | None = None
    """Where tasks with ``executor="dask"`` run: the address of a Dask scheduler, or
    ``local``; None: on the scheduler of the worker that the process is, else local."""
    serializer: Serializer = "json"
    """How values between steps are written."""
    cache_path: Path | None = None
    """Where results are cached; None: in ``home``."""
    local_storage_path: Path | None = None
    """Where large values are kept; None: in ``home``."""
    workers: WorkerSettings = field(default_factory=WorkerSettings)
    """Clients and workers."""
    security: SecuritySettings = field(default_factory=SecuritySettings)
    """Secrets."""
    mcp: McpSettings = field(default_factory=McpSettings)
    """The MCP server."""

    @property
    def snapshot_store(self) -> Path:
        """The database in which the CLI keeps components."""
        return self.home / "components.db"


_TABLES: Final = {
    "workers": WorkerSettings,
    "security": SecuritySettings,
    "mcp": McpSettings,
}
_LIMITS: Final[dict[str, tuple[float, float, str]]] = {
    "server_port": (0, 65535, "a port, 0 to 65535"),
    "mcp.port": (0, 65535, "a port, 0 to 65535"),
    "workers.default_timeout": (1e-9, float("inf"), "a number above 0"),
    "workers.retry_attempts": (1, float("inf"), "a whole number, at least 1"),
    "workers.retry_delay": (0, float("inf"), "a number, at least 0"),
    "workers.retry_backoff": (1, float("inf"), "a number, at least 1"),
}
"""The least and the greatest value of a number, both allowed, and both in words."""
_SECRET: Final = (
    "database_url",
    "workers.bootstrap_token",
    "security.encryption_key",
)


@dataclass(frozen=True, slots=True)
class _Source:
    """A place that settings come from."""

    shown: str
    """What to call it in an error."""
    text: str = ""
    """The whole text of a file, in which lines are looked up."""
    table: str = ""
    """The table of the file that holds the settings."""

    def where(self, key: str) -> dict[str, Any]:
        """Return the file and, when it can be found, the line of a key."""
        if not self.text:
            return {"variable": self.shown}
        line = _line_of(self.text, f"{self.table}.{key}")
        found: dict[str, Any] = {"file": self.shown}
        return found | ({"line": line} if line else {})


def load_settings(
    folder: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings of a folder.

    Parameters
    ----------
    folder : str or path, optional
        Where ``flexiflow.toml`` and ``pyproject.toml`` are looked for (not above it);
        the working directory when left out.
    environ : mapping of str to str, optional
        Read instead of the process's environment. ``FLEXIFLOW_LOG_LEVEL`` sets
        ``log_level``, ``FLEXIFLOW_WORKERS__RETRY_DELAY`` sets ``workers.retry_delay``.
        An empty variable counts as not set.

    Returns
    -------
    Settings
        The environment over ``flexiflow.toml`` over ``pyproject.toml`` over the
        defaults, merged key by key.

    Raises
    ------
    ConfigError
        If a file is broken, or a key, a variable or a value is not known; with the
        place, and near misses first.
    """
    base = Path.cwd() if folder is None else Path(folder)
    values: dict[str, Any] = {}
    for name, table in (
        ("pyproject.toml", "tool.flexiflow"),
        ("flexiflow.toml", "flexiflow"),
    ):
        values |= _read_file(base / name, table)
    values |= _read_environment(os.environ if environ is None else environ)
    return _merged(Settings(), values)


def change_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return settings in which some values are others, checked like those of a file.

    Parameters
    ----------
    settings : Settings
        Those to begin with; not changed.
    changes : mapping of str to object
        By key; those of a table as a mapping of their own
        (``{"workers": {"retry_delay": 2}}``), of which the other keys stay as they
        are. None takes a setting back that may be absent.

    Raises
    ------
    ConfigError
        If a key or a value is not known; near misses first.
    """
    return _merged(settings, _flatten(dict(changes), _Source("the call")))


def _merged(settings: Settings, values: dict[str, Any]) -> Settings:
    """Return settings with these values, by dotted key, in place of theirs."""
    found = {key: value for key, value in values.items() if "." not in key}
    for table in _TABLES:
        start = f"{table}."
        mine = {k[len(start) :]: v for k, v in values.items() if k.startswith(start)}
        if mine:
            found[table] = dataclasses.replace(getattr(settings, table), **mine)
    return dataclasses.replace(settings, **found)


def _read_file(path: Path, table: str) -> dict[str, Any]:
    """Return the settings of a file by dotted key; none when it does not exist."""
    try:
        text = path.read_bytes().decode("utf-8")
        content: Any = tomllib.loads(text.replace("\r\n", "\n"))
    except FileNotFoundError:
        return {}
    except (
        OSError,
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        RecursionError,
    ) as error:
        raise _broken(path, error) from error
    source = _Source(str(path), text, table)
    own_file = "." not in table
    if own_file:
        _refuse_other_tables(content, source)
    for part in table.split("."):
        content = content.get(part, {})
        if not isinstance(content, dict):
            raise ConfigError(
                f"[{table}] in {path.name} must be a table",
                why=f"It is {one_line(content)}.",
                fix=f"Write a table: [{table}]",
                context={"file": str(path)},
            )
    return _flatten(content, source)


def _refuse_other_tables(content: dict[str, Any], source: _Source) -> None:
    """Refuse what stands outside ``[flexiflow]`` in a file that is ours alone."""
    for key in content:
        if key != source.table:
            raise ConfigError(
                f"Unknown table in {Path(source.shown).name}: [{key}]",
                why=f"All settings of this file stand in [{source.table}].",
                fix=f"Move {key!r} below [{source.table}], or remove it.",
                context={"file": source.shown, "key": key},
            )


def _flatten(content: dict[str, Any], source: _Source) -> dict[str, Any]:
    """Check the keys and values of a table, and return them by dotted key."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key not in _TABLES:
            found[key] = _checked(key, value, source)
            continue
        if not isinstance(value, dict):
            raise _bad_value(key, value, "a table", source)
        for inner, item in value.items():
            dotted = f"{key}.{inner}"
            found[dotted] = _checked(dotted, item, source)
    return found


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the environment by dotted key."""
    found: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        key = name[len(PREFIX) :].lower().replace("__", ".")
        if key not in _kinds():
            raise _unknown_variable(name)
        if text:
            found[key] = _parsed(key, text, _Source(name))
    return found


def _parsed(key: str, text: str, source: _Source) -> Any:
    """Turn the text of a variable into the value of its setting."""
    kind = _kinds()[key]
    value: Any = text
    if bool in kind:
        value = {
            "1": True, "true": True, "yes": True, "on": True,
            "0": False, "false": False, "no": False, "off": False,
        }.get(text.strip().lower(), text)  # fmt: skip
    elif int in kind or float in kind:
        try:
            value = int(text) if int in kind else float(text)
        except ValueError:
            value = text
    return _checked(key, value, source)


def _checked(key: str, value: Any, source: _Source) -> Any:
    """Return a value as its setting holds it, or say what is wrong with it."""
    if key not in _kinds():
        raise _unknown_key(key, source)
    kind = _kinds()[key]
    if (value is None and type(None) in kind) or (
        isinstance(value, Path) and Path in kind
    ):
        return value
    choices = tuple(item for item in kind if isinstance(item, str))
    if choices:
        text = value.upper() if key == "log_level" and isinstance(value, str) else value
        if text not in choices:
            raise _bad_choice(key, value, choices, source)
        return text
    if bool in kind:
        if not isinstance(value, bool):
            raise _bad_value(key, value, "true or false", source)
        return value
    if int in kind or float in kind:
        return _number(key, value, source)
    if not isinstance(value, str) or "\0" in value:
        raise _bad_value(key, value, "text", source)
    return Path(value) if Path in kind else value


def _number(key: str, value: Any, source: _Source) -> Any:
    """Return a number that is within its limits."""
    low, high, words = _LIMITS[key]
    whole = int in _kinds()[key]
    right = isinstance(value, int if whole else int | float)
    if isinstance(value, bool) or not right or not low <= value <= high:
        raise _bad_value(key, value, words, source)
    return value if whole else float(value)


@cache
def _kinds() -> dict[str, tuple[Any, ...]]:
    """Return what each setting may hold, by dotted key: types, or choices as text."""
    found: dict[str, tuple[Any, ...]] = {}
    for start, cls in (("", Settings), *((f"{n}.", c) for n, c in _TABLES.items())):
        hints = get_type_hints(cls)
        for item in dataclasses.fields(cls):
            if item.name not in _TABLES:
                hint = hints[item.name]
                found[start + item.name] = get_args(hint) or (hint,)
    return found


def _line_of(text: str, dotted: str) -> int | None:
    """Return the line on which a dotted key stands in TOML, best effort, from 1."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
        if header:
            table = header[1].replace('"', "").replace(" ", "")
            continue
        key = re.match(r"\s*([\w\"'.\- ]+?)\s*=", line)
        if key:
            written = re.sub(r"[\"' ]", "", key[1])
            full = f"{table}.{written}" if table else written
            if full == dotted or dotted.startswith(f"{full}."):
                return number
    return None


def _unknown_key(key: str, source: _Source) -> ConfigError:
    """Return the error for a setting that does not exist."""
    table, _, name = key.rpartition(".")
    start = f"{table}." if table else ""
    known = [
        item[len(start) :]
        for item in _kinds()
        if item.startswith(start) and "." not in item[len(start) :]
    ]
    close = nearest(name, known if table else [*known, *_TABLES])
    place = ".".join(part for part in (source.table, table) if part)
    return ConfigError(
        f"Unknown setting: '{key}'",
        why=f"[{place}] has no such key." if place else "There is no such key.",
        fix=f"Did you mean {close[0]!r}? The nearest are: {', '.join(close)}.",
        context={**source.where(key), "key": key},
    )


def _unknown_variable(name: str) -> ConfigError:
    """Return the error for a variable with our prefix that is not ours."""
    known = [PREFIX + key.upper().replace(".", "__") for key in _kinds()]
    close = nearest(name, [*known, *RESERVED])
    return ConfigError(
        f"Unknown environment variable: {name}",
        why=f"Names that begin with {PREFIX} belong to FlexiFlow, and this is none.",
        fix=f"Did you mean {close[0]}? Unset {name} if it is not needed.",
        context={"variable": name, "nearest": close},
    )


def _shown(key: str, value: object) -> str:
    """Return a value for an error; of a secret nothing but its type."""
    return f"a {type(value).__name__}" if key in _SECRET else one_line(value)


def _bad_value(key: str, value: object, wanted: str, source: _Source) -> ConfigError:
    """Return the error for a value of the wrong kind, or out of range."""
    return ConfigError(
        f"Setting '{key}' must be {wanted}",
        why=f"It is {_shown(key, value)}.",
        fix=f"Change it in {source.shown}.",
        context={**source.where(key), "key": key},
    )


def _bad_choice(
    key: str, value: object, choices: tuple[str, ...], source: _Source
) -> ConfigError:
    """Return the error for a value that is none of the choices; the nearest first."""
    listed = nearest(str(value), choices)
    return ConfigError(
        f"Setting '{key}' cannot be {one_line(value)}",
        why=f"It must be one of: {', '.join(listed)}.",
        fix=f"Did you mean {listed[0]!r}? Change it in {source.shown}.",
        context={**source.where(key), "key": key},
    )


def _broken(path: Path, error: Exception) -> ConfigError:
    """Return the error for a file that cannot be read as TOML."""
    place = re.search(r"line (\d+), column (\d+)", str(error))
    context: dict[str, Any] = {"file": str(path)}
    if place:
        context |= {"line": int(place[1]), "column": int(place[2])}
    return ConfigError(
        f"Cannot read settings: {path.name} is broken",
        why=f"{error}.",
        fix="Correct the file at that place; it is TOML, https://toml.io.",
        context=context,
    )
