"""What is done on a Dask worker: unpack a call, make it, pack what came of it.

Dask sees bytes in both directions, and never an error: it would log what it failed
with, and arguments may be secrets.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import pickle
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import distributed

from ._child import FAILED, RETURNED, keeping, pack_error, pack_value, resolve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

__all__ = ["LONGEST_S", "Outcome", "Parcel", "cancel_calls", "perform"]

_PLACE: Final = "flexiflow calls"
"""Under which name a worker keeps what is at work on it."""
_MOST_UNWANTED: Final = 10_000
"""Cancelled calls that are remembered in case that they come."""
LONGEST_S: Final = 0.1
"""Seconds after which no further call of a parcel is begun."""


@final
class Parcel:
    """Calls, or what came of them, as bytes that nobody shows.

    Parameters
    ----------
    content : bytes
        What is in it: see :func:`perform`.
    """

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __repr__(self) -> str:
        """Return the size alone: arguments may be secrets."""
        return f"<Parcel of {len(self.content)} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Parcel, (self.content,)

    def __sizeof__(self) -> int:
        """Return the bytes it holds, for Dask counts memory by this."""
        return 100 + len(self.content)

    def __dask_tokenize__(self) -> int:
        """Return what tells it from others, for Dask would go through all bytes."""
        return id(self)


Outcome: TypeAlias = "tuple[str, bytes, bytes, bytes, float]"
"""What came of a call: its id, the kind, the packed value, the packed messages that it
has sent to components (empty: none), and how long it took."""


@final
class _Spot:
    """Where a call is at work: in a thread, and in a loop if it is async."""

    __slots__ = ("_lock", "_loop", "_spots", "_task", "_thread", "id", "is_unwanted")

    def __init__(self, id: str, spots: _Spots) -> None:
        self.id = id
        self.is_unwanted = False
        self._spots = spots
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def cancel(self) -> bool:
        """Interrupt it; return whether it is async, and will end by itself."""
        with self._lock:
            self.is_unwanted = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
                return True
            if self._thread:
                _raise_in(self._thread, asyncio.CancelledError)
            return False

    def end(self) -> None:
        """Be interrupted no more, not even by what is on its way."""
        with self._lock:
            thread, self._thread = self._thread, 0
            if thread:
                _raise_in(thread, None)
        self._spots.drop(self)

    async def awaited(self, result: Awaitable[Any]) -> Any:  # Any: the user's
        """Await what a function returned; cancelled with this."""
        with self._lock:
            if self.is_unwanted:
                _raise_in(self._thread, None)
                raise asyncio.CancelledError
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
        try:
            return await result
        finally:
            with self._lock:
                self._loop = self._task = None


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise an error in a thread at its next line; None takes it back."""
    number, what = ctypes.c_ulong(thread), ctypes.py_object(error)
    if error is None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, None)
    else:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, what)


@final
class _Spots:
    """The calls at work on one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: dict[str, _Spot] = {}
        self._unwanted: dict[str, None] = {}

    @staticmethod
    def of(worker: Any) -> _Spots:  # Any: a distributed.Worker
        """Return those of a worker."""
        spots: _Spots = worker.extensions.setdefault(_PLACE, _Spots())
        return spots

    def begin(self, id: str) -> _Spot:
        """Return the spot of a call that begins."""
        spot = _Spot(id, self)
        with self._lock:
            if id in self._unwanted:
                del self._unwanted[id]
                spot.is_unwanted = True
            self._at_work[id] = spot
        return spot

    def drop(self, spot: _Spot) -> None:
        """Forget a call, if no other try of it has begun."""
        with self._lock:
            if self._at_work.get(spot.id) is spot:
                del self._at_work[spot.id]

    def cancel(self, id: str) -> str:
        """End a call; return what it is: ``async``, ``plain`` or ``waiting``."""
        with self._lock:
            spot = self._at_work.get(id)
            if spot is None:
                self._unwanted[id] = None
                while len(self._unwanted) > _MOST_UNWANTED:
                    del self._unwanted[next(iter(self._unwanted))]
                return "waiting"
        return "async" if spot.cancel() else "plain"


def perform(parcel: Parcel) -> Parcel:
    """Make calls of one function, one after the other, in a thread of a worker.

    Parameters
    ----------
    parcel : Parcel
        The packed function, and a list of ids and packed arguments; pickled.

    Returns
    -------
    Parcel
        A list of outcomes, pickled. Calls that would begin late are left out, so that
        what is done already does not wait for them.
    """
    function, calls = pickle.loads(parcel.content)  # noqa: S301 - who started it
    worker = distributed.get_worker()
    spots = _Spots.of(worker)
    began = time.perf_counter()
    outcomes: list[Outcome] = []
    for key, arguments in calls:
        start = time.perf_counter()
        if outcomes and start - began > LONGEST_S:
            break
        with keeping() as kept:
            kind, content = _performed(
                spots.begin(key), function, arguments, worker.name
            )
        sent = pack_value(kept) if kept and kind == RETURNED else b""
        outcomes.append((key, kind, content, sent, time.perf_counter() - start))
    return Parcel(pickle.dumps(outcomes))


def _performed(
    spot: _Spot, function: bytes, arguments: bytes, where: str
) -> tuple[bytes, bytes]:
    """Make a call; return what came of it, packed."""
    try:
        try:
            return RETURNED, pack_value(_made(spot, function, arguments))
        finally:
            spot.end()
    except BaseException as error:  # noqa: BLE001 - the caller gets whatever it is
        spot.end()
        return FAILED, pack_error(error, f"the Dask worker {where}", file=__file__)


def _made(spot: _Spot, packed: bytes, packed_arguments: bytes) -> Any:
    """Unpack a call and make it. Any: what the function returns."""
    if spot.is_unwanted:
        raise asyncio.CancelledError
    function = pickle.loads(packed)  # noqa: S301 - from whoever started it
    if isinstance(function, tuple):
        function = resolve(*function)
    args, kwargs = pickle.loads(packed_arguments)  # noqa: S301 - as above
    result = function(*args, **kwargs)
    if not inspect.isawaitable(result):
        return result
    with asyncio.Runner() as runner:
        return runner.run(spot.awaited(result))


def cancel_calls(ids: Iterable[str], dask_worker: Any = None) -> dict[str, str]:
    """End calls on a worker, in its loop; return what each of them is.

    Parameters
    ----------
    ids : iterable of str
        The calls.
    dask_worker : distributed.Worker
        Given by ``Client.run``; Any, for Dask has no types.
    """
    spots = _Spots.of(dask_worker)
    return {key: spots.cancel(key) for key in ids}
