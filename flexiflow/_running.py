"""Remember what runs beside a machine's messages, so that it can be found again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, final

from .errors import PersistenceError, one_line
from .statechart.ports import PROVIDED, StartService, StartTimer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .statechart.ports import Clockwork, Effect
    from .statechart.snapshot import Event, StepResult

__all__ = ["Held", "Running", "is_provided", "owed_services"]

# Any in this module: JSON data that are saved.


class Held(NamedTuple):
    """What waited beside a machine's messages at an instant; cheap to take."""

    now: float
    """The instant, as the component's clock tells it."""
    timers: tuple[tuple[str, float, str | None], ...]
    """The name of each, when it is due, and its story."""
    sends: tuple[Any, ...]
    """Delayed messages: the effect, when it is due, and its story."""
    over: frozenset[tuple[str, int, str]]
    """What had come, by state, entry and name."""
    entries: Mapping[str, int]
    """Which entry each active state with timers or a service was in."""

    def names_over(self) -> list[str]:
        """Return the names of what had come in the active states."""
        return _names_over(self.over, self.entries)


@final
class Running:
    """What a machine with timers or services remembers; most machines have none."""

    __slots__ = ("clockwork", "count", "entries", "output", "over", "session")

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
        self.over: frozenset[tuple[str, int, str]] = frozenset()
        """What has come, by state, entry and name: it does not begin again."""

    def keep(self, result: StepResult) -> None:
        """Remember which timers and services run, and what the end gave."""
        self.entries = result.snapshot.entries
        self.count = result.snapshot.count
        self.output = result.output

    def note(self, event: Event) -> None:
        """Remember that a timer or service has come, while its state is active."""
        entry = event.entry
        if entry is not None and self.entries.get(event.state) == entry:
            name = event.name
            if not name.startswith("after."):
                name = f"run.{event.state}"
            self.over = frozenset(
                one for one in self.over if self.entries.get(one[0]) == one[1]
            ) | {(event.state, entry, name)}

    def names_over(self) -> list[str]:
        """Return the names of what has come in the active states, as JSON data."""
        return _names_over(self.over, self.entries)

    def held(self) -> Held:
        """Return what waits now."""
        clockwork = self.clockwork
        waiting = (0.0, (), ()) if clockwork is None else clockwork.held()
        return Held(*waiting, self.over, self.entries)

    def without_over(
        self, effects: Iterable[Effect], names: object
    ) -> tuple[Effect, ...]:
        """Return what begins again: all but what had come when the data were taken.

        Parameters
        ----------
        effects : iterable of Effect
            What the active states begin.
        names : object
            What :meth:`names_over` gave; what is no list of names is none.
        """
        known = frozenset(names if isinstance(names, list | tuple) else ())
        kept: list[Effect] = []
        for one in effects:
            name = _name_of(one)
            if name in known and isinstance(one, StartTimer | StartService):
                self.over |= {(one.state, one.entry, name)}
            else:
                kept.append(one)
        return tuple(kept)

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
        self.session, count = saved
        self.count = max(self.count, count)  # what is on its way stays stale


def _names_over(
    over: Iterable[tuple[str, int, str]], present: Mapping[str, int]
) -> list[str]:
    """Return the names of what has come in the states that are active."""
    return sorted(name for state, entry, name in over if present.get(state) == entry)


def _name_of(effect: Effect) -> str:
    """Return what a timer or service is noted by when it has come."""
    if isinstance(effect, StartTimer):
        return effect.name
    return f"run.{effect.state}" if isinstance(effect, StartService) else ""


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
