"""The journal: what executions of workflows did, kept so that they can go on."""

from __future__ import annotations

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
]
