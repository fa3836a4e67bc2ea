"""The live views: importing this loads anywidget, so it is done with the first view."""

from __future__ import annotations

from .component_view import ComponentView, View
from .context_view import ContextView
from .engine_view import EngineView
from .event_stream import EventStream
from .execution_view import ExecutionView
from .exercise_card import ExerciseCard
from .live_view import LiveView
from .message_bar import MessageBar
from .panel import Panel
from .state_graph import StateGraph
from .timeline import Timeline

__all__ = [
    "ComponentView",
    "ContextView",
    "EngineView",
    "EventStream",
    "ExecutionView",
    "ExerciseCard",
    "LiveView",
    "MessageBar",
    "Panel",
    "StateGraph",
    "Timeline",
    "View",
]
