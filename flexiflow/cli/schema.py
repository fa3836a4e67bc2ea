"""``schema``: the JSON Schema of configs, for editors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..statechart import read_schema

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments"]


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command; it has none of its own."""
    parser.set_defaults(run=_schema)


def _schema(options: argparse.Namespace) -> int:
    """Print the schema; it is JSON with and without ``--json``."""
    schema = read_schema()
    options.output.say(json.dumps(schema, indent=2, ensure_ascii=False))
    options.output.result(schema)
    return 0
