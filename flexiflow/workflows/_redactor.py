"""Take the values of secrets out of texts, data and errors."""

from __future__ import annotations

import base64
import json
import re
import string
import traceback
import types
from collections.abc import Iterator, Mapping
from typing import Any, Final, final

from .errors import WorkflowError

__all__ = ["Redactor"]

_SHORT: Final = 4
"""Values of fewer characters cannot be told from other text within a text."""
_LONG_LINE: Final = 16
"""Lines of a value that count as secret by themselves: those of a key file do."""
_NOTE: Final = "Where it was raised (without secrets):"
_UNRESERVED: Final = (string.ascii_letters + string.digits + "-._~").encode()
_MEMBERS: Final = (types.MemberDescriptorType, types.GetSetDescriptorType)


@final
class Redactor:
    """Knows the values of some secrets, and takes them out of what is to be kept.

    Parameters
    ----------
    secrets : mapping of str to object
        JSON data by name. Each text and number in it counts as a value.

    Notes
    -----
    A value is found as it is, and as ``repr``, JSON, URLs, base64 and hexadecimal
    digits show it. What a task makes of a secret otherwise (a hash, a part of it) is
    not known here. A value of two or three characters is taken out of texts where it
    stands by itself, as a word does, and one of a single character where it is the
    whole text: "a" is in most texts, and in few of them a secret.

    Examples
    --------
    >>> Redactor({"TOKEN": "s3cr3t"}).text("401 for s3cr3t")
    '401 for [secret TOKEN]'
    """

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        self._names: dict[str, str] = {}
        self._short: set[str] = set()
        anywhere: set[str] = set()
        by_itself: set[str] = set()
        for name, value in secrets.items():
            for text in _texts(value):
                forms = list(_forms(text))
                for form in forms:
                    self._names.setdefault(form, name)
                if len(text) >= _SHORT:
                    anywhere.update(forms)
                else:
                    self._short.add(text)
                    by_itself.update(forms if len(text) > 1 else ())
        self._long = _pattern_of(anywhere, set())
        self._pattern = _pattern_of(anywhere, by_itself - anywhere)

    def __bool__(self) -> bool:
        """Return whether there is anything to look for."""
        return bool(self._names)

    def __repr__(self) -> str:
        """Return the names alone."""
        return f"<Redactor of {', '.join(sorted(set(self._names.values()))) or '-'}>"

    def is_in(self, text: str) -> bool:
        """Return whether a text holds the value of a secret."""
        return text in self._short or self._pattern.search(text) is not None

    def is_in_data(self, text: str) -> bool:
        """Return whether JSON text holds a value that must not be stored.

        A short value does where it is a whole text; in the middle of another, as a key
        or as a number it is taken for what it looks like.
        """
        if self._long.search(text) is not None:
            return True
        if not self._short or not self._may_have_short(text):
            return False
        try:
            return not self._short.isdisjoint(_whole_texts(json.loads(text)))
        except (ValueError, RecursionError):
            return True

    def _may_have_short(self, text: str) -> bool:
        """Return whether JSON text may have a short value as a whole text."""
        return any(
            json.dumps(short, ensure_ascii=is_ascii) in text
            for short in self._short
            for is_ascii in (True, False)
        )

    def text(self, text: str) -> str:
        """Return a text in which ``[secret NAME]`` stands for each value."""
        if text in self._short:
            return self._mark(text)
        return self._pattern.sub(lambda found: self._mark(found[0]), text)

    def encoded(self, text: str) -> str:
        """Return JSON text in which marks stand for values; it stays JSON."""
        if not (self.is_in(text) or self._may_have_short(text)):
            return text
        try:
            return json.dumps(self.data(json.loads(text)), separators=(",", ":"))
        except (ValueError, RecursionError):
            return self.text(text)

    def data(self, value: Any) -> Any:  # Any: JSON data, or what is not
        """Return data in which ``[secret NAME]`` stands for each value.

        Parameters
        ----------
        value : object
            Texts, bytes, numbers, mappings, lists, tuples and sets are gone through;
            of anything else its ``repr`` is looked at, and a mark stands for the whole
            if a value shows there.
        """
        if not self._names or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            pairs = [(self.data(key), self.data(item)) for key, item in value.items()]
            before = [part for pair in value.items() for part in pair]
            after = [part for pair in pairs for part in pair]
            return value if _is_same(before, after) else _like(value, dict(pairs))
        if isinstance(value, list | tuple | set | frozenset):
            before = list(value)
            after = [self.data(item) for item in before]
            return value if _is_same(before, after) else _like(value, after)
        found = self._pattern.search(_shown(value))
        return value if found is None else self._mark(found[0])

    def error(self, error: BaseException) -> BaseException:
        """Take values out of an error, its causes and its notes.

        Parameters
        ----------
        error : BaseException
            Changed in place as far as possible.

        Returns
        -------
        BaseException
            The same error, or a :class:`WorkflowError` in its place when a value cannot
            be taken out of it. The frames of its traceback are dropped, for their
            variables hold the secrets; the trace as text is added as a note.
        """
        if not self._names:
            return error
        trace = "" if error.__traceback__ is None else self.text(_trace_of(error))
        cleaned = self._cleaned(error, {})
        if trace:
            _annotate(cleaned, trace)
        return cleaned

    def _mark(self, form: str) -> str:
        return f"[secret {self._names[form]}]"

    def _cleaned(
        self, error: BaseException, seen: dict[int, BaseException]
    ) -> BaseException:
        """Clean one error of a chain or a group, and all that hang on it."""
        if id(error) in seen:
            return seen[id(error)]
        seen[id(error)] = error
        error.__traceback__ = None
        for name in ("__cause__", "__context__"):
            other = getattr(error, name)
            if other is not None:
                is_quiet = error.__suppress_context__
                setattr(error, name, self._cleaned(other, seen))
                error.__suppress_context__ = is_quiet
        if isinstance(error, BaseExceptionGroup):
            error = self._cleaned_group(error, seen)
        else:
            self._clean_attributes(error, seen)
        if self.is_in(f"{_shown(error)} {_shown(error, str)}"):
            error = self._in_place_of(error)
        seen[id(error)] = error
        return error

    def _clean_attributes(
        self, error: BaseException, seen: dict[int, BaseException]
    ) -> None:
        """Clean what an error was made of and what was hung on it."""

        def clean(value: Any) -> Any:  # Any: attributes of any kind
            if isinstance(value, BaseException):
                return self._cleaned(value, seen)
            return self.data(value)

        error.args = tuple(map(clean, error.args))
        for name, value in [*vars(error).items(), *_members(error)]:
            cleaned = clean(value)
            if cleaned is not value:
                try:
                    setattr(error, name, cleaned)
                except (AttributeError, TypeError):
                    continue  # what still shows is seen when the error is looked at

    def _cleaned_group(
        self, group: BaseExceptionGroup[Any], seen: dict[int, BaseException]
    ) -> BaseExceptionGroup[Any]:
        """Return a group of cleaned errors."""
        inner = [self._cleaned(item, seen) for item in group.exceptions]
        made = BaseExceptionGroup(self.text(group.message), inner)
        made.__cause__, made.__context__ = group.__cause__, group.__context__
        made.__suppress_context__ = group.__suppress_context__
        for note in getattr(group, "__notes__", ()):
            made.add_note(self.text(str(note)))
        return made

    def _in_place_of(self, error: BaseException) -> WorkflowError:
        """Return an error that says the same without secrets."""
        made = WorkflowError(
            self.text(f"{type(error).__name__}: {_shown(error, str)}"),
            why="The error itself holds a secret that cannot be taken out of it.",
        )
        made.__cause__, made.__context__ = error.__cause__, error.__context__
        return made


