"""Find the command that was typed, run it, and turn what happens into an exit code."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from .. import __version__
from ..errors import FlexiFlowError
from ._output import Output, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EXIT_DEFECT", "EXIT_FAILURE", "EXIT_USAGE", "build_parser", "main"]

EXIT_FAILURE: Final = 1
"""What was asked for could not be done."""
EXIT_USAGE: Final = 2
"""The command line was wrong."""
EXIT_DEFECT: Final = 70
"""FlexiFlow itself has failed."""
EXIT_INTERRUPTED: Final = 130
"""Ctrl-C."""

COMMANDS: Final = {
    "register": ("components", "put a component into the store"),
    "handle": ("components", "send a message to a component"),
    "update_rules": ("components", "add rules to a component, or replace them"),
    "history": ("history", "show what a component went through"),
    "explain": ("describe", "say what is in a config, and what is wrong with it"),
    "visualize": ("describe", "draw the states and transitions of a config"),
    "test": ("scenarios", "run the scenarios of configs, and say what differs"),
    "schema": ("schema", "print the JSON Schema of configs, for editors"),
    "watch": ("watch", "keep a component to its config while the file changes"),
    "workflow": ("workflows", "run durable workflows, and look at their executions"),
    "start": ("start", "start the server of workflows, a worker, or the MCP server"),
    "secrets": ("secrets", "keep what workflows may know and nobody may see"),
    "serve": ("serve", "serve components over HTTP"),
    "diagnose": ("diagnose", "look at the installation, the settings and the store"),
    "completion": ("completion", "print the completion script of a shell"),
}
"""The module that holds each command, and what it does in one line."""

_EPILOG: Final = """\
examples:
  flexiflow register --config config.yaml --start
  flexiflow handle --config config.yaml confirm --content confirmed
  flexiflow history --config config.yaml

The config may be named by FLEXIFLOW_CONFIG instead. State and rules are kept in
.flexiflow/, or in the folder that --store or FLEXIFLOW_HOME names.
"""


@final
class _Parser(argparse.ArgumentParser):
    """A parser that suggests the command that was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake, and end with the code for wrong usage."""
        typed = re.match(r"argument (COMMAND|ACTION): invalid choice: '(.*?)'", message)
        if typed:
            words = (
                COMMANDS
                if typed[1] == "COMMAND"
                else re.findall(r"'(\w+)'", message.partition("(choose from")[2])
            )
            close = difflib.get_close_matches(typed[2], words, 1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            kind = typed[1].lower()
            message = f"unknown {kind} {typed[2]!r}. {hint}See: {self.prog} --help"
        super().error(plain(message))


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Make the parser of the command line.

    Parameters
    ----------
    command : str, optional
        The command whose options are needed, "" for none; those of all when left
        out. The modules of the others are not loaded then, which is most of the time
        to start.

    Returns
    -------
    argparse.ArgumentParser
        Its result holds ``run``, the function that does what was asked.
    """
    parser = _Parser(
        prog="flexiflow",
        description="Components with state machines: run them, watch them, serve them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"flexiflow {__version__}"
    )
    parser.add_argument(
        "--debug", action="store_true", help="show the trace of an error"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        one = commands.add_parser(name, help=summary, description=_sentence(summary))
        if command in {None, name}:
            group: Any = importlib.import_module(f"{__package__}.{module}")
            group.add_arguments(name, one)
            one.add_argument(
                "--json", action="store_true", help="print JSON, and nothing else"
            )
            one.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    return parser


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _taken(options: argparse.Namespace, late: list[str]) -> bool:
    """Take words that were typed behind options, which argparse leaves over."""
    if options.command != "workflow" or any(item.startswith("-") for item in late):
        return False
    if "words" in options:
        options.words = [*options.words, *late]
        return True
    if getattr(options, "input", "") is None and len(late) == 1:
        options.input = late[0]
        return True
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; those of the process when left out.

    Returns
    -------
    int
        0, or 1 when what was asked for could not be done, 70 for a defect.

    Raises
    ------
    SystemExit
        With 2 when the command line is wrong, and with 0 after ``--help``.
    """
    typed = list(sys.argv[1:] if argv is None else argv)
    first = next((item for item in typed if not item.startswith("-")), None)
    parser = build_parser(first if first in COMMANDS else "")
    options, late = parser.parse_known_args(typed)
    if late and not _taken(options, late):
        parser.error(f"unrecognized arguments: {' '.join(late)}")
    output = Output(as_json=options.json)
    options.output = output
    options.parser = parser
    debug = options.debug or "--debug" in typed
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader of a pipe has enough; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (FlexiFlowError, OSError) as error:
        if debug:
            raise
        output.error(error)
        return EXIT_FAILURE
    except Exception as error:
        if debug:
            raise
        output.defect(error)
        return EXIT_DEFECT
    return code
