"""Read the line of a magic: words, quotes, options, and fields given as ``k=v``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DefineOptions",
    "read_define_options",
    "read_fields",
    "read_value",
    "split_words",
    "take_engine",
    "unquoted",
]

_OPTIONS: Final = ("--no-panel", "--static", "--start", "--engine", "--as", "--persist")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


@final
@dataclass(frozen=True, slots=True)
class DefineOptions:
    """The options of ``%%flexiflow``."""

    panel: bool = True
    """Whether to show the panel."""
    start: tuple[str, ...] = ()
    """Message types to send once the component is there."""
    engine: str = "default"
    """The engine to register with."""
    variable: str | None = None
    """The variable to bind, whatever stands there now."""
    static: bool = False
    """Whether to show a picture without controls."""
    persist: str | None = None
    """The key of the store that keeps the component; "" for the notebook's own, None
    for none."""


def split_words(line: str) -> list[str]:
    """Split a line at spaces that stand in no quotes and no brackets.

    Returns
    -------
    list of str
        The words as written, quotes included, so that a JSON value stays whole:
        ``pay items={"a": [1, 2]} note="two words"`` has three.

    Raises
    ------
    flexiflow.errors.ConfigError
        If a quote or a bracket is not closed.
    """
    words: list[str] = []
    word = ""
    nesting = _Nesting()
    for sign in line:
        if sign.isspace() and not nesting.is_open:
            if word:
                words.append(word)
            word = ""
        else:
            nesting.pass_over(sign, may_open=_may_open(word))
            word += sign
    if nesting.is_open:
        missing = nesting.missing
        raise ConfigError(
            f"The line ends before its {missing} does.",
            why=f"A {missing} is opened and not closed in: {line.strip()}",
            fix=f"Add the closing {missing}.",
        )
    return [*words, word] if word else words


class _Nesting:
    """The quote and the brackets that are open while a line is read."""

    def __init__(self) -> None:
        self._brackets: list[str] = []
        self._quote = ""
        self._is_escaped = False

    @property
    def is_open(self) -> bool:
        """Whether something has still to be closed."""
        return bool(self._quote or self._brackets)

    @property
    def missing(self) -> str:
        """What would close it."""
        return self._quote or self._brackets[-1]

    def pass_over(self, sign: str, *, may_open: bool) -> None:
        """Read one character; outside of brackets only a value's first may open."""
        if self._quote:
            if self._is_escaped or sign == "\\":
                self._is_escaped = not self._is_escaped
            elif sign == self._quote:
                self._quote = ""
        elif (sign in "\"'" and may_open) or (sign == '"' and self._brackets):
            self._quote = sign
        elif sign in _CLOSING and (self._brackets or may_open):
            self._brackets.append(_CLOSING[sign])
        elif self._brackets and sign == self._brackets[-1]:
            self._brackets.pop()


def _may_open(before: str) -> bool:
    """Tell whether a quote or bracket here starts a value: ``don't`` has none."""
    return not before or before[-1] in "=:,[{("


def unquoted(word: str) -> str:
    """Return a word without the quotes around it."""
    if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
        if word[0] == '"':
            try:
                return str(json.loads(word))
            except ValueError:
                pass
        return word[1:-1].replace("\\'", "'")
    return word


def read_fields(words: list[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of a message.

    Parameters
    ----------
    words : list of str
        Each ``name=value``; the value is JSON when it parses, ``$name`` is a variable
        of the user's, anything else is text.
    variables : mapping of str to object
        The user's variables. Any because they are the user's.

    Raises
    ------
    flexiflow.errors.ConfigError
        If a word is no ``name=value``, or names no variable.
    """
    fields: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise ConfigError(
                f"{word!r} is no field of a message.",
                why="What follows the message type is read as name=value.",
                fix=f"Write {unquoted(word) or 'name'}=VALUE",
            )
        fields[unquoted(name)] = read_value(value, variables)
    return fields


# Any: JSON and variables are.
def read_value(value: str, variables: Mapping[str, Any]) -> Any:
    """Read one value: JSON, ``$name`` for a variable of the user's, or text.

    Raises
    ------
    flexiflow.errors.ConfigError
        If it names no variable.
    """
    if value.startswith("$") and value[1:].isidentifier():
        if value[1:] not in variables:
            raise ConfigError(
                f"There is no variable {value[1:]}.",
                why=f"{value} is replaced by the notebook's variable of that name.",
                fix=f'Set {value[1:]} first, or quote the text: "{value}"',
            )
        return variables[value[1:]]
    try:
        return json.loads(value)
    except ValueError:
        return unquoted(value)


def take_engine(words: list[str]) -> tuple[str, list[str]]:
    """Take ``--engine NAME`` out of the words; ``default`` when it is not there."""
    if "--engine" not in words:
        return "default", words
    at = words.index("--engine")
    if at + 1 >= len(words):
        raise _needs_value("--engine", "NAME")
    return unquoted(words[at + 1]), words[:at] + words[at + 2 :]


def read_define_options(line: str) -> DefineOptions:
    """Read the line of ``%%flexiflow``.

    Raises
    ------
    flexiflow.errors.ConfigError
        For an option that does not exist, or lacks its value.
    """
    given: dict[str, Any] = {}  # Any: each option's own type
    words = split_words(line)
    start: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--no-panel":
            given["panel"] = False
        elif word == "--static":
            given["static"] = True
        elif word == "--start":
            start.append(_take_value(words, word, "MESSAGE"))
            while _has_value(words):
                start.append(unquoted(words.pop(0)))
        elif word == "--persist":
            given["persist"] = unquoted(words.pop(0)) if _has_value(words) else ""
        elif word == "--as":
            given["variable"] = _take_value(words, word, "NAME")
        elif word == "--engine":
            given["engine"] = _take_value(words, word, "NAME")
        else:
            raise _unknown_option(word)
    return DefineOptions(start=tuple(start), **given)


def _has_value(words: list[str]) -> bool:
    """Tell whether a value comes next, and no option."""
    return bool(words) and not words[0].startswith("--")


def _take_value(words: list[str], option: str, what: str) -> str:
    """Take the value of an option off the words."""
    if not _has_value(words):
        raise _needs_value(option, what)
    return unquoted(words.pop(0))


def _needs_value(option: str, what: str) -> ConfigError:
    """Return the error for an option without its value."""
    return ConfigError(
        f"{option} lacks its {what}.",
        why=f"The line ends after {option}, or another option follows it.",
        fix=f"Write {option} {what}",
    )


def _unknown_option(word: str) -> ConfigError:
    """Return the error for an option that cannot be used."""
    name = word.partition("=")[0]
    if not word.startswith("-"):
        return ConfigError(
            f"{word!r} is no option of %%flexiflow.",
            why="The component's name stands in the text below, as name: NAME.",
            fix=f"Leave it out, or send a message at once: --start {word}",
        )
    near = nearest(name, _OPTIONS)
    return ConfigError(
        f"%%flexiflow has no option {name}.",
        why=f"The options are {', '.join(_OPTIONS)}.",
        fix=f"Did you mean {near[0]}?",
    )
