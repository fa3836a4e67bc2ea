"""Test what is built on FlexiFlow: a clock, a bus, and machines made from charts.

``ManualClock`` is the clock that is moved by hand, ``RecordingBus`` a bus that keeps
what was published, ``chart_state_machine`` a Hypothesis state machine of a chart.
Scenarios of charts are tests of their own: ``pytest order.yaml``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..clock import ManualClock
    from ._chart_state_machine import chart_state_machine, check_chart
    from ._path_drawing import draw_path
    from .recording_bus import RecordingBus

__all__ = [
    "ManualClock",
    "RecordingBus",
    "chart_state_machine",
    "check_chart",
    "draw_path",
]

_HOMES: Final = {
    "ManualClock": "flexiflow.clock",
    "RecordingBus": "flexiflow.testing.recording_bus",
    "chart_state_machine": "flexiflow.testing._chart_state_machine",
    "check_chart": "flexiflow.testing._chart_state_machine",
    "draw_path": "flexiflow.testing._path_drawing",
}
"""Where each name lives: pytest loads this package to find its plugin."""


def __getattr__(name: str) -> object:
    """Load a public name from its module and keep it here (PEP 562)."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, beside what the module holds."""
    return sorted({*globals(), *__all__})
