"""Keep the saved picture of a view true, at most once a second."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Final, Protocol, final

from IPython.display import display, update_display

from flexiflow.errors import ConfigError, nearest

from ..loop import LoopHop
from ..rhythm import Rhythm

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable

__all__ = ["Changes", "Listener", "Twin", "is_static"]

_VARIABLE: Final = "FLEXIFLOW_DISPLAY"
_MODES: Final = ("live", "static")
_INTERVAL_S: Final = 1.0
"""Seconds between two updates: each is one message, and one change of the file."""


def is_static() -> bool:
    """Tell whether views show their saved picture only: ``FLEXIFLOW_DISPLAY=static``.

    Raises
    ------
    flexiflow.errors.ConfigError
        If the variable says neither ``live`` nor ``static``.
    """
    mode = os.environ.get(_VARIABLE, "").strip().lower()
    if mode in {"", *_MODES}:
        return mode == "static"
    near = nearest(mode, _MODES)
    raise ConfigError(
        f"{_VARIABLE} is {mode!r}, which is no way to show views.",
        why=f"The ways are {' and '.join(_MODES)}.",
        fix=f"Set it to {near[0] if near else 'static'}, or leave it out.",
        context={"variable": _VARIABLE},
    )


class Listener(Protocol):
    """Hears of one change, then stays silent until it is armed again."""

    def arm(self) -> object:
        """Hear of the next change."""

    def close(self) -> object:
        """Hear of nothing any more; idempotent."""


class Changes(Protocol):
    """What a picture is of: it tells when it changes, as a history of events does."""

    def listen(self, callback: Callable[[], object], /) -> Listener:
        """Return a listener, not armed yet."""


@final
class Twin:
    """The second output of a view: a picture that stays when the kernel has gone.

    Parameters
    ----------
    changes : Changes
        What tells that the picture may be another one: the history of a bus, a run.
    draw : callable
        Returns the MIME bundle of the present look, for a name; called on the loop.
    running : callable
        Returns the context of the cell that runs now, or None: updates are messages of
        that cell, else of the one that made the output.

    Notes
    -----
    ``name`` is what the picture is called on the page: the live view hides that one.
    It owns its listener and one timer; :meth:`close` ends them. The output keeps the
    last picture.
    """

    def __init__(
        self,
        changes: Changes,
        draw: Callable[[str], dict[str, str]],
        *,
        running: Callable[[], contextvars.Context | None],
    ) -> None:
        self.name = uuid.uuid4().hex
        self._running = running
        self._draw = draw
        self._hop = LoopHop()
        self._rhythm = Rhythm(self._hop, self._update, interval_s=_INTERVAL_S)
        self._listener = changes.listen(self._rhythm.request)
        self._shown: dict[str, str] = {}

    def show(self) -> None:
        """Make the output, under the cell that runs now."""
        self._shown = self._draw(self.name)
        self._rhythm.note()
        display(self._shown, raw=True, display_id=self.name)
        self._listener.arm()

    def refresh(self) -> None:
        """Bring the picture up to date at once, if there is anything new."""
        self._rhythm.work_now()

    def request(self) -> None:
        """Have the picture drawn again soon, as if something had happened."""
        self._rhythm.request()

    def move_here(self) -> None:
        """Belong to the present run of its cell."""
        self._hop.move_here()

    def close(self) -> None:
        """Let the picture be as it is; idempotent."""
        self._rhythm.close()
        self._listener.close()

    def _update(self) -> None:
        """Draw, and change the output when the picture is another one."""
        bundle = self._draw(self.name)
        if bundle != self._shown:
            self._shown = bundle
            self._publish(bundle)
        self._listener.arm()

    def _publish(self, bundle: dict[str, str]) -> None:
        """Change the output, as a message of the running cell where one runs."""
        context = self._running()
        if context is None:
            update_display(bundle, raw=True, display_id=self.name)
        else:
            context.copy().run(update_display, bundle, raw=True, display_id=self.name)
