"""``secrets``: what workflows may know and nobody may see."""

from __future__ import annotations

import getpass
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..errors import nearest
from ..workflows.config import Configuration
from ..workflows.errors import SecretNotFoundError
from ..workflows.secret_managers import SecretManager
from ._output import plain
from ._store_options import actions_of, client_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

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
    action = actions_of(parser, _EPILOG)
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


class _Keeper(Protocol):
    """What keeps secrets: a home folder, or a server."""

    # Any: JSON data.
    def all(self) -> list[str]: ...
    def get(self, names: str, /) -> Any: ...
    def save(self, name: str, value: Any) -> None: ...
    def remove(self, name: str) -> bool: ...


@contextmanager
def _manager(options: argparse.Namespace) -> Iterator[_Keeper]:
    """Open the secrets of a server, of the home folder that was named, or the own."""
    client = client_of(options)
    if client is not None:
        with client:
            yield client.secrets
        return
    settings = Configuration.get().settings
    home = Path(options.home) if options.home else settings.home
    yield SecretManager(home.resolve(), settings.security.encryption_key)


def _list(options: argparse.Namespace) -> int:
    """Print the names."""
    with _manager(options) as manager:
        names = manager.all()
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
    with _manager(options) as manager:
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
    with _manager(options) as manager:
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
    name: str = options.name
    with _manager(options) as manager:
        is_gone = manager.remove(name)
        close = [] if is_gone else nearest(name, manager.all())
    if not is_gone:
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
