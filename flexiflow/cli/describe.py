"""``explain`` and ``visualize``: what is in a config, without running it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..explain import explain
from ..visualize import FORMATS, visualize
from ._output import plain
from ._session import add_config_option, config_path, make_importable
from .scenarios import as_data

if TYPE_CHECKING:
    import argparse

    from ..diagnostics import Diagnostic
    from ..explain import ConfigExplanation

__all__ = ["add_arguments"]


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command of this module."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the config; the same as --config FILE"
    )
    add_config_option(parser)
    if command == "explain":
        parser.add_argument(
            "--run",
            dest="scenarios",
            action="store_true",
            help="run the scenarios as well, in a sandbox; 1 when one fails",
        )
        parser.set_defaults(run=_explain)
        return
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="how to draw it (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        dest="output_file",
        metavar="FILE",
        help="write the drawing here instead of printing it",
    )
    parser.set_defaults(run=_visualize)


def _named(options: argparse.Namespace) -> str:
    """Return the config that was named, its folder importable."""
    options.config = options.file or options.config
    path = config_path(options)
    make_importable(path)
    return path


def _explain(options: argparse.Namespace) -> int:
    """Print what a config means and what is wrong with it."""
    found = explain(_named(options), run=options.scenarios)
    options.output.say(found.format())
    data = _as_data(found)
    if options.scenarios:
        data["scenarios"] = [as_data(one) for one in found.scenarios]
    options.output.result(data)
    return 0 if found.is_valid and all(found.scenarios) else 1


def _visualize(options: argparse.Namespace) -> int:
    """Print, or write, the drawing of a config."""
    found = explain(path := _named(options))
    output = options.output
    drawn = visualize(found if found.is_valid else path, options.format)
    if not found.is_valid:
        output.note(
            "The config has errors; the drawing shows what is understood. "
            f"See: flexiflow explain {plain(path)}"
        )
    if options.output_file is not None:
        target = Path(options.output_file)
        if isinstance(drawn, bytes):
            target.write_bytes(drawn)
        else:
            target.write_text(drawn, encoding="utf-8")
        output.say(f"wrote {target}")
        output.result({"format": options.format, "file": str(target)})
    elif isinstance(drawn, bytes):
        if output.as_json or sys.stdout.isatty():
            options.parser.error(f"{options.format} is binary: name a file, --output F")
        sys.stdout.buffer.write(drawn)
    else:
        output.say(drawn)
        output.result({"format": options.format, "drawing": drawn})
    return 0


def _as_data(found: ConfigExplanation) -> dict[str, Any]:
    """Return an explanation as JSON data."""
    return {
        "is_valid": found.is_valid,
        "config_path": found.config_path,
        "name": found.name,
        "description": found.description,
        "initial_state": found.initial_state,
        "rules_count": found.rules_count,
        "states": [
            {
                "key": state.key,
                "dotted_path": state.dotted_path,
                "resolved": state.resolved,
                "is_state_subclass": state.is_state_subclass,
                "error": state.error,
            }
            for state in found.states
        ],
        "builtin_states": found.builtin_states,
        "packs": [
            {
                "name": pack.name,
                "provided_keys": list(pack.provided_keys),
                "transitions": [dataclasses.asdict(one) for one in pack.transitions],
                "depends_on": sorted(pack.depends_on),
            }
            for pack in found.packs
        ],
        "pack_order": found.pack_order,
        "initial_state_resolution": found.initial_state_resolution,
        "state_providers": found.state_providers,
        "issues": [_issue(item) for item in found.issues],
        "errors": [_issue(item) for item in found.errors],
        "warnings": [_issue(item) for item in found.warnings],
    }


def _issue(item: Diagnostic) -> dict[str, Any]:
    """Return a problem as JSON data."""
    return {
        "level": item.level,
        "code": item.code,
        "what": item.what,
        "why": item.why,
        "fix": item.fix,
        "context": dict(item.context),
        "place": None if item.place is None else dataclasses.asdict(item.place),
    }
