"""``completion``: scripts that let a shell complete commands and options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from ._main import COMMANDS, build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["add_arguments"]

_INSTALL: Final = {
    "bash": 'eval "$(flexiflow completion bash)"',
    "zsh": 'eval "$(flexiflow completion zsh)"',
    "fish": "flexiflow completion fish | source",
}
"""The line that goes into the shell's start-up file."""


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:  # noqa: ARG001
    """Add the options of the command."""
    parser.add_argument("shell", choices=sorted(_INSTALL), help="which shell")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "put this into the shell's start-up file:\n" + "\n".join(
        f"  {shell}: {line}" for shell, line in _INSTALL.items()
    )
    parser.set_defaults(run=_completion)


def _completion(options: argparse.Namespace) -> int:
    """Print the script of a shell."""
    made = {"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell]()
    options.output.say(made)
    options.output.result({"shell": options.shell, "script": made})
    return 0


def _options() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each command with its options and what they are for."""
    parser = build_parser()
    commands = next(
        action.choices
        for action in parser._actions  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
    )
    for name, one in commands.items():
        found = [
            (text, action.help or "")
            for action in one._actions  # noqa: SLF001
            for text in action.option_strings
            if text.startswith("--") and action.help != argparse.SUPPRESS
        ]
        yield name, found


def _bash() -> str:
    """Return a function for bash's ``complete``."""
    cases = "\n".join(
        f'        {name}) words="{" ".join(text for text, _ in options)}" ;;'
        for name, options in _options()
    )
    return f"""\
_flexiflow() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" words
    case "${{COMP_WORDS[1]}}" in
{cases}
        *) words="--help --version" ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{" ".join(COMMANDS)} --help --version"
    elif [[ "$current" != -* ]]; then
        COMPREPLY=($(compgen -f -- "$current"))
        return
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -F _flexiflow flexiflow"""


def _zsh() -> str:
    """Return the same function, by way of zsh's own support for it."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{_bash()}"


def _fish() -> str:
    """Return ``complete`` commands for fish."""
    lines = ["complete -c flexiflow -n __fish_use_subcommand -l version"]
    lines += [
        f"complete -c flexiflow -f -n __fish_use_subcommand -a {name} "
        f"-d {_quoted(text)}"
        for name, (_, text) in COMMANDS.items()
    ]
    lines += [
        f"complete -c flexiflow -n '__fish_seen_subcommand_from {name}' "
        f"-l {text[2:]} -d {_quoted(about)}"
        for name, options in _options()
        for text, about in options
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return text as one word of a shell."""
    return "'" + text.replace("%(default)g", "30").replace("'", "\\'") + "'"
