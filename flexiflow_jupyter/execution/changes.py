"""Let a saved picture hear of a run as it hears of a bus: once, then armed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .facts import Run

__all__ = ["RunChanges", "RunListener"]


@final
class RunListener:
    """A listener on a run; it stays silent until it is armed again.

    Parameters
    ----------
    run : Run
        Whose events to hear of.
    callback : callable
        Called with no arguments, in whatever thread the event comes.
    """

    def __init__(self, run: Run, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._is_armed = False
        self._remove = run.listen(self._on_event)

    def arm(self) -> None:
        """Hear of the next event."""
        self._is_armed = True

    def close(self) -> None:
        """Hear of nothing any more; idempotent."""
        self._is_armed = False
        self._remove()

    def _on_event(self, _event: object) -> None:
        """Tell, once."""
        if self._is_armed:
            self._is_armed = False
            self._callback()


@final
class RunChanges:
    """What a picture asks of a history, for a run.

    Parameters
    ----------
    run : Run
        The execution.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def listen(self, callback: Callable[[], object]) -> RunListener:
        """Return a listener, not armed yet."""
        return RunListener(self._run, callback)
