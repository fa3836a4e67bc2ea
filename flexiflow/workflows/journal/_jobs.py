"""What waits to be written to a journal, and how those who wait hear of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .protocol import ClaimReason, NewExecution, OnDone, Record

__all__ = ["NO_RECORDS", "Answer", "Append", "Claiming", "Create", "Job", "tell"]

_logger = logging.getLogger("flexiflow")

NO_RECORDS: Final = range(0)
"""The answer to what writes no records."""

Append: TypeAlias = "tuple[Sequence[Record], int]"
"""Records of one execution that are to be written, and under which epoch."""


@final
@dataclass(frozen=True, slots=True)
class Create:
    """An execution that is to be created, with its first records."""

    execution: NewExecution
    records: Sequence[Record]


@final
@dataclass(frozen=True, slots=True)
class Claiming:
    """An execution that is to be taken over."""

    execution_id: str
    owner: str
    expected_epoch: int
    reason: ClaimReason
    digest: str
    time: float
    records: Sequence[Record]


Job: TypeAlias = "Append | Create | Claiming | None"
"""What may be queued; None is written when all before it is."""

Answer: TypeAlias = range | BaseException
"""The sequence numbers of a job's records, or why it was refused."""


def tell(callers: list[OnDone | None], answers: list[Answer]) -> None:
    """Tell those who queued the jobs of a batch, in the writer's thread."""
    for on_done, answer in zip(callers, answers, strict=True):
        if on_done is None:
            continue
        try:
            if isinstance(answer, range):
                on_done(None, answer)
            else:
                on_done(answer, NO_RECORDS)
        except Exception:
            _logger.exception("a callback of the journal failed")
