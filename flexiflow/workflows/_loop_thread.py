"""Run an event loop in a thread of its own, for those who block their own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from typing import TYPE_CHECKING, Any, Final, final

from .._home import BLOCKED

if TYPE_CHECKING:
    import concurrent.futures
    import contextvars
    from collections.abc import Callable, Coroutine, Iterator

__all__ = ["LoopThread", "block_running_loop", "interruptible"]

_log: Final = logging.getLogger("flexiflow.workflows")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise ``KeyboardInterrupt`` here, whatever it does to a running loop.

    ``asyncio.run`` and ipykernel have it cancel a task, which a loop that stands still
    does not get round to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before in {signal.default_int_handler, signal.SIG_IGN, None}:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def block_running_loop() -> None:
    """Note in the present context that the loop of this thread will be blocked."""
    with contextlib.suppress(RuntimeError):
        BLOCKED.set(BLOCKED.get() | {asyncio.get_running_loop()})


@final
class LoopThread:
    """A daemon thread with an event loop; made when it is first used.

    Parameters
    ----------
    name : str
        What debuggers call the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; the thread is started if need be."""
        with self._lock:
            thread, loop = self._thread, self._loop
            if loop is None or thread is None or not thread.is_alive():
                loop = self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(loop,), name=self._name, daemon=True
                )
                self._thread.start()
            return loop

    def is_current(self) -> bool:
        """Whether the calling code runs in the thread."""
        return threading.current_thread() is self._thread

    # Any: whatever the coroutine returns.
    def submit(
        self,
        function: Callable[..., Coroutine[Any, Any, Any]],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> concurrent.futures.Future[Any]:
        """Await a coroutine function there; may be called from any other thread."""
        loop = self.loop
        if context is None:
            return asyncio.run_coroutine_threadsafe(function(*args), loop)
        return context.run(asyncio.run_coroutine_threadsafe, function(*args), loop)

    def close(self) -> None:
        """End what still runs there, and the thread."""
        with self._lock:
            thread, loop = self._thread, self._loop
            self._thread = self._loop = None
        if thread is None or loop is None or not thread.is_alive():
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join()


def _run_to_its_stop(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop; what breaks out of it is the error of one task, not its end."""
    while True:
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            _log.exception("A task of the workflows' thread wished to leave")
        else:
            return


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, then cancel what is left."""
    asyncio.set_event_loop(loop)
    try:
        _run_to_its_stop(loop)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
