"""Keep the messages that failed or reached nobody, to be looked at and sent again."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, final

from ._scope import CURRENT
from .errors import FlexiFlowError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["DeadLetter", "DeadLetters", "Reason"]

_MOST: Final = 1_000
_LONGEST: Final = 300

Reason = Literal["failed", "unknown", "closed"]
"""``failed``: the code that handles it raised; ``unknown``: there is no component of
that name; ``closed``: the component, or its engine, takes no message any more."""


@final
@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody could handle.

    Attributes
    ----------
    number : int
        Its number among the letters of a bus, from 1.
    timestamp : float
        When, in seconds since the epoch.
    component : str
        For whom it was.
    message : mapping
        The message as it was sent; Any: its fields are the user's.
    reason : {"failed", "unknown", "closed"}
        Why it is here.
    error : str
        What was raised, on one line.
    source : str or None
        The component that sent it; None: it came from outside.
    correlation_id : str or None
        The story that it belongs to.
    seq : int
        The number of the last event that was published before it.
    is_own : bool
        Whether it came from a timer or service of the component's own.
    """

    number: int
    timestamp: float
    component: str
    message: Mapping[str, Any]
    reason: Reason
    error: str
    source: str | None
    correlation_id: str | None
    seq: int
    is_own: bool


@final
class DeadLetters:
    """The latest dead letters of a bus, oldest first; those let go are counted.

    Parameters
    ----------
    size : int, default 1_000
        How many are kept.
    """

    __slots__ = ("_held", "_listeners", "_size", "last_number")

    last_number: int
    """The number of the newest letter; 0 before the first."""

    def __init__(self, size: int = _MOST) -> None:
        self._size = size
        self._held: OrderedDict[int, DeadLetter] = OrderedDict()
        self._listeners: list[Callable[[], object]] = []
        self.last_number = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def listeners(self) -> int:
        """How many listen to changes."""
        return len(self._listeners)

    def latest(self, count: int | None = None) -> list[DeadLetter]:
        """Return the newest letters, newest first; all when no number is given."""
        return list(islice(reversed(self._held.values()), count))

    def get(self, number: int) -> DeadLetter | None:
        """Return the letter of a number while it is held."""
        return self._held.get(number)

    def after(self, number: int) -> list[DeadLetter]:
        """Return the letters still held whose number is greater, oldest first."""
        found = []
        for letter in reversed(self._held.values()):
            if letter.number <= number:
                break
            found.append(letter)
        return found[::-1]

    def remove(self, number: int) -> bool:
        """Let a letter go; whether it was there."""
        if self._held.pop(number, None) is None:
            return False
        self._tell()
        return True

    def clear(self) -> None:
        """Let all letters go."""
        self._held.clear()
        self._tell()

    def listen(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call a function, without arguments, at each change; returns what ends that.

        It is called in the thread of the change, and must be quick.
        """
        self._listeners.append(callback)

        def stop() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return stop

    def add(
        self,
        component: str,
        message: Mapping[str, Any],
        error: BaseException,
        *,
        reason: Reason,
        source: str | None,
        seq: int,
    ) -> DeadLetter:
        """Keep a letter, letting the oldest go when there are too many."""
        self.last_number += 1
        scope = CURRENT.get()
        letter = DeadLetter(
            number=self.last_number,
            timestamp=time.time(),
            component=component,
            message=message,
            reason=reason,
            error=_words_of(error),
            source=source,
            correlation_id=None if scope is None else scope.correlation_id,
            seq=seq,
            is_own=type(message) is not dict,
        )
        self._held[letter.number] = letter
        while len(self._held) > self._size:
            self._held.popitem(last=False)
        self._tell()
        return letter

    def _tell(self) -> None:
        for callback in list(self._listeners):
            callback()


def _words_of(error: BaseException) -> str:
    """Return an error on one line, cut; what a user's code raised in its own words."""
    cause = error.__cause__ if isinstance(error, FlexiFlowError) else error
    if cause is None or isinstance(cause, FlexiFlowError):
        cause = error
    kind = type(cause).__name__
    try:
        ours = isinstance(cause, FlexiFlowError)
        text = cause.what if ours else f"{kind}: {cause}"  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - the user's class
        text = kind
    return one_line(_Plain(text.removesuffix(": ")), _LONGEST)


class _Plain:
    """A text that is shown as it is written, not as a literal."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
