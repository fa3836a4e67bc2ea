"""One table of measures, each beside its goal."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Measure", "Table", "at_least", "at_most", "p95"]


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured, and what it should be."""

    what: str
    """The row's name."""
    value: str
    """The figure with its unit."""
    goal: str
    """The goal with its unit; empty when the figure is only told."""
    is_met: bool
    """Whether the goal is reached."""


def at_most(what: str, value: float, goal: float, unit: str) -> Measure:
    """Make the row of a figure that should be small."""
    shown = _shown(value)
    return Measure(what, f"{shown} {unit}", f"< {goal:,g} {unit}", value < goal)


def at_least(what: str, value: float, goal: float, unit: str) -> Measure:
    """Make the row of a figure that should be large."""
    shown = _shown(value)
    return Measure(what, f"{shown} {unit}", f">= {goal:,g} {unit}", value >= goal)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not pass."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _shown(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Table:
    """A table in Markdown, printed row by row, so that a long run can be watched."""

    def __init__(self, title: str) -> None:
        self.missed = 0
        """How many goals were not reached."""
        print(f"\n{title}\n")
        self._row("what", "measured", "goal", "")
        self._row("---", "--:", "--:", "---")

    def add(self, measures: Iterable[Measure]) -> None:
        """Print some rows."""
        for item in measures:
            self.missed += not item.is_met
            mark = "" if not item.goal else "met" if item.is_met else "missed"
            self._row(item.what, item.value, item.goal, mark)

    def _row(self, *cells: str) -> None:
        print("| " + " | ".join(cells) + " |", flush=True)
