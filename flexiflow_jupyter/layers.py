"""Describe what lies over a graph: what runs, what was visited, what has changed.

The parts of the protocol that the layers of a graph take; see ``protocol.py``.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

__all__ = [
    "ChangesInfo",
    "Clause",
    "CoverageInfo",
    "Mermaid",
    "RunningInfo",
    "Tally",
    "Ways",
    "WhyInfo",
]


class Clause(TypedDict):
    """A clause of a guard that does not hold: what it wants, and what there is."""

    text: str
    actual: str


class WhyInfo(TypedDict):
    """Why an edge of an active state is not taken: its clauses, and where they are."""

    title: str
    clauses: list[Clause]
    place: str


class RunningInfo(TypedDict):
    """A timer or a service of an active state; instants are epoch milliseconds."""

    path: str
    kind: Literal["timer", "service"]
    name: str
    since_ms: float
    due_ms: float | None
    total_ms: float | None
    attempt: int
    attempts: int
    waits: bool
    progress: float | None
    text: str


class Tally(TypedDict):
    """So many edges and states."""

    edges: int
    states: int


class CoverageInfo(TypedDict):
    """How often each edge was taken and each state entered since the definition."""

    edges: dict[str, int]
    states: dict[str, int]
    total: Tally
    seen: Tally


class ChangesInfo(TypedDict):
    """What a new definition changed, with a picture of both; ids as in ``graph``.

    Any: its graph has the shape of the trait ``graph``.
    """

    number: int
    dot: str
    graph: Any
    states: dict[str, Literal["added", "removed", "changed"]]
    edges: dict[str, Literal["added", "removed", "changed"]]
    lines: list[str]
    text: str
    kept: bool


class Ways(TypedDict):
    """The shortest way to each edge (by id) and state (by path) not yet visited."""

    kind: Literal["ways"]
    ways: dict[str, str]


class Mermaid(TypedDict):
    """The chart as Mermaid text."""

    kind: Literal["mermaid"]
    text: str
