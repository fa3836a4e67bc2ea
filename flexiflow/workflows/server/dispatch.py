"""What the server asks of those who bring executions to workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

if TYPE_CHECKING:
    from datetime import datetime

    from ..context import ResourceRequest

__all__ = ["Dispatcher", "WorkerInfo"]


@final
@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker as the server knows it."""

    name: str
    """Its name; no two workers of one server have the same."""
    connected: bool
    """Whether it can be given something to do now."""
    python: str
    """The version of its Python."""
    platform: str
    """Its operating system and machine, as Python names them."""
    cpu: float
    """Its cores."""
    memory: int
    """Its memory in bytes."""
    gpu: int
    """Its GPUs."""
    packages: dict[str, str]
    """The installed distributions by name, with their versions."""
    slots: int
    """How many executions it takes at once."""
    executions: tuple[str, ...]
    """The ids of the executions that it was given and has not stopped yet, sorted."""
    registered: datetime
    """When it came, aware UTC."""

    @property
    def load(self) -> float:
        """How much of its slots is taken, 0 and more; over 1 when some wait there."""
        return len(self.executions) / self.slots if self.slots else 0.0


class Dispatcher(Protocol):
    """Brings executions of the journal to those who run them.

    Notes
    -----
    The journal is what counts: a dispatcher that begins anew hands out again what lies
    there CREATED or SCHEDULED, and what has lost its process. Its methods may be called
    from any thread; they block for the journal at most, never for a worker.
    """

    def submit(
        self,
        execution_id: str,
        workflow: str,
        version: int | None,
        *,
        requests: ResourceRequest | None = None,
        resume: tuple[str | None, str | None] | None = None,
    ) -> None:
        """Hand out an execution, now or as soon as a worker is there that fits.

        Parameters
        ----------
        execution_id : str
            An execution of the journal: a new one without an owner, a paused one that
            is answered, or one whose process has died.
        workflow : str
            The name of its workflow.
        version : int, optional
            The version of its code in the catalogue; the newest when left out.
        requests : ResourceRequest, optional
            What it needs of the worker.
        resume : tuple, optional
            The answer to a pause, as the codec encodes it, and the name or key of the
            pause (None: the oldest that waits). It is stored when this returns.

        Raises
        ------
        ExecutionContextNotFoundError
            If the journal has none of that id.
        ExecutionStateError
            If there is an answer, and it does not wait for it.
        """

    def cancel(self, execution_id: str) -> None:
        """Ask for the end of an execution, wherever it is; harmless when it has ended.

        One that has not begun is CANCELLED when this returns; the body of another ends
        on a worker.

        Raises
        ------
        ExecutionContextNotFoundError
            If the journal has none of that id.
        """

    def reason(self, execution_id: str) -> str:
        """Return why an execution still waits for a worker; empty when it does not."""

    def workers(self) -> list[WorkerInfo]:
        """Return the workers that have registered and not said goodbye, by name."""

    def close(self) -> None:
        """Hand out nothing more; what runs on workers goes on. Twice is harmless."""
