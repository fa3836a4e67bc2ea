"""Turn what steps take and give into text for the journal, and back."""

from __future__ import annotations

import json
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from ..errors import one_line
from .codec import decode, digest, encode
from .errors import CodecError, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._codec_pack import Keep
    from ._codec_unpack import Fetch

__all__ = [
    "Secrets",
    "Values",
    "digest_of",
    "error_of",
    "error_text",
    "text_of",
    "to_json",
    "value_of",
]


_UNCHANGING: Final = frozenset({str, int, float, bool, bytes, NoneType})


class Secrets(Protocol):
    """Secrets that were lent, and what keeps them out of all that is stored."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The secrets by name; Any because they are JSON data."""

    def in_text(self, text: str) -> str:
        """Return a text without them."""

    def are_in(self, text: str) -> bool:
        """Whether JSON text holds one."""

    def out_of(self, error: BaseException) -> BaseException:
        """Return an error that does not hold them."""


@final
class Values:
    """The way of one execution's values into the journal and back.

    Parameters
    ----------
    keep : callable, optional
        Keeps elsewhere what is no JSON, as of :func:`~.codec.encode`.
    fetch : callable, optional
        Gets it back, as of :func:`~.codec.decode`.

    Notes
    -----
    Secrets that were lent once are looked for in everything that follows: what one task
    was told may come out of another.
    """

    __slots__ = ("_fetch", "_keep", "_lent")

    def __init__(self, keep: Keep | None = None, fetch: Fetch | None = None) -> None:
        self._keep = keep
        self._fetch = fetch
        self._lent: list[Secrets] = []

    def lend(self, secrets: Secrets) -> None:
        """Look for secrets from now on."""
        self._lent.append(secrets)

    # Any, here and below: values are the user's.
    def text_of(self, value: Any) -> str | None:
        """Return a value as text, None as None.

        Raises
        ------
        CodecError
            If it cannot be stored, or holds a secret.
        """
        if value is None:
            return None
        text = encode(value, keep=self._keep)
        if self._lent and any(secrets.are_in(text) for secrets in self._lent):
            raise CodecError(
                "A value holds a secret",
                why="Results, inputs and answers are stored, and secrets must not be.",
                fix="Return what the secret was needed for, not the secret.",
            )
        return text

    def value_of(self, text: str) -> Any:
        """Return the value of a text."""
        return decode(text, fetch=self._fetch)

    def as_stored(self, value: Any, text: str | None) -> Any:
        """Return a value as a replay gives it: equal, and nobody else's.

        What somebody may change later comes anew from its text; what is kept in a file
        is not read again.
        """
        if type(value) in _UNCHANGING or text is None or '"$type":"kept"' in text:
            return value
        return decode(text, fetch=self._fetch)

    def clean(self, error: BaseException) -> BaseException:
        """Return an error that holds no secret: the same, or one in its place."""
        for secrets in self._lent:
            error = secrets.out_of(error)
        return error

    def error_text(self, error: BaseException) -> str:
        """Return an error as text, without secrets; each error can be stored."""
        text = encode(self.clean(error), keep=self._keep)
        for secrets in self._lent:
            text = secrets.in_text(text)
        return text


# --- the engine's own values, which hold no secrets -----------------------------------


def text_of(value: Any) -> str | None:
    """Return a value as text, None as None."""
    return None if value is None else encode(value)


def value_of(text: str) -> Any:
    """Return the value of a text."""
    return decode(text)


def error_text(error: BaseException) -> str:
    """Return an error as text; each error can be stored."""
    return encode(error)


def error_of(text: str) -> BaseException:
    """Return the error of a text."""
    found = decode(text)
    if isinstance(found, BaseException):
        return found
    return CodecError(
        "The stored error cannot be read", why=f"The journal holds {one_line(text)}."
    )


def digest_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return the digest of a call's arguments; nothing when there are none."""
    if kwargs:
        return digest([*args, kwargs])
    return digest([*args]) if args else ""


def to_json(value: Any) -> Any:
    """Return a value as JSON data for people and programs; never fails."""
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": told(value)}
    try:
        return json.loads(encode(value))
    except CodecError:
        return one_line(value)
