"""What the commands share: the config, the settings, the store, a component at work."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from ..config_loader import ConfigLoader
from ..extras.store import SnapshotStore
from ..logger import get_logger
from ..settings import Settings, load_settings
from ._lock import component_lock

if TYPE_CHECKING:
    import argparse
    import logging
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ..config_loader import ComponentConfig
    from ._output import Output

__all__ = [
    "KEPT_ROWS",
    "Session",
    "add_config_option",
    "add_store_options",
    "config_path",
    "load_config",
    "store_path",
]

KEPT_ROWS: Final = 1000
"""How many snapshots of a component the command line keeps."""
_WAIT_S: Final = 30.0


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="the component's YAML file (or set FLEXIFLOW_CONFIG)",
    )


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--store``, ``--wait`` and ``--verbose``."""
    parser.add_argument(
        "--store",
        metavar="PATH",
        help="the folder (or the .db file) that keeps state and rules; default: "
        "FLEXIFLOW_HOME, else .flexiflow",
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        default=_WAIT_S,
        help="how long to wait for another process at work on the component "
        "(default: %(default)g)",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="log to standard error"
    )


def config_path(options: argparse.Namespace) -> str:
    """Return the config that was named; end with the usage when none was."""
    path: str = options.config or os.environ.get("FLEXIFLOW_CONFIG", "")
    if not path:
        options.parser.error(
            "No config provided. Use --config or set FLEXIFLOW_CONFIG."
        )
    return path


def make_importable(path: str) -> None:
    """Let ``module:Class`` find modules beside a config, then in the working directory.

    Parameters
    ----------
    path : str
        The config's file.
    """
    wanted = [str(Path(path).resolve().parent), str(Path.cwd())]
    sys.path[:0] = [folder for folder in wanted if folder not in sys.path]


def load_config(path: str) -> ComponentConfig:
    """Load a config whose classes may stand beside it.

    Raises
    ------
    ConfigError
        If it cannot be used; all its problems are listed.
    """
    make_importable(path)
    return ConfigLoader.load_component_config(path, register=False)


def store_path(options: argparse.Namespace, settings: Settings) -> Path:
    """Return the database file that was named, or the one of the settings."""
    if options.store is None:
        return settings.snapshot_store
    named = Path(options.store)
    is_file = named.is_file() or named.suffix in {".db", ".sqlite", ".sqlite3"}
    return named if is_file else named / settings.snapshot_store.name


@final
class Session:
    """One command at work on one component of the store.

    Parameters
    ----------
    options : argparse.Namespace
        What was typed; of a command with the options of :func:`add_store_options`.
    config : ComponentConfig
        The component's config.
    """

    def __init__(self, options: argparse.Namespace, config: ComponentConfig) -> None:
        self.options = options
        self.config = config
        self.output: Output = options.output
        self.settings = load_settings()
        self.path = store_path(options, self.settings)

    def logger(self) -> logging.Logger:
        """Return the logger: warnings only, unless the user wants to see more."""
        level = self.settings.log_level
        if level == "INFO" and not self.options.verbose:
            level = "WARNING"
        return get_logger("flexiflow", level)

    def lock(self) -> AbstractContextManager[None]:
        """Return what holds the component's lock for a ``with`` block.

        Raises
        ------
        ComponentError
            When entered, if another process holds the component for too long.
        """
        return component_lock(
            self.path.with_name(f"{self.path.name}.locks"),
            self.config.name,
            wait_s=self.options.wait,
            tell=self.output.note,
        )

    @contextmanager
    def store(self) -> Iterator[SnapshotStore]:
        """Hold the component's lock and open the store, for a ``with`` block.

        Raises
        ------
        ComponentError
            If another process holds the component for too long.
        PersistenceError
            If the store cannot be opened.
        """
        with self.lock(), SnapshotStore(self.path, keep_last=KEPT_ROWS) as store:
            yield store
