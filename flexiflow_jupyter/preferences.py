"""See and change the settings of a notebook: ``%flexiflow config``."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from flexiflow.errors import ConfigError, FlexiFlowError, nearest

from .loop import notebook_loop
from .tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Preferences", "settings_like"]

_SAFE_KERNEL: Final = 7
"""From this version of ipykernel on, ``nest-asyncio`` itself loses queued cells."""
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


class Preferences:
    """What a user may choose for one notebook.

    Notes
    -----
    ``blocking`` lets a magic inside a ``def`` or a callback return its value: it runs
    the loop within itself. It is off, since it slows every task down.
    """

    def __init__(self) -> None:
        self.is_blocking = False
        """Whether a magic that nothing awaits waits for its own end."""

    def table(self) -> Table:
        """Return the settings and their values."""
        rows = [(name, show(self), said) for name, (said, show, _) in _KNOWN.items()]
        footer = "Change one: %flexiflow config NAME=VALUE"
        return Table("Settings of this notebook", _COLUMNS, rows, footer=footer)

    def change(self, words: list[str]) -> Table:
        """Change settings, each given as ``name=value``; all or none.

        Raises
        ------
        flexiflow.errors.ConfigError
            For a setting or value that does not exist.
        flexiflow.errors.FlexiFlowError
            If ``blocking`` cannot be had here.
        """
        changes = [_read(word) for word in words]
        for set_value, value in changes:
            set_value(self, value)
        return self.table()

    def set_blocking(self, value: str) -> None:
        """Turn ``blocking`` on or off."""
        wanted = _is_true("blocking", value)
        if wanted:
            _let_loops_nest()
        self.is_blocking = wanted

    def set_display(self, value: str) -> None:
        """Show live views, or pictures without controls."""
        if value not in {"live", "static"}:
            raise ConfigError(
                f"display cannot be {value!r}.",
                why="It is live (widgets) or static (pictures without controls).",
                fix="Write %flexiflow config display=static",
            )
        os.environ["FLEXIFLOW_DISPLAY"] = value


_COLUMNS: Final = ("setting", "value", "means")


def _display(_: Preferences) -> str:
    given = os.environ.get("FLEXIFLOW_DISPLAY", "").strip().lower()
    return "static" if given == "static" else "live"


def _blocking(preferences: Preferences) -> str:
    return "true" if preferences.is_blocking else "false"


_Setting = tuple[
    str, "Callable[[Preferences], str]", "Callable[[Preferences, str], None]"
]
_KNOWN: Final[dict[str, _Setting]] = {
    "blocking": (
        "a magic inside a def or callback waits for its end and returns its value",
        _blocking,
        Preferences.set_blocking,
    ),
    "display": (
        "live views, or static pictures of those that follow",
        _display,
        Preferences.set_display,
    ),
}


_VALUES: Final = {"blocking": ("true", "false"), "display": ("live", "static")}


def settings_like(word: str) -> list[str]:
    """Return what a word may become: settings with their sign, or one's values."""
    name, sign, _ = word.partition("=")
    if not sign:
        return [f"{known}=" for known in _KNOWN]
    return list(_VALUES.get(name, ()))


def _read(word: str) -> tuple[Callable[[Preferences, str], None], str]:
    """Read one ``name=value``."""
    name, sign, value = word.partition("=")
    if name not in _KNOWN:
        close = nearest(name, _KNOWN)[0]
        raise ConfigError(
            f"There is no setting {name!r}.",
            why=f"The settings are {', '.join(_KNOWN)}.",
            fix=f"Did you mean %flexiflow config {close}={value or 'VALUE'}?",
        )
    if not sign or not value:
        raise ConfigError(
            f"{name} lacks its value.",
            why=f"{word!r} is no name=value.",
            fix=f"Write %flexiflow config {name}=VALUE",
        )
    return _KNOWN[name][2], value.strip("\"'").lower()


def _is_true(name: str, value: str) -> bool:
    if value not in _TRUE | _FALSE:
        raise ConfigError(
            f"{name} cannot be {value!r}.",
            why="It is true or false.",
            fix=f"Write %flexiflow config {name}=true",
        )
    return value in _TRUE


def _let_loops_nest() -> None:
    """Let the notebook's loop run within itself.

    Raises
    ------
    flexiflow.errors.FlexiFlowError
        If the package for it is not installed: with newer kernels the older package
        loses queued cells.
    """
    name = "nest_asyncio2" if _kernel_version() >= _SAFE_KERNEL else "nest_asyncio"
    if find_spec(name) is None:
        package = name.replace("_", "-")
        raise FlexiFlowError(
            "blocking cannot be had with this kernel yet.",
            why=f"It needs the package {package}, which is not installed"
            + ("; nest-asyncio loses cells of Run All here." if "2" in name else "."),
            fix=f"Run: pip install {package}",
        )
    import_module(name).apply(notebook_loop())


def _kernel_version() -> int:
    """Return the major version of ipykernel; 0 where there is none."""
    if find_spec("ipykernel") is None:
        return 0
    version: tuple[int | str, ...] = import_module("ipykernel").version_info
    return int(version[0])
