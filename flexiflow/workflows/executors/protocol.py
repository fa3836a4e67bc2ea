"""What the engine asks of a place where functions run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from .._outbox import Outbox
    from ..context import ResourceRequest

__all__ = ["Call", "Executor", "ExecutorStatistics", "Job"]


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A function, async or not, and what it is called with."""

    function: Callable[..., Any]  # Any: functions of the user's own
    """What to call; what it returns is awaited where it can be."""
    args: tuple[Any, ...] = field(default=(), repr=False)
    """Positional arguments; not shown, for they may be anybody's data."""
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Keyword arguments; secrets may be among them."""
    resources: ResourceRequest | None = None
    """What it needs of a machine, where there are several."""
    on_wait: Callable[[str], object] | None = field(default=None, repr=False)
    """Told, in any thread, why the call does not begin; empty when it does."""
    outbox: Outbox | None = field(default=None, repr=False)
    """Filled by calls in other processes, before their result arrives."""


@final
@dataclass(frozen=True, slots=True)
class ExecutorStatistics:
    """What an executor is doing now."""

    workers: int
    """Threads or processes that are alive."""
    busy: int
    """Calls under way."""
    waiting: int
    """Calls for which no worker is free yet."""


class Job(Protocol):
    """A call that an executor has taken."""

    @property
    def future(self) -> Future[Any]:
        """Where the result, or the error, arrives; in any thread."""

    def cancel(self) -> bool:
        """End it: at once if it waits, else as far as it can be interrupted.

        Returns
        -------
        bool
            Whether it ends soon, so that its end may be waited for. Asked again, what
            did not help is followed by what is harder.
        """


class Executor(Protocol):
    """A place where functions run. All methods may be called from any thread."""

    def submit(self, call: Call) -> Job:
        """Take a call; it begins as soon as a worker is free.

        Raises
        ------
        RuntimeError
            If the executor has been closed.
        WorkflowError
            If the call cannot be brought there.
        """

    def statistics(self) -> ExecutorStatistics:
        """Return what it is doing; who is alive is counted, not remembered."""

    def close(self, grace_s: float = 1.0) -> None:
        """Take no more calls, and end those under way. Waits; harmless when repeated.

        Parameters
        ----------
        grace_s : float, default 1.0
            Seconds that calls under way may still take.
        """
