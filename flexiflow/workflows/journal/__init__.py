"""The journal: what executions of workflows did, kept so that they can go on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._open import open_journal
from .protocol import (
    UNOWNED_STATES,
    Claim,
    ClaimReason,
    ContentJournal,
    Execution,
    ExecutionRow,
    Journal,
    ListeningJournal,
    NewExecution,
    OnDone,
    OnWritten,
    Record,
)

if TYPE_CHECKING:
    from .postgres import PostgresJournal
    from .sqlite import SqliteJournal

__all__ = [
    "UNOWNED_STATES",
    "Claim",
    "ClaimReason",
    "ContentJournal",
    "Execution",
    "ExecutionRow",
    "Journal",
    "ListeningJournal",
    "NewExecution",
    "OnDone",
    "OnWritten",
    "PostgresJournal",
    "Record",
    "SqliteJournal",
    "open_journal",
]


_ADAPTERS = {"PostgresJournal": "postgres", "SqliteJournal": "sqlite"}


def __getattr__(name: str) -> object:
    """Load a kind of journal when it is first named (PEP 562)."""
    if name not in _ADAPTERS:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module = importlib.import_module(f"{__name__}.{_ADAPTERS[name]}")
    value: object = getattr(module, name)
    globals()[name] = value
    return value
