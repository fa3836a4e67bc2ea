"""The events of a bus, or those of one component."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from flexiflow.engine import FlexiFlowEngine

from ..describe import describe_events
from .component_view import View, bus_of

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent

    from ..protocol import ViewKind

__all__ = ["EventStream"]


class EventStream(View):
    """Show what happens on a bus, as it happens.

    Parameters
    ----------
    source : FlexiFlowEngine or AsyncComponent
        An engine: all events of its bus. A component: those whose payload names it and
        those its chart emits.
    """

    _kind: ClassVar[ViewKind] = "events"

    def __init__(self, source: FlexiFlowEngine | AsyncComponent) -> None:
        if isinstance(source, FlexiFlowEngine):
            super().__init__(source.event_bus)
        else:
            super().__init__(bus_of(source), source)

    def text(self) -> str:
        """Return the latest events, one a line."""
        return describe_events(self._feed.latest())
