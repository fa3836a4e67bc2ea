"""Read from a component what its views show: picture, states, messages, context."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import EngineClosedError
from flexiflow.events import (
    COMPONENT_REGISTERED,
    MESSAGE_HANDLED,
    MESSAGE_RECEIVED,
    STATE_CHANGED,
)
from flexiflow.statechart import chart_fields
from flexiflow.visualize import flow_graph, visualize

from ..coverage_layer import ways_to_the_rest
from ..event_rows import short_json
from ..protocol import (
    ContextEntry,
    Field,
    LastEdge,
    MessageInfo,
    QueueInfo,
)
from ..running_layer import RunningLayer
from ..timeline import page_field, parents_of
from .changes import changes_between
from .picture import Picture, draw
from .verdicts import Verdicts

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent
    from flexiflow.events import Event
    from flexiflow.graph import FlowGraph
    from flexiflow.statechart import Chart, Redefinition
    from flexiflow.steps import Step

    from ..coverage_layer import CoverageLayer

__all__ = ["ComponentFacts"]

_LONGEST_VALUE: Final = 200
_NEWS_S: Final = 60.0
"""Seconds for which a new definition is news."""

_MOST_KEYS: Final = 100
"""Context keys that a page gets; the rest is counted."""


@final
class ComponentFacts:
    """What a view's traits say of a component.

    Parameters
    ----------
    component : AsyncComponent
        Whom to read; never changed here.
    coverage : CoverageLayer, optional
        What counts its visits.
    """

    def __init__(
        self, component: AsyncComponent, coverage: CoverageLayer | None = None
    ) -> None:
        self._component = component
        self._coverage = coverage
        self._is_covered = False
        self._chart: Chart | None = None
        self._before: Chart | None = None
        self._outcome: Redefinition | None = None
        self._definitions = 0
        self._changes_end: float | None = None
        self._running = RunningLayer(component)
        self._flow: FlowGraph | None = None
        self._picture: Picture | None = None
        self._steps = 0
        self._since: float | None = None
        self._busy_since: float | None = None
        self._message = ""
        self._moved = ("", "")
        self._context: dict[str, str] = {}
        self._previous: dict[str, str | None] = {}

    def structure(self) -> dict[str, Any]:
        """Return the traits of the picture when it changed, else nothing.

        Any because traits are JSON of several shapes.
        """
        chart = self._component.chart
        if chart is not None and chart is self._chart:
            return {}
        flow = flow_graph(self._component)
        changes = self._changed(chart)
        self._chart = chart
        if flow == self._flow:
            return changes
        self._flow, self._picture = flow, draw(flow)
        return {"dot": self._picture.dot, "graph": self._picture.graph, **changes}

    def expect(self, old: Chart, outcome: Redefinition) -> None:
        """Take a chart for the one that was run before, and what became of it.

        Parameters
        ----------
        old : Chart
            The chart before the last definition.
        outcome : Redefinition
            What became of the running state.
        """
        self._before, self._outcome = old, outcome

    def _changed(self, chart: Chart | None) -> dict[str, Any]:
        """Return the trait that shows what a new definition has changed, if one has."""
        before = self._before or self._chart
        outcome, self._outcome, self._before = self._outcome, None, None
        if before is None or chart is None:
            return {}
        self._definitions += 1
        text = f"{chart.name} is in {self._component.state}."
        changes = changes_between(
            before,
            chart,
            number=self._definitions,
            text=text if outcome is None else outcome.text,
            kept=outcome is None or outcome.kept,
        )
        self._changes_end = None if changes is None else time.monotonic() + _NEWS_S
        return {"changes": changes or {}}

    def _old_news(self) -> dict[str, Any]:
        """Take changes away that a page has shown long ago: it may be loaded again."""
        if self._changes_end is None or time.monotonic() < self._changes_end:
            return {}
        self._changes_end = None
        return {"changes": {}}

    def note(self, events: list[Event]) -> None:
        """Follow the component through events that have come, oldest first.

        Cost: a few ns for each event; only the last of each kind is looked into.
        """
        steps, changed, received = self._steps, None, None
        for event in events:
            name = event.name
            if type(event.data) is not dict:
                continue
            if name == MESSAGE_HANDLED:
                if event.data.get("status") == "handled":
                    steps += 1
            elif name == MESSAGE_RECEIVED:
                received = event
            elif name == STATE_CHANGED:
                changed = event
            elif name == COMPONENT_REGISTERED:
                steps, self._since = 0, event.timestamp * 1000
        self._steps = steps
        if changed is not None:
            self._since = changed.timestamp * 1000
            data = changed.data
            self._moved = str(data.get("from_state")), str(data.get("to_state"))
        if received is not None:
            self._busy_since = received.timestamp * 1000
            message = received.data.get("message")
            is_message = isinstance(message, Mapping)
            self._message = str(message.get("type")) if is_message else ""

    # --- coverage ---------------------------------------------------------------------

    def count(self) -> None:
        """Count the steps that were made since the last time."""
        if self._coverage is not None:
            self._coverage.take()

    def want_coverage(self) -> None:
        """Tell the coverage from now on; until then nobody looks at it."""
        self._is_covered = True

    def _coverage_trait(self) -> dict[str, Any]:
        """Return the trait ``coverage``, once it is wanted."""
        if not self._is_covered or self._coverage is None or self._picture is None:
            return {}
        picture = self._picture
        return {"coverage": self._coverage.read(picture.states, picture.edges_of)}

    def ways(self) -> dict[str, str]:
        """Return the shortest way from here to what was not visited yet."""
        machine = self._component.state_machine
        layer, picture = self._coverage, self._picture
        if layer is None or picture is None or not isinstance(machine, ChartMachine):
            return {}
        layer.take()
        return ways_to_the_rest(machine, layer, picture.edges_of)

    def mermaid(self) -> str:
        """Return the chart as Mermaid text."""
        return visualize(self._component, "mermaid")

    # --- what changes with each message -----------------------------------------------

    def _last_edge(self) -> LastEdge:
        """Return the edge that was taken last, as far as the machine knows it."""
        machine = self._component.state_machine
        edge = None
        if self._picture is not None and isinstance(machine, ChartMachine):
            taken = machine.last_transitions
            edge = self._picture.edge_of.get(taken[-1]) if taken else None
        elif self._flow is not None and self._picture is not None:
            edge = self._edge_between(*self._moved, self._message)
        return LastEdge(edge=edge if self._steps else None, step=self._steps)

    def edge_of(self, step: Step) -> str | None:
        """Return the id of the edge that a step took last, as far as it is known."""
        if self._picture is None or step.is_beginning:
            return None
        if step.transitions:
            return self._picture.edge_of.get(step.transitions[-1])
        message = str(step.message.get("type"))
        return self._edge_between(step.from_state, step.state, message)

    def _edge_between(self, source: str, target: str, message: str) -> str | None:
        """Return the id of the edge between two states for a message."""
        for edge in self._flow.edges if self._flow is not None else ():
            known = (edge.source, edge.target, edge.message)
            if known == (source, target, message) and self._picture is not None:
                return self._picture.edge_of.get(edge.index)
        return None

    def state(self) -> dict[str, Any]:
        """Return the traits that may change with each message; Any as above."""
        active = list(self._component.states)
        parents = parents_of(active)
        verdicts = Verdicts(self._component, self._flow)
        return {
            "active": active,
            "parents": parents,
            "last": self._last_edge(),
            "since": self._since,
            "steps": self._steps,
            "edges": verdicts.edges({*active, *parents, ""}),
            "messages": [
                MessageInfo(
                    type=message,
                    enabled=not reason,
                    reason=reason,
                    fields=self._fields(message),
                )
                for message, reason in verdicts.reasons.items()
            ],
            **self._context_traits(),
            **self._coverage_trait(),
            **self._old_news(),
            "queue": self._queue(),
            "running": self._running.read(),
            "closed": self._closed(),
        }

    def next_look_s(self) -> float | None:
        """Return after how many seconds something may differ without an event."""
        return self._running.next_look_s()

    def _closed(self) -> str:
        """Return why the component takes no messages any more, or ``""``."""
        try:
            self._component.refuse_when_closed()
        except EngineClosedError as error:
            return f"{error.what}. {error.why or ''}".strip()
        return ""

    def _fields(self, message: str) -> list[Field]:
        """Return the fields that matter to a message in the present states."""
        component = self._component
        if component.chart is None:
            return self._content_field(message)
        found = chart_fields(component.chart, message, component.states)
        return [page_field(field) for field in found]

    def _content_field(self, message: str) -> list[Field]:
        """Return the content that a machine of classes asks for, as far as drawn."""
        state = self._component.state
        guards = [
            edge.guard
            for edge in (self._flow.edges if self._flow is not None else ())
            if edge.source == state and edge.message == message and edge.guard
        ]
        if not any("content" in guard for guard in guards):
            return []
        hint = " or ".join(guards)
        return [Field(name="content", kind="text", hint=hint, required=True)]

    def _queue(self) -> QueueInfo:
        """Return what waits and what is under way."""
        component = self._component
        busy = component.is_busy
        since = self._busy_since if busy else None
        return QueueInfo(pending=component.pending, busy=busy, since=since)

    def _context_traits(self) -> dict[str, Any]:
        """Return the context as display text, with what the last step changed."""
        context = self._component.context or {}
        shown = {
            str(key): short_json(value, _LONGEST_VALUE)
            for key, value in list(context.items())[:_MOST_KEYS]
        }
        if shown != self._context:
            self._previous = {
                key: self._context.get(key)
                for key, value in shown.items()
                if self._context.get(key) != value
            }
            if not self._context:
                self._previous = {}
            self._context = shown
        entries = [
            ContextEntry(
                key=key,
                value=value,
                previous=self._previous.get(key),
                changed=key in self._previous,
            )
            for key, value in shown.items()
        ]
        return {"context": entries, "context_more": len(context) - len(entries)}
