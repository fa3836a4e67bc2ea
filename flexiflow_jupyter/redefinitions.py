"""Remember what the cell that runs has redefined, for the views that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent
    from flexiflow.statechart import Chart, Redefinition

__all__ = ["Redefined", "Redefinitions"]


class Redefined(NamedTuple):
    """A machine that runs another chart now."""

    before: Chart
    """What it ran."""
    outcome: Redefinition
    """What became of its state."""
    cell: str
    """The cell that did it, by the number of its run."""


@final
class Redefinitions:
    """The last redefinition of each component."""

    def __init__(self) -> None:
        self._last: WeakKeyDictionary[AsyncComponent, Redefined] = WeakKeyDictionary()

    def note(
        self,
        component: AsyncComponent,
        before: Chart | None,
        outcome: Redefinition,
        cell: str,
    ) -> None:
        """Remember one; a machine that ran no chart before has nothing to compare."""
        if before is None:
            self._last.pop(component, None)
        else:
            self._last[component] = Redefined(before, outcome, cell)

    def made_by(self, component: AsyncComponent, cell: str) -> Redefined | None:
        """Return what a run of a cell has redefined, or None."""
        found = self._last.get(component)
        return found if found is not None and found.cell == cell else None
