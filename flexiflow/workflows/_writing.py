"""Write what an execution does to the journal, many small notes with one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from .journal.protocol import Record

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ._lane import Lane
    from ._live import Live
    from .journal.protocol import Journal, NewExecution

__all__ = ["Writing"]

_new: Final = tuple.__new__
"""Makes a record in half the time that its own constructor takes."""


@final
class _Ack:
    """Waits for the journal to have some records."""

    __slots__ = ("_records", "_waiter", "_writing")

    def __init__(
        self,
        writing: Writing,
        records: list[Record],
        waiter: asyncio.Future[None] | None,
    ) -> None:
        self._writing = writing
        self._records = records
        self._waiter = waiter

    def __call__(self, error: BaseException | None, seqs: range) -> None:
        """Hear of it; called in the writer's thread."""
        self._writing.lane.put(self, error, seqs)

    def land(self, error: BaseException | None, seqs: range) -> None:
        """Hear of it; called in the loop."""
        waiter = self._waiter
        if error is None:
            self._writing.live.take_all(self._records, seqs)
            if waiter is not None:
                self._writing.hand_out(waiter)
            return
        self._writing.lost(error)
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
            waiter.exception()  # the body may have been cancelled since


@final
class Writing:
    """The records of one execution on their way to the journal, in order.

    Parameters
    ----------
    journal : Journal
        Where they go.
    live : Live
        The execution, told of each record that was committed.
    lane : Lane
        The way back to the loop.
    time : callable
        Seconds since the epoch.
    lost : callable
        Called with the error when the journal has not taken something.
    """

    __slots__ = (
        "_id",
        "_is_due",
        "_journal",
        "_notes",
        "_time",
        "hand_out",
        "lane",
        "live",
        "lost",
    )

    def __init__(
        self,
        journal: Journal,
        live: Live,
        lane: Lane,
        *,
        time: Callable[[], float],
        lost: Callable[[BaseException], object],
    ) -> None:
        self._journal = journal
        self._id = live.id
        self._time = time
        self._notes: list[Record] = []
        self._is_due = False
        self.live = live
        self.lane = lane
        self.lost = lost
        self.hand_out: Callable[[asyncio.Future[None]], object] = _wake
        """Gives what waited for the journal its end."""

    def record(
        self,
        kind: str,
        key: str = "",
        name: str = "",
        *,
        value: str | None = None,
        digest: str = "",
        state: str = "",
    ) -> Record:
        """Return a record of what happens now."""
        return _new(
            Record,
            (self._id, kind, key, name, "", value, digest, self._time(), state, 0, 0),
        )

    def note(self, record: Record) -> None:
        """Write a record soon; nobody waits for it."""
        self._notes.append(record)
        if not self._is_due:
            self._is_due = True
            self.lane.soon(self._flush)

    def _flush(self) -> None:
        self._is_due = False
        if self._notes:
            self._append([], None, urgent=False)

    def push(self, *records: Record) -> None:
        """Write records at once, with those noted before; nobody waits for them."""
        if records or self._notes:
            self._append(records, None, urgent=True)

    def commit(self, *records: Record) -> asyncio.Future[None]:
        """Write records, and return a future that is done when they are stored.

        Without any, those that nobody waits for are written at once.
        """
        waiter = self.lane.loop.create_future()
        if records or self._notes:
            self._append(records, waiter, urgent=True)
        else:
            waiter.set_result(None)
        return waiter

    def create(self, execution: NewExecution, *records: Record) -> asyncio.Future[None]:
        """Create the execution; the future is done when it is stored."""
        waiter = self.lane.loop.create_future()
        listed = list(records)
        ack = _Ack(self, listed, waiter)
        self._journal.create(execution, listed, on_done=ack)
        return waiter

    def _append(
        self,
        records: tuple[Record, ...] | list[Record],
        waiter: asyncio.Future[None] | None,
        *,
        urgent: bool,
    ) -> None:
        notes = self._notes
        if notes:
            notes.extend(records)
            self._notes = []
        else:
            notes = list(records)
        ack = _Ack(self, notes, waiter)
        try:
            self._journal.append(
                notes,
                epoch=self.live.epoch,
                on_done=ack,
                urgent=urgent,
                may_block=waiter is not None and self.lane.is_alone,
            )
        except Exception as error:  # noqa: BLE001 - a closed journal: told like any loss
            ack.land(error, range(0))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
