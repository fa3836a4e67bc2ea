"""Stand for an execution of which only the context is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, final

from flexiflow.errors import FlexiFlowError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PastRun"]


@final
class PastRun:
    """An execution that is not in the journal of this process: it can be looked at.

    Parameters
    ----------
    context : ExecutionContext
        What is known of it; Any because its input is the user's.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.execution_id: str = context.execution_id
        self.workflow_name: str = context.workflow_name

    context: Any
    """The ``ExecutionContext``."""
    execution_id: str
    """The id of the execution."""
    workflow_name: str
    """The name of the workflow."""

    @property
    def status(self) -> str:
        """How far it had come."""
        return str(self.context.state)

    def listen(self, _listener: Callable[[Any], object]) -> Callable[[], None]:
        """Nothing happens any more; Any: an event."""
        return lambda: None

    async def cancel(self) -> NoReturn:
        """Refuse: there is nothing to end."""
        raise self._refusal()

    async def resume(self, _data: Any = None, *, pause: str | None = None) -> NoReturn:
        """Refuse; Any: the user's."""
        raise self._refusal(pause)

    def fork(self, *, from_step: str) -> NoReturn:
        """Refuse: the steps are not at hand."""
        raise self._refusal(from_step)

    def _refusal(self, what: str | None = None) -> FlexiFlowError:
        """Return why nothing can be done."""
        return FlexiFlowError(
            "This run is not in the journal of this kernel.",
            why="Only what it left is shown: it ran with another Runtime, or home.",
            fix="Use the runtime that it ran with: with Runtime(home=...): ...",
            context={"execution_id": self.execution_id, "asked": what or ""},
        )