def _trace_of(error: BaseException) -> str:
    """Return the trace of an error and its causes as text, without their notes."""
    whole = traceback.TracebackException.from_exception(error)
    waiting = [whole]
    while waiting:
        part = waiting.pop()
        # a note may hold a trace already: each cleaning would double it
        part.__notes__ = []
        around = (part.__cause__, part.__context__, *(part.exceptions or ()))
        waiting += [item for item in around if item is not None]
    return "".join(whole.format())


def _annotate(error: BaseException, trace: str) -> None:
    """Note where an error was raised, in the place of an earlier such note."""
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    kept = [note for note in notes if not note.startswith(_NOTE)]
    error.__notes__ = [*kept, f"{_NOTE}\n{trace}"]


def _is_same(before: list[Any], after: list[Any]) -> bool:  # Any: parts of any kind
    """Return whether two lists hold the very same objects."""
    return all(one is other for one, other in zip(before, after, strict=True))


def _like(value: Any, parts: Any) -> Any:  # Any: containers of any kind
    """Return parts in a container of a value's type, as far as it can be made."""
    try:
        return type(value)(parts)
    except Exception:  # noqa: BLE001 - a named tuple, or a type of the user's own
        return parts


def _texts(value: Any) -> Iterator[str]:  # Any: JSON data
    """Yield the texts and numbers in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)


def _whole_texts(data: Any) -> Iterator[str]:  # Any: JSON data
    """Yield the texts in JSON data that are neither keys nor tags."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += [item for key, item in value.items() if key != "$type"]
        elif isinstance(value, list):
            waiting += value


def _forms(text: str) -> Iterator[str]:
    """Yield what a text looks like where values are shown."""
    raw = text.encode("utf-8", "surrogatepass")
    found = [
        text,
        repr(text)[1:-1],
        repr(raw)[2:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    ]
    if len(text) >= _SHORT:
        found += [
            _quoted(raw, b"/"), _quoted(raw), _quoted(raw, b" ").replace(" ", "+"),
            raw.hex(),
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        ]  # fmt: skip
        found += [line for line in text.splitlines() if len(line) >= _LONG_LINE]
    yield from (form for form in found if form)


def _quoted(raw: bytes, also: bytes = b"") -> str:
    """Return bytes as a URL shows them (RFC 3986, section 2.1)."""
    # urllib.parse does the same, and takes as long to import as all of this
    safe = _UNRESERVED + also
    return "".join(chr(b) if b in safe else f"%{b:02X}" for b in raw)


def _pattern_of(anywhere: set[str], by_itself: set[str]) -> re.Pattern[str]:
    """Return the expression that finds forms: everywhere, or as words."""
    # the longest first: one value may be the beginning of another
    ordered = sorted(anywhere | by_itself, key=len, reverse=True)
    parts = [
        rf"(?<!\w){re.escape(form)}(?!\w)" if form in by_itself else re.escape(form)
        for form in ordered
    ]
    return re.compile("|".join(parts) or r"(?!)")


def _members(error: BaseException) -> list[tuple[str, Any]]:  # Any: as above
    """Return the attributes of an error that are not in its dictionary."""
    names = {
        name
        for cls in type(error).__mro__
        for name, item in vars(cls).items()
        if isinstance(item, _MEMBERS) and not name.startswith("__") and name != "args"
    }
    return [(name, getattr(error, name, None)) for name in sorted(names)]


def _shown(value: object, show: Any = repr) -> str:  # Any: repr or str
    """Return what a value shows of itself."""
    try:
        return str(show(value))
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may raise anything
        return f"<{type(value).__name__}: {type(error).__name__}>"
