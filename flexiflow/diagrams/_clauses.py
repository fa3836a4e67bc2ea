"""Hold what is known about a message on a way through a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["ALWAYS", "Clause", "both", "either", "limited"]

_MOST = 64
"""How many ways are told apart; beyond it they are taken for one."""


@final
@dataclass(frozen=True, slots=True)
class Clause:
    """One way: everything in it holds at once."""

    messages: tuple[str, ...] | None = None
    """The message types that come this way, or None when any may."""
    excluded: frozenset[str] = frozenset()
    """Types that do not."""
    guards: tuple[str, ...] = ()
    """Other tests that hold, in words."""


ALWAYS: tuple[Clause, ...] = (Clause(),)
"""One way about which nothing is known."""


def both(*parts: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """Return the ways on which all parts hold; ways that contradict fall out."""
    joined = ALWAYS
    for part in parts:
        pairs = (_join(left, right) for left in joined for right in part)
        joined = limited(tuple(pair for pair in pairs if pair is not None))
    return joined


def _join(left: Clause, right: Clause) -> Clause | None:
    """Return what holds when both clauses do, or None when they cannot."""
    messages = left.messages
    if right.messages is not None:
        messages = (
            right.messages
            if messages is None
            else tuple(m for m in messages if m in right.messages)
        )
    excluded = left.excluded | right.excluded
    if messages is not None:
        messages = tuple(m for m in messages if m not in excluded)
        if not messages:
            return None
        excluded = frozenset()
    return Clause(messages, excluded, left.guards + right.guards)


def either(*parts: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """Return the ways on which at least one part holds, each once."""
    return tuple(dict.fromkeys(clause for part in parts for clause in part))


def limited(ways: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """Return the ways, or the one that knows nothing when there are too many."""
    return ways if len(ways) <= _MOST else ALWAYS
