"""Place moments on the lanes of a saved picture, as the page places them.

The rules are those of ``frontend/src/gantt.ts``: time runs evenly, and a wait without
work that would squeeze all the rest is folded.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import TYPE_CHECKING, Final, final

from .words import took_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..protocol import StepRow

__all__ = ["Mark", "Segment", "TimeMap", "busy_stretches", "round_length", "time_map"]

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_STEPS: Final = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 4, 6, 12, 24)),
)
"""Round distances of marks, in milliseconds."""
_FEWEST_MARKS: Final = 5
_MOST_MARKS: Final = 7
_ROOM: Final = 1.06
_NEAR_MS: Final = 1_000.0
_SHORTEST_FOLD_MS: Final = 10_000.0
_FOLD_WHEN: Final = 2
_FOLD_WIDTH: Final = 0.12
_ALL_FOLDS_WIDTH: Final = 0.4


@final
@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time and its place: epoch milliseconds, fractions of the lane."""

    begin: float
    end: float
    left: float
    right: float
    is_folded: bool


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on the axis, at a fraction of the lane."""

    at: float
    text: str
    is_fold: bool


@final
@dataclass(frozen=True, slots=True)
class TimeMap:
    """Where moments stand."""

    segments: tuple[Segment, ...]
    """In order, without gaps, from 0 to 1."""
    step_ms: float
    """The distance of the marks."""

    def position(self, moment: float) -> float:
        """Return the fraction of the lane at which a moment stands."""
        last = self.segments[-1]
        found = next((one for one in self.segments if moment < one.end), last)
        part = (moment - found.begin) / (found.end - found.begin)
        return found.left + min(1.0, max(0.0, part)) * (found.right - found.left)

    def marks(self) -> list[Mark]:
        """Return round times since the beginning, and a name for each fold."""
        marks: list[Mark] = []
        for number, segment in enumerate(self.segments):
            if segment.is_folded:
                middle = (segment.left + segment.right) / 2
                text = took_words(segment.end - segment.begin)
                marks.append(Mark(middle, text, is_fold=True))
            else:
                marks += self._marks_in(segment, is_later=number > 0)
        return marks

    def _marks_in(self, segment: Segment, *, is_later: bool) -> list[Mark]:
        """Return the marks of a stretch; after a fold the clock starts anew."""
        length = segment.end - segment.begin
        wide = segment.right - segment.left
        edge = segment.right - (0.04 if segment.right < 1 else 0.02)
        sign = "+" if is_later else ""
        return [
            Mark(at, f"{sign}{_mark_text(number * self.step_ms, self.step_ms)}", False)  # noqa: FBT003 - is_fold
            for number in range(int(is_later), floor(length / self.step_ms + 1e-9) + 1)
            if (at := segment.left + number * self.step_ms / length * wide) <= edge
            or number == 0
        ]


def round_length(ms: float) -> tuple[float, float]:
    """Return the shortest length that holds ``ms`` in 5 to 7 marks, and their step."""
    wanted = max(ms * _ROOM, _FEWEST_MARKS)
    best = (inf, 0.0)
    for step in (*_STEPS, _round_days(wanted)):
        marks = max(_FEWEST_MARKS, ceil(wanted / step))
        if marks <= _MOST_MARKS and marks * step < best[0]:
            best = (marks * step, step)
    return best


def time_map(start: float, end: float, busy: Sequence[tuple[float, float]]) -> TimeMap:
    """Return where the moments of an execution stand.

    Parameters
    ----------
    start : float
        When it began, in epoch milliseconds.
    end : float
        When it ended, or now.
    busy : sequence of (float, float)
        When work was done: in order, apart.
    """
    last = max(start, end)
    folded = _folded_of(_idle_stretches(start, last, busy), last - start)
    hidden = sum(to - begin for begin, to in folded)
    length, step = round_length(last - start - hidden)
    fold_width = min(_FOLD_WIDTH, _ALL_FOLDS_WIDTH / max(1, len(folded)))
    per_ms = (1 - fold_width * len(folded)) / length
    segments: list[Segment] = []
    at, left = start, 0.0
    for begin, to in folded:
        right = left + (begin - at) * per_ms
        if begin > at:
            segments.append(Segment(at, begin, left, right, is_folded=False))
        left = right + fold_width
        segments.append(Segment(begin, to, right, left, is_folded=True))
        at = to
    rest = max((1 - left) / per_ms, 1e-6)
    segments.append(Segment(at, at + rest, left, 1.0, is_folded=False))
    return TimeMap(tuple(segments), step)


def busy_stretches(rows: Iterable[StepRow], now: float) -> list[tuple[float, float]]:
    """Return when work was done: the union of all spans but waits and pauses.

    A step around others only waits for them; their work counts, not its own.
    """
    listed = list(rows)
    parents = {row["parent"] for row in listed}
    spans = sorted(
        (begin, now if end is None else end)
        for row in listed
        if row["order"] not in parents
        for kind, begin, end in row["spans"]
        if kind not in {"pause", "wait"}
    )
    busy: list[tuple[float, float]] = []
    for begin, end in spans:
        if busy and begin <= busy[-1][1] + _NEAR_MS:
            busy[-1] = (busy[-1][0], max(busy[-1][1], end))
        else:
            busy.append((begin, max(begin, end)))
    return busy


def _idle_stretches(
    start: float, end: float, busy: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return what lies between the busy stretches, and after them."""
    idle: list[tuple[float, float]] = []
    at = start
    for begin, to in busy:
        if begin > at:
            idle.append((at, min(begin, end)))
        at = max(at, to)
    return [*idle, (at, end)] if end > at else idle


def _folded_of(
    idle: Sequence[tuple[float, float]], total: float
) -> list[tuple[float, float]]:
    """Return the idle stretches that would leave no room for the rest."""
    shown = total - sum(to - begin for begin, to in idle)
    kept: set[tuple[float, float]] = set()
    for begin, to in sorted(idle, key=lambda one: one[1] - one[0]):
        if to - begin > max(_SHORTEST_FOLD_MS, _FOLD_WHEN * shown):
            break
        kept.add((begin, to))
        shown += to - begin
    return [stretch for stretch in idle if stretch not in kept]


def _round_days(wanted: float) -> float:
    """Return a round number of days, for executions that take weeks and more."""
    days = max(1.0, wanted / _DAY / _MOST_MARKS)
    tens = 10 ** floor(log10(days))
    return float(_DAY * tens * ceil(days / tens))


def _mark_text(ms: float, step: float) -> str:
    """Return a time on the axis, in the unit of its marks."""
    if step < _SECOND / 2:
        return f"{ms:g}ms"
    if step < _MINUTE:
        return _two_units(ms, _MINUTE, "ms")
    if step < _HOUR:
        return _two_units(ms, _HOUR, "hm")
    return f"{ms / _HOUR:g}h" if step < _DAY else f"{ms / _DAY:g}d"


def _two_units(ms: float, unit: int, names: str) -> str:
    """Return ``40s``, ``1m``, ``1m15s``."""
    whole, rest = divmod(ms, unit)
    small = rest / (unit / 60)
    if not whole:
        return f"{small:g}{names[1]}"
    return f"{whole:g}{names[0]}" + (f"{small:g}{names[1]}" if small else "")
