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


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the commands of a parser, or the actions of a command."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}


def _options() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each command with its options and what they are for."""
    for name, one in _choices(build_parser()).items():
        found = {
            text: action.help or ""
            for parser in (one, *_choices(one).values())
            for action in parser._actions  # noqa: SLF001
            for text in action.option_strings
            if text.startswith("--") and action.help != argparse.SUPPRESS
        }
        yield name, list(found.items())


def _actions() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each command that has actions, with what they do."""
    for name, one in _choices(build_parser()).items():
        actions = _choices(one)
        if actions:
            yield name, {key: item.description or "" for key, item in actions.items()}


def _bash() -> str:
    """Return a function for bash's ``complete``."""
    cases = "\n".join(
        f'        {name}) words="{" ".join(text for text, _ in options)}" ;;'
        for name, options in _options()
    )
    actions = "\n".join(
        f'        {name}:2) words="{" ".join(found)} $words" ;;'
        for name, found in _actions()
    )
    wordy = "|".join(name for name, _ in _actions())
    return f"""\
_flexiflow() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" words
    case "${{COMP_WORDS[1]}}" in
{cases}
        *) words="--help --version" ;;
    esac
    case "${{COMP_WORDS[1]}}:$COMP_CWORD" in
{actions}
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{" ".join(COMMANDS)} --help --version"
    elif [[ "$current" != -* && ! "${{COMP_WORDS[1]}}:$COMP_CWORD" =~ ^({wordy}):2$ ]]
    then
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
        f"complete -c flexiflow -f -n '__fish_seen_subcommand_from {name}' "
        f"-a {action} -d {_quoted(about)}"
        for name, actions in _actions()
        for action, about in actions.items()
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
