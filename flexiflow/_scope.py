"""Carry the correlation id of what is being done, in one context variable."""

from __future__ import annotations

import os
from contextvars import ContextVar
from itertools import count
from typing import ClassVar, Final, final

__all__ = [
    "CURRENT",
    "NEXT_ID",
    "Arrival",
    "Errand",
    "Scope",
    "current",
    "id_text",
    "reset_current",
    "set_current",
]

NEXT_ID: Final = count(1).__next__
"""Give the next number of a correlation id; safe from any thread."""


class _Process:
    """The part of an id that tells processes apart; made anew in a forked child."""

    __slots__ = ("prefix",)

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Draw another prefix."""
        self.prefix = os.urandom(6).hex()


_PROCESS: Final = _Process()


def id_text(value: int | str) -> str:
    """Return an id as people read it."""
    return value if isinstance(value, str) else f"{_PROCESS.prefix}-{value:06x}"


class Scope:
    """Something under way whose log records, events and messages belong together.

    The id is a number until somebody reads it: most are never read.
    """

    __slots__ = ("cid", "outer")

    cid: int | str
    """The caller's own id, or the number from which one is made."""
    outer: Scope | None
    """The handling of a message within which this lies; None outside."""

    is_handling: ClassVar[bool] = False
    """Whether this is itself the handling of a message."""
    sender: ClassVar[str | None] = None
    """Who sent the message that is told of here; None: nobody, or from outside."""

    def __init__(self, value: int | str, outer: Scope | None = None) -> None:
        self.cid = value
        self.outer = outer

    @classmethod
    def within(cls, value: int | str, scope: Scope | None) -> Scope:
        """Return a scope with an id of its own inside another."""
        if scope is not None and not scope.is_handling:
            scope = scope.outer
        return cls(value, scope)

    @property
    def correlation_id(self) -> str:
        """The id as text; the same at each reading, and over all that inherits it."""
        return id_text(self.cid)

    @property
    def component_name(self) -> str | None:
        """The name of the component at work, or None."""
        return None if self.outer is None else self.outer.component_name

    @property
    def speaker(self) -> str | None:
        """The name of the component on whose behalf messages are sent here, or None."""
        return None if self.outer is None else self.outer.speaker


@final
class Arrival(Scope):
    """What is told of a message, to nobody in particular; it knows who sent it."""

    __slots__ = ("sender",)

    def __init__(self, value: int | str, sender: str | None) -> None:
        self.cid = value
        self.outer = None
        self.sender = sender  # type: ignore[misc]  # a slot over the class's None


@final
class Errand(Scope):
    """What a component does beside its messages, or what it left to be done later."""

    __slots__ = ("speaker",)

    def __init__(
        self, value: int | str, outer: Scope | None, speaker: str | None
    ) -> None:
        self.cid = value
        self.outer = outer
        self.speaker = speaker  # type: ignore[misc]  # a slot over the property


CURRENT: Final[ContextVar[Scope | None]] = ContextVar("flexiflow", default=None)
"""What the present code is doing; None outside."""

current: Final = CURRENT.get
"""Return what the present code is doing, or None."""
set_current: Final = CURRENT.set
"""Set what the present code is doing; returns a token.

A name of its own for each method, since a method of an imported object is not called
the short way: Python takes it for a function of a module.
"""
reset_current: Final = CURRENT.reset
"""Undo what the token stands for."""
