"""Choose the workers that can take an execution now, or say why none can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from ._fit import SLOTS, lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .dispatch import WorkerInfo

__all__ = ["TAKEN", "Order", "Place", "choose"]

_CHOICE: Final = 20
"""How many workers an execution may be given to; Dask chooses among them."""
TAKEN: Final = "All places"
"""How the reason begins that ends by itself."""


@final
@dataclass(slots=True)
class Order:
    """An execution that is to be handed out."""

    execution_id: str
    workflow: str
    version: int | None
    needs: dict[str, float]
    packages: tuple[str, ...]
    rank: int = 2
    """Smaller comes first: 0 what had begun and lost its process, 1 what was answered,
    2 what is new."""
    reason: str = "It has just come."
    not_before: float = 0.0

    @property
    def kind(self) -> tuple[object, ...]:
        """What decides where it fits."""
        return (*sorted(self.needs.items()), *self.packages)


@final
@dataclass(slots=True)
class Place:
    """A worker that can be given something."""

    info: WorkerInfo
    address: str
    free: dict[str, float]

    def take(self, needs: Mapping[str, float]) -> None:
        """Count something as given to it."""
        for name, amount in needs.items():
            self.free[name] -= amount

    def has(self, needs: Mapping[str, float]) -> bool:
        """Return whether what is asked for is free."""
        return all(self.free[name] >= amount for name, amount in needs.items())


def choose(places: list[Place], order: Order) -> tuple[list[Place], str]:
    """Return the workers that can take an execution now, or none and why."""
    if not places:
        return [], (
            "No worker is there. Start one: flexiflow start worker --server-url URL"
        )
    fitting = []
    lack: list[str] = []
    for place in places:
        missing = lacking(place.info, order.needs, order.packages)
        if not missing:
            fitting.append(place)
        else:
            lack.append(f"{place.info.name} has {', '.join(missing)}")
    if not fitting:
        return [], f"No worker fits: {'; '.join(lack[:3])}."
    free = [place for place in fitting if place.has(order.needs)]
    if not free:
        return [], f"{TAKEN} of the {len(fitting)} workers that fit are taken."
    free.sort(key=lambda place: -place.free[SLOTS])
    return free[:_CHOICE], ""
