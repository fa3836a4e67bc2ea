"""A call on its way to a Dask worker and back."""

from __future__ import annotations

import asyncio
import threading
import uuid
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocol import Call

__all__ = ["DaskJob"]


@final
class DaskJob:
    """A call that a Dask executor has taken.

    Parameters
    ----------
    call : Call
        What to call.
    packed : tuple of bytes
        Its function and its arguments.
    needed : tuple
        What it takes of a worker, as sorted pairs of Dask's names and amounts.
    end : callable
        Called in any thread when its end is asked for while it is under way: with the
        job, and whether gentler means were in vain.
    """

    __slots__ = (
        "_asked",
        "_end",
        "_lock",
        "_told",
        "call",
        "future",
        "id",
        "is_cancelled",
        "lost",
        "needed",
        "packed",
    )

    def __init__(
        self,
        call: Call,
        packed: tuple[bytes, bytes],
        needed: tuple[tuple[str, float], ...],
        *,
        end: Callable[[DaskJob, bool], None],
    ) -> None:
        self.call: Final = call
        self.packed: Final = packed
        self.needed: Final = needed
        self.id: Final = f"flexiflow-{uuid.uuid4().hex}"
        """What workers know it by: it tells nothing."""
        # Any: what the function returns
        self.future: Future[Any] = Future()
        self.is_cancelled = False
        """Whether its end was asked for while it was under way."""
        self.lost = 0
        """How often Dask has lost it."""
        self._end = end
        self._asked = 0
        self._told = ""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<DaskJob {self.id}>"

    def cancel(self) -> bool:
        """End it: at once if it waits here, else as far as a worker can.

        Returns
        -------
        bool
            Whether it ends soon, so that its end may be waited for.
        """
        if self.future.cancel():
            return True
        with self._lock:
            self._asked += 1
            asked = self._asked
        self.is_cancelled = True
        self._end(self, asked > 1)
        return True

    def begins(self) -> bool:
        """Return whether it is to go to a worker: for the first time, or once more."""
        if not self.future.running():
            return self.future.set_running_or_notify_cancel()
        if self.is_cancelled:
            self.finish(error=asyncio.CancelledError())
        return not self.is_cancelled

    def tell(self, reason: str) -> None:
        """Say why it waits; empty: it does not any more."""
        if reason != self._told and self.call.on_wait is not None:
            self._told = reason
            self.call.on_wait(reason)

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        """Hand over what came of it, unless somebody was quicker. Any: a result."""
        with self._lock:
            if self.future.done():
                return
            if isinstance(error, StopIteration):
                # no future takes one; a coroutine that raises it fails in this way too
                told = RuntimeError("a task raised StopIteration")
                told.__cause__ = error
                error = told
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)
