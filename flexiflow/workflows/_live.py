"""Keep what this process knows of an execution, and tell those who look."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import ExecutionContext, ExecutionEvent, ExecutionState
    from .journal.protocol import Record

__all__ = ["Live"]

_log: Final = logging.getLogger("flexiflow.workflows")


@final
class Live:
    """One execution, as long as somebody here has to do with it.

    Parameters
    ----------
    context : ExecutionContext
        What users see of it.
    correlation_id : str
        The story it belongs to.
    parent : str
        The execution that called it; empty for none.
    publish : callable, optional
        Called with each record that was committed.
    is_heard : callable, optional
        Whether it is worth a call.
    """

    __slots__ = (
        "__weakref__",
        "_is_heard",
        "_lock",
        "_publish",
        "_waiters",
        "context",
        "correlation_id",
        "digest",
        "drive",
        "epoch",
        "failure",
        "id",
        "is_stopped",
        "listeners",
        "parent",
        "workflow_name",
    )

    def __init__(
        self,
        context: ExecutionContext[Any],
        *,
        correlation_id: str = "",
        parent: str = "",
        publish: Callable[[Live, Record, int], object] | None = None,
        is_heard: Callable[[], bool] = bool,
    ) -> None:
        self.context: Final = context
        self.id: Final = context.execution_id
        self.workflow_name: Final = context.workflow_name
        self.correlation_id = correlation_id
        self.parent = parent
        self.digest = ""
        """The digest of the code that it began with; empty when that is not known."""
        self.epoch = 0
        """The epoch under which this process writes."""
        self.drive: Any = None  # Any: the drive's module builds on this one
        """What runs its body now, or holds it where it waits."""
        self.failure: BaseException | None = None
        """Why this process cannot go on with it, or None."""
        self.is_stopped = True
        """Whether nothing of it runs here: it has ended, or waits for an answer."""
        self.listeners: list[Callable[[ExecutionEvent], object]] = []
        self._publish = publish
        self._is_heard = is_heard
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._lock = threading.Lock()

    @property
    def state(self) -> ExecutionState:
        """How far it has come."""
        return self.context.state

    def take_all(self, records: list[Record], seqs: range) -> None:
        """Follow records that were committed together."""
        if self.listeners or (self._publish is not None and self._is_heard()):
            for record, seq in zip(records, seqs, strict=True):
                self._take(record, seq)
        else:
            take = self.context.take
            for record, seq in zip(records, seqs, strict=True):
                take(record, seq)

    def _take(self, record: Record, seq: int) -> None:
        """Follow a record, and tell of it."""
        if not self.context.take(record, seq):
            return
        if self.listeners:
            event = self.context.event_of(record, seq)
            for listener in tuple(self.listeners):
                try:
                    listener(event)
                except Exception:  # noqa: BLE001 - told; the others go on
                    _log.exception("A listener of the execution %s failed", self.id)
        if self._publish is not None:
            try:
                self._publish(self, record, seq)
            except Exception:  # noqa: BLE001 - told; the execution goes on
                _log.exception("An event of the execution %s is lost", self.id)

    # --- going and standing -----------------------------------------------------------

    def go(self) -> None:
        """Begin to run."""
        self.failure = None
        self.is_stopped = False

    def stop(self, failure: BaseException | None = None) -> None:
        """Have ended, or wait for an answer; whoever waits is told."""
        with self._lock:
            self.failure = failure
            self.is_stopped = True
            waiters, self._waiters = self._waiters, []
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        for loop, waiter in waiters:
            if loop is here:
                _wake(waiter)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(_wake, waiter)

    async def wait(self) -> None:
        """Return when it has stopped; may be awaited in any loop."""
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                if self.is_stopped:
                    return
                waiter = loop.create_future()
                self._waiters.append((loop, waiter))
            await waiter


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
