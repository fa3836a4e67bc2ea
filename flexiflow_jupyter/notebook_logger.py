"""Print what charts log under the cell, and keep the engine's own lines out of it."""

from __future__ import annotations

import logging
from typing import Any, Final, final

from flexiflow.logger import get_logger

__all__ = ["NotebookLogger"]

_CHART_LINE: Final = "%s: %s"
"""How a component writes a line of its chart's ``log`` action: its name, the text."""


@final
class NotebookLogger(logging.Logger):
    """The logger of a notebook's engine.

    Notes
    -----
    A line for each transition would bury a notebook's outputs, and cost each message
    more than the transition itself; the panel shows them. Warnings and errors go where
    those of ``get_logger("flexiflow")`` go.
    """

    def __init__(self, name: str = "flexiflow.notebook") -> None:
        super().__init__(name, logging.WARNING)
        self.parent = get_logger("flexiflow")

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Print a chart's own line; other lines as any logger would."""
        if msg == _CHART_LINE and args:
            print(_CHART_LINE % args)  # noqa: T201 - that is what it is for
        if self.level <= logging.INFO:
            super().info(msg, *args, **kwargs)
