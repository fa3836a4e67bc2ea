"""What the commands of the workflows have in common: their actions and options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..workflows.client import Client
from ..workflows.config import Configuration

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["actions_of", "add_format", "client_of"]


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


def actions_of(
    parser: argparse.ArgumentParser, epilog: str
) -> Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]:
    """Return what adds an action to a command: by its name, function and purpose."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = epilog
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(
        name: str, run: Callable[[argparse.Namespace], int], about: str
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        add_format(one)
        _add_store(one)
        one.set_defaults(run=run)
        return one

    return action


def client_of(options: argparse.Namespace) -> Client | None:
    """Return a client of the server that options or settings name; None for none.

    Raises
    ------
    ConfigError
        If the file of the token cannot be read, or the settings are wrong.
    """
    if options.server_url and options.home:
        options.parser.error("--home and --server-url exclude each other")
    settings = Configuration.get().reload().workers
    url = options.server_url or (None if options.home else settings.server_url)
    if url is None:
        return None
    return Client(
        url,
        token=_token(options.token_file),
        settings=settings,
        ca_file=options.ca_file,
    )


def _token(name: str | None) -> str | None:
    """Return the token in a file."""
    if name is None:
        return None
    try:
        token = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "The file of the token cannot be read",
            why=f"{error}.",
            fix="Name a file that holds the token and nothing else.",
            context={"file": name},
        ) from error
    return token or None


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


def _add_store(parser: argparse.ArgumentParser) -> None:
    """Add where the store is, or the server, and ``--verbose``."""
    parser.add_argument(
        "--home", metavar="FOLDER",
        help="the folder of the store; default: FLEXIFLOW_HOME, else .flexiflow",
    )  # fmt: skip
    parser.add_argument(
        "--server-url", metavar="URL",
        help="a server to work on instead; default: FLEXIFLOW_WORKERS__SERVER_URL",
    )  # fmt: skip
    parser.add_argument(
        "--token-file", metavar="FILE", help="a file that holds the server's token"
    )
    parser.add_argument(
        "--ca-file", metavar="FILE", help="the certificates that the server shows"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="log to standard error"
    )
