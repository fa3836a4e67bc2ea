"""Say how far the workflows are that run as services of states."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from flexiflow.errors import FlexiFlowError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["HowFar", "WorkflowServices"]

_MOST_STEPS: Final = 500
"""Of executions with more steps only the state is told: reading all takes its time."""


class HowFar(NamedTuple):
    """How far an execution is."""

    progress: float | None = None
    """From 0 to 1, where a task is mapped over many items; else None."""
    text: str = ""
    """Its present step, or its state."""


@final
class WorkflowServices:
    """The executions of services, by their keys, which are the ids of executions.

    Workflows are loaded by whoever runs one: where none runs, nothing is loaded here.
    """

    def __init__(self) -> None:
        # Any: an execution and what folds its events; their module may be absent.
        self._known: dict[str, tuple[Any, Any]] = {}
        self._taken: dict[str, int] = {}

    def keep(self, keys: Collection[str]) -> None:
        """Forget all executions but these."""
        for key in set(self._known).difference(keys):
            del self._known[key], self._taken[key]

    def read(self, key: str) -> HowFar:
        """Return how far an execution is; nothing when it is not known here."""
        found = self._find(key)
        if found is None:
            return HowFar()
        run, progress = found
        events = run.context.events
        for event in events[self._taken[key] :]:
            progress.take(event)
        self._taken[key] = len(events)
        if len(progress) > _MOST_STEPS:
            return HowFar(text=str(run.status.value).lower())
        active = [one for one in progress.steps() if one.ended is None]
        for one in active:
            if one.total:
                return HowFar((one.done or 0) / one.total, str(one.name))
        if active:
            return HowFar(text=str(active[-1].name))
        return HowFar(text=str(run.status.value).lower())

    def _find(self, key: str) -> tuple[Any, Any] | None:
        """Return an execution, and what folds its events."""
        if key in self._known:
            return self._known[key]
        workflows = sys.modules.get("flexiflow.workflows")
        progress = sys.modules.get("flexiflow.workflows.progress")
        if workflows is None or progress is None:
            return None
        try:
            run = workflows.get_runtime().get_run(key)
        except FlexiFlowError:
            return None  # it has not begun yet
        self._known[key] = run, progress.Progress()
        self._taken[key] = 0
        return self._known[key]
