"""Exercises that check themselves: a task, hidden scenarios, and hints in plain words.

``exercise("coffee-refund")`` shows an exercise of the course. A teacher writes one in a
cell: title, text, the machine's name and its scenarios, sealed so that nobody reads
them by accident.
"""

from __future__ import annotations

from .assignment import Exercise, exercise
from .findings import Finding, Outcome
from .sheets import ExerciseError, seal_scenarios

__all__ = [
    "Exercise",
    "ExerciseError",
    "Finding",
    "Outcome",
    "exercise",
    "seal_scenarios",
]
