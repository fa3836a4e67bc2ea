"""Hold an execution that was started: await it, answer it, cancel it, look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, final

from ._live_handle import LiveHandle

if TYPE_CHECKING:
    from collections.abc import Generator

    from ._live import Live
    from .context import ExecutionContext

__all__ = ["Run", "Runs"]

T = TypeVar("T")


class Runs(Protocol):
    """What a handle asks of the runtime."""

    # Any, here and below: inputs and answers are the user's.
    async def finish(self, live: Live) -> ExecutionContext[Any]:
        """Wait until an execution has stopped."""

    async def answer(
        self, execution_id: str, data: Any, pause: str | None
    ) -> ExecutionContext[Any]:
        """Answer an execution, and wait until it has stopped."""

    async def end(self, execution_id: str) -> ExecutionContext[Any]:
        """Cancel an execution, and wait until it has ended."""

    def branch_off(self, execution_id: str, from_step: str | int) -> Run[Any]:
        """Start another execution with the first steps of this one."""


@final
class Run(LiveHandle[T]):
    """An execution on its way: what ``wf.start(input)`` returns.

    Notes
    -----
    Awaiting it gives the :class:`ExecutionContext` at the end, or at a pause; it never
    raises for an error of the workflow. Cancelling the task that awaits it does not
    cancel the execution: :meth:`cancel` does.
    """

    __slots__ = ("_runs",)

    def __init__(self, runs: Runs, live: Live) -> None:
        super().__init__(live)
        self._runs = runs

    def __await__(self) -> Generator[Any, None, ExecutionContext[T]]:
        """Wait until it has ended or waits for an answer."""
        return self._runs.finish(self._live).__await__()

    async def resume(
        self, data: Any = None, *, pause: str | None = None
    ) -> ExecutionContext[T]:
        """Answer a pause, and wait until it has ended or pauses again.

        Parameters
        ----------
        data : Any
            The answer; the value of ``pause`` in the body.
        pause : str, optional
            The name of the pause; the oldest that waits when it is left out.

        Raises
        ------
        ExecutionStateError
            If it does not wait for that answer.
        CodecError
            If the answer cannot be stored.
        """
        return await self._runs.answer(self._live.id, data, pause)

    async def cancel(self) -> ExecutionContext[T]:
        """Raise ``CancelledError`` in the body, and wait for its end."""
        return await self._runs.end(self._live.id)

    def fork(self, *, from_step: str | int) -> Run[T]:
        """Start another execution that knows what happened before a step.

        Parameters
        ----------
        from_step : str or int
            The step that is done again, with all that came after it: its key, the name
            of its task (the first call of it), or its place from 1.

        Returns
        -------
        Run
            The other execution, with the same input; this one is left as it is.
        """
        return self._runs.branch_off(self._live.id, from_step)
