"""Hear of executions that other processes want to end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final, final

from .errors import JournalError
from .journal.protocol import ListeningJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._drive import Drive
    from .journal.protocol import Journal

__all__ = ["Requests"]

_POLL_S: Final = 0.1
"""Seconds between two looks into a journal that tells nothing."""

_CHECK_S: Final = 2.0
"""Seconds between two looks into one that tells of what is written."""


@final
class Requests:
    """Looks into the journal for the loops in which bodies run.

    Parameters
    ----------
    journal : callable
        Returns the journal.
    drives_of : callable
        Returns what runs in a loop at the moment.
    failed : callable
        Told that something failed, in the handler of the error.

    Notes
    -----
    A file is looked into ten times a second, in the loop, which takes some 0.1 ms. A
    database that tells of what is written is looked into when it tells of a request,
    and every two seconds to be sure; in a thread, since it may be far away.
    """

    def __init__(
        self,
        journal: Callable[[], Journal],
        drives_of: Callable[[asyncio.AbstractEventLoop], list[Drive]],
        failed: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._drives_of = drives_of
        self._failed = failed
        self._lock = threading.Lock()
        self._loops: set[asyncio.AbstractEventLoop] = set()
        self._asking: set[asyncio.AbstractEventLoop] = set()
        self._stop: Callable[[], None] | None = None
        self._is_closed = False

    def mind(self) -> None:
        """Look into the journal for the running loop, as long as bodies run there."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop in self._loops:
                return
            self._loops.add(loop)
        journal = self._journal()
        if isinstance(journal, ListeningJournal):
            with self._lock:
                if self._stop is None:
                    self._stop = journal.listen(self._on_news)
            loop.call_later(_CHECK_S, self._ask_soon, loop, True)  # noqa: FBT003
        else:
            loop.call_later(_POLL_S, self._look, loop)

    def close(self) -> None:
        """Look no more."""
        with self._lock:
            self._is_closed = True
            stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def _is_over(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether nothing runs in a loop; it is forgotten then."""
        if self._drives_of(loop) and not self._is_closed:
            return False
        with self._lock:
            self._loops.discard(loop)
        return True

    def _end(self, loop: asyncio.AbstractEventLoop, asked: set[str]) -> None:
        """End those of a loop that others want to end."""
        for drive in self._drives_of(loop):
            if drive.live.id in asked and not drive.is_cancelling:
                drive.cancel()

    def _find(self) -> set[str]:
        """Return the executions that somebody wants to end."""
        try:
            return {row.id for row in self._journal().executions(states=["CANCELLING"])}
        except JournalError:
            if not self._is_closed:
                self._failed("The journal cannot be asked for requests")
            return set()

    # --- a journal that tells nothing -------------------------------------------------

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_over(loop):
            return
        self._end(loop, self._find())
        loop.call_later(_POLL_S, self._look, loop)

    # --- one that tells ---------------------------------------------------------------

    def _on_news(self, states: frozenset[str] | None) -> None:
        """Hear that something was written, in a thread of the journal."""
        if states is not None and "CANCELLING" not in states:
            return
        with self._lock:
            loops = tuple(self._loops)
        for loop in loops:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._ask_soon, loop, False)  # noqa: FBT003

    def _ask_soon(self, loop: asyncio.AbstractEventLoop, goes_on: bool) -> None:  # noqa: FBT001 - called by the loop
        """Ask in a thread; once more later, if it goes on."""
        if self._is_over(loop):
            return
        if goes_on:
            loop.call_later(_CHECK_S, self._ask_soon, loop, True)  # noqa: FBT003
            if loop in self._asking:
                return
        self._asking.add(loop)
        threading.Thread(
            target=self._ask, args=(loop,), name="flexiflow-requests", daemon=True
        ).start()

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask, in a thread, and go back to the loop."""
        asked = self._find()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._answered, loop, asked)

    def _answered(self, loop: asyncio.AbstractEventLoop, asked: set[str]) -> None:
        self._asking.discard(loop)
        self._end(loop, asked)
