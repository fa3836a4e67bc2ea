"""Remember which workers have registered, and what they have."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["Member", "Roster"]


@final
@dataclass(frozen=True, slots=True)
class Member:
    """What a worker has said of itself."""

    name: str
    """Its name, also among Dask's workers."""
    instance: str
    """Drawn by its process; another one for each."""
    python: str
    """The version of its Python."""
    platform: str
    """Its operating system and machine."""
    cpu: float
    """Its cores."""
    memory: int
    """Its memory in bytes."""
    gpu: int
    """Its GPUs."""
    slots: int
    """How many executions it takes at once."""
    packages: dict[str, str]
    """The installed distributions by name, with their versions."""
    registered: datetime
    """When it came, aware UTC."""


@final
class Roster:
    """The workers by name; may be used from any thread."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], object]] = []

    def add(self, member: Member) -> None:
        """Take a worker, in the place of the one of that name."""
        with self._lock:
            self._members[member.name] = member
        for listener in tuple(self._listeners):
            listener()

    def get(self, name: str) -> Member | None:
        """Return the worker of a name, or None."""
        return self._members.get(name)

    def remove(self, name: str, instance: str) -> None:
        """Forget a worker that says goodbye, unless another one has its name."""
        with self._lock:
            member = self._members.get(name)
            if member is not None and member.instance == instance:
                del self._members[name]

    def all(self) -> list[Member]:
        """Return all, by name."""
        with self._lock:
            return [self._members[name] for name in sorted(self._members)]

    def listen(self, listener: Callable[[], object]) -> None:
        """Call a function when a worker has come."""
        self._listeners.append(listener)
