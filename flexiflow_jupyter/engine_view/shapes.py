"""Describe what the page gets of an engine; ``protocol.ts`` has the same shapes."""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = [
    "EngineInfo",
    "EnginePart",
    "FlowBatch",
    "FlowKind",
    "FlowRow",
    "LetterInfo",
    "LettersInfo",
]

FlowKind = Literal["message", "event", "state", "end", "failed", "dead"]
"""``message``: it was received; ``end``: it came to its end; ``failed``: it failed;
``dead``: it reached nobody; ``event``: one of the bus; ``state``: what changed."""

FlowRow = tuple[int, float, FlowKind, str, list[str], str, str, str]
"""Sequence number, epoch milliseconds, kind, from ("" for outside), to, text, story,
and what came of it: a status, or what was raised."""


class EnginePart(TypedDict):
    """A component: its active leaf states, and how many messages wait at it."""

    name: str
    active: list[str]
    pending: int


class EngineInfo(TypedDict):
    """An engine; ``more`` counts the components that are left out."""

    name: str
    parts: list[EnginePart]
    more: int


class LetterInfo(TypedDict):
    """A message that nobody could handle; ``retry``: why not, "" when it can be."""

    number: int
    time_ms: float
    type: str
    text: str
    source: str
    target: str
    reason: str
    error: str
    story: str
    retry: str


class LettersInfo(TypedDict):
    """The newest dead letters, newest first; ``held`` and ``ever`` count all."""

    rows: list[LetterInfo]
    held: int
    ever: int


class FlowBatch(TypedDict):
    """Rows in order; ``reset``: those before are to be forgotten.

    ``published`` counts the rows there were up to the last one of these, ``messages``
    those of them that are messages.
    """

    kind: Literal["flow"]
    batch: int
    rows: list[FlowRow]
    reset: bool
    published: int
    messages: int
