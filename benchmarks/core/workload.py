"""What a workload is.

A *limit* has no features: no ordering but that of a list, no errors, no correlation
ids, no mailbox. It is what the interpreter itself costs. Both sides are functions of
the number of operations, so that no call of the harness is inside the timing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

__all__ = ["DATA", "Handle", "Run", "Timed", "Workload"]

Run = Callable[[int], Awaitable[None]]
Handle = Callable[[Any], Awaitable[Any]]

DATA = {"k": 1}
"""What events carry."""


class Workload(NamedTuple):
    """One workload: what it is called, what it does, and how good it has to be."""

    name: str
    title: str
    goal: float
    """The highest ratio of product to limit that is good enough."""
    product: Callable[[], Awaitable[Run]]
    limit: Callable[[], Awaitable[Run]]


class Timed(NamedTuple):
    """A workload that needs new data for each operation: it returns its seconds."""

    name: str
    title: str
    goal: float
    product: Callable[[], Awaitable[float]]
    limit: Callable[[], Awaitable[float]]
