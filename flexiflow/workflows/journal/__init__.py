"""The journal: what executions of workflows did, kept so that they can go on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._open import open_journal
from .protocol import (
    UNOWNED_STATES,
    Claim,
    ClaimReason,
    Execution,
    ExecutionRow,
    Journal,
    NewExecution,
    OnDone,
    Record,
)

if TYPE_CHECKING:
    from .sqlite import SqliteJournal

__all__ = [
    "UNOWNED_STATES",
    "Claim",
    "ClaimReason",
    "Execution",
    "ExecutionRow",
    "Journal",
    "NewExecution",
    "OnDone",
    "Record",
    "SqliteJournal",
    "open_journal",
]


def __getattr__(name: str) -> object:
    """Load the SQLite journal when it is first named (PEP 562)."""
    if name != "SqliteJournal":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = importlib.import_module(f"{__name__}.sqlite").SqliteJournal
    globals()[name] = value
    return value
