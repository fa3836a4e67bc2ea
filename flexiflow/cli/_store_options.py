"""Options that the commands of the workflows share."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_format", "add_store"]


class _Format(argparse.Action):
    """``--format json``: the same as ``--json``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature of argparse
        namespace: argparse.Namespace,
        values: Any,  # Any: as argparse has it; one of the choices
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Note the choice."""
        namespace.json = values == "json"


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``, and ``--json`` behind the action as before it."""
    parser.add_argument(
        "--format", action=_Format, choices=("text", "json"),
        default=argparse.SUPPRESS, help="what to print (default: text)",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS,
        help="the same as --format json",
    )  # fmt: skip
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )  # fmt: skip


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add ``--home`` and ``--verbose``."""
    parser.add_argument(
        "--home", metavar="FOLDER",
        help="the folder of the store; default: FLEXIFLOW_HOME, else .flexiflow",
    )  # fmt: skip
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="log to standard error"
    )
