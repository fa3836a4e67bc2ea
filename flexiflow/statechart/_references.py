"""Look up ``$message.x`` and its kin as plain keys; nothing is ever evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

__all__ = [
    "MISSING",
    "REFERENCE",
    "ROOTS",
    "Getter",
    "Scope",
    "compile_text",
    "compile_value",
    "getter",
    "is_pure_value",
    "look_up",
    "references_in",
    "split_reference",
    "unknown_reference",
]

ROOTS: Final = ("context", "message", "result", "error", "rules")
"""What a reference may begin with."""
REFERENCE: Final = re.compile(r"\$(context|message|result|error|rules)((?:\.\w+)*)")
"""A reference: a root and plain keys."""
_LIKE_REFERENCE = re.compile(r"\$[A-Za-z_]")
_LONGEST_INDEX = 9


class _Missing:
    """Stands for a field that is not there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()
"""What ``look_up`` gives for a field that is not there."""

# Any in this module: JSON data of the user's, of any shape.


class Scope(Protocol):
    """What guards and values may look at beside the message and the context."""

    rules: Any
    """The component's rules."""
    result: Any
    """What the last function, or the service that is done, returned."""
    error: Any
    """What went wrong, as ``{type, message}``; None when nothing did."""

    def is_active(self, path: str) -> bool:
        """Return whether a state is active."""

    def ask(self, guard: Any, arguments: Mapping[str, Any]) -> bool:
        """Return what a guard function answers."""


Getter = Callable[[Mapping[str, Any], Mapping[str, Any], Any], Any]
"""A look-up in message, context and scope."""


def look_up(value: Any, keys: tuple[str, ...]) -> Any:
    """Return what plain keys lead to, or MISSING; a list takes positions."""
    for key in keys:
        if isinstance(value, dict | Mapping):
            value = value.get(key, MISSING)
        elif isinstance(value, list | tuple):
            if not key.isdecimal() or len(key) > _LONGEST_INDEX:
                return MISSING
            at = int(key)
            value = value[at] if at < len(value) else MISSING
        else:
            return MISSING
    return value


def split_reference(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return a reference's root and keys, or None when the text is none."""
    match = REFERENCE.fullmatch(text)
    if match is None:
        return None
    return match[1], tuple(match[2].split(".")[1:])


def unknown_reference(text: str) -> bool:
    """Return whether a text looks like a reference but is none."""
    return bool(_LIKE_REFERENCE.match(text)) and REFERENCE.fullmatch(text) is None


def references_in(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Iterate over the references within data, in document order."""
    if isinstance(value, str):
        found = split_reference(value)
        if found is not None:
            yield found
    elif isinstance(value, dict):
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references_in(item)


def is_pure_value(value: Any) -> bool:
    """Return whether a value needs the message and the context alone."""
    return all(root in {"message", "context"} for root, _ in references_in(value))


def getter(root: str, keys: tuple[str, ...]) -> Getter:
    """Return a look-up of one field that gives MISSING when it is not there."""
    if root == "message":
        if len(keys) == 1:
            key = keys[0]
            return lambda message, _context, _scope: message.get(key, MISSING)
        return lambda message, _context, _scope: look_up(message, keys)
    if root == "context":
        if len(keys) == 1:
            key = keys[0]
            return lambda _message, context, _scope: context.get(key, MISSING)
        return lambda _message, context, _scope: look_up(context, keys)
    return lambda _message, _context, scope: look_up(getattr(scope, root), keys)


def compile_value(value: Any) -> Getter:
    """Return what makes a value from data with references; missing ones give None."""
    if isinstance(value, str):
        if value.startswith("$$"):
            value = value[1:]
        else:
            found = split_reference(value)
            if found is not None:
                return _or_none(getter(*found))
    elif isinstance(value, dict) and _needs_work(value):
        parts = {key: compile_value(item) for key, item in value.items()}
        return lambda m, c, s: {key: part(m, c, s) for key, part in parts.items()}
    elif isinstance(value, list | tuple) and _needs_work(value):
        items = [compile_value(item) for item in value]
        return lambda m, c, s: [item(m, c, s) for item in items]
    return lambda _message, _context, _scope: value


def _or_none(get: Getter) -> Getter:
    def find(message: Any, context: Any, scope: Any) -> Any:
        value = get(message, context, scope)
        return None if value is MISSING else value

    return find


def _needs_work(value: Any) -> bool:
    """Return whether data hold a reference or an escaped dollar."""
    if isinstance(value, str):
        return value.startswith("$")
    if isinstance(value, dict):
        return any(_needs_work(item) for item in value.values())
    return isinstance(value, list | tuple) and any(_needs_work(item) for item in value)


def compile_text(text: str) -> Getter:
    """Return what fills in the references within a line of text."""
    parts: list[str | Getter] = []
    at = 0
    while at < len(text):
        sign = text.find("$", at)
        if sign < 0:
            break
        match = REFERENCE.match(text, sign)
        if match is not None:
            parts += [text[at:sign], getter(match[1], tuple(match[2].split(".")[1:]))]
            at = match.end()
        else:
            doubled = text.startswith("$$", sign)
            parts.append(text[at : sign + 1])
            at = sign + (2 if doubled else 1)
    parts.append(text[at:])
    if all(isinstance(part, str) for part in parts):
        whole = "".join(part for part in parts if isinstance(part, str))
        return lambda _message, _context, _scope: whole
    return lambda m, c, s: "".join(
        part if isinstance(part, str) else _shown(part(m, c, s)) for part in parts
    )


def _shown(value: Any) -> str:
    """Return a value as it reads within a line."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(None if value is MISSING else value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
