"""Remember what runs beside a machine's messages, so that it can be found again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, final

from .errors import PersistenceError, one_line
from .statechart.ports import PROVIDED, StartService

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .statechart.ports import Clockwork, Effect

__all__ = ["Running", "is_provided", "owed_services"]

# Any in this module: JSON data that are saved.


@final
class Running:
    """What a machine with timers or services remembers; most machines have none."""

    __slots__ = ("clockwork", "count", "entries", "output", "session")

    def __init__(self) -> None:
        self.entries: Mapping[str, int] = {}
        """Which entry each active state with timers or a service is in, by path."""
        self.count = 0
        """Entries of such states so far."""
        self.clockwork: Clockwork | None = None
        """Who runs timers and services, once there are some."""
        self.session = ""
        """What tells this machine's runs from those of all others; kept when saved."""
        self.output: Any = None
        """What the machine gave at its end."""

    def begin_session(self) -> str:
        """Return the session, drawn when it is first needed."""
        if not self.session:
            self.session = os.urandom(6).hex()
        return self.session

    def key(self, chart: str, start: StartService) -> str:
        """Return the key of a run: unique, and the same after a restart."""
        return start.key or (
            f"{chart}/{start.state}/{self.begin_session()}-{start.entry}"
        )

    def restore(self, saved: object) -> None:
        """Go on counting where ``data`` was taken.

        Raises
        ------
        PersistenceError
            If that is no session.
        """
        if not isinstance(saved, list | tuple) or [*map(type, saved)] != [str, int]:
            raise PersistenceError(
                "The machine's session cannot be read.",
                why=f"It is {one_line(saved)}, not a name and a number.",
                fix="Restore data that were saved by data().",
            )
        self.session, self.count = saved


def is_provided(effect: Effect) -> bool:
    """Return whether an effect begins what is found again by its key."""
    return isinstance(effect, StartService) and effect.service.kind in PROVIDED


def owed_services(
    owed: Iterable[Effect], running: Running, chart: str
) -> dict[str, dict[str, Any]]:
    """Return the services that a machine has to begin yet, by state, as JSON data."""
    return {
        one.state: {
            "key": running.key(chart, one),
            **({} if one.saved is None else {"child": one.saved}),
        }
        for one in owed
        if isinstance(one, StartService) and is_provided(one)
    }
