"""Complete and explain the words of a definition while it is typed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final

from .definition_place import place_at, read_outline
from .definition_words import describe_key, keys_at, values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .definition_place import Outline, Place

__all__ = ["explain_word", "words_at"]

_DATA: Final = ("$message", "$result", "$error")
"""What may be filled in beside the context."""
_CONTEXT_MAPPINGS: Final = frozenset({"set", "add"})


def words_at(text: str, offset: int, functions: Iterable[str]) -> list[str]:
    """Return what may stand at a place of a definition.

    Parameters
    ----------
    text : str
        The definition, without the line of the magic.
    offset : int
        The cursor, in characters; from 0 to ``len(text)``.
    functions : iterable of str
        The names of the functions that the notebook defines.

    Returns
    -------
    list of str
        Whole words, those that fit best first; not yet narrowed to what is typed.
    """
    place, outline = place_at(text, offset), read_outline(text)
    if place.word.startswith("$"):
        return [*(f"$context.{key}" for key in _context(outline)), *_DATA]
    if place.key is None:
        return _keys(place.path, outline)
    values = values_at(place.path, place.key)
    found: list[str] = []
    if "target" in values.kinds:
        found += _targets(outline, place)
    if "message" in values.kinds:
        found += outline.messages
    if "function" in values.kinds:
        found += functions
    found += values.words
    if place.is_item:
        found += _keys((*place.path, place.key), outline)
    return list(dict.fromkeys(found))


def _keys(path: tuple[str, ...], outline: Outline) -> list[str]:
    """Return the keys that may stand at a path, the user's own names first."""
    own: list[str] = []
    if path and path[-1] == "on":
        own = list(outline.messages)
    elif path and path[-1] in _CONTEXT_MAPPINGS:
        own = _context(outline)
    known = keys_at(path)
    if "exists" not in known and "any" in known:  # a guard
        own = [f"context.{key}" for key in _context(outline)]
    return [*own, *known]


def _context(outline: Outline) -> list[str]:
    """Return the keys of the context."""
    return [key for top, key in _pairs(outline) if top == "context"]


def _pairs(outline: Outline) -> list[tuple[str, ...]]:
    """Return the paths of the keys that stand one below the top."""
    return [path for path in outline.keys if len(path) == 2]  # noqa: PLR2004


def _targets(outline: Outline, place: Place) -> list[str]:
    """Return the names of states, and the paths of those within others."""
    if place.key == "initial":
        depth = sum(key in {"states", "parallel"} for key in place.path)
        return [path[-1] for path in outline.states if len(path) == depth + 1]
    names = [path[-1] for path in outline.states]
    return [*names, *(".".join(path) for path in outline.states if len(path) > 1)]


def explain_word(text: str, offset: int, lookup: Callable[[str], object]) -> str | None:
    """Say what the word at a place of a definition means, in plain text.

    Parameters
    ----------
    text : str
        The definition, without the line of the magic.
    offset : int
        The cursor, in characters.
    lookup : callable
        Gives the notebook's function of a name, or None.

    Returns
    -------
    str or None
        One to four lines; None when nothing is known of the word.
    """
    place, outline = place_at(text, offset), read_outline(text)
    word = place.whole
    if not word:
        return None
    if place.key is None:
        return _explain_key(place.path, word, outline)
    values = values_at(place.path, place.key)
    if "target" in values.kinds and (said := _explain_state(word, outline)):
        return said
    if "message" in values.kinds and word in outline.messages:
        return _explain_message(word, outline)
    if "function" in values.kinds and (said := _explain_function(word, lookup)):
        return said
    return _explain_key(place.path, place.key, outline)


def _explain_key(path: tuple[str, ...], key: str, outline: Outline) -> str | None:
    if path and path[-1] == "on":
        return _explain_message(key, outline)
    if path and path[-1] in {"states", "parallel"}:
        return _explain_state(key, outline)
    said = describe_key(path, key)
    return f"{key}: {said}" if said else None


def _explain_state(word: str, outline: Outline) -> str | None:
    """Return what a state is for, and what it accepts."""
    for path in outline.states:
        if word.lstrip(".") in {path[-1], ".".join(path)}:
            break
    else:
        return None
    accepts = [name for name, at in outline.messages.items() if path in at]
    lines = [f"State {'.'.join(path)}"]
    if description := outline.text_of(path, "description"):
        lines.append(description)
    lines.append(f"Accepts {', '.join(accepts)}." if accepts else "Accepts nothing.")
    return "\n".join(lines)


def _explain_message(word: str, outline: Outline) -> str | None:
    """Return where a message does something, and where it leads."""
    places = outline.messages.get(word)
    if places is None:
        return None
    lines = [f"Message {word}"]
    for path, behind in outline.keys.items():
        if len(path) > 1 and path[-2:] == ("on", word):
            state = ".".join(path[1:-2:2]) or "everywhere"
            target = outline.keys.get((*path, "to"), behind).strip("{[ ")
            plain = target.isprintable() and target and ":" not in target
            lines.append(f"{state} → {target}" if plain else f"in {state}")
    return "\n".join(lines)


def _explain_function(word: str, lookup: Callable[[str], object]) -> str | None:
    """Return the signature and the text of a function of the notebook."""
    found = lookup(word)
    if found is None:
        return None
    try:
        signature = str(inspect.signature(found))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        signature = "(...)"
    kind = "async " if inspect.iscoroutinefunction(found) else ""
    said = inspect.getdoc(found) or "No docstring."
    return f"{kind}{word}{signature}\n{said}"
