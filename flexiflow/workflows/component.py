"""Show an execution as a component: its states are a chart, its buttons messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, final

from ..component import AsyncComponent
from ..config_loader import ComponentConfig
from ..statechart import machine, on, state
from ..statechart.functions import Functions
from . import _values
from .context import ExecutionState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..statechart import Chart
    from .context import ExecutionEvent
    from .handle import Run

__all__ = ["ExecutionComponent", "execution_chart"]

_MOVES: Final = {
    "CREATED": ("scheduled", "started", "failed", "cancelled"),
    "SCHEDULED": ("claimed", "started", "cancelled"),
    "CLAIMED": ("started", "failed", "cancelled"),
    "RUNNING": ("claimed", "paused", "completed", "failed", "cancelling", "resuming"),
    "PAUSED": ("resuming", "completed", "failed", "cancelling"),
    "RESUMING": ("resumed", "failed", "cancelling"),
    "CANCELLING": ("cancelled", "completed", "failed", "paused", "resuming"),
    "NEEDS_DEFINITION": ("claimed", "resuming", "cancelling", "cancelled", "failed"),
    "FAILED": ("claimed",),
}
"""The events after which each state may be left; a failure for wrong code is no end."""
_LEADS_TO: Final = {
    "scheduled": "SCHEDULED",
    "claimed": "RUNNING",
    "started": "RUNNING",
    "paused": "PAUSED",
    "resuming": "RESUMING",
    "resumed": "RUNNING",
    "cancelling": "CANCELLING",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
_NAMED: Final = {"set": {"pause": "$message.pause", "output": "$message.output"}}


def execution_chart(
    name: str = "execution",
    *,
    initial: str = ExecutionState.CREATED,
    context: Mapping[str, Any] | None = None,
) -> Chart:
    """Return the chart of an execution's states.

    Parameters
    ----------
    name : str, default "execution"
        The name of the chart.
    initial : str, default "CREATED"
        The state that it begins in.
    context : mapping, optional
        Its data; ``pause`` and ``output`` are added to it.

    Returns
    -------
    Chart
        It names two functions, ``cancel_execution`` and ``resume_execution``.
    """
    states: dict[str, Any] = {}
    for one in ExecutionState:
        moves: dict[str, Any] = {
            event: on(_LEADS_TO[event], do=_NAMED) for event in _MOVES.get(one, ())
        }
        if one in {ExecutionState.RUNNING, ExecutionState.PAUSED}:
            moves["cancel"] = on(do="cancel_execution")
        if one is ExecutionState.PAUSED:
            moves["resume"] = on(do="resume_execution")
        states[one.value] = state(on=moves)
    return machine(
        name,
        initial=initial,
        states=states,
        context={"pause": None, "output": None, **(context or {})},
        description="An execution of a durable workflow",
    )


@final
class ExecutionComponent(AsyncComponent):
    """A component that follows an execution.

    Parameters
    ----------
    run : Run
        The execution.
    name : str, optional
        What the engine calls it; the id of the execution by default.

    Notes
    -----
    Make it in the loop of its engine, and register it there. The messages ``resume``
    (with ``content`` or ``data`` as the answer, ``pause`` for one of several) and
    ``cancel`` are passed on to the execution; they are handled when that has begun.
    """

    def __init__(self, run: Run[Any], *, name: str | None = None) -> None:
        self.execution: Final = run
        """The execution that it follows."""
        chart = execution_chart(
            name or run.execution_id,
            initial=run.status.value,
            context={
                "workflow": run.workflow_name,
                "execution_id": run.execution_id,
            },
        )
        functions = Functions(
            {"cancel_execution": self._cancel, "resume_execution": self._resume}
        )
        config = ComponentConfig.from_chart(chart, functions=functions)
        machine = config.make_machine()
        super().__init__(chart.name, state_machine=machine)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stop: Callable[[], None] = run.listen(self._follow)

    # --- the execution tells ----------------------------------------------------------

    def _follow(self, event: ExecutionEvent) -> None:
        """Pass an event on; called in the loop of the execution."""
        kind, _, what = event.type.partition("_")
        if kind == "WORKFLOW" and not self._loop.is_closed():
            message = {
                "type": what.lower(),
                "pause": event.name if what == "PAUSED" else None,
                "output": _values.to_json(event.value) if what == "COMPLETED" else None,
            }
            self._loop.call_soon_threadsafe(self.post, message)

    # --- people tell ------------------------------------------------------------------

    def _cancel(self) -> None:
        self._launch(self.execution.cancel())

    def _resume(self, message: Mapping[str, Any]) -> None:
        data = message.get("content", message.get("data"))
        self._launch(self.execution.resume(data, pause=message.get("pause")))

    def _launch(self, work: Any) -> None:
        """Begin something of which the execution will tell."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self.logger is not None:
            self.logger.error(
                "The execution %s: %s", self.execution.execution_id, error
            )

    def close(self) -> None:
        """Follow the execution no more; it goes on by itself."""
        self._stop()
        super().close()
