"""Read from a component what its views show: picture, states, messages, context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from flexiflow.chart_machine import ChartMachine
from flexiflow.errors import EngineClosedError, FlexiFlowError
from flexiflow.events import (
    COMPONENT_REGISTERED,
    MESSAGE_HANDLED,
    MESSAGE_RECEIVED,
    STATE_CHANGED,
)
from flexiflow.statechart import chart_fields
from flexiflow.visualize import flow_graph

from ..event_rows import short_json
from ..protocol import (
    ContextEntry,
    EdgeStatus,
    Field,
    LastEdge,
    MessageInfo,
    QueueInfo,
)
from .picture import Picture, draw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexiflow.component import AsyncComponent
    from flexiflow.events import Event
    from flexiflow.graph import FlowEdge, FlowGraph
    from flexiflow.statechart import Chart
    from flexiflow.statechart import Field as ChartField

__all__ = ["ComponentFacts"]

_LONGEST_VALUE: Final = 200
_NOT_FIRST: Final = "Another transition on this message is taken now."

_MOST_KEYS: Final = 100
"""Context keys that a page gets; the rest is counted."""


@final
class ComponentFacts:
    """What a view's traits say of a component.

    Parameters
    ----------
    component : AsyncComponent
        Whom to read; never changed here.
    """

    def __init__(self, component: AsyncComponent) -> None:
        self._component = component
        self._chart: Chart | None = None
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
        self._chart = chart
        if flow == self._flow:
            return {}
        self._flow, self._picture = flow, draw(flow)
        return {"dot": self._picture.dot, "graph": self._picture.graph}

    def note(self, events: list[Event]) -> None:
        """Follow the component through events that have come, oldest first.

        Cost: a few ns for each event; only the last of each kind is looked into.
        """
        facts = [event for event in events if type(event.data) is dict]
        latest = {event.name: event for event in facts}
        begun = latest.get(COMPONENT_REGISTERED)
        if begun is not None:
            self._steps, self._since = 0, begun.timestamp * 1000
            facts = [event for event in facts if event.seq > begun.seq]
        self._steps += sum(
            event.data.get("status") == "handled"
            for event in facts
            if event.name == MESSAGE_HANDLED
        )
        changed, received = latest.get(STATE_CHANGED), latest.get(MESSAGE_RECEIVED)
        if changed is not None:
            self._since = changed.timestamp * 1000
            data = changed.data
            self._moved = str(data.get("from_state")), str(data.get("to_state"))
        if received is not None:
            self._busy_since = received.timestamp * 1000
            message = received.data.get("message")
            is_message = isinstance(message, Mapping)
            self._message = str(message.get("type")) if is_message else ""

    def _last_edge(self) -> LastEdge:
        """Return the edge that was taken last, as far as the machine knows it."""
        machine = self._component.state_machine
        edge = None
        if self._picture is not None and isinstance(machine, ChartMachine):
            taken = machine.last_transitions
            edge = self._picture.edge_of.get(taken[-1]) if taken else None
        elif self._flow is not None and self._picture is not None:
            edge = self._edge_between(*self._moved)
        return LastEdge(edge=edge if self._steps else None, step=self._steps)

    def _edge_between(self, source: str, target: str) -> str | None:
        """Return the id of the edge between two states for the last message."""
        for edge in self._flow.edges if self._flow is not None else ():
            known = (edge.source, edge.target, edge.message)
            if known == (source, target, self._message) and self._picture is not None:
                return self._picture.edge_of.get(edge.index)
        return None

    def state(self) -> dict[str, Any]:
        """Return the traits that may change with each message; Any as above."""
        active = list(self._component.states)
        verdicts = self._verdicts()
        return {
            "active": active,
            "parents": _parents_of(active),
            "last": self._last_edge(),
            "since": self._since,
            "steps": self._steps,
            "edges": self._edges(active, verdicts),
            "messages": [
                MessageInfo(
                    type=message,
                    enabled=not reason,
                    reason=reason,
                    fields=self._fields(message),
                )
                for message, reason in verdicts.items()
            ],
            **self._context_traits(),
            "queue": self._queue(),
            "closed": self._closed(),
        }

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
        return [_page_field(field) for field in found]

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

    def _verdicts(self) -> dict[str, str]:
        """Return each message type with why it does nothing now, or ``""``."""
        chart = self._component.chart
        if chart is not None:
            types: Iterable[str] = chart.messages
        else:
            edges = self._flow.edges if self._flow is not None else ()
            types = dict.fromkeys(edge.message for edge in edges)
        return {message: self._reason(message) for message in types}

    def _reason(self, message: str) -> str:
        """Return why a bare message does nothing now; a guard's error is a reason."""
        component = self._component
        try:
            reason = str(component.why_not(message))
        except FlexiFlowError as error:
            cause = error.__cause__
            detail = f" {type(cause).__name__}: {cause}" if cause is not None else ""
            return f"{error.what}{detail}"
        if reason or component.chart is not None:
            return reason
        return self._reason_by_picture(message)

    def _reason_by_picture(self, message: str) -> str:
        """Return why a machine of classes does not take a message, as far as drawn."""
        state = self._component.state
        edges = self._flow.edges if self._flow is not None else ()
        here = [edge.message for edge in edges if edge.source == state]
        if not here or message in here:
            return ""
        sources = dict.fromkeys(
            edge.source for edge in edges if edge.message == message
        )
        return f"Not in {state}. It is accepted in {', '.join(sources)}."

    def _edges(
        self, active: list[str], verdicts: Mapping[str, str]
    ) -> dict[str, EdgeStatus]:
        """Say of each edge whether its message takes it now, and why not."""
        if self._flow is None:
            return {}
        here = {*active, *_parents_of(active), ""}
        taken, blocked = self._choices(verdicts)
        statuses: dict[str, EdgeStatus] = {}
        for position, edge in enumerate(self._flow.edges):
            reason = self._edge_reason(edge, here, verdicts, taken)
            if reason == _NOT_FIRST and edge.index in blocked:
                reason = blocked[edge.index]
            statuses[f"e{position}"] = EdgeStatus(enabled=not reason, reason=reason)
        return statuses

    def _edge_reason(
        self,
        edge: FlowEdge,
        here: set[str],
        verdicts: Mapping[str, str],
        taken: set[int],
    ) -> str:
        """Return why an edge cannot be taken by a click, or ``""``."""
        if edge.trigger != "message":
            return f"{edge.message} comes by itself; it is not sent."
        if edge.message not in verdicts:
            return f"{edge.message} stands for several messages. Type one below."
        if edge.source not in here:
            why = verdicts[edge.message]
            here_now = " and ".join(self._component.states)
            return why or f"Not in {here_now}. This edge leaves {edge.source}."
        if verdicts[edge.message]:
            return verdicts[edge.message]
        is_taken = edge.index in taken or self._component.chart is None
        return "" if is_taken else _NOT_FIRST

    def _choices(self, verdicts: Mapping[str, str]) -> tuple[set[int], dict[int, str]]:
        """Return which transitions are taken now, and why others are passed over."""
        component = self._component
        machine = component.state_machine
        taken: set[int] = set()
        passed: dict[int, str] = {}
        if not isinstance(machine, ChartMachine):
            return taken, passed
        for message, reason in verdicts.items():
            if not reason:
                taken.update(machine.would_take({"type": message}, component))
                passed.update(
                    {
                        item.transition_index: item.text
                        for item in component.why_not(message).candidates
                    }
                )
        return taken, passed

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


def _page_field(field: ChartField) -> Field:
    """Describe a field to the page."""
    shown = Field(
        name=field.name, kind=field.kind, hint=field.hint, required=field.required
    )
    if field.choices:
        shown["choices"] = list(field.choices)
    return shown


def _parents_of(active: Iterable[str]) -> list[str]:
    """Return the paths of the states around the active leaves, outermost first."""
    found: dict[str, None] = {}
    for path in active:
        parts = path.split(".")
        for depth in range(1, len(parts)):
            found[".".join(parts[:depth])] = None
    return list(found)
