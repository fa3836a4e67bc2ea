"""``secrets``: what workflows may know and nobody may see."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import nearest
from ..workflows.config import Configuration
from ..workflows.errors import SecretNotFoundError
from ..workflows.secret_managers import SecretManager
from ._output import plain
from ._store_options import add_format, add_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._output import Output

__all__ = ["add_arguments"]

_EPILOG: Final = """\
examples:
  flexiflow secrets set API_KEY          (asks for the value)
  flexiflow secrets set API_KEY < file   (the value is in a file)
  flexiflow secrets list

Values are encrypted where they lie; the key is FLEXIFLOW_SECURITY__ENCRYPTION_KEY, or a
file of mode 0600 in the home folder. A task gets those that it asks for:
  @task.with_options(secret_requests=["API_KEY"])
"""
_EXIT_FAILURE: Final = 1


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the actions and their options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(
        name: str, run: Callable[[argparse.Namespace], int], about: str
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        add_format(one)
        add_store(one)
        one.set_defaults(run=run)
        return one

    action("list", _list, "list the names of all secrets")
    one = action("set", _set, "save a secret, in the place of the one of that name")
    one.add_argument("name", metavar="NAME")
    one.add_argument(
        "value", nargs="?", metavar="VALUE",
        help="better left out: what is typed here stands in the shell's history",
    )  # fmt: skip
    one = action("get", _get, "show the value of a secret, after a question")
    one.add_argument("name", metavar="NAME")
    one.add_argument("-y", "--yes", action="store_true", help="do not ask")
    one = action("remove", _remove, "forget a secret")
    one.add_argument("name", metavar="NAME")


def _manager(options: argparse.Namespace) -> SecretManager:
    """Return the secrets of the home folder that was named, or of the settings."""
    settings = Configuration.get().reload()
    home = Path(options.home) if options.home else settings.home
    return SecretManager(home.resolve(), settings.security.encryption_key)


def _list(options: argparse.Namespace) -> int:
    """Print the names."""
    names = _manager(options).all()
    if not names:
        options.output.note("No secret has been saved yet.")
    for name in names:
        options.output.say(plain(name))
    options.output.result(names)
    return 0


def _set(options: argparse.Namespace) -> int:
    """Save a secret."""
    value = options.value
    if value is None:
        value = _asked_for(options.name)
    if not value:
        options.parser.error("the value is empty; nothing was saved")
    manager = _manager(options)
    is_new = options.name not in manager.all()
    manager.save(options.name, value)
    word = "saved" if is_new else "saved anew"
    options.output.say(f"{plain(options.name)}: {word}", "green")
    options.output.result({"name": options.name, "new": is_new})
    return 0


def _asked_for(name: str) -> str:
    """Return a value that was typed unseen, or came over standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {plain(name)} (not shown): ", sys.stderr)
    text = sys.stdin.read()
    return text.removesuffix("\n").removesuffix("\r")


def _get(options: argparse.Namespace) -> int:
    """Print the value of a secret, when that is really wanted."""
    output: Output = options.output
    manager = _manager(options)
    value = manager.get(options.name)
    if not options.yes and not _is_wanted(options.name):
        output.note("Not shown.")
        return _EXIT_FAILURE
    output.say(_for_reader(value))
    output.result({"name": options.name, "value": value})
    return 0


def _is_wanted(name: str) -> bool:
    """Ask whether a value is to be shown; no answer is a no."""
    print(
        f"Show the value of {plain(name)} here? [y/N] ",
        end="", file=sys.stderr, flush=True,
    )  # fmt: skip
    answer = sys.stdin.readline().strip().lower()
    if not sys.stdin.isatty():
        print(file=sys.stderr)
    return answer in {"y", "yes"}


def _for_reader(value: Any) -> str:  # Any: JSON data
    """Return a value as a terminal may show it, or as a program reads it."""
    text = str(value)
    return plain(text) if sys.stdout.isatty() else text


def _remove(options: argparse.Namespace) -> int:
    """Forget a secret."""
    manager = _manager(options)
    name: str = options.name
    if not manager.remove(name):
        close = nearest(name, manager.all())
        raise SecretNotFoundError(
            f"No secret '{name}'",
            why=f"The nearest that have been saved: {', '.join(close)}."
            if close
            else "No secret has been saved yet.",
            fix="List them: flexiflow secrets list",
            context={"secret": name},
        )
    options.output.say(f"{plain(name)}: removed", "green")
    options.output.result({"name": name})
    return 0
