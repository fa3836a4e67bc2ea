"""Show executions of workflows: facts for the page, pictures, the magics ``run``s."""

from __future__ import annotations

from .facts import ExecutionFacts, Run
from .feed import StepFeed

__all__ = ["ExecutionFacts", "Run", "StepFeed"]
