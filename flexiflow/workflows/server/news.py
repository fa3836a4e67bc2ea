"""Hear of what is written to the journal by other processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, final

from .._stored_data import ENDED
from .._taking import not_found

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterator

    from ..journal import Journal, Record

__all__ = ["AT_REST", "News"]

_log: Final = logging.getLogger("flexiflow.server")

AT_REST: Final = ENDED | {"PAUSED"}
"""The states in which nothing happens by itself."""

_QUICKEST_S: Final = 0.01
_SLOWEST_S: Final = 0.1
_SLOWEST_WHEN_TOLD_S: Final = 2.0
"""Seconds between two looks; the last where the journal itself tells of news."""
_RECHECK_S: Final = 1.0
"""Seconds after which each one that waits looks for itself, whatever it has heard."""
_MOST: Final = 1000


@final
class News:
    """One look at the end of the journal for all who wait for something in it.

    Parameters
    ----------
    journal : Journal
        The journal.

    Notes
    -----
    It looks as long as somebody waits, in a task that ends with the last of them. Used
    in one event loop.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._bells: dict[str | None, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self.is_over = False

    is_over: bool
    """Whether nobody is told anything more."""

    def end(self) -> None:
        """End all streams and waits; the executions go on."""
        self.is_over = True
        self._ring(set(self._bells))

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._bells.values()))

    async def follow(
        self,
        execution_id: str | None = None,
        after: int = 0,
        *,
        is_old: bool = True,
        stops: Collection[str] = AT_REST,
    ) -> AsyncGenerator[list[Record]]:
        """Give records as they come; nothing, an empty list, once a while.

        Parameters
        ----------
        execution_id : str, optional
            Whose records; all when left out, which never ends by itself.
        after : int
            The number behind which they begin.
        is_old : bool, default True
            Whether a state from before counts: else it ends with one that comes.
        stops : collection of str
            The states with which it ends.

        Yields
        ------
        list of Record
            New ones, in order. It ends when the execution has stopped, after its last
            record.

        Raises
        ------
        ExecutionContextNotFoundError
            If there is no such execution.
        """
        state = ""
        with self._bell(execution_id) as bell:
            if execution_id is not None:
                found = await asyncio.to_thread(self._journal.load, execution_id)
                if found is None:
                    raise not_found(execution_id)
                before = [r.state for r in found.records if r.state and r.seq <= after]
                state = before[-1] if before and is_old else ""
            while not self.is_over:
                bell.clear()
                records = await asyncio.to_thread(
                    self._journal.records_after,
                    after,
                    execution_id=execution_id,
                    limit=_MOST,
                )
                if records:
                    after = records[-1].seq
                    states = [record.state for record in records if record.state]
                    state = states[-1] if states else state
                    yield records
                    continue
                if execution_id is not None and state in stops:
                    return
                yield []
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), _RECHECK_S)

    @contextmanager
    def _bell(self, execution_id: str | None) -> Iterator[asyncio.Event]:
        """Give what is set when something of an execution, or of any, is written."""
        bell = asyncio.Event()
        self._bells.setdefault(execution_id, set()).add(bell)
        if self._task is None:
            self._task = asyncio.create_task(self._look(), name="flexiflow news")
        try:
            yield bell
        finally:
            ours = self._bells[execution_id]
            ours.discard(bell)
            if not ours:
                del self._bells[execution_id]
            if not self._bells and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look(self) -> None:
        """Look for what is new, and ring."""
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        # PostgreSQL tells of records by itself; Any: an extension of the protocol
        listen: Any = getattr(self._journal, "listen", None)
        stop: Callable[[], object] | None = None
        slowest = _SLOWEST_S
        if listen is not None:
            stop = listen(lambda *_: loop.call_soon_threadsafe(told.set))
            slowest = _SLOWEST_WHEN_TOLD_S
        try:
            seq = await self.newest()
            self._ring(set(self._bells))
            pause = _QUICKEST_S
            while True:
                told.clear()
                try:
                    records = await asyncio.to_thread(
                        self._journal.records_after, seq, limit=_MOST
                    )
                except Exception:  # noqa: BLE001 - told; those who wait look themselves
                    _log.warning("The journal cannot be read now", exc_info=True)
                    records, pause = [], slowest
                if records:
                    seq = records[-1].seq
                    self._ring({record.execution_id for record in records} | {None})
                    pause = _QUICKEST_S
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), pause)
                pause = min(1.5 * pause, slowest)
        finally:
            if stop is not None:
                stop()

    def _ring(self, whose: set[str] | set[str | None]) -> None:
        for execution_id in whose:
            for bell in self._bells.get(execution_id, ()):
                bell.set()

    async def newest(self) -> int:
        """Return the number of the newest record."""
        return await asyncio.to_thread(self._newest)

    def _newest(self) -> int:
        low, high = 0, 1
        while self._journal.records_after(high, limit=1):
            low, high = high, 2 * high
        while high - low > _MOST:
            middle = (low + high) // 2
            if self._journal.records_after(middle, limit=1):
                low = middle
            else:
                high = middle
        last = self._journal.records_after(low, limit=2 * _MOST)
        return last[-1].seq if last else low
