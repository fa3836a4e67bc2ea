"""Read a config's file, or say why that cannot be done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import ConfigError, one_line
from ..statechart._yaml import load_yaml

if TYPE_CHECKING:
    from ..statechart._yaml import YamlDocument

__all__ = ["ConfigFileError", "read_document"]

_MOST_BYTES: Final = 8_000_000
"""The largest file that is read; four bytes for each character that YAML may have."""


class ConfigFileError(ConfigError, FileNotFoundError):
    """The config's file does not exist, or cannot be read."""

    code = "flexiflow.config.file"

    __str__ = ConfigError.__str__


def read_document(path: str | os.PathLike[str]) -> YamlDocument:
    """Read a YAML file with its places.

    Raises
    ------
    ConfigFileError
        If there is no such file.
    ConfigError
        If it is no path, a folder, too large, or cannot be read.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(
            "A config is a path or a mapping",
            why=f"Got {one_line(path)}, a {type(path).__name__}.",
            fix='Give the path of a YAML file, or a dict such as {"name": "door"}.',
        )
    name = os.fspath(path)
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigFileError(
            f"Config file not found: {name}",
            why="There is no such file.",
            fix=f"Check the path; the working directory is {Path.cwd()}",
            context={"config_path": name},
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"Config file cannot be read: {name}",
            why=str(error),
            fix="Give the path of a file that can be read.",
            context={"config_path": name},
        ) from error
    if len(raw) > _MOST_BYTES:
        raise ConfigError(
            f"Config file is too large: {name}",
            why=f"It has more than {_MOST_BYTES:,} bytes.",
            fix="Split it into several files.",
            context={"config_path": name},
        )
    return load_yaml(raw, source=name)
