"""Every setting can be given in each of the documented ways; others are errors."""

import dataclasses
import os
from pathlib import Path

import pytest

from flexiflow.errors import ConfigError
from flexiflow.settings import Settings, load_settings

GIVEN = {
    "debug": ("true", True),
    "log_level": ("DEBUG", "DEBUG"),
    "dask": ("tcp://here:8786", "tcp://here:8786"),
    "server_host": ("127.0.0.3", "127.0.0.3"),
    "server_port": ("8123", 8123),
    "home": ("elsewhere", Path("elsewhere")),
    "database_url": ("postgresql://db/flows", "postgresql://db/flows"),
    "serializer": ("pkl", "pkl"),
    "cache_path": ("cached", Path("cached")),
    "local_storage_path": ("stored", Path("stored")),
    "workers.bootstrap_token": ("token", "token"),
    "workers.server_url": ("https://server:8000", "https://server:8000"),
    "workers.default_timeout": ("12.5", 12.5),
    "workers.retry_attempts": ("7", 7),
    "workers.retry_delay": ("0.5", 0.5),
    "workers.retry_backoff": ("3", 3.0),
    "security.encryption_key": ("key", "key"),
    "mcp.name": ("mine", "mine"),
    "mcp.host": ("127.0.0.2", "127.0.0.2"),
    "mcp.port": ("8181", 8181),
    "mcp.server_url": ("https://server:8000", "https://server:8000"),
    "mcp.transport": ("sse", "sse"),
}
"""What is written for each key, and what comes of it."""

DEFAULTS = {
    "debug": False,
    "log_level": "INFO",
    "server_host": "localhost",
    "server_port": 8000,
    "home": Path(".flexiflow"),
    "database_url": None,
    "serializer": "json",
    "workers.default_timeout": 300,
    "workers.retry_attempts": 3,
    "workers.retry_delay": 1,
    "workers.retry_backoff": 2,
    "security.encryption_key": None,
    "mcp.port": 8080,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder without settings, and no variables of ours."""
    for name in list(os.environ):
        if name.startswith("FLEXIFLOW_"):
            monkeypatch.delenv(name)
    return tmp_path


def value_of(settings, key):
    """Return the value of a dotted key."""
    for part in key.split("."):
        settings = getattr(settings, part)
    return settings


def literal(text, value):
    """Return what is written in TOML."""
    return text if isinstance(value, bool | int | float) else f'"{text}"'


def toml(table, key, text):
    """Return a file that holds one setting."""
    parts = key.split(".")
    return f"[{'.'.join([table, *parts[:-1]])}]\n{parts[-1]} = {text}\n"


def by_variable(folder, key, text, value):
    """Give a setting by the environment."""
    return {f"FLEXIFLOW_{key.upper().replace('.', '__')}": text}


def by_own_file(folder, key, text, value):
    """Give a setting in flexiflow.toml."""
    content = toml("flexiflow", key, literal(text, value))
    (folder / "flexiflow.toml").write_text(content)
    return {}


def by_project(folder, key, text, value):
    """Give a setting in pyproject.toml."""
    content = toml("tool.flexiflow", key, literal(text, value))
    (folder / "pyproject.toml").write_text(content)
    return {}


WAYS = [by_variable, by_own_file, by_project]


class TestKeys:
    def test_are_all_here(self):
        """A setting that is added is tested."""
        known = set()
        for field in dataclasses.fields(Settings):
            value = getattr(Settings(), field.name)
            if dataclasses.is_dataclass(value):
                inner = dataclasses.fields(value)
                known |= {f"{field.name}.{item.name}" for item in inner}
            else:
                known.add(field.name)

        assert known == set(GIVEN)

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("key", GIVEN)
    def test_each_by_each_way(self, folder, key, way):
        """A key is taken from where it stands, and the others stay as they are."""
        text, value = GIVEN[key]
        environ = way(folder, key, text, value)
        settings = load_settings(folder, environ)
        found = value_of(settings, key)

        assert (found, type(found)) == (value, type(value))
        for other in set(GIVEN) - {key}:
            assert value_of(settings, other) == value_of(Settings(), other)

    @pytest.mark.parametrize("key", GIVEN)
    def test_own_file_over_project_and_variable_over_both(self, folder, key):
        """The nearer to the call, the more it counts."""
        text, value = GIVEN[key]
        by_project(folder, key, *_other(key))
        by_own_file(folder, key, text, value)
        assert value_of(load_settings(folder, {}), key) == value

        environ = by_variable(folder, key, *_other(key))
        assert value_of(load_settings(folder, environ), key) == _other(key)[1]

    @pytest.mark.parametrize("key", DEFAULTS)
    def test_defaults(self, folder, key):
        """Without settings the documented values hold."""
        assert value_of(load_settings(folder, {}), key) == DEFAULTS[key]

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("key", ["servr_port", "workers.retry_attemps", "mcp.prt"])
    def test_unknown_ones_are_errors(self, folder, key, way):
        """A misspelt key is told with what was probably meant."""
        environ = way(folder, key, "1", 1)
        with pytest.raises(ConfigError) as raised:
            load_settings(folder, environ)

        near = {"s": "server_port", "w": "retry_attempts", "m": "port"}[key[0]]
        assert near.upper() in str(raised.value).upper()


def _other(key):
    """Return another value that a key may have."""
    text, value = GIVEN[key]
    choices = {
        "debug": ("false", False),
        "log_level": ("ERROR", "ERROR"),
        "serializer": ("json", "json"),
        "mcp.transport": ("stdio", "stdio"),
    }
    if key in choices:
        return choices[key]
    if isinstance(value, int | float):
        return "9", type(value)(9)
    return f"{text}x", type(value)(f"{text}x")
